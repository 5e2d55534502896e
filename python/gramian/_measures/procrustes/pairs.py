"""Procrustes and the shape distances of many layers at once, by the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import calls
from ..._input.arrays import Representation
from ..measure import Option, complete
from ..ranked_layers import Array, Layers
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


def procrustes_pairs(
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    distance: bool = False,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # of kernel measures: nothing here grows with n squared
    options: Mapping[str, Any],
) -> Array:
    """Return the similarity, or the distance, of every a with every b; among the a without b."""
    layers = Layers(a, b, nan_policy, device)
    if layers.empty:
        return np.full(layers.shape, np.nan)
    return layers.place(_compare(layers, progress, distance=distance))


def procrustes_distance_pairs(
    a: Sequence[Representation], b: Sequence[Representation], **arguments: Any
) -> Array:
    """Return the distance; see `procrustes_pairs`."""
    return procrustes_pairs(a, b, distance=True, **arguments)


def shape_distance_pairs(
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # of kernel measures: nothing here grows with n squared
    options: Mapping[str, Any],
) -> Array:
    """Return the angle of every a with every b; among the a without b."""
    chosen = complete(SHAPE_OPTIONS, options)
    layers = Layers(a, b, nan_policy, device)
    if layers.empty:
        return np.full(layers.shape, np.nan)
    return layers.place(_angles(layers, chosen["alpha"], progress))


def _compare(layers: Layers, progress: Progress | None, *, distance: bool = False) -> Array:
    values, constant = calls.procrustes(
        *layers.core(None),
        double=layers.double,
        distance=distance,
        progress=progress,
    )
    layers.warn_constant(constant)
    return values


def _angles(layers: Layers, alpha: float, progress: Progress | None) -> Array:
    if alpha == 1:
        similarity = _compare(layers, progress)
    else:
        sums, ranks, _, norms = calls.spectral(
            *layers.core(None),
            double=layers.double,
            kind="shape",
            parameter=alpha,
            progress=progress,
        )
        layers.warn_constant([rank == 0 for rank in ranks])
        of_x = np.array(norms[: len(layers.xs)])
        of_y = np.array(norms[len(layers.xs) :]) if layers.ys else of_x
        with np.errstate(invalid="ignore", divide="ignore"):
            similarity = sums / np.outer(of_x, of_y)
    return np.asarray(np.arccos(np.clip(similarity, 0, 1)))
