"""What comparisons of single units take: correlations, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._input.arrays import Layer
from ..cost import Cost, Workload
from ..measure import complete
from . import checks, pairs

__all__ = ["plan_matching", "plan_sparse_prediction"]

# Seconds of one core, on layers of 300 units that share 16 factors: an assignment by scipy, for
# the square of the smaller side times the larger; and coordinate descent, for p² q and an alpha,
# of which 1.2e-9 were measured at 0.1 and 3.9e-9 on the default grid.
_ASSIGNMENT, _DESCENT = 1.6e-10, 2e-9


class Units(Workload):
    """Correlations of units."""

    def correlating(self, p: int, q: int, scalar: int) -> float:
        """Bytes of correlations while they are computed: a product, in double, and the result."""
        return p * q * (scalar + 8 + scalar)


def plan_matching(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate matching: the correlations of one pair after the other."""
    chosen = complete((*pairs.MATCH_OPTIONS, pairs.METHOD), options)
    one_to_one = chosen["method"] == "one-to-one"
    w = Units(a, b)
    whole = w.pairs if one_to_one else w.every_pair
    memory = 0.0
    for p, q in whole:
        correlating = w.correlating(p, q, w.scalar)
        copies = 3 if chosen["absolute"] else 2  # with the correlations themselves
        solving = copies * w.scalar + (16 if one_to_one and w.scalar == 4 else 8 * one_to_one)
        forming = p * q * w.scalar + w.product_scratch([(p, q)], w.scalar)
        memory = max(memory, forming, correlating, p * q * solving)
    flops = sum(2.0 * w.n * p * q for p, q in whole)
    seconds = w.seconds_of_flops(flops, w.scalar) / w.threads
    if one_to_one:
        seconds += _ASSIGNMENT * sum(min(p, q) ** 2 * max(p, q) for p, q in whole)
    return Cost(
        path="correlations and " + ("assignments" if one_to_one else "largest ones"),
        space="features",
        dtype=w.dtype,
        flops=flops,
        memory=memory,
        seconds=seconds,
        threads=w.threads,
    )


def plan_sparse_prediction(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate sparse prediction: covariances in double, and coordinate descent on them."""
    chosen = complete(pairs.SPARSE_OPTIONS, options)
    alphas = checks.check_alphas(chosen["alphas"])
    count = 30 if alphas is None else len(alphas)
    w = Units(a, b)
    memory = 0.0
    for p, q in w.every_pair:
        own = 8.0 * p * p
        correlating = max(w.correlating(p, p, 8), own + w.correlating(p, q, 8))
        copies = 8.0 * (p * p + p * q)
        distinct = own + 8 * p * q + copies + 8 * 2 * p * p
        solving = own + 8 * p * q + copies + 8 * p * q
        memory = max(memory, correlating, distinct, solving)
    memory += w.product_scratch([(p, p) for p in w.xs] + [*w.every_pair], 8)
    flops = sum(w.n * p * p for p in w.xs) + sum(2.0 * w.n * p * q for p, q in w.every_pair)
    seconds = w.seconds_of_flops(flops, 8)
    seconds += _DESCENT * count * sum(p * p * q for p, q in w.every_pair)
    return Cost(
        path="covariances in float64 and coordinate descent",
        space="features",
        dtype="float64",
        flops=flops,
        memory=memory,
        seconds=seconds / w.threads,
        threads=w.threads,
    )
