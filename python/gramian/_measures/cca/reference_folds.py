"""Held-out canonical correlations and held-out R² in plain numpy.

Fits are by least squares and projections onto the span of
the other samples' columns; no basis of a layer is formed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..._input.arrays import Layer, as_float64
from .. import ranks
from ..reference_inputs import Array, centered
from ..splits import Fold

__all__ = ["held_out_correlations", "held_out_r2"]


class Split(NamedTuple):
    """A layer's samples to fit and to test, centered by the means of those to fit.

    Columns are divided by the norm that they have in the fit, where they are not constant in it:
    the rank of the fit is decided on such columns, with `tolerance`. Where there are as many of
    them as samples to fit, by the norm that they have in all samples.
    """

    fit: Array
    test: Array
    scale: npt.NDArray[np.float64]  # of the columns; 0 for constant ones
    tolerance: float


def splits(layer: Layer, folds: Sequence[Fold], rank_tolerance: float | None) -> Iterator[Split]:
    """Yield what every fold fits and tests."""
    X = as_float64(layer)
    for fold in folds:
        fit = Layer(layer.name, layer.host[fold.fit], layer.dtype)
        A = X[fold.fit] - X[fold.fit].mean(axis=0)
        whole = ranks.is_wide_in_folds(layer, folds)
        constant = ranks.constant_columns(layer if whole else fit)
        norms = np.linalg.norm(centered(layer) if whole else A, axis=0)
        scale = np.where(constant, 0, 1 / np.where(constant, 1, norms))
        tolerance = ranks.default_tolerance(fit) if rank_tolerance is None else rank_tolerance
        yield Split(A, X[fold.test] - X[fold.fit].mean(axis=0), scale, tolerance)


def held_out_correlations(
    x: Layer,
    y: Layer,
    folds: Sequence[Fold],
    regularization: float,
    rank_tolerance: float | None,
) -> Array:
    """Correlations of held-out variates under the weights of the rest, averaged over folds.

    There are as many as every fold has.
    """
    found = []
    saturated = False
    for split_x, split_y in zip(
        splits(x, folds, rank_tolerance), splits(y, folds, rank_tolerance), strict=True
    ):
        fitted = ridge_weights if regularization > 0 else projection_weights
        U, V, rank = fitted(split_x, split_y, regularization)
        saturated |= regularization == 0 and rank > len(split_x.fit) - 1
        H, K = split_x.test @ U, split_y.test @ V
        with np.errstate(invalid="ignore", divide="ignore"):
            rho = [np.corrcoef(h, k)[0, 1] for h, k in zip(H.T, K.T, strict=True)]
        found.append(np.nan_to_num(rho))  # a variate that is constant correlates with nothing
    if saturated:
        ranks.warn_saturated_folds([(x.name, y.name)], ranks.fitted_samples(folds))
    r = min(len(rho) for rho in found)
    mean: Array = np.mean([rho[:r] for rho in found], axis=0)
    return mean


def projection_weights(x: Split, y: Split, _regularization: float) -> tuple[Array, Array, int]:
    """Canonical weights, from the projections P and R onto the spans of X and Y; the sum of ranks.

    The singular vectors of PR are the principal vectors of the two spans (Björck and Golub
    1973), that is the canonical variates; least squares gives the weights that make them.
    """
    pseudoinverses = [np.linalg.pinv(side.fit * side.scale, side.tolerance) for side in (x, y)]
    P, R = (
        (side.fit * side.scale) @ inverse
        for side, inverse in zip((x, y), pseudoinverses, strict=True)
    )
    H, _, Kt = np.linalg.svd(P @ R)
    of_x, of_y = (round(float(np.trace(projection))) for projection in (P, R))  # their ranks
    r = min(of_x, of_y)
    U, V = (
        side.scale[:, None] * (inverse @ variates[:, :r])
        for side, inverse, variates in zip((x, y), pseudoinverses, (H, Kt.T), strict=True)
    )
    return U, V, of_x + of_y


def ridge_weights(x: Split, y: Split, regularization: float) -> tuple[Array, Array, int]:
    """Weights of the canonical ridge (Vinod 1976): of S^-1 X'Y T^-1 Y'X, S = X'X + k I.

    From Cholesky factors of S and T, which is of Y'Y; k is relative to the mean squared norm of
    the columns.
    """
    factors = []
    for side in (x, y):
        S = side.fit.T @ side.fit
        factors.append(
            np.linalg.cholesky(S + regularization * np.trace(S) / len(S) * np.eye(len(S)))
        )
    between = np.linalg.solve(factors[0], x.fit.T @ y.fit)
    U, _, Vt = np.linalg.svd(np.linalg.solve(factors[1], between.T).T)
    spectra = [np.linalg.svd(side.fit, compute_uv=False) for side in (x, y)]
    ranks_of = [
        int(np.sum(s > side.tolerance * s[0])) for s, side in zip(spectra, (x, y), strict=True)
    ]
    r = min(ranks_of)
    weights = np.linalg.solve(factors[0].T, U[:, :r]), np.linalg.solve(factors[1].T, Vt[:r].T)
    return *weights, sum(ranks_of)


def held_out_r2(x: Layer, y: Layer, folds: Sequence[Fold], rank_tolerance: float | None) -> float:
    """1 - residual / total of the held-out samples, pooled over the folds."""
    residual = total = 0.0
    for split_x, split_y in zip(
        splits(x, folds, None), splits(y, folds, rank_tolerance), strict=True
    ):
        predictors = split_y.fit * split_y.scale
        weights = np.linalg.lstsq(predictors, split_x.fit, rcond=split_y.tolerance)[0]
        residual += np.sum((split_x.test - split_y.test * split_y.scale @ weights) ** 2)
        total += np.sum(split_x.test**2)
    return float(1 - residual / total)
