"""What holds for every source file: its length, its encoding, nothing left for later."""

from __future__ import annotations

import ast
import re
import tokenize
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / name for name in ("bench", "cpp", "python", "tests")]
SOURCES = [
    path
    for folder in FOLDERS
    for path in folder.rglob("*")
    if path.suffix in {".py", ".hpp", ".cpp", ".cu", ".cuh", ".cmake"}
]
PYTHON = sorted((ROOT / "python").rglob("*.py"))
LONGEST = 300


def docstring_lines(path: Path) -> int:
    """Lines of documentation, which the public functions have many of, and which do not count."""
    total = 0
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(
            node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        ) and ast.get_docstring(node):
            text = node.body[0]
            total += (text.end_lineno or text.lineno) - text.lineno + 1
    return total


def test_no_file_is_too_long() -> None:
    long = {}
    for path in SOURCES:
        lines = len(path.read_text("utf-8").splitlines())
        lines -= docstring_lines(path) if path.suffix == ".py" else 0
        if lines > LONGEST:
            long[str(path.relative_to(ROOT))] = lines
    assert long == {}


def test_no_leftovers() -> None:
    """No work is left for later without an issue that says so."""
    for path in SOURCES:
        if not path.is_relative_to(ROOT / "tests"):
            for line in path.read_text("utf-8").splitlines():
                assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d)", line), f"{path}: {line}"


def test_python_sources_are_utf8() -> None:
    for path in PYTHON:
        with path.open("rb") as file:
            assert tokenize.detect_encoding(file.readline)[0].startswith("utf-8")


def test_hooks_have_the_versions_of_the_dev_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = {pin for pin in project["optional-dependencies"]["dev"] if "==" in pin}
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert pins == set(re.findall(r"[\w-]+==[\d.]+", hooks))


def test_nothing_waits_for_a_lock_that_a_fork_may_leave_held() -> None:
    """Python 3.11's `cached_property` has one, as have the classes of `threading`."""
    locks = re.compile(r"import .*\bcached_property\b|\bthreading\.(R?Lock|Condition|Event)\(")
    assert not [str(path) for path in PYTHON if locks.search(path.read_text("utf-8"))]
