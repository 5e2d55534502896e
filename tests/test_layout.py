"""How the sources hang together: layers, sizes, and one importer of the compiled module."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CPP = ROOT / "cpp"
CORE = CPP / "gramian"
HEADERS = [*CPP.rglob("*.hpp"), *CPP.rglob("*.cpp"), *CPP.rglob("*.cu"), *CPP.rglob("*.cuh")]
PYTHON = sorted((ROOT / "python").rglob("*.py"))


# The contract: what every layer may see, and what sees nothing but the standard library.
CONTRACT = {
    CORE / f"{name}.hpp"
    for name in ("backend", "column_statistics", "hardware", "kernels", "roots")
}
SHARED = ("core", "gram", "bases", "measures", "streaming")  # by all backends
# Headers of libraries; everything else in angle brackets has no suffix, as C++'s own.
VENDORS = {
    "bindings": ("pthread.h", "pybind11/", "unistd.h"),
    "cpu": (
        "cpuid.h",
        "dlfcn.h",
        "gramian_own",
        "immintrin.h",
        "pthread.h",
        "sched.h",
        "sys/",
        "unistd.h",
    ),
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


@pytest.mark.parametrize("path", HEADERS)
def test_cpp_layers(path: Path) -> None:
    """Measures know the backend's contract only; backends know no measure, nor each other."""
    here = layer(path)
    allowed = {
        "core": {"core"},
        "gram": {"core", "gram"},
        "bases": {"core", "bases"},
        "measures": {"core", "gram", "bases", "measures"},
        "streaming": {"core", "streaming"},
        "bindings": {*SHARED, "bindings", "cpu", "cuda"},
    }.get(here, {here})
    for other in own_includes(path):
        assert other.exists(), f"{named(path)} includes {other}, which is not there"
        assert layer(other) in allowed or other in CONTRACT, f"{named(path)} includes {other}"
        assert path not in CONTRACT or other in CONTRACT, f"{named(path)} includes {other}"


@pytest.mark.parametrize("path", HEADERS)
def test_vendors(path: Path) -> None:
    """BLAS, CUDA and pybind11 stay where they belong."""
    allowed = VENDORS.get(layer(path), ())
    for name in includes(path):
        library = name[0] == "<" and ("." in name or "/" in name)
        assert not library or name[1:].startswith(allowed), f"{named(path)} includes {name}>"
    if layer(path) in SHARED:
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


PACKAGE = ROOT / "python" / "gramian"
# The floors of the package, from the ground up; what a file imports is not above it.
FLOORS = [
    {"_version", "_extras"},
    {"_core"},
    {"_input"},
    {"_show"},
    {"_measures"},
    {"_inference"},
    {"_compare"},
    {"_streaming", "_recording", "_distributed"},
    {"", "reference", "typing"},
    {"compat", "_cli"},
    {"__main__", "gpu_check"},
]
FAMILIES = {path.name for path in (PACKAGE / "_measures").iterdir() if (path / "rows.py").exists()}
COMPILED = (["_cpu"], ["_cuda"])
# Packages whose import takes longer than ours, or that need not be installed.
HEAVY = {"torch", "dask", "jax", "cupy", "scipy", "sklearn", "matplotlib", "pandas", "nvidia"}


def module_of(path: Path) -> str:
    """The dotted name of a file below the package; "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in PYTHON}


def resolve(name: str) -> str:
    """The module that holds what a dotted name below the package stands for."""
    while name and name not in MODULES:
        name = name.rpartition(".")[0]
    return name


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Absolute names of what a file imports, whether as a statement anywhere or as a string.

    With each, whether it is imported when the file is.
    """
    own = ("gramian", *path.relative_to(PACKAGE).parts[:-1])
    tree = ast.parse(path.read_text("utf-8"))
    later = {
        inner
        for outer in ast.walk(tree)
        if isinstance(outer, (ast.FunctionDef, ast.If))
        for inner in ast.walk(outer)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node not in later) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(own[: len(own) + 1 - node.level]) if node.level else ""
            start = ".".join(filter(None, (base, node.module)))
            yield from ((f"{start}.{alias.name}", node not in later) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args:
            called, first = ast.unparse(node.func), node.args[0]
            if called in ("importlib.import_module", "import_module", "require", "__import__"):
                if isinstance(first, ast.Constant):
                    yield first.value, False
                else:  # the loader of `_cuda`, of the extras, and of what a user names
                    loaders = {"_core.modules", "_extras", "_cli.record"}
                    assert module_of(path) in loaders, named(path)


def own_imports(path: Path) -> set[str]:
    """Modules of the package that a file of it imports, by their names below the package."""
    found = {
        resolve(name.partition(".")[2])
        for name, _ in imports(path)
        if name.partition(".")[0] == "gramian" and name.split(".")[1:2] not in COMPILED
    }
    return found - {module_of(path)}


def is_for_references(module: str) -> bool:
    """Whether a module is of the references, or is what a measure means: its options and results.

    All else of a family is its compiled path, with which a reference that checks it has no code in
    common.
    """
    name = module.split(".")[-1]
    shared = {"checks", "kernels", "ranks", "results", "splits", "_extras"}
    return name in shared or name.startswith("reference")


def floor(module: str) -> int:
    wing = module.partition(".")[0]
    return next(i for i, wings in enumerate(FLOORS) if wing in wings)


@pytest.mark.parametrize("path", PYTHON)
def test_python_floors(path: Path) -> None:
    """No import goes up, and none from one family of measures to another."""
    module = module_of(path)
    _, _, inside = module.partition("_measures.")
    family = inside.partition(".")[0]
    for other in own_imports(path):
        where = f"{named(path)} imports {other or 'the package'}"
        assert floor(other) <= floor(module), where
        if family in FAMILIES and other.startswith("_measures."):
            theirs = other.split(".")[1]
            assert theirs == family or theirs not in FAMILIES, where
            assert theirs != "registry", where
        if path.stem.startswith("reference") and module.startswith("_measures."):
            assert floor(other) == floor("_input") or is_for_references(other), where
            assert other != "_input.read", where
        if module.startswith("_show"):
            assert other.partition(".")[0] in {"_show", "_extras"}, where


# What the command line takes from below the face, and the check of a device.
BELOW_THE_FACE = {
    "_core.modules": "`gramian info` tells what is loaded, which no public function does",
    "_extras": "a missing package is named before the work, not after it",
    "_input.files": "it reads files, which no public function does yet",
    "_input.notes": "what such a file says of its layers",
    "_input.options": "its flags take words in any case, as options do",
    "_input.progress": "its line says how far long work has come, as progress=True does",
    "_input.write": "its pictures are written as `save` writes, which no public function does",
    "_measures.measure": "the types of what the table holds",
    "_measures.registry": "its flags are the options of the table of measures",
}

CHECKED_BELOW_THE_FACE = {
    "_core.modules": "whether there is a device, which no public function tells",
    "_measures.measure": "the types of what the table holds",
    "_measures.registry": "every measure is checked, with each of its options",
}


def test_outsiders_import_the_face_alone() -> None:
    """What `compat` and the command line do, anyone can."""
    taken = {wing: set[str]() for wing in ("_cli", "compat", "gpu_check")}
    for module, path in MODULES.items():
        if (wing := module.partition(".")[0]) in taken:
            taken[wing] |= {name for name in own_imports(path) if name.partition(".")[0] != wing}
    assert taken["compat"] <= {"", "reference", "typing"}
    assert taken["_cli"] == {"", "typing", *BELOW_THE_FACE}
    assert taken["gpu_check"] == {"", "typing", *CHECKED_BELOW_THE_FACE}


def test_nothing_imports_the_check_of_a_device() -> None:
    """It is a program, which `import gramian` neither loads nor needs."""
    for module, path in MODULES.items():
        if not module.startswith("gpu_check"):
            assert not any(name.startswith("gpu_check") for name in own_imports(path)), module


@pytest.mark.parametrize("path", PYTHON)
def test_heavy_packages_are_imported_where_they_are_needed(path: Path) -> None:
    for name, early in imports(path):
        assert not early or name.partition(".")[0] not in HEAVY, f"{named(path)} imports {name}"


def test_python_has_no_cycles() -> None:
    done: set[str] = set()

    def visit(module: str, above: tuple[str, ...]) -> None:
        assert module not in above, " -> ".join((*above, module))
        if module not in done:
            for other in own_imports(MODULES[module]):
                visit(other, (*above, module))
            done.add(module)

    for module in MODULES:
        visit(module, ())


def test_faces_define_nothing() -> None:
    for module in ("", "reference", "typing", "__main__"):
        tree = ast.parse(MODULES[module].read_text("utf-8"))
        for node in tree.body:
            assert not isinstance(node, (ast.FunctionDef, ast.ClassDef)), f"{module}: {node.name}"


def modules_imported(path: Path) -> set[str]:
    """Names of the modules that a file of the package imports, and of what it takes from it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(alias.name for alias in node.names)}
    return found


def test_one_file_imports_the_compiled_modules() -> None:
    compiled = {"_cpu", "_cuda", "gramian._cpu", "gramian._cuda"}
    importers = {module_of(path) for path in PYTHON if modules_imported(path) & compiled}
    assert importers == {"_core.modules"}
