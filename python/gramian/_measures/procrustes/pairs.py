"""Procrustes and the shape distances of many layers at once, by the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import calls
from ..._core.calls import Measure
from ..._input.arrays import Representation
from ..measure import Option, complete
from ..ranked_layers import PREPARED, Array, Layers
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
    stages = calls.Stages(progress)
    prepared = calls.prepare_centred(layers.cores, double=layers.double, progress=stages(0, 0.1))
    values, _, _ = calls.compare(
        *layers.sides(prepared),
        measure=Measure.procrustes_distance if distance else Measure.procrustes,
        progress=stages(0.1, 1),
    )
    layers.warn_if_constant(prepared)
    return values


def _angles(layers: Layers, alpha: float, progress: Progress | None) -> Array:
    if alpha == 1:
        similarity = _compare(layers, progress)
    else:
        stages = calls.Stages(progress)
        prepared = calls.prepare_shape(
            layers.cores,
            tolerances=layers.tolerances(None),
            alpha=alpha,
            progress=stages(0, PREPARED),
        )
        similarity, _, _ = calls.compare(
            *layers.sides(prepared), measure=Measure.shape, progress=stages(PREPARED, 1)
        )
        layers.warn_if_constant(prepared)
    return np.asarray(np.arccos(np.clip(similarity, 0, 1)))
