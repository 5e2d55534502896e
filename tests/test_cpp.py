"""The C++ tests, built by CMake with the tools of the `test` extra; each of CTest's is one here."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "cpp-tests"  # kept: what has not changed is not compiled again
SCRIPTS = sysconfig.get_path("scripts")  # of this environment, activated or not
ENVIRONMENT = os.environ | {"PATH": os.pathsep.join((SCRIPTS, os.environ.get("PATH", "")))}


def tool(name: str) -> str:
    path = shutil.which(name, path=ENVIRONMENT["PATH"])
    assert path, f'{name} is missing: pip install ".[test]"'
    return path


def run(name: str, *arguments: str) -> str:
    """Run a tool to its end and return what it printed."""
    command = (tool(name), *arguments)
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def alone() -> Iterator[None]:
    """Keep the other workers of a parallel run out of the folder."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def configure() -> None:
    run(
        *("cmake", "-S", str(ROOT / "tests" / "cpp"), "-B", str(BUILD), "-G", "Ninja"),
        *("-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={sys.executable}"),
        f"-DCMAKE_MAKE_PROGRAM={tool('ninja')}",  # another environment's may be gone
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "ctest" in metafunc.fixturenames:
        with alone():
            configure()
            listed = run("ctest", "--test-dir", str(BUILD), "--show-only=json-v1")
        metafunc.parametrize("ctest", [test["name"] for test in json.loads(listed)["tests"]])


@pytest.fixture(scope="session")
def built() -> None:
    """The programs, built by whoever comes first."""
    with alone():
        run("cmake", "--build", str(BUILD))


@pytest.mark.usefixtures("built")
def test_cpp(ctest: str) -> None:
    which = ("-R", f"^{ctest}$", "--no-tests=error")
    assert "1/1 Test" in run("ctest", "--test-dir", str(BUILD), *which, "--output-on-failure")
