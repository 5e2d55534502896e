"""What comparisons of kernels take, by the core's own planner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._core import calls
from ..._input.arrays import Layer
from ..._input.checks import check_square
from ..._input.options import check_memory
from ..cost import Cost, Workload
from . import pairs
from .kernels import Distance, Precomputed, kernel_of

__all__ = ["plan_distance_correlation", "plan_hsic"]


def plan_hsic(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate HSIC, CKA or its distance."""
    w = Workload(a, b)
    kernel, sample = kernel_of(options)
    if isinstance(kernel, Precomputed):
        for layer in w.layers:
            check_square(layer)
    decision = calls.plan(
        device=device,
        n=w.n,
        rows=len(w.xs),
        widths=w.widths,
        kernel=pairs.spec_of(kernel, sample),
        double=w.double,
        max_memory=check_memory(max_memory) or calls.default_memory(device),
    )
    features = decision.feature_space
    return Cost(
        path="X'Y" if features else f"Gram tiles of {decision.tile} rows",
        space="features" if features else "samples",
        dtype=w.dtype,
        flops=decision.flops,
        memory=decision.bytes + w.statistics,
        seconds=decision.seconds,
        threads=decision.threads,
        tile=decision.tile,
        passes=decision.passes,
    )


def plan_distance_correlation(
    a: Sequence[Layer], b: Sequence[Layer], *, options: Mapping[str, Any], **arguments: Any
) -> Cost:
    """Estimate distance correlation."""
    return plan_hsic(a, b, options={**options, "kernel": Distance()}, **arguments)
