"""Inference where values are very large, very small, at their bound or due to one sample."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from inputs import pair

import gramian as gm


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_chance_always_reaches_is_calibrated_to_nothing(dtype: str) -> None:
    """CKA of two samples is 1 in both orders, but for rounding, which is no excess over chance."""
    for seed in range(20):
        X, Y = np.random.default_rng(seed).standard_normal((2, 2, 3)).astype(dtype)
        found = gm.permutation_test(X, Y, n_permutations=19, rng=seed)
        assert found.statistic == pytest.approx(1, abs=1e-6)
        assert (found.pvalue, found.calibrated) == (1, 0)


def test_threshold_of_a_distance_is_a_small_one() -> None:
    X, Y = pair(30, 3, 4)
    options: dict[str, Any] = {"n_permutations": 199, "rng": 0}
    distance = gm.permutation_test(X, Y, measure="procrustes_distance", **options)
    similarity = gm.permutation_test(X, Y, measure="procrustes", **options)
    expected = math.sqrt(2 - 2 * similarity.threshold)
    assert distance.threshold == pytest.approx(expected, rel=1e-12)
    assert distance.threshold < np.median(distance.null)


@pytest.mark.parametrize("power", [-150, 133])
def test_spread_of_very_large_and_small_values(power: int) -> None:
    """HSIC of 2^k X and 2^k Y is 2^4k as large, and so is all about it, though no square is."""
    X, Y = pair(30, 3, 4)
    large = [np.ldexp(array, power) for array in (X, Y)]
    options: dict[str, Any] = {"measure": "hsic", "n_resamples": 20, "rng": 0}
    for usual, found in (
        (gm.bootstrap(X, Y, **options), gm.bootstrap(*large, **options)),
        (gm.jackknife(X, Y, measure="hsic"), gm.jackknife(*large, measure="hsic")),
    ):
        for part in ("standard_error", "bias", "interval"):
            scaled = np.ldexp(getattr(usual, part), 4 * power)
            np.testing.assert_allclose(getattr(found, part), scaled, rtol=1e-9)
    options["inference"] = "permutation"
    np.testing.assert_array_equal(
        gm.compare([large[0]], [large[1]], **options).pvalues,
        gm.compare([X], [Y], **options).pvalues,
    )


@pytest.mark.parametrize("options", [{}, {"debiased": True}, {"kernel": gm.RBF(sigma=2.0)}])
def test_jackknife_of_a_layer_that_is_nearly_one_sample(
    options: dict[str, Any], dtype: str
) -> None:
    """As the first token of a sequence may be: all other samples are as good without it."""
    X, Y = pair(31, 4, 6)
    X[0, 0], Y[0, 1] = 3e4, -2e4
    X, Y = X.astype(dtype), Y.astype(dtype)
    every = np.arange(31)
    for groups in (None, every // 4):
        labels = every if groups is None else groups
        found = gm.jackknife(X, Y, groups=groups, **options)
        expected = [
            gm.cka(X[labels != k], Y[labels != k], device="reference", **options)
            for k in np.unique(labels)
        ]
        atol = 1e-10 if dtype == "float64" else 1e-4
        np.testing.assert_allclose(found.replicates, expected, rtol=0, atol=atol)


@pytest.mark.parametrize("options", [{}, {"kernel": gm.RBF(sigma=1.0)}, {"measure": "procrustes"}])
def test_jackknife_where_one_sample_makes_a_layer(options: dict[str, Any]) -> None:
    """Without it the layer is constant, and no rounding of 0 a replicate."""
    X = np.full((12, 1), 0.1)
    X[3] = 3.8
    with pytest.warns(RuntimeWarning, match="without some of the samples there is no value"):
        found = gm.jackknife(X, pair(12, 3, 1)[0], **options)
    np.testing.assert_array_equal(np.isnan(found.replicates), np.arange(12) == 3)
    assert np.isnan([found.standard_error, *found.interval, found.bias]).all()
    assert "without some" in found.reason


@pytest.mark.parametrize("power", [-1040, 1015])
@pytest.mark.parametrize("unbiased", [False, True])
def test_draws_of_very_large_and_small_distances(power: int, unbiased: bool) -> None:
    X, Y = (np.round(array * 64) / 64 for array in pair(30, 3, 4))
    options: dict[str, Any] = {"measure": "distance_correlation", "unbiased": unbiased}
    large = [np.ldexp(array, power) for array in (X, Y)]
    test: dict[str, Any] = {"n_permutations": 9, "rng": 0}
    cases: list[tuple[Any, dict[str, Any]]] = [(gm.permutation_test, test), (gm.jackknife, {})]
    for function, more in cases:
        usual, found = function(X, Y, **options, **more), function(*large, **options, **more)
        for part in ("null", "replicates"):
            if hasattr(usual, part):
                np.testing.assert_allclose(
                    getattr(found, part), getattr(usual, part), rtol=0, atol=1e-10
                )


@pytest.mark.parametrize(
    ("groups", "error"),
    [
        (np.ma.array([0, 0, 1, 1, 2, 2], mask=[1, 0, 0, 0, 0, 0]), TypeError),
        ([None, "a", "a", "b", "b", "c"], ValueError),
        (np.array(["a", "a", "b", "b", "c", math.nan], dtype=object), ValueError),
    ],
)
def test_labels_that_are_missing_are_refused(groups: Any, error: type[Exception]) -> None:
    X, Y = np.random.default_rng(0).standard_normal((2, 6, 3))
    with pytest.raises(error, match=r"^groups must "):
        gm.jackknife(X, Y, groups=groups)
