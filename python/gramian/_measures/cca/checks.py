"""Checks of the options of CCA and its relatives, and of layers against them."""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

from ..._input.arrays import Layer
from ..._input.options import check_choice, check_integer, check_number, plain, shown
from ..ranks import constant_columns

Denominator = Literal["features", "rank"]
Side = Literal["x", "y", "mean"]
Variant = Literal["paper", "google"]
DENOMINATORS: tuple[Denominator, ...] = get_args(Denominator)
SIDES: tuple[Side, ...] = get_args(Side)
VARIANTS: tuple[Variant, ...] = get_args(Variant)


def check_denominator(value: Any) -> Denominator:
    """Return what the means divide by."""
    return check_choice("denominator", value, DENOMINATORS)


def check_side(value: Any) -> Side:
    """Return whose variates weigh the correlations."""
    return check_choice("side", value, SIDES)


def check_variant(value: Any) -> Variant:
    """Return whose PWCCA it is."""
    return check_choice("variant", value, VARIANTS)


def check_rank_tolerance(value: Any) -> float | None:
    """Refuse a tolerance outside [0, 1)."""
    if value is None:
        return None
    number = check_number("rank_tolerance", value)
    if not 0 <= number < 1:
        raise ValueError(f"rank_tolerance must be in [0, 1), got {plain(number)}.")
    return number


def check_variance(variance: Any) -> float:
    """Refuse a share of variance that cannot be kept."""
    number = check_number("variance", variance)
    if not 0 < number <= 1:
        raise ValueError(f"variance must be in (0, 1], got {plain(number)}.")
    return number


def check_components(components: Any) -> int | None:
    """Refuse a number of directions that cannot be kept of any layer."""
    return None if components is None else check_integer("components", components, least=1)


def check_regularization(value: Any) -> float:
    """Refuse a negative or infinite ridge."""
    number = check_number("regularization", value)
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"regularization must be finite and >= 0, got {plain(number)}.")
    return number


def check_cross_validate(folds: Any) -> int | None:
    """Return a number of folds, which `check_folds` holds against that of the samples."""
    return None if folds is None else check_integer("cross_validate", folds)


def check_folds(folds: Any, n: int) -> int | None:
    """Refuse numbers of folds that leave no sample to fit, or none to test."""
    number = check_cross_validate(folds)
    if number is not None and not 2 <= number <= n // 2:
        raise ValueError(
            f"cross_validate must be between 2 and half the number of samples, {n // 2}, "
            f"got {shown(number)}."
        )
    return number


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
