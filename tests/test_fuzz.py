"""The fuzz of tests/fuzz: that it finds what it looks for, and nothing in a few seconds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parent / "fuzz"
FAULTS = {
    "crash": "dies: SIGABRT",
    "exit": "dies: exit code 3",
    "hang": "takes more than 1 s",
    "print": "prints b'hello'",
    "type": "not documented, KeyError: ",
    "unnamed": "names no argument of n: ValueError: 'number must be 1.'",
    "signature": "not of this library, TypeError: 'n: incompatible function arguments'",
    "long": "is 10001 characters long: ",
    "taken": "is taken",
}


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(FUZZ), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", FAULTS)
def test_what_it_finds(name: str) -> None:
    code, said = run("--case", f"own/{name}", "--patience", "1")
    assert said.startswith(f"own/{name}: {FAULTS[name]}")
    assert "1 cases, 1 faults" in said
    assert code == 1


def test_what_is_no_fault() -> None:
    code, said = run("--case", "own/good", "--seed", "5")
    assert (code, said) == (0, "seed 5: 1 cases, 0 faults\n")
    code, said = run("--case", "combined/3/70000")
    assert (code, said.endswith(": 1 cases, 0 faults\n")) == (0, True)


def test_a_few_seconds_of_it() -> None:
    code, said = run("--seed", "0", "--seconds", "10")
    assert code == 0, said
    assert int(said.split()[2]) > 10
