"""Regression without some of the samples, by a downdate of what all of them give."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import calls
from ..._input.arrays import Layer, as_float64
from ..._input.read import read
from .. import ranks
from ..cost import Cost, Workload, svd_seconds
from ..measure import complete
from ..resampled import Array, Request, Samples
from . import checks
from .regression import OPTIONS

__all__ = ["is_of_all_samples", "plan_without", "r2_without"]

# Samples of leverage 1 alone decide a direction: nothing of them is left unexplained, and without
# them there is one direction less.
_DECIDES = 1e-10

# Seconds of one core for each number of a layer that is read and written again, some ten times; for
# a group of several samples; and of what does not depend on any size.
_READ, _GROUP, _CALL = 5e-9, 5e-5, 3e-4


def is_of_all_samples(options: Mapping[str, Any]) -> bool:
    """Return whether R² is that of a fit of all samples, and not held out."""
    return options.get("cross_validate") is None


def r2_without(request: Request) -> Callable[[Sequence[Samples]], Array] | None:
    """Return what gives the R² that is left without groups of samples; None for held-out R².

    With residuals e and leverages H = 11'/n + QQ' of the fit of all samples, the residual sum of
    squares falls by tr e_g'(I - H_gg)^-1 e_g without a group g, and that about the mean by
    Σ |x_i|² + |Σ x_i|² / (n - m) of its m centered samples.
    """
    if not is_of_all_samples(request.options):
        return None
    turned = checks.is_turned(complete(OPTIONS, request.options)["direction"])
    predicted, others = (request.others, request.a) if turned else (request.a, request.others)
    centered = [_centered(layer, request) for layer in predicted]
    bases = [_basis(layer, request) for layer in others]

    def without(groups: Sequence[Samples]) -> Array:
        maps = np.empty((len(groups), len(centered), len(bases)))
        for j, Q in enumerate(bases):
            for i, X in enumerate(centered):
                maps[:, i, j] = _without(X, Q, groups)
        return maps.transpose(0, 2, 1) if turned else maps

    return without


def plan_without(request: Request, method: str, draws: int) -> Cost | None:
    """Estimate R² without groups of samples; None of other draws, and for held-out R²."""
    if method != "jackknife" or not is_of_all_samples(request.options):
        return None
    w = Workload(request.a, request.b)
    turned = checks.is_turned(complete(OPTIONS, request.options)["direction"])
    predicted, others = (w.ys or w.xs, w.xs) if turned else (w.xs, w.ys or w.xs)
    ranks_of = [min(p, w.n) for p in others]
    flops = 4.0 * w.n * sum(predicted) * sum(ranks_of)
    flops += sum(4.0 * w.n * q * r for q, r in zip(others, ranks_of, strict=True))
    read = w.n * sum(float(p + r) for p in predicted for r in ranks_of)
    seconds = w.seconds_of_flops(flops, 8) / w.threads + read * _READ
    seconds += sum(svd_seconds(r, scalar=8, vectors=True) for r in ranks_of)
    seconds += _CALL + (draws * len(predicted) * len(others) * _GROUP if draws < w.n else 0.0)
    return Cost(
        path="residuals of all samples",
        space="features",
        dtype="float64",
        flops=flops,
        memory=8.0 * w.n * (sum(predicted) + sum(ranks_of) + 4 * max(predicted) + max(others)),
        seconds=seconds,
        threads=w.threads,
    )


def _without(X: Array, Q: Array, groups: Sequence[Samples]) -> Array:
    """Return R² of X from what Q spans, without each group."""
    n = len(X)
    residuals = X - Q @ (Q.T @ X)
    unexplained, total = float(np.sum(residuals**2)), float(np.sum(X**2))
    if all(len(group) == 1 for group in groups):
        one = np.concatenate(groups)
        free = 1 - 1 / n - np.sum(Q[one] ** 2, axis=1)
        kept = free > _DECIDES
        squares = np.sum(residuals[one] ** 2, axis=1)
        parts = np.where(kept, squares / np.where(kept, free, 1), 0)
        left = total - n / (n - 1) * np.sum(X[one] ** 2, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(left > 0, 1 - (unexplained - parts) / left, np.nan)
    found = np.empty(len(groups))
    for number, group in enumerate(groups):
        e, q, x = residuals[group], Q[group], X[group]
        free, directions = np.linalg.eigh(np.eye(len(group)) - 1 / n - q @ q.T)
        kept = free > _DECIDES
        parts = np.sum((directions.T @ e) ** 2, axis=1)[kept] / free[kept]
        left = total - np.sum(x**2) - np.sum(x.sum(axis=0) ** 2) / (n - len(group))
        found[number] = 1 - (unexplained - parts.sum()) / left if left > 0 else np.nan
    return found


def _centered(layer: Layer, request: Request) -> Array:
    read_layer = read(layer, "raise", request.device)
    return as_float64(layer) - read_layer.means


def _basis(layer: Layer, request: Request) -> Array:
    """Return orthonormal columns, (n, rank): what a layer has in common with itself."""
    tolerance = complete(OPTIONS, request.options)["rank_tolerance"]
    limit = ranks.default_tolerance(layer) if tolerance is None else float(tolerance)
    given = read(layer, "raise", request.device)
    (basis,) = calls.prepare_bases(
        [given.core], tolerances=[limit], double=True, coordinates=False, weights=True
    )
    _, weights, _ = calls.canonical_pair(basis, basis)
    columns: Array = (as_float64(layer) - given.means) @ calls.on_host(weights)
    return columns
