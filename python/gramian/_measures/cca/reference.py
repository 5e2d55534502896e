"""Canonical correlations and linear regression in plain numpy: SVDs of the centered data.

What is held out is in `reference_folds`, by least squares and projections.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer
from ..._input.layout import Layouts, Positions, takes_layout, takes_layout_in_order
from .. import ranks
from ..reference_inputs import Array, centered, samples, warn_constant
from ..splits import check_folds, check_groups, folds_of
from . import checks
from .reference_folds import held_out_correlations, held_out_r2
from .results import CCA

__all__ = ["cca", "linear_regression"]


@dataclass(frozen=True, eq=False)
class Basis:
    """Orthonormal columns Q = X weights, X centered."""

    Q: Array
    weights: Array
    tolerance: float

    @property
    def rank(self) -> int:
        """The number of columns."""
        return int(self.Q.shape[1])


def orthonormal_basis(layer: Layer, rank_tolerance: float | None = None) -> Basis:
    """Left singular vectors of X with columns of unit norm, those of singular values above 0."""
    X = centered(layer)
    constant = ranks.constant_columns(layer)
    scale = np.where(constant, 0.0, 1 / np.where(constant, 1.0, np.linalg.norm(X, axis=0)))
    U, s, Vt = np.linalg.svd(X * scale, full_matrices=False)
    tolerance = ranks.default_tolerance(layer) if rank_tolerance is None else rank_tolerance
    r = int(np.sum(s > tolerance * s[0]))
    return Basis(U[:, :r], scale[:, None] * Vt[:r].T / s[:r], tolerance)


def correlations_of(x: Basis, y: Basis) -> tuple[Array, Array, Array]:
    """Canonical correlations, and the rotations of the two bases into canonical variates."""
    U, rho, Vt = np.linalg.svd(x.Q.T @ y.Q, full_matrices=False)
    return np.clip(rho, 0, 1), U, Vt.T


@takes_layout_in_order
def cca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    denominator: checks.Denominator = "features",
    regularization: float = 0.0,
    cross_validate: Any = None,
    groups: Any = None,
    rank_tolerance: float | None = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> CCA:
    """Canonical correlations: the singular values of Qx'Qy.

    Parameters, result and errors are those of `gramian.cca`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> reference.cca(X, [[2], [3], [0], [8], [-1]]).correlations.round(9)
    array([0.99062494])
    """
    denominator = checks.check_denominator(denominator)
    rank_tolerance = checks.check_rank_tolerance(rank_tolerance)
    regularization = checks.check_regularization(regularization)
    held_out = {
        "cross_validate": check_folds("cross_validate")(cross_validate),
        "groups": check_groups(groups),
    }
    x, y, finite = samples(X, Y, nan_policy)
    n, p = x.array.shape
    q = y.array.shape[1]
    folds = folds_of(held_out, [x, y], least=2)
    if not finite:
        nothing = np.full(min(p, q), np.nan), np.nan, np.nan
        weights = np.full((p, min(p, q)), np.nan), np.full((q, min(p, q)), np.nan)
        return CCA(*nothing, *weights, 0, 0, (np.nan, np.nan), 0)
    bx, by = (basis(layer, regularization, rank_tolerance) for layer in (x, y))
    constant = warn_constant(x, y, scaled=regularization == 0)
    saturated = 0
    if regularization == 0 and not constant:
        saturated = ranks.saturated(bx.rank, by.rank, n)
        ranks.warn_saturated([(x.name, y.name, saturated)], n)
    rho, U, V = correlations_of(bx, by)
    r = min(bx.rank, by.rank)
    if folds is not None and not constant:
        rho = held_out_correlations(x, y, folds, regularization, rank_tolerance)
    count = r if denominator == "rank" else min(p, q)
    return CCA(
        correlations=rho,
        mean=np.nan if constant else float(rho.sum() / count),
        mean_squared=np.nan if constant else float(np.sum(rho**2) / count),
        x_weights=bx.weights @ U,
        y_weights=by.weights @ V,
        x_rank=bx.rank,
        y_rank=by.rank,
        rank_tolerance=(bx.tolerance, by.tolerance),
        n_saturated=saturated,
    )


def basis(layer: Layer, regularization: float, rank_tolerance: float | None) -> Basis:
    """X (X'X + k I)^(-1/2), k = regularization times the mean squared norm of X's columns.

    The canonical ridge of Vinod 1976, relative to the data, so that no scale matters; without
    one, an orthonormal basis.
    """
    if regularization == 0:
        return orthonormal_basis(layer, rank_tolerance)
    X = centered(layer)
    with np.errstate(over="ignore"):  # of a ridge that leaves nothing
        ridge = regularization * np.sum(X**2) / X.shape[1]
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    tolerance = ranks.default_tolerance(layer) if rank_tolerance is None else rank_tolerance
    kept = s > tolerance * s[0]
    U, s, Vt = U[:, kept], s[kept], Vt[kept]
    shrunk = np.sqrt(s**2 + ridge)
    return Basis(U * (s / shrunk), Vt.T / shrunk, tolerance)


@takes_layout
def linear_regression(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    direction: checks.Direction = checks.DIRECTIONS[0],
    cross_validate: Any = None,
    groups: Any = None,
    rank_tolerance: float | None = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """R² of X from Y, |Qy'X|² / |X|² (Kornblith et al. 2019, eq. 10), or of Y from X.

    Parameters, result and errors are those of `gramian.linear_regression`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> round(reference.linear_regression(X, [[2], [3], [0], [8], [-1]]), 9)
    0.803361724
    """
    rank_tolerance = checks.check_rank_tolerance(rank_tolerance)
    held_out = {
        "cross_validate": check_folds("cross_validate")(cross_validate),
        "groups": check_groups(groups),
    }
    turned = checks.is_turned(direction)
    x, y, finite = samples(X, Y, nan_policy)
    folds = folds_of(held_out, [x, y])
    if turned:
        x, y = y, x
    if not finite or warn_constant(x) or warn_constant(y, scaled=True):
        return float("nan")
    if folds is None:
        Z = centered(x)
        return float(np.sum((orthonormal_basis(y, rank_tolerance).Q.T @ Z) ** 2) / np.sum(Z**2))
    return held_out_r2(x, y, folds, rank_tolerance)
