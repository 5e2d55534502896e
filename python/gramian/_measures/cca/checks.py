"""Checks of the options of CCA and its relatives, and of layers against them."""

from __future__ import annotations

import math

from ..._input.arrays import Layer
from ..._input.checks import check_choice, check_integer
from ..ranks import constant_columns

DENOMINATORS = ("features", "rank")
SIDES = ("x", "y", "mean")
VARIANTS = ("paper", "google")


def check_denominator(value: str) -> str:
    """Return what the means divide by."""
    check_choice("denominator", value, DENOMINATORS)
    return value


def check_side(value: str) -> str:
    """Return whose variates weigh the correlations."""
    check_choice("side", value, SIDES)
    return value


def check_variant(value: str) -> str:
    """Return whose PWCCA it is."""
    check_choice("variant", value, VARIANTS)
    return value


def check_rank_tolerance(value: float | None) -> float | None:
    """Refuse a tolerance outside [0, 1)."""
    if value is not None and not 0 <= value < 1:
        raise ValueError(f"rank_tolerance must be in [0, 1), got {value}.")
    return value


def check_variance(variance: float) -> float:
    """Refuse a share of variance that cannot be kept."""
    if not 0 < variance <= 1:
        raise ValueError(f"variance must be in (0, 1], got {variance}.")
    return variance


def check_components(components: int | None) -> int | None:
    """Refuse a number of directions that cannot be kept of any layer."""
    return None if components is None else check_integer("components", components, least=1)


def check_regularization(value: float) -> float:
    """Refuse a negative or infinite ridge."""
    if not (math.isfinite(value) and value >= 0):
        raise ValueError(f"regularization must be finite and >= 0, got {value}.")
    return value


def check_folds(folds: int | None, n: int) -> None:
    """Refuse numbers of folds that leave no sample to fit, or none to test."""
    if folds is None:
        return
    check_integer("cross_validate", folds)
    if not 2 <= folds <= n // 2:
        raise ValueError(
            f"cross_validate must be between 2 and half the number of samples, {n // 2}, "
            f"got {folds}."
        )


def check_enough_rank(layer: Layer, rank: int, components: int | None) -> None:
    """Refuse more directions than a layer has; a constant one is warned of instead."""
    if components is not None and 0 < rank < components:
        raise ValueError(
            f"components must be at most the rank of {layer.name}, {rank}, got {components}."
        )


def check_full_rank(layer: Layer, rank: int) -> None:
    """Refuse a layer that google/svcca's PWCCA is not defined for; a constant one is warned of."""
    if 0 < rank < layer.array.shape[1] - int(constant_columns(layer).sum()):
        raise ValueError(
            f"variant='google' needs linearly independent units: {layer.name} has rank {rank} and "
            f"{layer.array.shape[1]} units."
        )
