"""Gram matrices of the reference, in plain numpy float64."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..._input import checks, constant
from ..._input.arrays import Layer, as_float64
from .kernels import RBF, Cosine, Distance, Kernel, Laplacian, Linear, Polynomial, Precomputed

Array = npt.NDArray[np.float64]


def features(layer: Layer) -> Array:
    """X; one NaN or infinity (under nan_policy="propagate") makes it all NaN."""
    X = as_float64(layer)
    return X if np.isfinite(X).all() else np.full_like(X, np.nan)


def centered_columns(layer: Layer) -> Array:
    """HX, where H = I - 11'/n; NaN as `features`, and exactly 0 for a constant layer."""
    X = constant.centered(layer)
    if constant.is_constant(layer):
        return np.zeros_like(X)
    return X if np.isfinite(X).all() else np.full_like(X, np.nan)


def squared_distances(layer: Layer) -> tuple[Array, float]:
    """Return |s x_i - s x_j|², by differences of the rows as they are, and s.

    They lose nothing where rows are near one another, and equal rows are exactly 0 apart. The power
    of two s keeps squares in range.
    """
    X = features(layer)
    n, p = X.shape
    d2 = np.zeros((n, n))
    largest = np.max(np.abs(X - X[0]))
    if constant.is_constant(layer) or not np.isfinite(largest):
        return d2 + largest * 0, 1.0
    scale = math.ldexp(1, min(-math.frexp(largest)[1], 1023))  # of the smallest, what there is
    for i in range(n):
        for j in range(0, p, 4096):
            columns = np.s_[j : j + 4096]
            d2[i, :i] += np.sum(((X[:i, columns] - X[i, columns]) * scale) ** 2, axis=1)
    return d2 + d2.T, scale


def exponent(layer: Layer, kernel: RBF | Laplacian, sample: int | None) -> Array:
    """-d²/(2 sigma²), or -d/sigma (Laplacian), where d_ij = |x_i - x_j|.

    If it is not given, sigma is `bandwidth` times the median distance: sqrt(median(d²)), or
    median(d). The median is that of the whole n x n matrix, zero diagonal included (Kornblith et
    al. 2019, the published code), or of `sample` rows evenly spread.
    """
    d2, scale = squared_distances(layer)
    d = d2 if isinstance(kernel, RBF) else np.sqrt(d2)
    if kernel.bandwidth is None:
        assert kernel.sigma is not None  # a kernel has one of the two
        sigma = kernel.sigma * scale
    else:
        n = len(d)
        count = min(sample or n, n)
        rows = [i * n // count for i in range(count)]
        median = float(np.median(d[np.ix_(rows, rows)]))
        checks.check_median(layer, median)
        sigma = kernel.bandwidth * (math.sqrt(median) if isinstance(kernel, RBF) else median)
    width = 2 * sigma * sigma if isinstance(kernel, RBF) else sigma
    if width == 0:  # of the smallest sigmas, whose K is I
        return np.where(d == 0, 0.0, -np.inf)
    with np.errstate(over="ignore"):
        return -d / width


def products(X: Array, factors: Array) -> tuple[Array, Array]:
    """Return X * factors and what rounding took from it (Dekker 1971), both of moderate size."""
    (a, b), (c, d) = split(X), split(factors)
    high = X * factors
    return high, ((a * c - high) + a * d + b * c) + b * d


def split(x: Array) -> tuple[Array, Array]:
    """Return two halves of the digits of x."""
    shifted = x * (2.0**27 + 1)
    high = shifted - (shifted - x)
    return high, x - high


def cosines_less_one(layer: Layer) -> Array:
    """K - 1, K the cosines, or 0 where a row is; as -|x/|x| - y/|y||²/2 where they are near 1.

    What rounding of 1/|x| adds to that is of the form a_i + a_j, but for eps of itself.
    """
    X = features(layer)
    exponents = np.frexp(np.abs(X).max(axis=1, keepdims=True))[1]
    X = np.ldexp(X, -exponents)  # every row, for the squares' sake
    norms = np.linalg.norm(X, axis=1, keepdims=True)
    factors = 1 / np.where(norms == 0, 1, norms)
    high, low = products(X, factors)
    K = high @ high.T - 1
    for i in range(len(K)):
        near = K[i] > -0.1
        d = (high[near] - high[i]) + (low[near] - low[i])
        K[i, near] = -np.sum(d * d, axis=1) / 2
    return K


def kernel_matrix(layer: Layer, kernel: Kernel, sample: int | None) -> Array:
    """K. Linear and distance kernels take centered features, the others X as it is."""
    match kernel:
        case Linear():
            X = centered_columns(layer)
            return X @ X.T
        case Distance():
            d2, scale = squared_distances(layer)
            return -np.sqrt(d2) / scale
        case Polynomial():
            X = features(layer)
            return np.asarray((X @ X.T / X.shape[1] + kernel.constant) ** kernel.degree)
        case Cosine():
            return cosines_less_one(layer) + 1
        case Precomputed():
            return features(layer)
    return np.exp(exponent(layer, kernel, sample))


def polynomial_less_constant(layer: Layer, kernel: Polynomial) -> Array:
    """K - c^d = t Σ (t + c)^(d-1-i) c^i, where t = x'y / p, which is right for small t too."""
    X = features(layer)
    t, c = X @ X.T / X.shape[1], kernel.constant
    powers = [(t + c) ** (kernel.degree - 1 - i) * c**i for i in range(kernel.degree)]
    return np.asarray(t * sum(powers))


def shifted_kernel_matrix(layer: Layer, kernel: Kernel, sample: int | None) -> Array:
    """K, or K less a constant: HSIC is the same, and small entries keep their digits.

    In a wide distance kernel K is 1 minus something small, in a narrow one it is something small.
    """
    if constant.is_constant(layer) and not isinstance(kernel, Precomputed):
        return np.zeros((len(layer.array),) * 2)
    if isinstance(kernel, (RBF, Laplacian)):
        e = exponent(layer, kernel, sample)
        return np.expm1(e) if np.median(e) > -np.log(2) else np.exp(e)
    match kernel:
        case Polynomial():
            return polynomial_less_constant(layer, kernel)
        case Cosine():
            return cosines_less_one(layer)
    return kernel_matrix(layer, kernel, sample)
