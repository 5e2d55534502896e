"""The rows of HSIC and CKA in the table of measures."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from ..measure import Measure, Option, flag
from . import angles, functions, gathered, pairs, plan, plan_draws, reference, resampled
from .checks import is_unbiased, needed_samples
from .kernels import (
    NAMED,
    check_bandwidth,
    check_kernel,
    check_sample,
    check_sigma,
    kernel_of,
    lost_invariances,
    name_of,
)

_KERNEL = (  # and checked together, by `kernel_of`
    Option(
        "kernel", "linear", check_kernel, choices=tuple(NAMED), help="what compares two samples"
    ),
    Option(
        "bandwidth",
        None,
        check_bandwidth,
        kind=float,
        metavar="F",
        help="rbf, laplacian: width in median distances (1)",
    ),
    Option(
        "sigma",
        None,
        check_sigma,
        kind=float,
        metavar="S",
        help="rbf, laplacian: width in units of the features",
    ),
    Option(
        "bandwidth_sample",
        None,
        check_sample,
        kind=int,
        metavar="N",
        help="rbf, laplacian: take the median distance of N samples only",
    ),
)
# Two words for the same, of which a measure is called by one: either will do for all.
_ESTIMATOR = (
    Option("debiased", False, flag("debiased"), kind=bool, help="by the unbiased estimator"),
    Option("unbiased", False, flag("unbiased"), kind=bool, help="the same as --debiased"),
)
_RIGID = frozenset({"orthogonal", "permutation", "translation"})


def always(options: Mapping[str, Any]) -> bool:
    """Return that it is so for all options."""
    return True


def record(word: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force: the kernel by its name, its parameters, and the estimator."""
    found: dict[str, Any] = {}
    if "kernel" in options:
        kernel, sample = kernel_of(options)
        found |= {"kernel": name_of(kernel)}
        found |= {name: value for name, value in vars(kernel).items() if value is not None}
        if sample is not None:
            found["bandwidth_sample"] = sample
    return found | {word: is_unbiased(options)}


ROWS = (
    Measure(
        "cka",
        title="CKA",
        function=functions.cka,
        reference=reference.cka,
        pairs=pairs.cka_pairs,
        plan=plan.plan_hsic,
        gathers=gathered.cka,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=plan_draws.plan_draws,
        road=functools.partial(resampled.road_of, "cka"),
        holds=resampled.hold_widths,
        options=(*_KERNEL, *_ESTIMATOR),
        invariances=_RIGID | {"scaling"},
        citation="Kornblith et al. 2019, eq. 3-4",
        range=(0, 1),
        samples=needed_samples,
        lost=lost_invariances,
        record=functools.partial(record, "debiased"),
    ),
    Measure(
        "hsic",
        title="HSIC",
        function=functions.hsic,
        reference=reference.hsic,
        pairs=pairs.hsic_pairs,
        plan=plan.plan_hsic,
        gathers=gathered.hsic,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=plan_draws.plan_draws,
        road=functools.partial(resampled.road_of, "hsic"),
        holds=resampled.hold_widths,
        options=(*_KERNEL, *_ESTIMATOR),
        invariances=_RIGID,
        citation="Gretton et al. 2005; Song et al. 2012",
        range=(0, math.inf),
        samples=needed_samples,
        lost=lost_invariances,
        record=functools.partial(record, "unbiased"),
    ),
    Measure(
        "cka_distance",
        title="CKA distance",
        function=functions.cka_distance,
        reference=reference.cka_distance,
        pairs=angles.cka_distance_pairs,
        plan=plan.plan_hsic,
        gathers=gathered.cka_distance,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=plan_draws.plan_draws,
        road=functools.partial(resampled.road_of, "cka_distance"),
        holds=resampled.hold_widths,
        options=(*_KERNEL, *_ESTIMATOR),
        invariances=_RIGID | {"scaling"},
        citation="Williams et al. 2021",
        range=(0, math.pi / 2),
        distance=True,
        samples=needed_samples,
        lost=lost_invariances,
        record=functools.partial(record, "debiased"),
    ),
    Measure(
        "distance_correlation",
        title="distance correlation",
        function=functions.distance_correlation,
        reference=reference.distance_correlation,
        pairs=pairs.distance_correlation_pairs,
        plan=plan.plan_distance_correlation,
        gathers=gathered.distance_correlation,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=plan_draws.plan_distance_draws,
        road=functools.partial(resampled.road_of, "distance_correlation"),
        options=_ESTIMATOR,
        invariances=_RIGID | {"scaling"},
        citation="Székely et al. 2007, 2014",
        range=(0, 1),
        samples=needed_samples,
        record=functools.partial(record, "unbiased"),
    ),
)
