"""Kernels where inner products or the range of a precision lose what tells rows apart.

The right values are those of extended precision, fed the same rounded input.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import extended
import numpy as np
import numpy.typing as npt
import pytest

import gramian as gm
from gramian import reference

DTYPES = ("float32", "float64")
Array = npt.NDArray[Any]
Gram = Callable[[Array], extended.Extended]

DISTANCES: dict[str, tuple[Any, Gram]] = {
    "rbf": (gm.RBF(), extended.rbf),
    "narrow-rbf": (gm.RBF(bandwidth=0.2), lambda X: extended.rbf(X, 0.2)),
    "laplacian": (gm.Laplacian(), extended.laplacian),
    "wide-laplacian": (gm.Laplacian(bandwidth=20), lambda X: extended.laplacian(X, 20)),
    "given-width": (gm.Laplacian(sigma=3.0), lambda X: extended.laplacian(X, sigma=3.0)),
}


def clusters(n: int, p: int, count: int, spread: float) -> Array:
    rng = np.random.default_rng(0)
    centers = rng.standard_normal((count, p))
    return centers[np.arange(n) % count] + spread * rng.standard_normal((n, p))


def near_copies(n: int, p: int, spread: float) -> Array:
    """Every other row is nearly the one before it, which few pairs show."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    X[1::2] = X[::2] + spread * rng.standard_normal((n // 2, p))
    return X


def near_a_row(n: int, p: int, size: float) -> Array:
    """One row far out moves the means, and so all the others."""
    X = np.random.default_rng(0).standard_normal((n, p))
    X[3] *= size
    return X


INPUTS: dict[str, Array] = {
    **{f"two-{s:g}": clusters(60, 20, 2, s) for s in (1e-2, 1e-4, 1e-8, 1e-12)},
    **{f"three-{s:g}": clusters(20, 300, 3, s) for s in (1e-3, 1e-6)},
    "copies": near_copies(150, 30, 1e-4),
    "far-row": near_a_row(40, 30, 300),
}


def partner(X: Array) -> Array:
    """Another layer with the same clusters."""
    spread = np.abs(X[-1] - X[-2]).mean() if len(X) == 150 else 1e-3
    return X[:, :3] + spread * np.random.default_rng(5).standard_normal((len(X), 3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("kernel", DISTANCES)
@pytest.mark.parametrize("name", INPUTS)
def test_distances(device: str, name: str, kernel: str, debiased: bool, dtype: str) -> None:
    X = INPUTS[name].astype(dtype)
    Y = partner(INPUTS[name]).astype(dtype)
    chosen, gram = DISTANCES[kernel]
    expected = extended.cka(gram(X), gram(Y), debiased)
    got = gm.cka(X, Y, kernel=chosen, debiased=debiased, device=device)
    assert abs(got - expected) <= 100 * np.finfo(dtype).eps
    right = reference.cka(X, Y, kernel=chosen, debiased=debiased)
    assert abs(right - expected) <= 100 * np.finfo(float).eps


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("name", INPUTS)
def test_distance_correlation(device: str, name: str, unbiased: bool, dtype: str) -> None:
    X = INPUTS[name].astype(dtype)
    Y = partner(INPUTS[name]).astype(dtype)
    expected = extended.distance_correlation(X, Y, unbiased)
    got = gm.distance_correlation(X, Y, unbiased=unbiased, device=device)
    assert abs(got - expected) <= 100 * np.finfo(dtype).eps


def test_zero_median(device: str) -> None:
    X = clusters(40, 6, 1, 1e-6).astype(np.float32)  # the same to products in float
    Y = X[:, :2] + np.float32(1e-6) * np.random.default_rng(1).standard_normal((40, 2), np.float32)
    expected = extended.cka(extended.rbf(X), extended.rbf(Y))
    assert abs(gm.cka(X, Y, kernel="rbf", device=device) - expected) <= 100 * np.finfo("f4").eps
    tied = np.repeat(np.random.default_rng(0).standard_normal((2, 5)), [35, 5], axis=0)
    with pytest.raises(ValueError, match="median"):
        gm.cka(tied, X, kernel="rbf", device=device)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("constant", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("degree", [1, 3, 5, 16])
def test_polynomial(device: str, degree: int, constant: float, debiased: bool, dtype: str) -> None:
    kernel = gm.Polynomial(degree, constant)
    for scale in (1e-12, 1e-3, 1.0, 1e4, 1e8):
        for sink in (1, 1e2, 1e4):
            rng = np.random.default_rng(1)
            X = rng.standard_normal((100, 6))
            Y = X[:, :3] + rng.standard_normal((100, 3))
            X[1] *= sink
            Y[1, 0] *= sink
            X, Y = (X * scale).astype(dtype), (Y * scale).astype(dtype)
            grams = [extended.polynomial(Z, degree, constant) for Z in (X, Y)]
            expected = extended.cka(grams[0], grams[1], debiased)
            got = gm.cka(X, Y, kernel=kernel, debiased=debiased, device=device)
            assert abs(got - expected) <= 100 * np.finfo(dtype).eps, (scale, sink)


@pytest.mark.parametrize("dtype", DTYPES)
def test_polynomial_values(device: str, dtype: str) -> None:
    X = np.random.default_rng(0).standard_normal((20, 5)).astype(dtype)
    kernel = gm.Polynomial(5, 2.0)
    got = gm.gram(X, kernel=kernel, centered=False, device=device)
    expected = np.asarray(extended.polynomial(X, 5, 2) + 2**5, dtype=float)
    assert np.abs(got - expected).max() <= 100 * np.finfo(dtype).eps * expected.max()
    Y = X[:, :3]
    value = extended.hsic(extended.polynomial(X, 5, 2), extended.polynomial(Y, 5, 2))
    assert gm.hsic(X, Y, kernel=kernel, device=device) == pytest.approx(
        value, rel=100 * float(np.finfo(dtype).eps)
    )


def of_massive_units(size: float) -> Array:
    X = np.random.default_rng(0).standard_normal((50, 12))
    X[:, 0] = size * (1 + 1e-3 * X[:, 0])
    return X


def of_unequal_rows(factor: float) -> Array:
    X = np.random.default_rng(0).standard_normal((50, 12))
    X[::3] *= factor
    return X


DIRECTIONS: dict[str, Array] = {
    **{f"massive-{size:g}": of_massive_units(size) for size in (1e2, 1e3, 1e4)},
    **{f"rows-{factor:g}": of_unequal_rows(factor) for factor in (1e11, 1e25)},
    "offset": np.random.default_rng(0).standard_normal((50, 12)) + 1e3,
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("name", DIRECTIONS)
def test_cosine(device: str, name: str, debiased: bool, dtype: str) -> None:
    X = DIRECTIONS[name].astype(dtype)
    Y = (DIRECTIONS[name][:, :4] + np.random.default_rng(1).standard_normal((50, 4))).astype(dtype)
    expected = extended.cka(extended.cosine(X), extended.cosine(Y), debiased)
    got = gm.cka(X, Y, kernel="cosine", debiased=debiased, device=device)
    assert abs(got - expected) <= 100 * np.finfo(dtype).eps
    right = reference.cka(X, Y, kernel="cosine", debiased=debiased)
    assert abs(right - expected) <= 100 * np.finfo(float).eps


def test_cosine_of_massive_units_in_double(device: str) -> None:
    X = of_massive_units(1e8)
    Y = X[:, :4] + np.random.default_rng(1).standard_normal((50, 4))
    expected = extended.cka(extended.cosine(X), extended.cosine(Y))
    assert abs(gm.cka(X, Y, kernel="cosine", device=device) - expected) <= 100 * np.finfo(float).eps
