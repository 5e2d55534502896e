"""GRAMIAN_NUM_THREADS is held to what `set_num_threads` takes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

USE = """
import numpy as np, gramian as gm
def use(call):
    try:
        return call()
    except ValueError as error:
        return error
X = np.eye(5)
print(use(gm.get_num_threads))
print(use(lambda: round(gm.cka(X, X), 9)))
print(use(lambda: gm.gram(X).shape))
gm.set_num_threads(3)
print(use(gm.get_num_threads))
print(use(lambda: round(gm.cka(X, X), 9)))
"""
REFUSED = {
    "letters": ("2abc", "2abc"),
    "power": ("1e3", "1e3"),
    "million": ("1000000", "1000000"),
    "beyond_int": ("99999999999", "99999999999"),
    "zero": ("0", "0"),
    "negative": ("-1", "-1"),
    "point": ("2.0", "2.0"),
    "hexadecimal": ("0x10", "0x10"),
    "two": ("1 2", "1 2"),
    "one_more": ("1025", "1025"),
    "accent": ("\u00e9", "??"),
    "long": ("9" * 1000, "9" * 40),
}  # what is set, and what the message says of it
TAKEN = {"1": 1, " 7 ": 7, "1024": 1024, "007": 7}


def run(code: str, setting: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"GRAMIAN_NUM_THREADS": setting},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.splitlines()


@pytest.mark.parametrize(("setting", "shown"), REFUSED.values(), ids=REFUSED)
def test_refused(setting: str, shown: str) -> None:
    """At every use, and until the number is set; an import alone is none."""
    message = (
        "the environment variable GRAMIAN_NUM_THREADS must be an integer between 1 and 1024, "
        f"got '{shown}'."
    )
    assert run(USE, setting) == [message] * 3 + ["3", "1.0"]


@pytest.mark.parametrize("number", TAKEN.values(), ids=["one", "spaces", "most", "zeros"])
def test_taken(number: int) -> None:
    for setting in (text for text, n in TAKEN.items() if n == number):
        assert run("import gramian as gm; print(gm.get_num_threads())", setting) == [str(number)]


def test_empty_is_not_set() -> None:
    code = "import gramian as gm; print(gm.get_num_threads() >= 1)"
    assert run(code, "") == run(code, "  ") == ["True"]


def test_the_command_says_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gramian", "info"],
        env=os.environ | {"GRAMIAN_NUM_THREADS": "two"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("gramian info: error: the environment variable GRAMIAN_NUM_")
    assert done.stderr.count("\n") == 1
