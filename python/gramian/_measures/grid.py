"""The grid of a comparison by rank-revealing measures: layers, read, and the values of pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._input import checks, layers
from .._input.arrays import Layer
from .._input.read import ReadLayer, read, read_sides
from . import ranks, wide

__all__ = ["PREPARED", "Grid", "one_pair"]

PREPARED = 0.3  # of the progress of a call, once bases are there; nothing else depends on it

Array = npt.NDArray[np.float64]


class Grid:
    """The layers of a comparison that are finite, and the places of their values."""

    def __init__(
        self,
        a: Sequence[Layer],
        b: Sequence[Layer],
        nan_policy: str,
        device: str | None,
    ) -> None:
        needed = ranks.needed_samples()
        xs, ys = read_sides(
            a, b, device, lambda layer, placed: read(layer, nan_policy, device, needed, placed)
        )
        self.rows = [i for i, layer in enumerate(xs) if layer.finite]
        self.columns = [j for j, layer in enumerate(ys or xs) if layer.finite]
        self.xs = [xs[i] for i in self.rows]
        self.ys = [ys[j] for j in self.columns] if ys else []
        self.shape = len(xs), len(ys or xs)
        self.double = any(layer.double for layer in (*xs, *ys))
        self.n = len(a[0].array)
        self.widths = [layer.array.shape[1] for layer in (*a, *b)]

    @property
    def others(self) -> list[ReadLayer]:
        """The layers of the columns."""
        return self.ys or self.xs

    @property
    def empty(self) -> bool:
        """Whether no pair is left."""
        return not self.rows or not self.columns

    @property
    def cores(self) -> list[calls.CoreLayer]:
        """The layers as the core takes them, first the rows' and then the columns'."""
        return [layer.core for layer in (*self.xs, *self.ys)]

    @property
    def has_wide(self) -> bool:
        """Whether a layer has coordinates."""
        return any(wide.is_wide(layer) for layer in (*self.xs, *self.ys))

    def in_coordinates(self) -> list[calls.CoreLayer]:
        """Return `cores` for what a rotation of units does not change."""
        return wide.in_coordinates([*self.xs, *self.ys])

    def tolerances(self, tolerance: float | None) -> list[float]:
        """Return the rank tolerance of every layer, as given or by default."""
        return [
            ranks.default_tolerance(layer) if tolerance is None else tolerance
            for layer in (*self.xs, *self.ys)
        ]

    def bases(
        self,
        tolerance: float | None,
        *,
        coordinates: bool = False,
        weights: bool = False,
        progress: calls.Progress | None = None,
    ) -> list[calls.PreparedLayer]:
        """Prepare orthonormal bases."""
        return calls.prepare_bases(
            self.cores,
            tolerances=self.tolerances(tolerance),
            double=self.double,
            coordinates=coordinates,
            weights=weights,
            progress=progress,
        )

    def sides(
        self, prepared: Sequence[calls.PreparedLayer]
    ) -> tuple[list[calls.PreparedLayer], list[calls.PreparedLayer] | None]:
        """Return what was prepared of the rows and, where there are such, of the columns."""
        x = len(self.xs)
        return list(prepared[:x]), list(prepared[x:]) if self.ys else None

    def warn_if_constant(self, prepared: Sequence[calls.PreparedLayer]) -> None:
        """Warn of the layers that do not vary."""
        self.warn_constant([calls.has(one.status, calls.Status.constant) for one in prepared])

    def warn_constant(self, is_constant: Sequence[bool]) -> None:
        """Warn of those that are, given one flag a layer, first the rows' and then the columns'."""
        names = [layer.name for layer in (*self.xs, *self.ys)]
        checks.warn_constant(name for name, yes in zip(names, is_constant, strict=True) if yes)

    def warn_saturated(self, found: Sequence[int]) -> None:
        """Warn of pairs with correlations that are 1 by construction."""
        ranks.warn_saturated(
            [
                (x.name, y.name, ranks.saturated(r, s, self.n))
                for i, x, r, j, y, s in self._pairs(found)
                if r > 0 and s > 0 and (self.ys or len(self.xs) == 1 or j <= i)
            ],
            self.n,
        )

    def warn_ambiguous(self, marks: Sequence[bool]) -> None:
        """Warn of the marked pairs."""
        pairs = self._pairs([0] * (len(self.xs) + len(self.ys)))
        ranks.warn_ambiguous(
            [
                (x.name, y.name)
                for (_, x, _, _, y, _), mark in zip(pairs, marks, strict=True)
                if mark
            ]
        )

    def _pairs(self, found: Sequence[int]) -> list[tuple[int, ReadLayer, int, int, ReadLayer, int]]:
        of_x = found[: len(self.xs)]
        of_y = found[len(self.xs) :] if self.ys else of_x
        return [
            (i, x, r, j, y, s)
            for i, (x, r) in enumerate(zip(self.xs, of_x, strict=True))
            for j, (y, s) in enumerate(zip(self.others, of_y, strict=True))
        ]

    def smaller(self, counts: Sequence[int]) -> npt.NDArray[np.int64]:
        """Return the smaller of two layers' counts, for every pair."""
        of_x = np.array(counts[: len(self.xs)])
        of_y = np.array(counts[len(self.xs) :]) if self.ys else of_x
        smaller: npt.NDArray[np.int64] = np.minimum.outer(of_x, of_y)
        return smaller

    def place(self, values: Array) -> Array:
        """Return the values in the place of their layers, NaN elsewhere."""
        placed: Array = np.full(self.shape, np.nan)
        placed[np.ix_(self.rows, self.columns)] = values
        return placed


def one_pair(X: Any, Y: Any, nan_policy: str, device: str | None) -> Grid:
    """Check and read the inputs of one pair."""
    x, y = layers.pair(X, Y, nan_policy)
    return Grid([x], [y], nan_policy, device)
