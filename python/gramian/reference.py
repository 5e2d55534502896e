"""The measures in plain numpy: float64, straight from the formulas, nothing shared with the core.

Same names and signatures as the public functions, without `device`. Memory is O(n²), time
O(n² (p + q)) with a large factor: this is what results are checked against, and it is what
``device="reference"`` runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import _validate
from ._validate import Representation
from .kernels import Kernel, Linear, resolve
from .reference_cca import cca, linear_regression
from .reference_cca_variants import pwcca, svcca
from .reference_procrustes import procrustes, procrustes_distance, shape_distance

if TYPE_CHECKING:
    from .results import Comparison

__all__ = [
    "cca",
    "cka",
    "cka_distance",
    "compare",
    "gram",
    "hsic",
    "linear_regression",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "shape_distance",
    "svcca",
]

Array = npt.NDArray[np.float64]


def cka(
    X: Any,
    Y: Any,
    *,
    kernel: str | Kernel = "linear",
    bandwidth: float | None = None,
    debiased: bool = False,
    nan_policy: str = "raise",
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
    x, y = _samples(X, Y, debiased, nan_policy)
    resolved = resolve(kernel, bandwidth)
    K, L = shifted_kernel_matrix(x, resolved), shifted_kernel_matrix(y, resolved)
    hsic_of = hsic_unbiased if debiased else hsic_biased
    hkk, hll = hsic_of(K, K), hsic_of(L, L)
    constant = [rep.name for rep in (x, y) if not centered_columns(rep).any()]
    vanishing = [rep.name for rep, G, h in ((x, K, hkk), (y, L, hll)) if h <= rounding(G)]
    _validate.warn_constant(constant)
    _validate.warn_degenerate(name for name in vanishing if name not in constant)
    if constant or vanishing:
        return float("nan")
    return float(hsic_of(K, L) / np.sqrt(hkk) / np.sqrt(hll))  # hkk * hll may overflow


def cka_distance(
    X: Any,
    Y: Any,
    *,
    kernel: str | Kernel = "linear",
    bandwidth: float | None = None,
    debiased: bool = False,
    nan_policy: str = "raise",
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
    options = {"kernel": kernel, "bandwidth": bandwidth, "debiased": debiased}
    similarity = cka(X, Y, **options, nan_policy=nan_policy)  # type: ignore[arg-type]
    return float(np.arccos(np.clip(similarity, -1, 1)))  # only rounding leaves [-1, 1]


def hsic(
    X: Any,
    Y: Any,
    *,
    kernel: str | Kernel = "linear",
    bandwidth: float | None = None,
    unbiased: bool = False,
    nan_policy: str = "raise",
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
    x, y = _samples(X, Y, unbiased, nan_policy)
    resolved = resolve(kernel, bandwidth)
    K, L = shifted_kernel_matrix(x, resolved), shifted_kernel_matrix(y, resolved)
    return hsic_unbiased(K, L) if unbiased else hsic_biased(K, L)


def gram(
    X: Any,
    *,
    kernel: str | Kernel = "linear",
    bandwidth: float | None = None,
    centered: bool = True,
    nan_policy: str = "raise",
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
    _validate.check_nan_policy(nan_policy)
    x = _validate.representation(X, "X")
    _check_finite(x, nan_policy)
    resolved = resolve(kernel, bandwidth)
    if centered:
        return double_centered(shifted_kernel_matrix(x, resolved))
    if isinstance(resolved, Linear):
        return linear_kernel(x)
    return np.exp(rbf_exponent(x, resolved.sigma, resolved.bandwidth))


def compare(
    A: Mapping[str, Any] | Sequence[Any],
    B: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    measure: str = "cka",
    nan_policy: str = "raise",
    **options: Any,
) -> Comparison:
    """Every layer of A against every layer of B: `gramian.compare` with ``device="reference"``."""
    from .compare import compare as public_compare

    return public_compare(
        A, B, measure=measure, nan_policy=nan_policy, device="reference", **options
    )


def _samples(
    X: Any, Y: Any, unbiased: bool, nan_policy: str
) -> tuple[Representation, Representation]:
    """Check two inputs of an HSIC."""
    _validate.check_nan_policy(nan_policy)
    x, y = _validate.representation(X, "X"), _validate.representation(Y, "Y")
    _validate.check_same_samples((x, y))
    least, why = (4, "the unbiased estimator") if unbiased else (2, "the biased estimator")
    for rep in (x, y):
        _validate.check_sample_count(rep, least, why)
        _check_finite(rep, nan_policy)
    return x, y


def _check_finite(rep: Representation, nan_policy: str) -> None:
    if nan_policy == "raise":
        with np.errstate(over="ignore", invalid="ignore"):
            means = _validate.as_float64(rep).mean(axis=0)
        _validate.check_finite(rep, means)


def centered_columns(rep: Representation) -> Array:
    """HX, where H = I - 11'/n."""
    X = _validate.as_float64(rep)
    with np.errstate(invalid="ignore"):  # inf - inf, when NaN propagates
        X = X - X[0]  # makes a constant column exactly 0, which its rounded mean would not
        return X - X.mean(axis=0)


def squared_distances(X: Array) -> Array:
    """|x_i - x_j|², by direct differences: equal rows are exactly 0 apart."""
    n = len(X)
    d2 = np.zeros((n, n))
    for i in range(n):
        d2[i, :i] = d2[:i, i] = np.sum((X[:i] - X[i]) ** 2, axis=1)
    return d2


def linear_kernel(rep: Representation) -> Array:
    """K = XX', X centered."""
    X = centered_columns(rep)
    return X @ X.T


def rbf_exponent(rep: Representation, sigma: float | None, bandwidth: float | None) -> Array:
    """-|x_i - x_j|² / (2 sigma²), with sigma² = bandwidth² median(d²) if sigma is not given.

    The median is that of the whole n x n matrix, zero diagonal included (Kornblith et al. 2019,
    the published code).
    """
    d2 = squared_distances(centered_columns(rep))
    if bandwidth is None:
        assert sigma is not None  # a kernel has one of the two
        return -d2 / (2 * sigma**2)
    median = float(np.median(d2))
    _validate.check_median(rep, median)
    return -d2 / (2 * bandwidth**2 * median)


def shifted_kernel_matrix(rep: Representation, kernel: Kernel) -> Array:
    """K, or K - 1: HSIC is the same for both, and the one with the smaller entries is exact.

    In a wide RBF kernel K is 1 minus something small, in a narrow one it is something small.
    """
    if isinstance(kernel, Linear):
        return linear_kernel(rep)
    exponent = rbf_exponent(rep, kernel.sigma, kernel.bandwidth)
    wide = np.median(exponent) > -np.log(2)
    return np.expm1(exponent) if wide else np.exp(exponent)


def double_centered(K: Array) -> Array:
    """HKH."""
    a = K.mean(axis=0) - K.mean() / 2
    return K - (a + a[:, None])


def hsic_biased(K: Array, L: Array) -> float:
    """tr(KHLH) / (n - 1)² (Gretton et al. 2005; Kornblith et al. 2019, eq. 3)."""
    n = len(K)
    return float(np.sum(double_centered(K) * double_centered(L)) / (n - 1) ** 2)


def hsic_unbiased(K: Array, L: Array) -> float:
    """The estimator of Song et al. 2012, eq. 5, with K~ and L~ of zero diagonal.

    [tr(K~L~) + 1'K~1 1'L~1 / ((n-1)(n-2)) - 2/(n-2) 1'K~L~1] / (n(n-3))
    """
    n = len(K)
    K, L = off_diagonal(K), off_diagonal(L)
    trace = np.sum(K * L)
    sums = K.sum() * L.sum() / ((n - 1) * (n - 2))
    rows = 2 / (n - 2) * np.sum(K.sum(axis=0) * L.sum(axis=0))
    return float((trace + sums - rows) / (n * (n - 3)))


def off_diagonal(K: Array) -> Array:
    """K~: K with zero diagonal, less a_i + a_j off it, where a_i is about its row's mean.

    No a changes the unbiased HSIC; this one keeps the formula's three terms from cancelling.
    """
    n = len(K)
    K = K - np.diag(np.diag(K))
    a = K.sum(axis=0) / (n - 1) - K.sum() / (2 * n * (n - 1))
    K = K - (a + a[:, None])
    return K - np.diag(np.diag(K))


def rounding(K: Array) -> float:
    """What rounding leaves of HSIC(K, K) where it should be 0."""
    return float((np.finfo(np.float64).eps * len(K)) ** 2 * np.mean(K**2))
