"""Ridge regression on one training set: a decomposition, from which every penalty follows.

With X = U S V' of the samples that are fitted, both sides centered by them, a penalty alpha leaves
U diag(alpha / (s² + alpha)) U'Y of the targets in the span of U, and predicts
X_test V diag(s / (s² + alpha)) U'Y. All is in double.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "BLOCK",
    "Spectrum",
    "best_of",
    "decomposed",
    "left_out_errors",
    "predicted",
    "tested_losses",
]

Array = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int64]

# Squares of singular values from a Gram matrix are off by eps of the largest one's. They serve
# where the smallest is at least this share of the largest: an SVD takes four times as long.
_IN_DOUBLE, _IN_FLOAT = 1e-2, 1e-7
BLOCK = 2**22  # elements of a block of targets


class Spectrum(NamedTuple):
    """A training set of predictors, decomposed, and the samples that it is tested on."""

    left: Array  # U (n, r)
    s: Array  # (r,)
    tested: Array  # X_test V (m, r)


def decomposed(fit: Array, test: Array, tolerance: float, *, double: bool) -> Spectrum:
    """Decompose predictors, centered: by the smaller Gram matrix where its digits are enough."""
    n, p = fit.shape
    least = _IN_DOUBLE if double else _IN_FLOAT
    if p < n:
        squares, V = np.linalg.eigh(fit.T @ fit)
        if squares[0] > least * squares[-1]:
            s = np.sqrt(squares)
            return Spectrum(fit @ (V / s), s, test @ V)
    elif n > 1:
        squares, U = np.linalg.eigh(fit @ fit.T)
        if squares[1] > least * squares[-1]:  # the first is 0: rows that are centered add up to 0
            U, s = U[:, 1:], np.sqrt(squares[1:])
            return Spectrum(U, s, (test @ fit.T) @ (U / s))
    U, s, Vt = np.linalg.svd(fit, full_matrices=False)
    kept = s > tolerance * s[0]
    return Spectrum(U[:, kept], s[kept], test @ Vt[kept].T)


def blocks(targets: Array) -> Iterator[slice]:
    """Return columns of targets, some at a time."""
    n, q = targets.shape
    step = max(1, BLOCK // n)
    for first in range(0, q, step):
        yield slice(first, first + step)


def left_out_errors(
    spectrum: Spectrum, targets: Array, alphas: Array, groups: Sequence[Samples] | None
) -> Array:
    """Return squared errors (n_alphas, q) of targets, each sample or group predicted without it.

    Without a group I, the residuals are M_II^-1 e_I with e = M Y and M = 1 - 11'/n - H, where H is
    the hat matrix: of single samples, e_i / (1 - 1/n - h_i). M is summed from what is positive, so
    that a leverage near 1 costs no digits.
    """
    U, s, _ = spectrum
    n, r = U.shape
    spans_all = r == n - 1
    squared = U**2
    outside = np.zeros(n) if spans_all else np.maximum(1 - 1 / n - squared.sum(axis=1), 0)
    found = np.empty((len(alphas), targets.shape[1]))
    for block in blocks(targets):
        C = U.T @ targets[:, block]
        rest = 0.0 if spans_all else targets[:, block] - U @ C
        for number, alpha in enumerate(alphas):
            shrunk = alpha / (s**2 + alpha)
            errors = U @ (shrunk[:, None] * C)
            errors += rest
            with np.errstate(divide="ignore", invalid="ignore"):
                if groups is None:
                    errors /= (outside + squared @ shrunk)[:, None]
                else:
                    _without_groups(errors, U, shrunk, groups, spans_all=spans_all)
                found[number, block] = np.einsum("ij,ij->j", errors, errors)
    return found


def _without_groups(
    errors: Array, U: Array, shrunk: Array, groups: Sequence[Samples], *, spans_all: bool
) -> None:
    n = len(U)
    for group in groups:
        part = U[group]
        M = (part * shrunk) @ part.T
        if not spans_all:
            M += np.eye(len(group)) - 1 / n - part @ part.T
        try:
            errors[group] = np.linalg.solve(M, errors[group])
        except np.linalg.LinAlgError:
            errors[group] = np.nan


def predicted(spectrum: Spectrum, targets: Array, alpha: float | Array) -> Array:
    """Return predictions of the tested samples, less the means of those fitted.

    Of targets with a penalty for all, or one for each.
    """
    U, s, tested = spectrum
    gains = s[:, None] / (s[:, None] ** 2 + np.atleast_1d(alpha))
    gains = gains * (U.T @ targets)
    found: Array = tested @ gains
    return found


def tested_losses(spectrum: Spectrum, targets: Array, tested: Array, alphas: Array) -> Array:
    """Return 1 - R² (n_alphas, q) of tested samples, about their own means.

    That of a target which does not vary among them counts as 0, whatever its prediction.
    """
    U, s, projected = spectrum
    found = np.empty((len(alphas), targets.shape[1]))
    for block in blocks(targets):
        C = U.T @ targets[:, block]
        own = tested[:, block] - tested[:, block].mean(axis=0)
        total = np.einsum("ij,ij->j", own, own)
        for number, alpha in enumerate(alphas):
            errors = projected @ ((s / (s**2 + alpha))[:, None] * C)
            errors -= tested[:, block]
            squares = np.einsum("ij,ij->j", errors, errors)
            varies = total > 0
            found[number, block] = np.where(varies, squares / np.where(varies, total, 1), 1)
    return found


def best_of(losses: Array, *, each: bool) -> Samples:
    """Return which penalty has the smallest loss, the first of several, (1,) or of each target."""
    losses = losses if each else losses.sum(axis=1, keepdims=True)
    best: Samples = np.where(np.isnan(losses), np.inf, losses).argmin(axis=0)
    return best
