"""Ridge regression against scikit-learn's RidgeCV, and by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ids import plain

import gramian as gm

ALPHAS = np.logspace(-3, 4, 8)
DEVICES = ("cpu", "reference")


def recordings(n: int, p: int, q: int, noise: float = 1.0) -> tuple[Any, Any]:
    """Responses of q units to n samples, and a layer of p units with a falling spectrum."""
    rng = np.random.default_rng((n, p, q))
    layer = rng.standard_normal((n, p)) * np.linspace(2, 0.1, p) + 3
    signal = layer @ rng.standard_normal((p, q)) / np.sqrt(p)
    return signal + noise * rng.standard_normal((n, q)), layer


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(
    "more",
    [{}, {"alpha_per_target": True}, {"inner_folds": 4}],
    ids=["left_out", "of_each", "inner_folds"],
)
@pytest.mark.parametrize(
    "shape",
    [(100, 20, 7, 1.0), (60, 200, 7, 0.1), (60, 200, 90, 1.0), (60, 30, 90, 3.0), (50, 49, 3, 1.0)],
    ids=["tall", "wide", "both_wide", "many_units", "square"],
)
def test_is_that_of_scikit_learn(shape: Any, more: dict[str, Any], device: str) -> None:
    """Predictions, scores and the penalties that were chosen, in every fold."""
    linear = pytest.importorskip("sklearn.linear_model")
    splits = pytest.importorskip("sklearn.model_selection")
    T, P = recordings(*shape)
    found = gm.ridge_regression(T, P, alphas=ALPHAS, device=device, **more)
    labels = np.arange(len(T)) % 5
    predictions, means = np.empty_like(T), np.empty_like(T)
    for k in range(5):
        fit, test = labels != k, labels == k
        inner = None
        if "inner_folds" in more:
            inner = splits.PredefinedSplit(np.arange(fit.sum()) % 4)
        each = more.get("alpha_per_target", False)
        model = linear.RidgeCV(ALPHAS, cv=inner, alpha_per_target=each).fit(P[fit], T[fit])
        predictions[test], means[test] = model.predict(P[test]), T[fit].mean(axis=0)
        np.testing.assert_allclose(found.alpha[k], model.alpha_, rtol=1e-12)
    np.testing.assert_allclose(found.predictions, predictions, rtol=0, atol=1e-8)
    residual, total = (np.sum((T - Z) ** 2, axis=0) for Z in (predictions, means))
    np.testing.assert_allclose(found.r2, 1 - residual / total, rtol=0, atol=1e-8)
    assert found.score == pytest.approx(1 - residual.sum() / total.sum(), abs=1e-8)
    r = [np.corrcoef((predictions - means)[:, j], (T - means)[:, j])[0, 1] for j in range(shape[2])]
    np.testing.assert_allclose(found.correlation, r, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(found.alphas.round(9), ALPHAS.round(9))


@pytest.mark.parametrize("device", DEVICES)
def test_by_hand(device: str) -> None:
    """Slope Sxy / (Sxx + alpha) = 2 / (5 + 5) about the means 1.5 and 2."""
    T, P = np.array([[0.0], [2], [4], [2]]), np.array([[0.0], [1], [2], [3]])
    found = gm.ridge_regression(T, P, alphas=5, cross_validate=None, device=device)
    slope = 4 / 10
    expected = 2 + slope * (P - 1.5)
    np.testing.assert_allclose(found.predictions, expected, atol=1e-14)
    assert found.score == pytest.approx(1 - np.sum((T - expected) ** 2) / 8, abs=1e-14)
    assert found.alpha.tolist() == [5.0]


def by_definition(T: Any, P: Any, parts: Any, alphas: Any) -> float:
    """The penalty whose squared error is smallest over parts that are left out, one by one."""
    errors = []
    for alpha in alphas:
        error = 0.0
        for part in np.unique(parts):
            fit, test = parts != part, parts == part
            A = P[fit] - P[fit].mean(axis=0)
            W = np.linalg.solve(A.T @ A + alpha * np.eye(A.shape[1]), A.T @ T[fit])
            predicted = T[fit].mean(axis=0) + (P[test] - P[fit].mean(axis=0)) @ W
            error += np.sum((T[test] - predicted) ** 2)
        errors.append(error)
    return float(alphas[np.argmin(errors)])


@pytest.mark.parametrize("device", DEVICES)
def test_groups_are_left_out_together(device: str) -> None:
    """Samples that come three times: leaving out one of them says nothing of the others."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(20), 3)
    P = np.repeat(rng.standard_normal((20, 12)), 3, axis=0)
    T = P[:, :2] + 3 * np.repeat(rng.standard_normal((20, 2)), 3, axis=0)
    options = {"alphas": ALPHAS, "cross_validate": None, "device": device}
    found = gm.ridge_regression(T, P, groups=groups, **options).alpha[0]
    alone = gm.ridge_regression(T, P, **options).alpha[0]
    assert found == by_definition(T, P, groups, ALPHAS)
    assert alone == by_definition(T, P, np.arange(60), ALPHAS)
    assert found > alone


@pytest.mark.parametrize("device", DEVICES)
def test_scales_and_offsets_do_not_matter(device: str) -> None:
    """By default the penalties are in units of the predictors."""
    T, P = recordings(80, 30, 4)
    expected = gm.ridge_regression(T, P, device=device).score
    for a, b in ((1e200, 1e-200), (2.0**-1040, 3.0), (1, 2.0**1000)):
        found = gm.ridge_regression(T * a, P * b, device=device)
        assert found.score == pytest.approx(expected, abs=1e-8 if a < 1e-300 else 1e-12)
    assert gm.ridge_regression(T - 1e6, P + 1e6, device=device).score == pytest.approx(
        expected, abs=1e-8
    )


@pytest.mark.parametrize("device", DEVICES)
def test_dead_units(device: str) -> None:
    T, P = recordings(60, 8, 4)
    T[:, 1], P[:, 3] = 0.1, 7.7
    with pytest.warns(RuntimeWarning, match="X has a constant unit"):
        found = gm.ridge_regression(T, P, alphas=ALPHAS, device=device)
    assert np.isnan(found.r2).tolist() == [False, True, False, False]
    assert np.isnan(found.correlation).tolist() == [False, True, False, False]
    living = gm.ridge_regression(T[:, [0, 2, 3]], P, alphas=ALPHAS, device=device)
    assert found.score == pytest.approx(living.score, abs=1e-13)
    with pytest.warns(RuntimeWarning, match="Y is constant"):
        found = gm.ridge_regression(T, np.full((60, 2), 0.1), device=device)
    assert np.isnan(found.score)
    assert repr(found).startswith("<RidgeRegression x from y: 4 units, R² nan")


def test_a_map_is_its_pairs() -> None:
    T, P = recordings(60, 80, 70)
    A, B = {"all": T, "some": T[:, :5]}, {"wide": P, "narrow": P[:, :6]}
    for more in ({}, {"alpha_per_target": True}, {"inner_folds": 3}):
        S = gm.compare(A, B, measure="ridge_regression", **more)
        expected = [
            [gm.ridge_regression(x, y, **more).score for y in B.values()] for x in A.values()
        ]
        np.testing.assert_allclose(S.values, expected, rtol=0, atol=1e-12)


def test_what_comes_in_batches() -> None:
    T, P = recordings(100, 6, 4)
    options = {"measure": "ridge_regression", "alphas": 2.0, "cross_validate": None}
    acc = gm.Accumulator(**options)
    for rows in np.split(np.arange(100), 4):
        acc.update(T[rows], P[rows])
    expected = gm.compare([T], [P], **options).values
    np.testing.assert_allclose(acc.compute().values, expected, rtol=0, atol=1e-13)
    with pytest.raises(ValueError, match=r"^cross_validate must be None for samples that come"):
        gm.Accumulator("ridge_regression")
    with pytest.raises(ValueError, match=r"^alphas must be one number for samples that come"):
        gm.Accumulator("ridge_regression", cross_validate=None)


def test_independent_units_are_not_predicted() -> None:
    """Neither R² nor r is far from 0, though there are more units than samples."""
    rng = np.random.default_rng(0)
    found = gm.ridge_regression(rng.standard_normal((200, 50)), rng.standard_normal((200, 500)))
    assert abs(found.score) < 0.05
    assert abs(np.nanmean(found.correlation)) < 0.05


REFUSED = {
    "alphas must be finite and > 0, got 0.": {"alphas": [1, 0]},
    "inner_folds must be between 2 and half the number of samples, 24, got 25.": {
        "inner_folds": 25
    },
    "cross_validate must be between 2 and half the number of samples, 30, got 31.": {
        "cross_validate": 31
    },
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("message", REFUSED, ids=plain)
def test_refusals(message: str, device: str) -> None:
    T, P = recordings(60, 5, 4)
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        gm.ridge_regression(T, P, device=device, **REFUSED[message])
    assert str(caught.value) == message
    with pytest.raises(MemoryError, match=r"^X \(60, 4\) and Y \(60, 5\) would take"):
        gm.ridge_regression(T, P, max_memory=100)


@pytest.mark.parametrize("inner", [-(10**400), 1, 21])
@pytest.mark.parametrize("function", [gm.plan, gm.compare])
def test_inner_folds_are_those_that_there_can_be(function: Any, inner: int) -> None:
    responses, layer = recordings(40, 3, 2)
    with pytest.raises(ValueError, match="inner_folds must be between 2 and half the number"):
        function([responses], [layer], measure="ridge_regression", inner_folds=inner)
