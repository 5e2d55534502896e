"""Options of CCA and its relatives: ridge, folds, variants, and values out of range."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from test_cca import call

import gramian as gm
from gramian._measures.registry import MEASURES

Array = np.ndarray


def test_google_needs_independent_units(implementation: str) -> None:
    X, Y = inputs.pair(30, 4, 3)
    with pytest.raises(ValueError, match="X has rank 4 and 8 units"):
        call("pwcca", implementation, np.hstack([X, X]), Y, variant="google")


def test_ridge(implementation: str) -> None:
    X, Y = inputs.factor_pair()
    A, B = X - X.mean(axis=0), Y - Y.mean(axis=0)
    sigma = [M.T @ M + 0.3 * np.sum(M**2) / M.shape[1] * np.eye(M.shape[1]) for M in (A, B)]
    M = np.linalg.solve(sigma[0], A.T @ B) @ np.linalg.solve(sigma[1], B.T @ A)
    expected = np.sqrt(np.sort(np.linalg.eigvals(M).real)[::-1])
    result = call("cca", implementation, X, Y, regularization=0.3)
    np.testing.assert_allclose(result.correlations, expected, rtol=0, atol=1e-10)
    tiny = call("cca", implementation, X, Y, regularization=1e-13)
    assert tiny.mean == pytest.approx(call("cca", implementation, X, Y).mean, abs=1e-8)
    scaled = call("cca", implementation, 1e3 * X, Y, regularization=0.3)
    assert scaled.mean == pytest.approx(result.mean, abs=1e-12)


def test_held_out(implementation: str) -> None:
    """In-sample values of independent data go to 1 with the number of units, held-out ones not."""
    X, Y = inputs.pair(60, 22, 22, seed=1)
    Z = np.random.default_rng(2).standard_normal((60, 22))
    assert call("linear_regression", implementation, X, Z) > 0.3
    assert call("linear_regression", implementation, X, Z, cross_validate=5) < 0
    assert call("cca", implementation, X, Z).mean > 0.5
    assert abs(call("cca", implementation, X, Z, cross_validate=5).mean) < 0.2
    assert call("linear_regression", implementation, X, Y, cross_validate=5) < call(
        "linear_regression", implementation, X, Y
    )


FOLDED = {
    "cca": {},
    "cca_squared": {},
    "cca of the rank": {"denominator": "rank"},
    "cca with a ridge": {"regularization": 0.2},
    "cca with a ridge, of the rank": {"regularization": 0.2, "denominator": "rank"},
    "linear_regression": {},
}


def folded_pair(name: str) -> tuple[Array, Array]:
    """Twenty units and thirty, and the same with units that follow from others."""
    X, Y = inputs.factor_pair()
    if name == "deficient":
        X = np.hstack([X, X[:, :3] @ [[1.0], [2.0], [-1.0]], 0 * X[:, :1] + 0.1])
    return X, Y


@pytest.mark.parametrize("layers", ["full rank", "deficient"])
@pytest.mark.parametrize("name", FOLDED)
def test_held_out_against_the_reference(name: str, layers: str, device: str) -> None:
    X, Y = folded_pair(layers)
    row = MEASURES[name.split()[0]]
    options = {"cross_validate": 4, **FOLDED[name]}
    for arrays in ((X, Y), (Y, X)):
        got = row.call(*arrays, device=device, **options)
        expected = row.call_reference(*arrays, **options)
        assert got == pytest.approx(expected, rel=0, abs=1e-11)


@pytest.mark.parametrize("regularization", [0.0, 0.2])
@pytest.mark.parametrize("denominator", ["features", "rank"])
def test_held_out_means_are_of_the_whole_rank(
    denominator: str, regularization: float, implementation: str
) -> None:
    """Whatever the folds' ranks: a unit that only held-out samples vary leaves the fit one less."""
    X, Y = inputs.pair(60, 5, 8)
    X[:, 4] = 0
    X[::4, 4] = np.arange(15) - 7  # the samples of the first of four folds
    Y = np.hstack([Y, Y[:, :2]])
    options = {
        "cross_validate": 4,
        "denominator": denominator,
        "regularization": regularization,
        "device": implementation,
    }
    for A, B, rank in ((X, Y, 5), (np.hstack([X, X]), Y, 5)):
        result = gm.cca(A, B, **options)
        assert (result.x_rank, result.y_rank) == (rank, 8)
        assert len(result.correlations) == rank - 1
        count = rank if denominator == "rank" else A.shape[1]
        assert result.mean == pytest.approx(result.correlations.sum() / count, abs=1e-13)
        squares = np.sum(result.correlations**2) / count
        assert result.mean_squared == pytest.approx(squares, abs=1e-13)
        for name, value in (("cca", result.mean), ("cca_squared", result.mean_squared)):
            values = gm.compare([A], [B], measure=name, **options).values
            assert values[0, 0] == pytest.approx(value, abs=1e-13)


BAD = {
    "variance must be in (0, 1], got 1.5.": ("svcca", {"variance": 1.5}),
    "components must be at least 1, got 0.": ("svcca", {"components": 0}),
    "side must be 'x', 'y' or 'mean', got 'z'.": ("pwcca", {"side": "z"}),
    "variant must be 'paper' or 'google', got 'other'.": ("pwcca", {"variant": "other"}),
    "denominator must be 'features' or 'rank', got 'x'.": ("cca", {"denominator": "x"}),
    "regularization must be finite and >= 0, got -1.": ("cca", {"regularization": -1}),
    "rank_tolerance must be in [0, 1), got 2.": ("cca", {"rank_tolerance": 2}),
    "cross_validate must be between 2 and half the number of samples, 50, got 1.": (
        "linear_regression",
        {"cross_validate": 1},
    ),
    "alpha must be in [0, 1], got -0.5.": ("shape_distance", {"alpha": -0.5}),
}


@pytest.mark.parametrize("message", BAD)
def test_bad_options(message: str, implementation: str) -> None:
    name, options = BAD[message]
    with pytest.raises(ValueError) as caught:  # noqa: PT011  (the whole message is compared)
        call(name, implementation, *inputs.demo_pair(), **options)
    assert str(caught.value) == message
