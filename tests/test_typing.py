"""What a checker of types sees: right calls pass, wrong ones are caught, and names are the table's.

The calls of typed_calls.txt are a program; its lines that end in "# wrong" must be errors.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

import gramian as gm
from gramian import typing
from gramian._measures.hsic.kernels import NAMED
from gramian._measures.registry import MEASURES

CALLS = Path(__file__).with_name("typed_calls.txt")


def test_names_are_those_of_the_table() -> None:
    assert get_args(typing.MeasureName) == tuple(MEASURES)
    assert get_args(typing.KernelName) == tuple(NAMED)
    options = {option.name for row in MEASURES.values() for option in row.options}
    # `groups` is an argument of its own wherever a measure is named.
    assert set(typing.Options.__annotations__) == options - {"groups"}


def test_words_are_the_choices_of_options() -> None:
    """A checker knows as many words as the command line does."""
    for row in MEASURES.values():
        for option in row.options:
            if option.choices:
                annotation = str(typing.Options.__annotations__[option.name].__forward_arg__)
                name = annotation.split(" | ")[0]
                module = sys.modules[typing.Options.__module__]
                assert get_args(getattr(module, name)) == option.choices


def test_wrong_calls_are_caught(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    program = tmp_path / "calls.py"
    program.write_text(CALLS.read_text("utf-8"))
    lines = program.read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(lines, 1) if line.endswith("# wrong")}
    package = Path(gm.__file__).parents[1]
    flags = ["--strict", "--config-file=", f"--cache-dir={tmp_path}", "--follow-imports=silent"]
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, program],
        capture_output=True,
        text=True,
        check=False,
        # What is installed, it finds by itself, and refuses to be told.
        env={"PATH": ""} | ({} if package.name == "site-packages" else {"MYPYPATH": str(package)}),
    )
    found = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert found == wrong, done.stdout + done.stderr
    assert len(wrong) >= 12
