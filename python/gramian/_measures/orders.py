"""Comparisons with reordered samples of what bases and products are made of, prepared once.

A basis keeps its coefficients, its rank and its spectrum in any order of the samples: only rows
move. So an order costs the copy of a layer and the products of the pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .._core import calls
from .._input import devices
from .._input.constant import epsilon
from .._input.heard import silence
from .._input.read import ReadLayer
from .grid import Array, Grid
from .resampled import Request, Samples

__all__ = ["Orders", "orders_of"]

Prepared = Sequence[calls.PreparedLayer]
# Prepares the layers of the rows and, where there are such, of the columns.
Prepare = Callable[[Grid], tuple[Prepared, Prepared | None]]
Evaluate = Callable[[Prepared, Prepared], Array]


class Orders:
    """The layers of a comparison, prepared."""

    def __init__(self, grid: Grid, prepare: Prepare, evaluate: Evaluate) -> None:
        self._grid, self._evaluate = grid, evaluate
        xs, ys = prepare(grid)
        self._xs, self._ys = list(xs), list(ys or xs)

    def map(self, order: Samples) -> Array:
        """Return the map whose columns' layers have their samples in this order."""
        ys = [
            calls.reordered(prepared, _in_order(layer, order), order.tolist())
            for prepared, layer in zip(self._ys, self._grid.others, strict=True)
        ]
        return self._grid.place(self._evaluate(self._xs, ys))


def orders_of(request: Request, prepare: Prepare, evaluate: Evaluate) -> Orders | None:
    """Prepare layers; those of more units than samples, which are taken by coordinates, are not."""
    with silence():  # the comparison of all samples has said what there is
        grid = Grid(request.a, request.b, "raise", request.device)
        return None if grid.empty or grid.has_wide else Orders(grid, prepare, evaluate)


def _in_order(layer: ReadLayer, order: Samples) -> calls.CoreLayer:
    """Return a layer of reordered samples, where it is computed on; its statistics stay."""
    array: Any = layer.host[order]
    if layer.target is not None:
        array = devices.upload(array, layer.dtype, layer.target)
    return calls.layer(
        array,
        dtype=layer.dtype,
        statistics=layer.statistics,
        constant=layer.constant,
        epsilon=epsilon(layer),
    )
