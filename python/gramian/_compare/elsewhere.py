"""Layers that `compare` does not have in memory: who compares these is above it, and says so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

__all__ = ["Taker", "taker_of", "takes"]


class Taker(NamedTuple):
    """Who compares layers of some kind."""

    is_its: Callable[[Any], bool]  # whether a layer is
    compare: Callable[..., Any]  # as `gramian.compare`


_TAKERS: list[Taker] = []


def takes(is_its: Callable[[Any], bool], compare: Callable[..., Any]) -> None:
    """Let layers of a kind be compared by a function of their own."""
    _TAKERS.append(Taker(is_its, compare))


def taker_of(*sides: Any) -> Taker | None:
    """Return who compares these collections, if it is somebody else."""
    for taker in _TAKERS:
        if any(taker.is_its(layer) for side in sides for layer in _layers(side)):
            return taker
    return None


def _layers(side: Any) -> Iterable[Any]:
    if isinstance(side, Mapping):
        return side.values()
    return side if isinstance(side, Sequence) and not isinstance(side, (str, bytes)) else ()
