"""Ranks of layers: their tolerances, and the warnings that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input.arrays import Layer, as_float64
from .._input.checks import Samples, warn

# A column whose centered norm is at most so many rounding units of its norm is constant. Sums of
# the same 10, 100 and 1,000 numbers in another order for every sample, as threads form them, vary
# by 0.5, 1.3 and 2.7 (measured in float32).
CONSTANT_UNITS = 10


def needed_samples(options: Mapping[str, Any] | None = None) -> Samples:
    """Return how many samples rank-revealing measures need, whatever the options."""
    return Samples(2, "centering")


def default_tolerance(layer: Layer) -> float:
    """Singular values count as 0 below this times the largest: eps times the factor's order."""
    order: int = min(layer.array.shape)
    return epsilon(layer) * order


def epsilon(layer: Layer) -> float:
    """Return the rounding unit of the precision that a layer is computed in by itself."""
    return float(np.finfo(layer.compute_dtype).eps)


def constant_columns(layer: Layer) -> npt.NDArray[np.bool_]:
    """Return which columns' centered norm is only the rounding of their values."""
    X = as_float64(layer)
    norms = np.linalg.norm(X, axis=0)
    X = X - X[0]  # makes a constant column exactly 0, which its rounded mean would not
    X -= X.mean(axis=0)
    limits = CONSTANT_UNITS * epsilon(layer) * norms
    constant: npt.NDArray[np.bool_] = np.linalg.norm(X, axis=0) <= limits
    return constant


def saturated(x_rank: int, y_rank: int, n: int) -> int:
    """Return how many correlations have to be 1, since both subspaces lie in n - 1 dimensions."""
    return max(0, x_rank + y_rank - (n - 1))


def warn_saturated(pairs: Sequence[tuple[str, str, int]], n: int) -> None:
    """Warn of correlations that are 1 by construction: one warning, with the worst pair."""
    found = [pair for pair in pairs if pair[2] > 0]
    if not found:
        return
    x, y, count = max(found, key=lambda pair: pair[2])
    more = f" (and so for {len(found) - 1} more pairs)" if len(found) > 1 else ""
    warn(
        f"{x} and {y} have at least {count} canonical correlations that are 1 by construction: "
        f"their ranks add up to more than the {n} samples less 1{more}."
    )


def warn_ambiguous(pairs: Sequence[tuple[str, str]]) -> None:
    """Warn of values that depend on the choice of a basis: one warning, with the first pair."""
    if not pairs:
        return
    x, y = pairs[0]
    more = f" (and so for {len(pairs) - 1} more pairs)" if len(pairs) > 1 else ""
    warn(
        f"{x} and {y} have tied canonical correlations: PWCCA depends on the basis of the tied "
        f"directions{more}."
    )
