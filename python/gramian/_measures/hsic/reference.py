"""HSIC, CKA and Gram matrices in plain numpy: float64, straight from the formulas.

Same names and signatures as the public functions, without `device`. Memory is O(n²), time
O(n² (p + q)) with a large factor: this is what results are checked against.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._input import checks, layers, options
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer, as_layer
from ..._input.constant import is_constant
from ..._input.layout import Layouts, Positions, takes_layout
from ..reference_inputs import check_values
from .checks import is_unbiased, needed_samples
from .kernels import Distance, Kernel, KernelName, Precomputed, kernel_of
from .reference_grams import (
    Array,
    kernel_matrix,
    shifted_kernel_matrix,
    squared_distances,
)

__all__ = ["cka", "cka_distance", "distance_correlation", "gram", "hsic"]


@takes_layout
def cka(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    debiased: bool = False,
    unbiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """Centered kernel alignment, HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)).

    Kornblith et al. 2019, eq. 4. Parameters, result and errors are those of `gramian.cka`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> Y = [[1, 1], [-1, 0], [0, -1]]
    >>> round(reference.cka(X, Y), 12)
    0.7
    """
    k = _kernel(kernel, bandwidth, sigma, bandwidth_sample)
    debiased = is_unbiased({"debiased": debiased, "unbiased": unbiased})
    return _cka(*_samples(X, Y, k, debiased, nan_policy), k, debiased)[0]


@takes_layout
def cka_distance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    debiased: bool = False,
    unbiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """Angle between the centered Gram matrices, arccos(CKA) (Williams et al. 2021).

    Parameters, result and errors are those of `gramian.cka_distance`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> Y = [[1, 1], [-1, 0], [0, -1]]
    >>> round(reference.cka_distance(X, Y), 12)
    0.795398830184
    """
    k = _kernel(kernel, bandwidth, sigma, bandwidth_sample)
    debiased = is_unbiased({"debiased": debiased, "unbiased": unbiased})
    similarity, distance = _cka(*_samples(X, Y, k, debiased, nan_policy), k, debiased)
    if similarity > 0.99:  # where an angle has fewer digits than its cosine
        return float(2 * np.arcsin(distance / 2))
    return float(np.arccos(np.clip(similarity, -1, 1)))  # only rounding leaves [-1, 1]


@takes_layout
def hsic(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    unbiased: bool = False,
    debiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """Hilbert-Schmidt independence criterion.

    Parameters, result and errors are those of `gramian.hsic`; the formulas are in
    `hsic_biased` and `hsic_unbiased`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> Y = [[1, 1], [-1, 0], [0, -1]]
    >>> reference.hsic(X, Y)
    1.75
    """
    unbiased = is_unbiased({"debiased": debiased, "unbiased": unbiased})
    k = _kernel(kernel, bandwidth, sigma, bandwidth_sample)
    x, y = _samples(X, Y, k, unbiased, nan_policy)
    (K, of_k), (L, of_l) = shifted_kernel_matrix(x, *k), shifted_kernel_matrix(y, *k)
    value = hsic_unbiased(K, L) if unbiased else hsic_biased(K, L)
    with np.errstate(over="ignore"):
        return float(np.ldexp(value, of_k + of_l))


@takes_layout
def distance_correlation(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    unbiased: bool = False,
    debiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """Correlation of the doubly centered distances (Székely et al. 2007, definitions 2.3 and 2.4).

    The unbiased version of Székely and Rizzo 2014, definitions 2.1 and 2.2, takes no root.
    Parameters, result and errors are those of `gramian.distance_correlation`.

    Examples
    --------
    >>> from gramian import reference
    >>> round(reference.distance_correlation([[1], [2], [3]], [[10], [20], [5]]), 12)
    0.762199122232
    """
    unbiased = is_unbiased({"debiased": debiased, "unbiased": unbiased})
    x, y = _samples(X, Y, (Distance(), None), unbiased, nan_policy)
    distances = [np.sqrt(squared_distances(layer)[0]) for layer in (x, y)]
    A, B = (u_centered(d) if unbiased else double_centered(d) for d in distances)
    of_x, of_y = np.sum(A * A), np.sum(B * B)
    constant = [layer.name for layer in (x, y) if is_constant(layer)]
    n = len(A)
    least = [n * n * rounding(d) for d in distances]
    vanishing = [
        layer.name
        for layer, own, bound in zip((x, y), (of_x, of_y), least, strict=True)
        if own <= bound
    ]
    checks.warn_constant(constant)
    checks.warn_degenerate(name for name in vanishing if name not in constant)
    if constant or vanishing:
        return float("nan")
    squared = np.sum(A * B) / np.sqrt(of_x) / np.sqrt(of_y)
    return float(squared if unbiased else np.sqrt(np.maximum(squared, 0)))


@takes_layout
def gram(
    X: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    centered: bool = True,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> Array:
    """Gram matrix (n, n) of one representation, HKH or, with ``centered=False``, K.

    Parameters, result and errors are those of `gramian.gram`.

    Examples
    --------
    >>> from gramian import reference
    >>> reference.gram([[1, 0], [0, 1], [-1, -1]])
    array([[ 1.,  0., -1.],
           [ 0.,  1., -1.],
           [-1., -1.,  2.]])
    """
    k = _kernel(kernel, bandwidth, sigma, bandwidth_sample)
    options.check_nan_policy(nan_policy)
    centered = options.check_flag("centered", centered)
    x = as_layer(X, "X")
    _check_values(x, k, nan_policy)
    if not centered:
        return kernel_matrix(x, *k)
    K, unit = shifted_kernel_matrix(x, *k)
    return np.asarray(np.ldexp(double_centered(K), unit))


def _cka(x: Layer, y: Layer, k: tuple[Kernel, int | None], debiased: bool) -> tuple[float, float]:
    """CKA, and how far apart K and L are when HSIC(K, K) and HSIC(L, L) are scaled to 1."""
    (K, _), (L, _) = shifted_kernel_matrix(x, *k), shifted_kernel_matrix(y, *k)
    hsic_of = hsic_unbiased if debiased else hsic_biased
    hkk, hll = hsic_of(K, K), hsic_of(L, L)
    constant = [layer.name for layer in (x, y) if is_constant(layer)]
    vanishing = [layer.name for layer, G, h in ((x, K, hkk), (y, L, hll)) if h <= rounding(G)]
    checks.warn_constant(constant)
    checks.warn_degenerate(name for name in vanishing if name not in constant)
    if constant or vanishing:
        return float("nan"), float("nan")
    similarity = hsic_of(K, L) / np.sqrt(hkk) / np.sqrt(hll)  # hkk * hll may overflow
    D = K / np.sqrt(hkk) - L / np.sqrt(hll)
    return float(similarity), float(np.sqrt(max(hsic_of(D, D), 0)))


def _kernel(
    kernel: str | Kernel, bandwidth: float | None, sigma: float | None, sample: int | None
) -> tuple[Kernel, int | None]:
    """Return the kernel, and the number of rows that its median distance is taken of."""
    width = {"bandwidth": bandwidth, "sigma": sigma, "bandwidth_sample": sample}
    return kernel_of({"kernel": kernel, **width})


def _samples(
    X: Any, Y: Any, k: tuple[Kernel, int | None], unbiased: bool, nan_policy: str
) -> tuple[Layer, Layer]:
    """Check two inputs of an HSIC."""
    x, y = layers.pair(X, Y, nan_policy)
    needed = needed_samples({"unbiased": unbiased})
    for layer in (x, y):
        checks.check_sample_count(layer, *needed)
        _check_values(layer, k, nan_policy)
    return x, y


def _check_values(layer: Layer, k: tuple[Kernel, int | None], nan_policy: str) -> None:
    precomputed = isinstance(k[0], Precomputed)
    if precomputed:
        checks.check_square(layer)
    if check_values(layer, nan_policy) and precomputed:
        checks.check_symmetric(layer)
        checks.check_no_distances(layer)


def u_centered(D: Array) -> Array:
    """D less the means of row and column, by n - 2, plus that of all; 0 on the diagonal."""
    n = len(D)
    rows = D.sum(axis=0) / (n - 2)
    A: Array = D - rows - rows[:, None] + D.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(A, 0)
    return A


def double_centered(K: Array) -> Array:
    """HKH."""
    a: Array = K.mean(axis=0) - K.mean() / 2
    return K - (a + a[:, None])


def hsic_biased(K: Array, L: Array) -> float:
    """tr(KHLH) / (n - 1)² (Gretton et al. 2005; Kornblith et al. 2019, eq. 3)."""
    n = len(K)
    return float(np.sum(double_centered(K) * double_centered(L)) / (n - 1) ** 2)


def hsic_unbiased(K: Array, L: Array) -> float:
    """Unbiased estimator (Song et al. 2012, eq. 5); K~ and L~ are `off_diagonal`.

    [tr(K~L~) + 1'K~1 1'L~1 / ((n-1)(n-2)) - 2/(n-2) 1'K~L~1] / (n(n-3))
    """
    n = len(K)
    K, L = off_diagonal(K), off_diagonal(L)
    trace = np.sum(K * L)
    sums = K.sum() * L.sum() / ((n - 1) * (n - 2))
    rows = 2 / (n - 2) * np.sum(K.sum(axis=0) * L.sum(axis=0))
    return float((trace + sums - rows) / (n * (n - 3)))


def off_diagonal(K: Array) -> Array:
    """K~: K with zero diagonal, less a_i + a_j off it, with the a that makes its rows sum to 0.

    No a changes the unbiased HSIC; this one keeps the formula's three terms from cancelling.
    """
    n = len(K)
    K = K - np.diag(np.diag(K))
    a = K.sum(axis=0) / (n - 2) - K.sum() / (2 * (n - 1) * (n - 2))
    K = K - (a + a[:, None])
    return K - np.diag(np.diag(K))


def rounding(K: Array) -> float:
    """Bound on what rounding leaves of HSIC(K, K) where it should be 0.

    Centering takes means of n elements, each of which rounding changes by at most n eps of their
    size: that of the elements off the diagonal, which the unbiased estimator does not see, and
    which is far larger in a narrow kernel.
    """
    n = len(K)
    return float((np.finfo(np.float64).eps * n) ** 2 * np.mean((K - np.diag(np.diag(K))) ** 2))
