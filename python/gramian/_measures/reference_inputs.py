"""What the references of several families share: inputs, checked and centered."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .._input import checks, constant, layers
from .._input.arrays import Layer, as_float64
from .._input.constant import is_constant
from . import ranks

__all__ = ["Array", "centered", "check_values", "samples", "warn_constant"]

Array = npt.NDArray[np.float64]


def samples(X: Any, Y: Any, nan_policy: str) -> tuple[Layer, Layer, bool]:
    """Check two inputs; False if one holds NaN or infinity."""
    x, y = layers.pair(X, Y, nan_policy)
    finite = True
    for layer in (x, y):
        checks.check_sample_count(layer, *ranks.needed_samples())
        finite = check_values(layer, nan_policy) and finite
    return x, y, finite


def centered(layer: Layer) -> Array:
    """HX, where H = I - 11'/n; times a power of two where its squares would be out of range."""
    X = as_float64(layer)
    largest = float(np.abs(X).max()) if np.isfinite(X).all() else 1.0
    exponent = -int(np.frexp(largest)[1])
    if abs(exponent) < 400 or largest == 0:
        return constant.centered(layer)
    half = exponent // 2  # in two steps, since the power itself may be out of range
    X = np.ldexp(np.ldexp(X, half), exponent - half)
    return constant.centered(Layer(layer.name, X, "float64"))


def check_values(layer: Layer, nan_policy: str) -> bool:
    """Check the values of a layer; False if one is NaN or infinity."""
    X = as_float64(layer)
    found = np.where(np.isfinite(X).all(axis=0), 0.0, np.nan)
    if nan_policy == "raise":
        checks.check_finite(layer, found)
    finite = bool(np.isfinite(found).all())
    if finite:
        checks.check_range(layer, float(np.abs(X).max()))
    return finite


def warn_constant(*layers: Layer, scaled: bool = False) -> bool:
    """Warn of constant layers, and return whether there are any.

    Where columns are divided by their norms, what is left of constant ones is not looked at.
    """
    names = [
        layer.name
        for layer in layers
        if (ranks.constant_columns(layer).all() if scaled else is_constant(layer))
    ]
    checks.warn_constant(names)
    return bool(names)
