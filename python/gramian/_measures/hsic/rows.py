"""The rows of HSIC and CKA in the table of measures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..measure import Measure, Option
from . import functions, pairs, plan, reference
from .kernels import kernel_of, name_of

_KERNEL = (
    Option("kernel", "linear"),
    Option("bandwidth", None),
    Option("bandwidth_sample", None),
)
_DEBIASED, _UNBIASED = Option("debiased", False, bool), Option("unbiased", False, bool)
_RIGID = frozenset({"orthogonal", "permutation", "translation"})


def record(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force: the kernel by its name, and its parameters."""
    kernel, sample = kernel_of(options)
    found: dict[str, Any] = {"kernel": name_of(kernel)}
    found |= {name: value for name, value in vars(kernel).items() if value is not None}
    if sample is not None:
        found["bandwidth_sample"] = sample
    return found | {name: options[name] for name in ("debiased", "unbiased") if name in options}


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
        record=record,
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
        record=record,
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
        distance=True,
        record=record,
    ),
)
