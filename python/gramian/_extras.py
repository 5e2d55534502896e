"""What is imported where it is used: packages that are extras, and modules of our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any


def require(module: str, extra: str) -> Any:
    """Import `module`, or say which extra installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f'{package} is missing or broken ({error}); pip install "gramian[{extra}]"'
        ) from error


def on_demand(package: str, modules: Sequence[str]) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that imports some of its submodules when they are used."""

    def __getattr__(name: str) -> Any:  # noqa: N807
        if name in modules:
            return import_module(f"{package}.{name}")
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return __getattr__
