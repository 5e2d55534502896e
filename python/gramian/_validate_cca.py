"""Checks and warnings of the measures on canonical correlations and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._validate import Representation, as_float64, warn

SIDES = ("x", "y", "mean")
LEAST, WHY = 2, "centering"  # samples that these measures need, and what needs them


def default_tolerance(rep: Representation) -> float:
    """Singular values count as 0 below this times the largest: eps times the factor's order."""
    order: int = min(rep.array.shape)
    return epsilon(rep) * order


def epsilon(rep: Representation) -> float:
    """Return the rounding unit of the precision that a layer is computed in by itself."""
    return float(np.finfo(rep.compute_dtype).eps)


def check_choice(name: str, value: Any, choices: Sequence[str]) -> None:
    """Refuse a word that is none of the choices."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices[:-1]) + f" or {choices[-1]!r}"
        raise ValueError(f"{name} must be {listed}, got {value!r}.")


def check_rank_tolerance(value: float | None) -> None:
    """Refuse a tolerance that is no fraction."""
    if value is not None and not 0 <= value < 1:
        raise ValueError(f"rank_tolerance must be in [0, 1), got {value}.")


def check_variance(variance: float) -> None:
    """Refuse a share of variance that cannot be kept."""
    if not 0 < variance <= 1:
        raise ValueError(f"variance must be in (0, 1], got {variance}.")


def check_components(components: int | None) -> None:
    """Refuse a number of directions that cannot be kept of any layer."""
    if components is None:
        return
    _check_integer("components", components)
    if components < 1:
        raise ValueError(f"components must be at least 1, got {components}.")


def check_enough_rank(rep: Representation, rank: int, components: int | None) -> None:
    """Refuse more directions than a layer has; a constant one is warned of instead."""
    if components is not None and 0 < rank < components:
        raise ValueError(
            f"components must be at most the rank of {rep.name}, {rank}, got {components}."
        )


def check_full_rank(rep: Representation, rank: int) -> None:
    """Refuse a layer that google/svcca's PWCCA is not defined for; a constant one is warned of."""
    if 0 < rank < rep.array.shape[1] - int(constant_columns(rep).sum()):
        raise ValueError(
            f"variant='google' needs linearly independent units: {rep.name} has rank {rank} and "
            f"{rep.array.shape[1]} units."
        )


def constant_columns(rep: Representation) -> npt.NDArray[np.bool_]:
    """Return which columns' centered norm is only the rounding of their values."""
    X = as_float64(rep)
    norms = np.linalg.norm(X, axis=0)
    X = X - X[0]  # makes a constant column exactly 0, which its rounded mean would not
    X -= X.mean(axis=0)
    constant: npt.NDArray[np.bool_] = np.linalg.norm(X, axis=0) <= 10 * epsilon(rep) * norms
    return constant


def check_regularization(value: float) -> None:
    """Refuse a ridge that is none."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"regularization must be finite and >= 0, got {value}.")


def check_alpha(alpha: float) -> None:
    """Refuse anything but a point between CCA and Procrustes."""
    if not 0 <= alpha <= 1:
        raise ValueError(f"alpha must be in [0, 1], got {alpha}.")


def check_folds(folds: int | None, n: int) -> None:
    """Refuse numbers of folds that leave no sample to fit, or none to test."""
    if folds is None:
        return
    _check_integer("cross_validate", folds)
    if not 2 <= folds <= n // 2:
        raise ValueError(
            f"cross_validate must be between 2 and half the number of samples, {n // 2}, "
            f"got {folds}."
        )


def _check_integer(name: str, value: Any) -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} must be an integer, got {type(value).__name__}.")


def saturated(x_rank: int, y_rank: int, n: int) -> int:
    """Return how many correlations two subspaces of n - 1 dimensions cannot help having at 1."""
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
    """Warn of values that hang on the choice of a basis: one warning, with the first pair."""
    if not pairs:
        return
    x, y = pairs[0]
    more = f" (and so for {len(pairs) - 1} more pairs)" if len(pairs) > 1 else ""
    warn(
        f"{x} and {y} have tied canonical correlations: PWCCA depends on the basis of the tied "
        f"directions{more}."
    )
