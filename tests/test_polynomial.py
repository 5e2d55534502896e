"""The polynomial kernel of units that hardly vary about large values, against whole numbers.

Before differences were taken from an origin, float64 lost 450 eps of CKA at values of 1,000, and
everything at -1e9.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import exact
import hard_inputs
import numpy as np
import pytest

import gramian as gm

N = 60
Pair = hard_inputs.Pair


def massive(size: float) -> Pair:
    """One unit of each layer."""
    X, Y = hard_inputs.related(np.random.default_rng(0), n=N)
    X[:, 2] += size
    Y[:, 4] -= size
    return X, Y


def offset(size: float) -> Pair:
    """All units."""
    X, Y = hard_inputs.related(np.random.default_rng(0), n=N)
    return X + size, Y - size


def massive_and_sinks(first: int) -> Pair:
    """Rows far out besides, which move the means; those of sequences of ten rows."""
    X, Y = massive(1e4)
    X[first::10, 2] = 0
    Y[first::10, 4] = 5e4
    X[7] *= 30
    return X, Y


def padded() -> Pair:
    """Rows of zeros, of a layer with a fill and of one with a massive unit."""
    X, Y = constant_units(-1e9)
    Y[:, 3] += 1e6
    X[5] = Y[5] = Y[9] = 0
    return X, Y


def beside_large() -> Pair:
    """A unit that hardly varies hardly matters."""
    X, Y = massive(30)
    X[:, 0] *= 1e6
    return X, Y


def constant_units(value: float) -> Pair:
    X, Y = massive(0)
    X[:, 4] = value
    return X, Y


KINDS: dict[str, Callable[[], Pair]] = {
    **{f"massive-{size:g}": lambda size=size: massive(size) for size in (10, 1e3, 1e4, 1e6)},
    **{f"offset-{size:g}": lambda size=size: offset(size) for size in (10, 1e3, 1e5)},
    "sinks-first": lambda: massive_and_sinks(0),
    "sinks-fourth": lambda: massive_and_sinks(3),
    "padded": padded,
    "beside-large": beside_large,
    "fill": lambda: constant_units(-1e9),
    "tiny-constant": lambda: constant_units(1e-12),
    "dead": lambda: constant_units(0.1),
}


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize(("degree", "constant"), [(1, 1.0), (2, 0.5), (3, 1.0), (7, 0.0)])
@pytest.mark.parametrize("kind", KINDS)
def test_values(
    implementation: str, dtype: str, kind: str, degree: int, constant: float, unbiased: bool
) -> None:
    X, Y = (layer.astype(dtype) for layer in KINDS[kind]())
    K, L = (exact.polynomial(Z, degree, constant) for Z in (X, Y))
    options: dict[str, Any] = {"kernel": gm.Polynomial(degree, constant), "device": implementation}
    bound = 100 * float(np.finfo(dtype).eps)
    found = gm.cka(X, Y, debiased=unbiased, **options)
    assert found == pytest.approx(exact.cka(K, L, unbiased), rel=0, abs=bound)
    scale = np.prod([float(exact.hsic(M, M, unbiased)) ** 0.5 for M in (K, L)])
    found = gm.hsic(X, Y, unbiased=unbiased, **options)
    assert found == pytest.approx(float(exact.hsic(K, L, unbiased)), rel=0, abs=bound * scale)


@pytest.mark.parametrize("kind", ["massive-1000", "offset-1000", "sinks-first", "fill"])
def test_gram_matrices(implementation: str, dtype: str, kind: str) -> None:
    X = KINDS[kind]()[0].astype(dtype)
    K = exact.polynomial(X, 2, 0.5)  # those of degree 3 are beyond float32
    eps = float(np.finfo(dtype).eps)
    options: dict[str, Any] = {"kernel": gm.Polynomial(2, 0.5), "device": implementation}
    whole = np.array([[float(value * K.unit) for value in row] for row in K.values])
    found = gm.gram(X, centered=False, **options)
    np.testing.assert_allclose(found, whole, rtol=0, atol=100 * eps * np.abs(whole).max())
    expected = exact.centered(K)
    found = gm.gram(X, **options)
    np.testing.assert_allclose(found, expected, rtol=0, atol=100 * eps * np.abs(expected).max())


def test_beyond_range(device: str) -> None:
    """Values of (1e60)^16 are none, but layers may be compared by them."""
    X, Y = constant_units(-1e30)
    kernel = gm.Polynomial(16)
    K, L = (exact.polynomial(Z, 16, 1.0) for Z in (X, Y))
    found = gm.cka(X, Y, kernel=kernel, device=device)
    assert found == pytest.approx(exact.cka(K, L, False), rel=0, abs=1e-13)
    with pytest.warns(RuntimeWarning, match="is beyond float64's range"):
        assert gm.hsic(X, Y, kernel=kernel, device=device) == np.inf
