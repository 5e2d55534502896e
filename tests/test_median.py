"""The exact median of distances: numpy's, to the last bit that the arithmetic has."""

from __future__ import annotations

import numpy as np
import pytest

import gramian as gm


def median_of(X: np.ndarray, **options: object) -> float:
    """Return the median squared distance that the kernel was made with, read back from it."""
    K = gm.gram(X, kernel=gm.RBF(bandwidth=1), centered=False, **options)
    i, j = np.unravel_index(np.argmin(np.abs(K - 0.6)), K.shape)  # where log is accurate
    d2 = float(np.sum((X[i].astype("float64") - X[j].astype("float64")) ** 2))
    return -d2 / (2 * np.log(float(K[i, j])))


def distances(X: np.ndarray) -> np.ndarray:
    X = X.astype("float64")
    return np.array([np.sum((X - x) ** 2, axis=1) for x in X])


# 2,100 and 2,101 rows take the bracket from a sample, in tiles of several blocks.
@pytest.mark.parametrize("n", [2, 3, 4, 5, 64, 257, 700, 2100, 2101])
@pytest.mark.parametrize("data", ["normal", "clusters", "sorted", "heavy tails", "integers"])
def test_median(n: int, data: str, dtype: str) -> None:
    rng = np.random.default_rng(n)
    X = rng.standard_normal((n, 5))
    if data == "clusters":
        X[: n // 2] += 40
    elif data == "sorted":
        X = np.sort(X, axis=0)  # evenly spread rows are then no random sample
    elif data == "heavy tails":
        X = rng.standard_cauchy((n, 5))
    elif data == "integers":
        X = rng.integers(0, 3, (n, 5)) + np.arange(n)[:, None] % 2 * 1.0  # few distinct distances
    X = X.astype(dtype)
    # exp and log lose a few digits on the way back.
    assert median_of(X) == pytest.approx(
        np.median(distances(X)), rel=2e3 * float(np.finfo(dtype).eps)
    )


def test_tight_bracket_that_misses(dtype: str) -> None:
    """Where evenly spread rows say nothing of the others, the bracket is wrong, not the result."""
    n = 2048
    X = np.random.default_rng(0).standard_normal((n, 4))
    X[:: n // 512] = 0.01 * X[:: n // 512]
    X = X.astype(dtype)
    assert median_of(X) == pytest.approx(
        np.median(distances(X)), rel=2e3 * float(np.finfo(dtype).eps)
    )


def test_bandwidth_sample(implementation: str, dtype: str) -> None:
    """The median of rows floor(i n / m), recorded in the result."""
    X = np.random.default_rng(0).standard_normal((301, 4)).astype(dtype)
    Y = X[:, :3] ** 2
    rows = np.arange(40) * 301 // 40
    sigmas = [np.sqrt(np.median(distances(Z[rows]))) for Z in (X, Y)]
    H = np.eye(301) - 1 / 301
    K, L = (H @ np.exp(-distances(Z) / (2 * s**2)) @ H for Z, s in zip((X, Y), sigmas, strict=True))
    expected = np.sum(K * L) / np.linalg.norm(K) / np.linalg.norm(L)
    options = {"kernel": "rbf", "bandwidth_sample": 40, "device": implementation}
    assert gm.cka(X, Y, **options) == pytest.approx(expected, abs=100 * float(np.finfo(dtype).eps))
    S = gm.compare([X], [Y], **options)
    assert S.options["bandwidth_sample"] == 40
    assert S.values[0, 0] == gm.cka(X, Y, **options)


def test_narrow_kernels_go_to_double() -> None:
    """Near neighbours, far from one another on the scale of sigma, drown in float's |x|² eps."""
    rng = np.random.default_rng(0)
    centers = 100 * rng.standard_normal((50, 6))
    X = (np.repeat(centers, 4, axis=0) + 0.1 * rng.standard_normal((200, 6))).astype("float32")
    Y = (np.repeat(centers, 4, axis=0) + 0.1 * rng.standard_normal((200, 6))).astype("float32")
    for kernel in (gm.RBF(sigma=0.3), gm.Laplacian(sigma=0.3)):
        expected = gm.cka(X, Y, kernel=kernel, debiased=True, device="reference")
        assert gm.cka(X, Y, kernel=kernel, debiased=True) == pytest.approx(expected, abs=1e-5)
        K = gm.gram(X, kernel=kernel, centered=False)
        assert K.dtype == np.float32
        expected_K = gm.gram(X, kernel=kernel, centered=False, device="reference")
        np.testing.assert_allclose(K, expected_K, atol=1e-6)
