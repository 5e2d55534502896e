"""The C++ tests, built and run by CMake and CTest with the tools of the `test` extra."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

SOURCES = Path(__file__).parent / "cpp"
SCRIPTS = sysconfig.get_path("scripts")  # of this environment, activated or not
ENVIRONMENT = os.environ | {"PATH": os.pathsep.join((SCRIPTS, os.environ.get("PATH", "")))}


def run(*command: str) -> str:
    """Run a tool to its end and return what it printed."""
    tool = shutil.which(command[0], path=ENVIRONMENT["PATH"])
    assert tool, f'{command[0]} is missing: pip install ".[test]"'
    done = subprocess.run(
        (tool, *command[1:]), env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_cpp(tmp_path: Path) -> None:
    run(
        *("cmake", "-S", str(SOURCES), "-B", str(tmp_path), "-G", "Ninja"),
        *("-DCMAKE_BUILD_TYPE=Release", f"-DPython_EXECUTABLE={sys.executable}"),
    )
    run("cmake", "--build", str(tmp_path))
    report = run("ctest", "--test-dir", str(tmp_path), "--output-on-failure")
    assert "100% tests passed" in report
