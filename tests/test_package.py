"""What is installed: its BLAS, its imports, its licenses, its documentation."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pytest
from children import child

import gramian as gm
from gramian import reference
from gramian._core import modules
from gramian._measures.registry import MEASURES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGE = Path(gm.__file__).parent
BLAS = Path(modules.cpu.__file__).with_name("libgramian_openblas_.so")
SOURCES = sorted(PACKAGE.rglob("*.py"))

bundled_only = pytest.mark.skipif(not BLAS.exists(), reason="built with GRAMIAN_BLAS=system")


def original_blas() -> Path:
    """The library that was copied into the package."""
    file = "scipy_openblas64/lib/libscipy_openblas64_.so"
    return Path(str(distribution("scipy-openblas64").locate_file(file)))


def run(script: str) -> str:
    """Run a script in a fresh process, which must not write to stderr."""
    # Compiled sources may be kept, or a package in development would be slow to import.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


def test_import_loads_numpy_only() -> None:
    loaded = run(
        "import sys; before = set(sys.modules); import gramian;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    assert set(loaded.split()) - sys.stdlib_module_names == {"gramian", "numpy"}


def test_import_leaves_slow_modules_alone() -> None:
    """Of the standard library: each of these takes 5 to 15 ms. bench/ times the whole import."""
    loaded = run(
        "import sys, numpy; before = set(sys.modules); import gramian;"
        "print(*sorted(set(sys.modules) - before))"
    )
    slow = {"asyncio", "decimal", "hashlib", "html", "importlib.metadata", "logging"}
    slow |= {"multiprocessing", "statistics", "string", "tempfile", "unittest", "xml"}
    assert not slow & set(loaded.split())


@bundled_only
def test_blas_is_the_pinned_build() -> None:
    pins = {
        requirement
        for requirements in (
            PROJECT["build-system"]["requires"],
            *PROJECT["project"]["optional-dependencies"].values(),
        )
        for requirement in requirements
        if requirement.startswith("scipy-openblas64")
    }
    assert len(pins) == 1
    name, pinned = pins.pop().split("==")
    installed = distribution(name)
    assert installed.version == pinned
    original, copy = (np.fromfile(path, dtype=np.uint8) for path in (original_blas(), BLAS))
    assert original.size == copy.size
    # Its name, and the tag of one entry of its dynamic section: see cpp/own_blas.py.
    assert 0 < np.count_nonzero(original != copy) <= len(BLAS.name) + 8
    assert Path(modules.cpu.blas_path()).samefile(BLAS)
    assert "USE64BITINT" in modules.info()["BLAS"]


@bundled_only
def test_blas_has_one_thread_and_numpys_is_left_alone() -> None:
    shown = run(
        f"""
import ctypes
import numpy as np
from threadpoolctl import threadpool_info

def threads():
    return {{pool["filepath"]: pool["num_threads"] for pool in threadpool_info()}}

before = threads()
import gramian as gm
X = np.random.default_rng(0).standard_normal((600, 50))
for n in (1, 3):
    gm.set_num_threads(n)
    gm.compare([X, X[:, :20]])
    assert threads() == before
    assert ctypes.CDLL({str(BLAS)!r}).scipy_openblas_get_num_threads64_() == 1
print(len(before))
"""
    )
    assert int(shown) >= 1


@bundled_only
@pytest.mark.parametrize("how", ["LD_LIBRARY_PATH", "LD_PRELOAD"])
@pytest.mark.parametrize("lacks", ["", "scipy_cblas_dgemm64_"])
def test_another_blas_of_these_names(how: str, lacks: str, tmp_path: Path) -> None:
    """It is found first, or global: neither used, nor set to one thread, nor in the way."""
    other = tmp_path / "libscipy_openblas64_.so"
    symbol = b"\0" + lacks.encode() + b"\0"
    library = original_blas().read_bytes()
    other.write_bytes(library.replace(symbol, symbol.upper()) if lacks else library)
    shown = child(
        """
        import numpy as np, gramian as gm
        X, Y = np.random.default_rng(0).standard_normal((2, 100, 20))
        print(abs(gm.cca(X, Y).mean - gm.cca(X, Y, device="reference").mean) < 1e-12)
        print(gm._core.modules.cpu.blas_path())
        """,
        environment={how: str(tmp_path if how == "LD_LIBRARY_PATH" else other)},
    )
    assert shown.split() == ["True", str(BLAS)]


@bundled_only
def test_another_blas_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / BLAS.name
    other.touch()
    monkeypatch.setattr(modules.cpu, "blas_path", lambda: str(other))
    with pytest.raises(ImportError, match="instead of its own"):
        modules._check_blas()


def test_licenses_ship() -> None:
    texts = {
        file.name: file.read_text()
        for file in distribution("gramian").files or ()
        if "licenses" in file.parts
    }
    assert set(texts) == {"LICENSE", "pybind11.txt", "scipy-openblas64.txt"}
    assert "gramian developers" in texts["LICENSE"]
    for file in distribution("scipy-openblas64").files or ():
        if file.name == "LICENSE.txt":
            assert texts["scipy-openblas64.txt"] == file.read_text()


def test_version() -> None:
    installed = distribution("gramian").version
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    newest = re.search(r"^## (\d\S*)", changelog, re.M)
    assert newest is not None
    assert gm.__version__ == installed == newest[1]


def test_types_ship() -> None:
    assert (PACKAGE / "py.typed").exists()


def docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Every docstring with an example in a file of the package, and whose it is."""

    def visit(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
        documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if isinstance(node, documented) and ">>> " in (text := ast.get_docstring(node) or ""):
            yield name, text
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, (ast.ClassDef, ast.FunctionDef)):
                yield from visit(inner, f"{name}.{inner.name}")

    yield from visit(ast.parse(path.read_text("utf-8")), str(path.relative_to(PACKAGE)))


EXAMPLES = dict(found for path in SOURCES for found in docstrings(path))


def test_examples_are_found() -> None:
    """As many as before the modules were sorted into folders, or more."""
    parser = doctest.DocTestParser()
    assert len(EXAMPLES) >= 42
    assert sum(len(parser.get_examples(text)) for text in EXAMPLES.values()) >= 145


@pytest.mark.parametrize("name", EXAMPLES)
def test_doctests(name: str) -> None:
    """From the sources, since doctest's finder passes over what a decorator has wrapped."""
    if "import torch" in EXAMPLES[name]:
        pytest.importorskip("torch")
    examples = doctest.DocTestParser().get_doctest(EXAMPLES[name], {}, name, name, 0)
    assert doctest.DocTestRunner().run(examples).failed == 0


def test_readme() -> None:
    """Its examples run, and its set-up is what CI does."""
    pytest.importorskip("torch")
    done = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert done.failed == 0
    assert done.attempted >= 15
    setup = ('pip install ".[plot]" && gramian demo', 'pip install ".[test]" && pytest')
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()
    ci = (ROOT / ".ci" / "cpu").read_text("utf-8")
    for line in setup:
        assert line in readme
        assert re.search(rf"^run.* '{re.escape(line)}'$", ci, re.M)


def test_table_of_measures() -> None:
    """That of docs/choosing.md is that of the rows: `python docs/measures.py` writes it."""
    docs = runpy.run_path(str(ROOT / "docs" / "measures.py"))
    page = docs["PAGE"].read_text("utf-8")
    assert page == docs["updated"](page)
    assert all(f"| `{name}` |" in page for name in MEASURES)


FUNCTIONS = [name for name in gm.__all__ if inspect.isfunction(getattr(gm, name))]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_documented(name: str) -> None:
    """Numpydoc: every parameter, and an example, which `test_doctests` runs."""
    function = getattr(gm, name)
    doc = inspect.getdoc(function) or ""
    for parameter in inspect.signature(function).parameters:
        assert re.search(rf"^Parameters\n-+\n(.*\n)*.*\b{parameter}\b", doc, re.M), parameter
    assert re.search(r"^Examples\n-+\n(.*\n)*>>> ", doc, re.M)


def test_registry() -> None:
    """One row a measure: a public function, a reference, the options of both."""
    assert gm.measures() == list(MEASURES)
    for name, row in MEASURES.items():
        assert row.name == name
        assert row.distance == ("_distance" in name)
        assert row.citation
        assert getattr(gm, row.function.__name__) is row.function
        assert getattr(reference, row.reference.__name__) is row.reference
        assert row.normalized == ("scaling" in row.invariances)
        for function in (row.function, row.reference):
            parameters = inspect.signature(function).parameters
            assert {*row.option_names, *row.fixed} <= set(parameters)
            for option in row.options:
                is_default = parameters[option.name].default == option.default
                assert is_default or (name, option.name) == ("sparse_prediction", "alphas")
        assert not set(row.option_names) & set(row.fixed)
        assert row.recorded({}) == row.recorded(
            {option.name: option.default for option in row.options}
        )


def test_every_number_is_a_measure() -> None:
    """What returns one number has a name for `compare`."""
    known = {row.function.__name__ for row in MEASURES.values()}
    numbers = {
        name
        for name in FUNCTIONS
        if str(inspect.signature(getattr(gm, name)).return_annotation).startswith("float")
    }
    assert len(numbers) >= 9
    assert numbers <= known


def test_public_classes_say_where_they_are() -> None:
    for name in gm.__all__:
        if inspect.isclass(value := getattr(gm, name)):
            assert value.__module__ == "gramian", name
