"""The modules of a model that patterns name, and what cannot be recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

from .._extras import require
from .._input.layers import matching
from .._input.options import refuse_type

__all__ = ["check_model", "found_layers", "uncompiled"]

Module = Any  # torch is not installed where types are checked

_COMPILED = (
    "is compiled by torch.compile, whose code does not call hooks that come later: record the "
    "model before it is compiled{}"
)


def check_model(model: Any, argument: str = "model") -> Module:
    """Refuse what is no module, or one that calls others where hooks see nothing, or too much."""
    torch = require("torch", "torch")
    if not isinstance(model, torch.nn.Module):
        raise refuse_type(argument, "a torch.nn.Module", model)
    refused = _refusal(model)
    if refused is not None:
        raise ValueError(f"{argument} {refused}.")
    return model


def found_layers(model: Module, patterns: Sequence[str], argument: str = "model") -> dict[str, Any]:
    """Return the modules that match, by name, each once however many names it has."""
    torch = require("torch", "torch")
    never_called = (torch.nn.ModuleList, torch.nn.ModuleDict)
    named = {
        name: module
        for name, module in model.named_modules(remove_duplicate=False)
        if name and not isinstance(module, never_called)
    }
    if not patterns:
        listed = ", ".join(map(repr, [*named][:20])) + (", ..." if len(named) > 20 else "")
        raise ValueError(f"layers must name some layers of {argument}, which has {listed}.")
    found: dict[str, Any] = {}
    for pattern in patterns:
        matching([*named], [pattern], argument)
    for name in matching([*named], patterns, argument):
        _check_reached(model, name, argument)
        if not any(named[name] is module for module in found.values()):
            found[name] = named[name]
    return found


def uncompiled(hook: Callable[..., Any]) -> Callable[..., Any]:
    """Return a hook that torch.compile leaves out of what it compiles, and calls as it is."""
    torch = require("torch", "torch")

    def call(*args: Any) -> Any:
        return hook(*args)

    # Loading the compiler takes 2.6 s, and without it nothing has been compiled.
    disable = torch.compiler.disable if "torch._dynamo" in sys.modules else None
    return call if disable is None else disable(call)


def _refusal(module: Module) -> str | None:
    """Say why hooks below a module would not do, if so."""
    torch = require("torch", "torch")
    if hasattr(module, "_orig_mod"):
        return _COMPILED.format(", model._orig_mod")
    if getattr(module, "_compiled_call_impl", None) is not None:
        return _COMPILED.format("")
    if isinstance(module, torch.nn.DataParallel):
        return (
            "is a DataParallel, whose replicas run in threads of their own and call hooks in no "
            "order: record model.module, on one device"
        )
    if isinstance(module, torch.jit.ScriptModule):
        return "is compiled by TorchScript, whose code does not call hooks: record the original"
    return None


def _check_reached(model: Module, name: str, argument: str) -> None:
    """Refuse a layer inside of what hooks do not reach; such a module itself may be a layer."""
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        inner = ".".join(parts[:depth])
        module = model.get_submodule(inner)
        refused = _refusal(module)
        calls_hooks = depth == len(parts) and getattr(module, "_compiled_call_impl", None) is None
        if refused is not None and not calls_hooks:
            raise ValueError(f"layer {name!r} of {argument} is in {inner!r}, which {refused}.")
