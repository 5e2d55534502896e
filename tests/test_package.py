"""What is installed: its BLAS, its imports, its licenses, its documentation."""

from __future__ import annotations

import doctest
import filecmp
import importlib
import inspect
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest

import gramian as gm
from gramian import _backend, reference
from gramian._registry import MEASURES

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGE = Path(gm.__file__).parent
BLAS = Path(_backend._cpu.__file__).with_name("libscipy_openblas64_.so")
MODULES = ["gramian", *(f"gramian.{path.stem}" for path in sorted(PACKAGE.glob("[!_]*.py")))]

bundled_only = pytest.mark.skipif(not BLAS.exists(), reason="built with GRAMIAN_BLAS=system")


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


def test_import_is_quick() -> None:
    script = (
        "import numpy, time; start = time.process_time(); import gramian;"
        "print(time.process_time() - start)"
    )
    assert min(float(run(script)) for _ in range(5)) < 0.15


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
    assert filecmp.cmp(
        BLAS, str(installed.locate_file(f"scipy_openblas64/lib/{BLAS.name}")), shallow=False
    )
    assert Path(_backend._cpu.blas_path()).samefile(BLAS)
    assert "USE64BITINT" in _backend.info()["BLAS"]


@bundled_only
def test_blas_has_one_thread_and_numpys_is_left_alone() -> None:
    shown = run(
        f"""
import numpy as np
from pathlib import Path
from threadpoolctl import threadpool_info

def threads():
    return {{
        Path(pool["filepath"]).parent.name: pool["num_threads"] for pool in threadpool_info()
    }}

before = threads()
import gramian as gm
X = np.random.default_rng(0).standard_normal((600, 50))
for n in (1, 3):
    gm.set_num_threads(n)
    gm.compare([X, X[:, :20]])
    after = threads()
    assert after.pop({BLAS.parent.name!r}) == 1
    assert after == before
print(len(before))
"""
    )
    assert int(shown) >= 1


@bundled_only
def test_another_blas_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    other = tmp_path / BLAS.name
    other.touch()
    monkeypatch.setattr(_backend._cpu, "blas_path", lambda: str(other))
    with pytest.raises(ImportError, match="instead of its own"):
        _backend._check_blas()


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


@pytest.mark.parametrize("name", MODULES)
def test_doctests(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_readme() -> None:
    """Its examples run, and its set-up is what CI does."""
    done = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert done.failed == 0
    assert done.attempted >= 15
    setup = ('pip install ".[plot]" && gramian demo', 'pip install ".[test]" && pytest')
    readme = (ROOT / "README.md").read_text("utf-8").splitlines()
    ci = (ROOT / ".ci" / "run").read_text("utf-8")
    for line in setup:
        assert line in readme
        assert f"run '{line}" in ci


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
        for module in (gm, reference):
            parameters = inspect.signature(getattr(module, row.function or name)).parameters
            assert {*row.options, *row.fixed} <= set(parameters)
