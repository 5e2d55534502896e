"""The numbers everything else is held against: published, worked by hand, and in 50 digits.

They hold for the reference and for every device.
"""

from __future__ import annotations

import inspect
import math
from typing import Any

import extended
import inputs
import mpmath
import numpy as np
import pytest
from variants import Variant, tolerance

import gramian as gm
from gramian import reference

# X and Y are centered. K = XX' and L = YY' are
#    1  0 -1        2 -1 -1
#    0  1 -1       -1  1  0
#   -1 -1  2       -1  0  1
X3 = [[1, 0], [0, 1], [-1, -1]]
Y3 = [[1, 1], [-1, 0], [0, -1]]

# K = XX' has -1 between samples 1, 2 and 3, 4; L has it between 1, 3 and 2, 4; both have a
# diagonal of 1 and are 0 elsewhere.
X4 = [[1, 0], [-1, 0], [0, 1], [0, -1]]
Y4 = [[1, 0], [0, 1], [-1, 0], [0, -1]]


def call(name: str, implementation: str, *arrays: Any, **options: Any) -> Any:
    """Call a function of the reference, or the public one on a device."""
    if implementation == "reference":
        return getattr(reference, name)(*arrays, **options)
    return getattr(gm, name)(*arrays, **options, device=implementation)


PUBLISHED = {
    "demo": (
        inputs.demo_pair,
        [
            ("cka", {}, 0.557613256612),
            ("cka", {"kernel": "rbf", "bandwidth": 0.5}, 0.654831182261),
            ("cka", {"debiased": True}, 0.513456489506),
            ("cka_distance", {}, math.acos(0.557613256612)),
            ("hsic", {}, 11.878357269),
            ("hsic", {"unbiased": True}, 9.895955787),
        ],
    ),
    "factors": (
        inputs.factor_pair,
        [
            ("cka", {}, 0.549685853805),
            ("cka", {"debiased": True}, 0.542347992681),
        ],
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_numbers(name: str, implementation: str, dtype: str) -> None:
    make, rows = PUBLISHED[name]
    X, Y = (array.astype(dtype) for array in make())
    for function, options, expected in rows:
        got = call(function, implementation, X, Y, **options)
        assert got == pytest.approx(expected, rel=1e-9 if dtype == "float64" else 1e-5), options


def test_linear_by_hand(implementation: str) -> None:
    # sum K∘L = 2+0+1 + 0+1+0 + 1+0+2 = 7, sum K∘K = sum L∘L = 10; over (n - 1)² = 4.
    assert call("hsic", implementation, X3, Y3) == pytest.approx(7 / 4, rel=1e-13)
    assert call("hsic", implementation, X3, X3) == pytest.approx(10 / 4, rel=1e-13)
    assert call("cka", implementation, X3, Y3) == pytest.approx(7 / 10, rel=1e-13)
    assert call("cka_distance", implementation, X3, Y3) == pytest.approx(math.acos(0.7), rel=1e-13)


def test_unbiased_by_hand(implementation: str) -> None:
    # tr(K~L~) = 0; 1'K~1 = 1'L~1 = -4, so the middle term is 16 / (3 * 2) = 8/3; each row sum is
    # -1, so the last is 2/2 * 4 = 4. (0 + 8/3 - 4) / (4 * 1) = -1/3.
    # With itself: tr(K~K~) = 4, (4 + 8/3 - 4) / 4 = 2/3. The ratio is -1/2: no clamping to 0.
    assert call("hsic", implementation, X4, Y4, unbiased=True) == pytest.approx(-1 / 3, rel=1e-13)
    assert call("hsic", implementation, X4, X4, unbiased=True) == pytest.approx(2 / 3, rel=1e-13)
    assert call("cka", implementation, X4, Y4, debiased=True) == pytest.approx(-0.5, rel=1e-13)


@pytest.mark.parametrize("given", [False, True], ids=["median", "sigma"])
@pytest.mark.parametrize("kind", [gm.RBF, gm.Laplacian])
def test_distance_kernels_by_hand(kind: type, given: bool, implementation: str) -> None:
    # X has squared distances 2, 5, 5. Of the 9 entries of the full matrix, 0 0 0 2 2 5 5 5 5, the
    # median is 2. RBF: exp(-d²/4), so a = exp(-1/2) between 1 and 2, b = exp(-5/4) elsewhere.
    # Laplacian: exp(-d/sqrt(2)), so a = exp(-1), b = exp(-sqrt(5/2)).
    # Y has 5, 5, 2: the same sigma, and a between 2 and 3.
    # tr(KHLH) = sum K∘L - 2/n (row sums of K)·(row sums of L) + (sum K)(sum L)/n²
    rbf = kind is gm.RBF
    a, b = (math.exp(-x) for x in ((1 / 2, 5 / 4) if rbf else (1, math.sqrt(5 / 2))))
    near, far = 1 + a + b, 1 + 2 * b  # row sums of K: near near far; of L: far near near
    total = 2 * near + far

    def hsic(products: float, rows: float) -> float:
        return (products - 2 / 3 * rows + total**2 / 9) / 4

    xy = hsic(3 + 4 * a * b + 2 * b * b, near * far + near * near + far * near)
    xx = hsic(3 + 2 * a * a + 4 * b * b, 2 * near * near + far * far)
    kernel = kind(sigma=math.sqrt(2)) if given else kind()
    assert call("hsic", implementation, X3, Y3, kernel=kernel) == pytest.approx(xy, rel=1e-13)
    assert call("cka", implementation, X3, Y3, kernel=kernel) == pytest.approx(xy / xx, rel=1e-13)


def test_kernels_of_inner_products_by_hand(implementation: str) -> None:
    # The inner products are those of K above; p = 2. Features are taken as they are.
    h, g = 0.5, math.sqrt(0.5)
    square = [[(h + 1) ** 2, 1, h**2], [1, (h + 1) ** 2, h**2], [h**2, h**2, 4]]
    cosine = [[1, 0, -g], [0, 1, -g], [-g, -g, 1]]
    for kernel, expected in ((gm.Polynomial(2), square), ("cosine", cosine)):
        got = call("gram", implementation, X3, kernel=kernel, centered=False)
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-14)
    zero = call("gram", implementation, [[3, 4], [0, 0]], kernel="cosine", centered=False)
    np.testing.assert_allclose(zero, [[1, 0], [0, 0]], rtol=0, atol=1e-15)


def test_precomputed_is_what_gram_returns(implementation: str) -> None:
    X, Y = inputs.pair(30, 4, 40)
    for kernel in ("linear", gm.Laplacian(), gm.Polynomial(3)):
        for options in ({}, {"debiased": True}):
            K, L = (reference.gram(array, kernel=kernel, centered=False) for array in (X, Y))
            expected = reference.cka(X, Y, kernel=kernel, **options)
            got = call("cka", implementation, K, L, kernel="precomputed", **options)
            assert got == pytest.approx(expected, rel=0, abs=tolerance("float64"))


def test_gram_by_hand(implementation: str) -> None:
    a, b = math.exp(-1 / 2), math.exp(-5 / 4)
    K = np.array([[1, a, b], [a, 1, b], [b, b, 1]])
    H = np.eye(3) - 1 / 3
    raw = call("gram", implementation, X3, kernel="rbf", centered=False)
    centered = call("gram", implementation, X3, kernel="rbf")
    np.testing.assert_allclose(raw, K, rtol=1e-13)
    np.testing.assert_allclose(centered, H @ K @ H, rtol=0, atol=1e-14)
    linear = [[1, 0, -1], [0, 1, -1], [-1, -1, 2]]
    shifted = np.add(X3, 5)  # features are centered before the product
    for options in ({}, {"centered": False}):
        np.testing.assert_allclose(
            call("gram", implementation, shifted, **options), linear, rtol=0, atol=1e-14
        )


@pytest.mark.parametrize("count", [9, 10, 20])
def test_bandwidth_of_a_sample(count: int, implementation: str) -> None:
    """Rows floor(i n / count)."""
    X, Y = inputs.pair(20, 3, 4)
    rows = [i * 20 // count for i in range(count)]
    sigmas = [
        float(np.sqrt(np.median(extended.squared_distances(array[rows])))) for array in (X, Y)
    ]
    expected = reference.cka(X / sigmas[0], Y / sigmas[1], kernel=gm.RBF(sigma=1.0))
    got = call("cka", implementation, X, Y, kernel="rbf", bandwidth_sample=count)
    assert got == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("n", [6, 7])
def test_median_counts_the_whole_matrix(n: int, implementation: str) -> None:
    """Even n² takes the mean of two middle values; the zero diagonal counts."""
    X, Y = inputs.pair(n, 2, 3)
    kernels = []
    for array in (X, Y):
        d2 = sorted(float(np.sum((x - z) ** 2)) for x in array for z in array)
        middle = d2[(n * n - 1) // 2], d2[n * n // 2]
        kernels.append(np.sqrt(sum(middle) / 2))
    sigma_x, sigma_y = kernels
    expected = reference.cka(X / sigma_x, Y / sigma_y, kernel=gm.RBF(sigma=1.0))
    assert call("cka", implementation, X, Y, kernel="rbf") == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("bandwidth", [0.1, 0.3, 1, 3, 100, 1000])
@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian"])
@pytest.mark.parametrize("debiased", [False, True], ids=["biased", "debiased"])
def test_in_fifty_digits(
    kernel: str, bandwidth: float, debiased: bool, implementation: str
) -> None:
    X, Y = inputs.pair(8, 3, 4, seed=3)
    with mpmath.workdps(50):
        K, L = (exact_kernel(array, kernel, bandwidth) for array in (X, Y))
        hsic = exact_unbiased if debiased else exact_biased
        expected = float(hsic(K, L) / mpmath.sqrt(hsic(K, K) * hsic(L, L)))
    options = {} if kernel == "linear" else {"bandwidth": bandwidth}
    got = call("cka", implementation, X, Y, kernel=kernel, debiased=debiased, **options)
    # A narrow kernel multiplies the error of d² by 1 / (2 bandwidth²), 50 at 0.1.
    slack = max(1, 0.1 / (2 * bandwidth**2))
    assert got == pytest.approx(expected, rel=0, abs=slack * tolerance("float64"))


def exact_kernel(X: np.ndarray, kernel: str, bandwidth: float) -> mpmath.matrix:
    """K, of exact numbers."""
    A = mpmath.matrix(X.tolist())
    n, p = A.rows, A.cols
    means = [mpmath.fsum(A[:, k]) / n for k in range(p)]
    rows = [[A[i, k] - means[k] for k in range(p)] for i in range(n)]
    if kernel == "linear":
        return mpmath.matrix([[mpmath.fdot(x, z) for z in rows] for x in rows])
    power = 2 if kernel == "rbf" else 1
    d = [[mpmath.norm([a - b for a, b in zip(x, z, strict=True)]) for z in rows] for x in rows]
    values = sorted(value**power for row in d for value in row)
    median = (values[(n * n - 1) // 2] + values[n * n // 2]) / 2
    scale = -1 / (power * mpmath.mpf(bandwidth) ** power * median)
    return mpmath.matrix([[mpmath.exp(scale * value**power) for value in row] for row in d])


def exact_biased(K: mpmath.matrix, L: mpmath.matrix) -> mpmath.mpf:
    """tr(KHLH), up to a factor that CKA does not see."""
    n = K.rows
    H = mpmath.eye(n) - mpmath.ones(n) / n
    M = K * H * L * H
    return mpmath.fsum(M[i, i] for i in range(n))


def exact_unbiased(K: mpmath.matrix, L: mpmath.matrix) -> mpmath.mpf:
    """The bracket of Song et al. 2012, eq. 5."""
    n = K.rows
    K, L = K.copy(), L.copy()
    for i in range(n):
        K[i, i] = L[i, i] = 0
    one = mpmath.ones(n, 1)
    M = K * L
    trace = mpmath.fsum(M[i, i] for i in range(n))
    sums = (one.T * K * one)[0] * (one.T * L * one)[0] / ((n - 1) * (n - 2))
    return trace + sums - mpmath.mpf(2) / (n - 2) * (one.T * M * one)[0]


@pytest.mark.parametrize("name", reference.__all__)
def test_signatures_match_the_public_ones(name: str) -> None:
    public = inspect.signature(getattr(gm, name)).parameters
    own = inspect.signature(getattr(reference, name)).parameters
    kept = [key for key in public if key not in ("device", "progress", "max_memory")]
    assert list(own) == kept
    assert all(own[key].default == public[key].default for key in kept)


def test_device_reference_is_the_reference(measure: Variant) -> None:
    X, Y = inputs.pair(20, 5, 4)
    value = measure.measure.call(X, Y, **measure.options, device="reference")
    assert value == measure(X, Y, "reference")
