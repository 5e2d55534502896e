"""What comparisons by Procrustes and the shape distances take: products, and their values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._input.arrays import Layer
from ..cost import Cost, svd_seconds, values_bytes, vectors_bytes
from ..cost_of_bases import Bases, plan_spectral
from ..measure import complete
from . import pairs

__all__ = ["plan_distance", "plan_procrustes", "plan_shape_distance"]


def plan_procrustes(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
    distance: bool = False,
) -> Cost:
    """Estimate the similarity, or the distance."""
    w = Bases(a, b)  # of which there are none, but wide layers have as many coordinates
    rows, pairs = [w.ranks(row) for row in w.rows_of_others], w.ranks(w.pairs)
    finishing = 0.0
    for row in rows:
        most = sorted(values_bytes(p, q, w.scalar) for p, q in row)
        finishing = max(finishing, sum(most[-w.threads :]))
    memory = w.products_of_rows(rows) + finishing
    memory += max(w.product_scratch(row, w.scalar) for row in rows)
    if distance:  # of layers that are nearly equal: by a polar factor in double
        memory = max(memory, *(8 * p * q + vectors_bytes(p, q, 8) for p, q in pairs))
    memory = w.coordinates(w.widths) + max(memory, w.finding_coordinates(w.widths))
    memory += w.statistics
    of_coordinates = sum(1.0 * w.n * w.n * p for p in w.widths if p > w.n)
    of_pairs = sum(2.0 * w.n * p * q for p, q in pairs)
    flops = of_coordinates + of_pairs
    seconds = w.seconds_of_flops(of_coordinates, 8) + w.seconds_of_flops(of_pairs, w.scalar)
    for p in w.widths:
        if p > w.n:
            seconds += svd_seconds(w.n, scalar=8, vectors=True)
    for pair in pairs:
        seconds += svd_seconds(min(pair), scalar=w.scalar, vectors=False)
    return Cost(
        path="products of layers and their singular values",
        space="features",
        dtype=w.dtype,
        flops=flops,
        memory=memory,
        seconds=seconds / w.threads,
        threads=w.threads,
    )


def plan_distance(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> Cost:
    """Estimate the distance; see `plan_procrustes`."""
    return plan_procrustes(a, b, distance=True, **arguments)


def plan_shape_distance(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate the angle: that of Procrustes at alpha = 1, of singular directions below."""
    chosen = complete(pairs.SHAPE_OPTIONS, options)
    if chosen["alpha"] == 1:
        return plan_distance(a, b, device=device, max_memory=max_memory, options={})
    return plan_spectral(Bases(a, b), None, "singular directions", narrow=False)
