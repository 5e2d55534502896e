"""What is warned of while something is computed, for results that say it again."""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, TypeVar, cast

__all__ = ["keeps_warnings", "silence", "tell"]

Function = TypeVar("Function", bound=Callable[..., Any])

_SAID: ContextVar[list[str] | None] = ContextVar("gramian_said", default=None)


def tell(message: str) -> None:
    """Note a warning, where something listens."""
    said = _SAID.get()
    if said is not None:
        said.append(message)


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Warn of nothing: what is computed has been before, with its warnings."""
    token = _SAID.set(None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            yield
    finally:
        _SAID.reset(token)


def keeps_warnings(function: Function) -> Function:
    """Let the result of a function have in `_said` what was warned of meanwhile."""

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        said: list[str] = []
        token = _SAID.set(said)
        try:
            result = function(*args, **options)
        finally:
            _SAID.reset(token)
        object.__setattr__(result, "_said", tuple(dict.fromkeys(said)))  # results are frozen
        return result

    return cast(Function, call)
