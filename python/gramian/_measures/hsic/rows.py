"""The rows of HSIC and CKA in the table of measures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..measure import Measure, Option
from . import functions, pairs, plan, reference
from .checks import needed_samples
from .kernels import NAMED, RBF, Laplacian, kernel_of, lost_invariances, name_of

_KERNEL = (  # checked together, by `kernel_of`
    Option("kernel", "linear", choices=tuple(NAMED), help="what compares two samples"),
    Option(
        "bandwidth",
        None,
        kind=float,
        metavar="F",
        help="rbf, laplacian: width in median distances (1)",
    ),
    Option(
        "bandwidth_sample",
        None,
        kind=int,
        metavar="N",
        help="rbf, laplacian: take the median distance of N samples only",
    ),
)
_SIGMA = Option(
    "sigma", None, kind=float, metavar="S", help="rbf, laplacian: width in units of the features"
)
_DEBIASED = Option("debiased", False, bool, kind=bool, help="CKA by the unbiased HSIC")
_UNBIASED = Option("unbiased", False, bool, kind=bool, help="unbiased HSIC, or distance covariance")
_RIGID = frozenset({"orthogonal", "permutation", "translation"})


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
        pairs=pairs.cka_distance_pairs,
        plan=plan.plan_hsic,
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
        options=(_UNBIASED,),
        invariances=_RIGID | {"scaling"},
        citation="Székely et al. 2007, 2014",
        range=(0, 1),
        samples=needed_samples,
    ),
)
