"""What the references of several families share: inputs, checked and centered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._input import checks, layers
from .._input.arrays import Layer, as_float64
from . import ranks

__all__ = ["Array", "centered", "samples", "warn_constant"]

Array = npt.NDArray[np.float64]


def centered(layer: Layer) -> Array:
    """HX, where H = I - 11'/n."""
    X: Array = as_float64(layer)
    with np.errstate(invalid="ignore"):  # inf - inf, when NaN propagates
        X = X - X[0]  # makes a constant column exactly 0, which its rounded mean would not
        X -= X.mean(axis=0)
        X -= X.mean(axis=0)  # the rounding of n terms that the first means have
    return X


def samples(X: Any, Y: Any, nan_policy: str) -> tuple[Layer, Layer, bool]:
    """Check two inputs; False if one holds NaN or infinity."""
    x, y = layers.pair(X, Y, nan_policy)
    finite = True
    for layer in (x, y):
        checks.check_sample_count(layer, *ranks.needed_samples())
        with np.errstate(over="ignore", invalid="ignore"):
            means = as_float64(layer).mean(axis=0)
        if nan_policy == "raise":
            checks.check_finite(layer, means)
        finite = finite and bool(np.isfinite(means).all())
    return x, y, finite


def warn_constant(*layers: Layer) -> bool:
    """Warn of constant layers, and return whether there are any."""
    names = [layer.name for layer in layers if ranks.constant_columns(layer).all()]
    checks.warn_constant(names)
    return bool(names)
