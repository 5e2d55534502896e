"""Procrustes and the shape distances of many layers at once, by the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import calls
from ..._core.calls import Measure
from ..._input.arrays import Layer
from ..chance import Chance, of_procrustes, says_chance
from ..grid import PREPARED, Array, Grid
from ..measure import Option, complete
from ..orders import Orders, orders_of
from ..resampled import Request
from .checks import check_alpha

__all__ = [
    "SHAPE_OPTIONS",
    "procrustes_distance_pairs",
    "procrustes_pairs",
    "shape_distance_pairs",
]

Progress = Callable[[int, int], object]

SHAPE_OPTIONS = (
    Option(
        "alpha",
        1.0,
        check_alpha,
        kind=float,
        metavar="A",
        help="from 0, whitened as in CCA, to 1, as in Procrustes",
    ),
)


# What layers that have nothing in common score.
CHANCE = Chance(
    of_procrustes, "CKA with debiased=True does not rise, linear regression has cross_validate="
)
_says_chance = says_chance(CHANCE, lambda options: True)


@_says_chance
def procrustes_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    distance: bool = False,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return the similarity, or the distance, of every a with every b; among the a without b."""
    grid = Grid(a, b, nan_policy, device)
    if grid.empty:
        return np.full(grid.shape, np.nan)
    return grid.place(_compare(grid, progress, distance=distance))


def procrustes_distance_pairs(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> Array:
    """Return the distance; see `procrustes_pairs`."""
    return procrustes_pairs(a, b, distance=True, **arguments)


@_says_chance
def shape_distance_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return the angle of every a with every b; among the a without b."""
    chosen = complete(SHAPE_OPTIONS, options)
    grid = Grid(a, b, nan_policy, device)
    if grid.empty:
        return np.full(grid.shape, np.nan)
    return grid.place(_angles(grid, chosen["alpha"], progress))


def procrustes_orders(request: Request, *, distance: bool = False) -> Orders | None:
    """Center layers for Procrustes with reordered samples."""
    measure = Measure.procrustes_distance if distance else Measure.procrustes
    return orders_of(
        request,
        lambda grid: grid.sides(calls.prepare_centred(grid.cores, double=grid.double)),
        lambda xs, ys: calls.compare(xs, ys, measure=measure)[0],
    )


def _compare(grid: Grid, progress: Progress | None, *, distance: bool = False) -> Array:
    stages = calls.Stages(progress)
    prepared = calls.prepare_centred(
        grid.in_coordinates(), double=grid.double, progress=stages(0, 0.1)
    )
    values, _, _ = calls.compare(
        *grid.sides(prepared),
        measure=Measure.procrustes_distance if distance else Measure.procrustes,
        progress=stages(0.1, 1),
    )
    grid.warn_if_constant(prepared)
    return values


def _angles(grid: Grid, alpha: float, progress: Progress | None) -> Array:
    if alpha == 1:
        return np.asarray(2 * np.arcsin(_compare(grid, progress, distance=True) / 2))
    stages = calls.Stages(progress)
    prepared = calls.prepare_shape(
        grid.cores,
        tolerances=grid.tolerances(None),
        alpha=alpha,
        progress=stages(0, PREPARED),
    )
    angles, _, _ = calls.compare(
        *grid.sides(prepared), measure=Measure.shape, progress=stages(PREPARED, 1)
    )
    grid.warn_if_constant(prepared)
    return angles
