"""The stubs say of the compiled modules what is so."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import gramian
from gramian._core import modules

PACKAGE = Path(gramian.__file__).parent


def names_of(stub: str) -> dict[str, ast.stmt | None]:
    """What a stub has, by name; None for what it takes from the other."""
    found: dict[str, ast.stmt | None] = {}
    for node in ast.parse((PACKAGE / f"{stub}.pyi").read_text("utf-8")).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found[node.name] = node
        elif isinstance(node, ast.ImportFrom) and node.module == "_cpu":
            found |= {alias.name: None for alias in node.names}
    return found


def parameters(node: ast.FunctionDef) -> list[str]:
    listed = [*node.args.args, *node.args.kwonlyargs]
    return [argument.arg for argument in listed if argument.arg != "self"]


def bound(function: Any) -> list[str]:
    """Names of the parameters that pybind11 wrote into a docstring."""
    signature = function.__doc__.splitlines()[0].partition("->")[0]
    return [
        name for name in re.findall(r"[(,] (\w+):|\((\w+):", signature) for name in name if name
    ]


def test_stub(device: str) -> None:
    stub = "_cpu" if device == "cpu" else "_cuda"
    module: Any = modules.cpu if device == "cpu" else modules.cuda()
    listed = names_of(stub)
    assert {name for name in dir(module) if not name.startswith("_")} == set(listed)
    for name, node in (names_of("_cpu") | listed).items():
        if not hasattr(module, name):
            continue
        if isinstance(node, ast.FunctionDef):
            assert bound(getattr(module, name)) == parameters(node), name
        elif isinstance(node, ast.ClassDef):
            members = {
                member.name for member in node.body if isinstance(member, ast.FunctionDef)
            } | {
                member.targets[0].id
                for member in node.body
                if isinstance(member, ast.Assign) and isinstance(member.targets[0], ast.Name)
            }
            assert all(hasattr(getattr(module, name), member) for member in members), name
