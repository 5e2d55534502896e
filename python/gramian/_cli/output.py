"""What a command writes: files by their extension, and "-" for standard output."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gramian as gm

from .._extras import require
from .._input import write

__all__ = ["PICTURES", "STDOUT", "check", "named", "page", "picture", "table"]

STDOUT = "-"
PICTURES = (".png", ".pdf", ".svg")
_TABLES = (".json", ".csv")
_PAGES = (".html", ".htm")
# What each flag writes, and what else is meant where a name ends like that.
_KINDS = {"-o": _TABLES, "--plot": PICTURES, "--html": _PAGES}


def check(flag: str, path: str | None, measures: Sequence[str] = (), kind: str = "") -> None:
    """Refuse what cannot be written, which is better said before the work than after it."""
    if path is None or path == STDOUT:
        return
    right = _KINDS[kind or flag]
    suffix = Path(path).suffix.lower() if right is PICTURES else write.ending(path)
    for other, suffixes in _KINDS.items():
        if suffix in suffixes and suffix not in right:
            words = ", ".join(right)
            cure = "" if kind else f": {other} {path} does"
            raise ValueError(f"{flag} writes {words}, and not {path}{cure}.")
    if suffix not in ("", *right):
        raise ValueError(f"{flag} writes {', '.join(right)}, got {path}.")
    for one in {named(path, measure) for measure in measures} or {path}:
        if not Path(one).absolute().parent.is_dir():
            raise ValueError(f"cannot write {one}: there is no directory {Path(one).parent}.")
    if len(measures) > 1 and right is not _PAGES and "{measure}" not in path:
        place = Path(path)
        name = str(place.with_name(f"{place.stem}-{{measure}}{place.suffix}"))
        raise ValueError(
            f"{flag} needs a file for each of {len(measures)} measures, such as {name!r}, got "
            f"{path!r}."
        )


def named(path: str, measure: str) -> str:
    """Return the name of a measure's own file."""
    return path.replace("{measure}", measure)


def table(path: str, result: Any) -> None:
    """Write the numbers of a result: JSON, or a table where the name ends in .csv."""
    if path == STDOUT:
        _to_stdout(result._content("stdout.json"))
    else:
        result.save(path)


def picture(path: str, figure: Any) -> None:
    """Write a figure of matplotlib as what the name ends in, or as PNG."""
    form = Path(path).suffix.lower().removeprefix(".") or "png"
    content = write.drawn(figure, form if path != STDOUT else "png")
    if path == STDOUT:
        _to_stdout(content)
    else:
        write.write(path, content)


def page(path: str, results: Any, title: str | None) -> None:
    """Write a page of comparisons."""
    if path == STDOUT:
        _to_stdout(gm.report(results, title=title).encode())
    else:
        gm.report(results, path, title=title)


def needs_matplotlib() -> None:
    """Say what is missing, before the work."""
    require("matplotlib", "plot")


def _to_stdout(content: bytes) -> None:
    if sys.stdout is None:
        raise ValueError("there is no standard output to write to.")
    sys.stdout.flush()
    if hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        sys.stdout.write(content.decode())
