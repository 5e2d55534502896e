"""What comparisons by CCA and its relatives take: bases of layers, and products of bases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..._input.arrays import Layer
from ..cost import Cost, Shapes
from ..cost_of_bases import Bases, plan_spectral
from ..measure import complete
from . import cca, checks, pwcca, regression, svcca

__all__ = ["plan_cca", "plan_cca_squared", "plan_pwcca", "plan_regression", "plan_svcca"]


class Folds(Bases):
    """Pairs whose bases are fitted to part of the samples, one pair and one fold at a time."""

    def __init__(self, a: Sequence[Layer], b: Sequence[Layer], folds: int) -> None:
        super().__init__(a, b)
        self.samples, self.folds = self.n, folds
        self.n -= self.n // folds

    def fitting(self, p: int, q: int, *, double: bool, of_y: bool = False) -> float:
        """Bytes of one fold of one pair: copies of the samples, bases and weights."""
        size = max(layer.host.itemsize for layer in self.layers)
        held_out = self.samples - self.n
        # Of one fold and the one before, which goes when it is replaced.
        copies = 2 * (p + q) * (self.n * size + held_out * 8) + (p + q) * held_out * 8
        self.double = self.double or double
        widths = [q, q] if of_y else [p, q]
        bases = self.kept(widths, coordinates=True)  # the weights are as large
        r, s = self.ranks([(p, q)])[0]
        return copies + bases + max(self.making(widths), self.finishing(r, s, vectors=True))


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
    folds = chosen["cross_validate"]
    checks.check_folds(folds, w.n)
    ridge = chosen["regularization"] > 0
    if ridge:
        whole = plan_spectral(w, None, "singular directions with a ridge", narrow=False)
    else:
        memory = w.kept(w.widths) + max(w.making(w.widths), w.comparing())
        path = "orthonormal bases"
        whole = w.cost(path, memory, w.widths, w.pairs, values=not squared)
    if folds is None:
        return whole
    return held_out(whole, Folds(a, b, folds), w.every_pair, in_double=ridge)


def plan_cca_squared(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> Cost:
    """Estimate the mean of the squared correlations."""
    return plan_cca(a, b, squared=True, **arguments)


def held_out(whole: Cost, w: Folds, pairs: Shapes, *, in_double: bool, of_y: bool = False) -> Cost:
    """Return the cost of so many folds of all pairs, after what all samples take."""
    memory = max(w.fitting(p, q, double=in_double, of_y=of_y) for p, q in pairs)
    fits = [width for p, q in pairs for width in ((q, q) if of_y else (p, q))]
    path = f"{whole.path}, {w.folds} folds"
    folds = w.cost(path, memory, fits, pairs, vectors=True, in_double=in_double, times=w.folds)
    return Cost(
        path=path,
        space=whole.space,
        dtype=whole.dtype,
        flops=whole.flops + folds.flops,
        memory=max(whole.memory, folds.memory),
        seconds=whole.seconds + folds.seconds,
        threads=whole.threads,
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
    memory = w.kept(w.widths, coordinates=True)
    memory += max(w.making(w.widths), w.comparing(vectors=True))
    return w.cost(
        "orthonormal bases" + (", google/svcca" if chosen["variant"] == "google" else ""),
        memory,
        w.widths,
        w.pairs,
        vectors=True,
    )


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
    folds = chosen["cross_validate"]
    checks.check_folds(folds, w.n)
    of = w.ys or w.xs
    pairs = w.every_pair
    path = "orthonormal bases"
    if folds is not None:
        nothing = Cost(path, "features", w.dtype, 0, 0, 0, w.threads)
        return held_out(nothing, Folds(a, b, folds), pairs, in_double=False, of_y=True)
    products = max(w.rank(q) * p * 3 * w.scalar for p, q in pairs)
    scratch = w.product_scratch([(w.rank(q), p) for p, q in pairs], w.scalar)
    memory = w.kept(of) + max(w.making(of), products + scratch)
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
