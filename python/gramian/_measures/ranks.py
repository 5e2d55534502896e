"""Ranks of layers: their tolerances, and the warnings that follow from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input.arrays import Layer
from .._input.checks import Samples, more_pairs, warn
from .._input.constant import constant_columns as columns_within
from .._input.constant import epsilon as epsilon
from .splits import Fold

# A column whose centered norm is at most so many rounding units of its norm is constant, and left
# out of a basis, where it would count as much as any other once it is divided by that norm. Sums of
# the same 10, 100 and 1,000 numbers in another order for every sample, as threads form them, vary
# by 0.5, 1.3 and 2.7 (measured in float32).
CONSTANT_UNITS = 10


# The factor of n rows carries their rounding even where it has two columns. Norms and products of
# columns are sums of n terms: in lanes of a vector, of m each, they are off by at most m eps / 4,
# which is worst where all terms are alike, as those of one-hot labels are. In a direction in which
# the columns cancel that is what is left: at most 34 eps s_1 in double, by LAPACK on all rows at
# once and by triangles of blocks of rows (measured: one-hot labels, counts of fixed sum and softmax
# outputs of 2 to 64 classes, n = 100 to 100,000, 20 seeds), and 2 eps in float, whose factors are
# found in double. So a factor has the rank that 64 eps leave, at least.
LEAST_TOLERANCE = 64

# Singular values tie that differ by so many rounding units of the input: which of their directions
# comes first is then up to rounding.
TIE_UNITS = 10


def needed_samples(options: Mapping[str, Any] | None = None) -> Samples:
    """Return how many samples rank-revealing measures need, whatever the options."""
    return Samples(2, "centering")


def default_tolerance(layer: Layer) -> float:
    """Singular values count as 0 below this times the largest: eps times the factor's order."""
    n, p = layer.array.shape
    return tolerance_for(layer, n, p)


def tolerance_for(layer: Layer, n: int, p: int) -> float:
    """Return the default tolerance for so many samples and units with the digits of a layer."""
    return epsilon(layer) * max(LEAST_TOLERANCE, min(n, p))


def fitted_samples(folds: Sequence[Fold]) -> int:
    """Return how many samples the smallest fit of the folds has."""
    return min(len(fold.fit) for fold in folds)


def is_wide_in_folds(layer: Layer, folds: Sequence[Fold]) -> bool:
    """Return whether a fit of a layer has no more samples than units.

    Of the solutions that it then has the smallest is meant, which depends on what the units are
    divided by: their norms over all samples.
    """
    return bool(layer.array.shape[1] >= fitted_samples(folds))


def constant_columns(layer: Layer) -> npt.NDArray[np.bool_]:
    """Return which columns' centered norm is only the rounding of their values."""
    return columns_within(layer, CONSTANT_UNITS)


def saturated(x_rank: int, y_rank: int, n: int) -> int:
    """Return how many correlations have to be 1, since both subspaces lie in n - 1 dimensions."""
    return max(0, x_rank + y_rank - (n - 1))


def warn_saturated(pairs: Sequence[tuple[str, str, int]], n: int) -> None:
    """Warn of correlations that are 1 by construction: one warning, with the worst pair."""
    found = [pair for pair in pairs if pair[2] > 0]
    if not found:
        return
    x, y, count = max(found, key=lambda pair: pair[2])
    warn(
        f"{x} and {y} have at least {count} canonical correlations that are 1 by construction: "
        f"their ranks add up to more than the {n} samples less 1{more_pairs(found)}."
    )


def warn_saturated_folds(pairs: Sequence[tuple[str, str]], n: int) -> None:
    """Warn of fits with correlations of 1 by construction: one warning, with the first pair."""
    if not pairs:
        return
    x, y = pairs[0]
    warn(
        f"{x} and {y} have ranks that add up to more than the {n} samples of a fit less 1: fitted "
        "correlations are then 1 by construction, and held-out ones depend on the basis of these "
        f"directions{more_pairs(pairs)}."
    )


def warn_straddled(names: Sequence[str]) -> None:
    """Warn of layers whose kept directions tie with others: one warning, with the first layer."""
    if not names:
        return
    more = f" (and so have {len(names) - 1} more)" if len(names) > 1 else ""
    warn(
        f"{names[0]} has tied singular values on both sides of the cut: SVCCA depends on which of "
        f"their directions are kept{more}."
    )


def warn_ambiguous(pairs: Sequence[tuple[str, str]]) -> None:
    """Warn of values that depend on the choice of a basis: one warning, with the first pair."""
    if not pairs:
        return
    x, y = pairs[0]
    warn(
        f"{x} and {y} have tied canonical correlations: PWCCA depends on the basis of the tied "
        f"directions{more_pairs(pairs)}."
    )
