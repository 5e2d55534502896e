"""Writing a file: in one step where it is one, and into it where it is a pipe or a device."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator
from typing import Any

from .._input.options import refuse_type, shown

__all__ = ["check_path", "draw", "write"]

# Links to what the process has open, such as /dev/stdout: a new file in their place would be lost.
_OPEN_FILES = ("/dev/", "/proc/")


def check_path(path: Any) -> str:
    """Return a path as text, or refuse what names no file."""
    try:
        text = os.fspath(path)
    except Exception:  # of an object that is none
        raise refuse_type("path", "a str or path-like", path) from None
    if not isinstance(text, str):
        raise refuse_type("path", "a str or path-like", path)
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        text += "\0"
    if "\0" in text:
        raise ValueError(f"path must be a name that a file can have, got {shown(path)}.")
    return text


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file. A new one takes the place of an old one only when it is whole, with its mode.

    What is no regular file is written into, and no pipe is waited for that nobody reads. Every
    OSError has the name of the file.
    """
    target = check_path(path)
    with _naming(target):
        old = _status(target)
        if old is not None and not stat.S_ISREG(old.st_mode):
            _write_into(target, content)
        elif os.path.abspath(target).startswith(_OPEN_FILES):
            _write_into(target, content)
        else:
            if old is not None and not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            _replace(os.path.realpath(target), content, old)


def draw(path: str | os.PathLike[str], figure: Any) -> None:
    """Write a figure of matplotlib as PNG."""
    import io

    image = io.BytesIO()
    figure.savefig(image, format="png", dpi=150)
    write(path, image.getvalue())


@contextlib.contextmanager
def _naming(path: str) -> Iterator[None]:
    """Give what goes wrong the name that the caller knows."""
    try:
        yield
    except OSError as error:
        error.filename, error.filename2 = path, None
        raise


def _status(path: str) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _write_into(path: str, content: bytes) -> None:
    # A pipe without a reader is refused at once; what is written after that may wait.
    number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
    os.set_blocking(number, True)
    with os.fdopen(number, "wb", buffering=0) as file:
        _write_all(file.write, content)


def _replace(path: str, content: bytes, old: os.stat_result | None) -> None:
    """Write beside the target, under a name of our own, and move into place."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{os.urandom(16).hex()}.tmp")
    if not name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        with open(temporary, "xb", buffering=0) as file:
            _write_all(file.write, content)
            if old is not None:
                with contextlib.suppress(PermissionError):  # only root gives files away
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            os.fsync(file.fileno())  # or a crash may leave the new name without the content
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _write_all(write: Callable[[memoryview], int | None], content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[write(rest) or 0 :]
