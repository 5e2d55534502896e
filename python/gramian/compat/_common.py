"""What the drop-in modules share: arrays as they come, warnings, products without centering."""

from __future__ import annotations

import sys
import warnings
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["as_pair", "keeping_means", "matrix", "warn"]

Array = npt.NDArray[np.floating[Any]]
_PACKAGE = __name__.partition(".")[0]


def matrix(name: str, values: Any) -> Array:
    """Return finite numbers of two axes, in float32 or float64; tensors come to the host."""
    if isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must not be masked: fill it or leave samples out.")
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if str(values.dtype) == "torch.bfloat16":  # which numpy lacks
            values = values.float()
    found = np.asarray(values)
    if found.ndim != 2:
        raise ValueError(f"{name} must be two-dimensional, got shape {found.shape}.")
    if found.dtype.kind not in "biuf":
        raise TypeError(f"{name} must be numeric, got {found.dtype}.")
    if not np.isfinite(found).all():
        raise ValueError(f"{name} must be finite: it holds NaN or infinity.")
    if found.dtype.kind != "f":
        return found.astype(np.float64)
    return found.astype(np.float32) if found.dtype == np.float16 else found


def as_pair(names: tuple[str, str], a: Any, b: Any, *, axis: int = 0) -> tuple[Array, Array]:
    """Return two arrays that have as many samples, along an axis."""
    first, second = matrix(names[0], a), matrix(names[1], b)
    n, m = first.shape[axis], second.shape[axis]
    if n != m:
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of samples: {names[0]} has {n}, "
            f"{names[1]} has {m}."
        )
    return first, second


def keeping_means(X: Array) -> Array:
    """Return rows whose centered products are twice those of X, not centered.

    Every function of gramian centers columns. Those of [X; -X] have the mean 0 already.
    """
    return np.concatenate([X, -X])


def warn(message: str) -> None:
    """Warn at the first line outside the package.

    Python shows the same text once a line, and forgets which ones it has shown at every
    `catch_warnings`: so scores are not in the text, and nothing here catches warnings.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RuntimeWarning, stacklevel=level)
