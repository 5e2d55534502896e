"""HSIC and CKA in extended precision, from explicit differences: what float64 is held to."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Extended = npt.NDArray[np.longdouble]


def squared_distances(X: Any) -> Extended:
    """|x_i - x_j|² of the rows as they are."""
    X = np.asarray(X, dtype=np.longdouble)
    return np.array([np.sum((X - row) ** 2, axis=1) for row in X])


def rbf(X: Any, bandwidth: float = 1, sigma: float | None = None) -> Extended:
    """K - 1; the median is numpy's, of the whole matrix."""
    d2 = squared_distances(X)
    width = np.longdouble(bandwidth) ** 2 * np.median(d2) if sigma is None else sigma**2
    return np.expm1(-d2 / (2 * width))


def laplacian(X: Any, bandwidth: float = 1, sigma: float | None = None) -> Extended:
    """K - 1; as above."""
    d = np.sqrt(squared_distances(X))
    width = np.longdouble(bandwidth) * np.median(d) if sigma is None else sigma
    return np.expm1(-d / width)


def distance(X: Any) -> Extended:
    """-|x_i - x_j|."""
    return -np.sqrt(squared_distances(X))


def polynomial(X: Any, degree: int = 3, constant: float = 1) -> Extended:
    """K - constant^degree, by its binomial expansion."""
    X = np.asarray(X, dtype=np.longdouble)
    t, c = X @ X.T / X.shape[1], np.longdouble(constant)
    a = t + c
    return np.asarray(t * sum(a ** (degree - 1 - i) * c**i for i in range(degree)))


def cosine(X: Any) -> Extended:
    """K - 1 of rows that are not 0.

    Near 1 it is -|w|²/2 with w = x/|x| - y/|y| = ((x - y) |y| - y (|x| - |y|)) / (|x| |y|), which
    keeps what division loses; the size of a row is first made that of the other.
    """
    X = np.asarray(X, dtype=np.longdouble)
    norms = np.sqrt(np.sum(X * X, axis=1, keepdims=True))
    K = (X / norms) @ (X / norms).T - 1
    for i, (y, of_y) in enumerate(zip(X, norms, strict=True)):
        near = K[i] > -0.01
        unit = np.exp2(np.round(np.log2(of_y / norms[near])))
        x, of_x = X[near] * unit, norms[near] * unit
        longer = np.sum((x - y) * (x + y), axis=1, keepdims=True) / (of_x + of_y)
        w = ((x - y) * of_y - y * longer) / (of_x * of_y)
        K[i, near] = -np.sum(w**2, axis=1) / 2
    return np.asarray(K)


def linear(X: Any) -> Extended:
    """K of the centered rows."""
    X = np.asarray(X, dtype=np.longdouble)
    X = X - X[0]
    X = X - X.mean(axis=0)
    return np.asarray(X @ X.T)


def centered(K: Extended, debiased: bool) -> Extended:
    """HKH, or K with U-centering: rows and columns off the diagonal sum to 0."""
    n = len(K)
    if not debiased:
        means = K.mean(axis=0)
        return np.asarray(K - means - means[:, None] + means.mean())
    K = K - np.diag(np.diag(K))
    rows = K.sum(axis=0) / (n - 2)
    K = K - rows - rows[:, None] + K.sum() / ((n - 1) * (n - 2))
    return np.asarray(K - np.diag(np.diag(K)))


def cka(K: Extended, L: Extended, debiased: bool = False) -> float:
    """CKA of two Gram matrices; U-centering makes it the debiased one."""
    K, L = centered(K, debiased), centered(L, debiased)
    return float(np.sum(K * L) / np.sqrt(np.sum(K * K)) / np.sqrt(np.sum(L * L)))


def hsic(K: Extended, L: Extended, unbiased: bool = False) -> float:
    """HSIC of two Gram matrices."""
    n = len(K)
    K, L = centered(K, unbiased), centered(L, unbiased)
    return float(np.sum(K * L) / (n * (n - 3) if unbiased else (n - 1) ** 2))


def distance_correlation(X: Any, Y: Any, unbiased: bool = False) -> float:
    """Of the distances (Székely et al.); the biased one takes a root."""
    value = cka(distance(X), distance(Y), unbiased)
    return value if unbiased else float(np.sqrt(value))
