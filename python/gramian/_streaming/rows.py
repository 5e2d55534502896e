"""Rows that have the inner products of all samples, and are as few as there are units.

The rows of a centered batch, less one: a reflection that takes the vector of ones to an axis leaves
n - 1 rows of it, since the centered columns have no part along that axis. Two sets of n and m
samples, whose means differ by d, have together one row more, sqrt(n m / (n + m)) d; and rows that
are more than the units are replaced by the triangle of their QR factorisation. All of that is a
rotation of the samples: what inner products decide is computed from the rows as from the samples,
at the condition of the layers themselves and not at its square, which a sum of products has.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._input.arrays import Layer, StandsFor, as_float64
from .._input.constant import CONSTANT
from .._input.read import ReadLayer, read
from .._measures import memory
from .._measures.measure import Measure
from .._measures.ranks import CONSTANT_UNITS
from .batches import Names, whole_or_not_at_all

__all__ = ["Rows"]

Array = npt.NDArray[np.float64]


class Rows:
    """What `ByRows` measures keep: rows of all layers side by side, in double, on the host."""

    def __init__(self, names: Names, max_memory: float | None) -> None:
        self.names, self.max_memory = names, max_memory
        width = sum(names.widths)
        self.n = 0
        self.rows: list[Array] = []
        # All in units of the scale of the layers, a power of two. Of the means to twice the digits.
        self.scale, self.squares = np.ones(width), np.zeros(width)
        self.means, self.low = np.zeros(width), np.zeros(width)

    @property
    def _most(self) -> int:
        """Rows at which a factorisation pays: twice as many as it leaves."""
        width = sum(self.names.widths)
        return width + max(width, 1024)

    def update(self, layers: Sequence[ReadLayer], progress: Any = None) -> None:
        """Add a batch, by parts of as many samples as fit."""
        n = layers[0].n
        with whole_or_not_at_all(self):
            for start in range(0, n, self._most):
                stop = min(start + self._most, n)
                self._add(layers, slice(start, stop))
                if progress is not None:
                    progress(stop, n)

    def _add(self, layers: Sequence[ReadLayer], part: slice) -> None:
        count, width = part.stop - part.start, sum(self.names.widths)
        self._check_fits(count)
        X, means, low = np.empty((count, width)), np.empty(width), np.empty(width)
        scale = np.empty(width)
        at = 0
        for layer in layers:
            own = slice(at, at + layer.array.shape[1])
            # Of a constant unit exactly its value: a sum of deviations from its first element.
            X[:, own] = as_float64(Layer(layer.name, layer.host[part], layer.dtype))
            scale[own] = layer.statistics.scale
            X[:, own] *= layer.statistics.scale
            origin = X[0, own].copy()
            X[:, own] -= origin
            deviation = X[:, own].mean(axis=0)
            X[:, own] -= deviation
            means[own], low[own] = _sum(origin, deviation)
            at = own.stop
        rows = X[1:] + X[0] / (math.sqrt(count) - 1) if count > 1 else X[:0]
        self._join(count, rows, means, low, np.einsum("ij,ij->j", X, X), scale)

    def _join(
        self, count: int, rows: Array, means: Array, low: Array, squares: Array, scale: Array
    ) -> None:
        """Add rows that stand for so many samples."""
        if not (scale == self.scale).all():
            own, theirs = self._to_one_scale(scale)
            self.rows = [part * own for part in self.rows]
            self.means, self.low = self.means * own, self.low * own
            self.squares = self.squares * own * own
            rows, squares = rows * theirs, squares * theirs * theirs
            means, low = means * theirs, low * theirs
        difference = (means - self.means) + (low - self.low)
        n, m = self.n, count
        if n == 0:
            self.means, self.low = means, low
        else:
            self.means, self.low = _sum(self.means, self.low + difference * (m / (n + m)))
            between = math.sqrt(n * (m / (n + m))) * difference
            rows = np.concatenate([rows, between[None]])
            squares = squares + between * between
        self.squares = self.squares + squares
        self.n = n + m
        self.rows.append(rows)
        if sum(map(len, self.rows)) > self._most:
            self.rows = [self._triangle()]

    def _to_one_scale(self, scale: Array) -> tuple[Array, Array]:
        """Take the scale of the larger deviations; return what to multiply both by."""
        before = self.scale
        # A layer that has not varied yet has no scale of its own.
        starts = [0, *np.cumsum(self.names.widths[:-1]).tolist()]
        varied = np.repeat(np.add.reduceat(self.squares, starts) > 0, self.names.widths)
        self.scale = np.where(varied, np.minimum(before, scale), scale)
        return self.scale / before, self.scale / scale

    def _triangle(self) -> Array:
        """Return the triangle of the rows."""
        whole = self.rows[0] if len(self.rows) == 1 else np.concatenate(self.rows)
        rows = read(Layer("rows", whole, "float64"), "propagate", "cpu")
        return np.asarray(calls.triangle(rows.core))

    def merge(self, other: Rows) -> None:
        """Add what another has gathered."""
        if other.n == 0:
            return
        self._check_fits(sum(map(len, other.rows)))
        rows = np.concatenate(other.rows)
        self._join(other.n, rows, other.means, other.low, other.squares, other.scale)

    def _check_fits(self, more: int) -> None:
        """Refuse rows that would take more memory than there is, before anything changes."""
        width = sum(self.names.widths)
        there = sum(map(len, self.rows))
        wanted = 8.0 * width * (2 * more + (2 * (there + more) if there + more > self._most else 0))
        limit = self.max_memory
        if limit is not None:
            wanted += 8.0 * width * there
        elif wanted < 2**24:
            return
        else:
            limit = memory.available()
        if wanted > limit:
            raise MemoryError(
                f"a batch of {more} samples of {width} units in all layers would take "
                f"{wanted:,.0f} bytes, more than {limit:,.0f}."
            )

    def values(self, row: Measure, options: dict[str, Any], lost: frozenset[int]) -> Array:
        """Return the value of every pair, NaN for layers that are lost."""
        names = self.names
        layers = self._layers()
        rows = [i for i in range(len(names.x)) if i not in lost]
        columns = [j for j in range(len(names.columns)) if names.column(j) not in lost]
        values = np.full(names.shape, np.nan)
        if rows and columns:
            values[np.ix_(rows, columns)] = row.all_pairs(
                [layers[i] for i in rows],
                [] if names.y is None else [layers[names.column(j)] for j in columns],
                nan_policy="raise",
                device="cpu",
                progress=None,
                max_memory=self.max_memory,
                options=options,
            )
        return values

    def _layers(self) -> list[Layer]:
        """Return layers of as many rows as samples, or few more than units, of mean 0.

        The reflection of the rows as they came, with a row of 0 for the mean.
        """
        kept = np.concatenate(self.rows)
        # Some measures want a few rows, which may be 0.
        padding = min(self.n, 8) - 1 - len(kept)
        if padding > 0:
            kept = np.concatenate([kept, np.zeros((padding, kept.shape[1]))])
        n = len(kept) + 1
        total = kept.sum(axis=0)
        whole = np.concatenate([total[None] / math.sqrt(n), kept - total / (n - math.sqrt(n))])
        layers, at = [], 0
        for label, width, dtype in zip(
            self.names.labels, self.names.widths, self.names.compute_dtypes, strict=True
        ):
            own = slice(at, at + width)
            X = np.ascontiguousarray(whole[:, own])
            X[:, self._constant(own, dtype)] = 0
            scale = float(self.scale[at])
            # Far from 1 values would leave the range, and almost nothing depends on the scale.
            X /= scale if 2.0**-400 < scale < 2.0**400 else 1.0
            layers.append(Layer(label, X, "float64", stands_for=StandsFor(self.n, dtype)))
            at = own.stop
        return layers

    def _constant(self, own: slice, dtype: str) -> npt.NDArray[np.bool_]:
        """Return which units do not vary but for rounding; all of them, or those of a basis."""
        eps = float(np.finfo(dtype).eps)
        found = calls.ColumnStatistics(
            self.means[own], self.low[own], self.squares[own], float(self.scale[own][0]), np.nan
        )
        whole = found.constant_columns(self.n, CONSTANT * eps)
        return whole if whole.all() else found.constant_columns(self.n, CONSTANT_UNITS * eps)

    def state(self) -> dict[str, Any]:
        """Return what is gathered, as arrays."""
        kept = ("n", "rows", "scale", "means", "low", "squares")
        return {name: getattr(self, name) for name in kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what another has gathered in the place of one's own."""
        self.__dict__.update(state)


def _sum(x: Array, y: Array) -> tuple[Array, Array]:
    """Return x + y, and what rounding takes from it, whichever of the two is larger."""
    high = x + y
    part = high - x
    return high, (x - (high - part)) + (y - part)
