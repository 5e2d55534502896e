"""How the sources hang together: layers, sizes, and one importer of the compiled module."""

from __future__ import annotations

import ast
import re
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CPP = ROOT / "cpp"
CORE = CPP / "gramian"
HEADERS = [*CPP.rglob("*.hpp"), *CPP.rglob("*.cpp"), *CPP.rglob("*.cu"), *CPP.rglob("*.cuh")]
PYTHON = sorted((ROOT / "python").rglob("*.py"))

LONGEST = 300

# The contract: what every layer may see, and what sees nothing but the standard library.
CONTRACT = {CORE / name for name in ("backend.hpp", "hardware.hpp", "kernels.hpp")}
# Headers of libraries; everything else in angle brackets has no suffix, as C++'s own.
VENDORS = {
    "bindings": ("pybind11/",),
    "cpu": ("dlfcn.h", "immintrin.h", "pthread.h", "sched.h", "sys/mman.h", "unistd.h"),
    "cuda": ("cublas", "cuda", "cusolver", "unistd.h"),
}


def layer(path: Path) -> str:
    """The part of the C++ sources that a file belongs to."""
    parts = path.relative_to(CPP).parts
    if parts[0] == "bindings":
        return "bindings"
    return parts[1] if len(parts) > 2 else "core"


def includes(path: Path) -> Iterator[str]:
    yield from re.findall(r'^\s*#\s*include\s+([<"][^>"]+)[>"]', path.read_text("utf-8"), re.M)


def own_includes(path: Path) -> list[Path]:
    return [(path.parent / name[1:]).resolve() for name in includes(path) if name[0] == '"']


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_something_is_read() -> None:
    assert len(HEADERS) > 20
    assert len(PYTHON) > 10


@pytest.mark.parametrize("path", HEADERS, ids=named)
def test_cpp_layers(path: Path) -> None:
    """Measures know the backend's contract only; backends know no measure, nor each other."""
    here = layer(path)
    allowed = {
        "core": {"core"},
        "gram": {"core", "gram"},
        "bases": {"core", "bases"},
        "measures": {"core", "gram", "bases", "measures"},
        "bindings": {"core", "gram", "bases", "measures", "bindings", "cpu", "cuda"},
    }.get(here, {here})
    for other in own_includes(path):
        assert other.exists(), f"{named(path)} includes {other}, which is not there"
        assert layer(other) in allowed or other in CONTRACT, f"{named(path)} includes {other}"
        assert path not in CONTRACT or other in CONTRACT, f"{named(path)} includes {other}"


@pytest.mark.parametrize("path", HEADERS, ids=named)
def test_vendors(path: Path) -> None:
    """BLAS, CUDA and pybind11 stay where they belong."""
    allowed = VENDORS.get(layer(path), ())
    for name in includes(path):
        library = name[0] == "<" and ("." in name or "/" in name)
        assert not library or name[1:].startswith(allowed), f"{named(path)} includes {name}>"
    if layer(path) in ("core", "gram", "bases", "measures"):
        assert not re.search(r"#\s*if.*CUDA", path.read_text("utf-8"))


def test_cpp_has_no_cycles() -> None:
    done: set[Path] = set()

    def visit(path: Path, above: tuple[Path, ...]) -> None:
        assert path not in above, " -> ".join(map(named, (*above, path)))
        if path not in done:
            for other in own_includes(path):
                visit(other, (*above, path))
            done.add(path)

    for path in HEADERS:
        visit(path, ())


def modules_imported(path: Path) -> set[str]:
    """Names of the modules that a file of the package imports, and of what it takes from it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(alias.name for alias in node.names)}
    return found


def test_backend_alone_imports_the_compiled_modules() -> None:
    importers = {path.name for path in PYTHON if modules_imported(path) & {"_cpu", "_cuda"}}
    assert importers == {"_backend.py"}


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
    folders = (ROOT / name for name in ("bench", "cpp", "python", "tests"))
    for path in (path for folder in folders for path in folder.rglob("*")):
        if path.suffix in {".py", ".hpp", ".cpp", ".cu", ".cuh", ".cmake"}:
            lines = len(path.read_text("utf-8").splitlines())
            lines -= docstring_lines(path) if path.suffix == ".py" else 0
            if lines > LONGEST:
                long[named(path)] = lines
    assert long == {}


def test_no_leftovers() -> None:
    """No work is left for later without an issue that says so."""
    for path in (*HEADERS, *PYTHON):
        for line in path.read_text("utf-8").splitlines():
            assert not re.search(r"\b(TODO|FIXME|XXX)\b(?!.*#\d)", line), f"{named(path)}: {line}"


def test_python_sources_are_utf8() -> None:
    for path in PYTHON:
        with path.open("rb") as file:
            assert tokenize.detect_encoding(file.readline)[0].startswith("utf-8")


def test_hooks_have_the_versions_of_the_dev_extra() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pins = {pin for pin in project["optional-dependencies"]["dev"] if "==" in pin}
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    assert pins == set(re.findall(r"[\w-]+==[\d.]+", hooks))
