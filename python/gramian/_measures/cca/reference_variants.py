"""SVCCA and PWCCA in plain numpy."""

from __future__ import annotations

import numpy as np

from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer, as_float64
from ..._input.layout import Layouts, Positions, takes_layout
from ..._input.options import check_flag
from .. import ranks
from ..reference_inputs import Array, centered, samples, warn_constant
from . import checks
from .reference import Basis, correlations_of, orthonormal_basis
from .results import PWCCA, SVCCA

__all__ = ["pwcca", "svcca"]


@takes_layout
def svcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    variance: float = 0.99,
    components: int | None = None,
    squared: bool = False,
    full_output: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float | SVCCA:
    """CCA of the leading singular directions (Raghu et al. 2017).

    Parameters, result and errors are those of `gramian.svcca`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> round(reference.svcca(X, [[2], [3], [0], [8], [-1]], components=1), 9)
    0.979308335
    """
    variance, components = checks.check_variance(variance), checks.check_components(components)
    squared = check_flag("squared", squared)
    full_output = check_flag("full_output", full_output)
    x, y, finite = samples(X, Y, nan_policy)
    if not finite:
        return SVCCA(np.nan, np.empty(0), 0, 0) if full_output else float("nan")
    if warn_constant(x, y):
        return SVCCA(np.nan, np.empty(0), 0, 0) if full_output else float("nan")
    bx, by = (leading_directions(layer, variance, components) for layer in (x, y))
    n = len(x.array)
    saturated = ranks.saturated(bx.rank, by.rank, n)
    ranks.warn_saturated([(x.name, y.name, saturated)], n)
    rho, _, _ = correlations_of(bx, by)
    value = float(np.mean(rho**2 if squared else rho))
    return SVCCA(value, rho, bx.rank, by.rank) if full_output else value


def leading_directions(layer: Layer, variance: float, components: int | None) -> Basis:
    """First left singular vectors of centered, unscaled X, up to a share of the variance."""
    X = centered(layer)
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    tolerance = ranks.default_tolerance(layer)
    rank = int(np.sum(s > tolerance * s[0]))
    share = np.cumsum(s**2) / np.sum(s**2)
    enough = share >= variance - 10 * ranks.epsilon(layer)
    k = min(rank, int(np.argmax(enough)) + 1)
    if variance == 1:
        k = rank
    if components is not None:
        checks.check_enough_rank(layer, rank, components)
        k = components
    if k < rank and s[k - 1] - s[k] <= ranks.TIE_UNITS * ranks.epsilon(layer) * s[k - 1]:
        ranks.warn_straddled([layer.name])
    return Basis(U[:, :k], Vt[:k].T / s[:k], tolerance)


@takes_layout
def pwcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    side: checks.Side = "x",
    variant: checks.Variant = "paper",
    rank_tolerance: float | None = None,
    full_output: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float | PWCCA:
    """Projection-weighted CCA (Morcos et al. 2018).

    Parameters, result and errors are those of `gramian.pwcca`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> Y = [[2, 1], [3, 0], [0, 1], [8, 2], [-1, 1]]
    >>> round(reference.pwcca(X, Y), 9)
    0.831533191
    """
    side, variant = checks.check_side(side), checks.check_variant(variant)
    rank_tolerance = checks.check_rank_tolerance(rank_tolerance)
    full_output = check_flag("full_output", full_output)
    x, y, finite = samples(X, Y, nan_policy)
    if not finite or warn_constant(x, y, scaled=True):
        return PWCCA(np.nan, np.empty(0), False) if full_output else float("nan")
    bx, by = orthonormal_basis(x, rank_tolerance), orthonormal_basis(y, rank_tolerance)
    n = len(x.array)
    saturated = ranks.saturated(bx.rank, by.rank, n)
    ranks.warn_saturated([(x.name, y.name, saturated)], n)
    rho, U, V = correlations_of(bx, by)
    if variant == "google":
        checks.check_full_rank(x, bx.rank)
        checks.check_full_rank(y, by.rank)
        value = google_pwcca(x, y)
        return PWCCA(value, rho, False) if full_output else value
    sides = {"x": (bx.Q @ U, centered(x)), "y": (by.Q @ V, centered(y))}
    chosen = sides.values() if side == "mean" else [sides[side]]
    values = [float(np.average(rho, weights=np.abs(H.T @ Z).sum(axis=1))) for H, Z in chosen]
    eps = max(ranks.epsilon(x), ranks.epsilon(y))
    unmatched = {"x": bx.rank > by.rank, "y": by.rank > bx.rank}
    ambiguous = any(
        tie_matters(rho, H.T @ Z, np.sqrt(eps), unmatched[name])
        for name, (H, Z) in sides.items()
        if side in (name, "mean")
    )
    if full_output:
        return PWCCA(float(np.mean(values)), rho, ambiguous)
    if ambiguous:
        ranks.warn_ambiguous([(x.name, y.name)])
    return float(np.mean(values))


def tie_matters(rho: Array, projections: Array, tolerance: float, unmatched: bool) -> bool:
    """Whether turning two tied variates by 45 degrees changes the weighted mean.

    A last correlation of 0 ties with the directions of this side that have no match on the other.
    """
    weights = np.abs(projections).sum(axis=1)
    value = np.average(rho, weights=weights)
    for i in range(len(rho) - 1):
        if rho[i] - rho[i + 1] >= tolerance:
            continue
        a, b = projections[i], projections[i + 1]
        turned = (np.abs(a + b) + np.abs(a - b)).sum() / np.sqrt(2)
        change = turned - weights[i] - weights[i + 1]
        if abs(change * (rho[i] - value)) > tolerance * weights.sum():
            return True
    return bool(
        unmatched and rho[-1] < tolerance and weights[-1] * value > tolerance * weights.sum()
    )


def google_pwcca(x: Layer, y: Layer) -> float:
    """PWCCA by the steps of google/svcca's `compute_pwcca`, epsilon 0: arrays (units, samples)."""
    acts1, acts2 = (as_float64(layer)[:, ~ranks.constant_columns(layer)].T for layer in (x, y))
    p = len(acts1)
    covariance = np.cov(acts1, acts2).reshape(p + len(acts2), -1)
    sigma_xx, sigma_xy, sigma_yy = covariance[:p, :p], covariance[:p, p:], covariance[p:, p:]
    invsqrt_xx, invsqrt_yy = (root_of_inverse(sigma) for sigma in (sigma_xx, sigma_yy))
    u, s, vt = np.linalg.svd(invsqrt_xx @ sigma_xy @ invsqrt_yy)
    coef, acts = (u.T, acts1) if len(acts1) <= len(acts2) else (vt, acts2)
    means = np.mean(acts, axis=1, keepdims=True)
    dirns = coef @ (acts - means) + means
    P, _ = np.linalg.qr(dirns.T)
    weights = np.zeros(len(s))
    for i in range(len(s)):
        for unit in acts:
            weights[i] += abs(P[:, i] @ unit)
    return float(np.sum(weights / np.sum(weights) * np.clip(s, 0, 1)))


def root_of_inverse(sigma: Array) -> Array:
    """Return the symmetric S with S S = sigma^-1."""
    w, v = np.linalg.eigh(np.linalg.inv(sigma))
    root: Array = v @ np.diag(np.sqrt(w)) @ v.T
    return root
