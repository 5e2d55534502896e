"""Distance correlation: known values, the definition by loops, independence, all pairs at once."""

from __future__ import annotations

import inputs
import numpy as np
import pytest

import gramian as gm
from gramian import reference

Array = np.ndarray


def call(implementation: str, X: Array, Y: Array, **options: bool) -> float:
    if implementation == "reference":
        return reference.distance_correlation(X, Y, **options)
    return gm.distance_correlation(X, Y, **options, device=implementation)


def by_loops(X: Array, Y: Array, *, unbiased: bool) -> float:
    """Székely et al. 2007, eq. 2.8 to 2.10; Székely and Rizzo 2014, eq. 2.1 and 2.2."""
    n = len(X)
    centered = []
    for Z in (X, Y):
        d = [[float(np.sqrt(sum((a - b) ** 2))) for b in Z] for a in Z]
        rows = [sum(row) for row in d]
        total = sum(rows)
        A = np.zeros((n, n))
        for i in range(n):
            for j in range(n):
                if not unbiased:
                    A[i, j] = d[i][j] - rows[i] / n - rows[j] / n + total / n**2
                elif i != j:
                    A[i, j] = d[i][j] - (rows[i] + rows[j]) / (n - 2)
                    A[i, j] += total / ((n - 1) * (n - 2))
        centered.append(A)
    A, B = centered
    squared = (A * B).sum() / np.sqrt((A * A).sum() * (B * B).sum())
    return float(squared if unbiased else np.sqrt(squared))


@pytest.mark.parametrize("k", [1, 2, 7, 100])
@pytest.mark.parametrize("dtype", ["int64", "float32", "float64"])
def test_known_value(implementation: str, k: int, dtype: str) -> None:
    """Repeating every sample equally often changes nothing."""
    X = np.repeat([1, 2, 3], k).astype(dtype)[:, None]
    Y = np.repeat([10, 20, 5], k).astype(dtype)[:, None]
    atol = 1e-6 if dtype == "float32" and implementation != "reference" else 1e-13
    assert call(implementation, X, Y) == pytest.approx(0.7621991222319221, abs=atol)


@pytest.mark.parametrize("unbiased", [False, True])
@pytest.mark.parametrize("widths", [(1, 1), (3, 5), (40, 2)])
def test_definition(implementation: str, widths: tuple[int, int], unbiased: bool) -> None:
    X, Y = inputs.pair(24, *widths)
    expected = by_loops(X, Y, unbiased=unbiased)
    assert call(implementation, X, Y, unbiased=unbiased) == pytest.approx(expected, abs=1e-13)


def test_independent_data(implementation: str) -> None:
    """With many features the biased value goes to 1, as that of CKA does; the other stays at 0."""
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((60, 2000)), rng.standard_normal((60, 2000))
    assert call(implementation, X, Y) > 0.95
    assert abs(call(implementation, X, Y, unbiased=True)) < 0.05


def test_of_no_linear_dependence(implementation: str) -> None:
    """What CKA does not see: the square of a symmetric variable."""
    x = np.linspace(-1, 1, 201)[:, None]
    assert abs(gm.cka(x, x**2)) < 1e-12
    assert call(implementation, x, x**2) > 0.45


def test_map(device: str) -> None:
    """All pairs through the tiles: the values of the pairs, and the whole is symmetric."""
    layers = [inputs.pair(300, p, 2, seed=p)[0] for p in (1, 6, 40)]
    for unbiased in (False, True):
        options = {"unbiased": unbiased, "device": device}
        values = gm.compare(layers, measure="distance_correlation", **options).values
        np.testing.assert_array_equal(values, values.T)
        for i, X in enumerate(layers):
            for j, Y in enumerate(layers):
                value = gm.distance_correlation(X, Y, **options)
                assert values[i, j] == pytest.approx(value, rel=0, abs=1e-14)
