"""Layers on which float arithmetic loses its digits: HSIC and CKA against extended precision."""

from __future__ import annotations

from collections.abc import Callable

import extended
import inputs
import numpy as np
import pytest

import gramian as gm

Array = np.ndarray
Pair = tuple[Array, Array]

KERNELS: dict[str, Callable[[Array], extended.Extended]] = {
    "linear": extended.linear,
    "rbf": extended.rbf,
    "laplacian": extended.laplacian,
    "cosine": extended.cosine,
    "polynomial": extended.polynomial,
}


def normal(n: int, p: int, seed: int) -> Array:
    return np.random.default_rng(seed).standard_normal((n, p))


def sinks() -> Pair:
    """One row that dominates, in one unit of each layer."""
    X, Y = normal(500, 32, 0), normal(500, 32, 1)
    X[3, 5] += 1e4
    Y[3, 7] += 1e4
    return X, Y


def heavy_tails() -> Pair:
    rng = np.random.default_rng(2)
    X = rng.standard_cauchy((500, 32))
    return X, X + rng.standard_cauchy((500, 32))


def seldom_on() -> Pair:
    """Rectified units, each of which is on in one row of a thousand."""
    X = np.maximum(normal(600, 32, 3) - 3, 0)
    return X, X + np.maximum(normal(600, 32, 4) - 3, 0)


def wide_and_few() -> Pair:
    return normal(12, 5000, 5), normal(12, 3000, 6)


PAIRS = (sinks, heavy_tails, seldom_on, wide_and_few)


# Half of the rows of units that are seldom on are the same: no other kernel has a width.
@pytest.mark.parametrize(
    ("make", "kernel"),
    [(make, kernel) for make in PAIRS for kernel in KERNELS
     if make is not seldom_on or kernel == "linear"],
    ids=lambda one: getattr(one, "__name__", one),
)  # fmt: skip
@pytest.mark.parametrize("debiased", [False, True])
def test_outliers(
    device: str, dtype: str, make: Callable[[], Pair], debiased: bool, kernel: str
) -> None:
    X, Y = (array.astype(dtype) for array in make())
    expected = extended.cka(KERNELS[kernel](X), KERNELS[kernel](Y), debiased)
    found = gm.cka(X, Y, kernel=kernel, debiased=debiased, device=device)
    assert found == pytest.approx(expected, abs=100 * float(np.finfo(dtype).eps))


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("make", PAIRS, ids=lambda make: make.__name__)
def test_hsic(device: str, dtype: str, make: Callable[[], Pair], unbiased: bool) -> None:
    X, Y = (array.astype(dtype) for array in make())
    K, L = extended.linear(X), extended.linear(Y)
    scale = np.sqrt(extended.hsic(K, K, unbiased) * extended.hsic(L, L, unbiased))
    found = gm.hsic(X, Y, unbiased=unbiased, device=device)
    bound = 100 * float(np.finfo(dtype).eps) * scale
    assert found == pytest.approx(extended.hsic(K, L, unbiased), abs=bound)


def test_value_with_a_sink(device: str) -> None:
    """A thousand rows: without a care for digits, float32 gives -.045 where -.0067 is right."""
    g = np.random.default_rng(0)
    X, Y = g.standard_normal((1000, 64)), g.standard_normal((1000, 64))
    X[3, 5] += 1e4
    Y[3, 7] += 1e4
    X, Y = X.astype("float32"), Y.astype("float32")
    assert gm.cka(X, Y, debiased=True, device=device) == pytest.approx(-0.00673442, abs=1e-7)


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("n", [50, 400])
@pytest.mark.parametrize("of", ["rows", "one"])
def test_given_matrices(device: str, dtype: str, of: str, n: int, debiased: bool) -> None:
    """Row offsets, or a matrix of ones, with little besides: subtracting it costs no digits."""
    X, Y = inputs.pair(n, 20, 10)
    i = np.arange(n)
    matrices = []
    for Z in (X, Y):
        K = Z @ Z.T
        K = (K + K.T) / 2  # a product may differ from its own transpose in its last bits
        matrices.append(
            (K + 1e3 * (i + i[:, None]) if of == "rows" else 1 + 1e-4 * K).astype(dtype)
        )
    K, L = matrices
    expected = extended.cka(*(np.asarray(M, dtype=np.longdouble) for M in matrices), debiased)
    found = gm.cka(K, L, kernel="precomputed", debiased=debiased, device=device)
    assert found == pytest.approx(expected, abs=100 * float(np.finfo(dtype).eps))


def test_median_of_rows_that_float_cannot_tell_apart(device: str) -> None:
    """All rows but two are within float32's rounding of one another, which double resolves."""
    X = 1 + 1e-7 * np.round(10 * np.random.default_rng(0).random((60, 3)))
    X[0] += 1e3
    X = X.astype("float32")
    Y = normal(60, 2, 1)
    expected = extended.cka(extended.rbf(X), extended.rbf(Y.astype("float32")))
    found = gm.cka(X, Y.astype("float32"), kernel="rbf", device=device)
    assert found == pytest.approx(expected, abs=100 * float(np.finfo("float32").eps))


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("shape", [(300, 40), (60, 200)])
def test_small_angles(
    device: str, dtype: str, shape: tuple[int, int], kernel: str, debiased: bool
) -> None:
    """An angle that is small has all its digits, and that of a layer with itself is 0."""
    X, noise = normal(*shape, 0), normal(*shape, 1)
    X = X.astype(dtype)
    options = {"kernel": kernel, "debiased": debiased, "device": device}
    assert gm.cka_distance(X, X, **options) == 0
    assert gm.cka_distance(X, X.copy(), **options) == 0
    for size in (1e-3, 1e-6, 1e-9, 1e-12):
        Y = (X + size * noise).astype(dtype)
        K, L = (extended.centered(KERNELS[kernel](Z), debiased) for Z in (X, Y))
        D = K / np.sqrt(np.sum(K * K)) - L / np.sqrt(np.sum(L * L))
        expected = 2 * np.arcsin(float(np.sqrt(np.sum(D * D))) / 2)
        found = gm.cka_distance(X, Y, **options)
        # Neither may be off by more than rounding, of the angle or of the layers' own scale.
        assert found == pytest.approx(expected, abs=20 * float(np.finfo("float64").eps))
        assert gm.cka_distance(Y, X, **options) == found
        reference = gm.cka_distance(X, Y, **options | {"device": "reference"})
        assert reference == pytest.approx(expected, abs=20 * float(np.finfo("float64").eps))


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_triangle_inequality(device: str, kernel: str) -> None:
    """To rounding, among layers that are very near one another, of one map."""
    X = normal(80, 10, 0)
    layers = [X] + [X + size * normal(80, 10, k) for k, size in enumerate((1e-12, 1e-9, 1e-4), 1)]
    d = gm.compare(layers, measure="cka_distance", kernel=kernel, device=device).values
    np.testing.assert_array_equal(d, d.T)
    np.testing.assert_array_equal(np.diag(d), 0)
    for i, j, k in np.ndindex(4, 4, 4):
        assert d[i, k] <= d[i, j] + d[j, k] + 20 * float(np.finfo("float64").eps)
