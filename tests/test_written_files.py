"""How files are written: in one step, into pipes and devices, on full disks."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safe_devices

import gramian as gm
from gramian._input import write

devices_are_safe = safe_devices.devices_are_safe
pytestmark = pytest.mark.usefixtures("devices_are_safe")

VALUES = [[0.9, 0.4], [0.3, 0.8]]


def comparison(values: Any = VALUES, **options: Any) -> gm.Comparison:
    names = [f"layer{i}" for i in range(len(values))]
    return gm.Comparison(values, names, names[: len(values[0])], "cka", options, 100)


def picture(path: Path) -> None:
    write.draw(path, comparison()._figure())


def saved(path: Path) -> None:
    comparison().save(path)


WRITERS: dict[str, Callable[[Path], None]] = {"save": saved, "picture": picture}
each_writer = pytest.mark.parametrize("writer", WRITERS)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@each_writer
def test_a_pipe_is_written_into(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    os.set_blocking(number, True)
    got: list[bytes] = []

    def read() -> None:
        with os.fdopen(number, "rb") as file:
            while part := file.read(2**16):
                got.append(part)

    # What the pipe has no room for waits for the reader, who starts with the writer.
    thread = threading.Thread(target=read)
    keep = os.open(path, os.O_WRONLY)  # or the reader would be done before there is a writer
    thread.start()
    WRITERS[writer](path)
    os.close(keep)
    thread.join()
    regular = tmp_path / "regular"
    WRITERS[writer](regular)
    assert b"".join(got) == regular.read_bytes()
    assert stat.S_ISFIFO(path.stat().st_mode)


@each_writer
def test_a_pipe_that_nobody_reads_is_refused(tmp_path: Path, writer: str) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with pytest.raises(OSError, match="pipe") as caught:
        WRITERS[writer](path)
    assert caught.value.filename == str(path)
    assert stat.S_ISFIFO(path.stat().st_mode)


@each_writer
def test_a_device_stays_one(tmp_path: Path, writer: str) -> None:
    link = tmp_path / "link"
    for device in ("/dev/null", "/dev/full"):
        before = os.stat(device)
        link.symlink_to(device)
        for path in (Path(device), link):
            if device == "/dev/null":
                WRITERS[writer](path)
            else:
                with pytest.raises(OSError, match="No space left on device") as caught:
                    WRITERS[writer](path)
                assert caught.value.filename == str(path)
        after = os.stat(device)
        assert (after.st_mode, after.st_rdev) == (before.st_mode, before.st_rdev)
        assert link.is_symlink()
        link.unlink()


@each_writer
@pytest.mark.parametrize("kept", [0o600, 0o640, 0o666, 0o755])
def test_an_old_file_keeps_its_mode(tmp_path: Path, writer: str, kept: int) -> None:
    path, link = tmp_path / "old", tmp_path / "link"
    path.write_text("old")
    path.chmod(kept)
    WRITERS[writer](path)
    assert mode(path) == kept
    link.symlink_to(path)
    WRITERS[writer](link)
    assert link.is_symlink()
    assert mode(path) == kept
    assert path.read_bytes() != b"old"


@each_writer
def test_a_new_file_has_the_usual_mode(tmp_path: Path, writer: str) -> None:
    plain = tmp_path / "plain"
    plain.touch()
    WRITERS[writer](tmp_path / "new")
    assert mode(tmp_path / "new") == mode(plain)


@each_writer
def test_a_file_that_may_not_be_written_is_not_replaced(
    tmp_path: Path, writer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "kept"
    path.write_text("kept")
    monkeypatch.setattr(os, "access", lambda *_: False)  # as it is for others than root
    with pytest.raises(PermissionError) as caught:
        WRITERS[writer](path)
    assert caught.value.filename == str(path)
    assert path.read_text() == "kept"


@each_writer
def test_errors_have_the_name_that_was_given(tmp_path: Path, writer: str) -> None:
    (tmp_path / "file").write_text("")
    for name in ("none/x", "file/x", ".", "a" * 300):
        path = tmp_path / name
        with pytest.raises(OSError, match=r".") as caught:
            WRITERS[writer](path)
        assert caught.value.filename == str(path)
        assert caught.value.filename2 is None
    assert sorted(os.listdir(tmp_path)) == ["file"]


FULL = """
    import resource, signal, sys
    import numpy as np, gramian as gm
    from gramian._input import write
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    names = list(map(str, range(40)))
    S = gm.Comparison(np.random.default_rng(0).random((40, 40)), names, names, "cka", {}, 100)
    figure = S._figure()
    resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
    for name, save in (("s.json", S.save), ("s.png", lambda path: write.draw(path, figure))):
        try:
            save(name)
        except OSError as error:
            print(error.strerror, error.filename)
"""


def test_a_full_disk_leaves_what_there_was(tmp_path: Path) -> None:
    """That is, a limit on the size of files, which stands for it."""
    for name in ("s.json", "s.png"):
        (tmp_path / name).write_text("old")
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(FULL)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "File too large s.json\nFile too large s.png\n", done.stderr
    assert sorted(os.listdir(tmp_path)) == ["s.json", "s.png"]
    assert {(tmp_path / name).read_text() for name in ("s.json", "s.png")} == {"old"}
