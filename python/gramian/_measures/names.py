"""The names of measures and their options, for checkers of types: tests hold them to the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypedDict

from .cca.checks import Denominator, Direction, Side, Variant
from .hsic.kernels import Kernel, KernelName

__all__ = ["MeasureName", "Options"]

MeasureName = Literal[
    "cka",
    "hsic",
    "cka_distance",
    "distance_correlation",
    "cca",
    "cca_squared",
    "svcca",
    "svcca_squared",
    "pwcca",
    "linear_regression",
    "ridge_regression",
    "procrustes",
    "procrustes_distance",
    "shape_distance",
    "match_one_to_one",
    "match_semi",
    "sparse_prediction",
]


class Options(TypedDict, total=False):
    """Keywords of measures; which measure takes which is in the table."""

    kernel: KernelName | Kernel
    bandwidth: float | None
    sigma: float | None
    bandwidth_sample: int | None
    debiased: bool
    unbiased: bool
    denominator: Denominator
    regularization: float
    direction: Direction
    cross_validate: Any  # a number, labels, pairs or a splitter
    inner_folds: Any
    alpha_per_target: bool
    rank_tolerance: float | None
    variance: float
    components: int | None
    side: Side
    variant: Variant
    alpha: float
    absolute: bool
    alphas: float | Sequence[float]
    tol: float
    max_sweeps: int
