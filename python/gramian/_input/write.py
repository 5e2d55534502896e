"""Writing a file: in one step where it is one, and into it where it is a pipe or a device."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from typing import Any

from .options import refuse_type, shown

__all__ = ["check_ending", "check_path", "draw", "drawn", "ending", "write"]

# Names of what the process has open. That may be a regular file: a new one in its place would not
# be what is open, and to open it again would be to write over what is written already.
_OPEN = re.compile(r"/dev/(std(?:in|out|err))|/(?:dev|proc/self)/fd/(\d{1,9})")
_STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}


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


def ending(path: str) -> str:
    """Return how a name ends like that of a kind of file: ".npz", and "" of "run-0.5"."""
    suffix = os.path.splitext(path)[1].lower()
    return suffix if suffix[1:2].isalpha() else ""


def check_ending(path: str, endings: Sequence[str], why: str) -> None:
    """Refuse a name that ends like a file of another kind; one without an ending will do."""
    if ending(path) not in ("", *endings):
        raise ValueError(
            f"path must end in {' or '.join(endings)}, or have no ending, got {shown(path)}: {why}."
        )


def write(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file. A new one takes the place of an old one only when it is whole, with its mode.

    What is no regular file is written into, and no pipe is waited for that nobody reads. Every
    OSError has the name of the file.
    """
    target = check_path(path)
    with _naming(target):
        old = _status(target)
        if found := _OPEN.fullmatch(os.path.abspath(target)):
            name = found[1] or found[2]
            _write_all(os.dup(_STANDARD[name] if name in _STANDARD else int(name)), content)
        elif old is not None and not stat.S_ISREG(old.st_mode):
            # A pipe without a reader is refused at once; what is written after that may wait.
            number = os.open(target, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            os.set_blocking(number, True)
            _write_all(number, content)
        else:
            if old is not None and not os.access(target, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            _replace(os.path.realpath(target), content, old)


def draw(path: str | os.PathLike[str], figure: Any) -> None:
    """Write a figure of matplotlib as what the name of the file says: .png, .pdf or .svg."""
    suffix = os.path.splitext(check_path(path))[1].lower().removeprefix(".")
    write(path, drawn(figure, suffix if suffix in ("pdf", "svg") else "png"))


def drawn(figure: Any, form: str) -> bytes:
    """Return a figure of matplotlib as PNG, PDF or SVG.

    Text is kept as text, with its fonts in a PDF; cells of a map are an image of 300 dpi.
    """
    import io

    import matplotlib

    image = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "none", "pdf.fonttype": 42}):
        figure.savefig(image, format=form, dpi=150 if form == "png" else 300)
    return image.getvalue()


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


def _replace(path: str, content: bytes, old: os.stat_result | None) -> None:
    """Write beside the target, under a name of our own, and move into place."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{os.urandom(16).hex()}.tmp")
    if not name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            if old is not None:
                with contextlib.suppress(PermissionError):  # only root gives files away
                    os.fchown(file.fileno(), old.st_uid, old.st_gid)
                os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))
            os.fsync(file.fileno())  # or a crash may leave the new name without the content
        os.replace(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _write_all(number: int, content: bytes) -> None:
    """Write into a descriptor, and close it."""
    with os.fdopen(number, "wb") as file:
        file.write(content)
