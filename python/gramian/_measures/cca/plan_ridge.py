"""What ridge regression takes: decompositions of training sets, and products for every penalty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._input.arrays import Layer
from .. import splits
from ..cost import Cost, svd_seconds
from ..cost_of_bases import Bases
from ..measure import complete
from . import checks
from .direction import turned_plan
from .ridge_fit import BLOCK
from .ridge_pairs import OPTIONS

__all__ = ["plan_ridge"]


@turned_plan
def plan_ridge(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate ridge regression: everything in double, wide layers by coordinates."""
    chosen = complete(OPTIONS, options)
    sizes, groups = None, None
    if chosen["cross_validate"] is not None:
        groups = splits.groups_of(chosen, (*a, *b))
        found = splits.folds("cross_validate", chosen["cross_validate"], len(a[0].array), groups)
        sizes = len(found), max(len(f.fit) for f in found), max(len(f.test) for f in found)
    w = Bases(a, b)
    n = w.n
    times, fits, tests = sizes or (1, n, n)
    alphas = len(chosen["alphas"] or checks.RELATIVE_ALPHAS)
    others = w.ys or w.xs
    by_units = chosen["alpha_per_target"] or chosen["inner_folds"] is not None
    targets = [p if by_units else min(p, n) for p in w.xs]
    kept = 8.0 * n * (sum(targets) + sum(min(q, n) for q in others))
    inner = chosen["inner_folds"]
    nested = inner if isinstance(inner, int) else 5 * (inner is not None)
    if isinstance(inner, int):
        splits.check_count("inner_folds", inner, fits, None if groups is None else fits)
    read = [p for p in w.widths if p <= n] + targets  # as they are, with masks of their values
    q = max(min(q, n) for q in others)
    decomposing = (1 + nested) * _spectrum(fits, tests, q) + 8.0 * (fits + tests) * q
    fitting = 8.0 * max(targets) * _columns(fits, tests, q, nested, max(targets))
    memory = w.statistics + kept
    memory += max(w.finding_coordinates(w.widths), 24.0 * n * max(read), decomposing + fitting)
    flops = _flops(w, others, fits, alphas)
    decompositions = sum(svd_seconds(min(q, fits), scalar=8, vectors=True) for q in others)
    seconds = w.seconds_of_flops(flops, 8) / w.threads + decompositions
    return Cost(
        path=f"singular values and {alphas} penalties" + (f", {times} folds" if sizes else ""),
        space="features",
        dtype="float64",
        flops=times * (1 + nested) * flops,
        memory=memory,
        seconds=times * (1 + nested) * seconds,
        threads=w.threads,
    )


def _spectrum(fits: int, tests: int, q: int) -> float:
    """Bytes of what is left of a training set once it is decomposed, and of what tests it."""
    return 8.0 * (2 * fits + tests) * min(fits, q)


def _columns(fits: int, tests: int, q: int, nested: int, targets: int) -> float:
    """Numbers that a target takes while it is fitted: some of it by blocks of targets."""
    block = min(1.0, BLOCK / fits / targets)
    r = min(fits, q)
    choosing = (fits if nested else 4.0 * fits) * block
    return fits + r + max(choosing, 4.0 * tests)


def _flops(w: Bases, others: Sequence[int], fits: int, alphas: int) -> float:
    """Operations of one fold."""
    of_spectra = sum(4.0 * fits * min(q, fits) * min(q, w.n) for q in others)
    return of_spectra + sum(2.0 * (alphas + 2) * fits * min(q, fits) * p for p, q in w.every_pair)
