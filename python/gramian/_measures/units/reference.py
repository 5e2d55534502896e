"""Unit-level methods in plain numpy: float64, from the data rather than from covariances.

Same names and signatures as the public functions, without `device`; `gramian.reference` has them.
Units without a correlation, constant ones as a rule, are NaN from the start.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..._input import checks as input_checks
from ..._input import layers, options
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer, as_float64, as_layer
from ..._input.layout import Layouts, Positions, units_take_layout
from . import checks
from .checks import Method
from .reference_graphs import best_assignment, best_partners, spectral_clusters
from .results import Clusters, Matching, SparsePrediction

__all__ = ["cluster_units", "correlation", "match_units", "sparse_prediction"]

Array = npt.NDArray[np.float64]


@units_take_layout
def correlation(
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> Array:
    """Pearson correlation of every unit of X with every unit of Y, or of X without Y.

    Parameters, result and errors are those of `gramian.correlation`.

    Examples
    --------
    >>> from gramian import reference
    >>> reference.correlation([[1, 0], [0, 1], [-1, -1]])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    C, *_ = _correlations(X, Y, nan_policy, alone=Y is None)
    return C


@units_take_layout
def match_units(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    method: Method = "one-to-one",
    absolute: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> Matching:
    """Partners of X's units among Y's (Li et al. 2015).

    Parameters, result and errors are those of `gramian.match_units`.

    Examples
    --------
    >>> from gramian import reference
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[0, 3], [1, 1], [-1, -4]]
    >>> reference.match_units(X, Y).pairs.tolist()
    [[0, 1], [1, 0]]
    """
    method = checks.check_method(method)
    absolute = options.check_flag("absolute", absolute)
    C, finite, (x_left_out, y_left_out) = _correlations(X, Y, nan_policy)
    value = np.abs(C) if absolute else C
    pairs = best_partners(value) if method == "semi" else best_assignment(value)
    found = [value[pair] for pair in pairs]
    return Matching(
        pairs=np.array(pairs, dtype=np.int64).reshape(-1, 2),
        correlations=np.array([C[pair] for pair in pairs]),
        mean=float(np.mean(found)) if finite and found else float("nan"),
        method=method,
        absolute=absolute,
        correlation=C,
        x_left_out=x_left_out,
        y_left_out=y_left_out,
    )


@units_take_layout
def sparse_prediction(
    X: ArrayLike,
    Y: ArrayLike,
    alphas: Any = None,
    *,
    tol: float = 1e-6,
    max_sweeps: int = 10_000,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> SparsePrediction:
    """LASSO of every unit of Y on the units of X (Li et al. 2015).

    Coordinate descent on the residuals, all targets side by side. Parameters, result and errors
    are those of `gramian.sparse_prediction`.

    Examples
    --------
    >>> from gramian import reference
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[0], [2], [-2]]
    >>> reference.sparse_prediction(X, Y, 0.25).coefficients.round(9).tolist()
    [[[0.0], [0.75]]]
    """
    options.check_nan_policy(nan_policy)
    grid = checks.check_alphas(alphas)
    tol, max_sweeps = checks.check_tol(tol), checks.check_max_sweeps(max_sweeps)
    x, y = layers.pair(X, Y, nan_policy)
    A, B = standardized(x, nan_policy), standardized(y, nan_policy)
    for layer, Z in ((x, A), (y, B)):
        warn_constant(layer, Z)
    C = A.T @ B / len(A)
    if grid is None:
        largest = np.abs(C[~np.isnan(C)]).max(initial=0) or 1.0  # all are 0: any grid will do
        grid = np.array([largest * 1e-3 ** (i / 29) for i in range(30)])
    kept, targets = (np.flatnonzero(~np.isnan(Z[0])) for Z in (A, B))
    coefficients = np.zeros((len(grid), *C.shape))
    r2, gaps = (np.full((len(grid), B.shape[1]), np.nan) for _ in range(2))
    if len(kept) and len(targets):
        first = kept[first_of_equals(A[:, kept])]
        found = lasso_path(A[:, first], B[:, targets], grid, tol, max_sweeps)
        coefficients[np.ix_(np.arange(len(grid)), first, targets)] = found[0]
        r2[:, targets], gaps[:, targets] = found[1:]
    checks.warn_unfinished(gaps, tol, max_sweeps)
    return SparsePrediction(
        alphas=grid,
        coefficients=coefficients,
        r2=r2,
        n_partners=np.count_nonzero(coefficients, axis=1),
        gaps=gaps,
        x_left_out=np.setdiff1d(np.arange(A.shape[1]), kept),
        y_left_out=np.setdiff1d(np.arange(B.shape[1]), targets),
        finite=all(bool(np.isfinite(as_float64(layer)).all()) for layer in (x, y)),
    )


@units_take_layout
def cluster_units(
    X: ArrayLike,
    Y: ArrayLike,
    n_clusters: int,
    *,
    seed: int = 0,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> Clusters:
    """Spectral clustering of the units of X and Y together (Li et al. 2015).

    Parameters, result and errors are those of `gramian.cluster_units`.
    """
    seed = checks.check_seed(seed)
    C, *_ = _correlations(X, Y, nan_policy)
    r = np.nan_to_num(C)
    W = np.where(r > 0, r, 0)
    k = checks.check_clusters(n_clusters, int(W.any(axis=1).sum() + W.any(axis=0).sum()))
    labels = spectral_clusters(W, k, seed)
    x_labels, y_labels = labels[: len(C)], labels[len(C) :]
    sizes, means = np.zeros((k, 2), dtype=np.int64), np.full((k, k), np.nan)
    for a in range(k):
        sizes[a] = np.sum(x_labels == a), np.sum(y_labels == a)
        for b in range(k):
            between = r[x_labels == a][:, y_labels == b]
            if between.size:
                means[a, b] = between.mean()
    return Clusters(x_labels, y_labels, sizes, means, C)


def _correlations(
    X: ArrayLike,
    Y: ArrayLike | None,
    nan_policy: str,
    *,
    alone: bool = False,
) -> tuple[Array, bool, list[npt.NDArray[np.int64]]]:
    """Return the correlations, whether all elements are finite, and the units without any."""
    options.check_nan_policy(nan_policy)
    found = (as_layer(X, "X"),) if alone else layers.pair(X, Y, nan_policy)
    units = [standardized(layer, nan_policy) for layer in found]
    for layer, Z in zip(found, units, strict=True):
        warn_constant(layer, Z)
    finite = all(bool(np.isfinite(as_float64(layer)).all()) for layer in found)
    C = np.clip(units[0].T @ units[-1] / len(units[0]), -1, 1)
    if alone:
        np.fill_diagonal(C, np.where(np.isnan(C.diagonal()), np.nan, 1))
    return C, finite, [np.flatnonzero(np.isnan(Z[0])) for Z in (units[0], units[-1])]


def standardized(layer: Layer, nan_policy: str) -> Array:
    """Columns of mean 0 and variance 1 (ddof = 0); NaN where a column is constant.

    Constant: its centered norm is at most 10 eps of its norm, eps that of the input's precision.
    """
    input_checks.check_sample_count(layer, *checks.needed_samples())
    X = as_float64(layer)
    with np.errstate(all="ignore"):
        if nan_policy == "raise":
            input_checks.check_finite(layer, X.mean(axis=0))
        input_checks.check_integers(layer, float(np.abs(X).max()))
        # By powers of two, so that squares neither overflow nor vanish, and nothing is rounded.
        X = np.ldexp(X, -np.frexp(np.abs(X).max(axis=0))[1])
        Z = X - X[0]  # makes a constant column exactly 0, which its rounded mean would not
        Z = Z - Z.mean(axis=0)
        norm = np.sqrt(np.sum(Z**2, axis=0))
        eps = np.finfo(layer.compute_dtype).eps
        constant = norm <= 10 * eps * np.sqrt(np.sum(X**2, axis=0))
        return np.asarray(Z / np.where(constant, np.nan, norm) * np.sqrt(len(X)))


def warn_constant(layer: Layer, Z: Array) -> None:
    """Warn of the units that are constant: NaN once standardized, and finite before."""
    finite = np.isfinite(as_float64(layer)).all(axis=0)
    checks.warn_left_out(layer, np.flatnonzero(np.isnan(Z[0]) & finite))


def first_of_equals(Z: Array) -> list[int]:
    """Return the standardized units that equal no earlier one, nor its opposite, but for rounding.

    Copies that differ by scale and offset are at most 6e-14 apart, root mean square: measured with
    60 to 100,000 samples, and offsets up to 100 standard deviations.
    """
    first: list[int] = []
    for i, z in enumerate(Z.T):
        apart = [min(np.mean((z - Z[:, k]) ** 2), np.mean((z + Z[:, k]) ** 2)) for k in first]
        if all(square > 1e-12**2 for square in apart):
            first.append(i)
    return first


def lasso_path(
    X: Array, Y: Array, alphas: Array, tol: float, max_sweeps: int
) -> tuple[Array, Array, Array]:
    """Minimize |y - Xw|² / (2n) + alpha |w|_1 for every column y of Y and every alpha.

    Returns coefficients (n_alphas, p, q), R² and duality gaps (n_alphas, q).
    """
    n, p = X.shape
    W = np.zeros((p, Y.shape[1]))
    R = Y.copy()  # residuals
    path, r2, gaps = [], [], []
    for alpha in alphas:
        for _ in range(max_sweeps):
            for i in range(p):
                rho = X[:, i] @ R / n + W[i]
                new = np.sign(rho) * np.maximum(np.abs(rho) - alpha, 0)
                R -= np.outer(X[:, i], new - W[i])
                W[i] = new
            gap = duality_gap(X, Y, W, R, alpha)
            if np.all(gap <= tol):
                break
        path.append(W.copy())
        r2.append(1 - np.mean(R**2, axis=0))
        gaps.append(gap)
    return np.array(path), np.array(r2), np.array(gaps)


def duality_gap(X: Array, Y: Array, W: Array, R: Array, alpha: float) -> Array:
    """Primal less dual objective at theta = s R / n, s = min(1, alpha / |X'R / n|_inf).

    |R|²/(2n) + alpha |w|_1 - (s R'Y/n - s² |R|²/(2n)); with R'Y = R'(R + XW) it is free of
    cancellation.
    """
    n = len(X)
    Q = X.T @ R / n
    s = alpha / np.maximum(np.abs(Q).max(axis=0), alpha)
    rest = np.sum(np.abs(W), axis=0) * alpha - s * np.sum(Q * W, axis=0)
    return np.asarray(rest + (1 - s) ** 2 * np.mean(R**2, axis=0) / 2)
