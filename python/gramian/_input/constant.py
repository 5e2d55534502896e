"""Columns that do not vary, but for rounding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .arrays import Layer, as_float64

__all__ = ["CONSTANT", "centered", "constant_columns", "epsilon", "is_constant"]

# A layer is constant if the centered norm of every column is at most so many rounding units of its
# norm. Samples that are equal but for the order in which a sum of 100 or 1,000 float32 numbers was
# formed leave 0.8 and 1.9 (10,000: 5.8); data of standard deviation 1 about 2e6 leave 4.2.
CONSTANT = 2
_EPSILON = {name: float(np.finfo(name).eps) for name in ("float32", "float64")}


def epsilon(layer: Layer) -> float:
    """Return the rounding unit of the precision that a layer is computed in by itself."""
    return _EPSILON[(layer.stands_for or layer).compute_dtype]


def centered(layer: Layer) -> npt.NDArray[np.float64]:
    """Return the values less their column means: exactly 0 in a column of one value."""
    X: npt.NDArray[np.float64] = as_float64(layer)
    with np.errstate(over="ignore", invalid="ignore"):  # infinity less infinity, where NaN may be
        X = X - X[0]  # about 0, the mean of 1,000 times 0.1 is not 0.1
        X -= X.mean(axis=0)
    return X


def constant_columns(layer: Layer, units: float) -> npt.NDArray[np.bool_]:
    """Return which columns' centered norm is at most so many rounding units of their norm."""
    X = as_float64(layer)
    largest = np.abs(X).max(axis=0)
    scale = np.where(largest > 0, largest, 1)  # squares of huge numbers would overflow
    with np.errstate(invalid="ignore"):  # where infinity is
        rest = np.linalg.norm(centered(layer) / scale, axis=0)
        norms = np.linalg.norm(X / scale, axis=0)
    constant: npt.NDArray[np.bool_] = rest <= units * epsilon(layer) * norms
    return constant


def is_constant(layer: Layer) -> bool:
    """Return whether no column varies, but for rounding."""
    return bool(constant_columns(layer, CONSTANT).all())
