"""The rows of HSIC and CKA in the table of measures."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from ..measure import Measure, Option, flag
from . import angles, functions, gathered, pairs, plan, reference, resampled
from .checks import is_unbiased, needed_samples
from .kernels import (
    NAMED,
    RBF,
    Laplacian,
    check_bandwidth,
    check_kernel,
    check_sample,
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
        "bandwidth_sample",
        None,
        check_sample,
        kind=int,
        metavar="N",
        help="rbf, laplacian: take the median distance of N samples only",
    ),
)
_SIGMA = Option(
    "sigma", None, kind=float, metavar="S", help="rbf, laplacian: width in units of the features"
)
_DEBIASED = Option("debiased", False, flag("debiased"), kind=bool, help="CKA by the unbiased HSIC")
_UNBIASED = Option(
    "unbiased",
    False,
    flag("unbiased"),
    kind=bool,
    help="unbiased HSIC, or distance covariance",
)
_RIGID = frozenset({"orthogonal", "permutation", "translation"})


def always(options: Mapping[str, Any]) -> bool:
    """Return that it is so for all options."""
    return True


def record(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force: the kernel by its name, and its parameters."""
    kernel, sample = kernel_of(options)
    found: dict[str, Any] = {"kernel": name_of(kernel)}
    found |= {name: value for name, value in vars(kernel).items() if value is not None}
    if sample is not None:
        found["bandwidth_sample"] = sample
    return found | {name: options[name] for name in ("debiased", "unbiased") if name in options}


def from_flags(given: dict[str, Any]) -> dict[str, Any]:
    """Return the options that flags stand for: a sigma makes a kernel object."""
    if "sigma" not in given:
        return given
    kind = {"rbf": RBF, "laplacian": Laplacian}.get(given.get("kernel", "linear"))
    if kind is None:
        raise ValueError("--sigma needs --kernel rbf or --kernel laplacian.")
    width = {name: given.get(name) for name in ("sigma", "bandwidth")}
    others = {name: value for name, value in given.items() if name not in width}
    return others | {"kernel": kind(**width)}


ROWS = (
    Measure(
        "cka",
        function=functions.cka,
        reference=reference.cka,
        pairs=pairs.cka_pairs,
        plan=plan.plan_hsic,
        gathers=gathered.cka,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=resampled.plan_draws,
        road=functools.partial(resampled.road_of, "cka"),
        holds=resampled.hold_widths,
        options=(*_KERNEL, _DEBIASED),
        invariances=_RIGID | {"scaling"},
        citation="Kornblith et al. 2019, eq. 3-4",
        range=(0, 1),
        samples=needed_samples,
        lost=lost_invariances,
        record=record,
        more_flags=(_SIGMA,),
        from_flags=from_flags,
    ),
    Measure(
        "hsic",
        function=functions.hsic,
        reference=reference.hsic,
        pairs=pairs.hsic_pairs,
        plan=plan.plan_hsic,
        gathers=gathered.hsic,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=resampled.plan_draws,
        road=functools.partial(resampled.road_of, "hsic"),
        holds=resampled.hold_widths,
        options=(*_KERNEL, _UNBIASED),
        invariances=_RIGID,
        citation="Gretton et al. 2005; Song et al. 2012",
        range=(0, math.inf),
        samples=needed_samples,
        lost=lost_invariances,
        record=record,
        more_flags=(_SIGMA,),
        from_flags=from_flags,
    ),
    Measure(
        "cka_distance",
        function=functions.cka_distance,
        reference=reference.cka_distance,
        pairs=angles.cka_distance_pairs,
        plan=plan.plan_hsic,
        gathers=gathered.cka_distance,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=resampled.plan_draws,
        road=functools.partial(resampled.road_of, "cka_distance"),
        holds=resampled.hold_widths,
        options=(*_KERNEL, _DEBIASED),
        invariances=_RIGID | {"scaling"},
        citation="Williams et al. 2021",
        range=(0, math.pi / 2),
        distance=True,
        samples=needed_samples,
        lost=lost_invariances,
        record=record,
        more_flags=(_SIGMA,),
        from_flags=from_flags,
    ),
    Measure(
        "distance_correlation",
        function=functions.distance_correlation,
        reference=reference.distance_correlation,
        pairs=pairs.distance_correlation_pairs,
        plan=plan.plan_distance_correlation,
        gathers=gathered.distance_correlation,
        unbiased=is_unbiased,
        leaves_out_each=always,
        plan_draws=resampled.plan_draws,
        road=functools.partial(resampled.road_of, "distance_correlation"),
        options=(_UNBIASED,),
        invariances=_RIGID | {"scaling"},
        citation="Székely et al. 2007, 2014",
        range=(0, 1),
        samples=needed_samples,
    ),
)
