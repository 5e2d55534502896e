"""Unit-level methods in plain numpy: float64, from the data rather than from covariances.

Same names and signatures as the public functions, without `device`; `gramian.reference` has them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..._input import checks as input_checks
from ..._input import layout as layouts
from ..._input.arrays import Representation, as_float64
from ..._input.layout import Positions
from . import analysis, checks
from .analysis import Correlations
from .results import Clusters, Matching, SparsePrediction

__all__ = ["cluster_units", "correlation", "match_units", "sparse_prediction"]

Array = npt.NDArray[np.float64]


def correlation(
    X: Any,
    Y: Any = None,
    *,
    layout: str | None = None,
    positions: Positions = None,
    nan_policy: str = "raise",
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
    C, _ = _correlations(X, Y, layout, positions, nan_policy)
    return C.values.astype(np.float64, copy=False)


def match_units(
    X: Any,
    Y: Any,
    *,
    method: str = "one-to-one",
    absolute: bool = False,
    layout: str | None = None,
    positions: Positions = None,
    nan_policy: str = "raise",
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
    checks.check_method(method)
    C, finite = _correlations(X, Y, layout, positions, nan_policy)
    return analysis.matched(C, method, absolute, finite)


def sparse_prediction(
    X: Any,
    Y: Any,
    alphas: Any = None,
    *,
    tol: float = 1e-6,
    max_sweeps: int = 10_000,
    layout: str | None = None,
    positions: Positions = None,
    nan_policy: str = "raise",
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
    input_checks.check_nan_policy(nan_policy)
    grid = checks.check_alphas(alphas)
    checks.check_tol(tol)
    checks.check_max_sweeps(max_sweeps)
    x, y = layouts.pair(X, Y, layout, positions)
    A, B = standardized(x, nan_policy), standardized(y, nan_policy)
    C = between(A, B)
    for rep, varies in ((x, C.x_varies), (y, C.y_varies)):
        analysis.warn_constant(rep, ~varies)
    grid = analysis.penalties(grid, C)
    coefficients = np.zeros((len(grid), *C.values.shape))
    r2, gaps = (np.full((len(grid), B.shape[1]), np.nan) for _ in range(2))
    kept, targets = np.flatnonzero(C.x_varies), np.flatnonzero(C.y_varies)
    if len(kept) and len(targets):
        gram = between(A[:, kept], A[:, kept]).values
        kept = kept[analysis.distinct(gram, C.values[np.ix_(kept, targets)])]
        found = lasso_path(A[:, kept], B[:, targets], grid, tol, max_sweeps)
        coefficients[np.ix_(np.arange(len(grid)), kept, targets)] = found[0]
        r2[:, targets], gaps[:, targets] = found[1:]
    checks.warn_unfinished(gaps, tol, max_sweeps)
    return SparsePrediction(
        alphas=grid,
        coefficients=coefficients,
        r2=r2,
        n_partners=np.count_nonzero(coefficients, axis=1),
        gaps=gaps,
        x_left_out=np.flatnonzero(~C.x_varies),
        y_left_out=np.flatnonzero(~C.y_varies),
    )


def cluster_units(
    X: Any,
    Y: Any,
    n_clusters: int,
    *,
    seed: int = 0,
    layout: str | None = None,
    positions: Positions = None,
    nan_policy: str = "raise",
) -> Clusters:
    """Spectral clustering of the units of X and Y together (Li et al. 2015).

    Parameters, result and errors are those of `gramian.cluster_units`.
    """
    C, _ = _correlations(X, Y, layout, positions, nan_policy)
    return analysis.clustered(C, n_clusters, seed)


def _correlations(
    X: Any, Y: Any, layout: str | None, positions: Positions, nan_policy: str
) -> tuple[Correlations, bool]:
    """Return the correlations, and whether all elements are finite."""
    input_checks.check_nan_policy(nan_policy)
    single = Y is None
    reps = (
        (layouts.single(X, layout, positions),) if single else layouts.pair(X, Y, layout, positions)
    )
    units = [standardized(rep, nan_policy) for rep in reps]
    for rep, Z in zip(reps, units, strict=True):
        analysis.warn_constant(rep, np.isnan(Z[0]))
    finite = all(bool(np.isfinite(as_float64(rep)).all()) for rep in reps)
    return between(units[0], units[-1], same=single), finite


def standardized(rep: Representation, nan_policy: str) -> Array:
    """Columns of mean 0 and variance 1 (ddof = 0); NaN where a column is constant.

    Constant: its centered norm is at most 10 eps of its norm, eps that of the input's precision.
    """
    input_checks.check_sample_count(rep, *checks.needed_samples())
    X = as_float64(rep)
    with np.errstate(all="ignore"):
        if nan_policy == "raise":
            input_checks.check_finite(rep, X.mean(axis=0))
        # By powers of two, so that squares neither overflow nor vanish, and nothing is rounded.
        X = np.ldexp(X, -np.frexp(np.abs(X).max(axis=0))[1])
        Z = X - X[0]  # makes a constant column exactly 0, which its rounded mean would not
        Z = Z - Z.mean(axis=0)
        norm = np.sqrt(np.sum(Z**2, axis=0))
        constant = norm <= analysis.tolerance(rep) * np.sqrt(np.sum(X**2, axis=0))
        return np.asarray(Z / np.where(constant, np.nan, norm) * np.sqrt(len(X)))


def between(A: Array, B: Array, same: bool = False) -> Correlations:
    """A'B / n of standardized columns, in [-1, 1]."""
    C = np.clip(A.T @ B / len(A), -1, 1)
    if same:
        np.fill_diagonal(C, np.where(np.isnan(C.diagonal()), np.nan, 1))
    return Correlations(C, ~np.isnan(A[0]), ~np.isnan(B[0]))


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
