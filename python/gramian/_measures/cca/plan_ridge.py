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
    sizes = None
    if chosen["cross_validate"] is not None:
        groups = splits.groups_of(chosen, (*a, *b))
        found = splits.folds("cross_validate", chosen["cross_validate"], len(a[0].array), groups)
        sizes = len(found), max(len(f.fit) for f in found), max(len(f.test) for f in found)
    w = Bases(a, b)
    n = w.n
    times, fits, tests = sizes or (1, n, n)
    alphas = len(chosen["alphas"] or checks.RELATIVE_ALPHAS)
    others = w.ys or w.xs
    kept = 8.0 * n * sum(min(p, n) for p in (*w.xs, *others))
    spectra = [_spectrum(fits, tests, min(q, n)) for q in others]
    inner = chosen["inner_folds"]
    nested = inner if isinstance(inner, int) else 5 * (inner is not None)
    target = max(p if _looks_at_units(chosen) else min(p, n) for p in w.xs)
    fitting = 8.0 * target * (3 * fits + 4 * tests + min(fits, max(others)))
    memory = w.statistics + kept + 16.0 * n * max(w.widths)
    memory += max(w.finding_coordinates(w.widths), (1 + nested) * max(spectra) + fitting)
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
    """Bytes of a training set, its decomposition and what comes of the samples to test."""
    r = min(fits, q)
    return 8.0 * (2 * fits * q + 2 * tests * q + fits * r + tests * r + 6 * r * r + r * q)


def _looks_at_units(options: Mapping[str, Any]) -> bool:
    return options["alpha_per_target"] or options["inner_folds"] is not None


def _flops(w: Bases, others: Sequence[int], fits: int, alphas: int) -> float:
    """Operations of one fold."""
    of_spectra = sum(4.0 * fits * min(q, fits) * min(q, w.n) for q in others)
    return of_spectra + sum(2.0 * (alphas + 2) * fits * min(q, fits) * p for p, q in w.every_pair)
