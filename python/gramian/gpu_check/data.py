"""The layers that the check compares: views of common factors, so that no similarity is extreme."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

__all__ = ["models", "pair"]

FACTORS = 16


def models(n: int, widths: Sequence[int], dtype: str) -> tuple[list[Any], list[Any]]:
    """Return the layers of two models, C-ordered; distances between samples are 2 to 3.

    Each unit is one of 16 common factors plus noise, of which deeper layers have more.
    """
    rng = np.random.default_rng(len(widths))
    factors = rng.standard_normal((n, FACTORS), np.float32)
    found: tuple[list[Any], list[Any]] = ([], [])
    for model in found:
        for depth, width in enumerate(widths, start=1):
            layer = rng.standard_normal((n, width), np.float32)
            layer *= 1 + depth / len(widths)
            layer += factors[:, rng.integers(0, FACTORS, width)]
            layer /= np.float32(np.sqrt(width))
            model.append(layer.astype(dtype, copy=False))
    return found


def pair(n: int, p: int, q: int, dtype: str) -> tuple[Any, Any]:
    """Return layers of p and of q units."""
    (X, _), (_, Y) = models(n, (p, q), dtype)
    return X, Y
