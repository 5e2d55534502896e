"""Layers of a comparison by name, position, pattern or slice."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

import numpy as np

from .._input.options import did_you_mean, shown

__all__ = ["NoLayerError", "picked"]

_RULE = "a name, a pattern such as 'blocks.*', a position, a slice, or a list of these"


class NoLayerError(KeyError):
    """A `KeyError` whose message is not put into quotes."""

    def __str__(self) -> str:
        return str(self.args[0])


def picked(names: Sequence[str], key: Any, side: str) -> int | list[int]:
    """Return the position of one layer, or those of several."""
    if isinstance(key, str):
        if key in names:
            return names.index(key)
        found = [i for i, name in enumerate(names) if fnmatchcase(name, key)]
        if found:
            return found
        listed = ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")
        raise NoLayerError(
            f"nothing in {side} is called {shown(key)}: there are {listed}."
            f"{did_you_mean(key, names)}"
        )
    if isinstance(key, slice):
        return _sliced(names, key, side)
    if isinstance(key, (list, tuple, np.ndarray)):
        return _several(names, list(key), side)
    try:
        position: int = range(len(names))[key]
    except IndexError:
        raise IndexError(f"{side} has {len(names)} layers, got position {shown(key)}.") from None
    except TypeError:
        raise TypeError(f"layers of {side} must be {_RULE}, got {type(key).__name__}.") from None
    return position


def _several(names: Sequence[str], keys: list[Any], side: str) -> list[int]:
    if keys and all(isinstance(key, (bool, np.bool_)) for key in keys):
        if len(keys) != len(names):
            raise IndexError(f"{side} has {len(names)} layers, got {len(keys)} truths.")
        return [i for i, key in enumerate(keys) if key]
    found: list[int] = []
    for key in keys:
        one = picked(names, key, side)
        found += [one] if isinstance(one, int) else one
    return list(dict.fromkeys(found))


def _sliced(names: Sequence[str], key: slice, side: str) -> list[int]:
    """Return the positions of a slice, whose ends may be names; the last one is included then."""
    start, stop = key.start, key.stop
    if isinstance(start, str):
        start = _first(names, start, side)
    if isinstance(stop, str):
        stop = _first(names, stop, side) + 1
    return [*range(len(names))[start : stop : key.step]]


def _first(names: Sequence[str], name: str, side: str) -> int:
    found = picked(names, name, side)
    if isinstance(found, int):
        return found
    raise NoLayerError(f"an end of a slice must be the name of one layer of {side}, got {name!r}.")
