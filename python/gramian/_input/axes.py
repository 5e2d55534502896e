"""Axes of an array that a layout names, and what strides alone make of them on a device."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

from .._core.types import DeviceArray

__all__ = ["Axes", "first", "looked_at"]

_WORDS = {"c": "channels", "d": "units", "h": "height", "w": "width", "t": "tokens", "s": "steps"}


class Axes(NamedTuple):
    """What a layout says of the axes of an array."""

    name: str
    samples: int
    positions: tuple[int, ...]
    units: int

    def __str__(self) -> str:
        words = ", ".join("n" if c == "n" else self._word(c) for c in self.name)
        return f"{len(self.name)}-D ({words})"

    def _word(self, letter: str) -> str:
        return "depth" if letter == "d" and "c" in self.name else _WORDS.get(letter, letter)

    @property
    def order(self) -> tuple[int, ...]:
        """The axes with the samples first and the units last."""
        return self.samples, *self.positions, self.units

    def count(self, shape: Sequence[int]) -> int:
        """Return the number of positions in an array."""
        return math.prod(shape[axis] for axis in self.positions)


def looked_at(array: DeviceArray, axes: Axes, in_order: bool, samples: bool) -> DeviceArray | None:
    """Return (n_samples, n_units) in the memory of an array; None where strides cannot say it.

    Positions become samples or features, these in the order of memory unless they have to be
    `in_order`.
    """
    sizes, steps = array.shape, array.strides
    if samples:
        rows: tuple[int, ...] = (axes.samples, *axes.positions)
        orders: list[tuple[int, ...]] = [(axes.units,)]
    else:
        rows = (axes.samples,)
        orders = [first(axes.samples, len(sizes))[1:]]
        if not in_order:
            orders.append(tuple(sorted(orders[0], key=lambda axis: -abs(steps[axis]))))
    down = _merged([(sizes[axis], steps[axis]) for axis in rows])
    for order in orders:
        along = _merged([(sizes[axis], steps[axis]) for axis in order])
        if down is not None and along is not None:
            shape = [math.prod(sizes[axis] for axis in some) for some in (rows, order)]
            return array.look_at(0, shape, (down, along))
    return None


def _merged(axes: Sequence[tuple[int, int]]) -> int | None:
    """Return the step from one element to the next of several axes (size, step) taken as one."""
    long = [(size, step) for size, step in axes if size != 1]
    if any(outer != size * inner for (_, outer), (size, inner) in itertools.pairwise(long)):
        return None
    return long[-1][1] if long else 1


def first(axis: int, count: int) -> tuple[int, ...]:
    """Return an order of axes with one first."""
    return axis, *(k for k in range(count) if k != axis)
