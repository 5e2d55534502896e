"""What draws of centred Gram matrices take."""

from __future__ import annotations

from ..cost import Cost, Workload
from ..resampled import Request
from .kernels import Linear, kernel_of
from .resampled import Grams, has_room, stack_bytes

__all__ = ["plan_distance_draws", "plan_draws"]

# Seconds of one core for each sample that is picked from a row, by the bytes of a number, and for
# each product of layers: measured at n = 2,000 on a core with neighbors.
_PICKED = {4: 2e-9, 8: 3e-9}
_PRODUCT = 1e-10
# For each entry of a matrix: to have it in the stack, centered, besides its inner product; of a
# kernel that is not linear; and to take a row out of sums, with which a jackknife does without it.
# From n = 300 to 4,000, of 2 to 24 layers. The first, which is most, takes one core of any number.
_STACKED = {4: 4e-9, 8: 5e-9}
_KERNEL = 2e-9
_LEFT_OUT, _LEFT_OUT_OF_PAIR = 3e-9, 3e-10
_CALL = 5e-4  # seconds of what does not depend on any size


def plan_draws(
    request: Request, method: str, draws: int, *, by_distance: bool = False
) -> Cost | None:
    """Estimate draws of Gram matrices, and these; None where there is no room for them."""
    w = Workload(request.a, request.b)
    if not has_room(request, w.scalar):
        return None
    layers, pairs = len(w.xs) + len(w.ys), len(w.xs) * len(w.ys or w.xs)
    picked = {"permutation": 0.5 * len(w.ys or w.xs), "bootstrap": layers / 8, "jackknife": 0.0}
    terms = {"permutation": 0.5 * pairs, "bootstrap": (pairs + layers) / 8}
    entries = float(w.n) ** 2
    # Without each sample: one row of every layer, whatever the number of draws.
    products = draws * terms[method] * entries if method in terms else (pairs + layers) * entries
    drawn = draws * picked[method] * entries * _PICKED[w.scalar] + products * _PRODUCT
    if method == "jackknife":
        drawn += (layers * _LEFT_OUT + pairs * _LEFT_OUT_OF_PAIR) * entries
    linear = not by_distance and isinstance(kernel_of(request.options)[0], Linear)
    flops = 2.0 * entries * sum(w.widths)
    made = w.seconds_of_flops(flops, w.scalar)
    made += entries * layers * (_STACKED[w.scalar] + (0.0 if linear else _KERNEL))
    return Cost(
        path=Grams.path,
        space="samples",
        dtype=w.dtype,
        flops=2 * products + flops,
        memory=stack_bytes(w.n, layers, w.scalar),
        seconds=drawn / w.threads + made + _CALL,
        threads=w.threads,
    )


def plan_distance_draws(request: Request, method: str, draws: int) -> Cost | None:
    """Estimate draws of distance correlation."""
    return plan_draws(request, method, draws, by_distance=True)
