"""Held-out canonical correlations and held-out R²: fits by the core, tests in numpy.

Sample i is held out in fold i mod k, so that samples sorted by class fall into all folds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._input.arrays import Representation, as_float64
from ..._input.prepare import Prepared
from ..ranked_layers import Layers, ranked

Array = npt.NDArray[np.float64]


class Fold:
    """What one fold fits and what it tests."""

    def __init__(self, layer: Prepared, k: int, folds: int) -> None:
        held_out = np.arange(layer.n) % folds == k
        rep = layer.rep
        self.fit = Prepared(
            Representation(rep.name, rep.host[~held_out], rep.dtype), "raise", layer.device
        )
        held = Representation(rep.name, rep.host[held_out], rep.dtype)
        self.test: Array = as_float64(held) - self.fit.means

    def ranked(self, tolerance: float | None) -> tuple[Any, float, float]:
        """Return the fit's samples as the core takes them."""
        return ranked(self.fit, tolerance)


def _pairs(layers: Layers) -> Iterator[tuple[int, int, Prepared, Prepared]]:
    for i, x in enumerate(layers.xs):
        for j, y in enumerate(layers.others):
            yield i, j, x, y


def _warn_constant(layers: Layers) -> npt.NDArray[np.bool_]:
    """Warn of constant layers, and return which pairs they are in."""
    _, constant = calls.procrustes(*layers.core(None), double=layers.double, distance=False)
    layers.warn_constant(constant)
    of_x = np.array(constant[: len(layers.xs)])
    of_y = np.array(constant[len(layers.xs) :]) if layers.ys else of_x
    either: npt.NDArray[np.bool_] = np.logical_or.outer(of_x, of_y)
    return either


def correlations(x: Prepared, y: Prepared, options: Mapping[str, Any]) -> Array:
    """Return correlations of held-out variates under the weights of the rest, mean over folds."""
    found = []
    folds = options["cross_validate"]
    for k in range(folds):
        fold_x, fold_y = Fold(x, k, folds), Fold(y, k, folds)
        _, x_weights, y_weights, *_ = canonical_pair(
            fold_x.ranked(options["rank_tolerance"]),
            fold_y.ranked(options["rank_tolerance"]),
            options["regularization"],
            double=x.double or y.double,
        )
        variates = []
        for test, weights in ((fold_x.test, x_weights), (fold_y.test, y_weights)):
            h = test @ weights
            h -= h.mean(axis=0)
            norms = np.linalg.norm(h, axis=0)
            variates.append(h / np.where(norms > 0, norms, 1))
        found.append(np.sum(variates[0] * variates[1], axis=0))
    r = min(len(rho) for rho in found)
    mean: Array = np.mean([rho[:r] for rho in found], axis=0)
    return mean


def canonical_pair(
    x: Any, y: Any, regularization: float, *, double: bool
) -> tuple[Array, Array, Array, int, int]:
    """Return correlations, weights (p, r) and (q, r), and ranks, with or without a ridge."""
    if regularization > 0:
        return calls.spectral_pair(x, y, kind="ridge", parameter=regularization)
    return calls.canonical_pair(x, y, double=double)


def summed_correlations(
    layers: Layers, squared: bool, options: Mapping[str, Any], constant: npt.NDArray[np.bool_]
) -> Array:
    """Return the summed held-out correlations, or squared ones, of pairs that vary."""
    values = np.full(constant.shape, np.nan)
    for i, j, x, y in _pairs(layers):
        if not constant[i, j]:
            rho = correlations(x, y, options)
            values[i, j] = np.sum(rho**2 if squared else rho)
    return values


def held_out_r2(layers: Layers, options: Mapping[str, Any]) -> Array:
    """Return 1 - residual / total of held-out samples, pooled over folds, of every pair.

    Regression on Qy = Y W: the coefficients are W Qy'X, where Qy'X = W'Y'X.
    """
    constant = _warn_constant(layers)
    values = np.full(constant.shape, np.nan)
    folds = options["cross_validate"]
    for i, j, x, y in _pairs(layers):
        if constant[i, j]:
            continue
        residual = total = 0.0
        for k in range(folds):
            fold_x, fold_y = Fold(x, k, folds), Fold(y, k, folds)
            _, _, weights, *_ = calls.canonical_pair(
                fold_y.ranked(options["rank_tolerance"]),
                fold_y.ranked(options["rank_tolerance"]),
                double=x.double or y.double,
            )
            fitted = weights.T @ calls.cross(fold_y.ranked(None), fold_x.ranked(None))
            residual += np.sum((fold_x.test - fold_y.test @ weights @ fitted) ** 2)
            total += np.sum(fold_x.test**2)
        values[i, j] = 1 - residual / total
    return values
