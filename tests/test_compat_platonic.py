"""The calls of platonic-rep's README, with the metrics that are here, and its numbers."""

from __future__ import annotations

from typing import Any

import inputs
import numpy as np
import pytest

import gramian as gm
from gramian.compat.platonic import AlignmentMetrics

# By metrics.py of platonic-rep on the second pair of tests/inputs.py, in float64, torch 2.13.
RECORDED: list[tuple[dict[str, Any], float]] = [
    ({}, 0.5496858538049022),
    ({"unbiased": True}, 0.5423479926732357),
    ({"kernel_metric": "rbf", "rbf_sigma": 20.0}, 0.5808256055344316),
]


@pytest.mark.parametrize(("options", "expected"), RECORDED)
def test_cka(options: dict[str, Any], expected: float) -> None:
    """To the share of the denominator that 1e-6 is there, 4e-10 at most."""
    pair = inputs.factor_pair()
    found = AlignmentMetrics.measure("cka", *pair, **options)
    assert found == pytest.approx(expected, rel=4e-10, abs=0)
    if options.get("unbiased"):
        assert AlignmentMetrics.measure("unbiased_cka", *pair) == found


def test_the_calls_of_the_readme() -> None:
    """Of random features: the original has -.02472 for -.02492, and 1e-6 makes the difference."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    feats_A, feats_B = (
        torch.nn.functional.normalize(torch.randn(64, 8192), dim=-1) for _ in range(2)
    )
    with pytest.warns(RuntimeWarning, match="platonic-rep adds 1e-06 to the denominator"):
        score = AlignmentMetrics.measure("unbiased_cka", feats_A, feats_B)
    assert score == gm.cka(feats_A, feats_B, debiased=True)
    with pytest.warns(RuntimeWarning, match="of a randomized SVD, and another each time"):
        assert 0 < AlignmentMetrics.svcca(feats_A, feats_B, cca_dim=10) < 1
    score = AlignmentMetrics.measure("cknna", feats_A, feats_B, topk=10)
    assert score == AlignmentMetrics.cknna(feats_A, feats_B, topk=10)
    for metric in ("lcs_knn", "edit_distance_knn"):
        expected = f"{metric!r} is a measure of the order of nearest neighbors, and gramian has no"
        with pytest.raises(NotImplementedError, match=expected):
            AlignmentMetrics.measure(metric, feats_A, feats_B, topk=10)
        with pytest.raises(NotImplementedError, match=expected):
            getattr(AlignmentMetrics, metric)(feats_A, feats_B, topk=10)


def neighbors() -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 8))
    return X, X @ rng.standard_normal((8, 6)) + rng.standard_normal((40, 6))


def test_neighbors_of_the_original() -> None:
    """Recorded from its formulas in float64, without the 1e-6 in the denominator of CKNNA."""
    X, Y = neighbors()
    assert AlignmentMetrics.mutual_knn(X, Y, topk=5) == pytest.approx(0.43, abs=1e-12)
    assert AlignmentMetrics.cycle_knn(X, Y, topk=3) == pytest.approx(0.55, abs=1e-12)
    score = AlignmentMetrics.cknna(X, Y, topk=10)
    assert score == pytest.approx(0.6398053169895338, abs=1e-12)
    biased = AlignmentMetrics.cknna(X, Y, topk=10, unbiased=False)
    assert biased == pytest.approx(0.7254840252740535, abs=1e-12)


def test_neighbors_by_loops() -> None:
    X, Y = neighbors()
    found = []
    for Z in (X, Y):
        others = [[j for j in range(40) if j != i] for i in range(40)]
        found.append([sorted(o, key=lambda j: -Z[i] @ Z[j])[:4] for i, o in enumerate(others)])
    a, b = found
    shared = sum(len(set(x) & set(y)) for x, y in zip(a, b, strict=True)) / 160
    assert AlignmentMetrics.mutual_knn(X, Y, topk=4) == pytest.approx(shared, abs=1e-12)
    back = sum(any(i in a[j] for j in b[i]) for i in range(40)) / 40
    assert AlignmentMetrics.cycle_knn(X, Y, topk=4) == pytest.approx(back, abs=1e-12)


def test_neighbors_that_are_all() -> None:
    """Then CKNNA is the unbiased CKA."""
    X, Y = neighbors()
    expected = gm.cka(X, Y, debiased=True)
    assert AlignmentMetrics.cknna(X, Y) == pytest.approx(expected, abs=1e-12)
    assert AlignmentMetrics.mutual_knn(X, Y, topk=39) == 1


@pytest.mark.parametrize("topk", [0, 40, 1.5, True, "3"])
def test_bad_numbers_of_neighbors(topk: Any) -> None:
    for metric in ("mutual_knn", "cycle_knn", "cknna"):
        with pytest.raises((TypeError, ValueError), match="topk must be"):
            AlignmentMetrics.measure(metric, *neighbors(), topk=topk)
    with pytest.raises(ValueError, match="distance_agnostic must be False"):
        AlignmentMetrics.cknna(*neighbors(), distance_agnostic=True)
    with pytest.raises(ValueError, match="at least 4 samples, got 3"):
        AlignmentMetrics.cknna(np.eye(3), np.eye(3))
    with pytest.warns(RuntimeWarning, match="cknna is undefined"):
        assert np.isnan(AlignmentMetrics.cknna(np.zeros((9, 2)), np.ones((9, 2)), topk=3))


@pytest.mark.parametrize("scale", [1e-3, 1.0])
def test_cka_does_not_depend_on_scale(scale: float) -> None:
    """The original has .0291 at a thousandth."""
    X, Y = inputs.factor_pair()
    expected = gm.cka(X, Y, debiased=True)
    if scale < 1:
        with pytest.warns(RuntimeWarning, match="platonic-rep adds 1e-06 to the denominator"):
            found = AlignmentMetrics.unbiased_cka(X * scale, Y * scale)
    else:
        found = AlignmentMetrics.unbiased_cka(X, Y)
    assert found == pytest.approx(expected, rel=0, abs=1e-12)


def test_a_width_at_which_nothing_is_similar() -> None:
    X, Y = inputs.factor_pair()
    with pytest.warns(RuntimeWarning, match="rbf_sigma=1 is far below the distances in feats_A"):
        assert AlignmentMetrics.cka(X, Y, kernel_metric="rbf") > 0.99999


def test_svcca_is_exact() -> None:
    """The original, over five seeds: .625 to .809 for 2 directions, .8195 to .8202 for 4."""
    rng = np.random.RandomState(3)
    n, falling = 300, 2.0 ** -np.arange(8)
    Z = rng.randn(n, 8)
    X = (Z * falling) @ np.linalg.qr(rng.randn(24, 24))[0][:8] + 0.002 * rng.randn(n, 24)
    noisy = (Z + 0.7 * rng.randn(n, 8)) * falling
    Y = noisy @ np.linalg.qr(rng.randn(30, 30))[0][:8] + 0.002 * rng.randn(n, 30)
    for count, recorded in ((2, 0.8085), (4, 0.8201)):
        a, b = ((one - one.mean(axis=0)) / one.std(axis=0) for one in (X, Y))
        u, v = (np.linalg.svd(one, full_matrices=False)[0][:, :count] for one in (a, b))
        with pytest.warns(RuntimeWarning, match="randomized SVD"):
            found = AlignmentMetrics.svcca(X, np.column_stack([Y, np.ones(n)]), cca_dim=count)
        expected = np.linalg.svd(u.T @ v, compute_uv=False).mean()
        assert found == pytest.approx(expected, rel=0, abs=1e-12)
        assert found == pytest.approx(recorded, rel=0, abs=3e-4)


def test_what_is_refused() -> None:
    X, Y = inputs.factor_pair()
    with pytest.raises(ValueError, match="metric must be one of 'cycle_knn', 'mutual_knn', 'cka'"):
        AlignmentMetrics.measure("ckaa", X, Y)
    with pytest.raises(ValueError, match="kernel_metric must be 'ip' or 'rbf', got 'cos'"):
        AlignmentMetrics.cka(X, Y, kernel_metric="cos")
