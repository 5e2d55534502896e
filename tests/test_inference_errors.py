"""How often inference is wrong: p-values under the null hypothesis, and coverage of intervals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian._inference.draws import Draws, check_rng
from gramian._inference.methods import as_of_all


def uniform(pvalues: np.ndarray, both: bool = True) -> None:
    """Dvoretzky, Kiefer and Wolfowitz: the bound is passed once in a thousand times by chance."""
    bound = math.sqrt(math.log(2 / 1e-3) / (2 * len(pvalues)))
    for p in np.arange(1, 41) / 40:  # the values that there are
        share = np.mean(pvalues <= p + 1e-9)
        assert share <= p + bound
        assert not both or share >= p - bound


@pytest.mark.parametrize("groups", [None, np.repeat(np.arange(10), 3)], ids=["samples", "groups"])
def test_pvalues_are_uniform_under_the_null(groups: Any) -> None:
    found = []
    for seed in range(500):
        rng = np.random.default_rng([seed, 1])
        X, Y = rng.standard_normal((2, 30, 3))
        if groups is not None:  # samples of a group are alike, in both layers
            X, Y = (
                X + 3 * rng.standard_normal((10, 3))[groups],
                Y + 3 * rng.standard_normal((10, 3))[groups],
            )
        found.append(gm.permutation_test(X, Y, groups=groups, n_permutations=39, rng=seed).pvalue)
    uniform(np.array(found))


def test_samples_of_groups_are_not_exchangeable() -> None:
    """Without `groups`, the same data would reject far too often."""
    groups = np.repeat(np.arange(10), 3)
    rejected = 0
    for seed in range(60):
        rng = np.random.default_rng([seed, 1])
        X, Y = rng.standard_normal((2, 30, 3)) + 3 * rng.standard_normal((2, 10, 3))[:, groups]
        rejected += gm.permutation_test(X, Y, n_permutations=39, rng=seed).pvalue <= 0.05
    assert rejected > 20


def test_pvalues_of_discrete_data_with_a_negative_statistic() -> None:
    """Orders with equal values count as large, whatever rounding makes of them: p only grows."""
    found, negative = [], 0
    for seed in range(500):
        rng = np.random.default_rng([seed, 2])
        X, Y = (rng.random((2, 20, 2)) < 0.5).astype(float)
        test = gm.permutation_test(X, Y, debiased=True, n_permutations=39, rng=seed)
        found.append(test.pvalue)
        negative += test.statistic < 0
    assert 100 < negative < 400
    uniform(np.array(found), both=False)
    assert np.mean(np.array(found) <= 0.2) > 0.1  # it has not become 1 for all


@pytest.mark.parametrize("truth", [0.0, 0.3])
def test_coverage_of_the_bootstrap(truth: float) -> None:
    """Debiased CKA of normal X and sqrt(t) X + sqrt(1 - t) E is t among all samples there are.

    The true coverage of 95% would leave the bounds once in a thousand times.
    """
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng([seed, 3])
        X, E = rng.standard_normal((2, 120, 20))
        Y = math.sqrt(truth) * X + math.sqrt(1 - truth) * E
        low, high = gm.bootstrap(X, Y, debiased=True, n_resamples=100, rng=seed).interval
        covered += low <= truth <= high
    assert 0.90 <= covered / 200 <= 0.99


def test_halves_with_the_spread_of_all_samples() -> None:
    """A mean (A / n alone) is left as it is; a degenerate U statistic (B / n²) is cut to 1 / √3."""
    rng = np.random.default_rng(0)
    x, noise = rng.standard_normal(400), rng.standard_normal((400, 400))
    draws = Draws(400, None, check_rng(1))
    halves = [draws.chosen(k, "half") for k in range(2000)]
    means = np.array([x[half].mean() for half in halves])[:, None, None]
    assert as_of_all(means).std() == pytest.approx(means.std(), rel=0.05)
    K = np.tril(noise, -1) + np.tril(noise, -1).T  # no sample adds more to it than any other
    pairs = np.array([K[np.ix_(half, half)].sum() for half in halves])[:, None, None]
    assert as_of_all(pairs).std() == pytest.approx(pairs.std() / math.sqrt(3), rel=0.1)


def test_replacement_makes_independent_layers_alike() -> None:
    """The reason why it is not the default."""
    X, Y = np.random.default_rng(0).standard_normal((2, 100, 100))
    with pytest.warns(RuntimeWarning, match="scheme='replacement' repeats samples"):
        found = gm.bootstrap(X, Y, debiased=True, scheme="replacement", n_resamples=50, rng=0)
    assert abs(found.statistic) < 0.05
    assert found.interval[0] > 0.3
    half = gm.bootstrap(X, Y, debiased=True, n_resamples=50, rng=0)
    assert half.interval[0] < 0 < half.interval[1]
