"""Inference whose measures are computed by the reference, anew for every resample."""

from __future__ import annotations

from typing import Any, Unpack

from .._input.annotations import ArrayLike, NanPolicy
from .._input.layout import Layouts, Positions, takes_layout
from .._measures.names import MeasureName, Options
from . import functions
from .results import Bootstrap, Jackknife, PermutationTest
from .settings import Scheme

__all__ = ["bootstrap", "jackknife", "permutation_test"]


@takes_layout
def permutation_test(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    measure: MeasureName = "cka",
    layout: Layouts = None,
    positions: Positions = None,
    n_permutations: int = 999,
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    nan_policy: NanPolicy = "raise",
    **options: Unpack[Options],
) -> PermutationTest:
    """Test by permutation: `gramian.permutation_test` with ``device="reference"``."""
    return functions.permutation_test(
        X,
        Y,
        measure=measure,
        n_permutations=n_permutations,
        groups=groups,
        rng=rng,
        level=level,
        nan_policy=nan_policy,
        device="reference",
        **options,
    )


@takes_layout
def bootstrap(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    measure: MeasureName = "cka",
    layout: Layouts = None,
    positions: Positions = None,
    n_resamples: int = 1000,
    scheme: Scheme = "half",
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    nan_policy: NanPolicy = "raise",
    **options: Unpack[Options],
) -> Bootstrap:
    """Bootstrap: `gramian.bootstrap` with ``device="reference"``."""
    return functions.bootstrap(
        X,
        Y,
        measure=measure,
        n_resamples=n_resamples,
        scheme=scheme,
        groups=groups,
        rng=rng,
        level=level,
        nan_policy=nan_policy,
        device="reference",
        **options,
    )


@takes_layout
def jackknife(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    measure: MeasureName = "cka",
    layout: Layouts = None,
    positions: Positions = None,
    groups: Any = None,
    level: float = 0.95,
    nan_policy: NanPolicy = "raise",
    **options: Unpack[Options],
) -> Jackknife:
    """Jackknife: `gramian.jackknife` with ``device="reference"``."""
    return functions.jackknife(
        X,
        Y,
        measure=measure,
        groups=groups,
        level=level,
        nan_policy=nan_policy,
        device="reference",
        **options,
    )
