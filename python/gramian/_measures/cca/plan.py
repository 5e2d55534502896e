"""What comparisons by CCA and its relatives take: bases of layers, and products of bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..._input.arrays import Layer
from ..cost import Cost
from ..cost_of_bases import Bases, plan_spectral
from ..measure import complete
from ..splits import fold_sizes
from . import cca, pwcca, regression, svcca
from .direction import turned_plan

__all__ = ["plan_cca", "plan_cca_squared", "plan_pwcca", "plan_regression", "plan_svcca"]


class Folds(Bases):
    """Bases that are fitted to part of the samples, one fold after the other."""

    def __init__(self, a: Sequence[Layer], b: Sequence[Layer], sizes: tuple[int, int, int]) -> None:
        super().__init__(a, b)
        self.samples = self.n
        self.folds, self.n, self.held_out = sizes
        names = ("uint16" if layer.dtype == "bfloat16" else layer.dtype for layer in self.layers)
        self.sizes = [np.dtype(name).itemsize for name in names]

    def copies(self) -> float:
        """Bytes of the samples of a fold: those to fit as they are, the others in double.

        Of wide layers, both of their coordinates, which stay besides.
        """
        fits = whole = 0.0
        for p, size in zip(self.widths, self.sizes, strict=True):
            wide = p >= self.n
            fits += self.n * (8 * min(p, self.samples) if wide else p * size)
            fits += 8.0 * self.held_out * min(p, self.samples)
            whole += 8.0 * self.samples * min(p, self.samples) if wide else 0.0
        return fits + whole

    def finding_coordinates_of_all(self) -> float:
        """Bytes while the coordinates of wide layers are found, of all samples."""
        fitted, self.n = self.n, self.samples
        found = self.finding_coordinates(self.widths)
        self.n = fitted
        return found


def plan_cca(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
    squared: bool = False,
) -> Cost:
    """Estimate the mean correlation, held-out or not."""
    chosen = complete(cca.OPTIONS, options)
    w = Bases(a, b)
    folds = fold_sizes(chosen, (*a, *b))
    ridge = chosen["regularization"] > 0
    if folds is not None:
        fold = Folds(a, b, folds)
        fold.double = fold.double or ridge
        return held_out(fold, fold.widths, every_rank=chosen["denominator"] == "rank")
    if ridge:
        return plan_spectral(w, None, "singular directions with a ridge", narrow=False)
    memory = w.statistics + w.kept(w.widths) + max(w.making(w.widths), w.comparing())
    return w.cost("orthonormal bases", memory, w.widths, w.pairs, values=not squared)


def plan_cca_squared(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> Cost:
    """Estimate the mean of the squared correlations."""
    return plan_cca(a, b, squared=True, **arguments)


def held_out(w: Folds, of: Sequence[int], *, every_rank: bool = False) -> Cost:
    """Estimate so many folds, with bases and weights of some of the layers.

    The ranks of all samples, where they are wanted, take bases of all samples, which stay.
    """
    least = [(min(p, w.samples), min(q, w.samples)) for p, q in w.every_pair]
    of, pairs = [min(p, w.samples) for p in of], least
    testing = [8 * w.held_out * (w.rank(q) + max(p, w.rank(q))) for p, q in pairs]
    fitting = [w.finishing(*w.ranks([pair])[0], vectors=True) for pair in pairs]
    bases = w.kept(of, coordinates=True)  # the weights are as large
    scratch = w.product_scratch(w.ranks(pairs), w.scalar)
    making = max(w.making(of), w.finding_coordinates_of_all())
    memory = w.copies() + bases + making + scratch + max(*fitting, *testing)
    cost = w.cost(
        f"orthonormal bases, {w.folds} folds", memory, of, pairs, vectors=True, times=w.folds
    )
    if not every_rank:
        return cost
    whole = w.flops(of) * w.samples / w.n
    return replace(
        cost,
        flops=cost.flops + whole,
        memory=memory + w.kept(of) * w.samples / w.n,
        seconds=cost.seconds + w.seconds_of_flops(whole, w.scalar) / w.threads,
    )


def plan_pwcca(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate PWCCA."""
    chosen = complete(pwcca.OPTIONS, options)
    w = Bases(a, b)
    memory = 2 * w.statistics + w.kept(w.widths, coordinates=True)
    memory += max(w.making(w.widths), w.comparing(vectors=True), w.weighing(w.widths))
    return w.cost(
        "orthonormal bases" + (", google/svcca" if chosen["variant"] == "google" else ""),
        memory,
        w.widths,
        w.pairs,
        vectors=True,
    )


@turned_plan
def plan_regression(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate R², held-out or not: bases of the layers that are predicted from."""
    chosen = complete(regression.OPTIONS, options)
    w = Bases(a, b)
    folds = fold_sizes(chosen, (*a, *b))
    of = w.ys or w.xs
    pairs = w.every_pair
    if folds is not None:
        fold = Folds(a, b, folds)
        return held_out(fold, fold.ys or fold.xs)
    path = "orthonormal bases"
    shapes = w.ranks(pairs)
    products = max(r * s * 3 * w.scalar for r, s in shapes)
    scratch = w.product_scratch(shapes, w.scalar)
    memory = w.statistics + w.coordinates(w.xs) + w.kept(of) + max(w.making(of), products + scratch)
    return w.cost(path, memory, of, pairs, values=False)


def plan_svcca(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: int | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Cost:
    """Estimate SVCCA: bases of leading singular directions."""
    chosen = complete((*svcca.OPTIONS, svcca.SQUARED), options)
    w = Bases(a, b)
    return plan_spectral(w, chosen["components"], "leading singular directions", narrow=True)
