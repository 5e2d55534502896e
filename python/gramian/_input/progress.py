"""How far a call has come: what `progress=` takes, as a function of (done, total)."""

from __future__ import annotations

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, Protocol, TypeVar, cast

from .options import refuse_type

__all__ = [
    "Line",
    "Progress",
    "Tell",
    "check_progress",
    "duration",
    "say",
    "shows_progress",
    "tell_of",
    "telling",
]

Function = TypeVar("Function", bound=Callable[..., Any])
_PATIENCE = 2.0  # seconds of silence before a line is written
_STEP = 0.05  # of the whole between two lines of a log, which are to be few


class Bar(Protocol):
    """What is used of a bar of tqdm."""

    total: float | None
    n: float

    def update(self, n: float) -> object:
        """Move on by so much."""


Tell = Callable[[int, int], object]  # of how much is done, and of how much there is to do
Progress = bool | Tell | Bar | None


def shows_progress(function: Function) -> Function:
    """Let a function whose body calls ``progress(done, total)`` show a bar, if that is asked for.

    It takes True, a function, or a bar of tqdm.
    """

    @functools.wraps(function)
    def call(*args: Any, progress: Any = None, **options: Any) -> Any:
        with telling(progress, function.__name__) as tell:
            return function(*args, progress=tell, **options)

    return cast(Function, call)


def tell_of(progress: Progress) -> Tell | None:
    """Return what `shows_progress` has made of the argument."""
    return cast("Tell | None", progress)


@contextlib.contextmanager
def telling(progress: Any, what: str = "") -> Iterator[Tell | None]:
    """Give a function of (done, total) for what a user wants to see, or None for nothing."""
    check_progress(progress)
    if progress is None or progress is False:
        yield None
    elif progress is True:
        with contextlib.closing(_bar(what)) as bar:
            yield bar if isinstance(bar, Line) else _moves(bar)
    elif callable(progress):
        yield progress
    else:
        yield _moves(progress)


def check_progress(progress: Any) -> None:
    """Refuse what can show no progress."""
    known = progress is None or isinstance(progress, bool) or callable(progress)
    if not known and not all(hasattr(progress, name) for name in ("update", "total", "n")):
        raise refuse_type("progress", "True, False, a function or a bar of tqdm", progress)


def _bar(what: str) -> Any:
    """Return a bar of tqdm, or a line that is written now and then where that is not installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return Line(what)
    return tqdm(desc=what, bar_format="{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}")


def _moves(bar: Bar) -> Tell:
    def tell(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    return tell


class Line:
    """Writes to stderr how far long work has come: on a terminal, always in the same line."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.terminal = sys.stderr is not None and sys.stderr.isatty()
        self.start = time.monotonic()
        self.next = self.start + _PATIENCE
        self.said = 0.0  # the share that was written last
        self.width = 0

    def __call__(self, done: int, total: int) -> None:
        """Write a line, if it is time to."""
        now, share = time.monotonic(), done / max(total, 1)
        if now < self.next or (not self.terminal and share < self.said + _STEP):
            return
        self.next = now + (0.2 if self.terminal else _PATIENCE)
        self.said = share
        text = f"{self.what}: {done}"
        if total:
            text = f"{self.what}: {100 * done // total:3}%"
            if 0 < share < 1:
                left = (now - self.start) * (1 - share) / share
                text += f", about {duration(round(left))} left"
        padded, self.width = text.ljust(self.width), max(self.width, len(text))
        say(padded if self.terminal else text, end="\r" if self.terminal else "\n")

    def close(self) -> None:
        """Leave no trace on a terminal."""
        if self.terminal and self.width:
            say(" " * self.width, end="\r")


def say(text: str, end: str = "\n") -> None:
    """Write to stderr, if there is one that takes it; None is what Python makes of a closed one."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(text, end=end, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Return a time in words, with two digits or as many as it has."""
    if seconds < 90:
        return f"{seconds:.2g} s" if seconds < 9.5 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
