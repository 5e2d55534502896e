"""CCA and its relatives on what breaks other implementations: rank, width, scale, condition."""

from __future__ import annotations

from typing import Any

import inputs
import numpy as np
import pytest
from test_cca import call, epsilon

import gramian as gm
from gramian import reference
from gramian._measures.registry import MEASURES

Array = np.ndarray


def _dead(X: Array) -> tuple[Array, Array, int]:
    changed = X.copy()
    changed[:, [3, 7]] = 0
    changed[:, 11] = 0.1
    return changed, np.delete(X, [3, 7, 11], axis=1), 27


def _duplicated(X: Array) -> tuple[Array, Array, int]:
    return np.hstack([X, X[:, :4], -X[:, 2:3]]), X, 30


def _deficient(X: Array) -> tuple[Array, Array, int]:
    mixing = np.random.default_rng(1).standard_normal((23, 30))
    return X[:, :23] @ mixing, X[:, :23], 23


PATHOLOGIES = {"dead units": _dead, "duplicated units": _duplicated, "rank 23 of 30": _deficient}


@pytest.mark.parametrize("name", PATHOLOGIES)
def test_deficient_layers(name: str, implementation: str, dtype: str) -> None:
    """A layer and a full-rank one of the same span have the same correlations; rank reported."""
    X, Y = inputs.pair(300, 30, 20, seed=2)
    changed, equivalent, rank = PATHOLOGIES[name](X)
    changed, Y = changed.astype(dtype), Y.astype(dtype)
    result = call("cca", implementation, changed, Y)
    assert (result.x_rank, result.y_rank) == (rank, 20)
    expected = reference.cca(equivalent, Y).correlations
    atol = 100 * epsilon(dtype) * (20 if dtype == "float32" else 1)  # X is rounded later
    np.testing.assert_allclose(result.correlations, expected, rtol=0, atol=atol)
    H = (changed - changed.mean(axis=0, dtype="float64")) @ result.x_weights
    np.testing.assert_allclose(H.T @ H, np.eye(20), rtol=0, atol=1000 * epsilon(dtype))


@pytest.mark.parametrize("name", PATHOLOGIES)
@pytest.mark.parametrize("function", ["svcca", "pwcca", "linear_regression", "procrustes"])
def test_deficient_layers_against_the_reference(
    name: str, function: str, device: str, dtype: str
) -> None:
    X, Y = inputs.pair(300, 30, 20, seed=2)
    changed, Y = PATHOLOGIES[name](X)[0].astype(dtype), Y.astype(dtype)
    for arrays in ((changed, Y), (Y, changed)):
        got, expected = (call(function, i, *arrays) for i in (device, "reference"))
        assert got == pytest.approx(expected, rel=0, abs=100 * epsilon(dtype))


WIDE = {
    "p = n": (40, 40, 10),
    "p > n": (40, 60, 10),
    "p, q > n": (40, 60, 50),
    "p = n - 1": (40, 39, 9),
}


@pytest.mark.parametrize("name", WIDE)
def test_wide_layers(name: str, implementation: str, dtype: str) -> None:
    n, p, q = WIDE[name]
    X, Y = inputs.pair(n, p, q, dtype)
    rank, other = min(p, n - 1), min(q, n - 1)
    count = rank + other - n + 1
    message = f"X and Y have at least {count} canonical correlations that are 1 by construction"
    with pytest.warns(RuntimeWarning, match=message):
        result = call("cca", implementation, X, Y)
    assert (result.x_rank, result.y_rank, result.n_saturated) == (rank, other, count)
    atol = 100 * epsilon(dtype)
    np.testing.assert_allclose(result.correlations[:count], 1, rtol=0, atol=atol)
    assert result.mean == pytest.approx(result.correlations.sum() / min(p, q))
    by_rank = call_quietly("cca", implementation, X, Y, denominator="rank")
    assert by_rank.mean == pytest.approx(result.correlations.mean())
    assert call("linear_regression", implementation, Y, X) == pytest.approx(1, abs=atol)
    H = (X - X.mean(axis=0, dtype="float64")) @ result.x_weights
    np.testing.assert_allclose(H.T @ H, np.eye(H.shape[1]), rtol=0, atol=20 * atol)


def call_quietly(name: str, implementation: str, *arrays: Any, **options: Any) -> Any:
    """Call without the warning that another test looks at."""
    with pytest.warns(RuntimeWarning, match="1 by construction"):
        return call(name, implementation, *arrays, **options)


def test_many_samples(device: str) -> None:
    """float32 at n = 100,000: max(n, p) eps as a tolerance would cut the rank here."""
    X, Y = inputs.pair(100_000, 12, 10, "float32")
    result = gm.cca(X, Y, device=device)
    expected = reference.cca(X, Y)
    assert (result.x_rank, result.y_rank) == (12, 10)
    atol = 100 * epsilon("float32")
    np.testing.assert_allclose(result.correlations, expected.correlations, rtol=0, atol=atol)
    for name in ("svcca", "pwcca", "linear_regression", "procrustes"):
        got, want = getattr(gm, name)(X, Y, device=device), getattr(reference, name)(X, Y)
        assert got == pytest.approx(want, rel=0, abs=atol)


@pytest.mark.parametrize(
    ("condition", "dtype"),
    # In float32 the rank of worse data is decided by rounding: beyond the promise.
    [(condition, "float64") for condition in (1e2, 1e3, 1e5, 1e7, 1e8)]
    + [(condition, "float32") for condition in (1e2, 1e3)],
)
@pytest.mark.parametrize("name", ["cca", "cca_squared", "svcca", "pwcca", "linear_regression"])
def test_conditions(name: str, condition: float, device: str, dtype: str) -> None:
    """Rotated, so that scaling columns does not help.

    100 eps up to a condition of 1e3, and in float64 condition / 10 times that beyond.
    """
    row = MEASURES[name]
    X, Y = inputs.pair(500, 50, 40, seed=7)
    X, Y = (inputs.rotated(A, condition, k).astype(dtype) for k, A in enumerate((X, Y)))
    got, expected = row.call(X, Y, device=device), row.call_reference(X, Y)
    slack = condition / 10 if condition > 1e3 else 1
    assert got == pytest.approx(expected, rel=0, abs=100 * epsilon(dtype) * slack)
