"""Ridge regression in plain numpy: one SVD a training set, the hat matrix of every penalty."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import as_float64
from ..._input.layout import Layouts, Positions, takes_layout_in_order
from ..._input.options import check_flag
from .. import ranks
from ..reference_inputs import Array, centered, samples, warn_constant
from ..splits import INNER, Fold, check_folds, check_groups, folds, groups_of
from . import checks
from .results import RidgeRegression, undefined_ridge

__all__ = ["ridge_regression"]

Samples = npt.NDArray[np.int64]


@takes_layout_in_order
def ridge_regression(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    alphas: Any = None,
    direction: checks.Direction = checks.DIRECTIONS[0],
    cross_validate: Any = 5,
    groups: Any = None,
    inner_folds: Any = None,
    alpha_per_target: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> RidgeRegression:
    """Held-out R² of X from Y: weights (Y'Y + alpha I)^-1 Y'X (Hoerl and Kennard 1970).

    Parameters, result and errors are those of `gramian.ridge_regression`.

    Examples
    --------
    >>> from gramian import reference
    >>> found = reference.ridge_regression(
    ...     [[0], [2], [4], [2]], [[0], [1], [2], [3]], alphas=5, cross_validate=None
    ... )
    >>> found.predictions.ravel().round(9).tolist(), round(found.score, 9)
    ([1.4, 1.8, 2.2, 2.6], 0.3)
    """
    tried = checks.check_alphas(alphas)
    turned = checks.is_turned(direction)
    asked, inner = (
        check_folds("cross_validate")(cross_validate),
        check_folds("inner_folds")(inner_folds),
    )
    each = check_flag("alpha_per_target", alpha_per_target)
    given = {"groups": check_groups(groups)}
    x, y, finite = samples(X, Y, nan_policy)
    n = len(x.array)
    labels = groups_of(given, [x, y])
    every = np.arange(n)
    outer = [Fold(every, every)] if asked is None else folds("cross_validate", asked, n, labels)
    if turned:
        x, y = y, x
    if not finite or warn_constant(x, y):
        return undefined_ridge(n, x.array.shape[1], tried, direction)
    dead = ranks.constant_columns(x)
    checks.warn_constant_units(x.name, int(dead.sum()))
    T, P = np.where(dead, 0, centered(x)), centered(y)
    T_unit, P_unit = (2.0 ** np.frexp(np.abs(Z).max())[1] for Z in (T, P))
    T, P = T / T_unit, P / P_unit
    tolerance = ranks.default_tolerance(y)
    mean_square = np.sum(P**2) / min(y.n_samples, P.shape[1])
    penalties = mean_square * checks.RELATIVE_ALPHAS
    if tried is not None:
        penalties = np.array(tried) / P_unit / P_unit
    tests, counts = np.zeros_like(T), np.zeros((n, 1))
    chosen, actual, predicted = [], [], []
    for fold in outer:
        loss = losses(P, T, fold.fit, penalties, inner, labels, tolerance)
        loss = np.where(np.isnan(loss), np.inf, loss)
        best = loss.argmin(axis=0) if each else loss.sum(axis=1).argmin()
        prediction = predictions(P, T, fold, penalties[best], tolerance)
        mean = T[fold.fit].mean(axis=0)
        tests[fold.test] += prediction + mean
        counts[fold.test] += 1
        chosen.append(penalties[best] * P_unit * P_unit)
        actual.append(T[fold.test] - mean)
        predicted.append(prediction)
    D, E = np.concatenate(actual), np.concatenate(predicted)
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = 1 - np.sum((D - E) ** 2, axis=0) / np.sum(D**2, axis=0)
        mean = tests / counts
    return RidgeRegression(
        score=float(1 - np.sum((D - E) ** 2) / np.sum(D**2)),
        r2=r2,
        correlation=correlations(D, E),
        alpha=np.array(chosen),
        alphas=penalties * P_unit * P_unit,
        predictions=mean * T_unit + as_float64(x).mean(axis=0),
        direction=direction,
    )


def losses(
    P: Array,
    T: Array,
    fit: Samples,
    alphas: Array,
    inner: Any,
    labels: Samples | None,
    tolerance: float,
) -> Array:
    """Return what penalties leave of targets within a training set, (n_alphas, n_targets).

    Squared errors of samples, or groups, predicted from all others (Golub et al. 1979); or, with
    inner folds, 1 - R² of those that are held out, averaged over folds.
    """
    own = None if labels is None else labels[fit]
    if inner is None:
        parts = np.arange(len(fit)) if own is None else own
        return left_out_errors(P[fit], T[fit], alphas, parts, tolerance)
    kept = inner if isinstance(inner, int) else inner.of(INNER, len(P)).taken(fit)
    found = np.zeros((len(alphas), T.shape[1]))
    for nested in folds(INNER, kept, len(fit), own, least=2):
        fold = Fold(fit[nested.fit], fit[nested.test])
        actual = T[fold.test] - T[fold.fit].mean(axis=0)
        total = np.sum((actual - actual.mean(axis=0)) ** 2, axis=0)
        for number, alpha in enumerate(alphas):
            errors = actual - predictions(P, T, fold, alpha, tolerance)
            share = np.sum(errors**2, axis=0) / np.where(total > 0, total, 1)
            found[number] += np.where(total > 0, share, 1)
    return found


def left_out_errors(
    P: Array, T: Array, alphas: Array, parts: npt.NDArray[Any], tolerance: float
) -> Array:
    """Squared errors of each part of the samples, predicted from the others: (M_II)^-1 (M T)_I.

    M = I - 11'/n - P (P'P + alpha)^-1 P', summed from its parts on the span of P and off it.
    """
    n = len(P)
    U, s, _ = np.linalg.svd(P - P.mean(axis=0))
    r = int(np.sum(s > tolerance * s[0]))
    span, off, s = U[:, :r], U[:, r:], s[:r]
    outside = np.zeros((n, n)) if r == n - 1 else off @ off.T - 1 / n
    found = np.empty((len(alphas), T.shape[1]))
    for number, alpha in enumerate(alphas):
        M = outside + span * (alpha / (s**2 + alpha)) @ span.T
        errors = M @ (T - T.mean(axis=0))
        for part in np.unique(parts):
            here = np.flatnonzero(parts == part)
            try:
                errors[here] = np.linalg.solve(M[np.ix_(here, here)], errors[here])
            except np.linalg.LinAlgError:
                errors[here] = np.nan
        found[number] = np.sum(errors**2, axis=0)
    return found


def predictions(P: Array, T: Array, fold: Fold, alpha: Any, tolerance: float) -> Array:
    """Predictions of the held-out samples, less the means of those fitted."""
    mean = P[fold.fit].mean(axis=0)
    U, s, Vt = np.linalg.svd(P[fold.fit] - mean, full_matrices=False)
    kept = s > tolerance * s[0]
    U, s, Vt = U[:, kept], s[kept, None], Vt[kept]
    weights = s / (s**2 + np.atleast_1d(alpha)) * (U.T @ (T[fold.fit] - T[fold.fit].mean(axis=0)))
    found: Array = (P[fold.test] - mean) @ Vt.T @ weights
    return found


def correlations(D: Array, E: Array) -> Array:
    """Pearson's r of every two columns, NaN where one does not vary."""
    found = np.full(D.shape[1], np.nan)
    for j, columns in enumerate(zip(D.T, E.T, strict=True)):
        shares = [np.var(v) / max(np.mean(v**2), 1e-300) for v in columns]
        if min(shares) > len(D) * np.finfo(np.float64).eps:
            found[j] = np.corrcoef(*columns)[0, 1]
    return found
