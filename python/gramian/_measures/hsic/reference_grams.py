"""Gram matrices of the reference, in plain numpy float64."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..._input import checks
from ..._input.arrays import Layer, as_float64
from .kernels import RBF, Cosine, Distance, Kernel, Laplacian, Linear, Polynomial, Precomputed

Array = npt.NDArray[np.float64]


def features(layer: Layer) -> Array:
    """X; one NaN or infinity (under nan_policy="propagate") makes it all NaN."""
    X = as_float64(layer)
    return X if np.isfinite(X).all() else np.full_like(X, np.nan)


def centered_columns(layer: Layer) -> Array:
    """HX, where H = I - 11'/n; exactly 0 for constant columns."""
    X = features(layer)
    X = X - X[0]
    centered: Array = X - X.mean(axis=0)
    return centered


def is_constant(layer: Layer) -> bool:
    """Whether all samples are the same."""
    return not centered_columns(layer).any()


def squared_distances(X: Array) -> Array:
    """|x_i - x_j|², by direct differences: equal rows are exactly 0 apart."""
    n = len(X)
    d2 = np.zeros((n, n))
    for i in range(n):
        d2[i, :i] = d2[:i, i] = np.sum((X[:i] - X[i]) ** 2, axis=1)
    return d2


def exponent(layer: Layer, kernel: RBF | Laplacian, sample: int | None) -> Array:
    """-d²/(2 sigma²), or -d/sigma (Laplacian), where d_ij = |x_i - x_j|.

    If it is not given, sigma is `bandwidth` times the median distance: sqrt(median(d²)), or
    median(d). The median is that of the whole n x n matrix, zero diagonal included (Kornblith et
    al. 2019, the published code), or of `sample` rows evenly spread.
    """
    X = centered_columns(layer)
    d2 = squared_distances(X)
    d = d2 if isinstance(kernel, RBF) else np.sqrt(d2)
    if kernel.bandwidth is None:
        assert kernel.sigma is not None  # a kernel has one of the two
        sigma = kernel.sigma
    else:
        n = len(X)
        count = min(sample or n, n)
        rows = [i * n // count for i in range(count)]
        median = float(np.median(d[np.ix_(rows, rows)]))
        checks.check_median(layer, median)
        sigma = kernel.bandwidth * (math.sqrt(median) if isinstance(kernel, RBF) else median)
    return -d2 / (2 * sigma * sigma) if isinstance(kernel, RBF) else -d / sigma


def kernel_matrix(layer: Layer, kernel: Kernel, sample: int | None) -> Array:
    """K. Linear and distance kernels take centered features, the others X as it is."""
    match kernel:
        case Linear():
            X = centered_columns(layer)
            return X @ X.T
        case Distance():
            return -np.sqrt(squared_distances(centered_columns(layer)))
        case Polynomial():
            X = features(layer)
            return np.asarray((X @ X.T / X.shape[1] + kernel.constant) ** kernel.degree)
        case Cosine():
            X = features(layer)
            norms = np.linalg.norm(X, axis=1, keepdims=True)
            X = X / np.where(norms == 0, 1, norms)
            return X @ X.T
        case Precomputed():
            return features(layer)
    return np.exp(exponent(layer, kernel, sample))


def shifted_kernel_matrix(layer: Layer, kernel: Kernel, sample: int | None) -> Array:
    """K, or K less a constant: HSIC is the same, and small entries keep their digits.

    In a wide distance kernel K is 1 minus something small, in a narrow one it is something small.
    """
    if isinstance(kernel, (RBF, Laplacian)):
        e = exponent(layer, kernel, sample)
        return np.expm1(e) if np.median(e) > -np.log(2) else np.exp(e)
    K = kernel_matrix(layer, kernel, sample)
    return np.zeros_like(K) if is_constant(layer) else K
