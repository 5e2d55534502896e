"""Sums of products of layers, in the compiled core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._input import checks
from .._input.arrays import Layer
from .._input.constant import CONSTANT
from .._input.read import ReadLayer
from .._measures.chance import warn_of_chance
from .._measures.gathered import ByProducts
from .._measures.ranks import CONSTANT_UNITS
from .batches import Names

__all__ = ["Products"]

Array = npt.NDArray[np.float64]


class Products:
    """What `ByProducts` measures keep: centered products of pairs, on the device of the layers."""

    def __init__(self, names: Names, how: ByProducts, device: int | None) -> None:
        self.names, self.how = names, how
        rows, columns = names.shape
        if names.y is None:
            self.pairs = [(i, j) for i in range(rows) for j in range(i)]
        else:
            self.pairs = [(i, names.column(j)) for i in range(rows) for j in range(columns)]
        if how.own or (names.y is None and how.diagonal is None):
            self.pairs += [(k, k) for k in range(len(names.widths))]
        # Differences of fourth moments and products cancel, which float does not allow for.
        self.double = names.double or how.norms
        self.sums = calls.cross_sums(names.widths, pairs=self.pairs, norms=how.norms, device=device)

    def update(self, layers: Sequence[ReadLayer], progress: Any = None) -> None:
        """Add a batch."""
        self.sums.update(
            [layer.core for layer in layers],
            squares=[layer.statistics.squares for layer in layers],
            double=self.double or any(layer.double for layer in layers),
            progress=progress,
        )

    def merge(self, other: Products) -> None:
        """Add what another has gathered."""
        self.sums.merge(other.sums)

    def values(self, n: int, lost: frozenset[int]) -> Array:
        """Return the value of every pair, NaN for layers that are lost or do not vary."""
        names = self.names
        sides = [self._side(k, n) for k in range(len(names.widths))]
        labels = names.labels
        constant = {k for k, side in enumerate(sides) if side.constant} - lost
        zero_is_a_value = self.how.diagonal is None and not self.how.own  # HSIC of a constant
        if not zero_is_a_value:
            checks.warn_constant(labels[k] for k in sorted(constant))
        number = {pair: k for k, pair in enumerate(self.pairs)}
        squared = self.sums.squared_products()

        def pair(i: int, j: int) -> GatheredPair | None:
            if (i, j) in number:
                return GatheredPair(n, sides[i], sides[j], self.sums, number[i, j], False, squared)
            if (j, i) in number:
                return GatheredPair(n, sides[i], sides[j], self.sums, number[j, i], True, squared)
            return None

        values = np.full(names.shape, np.nan)
        for i, j in np.ndindex(*values.shape):
            x, y = i, names.column(j)
            if {x, y} & lost:
                continue
            if {x, y} & constant:
                values[i, j] = 0.0 if zero_is_a_value else np.nan
            elif x == y and self.how.diagonal is not None:
                values[i, j] = self.how.diagonal
            elif names.y is None and j < i and self.how.symmetric:
                values[i, j] = values[j, i]
            else:
                cross = pair(x, y)
                assert cross is not None
                values[i, j] = self.how.value(cross, pair(x, x) or cross, pair(y, y) or cross)
        if self.how.chance is not None:
            a, b = self._stand_ins(n)
            warn_of_chance(a, b, values, self.how.chance)
        if self.how.own:
            known = constant | lost
            own = {k: pair(k, k) for k in range(len(sides)) if k not in known}
            self._warn_degenerate({k: found for k, found in own.items() if found is not None})
        return values

    def _warn_degenerate(self, found: Mapping[int, GatheredPair]) -> None:
        """Warn of layers that vary, but have nothing in common with themselves."""
        labels = self.names.labels
        checks.warn_degenerate(
            labels[k] for k, own in found.items() if np.isnan(self.how.value(own, own, own))
        )

    def _stand_ins(self, n: int) -> tuple[list[Layer], list[Layer]]:
        """Return layers of the names and shapes of all samples."""
        names = self.names
        layers = [
            Layer(label, np.broadcast_to(np.float32(0), (n, width)), "float32")
            for label, width in zip(names.labels, names.widths, strict=True)
        ]
        return layers[: len(names.x)], layers[len(names.x) :]

    def _side(self, number: int, n: int) -> GatheredSide:
        scale, means, low, squares = self.sums.layer(number)
        found = calls.ColumnStatistics(means, low, squares, scale, np.nan)
        # What varies by no more than rounding does not: of a unit, and of the layer as a whole.
        eps = float(np.finfo(self.names.compute_dtypes[number]).eps)
        return GatheredSide(
            scale=scale,
            squares=squares,
            varies=~found.constant_columns(n, CONSTANT_UNITS * eps),
            constant=bool(found.constant_columns(n, CONSTANT * eps).all()),
        )

    def state(self) -> dict[str, Any]:
        """Return what is gathered, as arrays."""
        layers, pairs = range(len(self.names.widths)), range(len(self.pairs))
        return {
            "n_samples": self.sums.n_samples,
            "layers": [self.sums.layer(k) for k in layers],
            "products": [self.sums.product(k) for k in pairs],
            "norms": [self.sums.norms(k) for k in pairs] if self.how.norms else [],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take what another has gathered in the place of one's own."""
        self.sums.restore(**state)


@dataclass(frozen=True)
class GatheredSide:
    """A layer: see `OneSide`."""

    scale: float
    squares: Array
    varies: npt.NDArray[np.bool_]
    constant: bool


@dataclass(frozen=True)
class GatheredPair:
    """Two layers: see `OnePair`. The core may have them the other way round."""

    n: int
    x: GatheredSide
    y: GatheredSide
    sums: Any
    number: int
    turned: bool
    squared: Array

    @property
    def unit(self) -> float:
        """What a product of their activations is in these units, if it is 1."""
        return self.x.scale * self.y.scale

    def squared_product(self) -> float:
        """|XᵀY|²."""
        return float(self.squared[self.number])

    def singular_values(self) -> Array:
        """Those of XᵀY."""
        return np.asarray(self.sums.singular_values(self.number))

    def product(self) -> Array:
        """XᵀY, (p, q)."""
        found: Array = self.sums.product(self.number)
        return found.T if self.turned else found

    def fourth_moment(self) -> float:
        """Σ |xᵢ|²|yᵢ|²."""
        return float(self.sums.norms(self.number)[0])
