"""How a comparison is made again on samples that are reordered, drawn or left out.

A road is what a measure prepares for it once. `Recomputed` serves every measure: it takes the rows
and compares them anew, with what was decided on all samples held.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .._input.arrays import Layer
from .._input.checks import UnusableLayerError
from .._input.heard import silence

__all__ = ["Again", "Recomputed", "Request", "Road", "taken"]

Array = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int64]


class Again(Protocol):
    """Evaluates layers of some of the samples: of the a with the b, or among the a without b."""

    def __call__(
        self, a: Sequence[Layer], b: Sequence[Layer], drawn: Samples | None = None, /
    ) -> Array:
        """Return the values; options that are for each sample are taken of those drawn."""


@dataclass(frozen=True)
class Request:
    """A comparison that is to be made many times."""

    a: Sequence[Layer]
    b: Sequence[Layer]  # none: the a are compared among themselves
    options: Mapping[str, Any]
    device: str | None = None
    max_memory: float | None = None
    draws: int = field(default=1, kw_only=True)  # how often

    @property
    def where(self) -> str | None:
        """The device that computes: samples that are taken are in host memory, and go back."""
        lives_on = self.a[0].device
        return self.device or (None if lives_on is None else f"cuda:{lives_on}")

    @property
    def others(self) -> Sequence[Layer]:
        """The layers of the columns."""
        return self.b or self.a


class Road(Protocol):
    """A comparison, prepared; every array of values has one map of all pairs a draw."""

    path: str  # in words
    dtype: str  # the precision of its arithmetic
    chunk: int  # draws that are made at a time
    leaves_out_each: bool  # whether leaving out every sample costs no more than a few maps

    def observed(self) -> Array:
        """Return the map of all samples, by the arithmetic of the draws."""

    def reordered(self, orders: Samples) -> Array:
        """Return maps whose columns' layers have their samples in these orders (draws, n)."""

    def drawn(self, samples: Sequence[Samples]) -> Array:
        """Return maps of these samples alone."""

    def without(self, groups: Sequence[Samples]) -> Array:
        """Return maps of all samples but those of a group."""


def taken(layer: Layer, samples: Samples, square: bool = False) -> Layer:
    """Return some samples of a layer, in the memory of the host; of a square one, columns too."""
    array = layer.host[samples]
    return Layer(layer.name, array[:, samples] if square else array, layer.dtype)


class OneOrder(Protocol):
    """Layers that are prepared for any order of the samples of the columns."""

    def map(self, order: Samples) -> Array:
        """Return the map of one."""


class Recomputed:
    """Every draw compared anew, but for those that a measure knows how to get from all samples.

    Layers are prepared for the draws that are asked for, when the first of them is.
    """

    path = "every draw compared anew"

    def __init__(
        self,
        request: Request,
        again: Again,
        orders: Callable[[], OneOrder | None] = lambda: None,
        left_out: Callable[[Sequence[Samples]], Array] | None = None,
    ) -> None:
        self._make_orders: Callable[[], OneOrder | None] | None = orders
        self._orders: OneOrder | None = None
        self._left_out = left_out
        self.leaves_out_each = left_out is not None
        self.chunk = 1
        # Without the examples that samples may be positions of: what is taken has none.
        self._a, self._b, self._others = (
            [replace(layer, examples=None) for layer in side]
            for side in (request.a, request.b, request.others)
        )
        self._again = again
        wide = any(layer.compute_dtype == "float64" for layer in (*request.a, *request.b))
        self.dtype = "float64" if wide or request.device == "reference" else "float32"
        self._square = request.options.get("kernel") == "precomputed"

    def observed(self) -> Array:
        """Return the map of all samples."""
        if self._orders is not None:
            return self._orders.map(np.arange(len(self._a[0].array), dtype=np.int64))
        return self._values(self._a, self._b)

    def reordered(self, orders: Samples) -> Array:
        """Return maps with reordered columns."""
        if self._make_orders is not None:
            self._orders, self._make_orders = self._make_orders(), None
        if self._orders is not None:
            return np.stack([self._orders.map(order) for order in orders])
        return np.stack(
            [
                self._values(self._a, [taken(y, order, self._square) for y in self._others])
                for order in orders
            ]
        )

    def drawn(self, samples: Sequence[Samples]) -> Array:
        """Return maps of some samples."""
        maps = []
        for chosen in samples:
            a, b = (
                [taken(layer, chosen, self._square) for layer in side]
                for side in (self._a, self._b)
            )
            maps.append(self._values(a, b, chosen))
        return np.stack(maps)

    def without(self, groups: Sequence[Samples]) -> Array:
        """Return maps of all others."""
        if self._left_out is not None:
            return self._left_out(groups)
        every = np.arange(len(self._a[0].array))
        return self.drawn([np.delete(every, group) for group in groups])

    def _values(
        self, a: Sequence[Layer], b: Sequence[Layer], drawn: Samples | None = None
    ) -> Array:
        with silence():  # the comparison of all samples has said what there is
            try:
                return np.asarray(self._again(a, b, drawn), dtype=np.float64)
            except (UnusableLayerError, np.linalg.LinAlgError):
                return np.full((len(a), len(b or a)), np.nan)
