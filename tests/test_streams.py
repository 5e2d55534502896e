"""The command with files and streams that are full, closed, or no files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import commands
import pytest
import safe_devices
from commands import run

import gramian as gm

files = commands.files
devices_are_safe = safe_devices.devices_are_safe


def test_the_command_keeps_an_old_picture(
    files: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("map.png").write_text("old")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = run(capsys, "compare", "a.npz", "--png", "map.png")
    assert (code, err) == (2, "gramian compare: error: map.png: No space left on device\n")
    assert Path("map.png").read_text() == "old"


@pytest.mark.usefixtures("devices_are_safe")
@pytest.mark.parametrize("flag", ["-o", "--png"])
def test_the_command_writes_into_devices(
    files: Any, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    code, _, err = run(capsys, "compare", "a.npz", flag, "/dev/full")
    assert (code, err) == (2, "gramian compare: error: /dev/full: No space left on device\n")
    code, _, err = run(capsys, "compare", "a.npz", flag, "/dev/null")
    assert (code, err) == (0, "")


def command(shell: str, folder: Path) -> tuple[int, str, str]:
    """Run the command with what a shell does to its streams."""
    gramian = f"{sys.executable} -m gramian compare a.npz"
    done = subprocess.run(
        ["bash", "-c", shell.replace("GRAMIAN", gramian)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


STREAMS = {
    "GRAMIAN >&-": (0, "", ""),
    "GRAMIAN >&- -o s.json": (0, "", ""),
    "GRAMIAN 2>&- >&-": (0, "", ""),
    "GRAMIAN 2>&- --measure x": (2, "", ""),
    "GRAMIAN --progress 2>&- > /dev/null": (0, "", ""),
    "GRAMIAN --nonsense 2>&-": (2, "", ""),
    "GRAMIAN 2> /dev/full --measure x": (2, "", ""),
    "GRAMIAN > /dev/full": (2, "", "gramian compare: error: stdout: No space left on device\n"),
    "GRAMIAN > /dev/full -o s.json": (
        2,
        "",
        "gramian compare: error: stdout: No space left on device\n",
    ),
    "mkfifo p; GRAMIAN -o p > /dev/null": (
        2,
        "",
        "gramian compare: error: p: No such device or address\n",
    ),
    "mkfifo p; timeout 60 GRAMIAN p": (
        2,
        "",
        "gramian compare: error: cannot read p: it is no regular file.\n",
    ),
}


@pytest.mark.parametrize("shell", STREAMS)
def test_streams(files: Any, shell: str) -> None:
    assert command(shell, Path.cwd()) == STREAMS[shell]
    if "s.json" in shell:
        assert gm.load("s.json").n_samples == len(files["a"]["conv1"])


@pytest.mark.parametrize("where", ["-o /dev/stdout", "-o /dev/fd/3 3>&1", "-o >(cat)"])
def test_output_to_what_is_open(files: Any, where: str) -> None:
    """Into a pipe, or into a file beside what is printed: nothing is lost or written over."""
    if ">(" not in where:
        assert command(f"GRAMIAN > all.txt {where}", Path.cwd()) == (0, "", "")
        text = Path("all.txt").read_text()
    else:
        text = command(f"GRAMIAN {where} | cat", Path.cwd())[1]
    assert text.count('"format": "gramian.comparison"') == 1
    assert "rows: A = a.npz" in text
    assert "scale: 0" in text
