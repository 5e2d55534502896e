"""Options of CCA and its relatives: ridge, folds, variants, and values out of range."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from test_cca import call

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
    X, Y = inputs.pair(60, 25, 25, seed=1)
    Z = np.random.default_rng(2).standard_normal((60, 25))
    assert call("linear_regression", implementation, X, Z) > 0.3
    assert call("linear_regression", implementation, X, Z, cross_validate=5) < 0
    assert call("cca", implementation, X, Z).mean > 0.5
    assert abs(call("cca", implementation, X, Z, cross_validate=5).mean) < 0.2
    assert call("linear_regression", implementation, X, Y, cross_validate=5) < call(
        "linear_regression", implementation, X, Y
    )


@pytest.mark.parametrize("name", ["cca", "linear_regression"])
def test_held_out_against_the_reference(name: str, device: str) -> None:
    X, Y = inputs.factor_pair()
    row = MEASURES[name]
    options = {"cross_validate": 4}
    got, expected = row.call(X, Y, device=device, **options), row.call_reference(X, Y, **options)
    assert got == pytest.approx(expected, rel=0, abs=1e-11)


BAD = {
    "variance must be in (0, 1], got 1.5.": ("svcca", {"variance": 1.5}),
    "components must be at least 1, got 0.": ("svcca", {"components": 0}),
    "side must be 'x', 'y' or 'mean', got 'z'.": ("pwcca", {"side": "z"}),
    "variant must be 'paper' or 'google', got 'other'.": ("pwcca", {"variant": "other"}),
    "denominator must be 'features' or 'rank', got 1.": ("cca", {"denominator": 1}),
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
