"""Wide layers, of more units than samples, as their coordinates: far fewer, and a rotation of them.

What a rotation of the units does not change is computed from coordinates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._input.arrays import Layer, as_float64
from .._input.read import ReadLayer, read
from . import ranks

__all__ = ["in_coordinates", "is_wide", "scaled_coordinates", "wide_coordinates"]

Array = npt.NDArray[np.float64]


def is_wide(layer: Layer) -> bool:
    """Return whether a layer has fewer coordinates than units."""
    n, p = layer.array.shape
    return p > n


def wide_coordinates(layer: ReadLayer, tolerance: float = 1) -> Array:
    """Return coordinates of a wide layer, centered: exact, or down to a tolerance.

    A tolerance of 1 wants no more than that their errors are small beside the largest direction.
    """
    return calls.coordinates([layer.core], tolerances=[tolerance], scaled=False)[0]


def scaled_coordinates(layer: ReadLayer, tolerance: float) -> Array:
    """Return coordinates of a layer whose columns are centered and of unit norm, or 0."""
    if is_wide(layer):
        return calls.coordinates([layer.core], tolerances=[tolerance], scaled=True)[0]
    X = as_float64(layer) - layer.means
    constant = ranks.constant_columns(layer)
    norms = np.where(constant, 1, np.linalg.norm(X, axis=0))
    return np.asarray(np.where(constant, 0, X / norms))


def in_coordinates(layers: Sequence[ReadLayer]) -> list[calls.CoreLayer]:
    """Return layers for the core, the wide ones by their coordinates, found once of each."""
    found: dict[int, calls.CoreLayer] = {}
    for layer in layers:
        if id(layer.core) not in found:
            wide = is_wide(layer) and not layer.constant
            found[id(layer.core)] = (
                _read(layer, wide_coordinates(layer)).core if wide else layer.core
            )
    return [found[id(layer.core)] for layer in layers]


def _read(layer: ReadLayer, coordinates: Array) -> ReadLayer:
    return read(Layer(layer.name, coordinates, "float64"), "raise", layer.computed_on)
