"""Ranks of what adds up: one-hot labels, counts of fixed sum, softmax outputs."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from test_cca import call, epsilon

import gramian as gm
from gramian import reference

Array = np.ndarray


def one_hot(rng: np.random.Generator, n: int, classes: int) -> Array:
    labels = rng.integers(0, classes, n)
    labels[:classes] = range(classes)
    return np.eye(classes)[labels]


def counts(rng: np.random.Generator, n: int, classes: int) -> Array:
    return rng.multinomial(50, np.ones(classes) / classes, size=n).astype("float64")


def softmax(rng: np.random.Generator, n: int, classes: int) -> Array:
    X = np.exp(rng.standard_normal((n, classes)))
    return X / X.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("kind", [one_hot, counts, softmax])
@pytest.mark.parametrize("classes", [2, 3, 8, 64])
@pytest.mark.parametrize("n", [300, 2000])
def test_layers_of_fixed_sum(
    kind: inputs.Callable[..., Array], classes: int, n: int, implementation: str, dtype: str
) -> None:
    """Rank C - 1, whatever rounding makes of the direction in which the columns cancel."""
    for seed in range(3 if n < 2000 else 1):
        rng = np.random.default_rng((seed, classes))
        Y = kind(rng, n, classes).astype(dtype)
        X = (rng.standard_normal((n, 6)) + Y @ rng.standard_normal((classes, 6))).astype(dtype)
        assert call("cca", implementation, X, Y).y_rank == classes - 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("cca", {}),
        ("linear_regression", {}),
        ("linear_regression", {"cross_validate": 4}),
        ("pwcca", {}),
        ("svcca", {"variance": 1}),
        ("shape_distance", {"alpha": 0.5}),
    ],
)
@pytest.mark.parametrize("classes", [2, 3, 5])
def test_measures_of_one_hot_labels(
    name: str, options: dict[str, float], classes: int, device: str, dtype: str
) -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        Y = one_hot(rng, 1000, classes).astype(dtype)
        X = (rng.standard_normal((1000, 6)) + Y @ rng.standard_normal((classes, 6))).astype(dtype)
        got, expected = (call(name, i, X, Y, **options) for i in (device, "reference"))
        if name == "cca":
            got, expected = got.mean, expected.mean
        assert got == pytest.approx(expected, rel=0, abs=100 * epsilon(dtype))


@pytest.mark.parametrize("condition", [3, 6, 8, 12, 20, 40, 60])
def test_single_correlations_at_ordinary_conditions(condition: float, device: str) -> None:
    """Few large directions and many small ones, where one pass is worst; in float32."""
    rng = np.random.default_rng(int(condition))
    spectrum = np.where(np.arange(60) < 8, 1, 1 / condition)
    X, Y = (
        rng.standard_normal((3000, 60)) * spectrum @ np.linalg.qr(rng.standard_normal((60, 60)))[0]
        for _ in range(2)
    )
    X = X.astype("float32")
    for other in (X @ rng.standard_normal((60, 40)), 0.3 * X + Y):
        Z = other.astype("float32")
        got, expected = gm.cca(X, Z, device=device), reference.cca(X, Z)
        atol = 100 * epsilon("float32")
        np.testing.assert_allclose(got.correlations, expected.correlations, rtol=0, atol=atol)
        for measure in ("cca", "cca_squared"):
            value = gm.compare([X], [Z], measure=measure, device=device).values[0, 0]
            exact = expected.mean if measure == "cca" else expected.mean_squared
            assert value == pytest.approx(exact, rel=0, abs=10 * epsilon("float32"))
            assert value <= 1
