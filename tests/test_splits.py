"""Folds of one's own, and groups: which samples are fitted, and which are held out."""

from __future__ import annotations

from typing import Any

import inputs
import numpy as np
import pytest
from ids import plain

import gramian as gm

N = 60
GROUPS = np.arange(N) // 6
DEVICES = ("cpu", "reference")


def held_out(X: Any, Y: Any, folds: Any) -> float:
    """R² of X from Y by least squares, pooled over pairs (train, test)."""
    residual = total = 0.0
    for fit, test in folds:
        A = np.column_stack([np.ones(len(fit)), Y[fit]])
        weights = np.linalg.lstsq(A, X[fit], rcond=None)[0]
        predicted = np.column_stack([np.ones(len(test)), Y[test]]) @ weights
        residual += np.sum((X[test] - predicted) ** 2)
        total += np.sum((X[test] - X[fit].mean(axis=0)) ** 2)
    return float(1 - residual / total)


def by_labels(labels: Any) -> list[tuple[Any, Any]]:
    return [
        (np.flatnonzero(labels != one), np.flatnonzero(labels == one)) for one in np.unique(labels)
    ]


@pytest.mark.parametrize("device", DEVICES)
def test_labels_pairs_and_numbers(device: str) -> None:
    X, Y = inputs.pair(N, 5, 4)
    by_number = gm.linear_regression(X, Y, cross_validate=5, device=device)
    assert by_number == pytest.approx(held_out(X, Y, by_labels(np.arange(N) % 5)), abs=1e-13)
    words = np.array(list("abcde"))[np.arange(N) % 5]
    for same in (np.arange(N) % 5, (np.arange(N) % 5).tolist(), words):
        found = gm.linear_regression(X, Y, cross_validate=same, device=device)
        assert found == pytest.approx(by_number, abs=1e-14)
    # Folds may leave samples out, and test some of them more than once.
    some = [(np.arange(20, 60), np.arange(10)), (np.arange(30, 60), np.arange(5, 20))]
    masks = [tuple(np.isin(np.arange(N), one) for one in pair) for pair in some]
    for given in (some, iter(some), masks, [(f.tolist(), t.tolist()) for f, t in some]):
        found = gm.linear_regression(X, Y, cross_validate=given, device=device)
        assert found == pytest.approx(held_out(X, Y, some), abs=1e-13)


@pytest.mark.parametrize("device", DEVICES)
def test_splitters(device: str) -> None:
    splits = pytest.importorskip("sklearn.model_selection")
    X, Y = inputs.pair(N, 5, 4)
    for splitter, groups in (
        (splits.KFold(5), None),
        (splits.ShuffleSplit(4, test_size=0.3, random_state=0), None),
        (splits.GroupKFold(5), GROUPS),
        (splits.LeaveOneGroupOut(), GROUPS),
    ):
        expected = held_out(X, Y, splitter.split(X, None, groups))
        for given in (splitter, splitter.split(X, None, groups)):
            found = gm.linear_regression(X, Y, cross_validate=given, groups=groups, device=device)
            assert found == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("device", DEVICES)
def test_groups_are_in_one_fold(device: str) -> None:
    """Shared out in the order in which they come, whatever their labels are."""
    X, Y = inputs.pair(N, 5, 4)
    names = np.array([f"run {9 - k}" for k in GROUPS])
    expected = held_out(X, Y, by_labels(GROUPS % 5))
    for groups in (GROUPS, names, names.tolist()):
        found = gm.linear_regression(X, Y, cross_validate=5, groups=groups, device=device)
        assert found == pytest.approx(expected, abs=1e-13)
    S = gm.compare(
        [X], [Y], measure="linear_regression", cross_validate=5, groups=names, device=device
    )
    assert S.values[0, 0] == pytest.approx(expected, abs=1e-13)
    assert S.options["groups"] == "10 labels"
    assert gm.cca(X, Y, cross_validate=5, groups=names, device=device).mean == pytest.approx(
        gm.cca(X, Y, cross_validate=GROUPS % 5, device=device).mean, abs=1e-13
    )


def test_positions_of_an_example_are_in_one_fold() -> None:
    X, Y = (np.repeat(one, 3, axis=0).reshape(20, 3, -1) for one in inputs.pair(20, 5, 4))
    X, Y = (
        one + 0.1 * np.random.default_rng(k).standard_normal(one.shape)
        for k, one in enumerate((X, Y))
    )
    options = {"layout": "ntd", "positions": "samples", "cross_validate": 5}
    flat = X.reshape(60, -1), Y.reshape(60, -1)
    expected = held_out(*flat, by_labels(np.arange(60) // 3 % 5))
    assert gm.linear_regression(X, Y, **options) == pytest.approx(expected, abs=1e-13)
    S = gm.compare([X], [Y], measure="linear_regression", **options)
    assert S.values[0, 0] == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("measure", ["linear_regression", "cca", "ridge_regression"])
def test_draws_take_their_labels_along(measure: str) -> None:
    """Half of the samples keep their folds: those of the values on half of the samples."""
    X, Y = inputs.pair(N, 5, 4)
    folds = GROUPS % 5
    found = gm.bootstrap(X, Y, measure=measure, cross_validate=folds, n_resamples=4, rng=0)
    from gramian._inference.draws import Draws, check_rng

    draws = Draws(N, None, check_rng(0))
    call = gm._measures.registry.MEASURES[measure].call  # type: ignore[attr-defined]
    for k, replicate in enumerate(found.replicates):
        chosen = draws.chosen(k, "half")
        expected = call(X[chosen], Y[chosen], cross_validate=folds[chosen])
        assert replicate == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("device", DEVICES)
def test_direction(device: str) -> None:
    X, Y = inputs.pair(N, 5, 4)
    turned = {"direction": "y from x", "device": device}
    for call in (gm.linear_regression, gm.ridge_regression):
        options = {} if call is gm.linear_regression else {"cross_validate": 4}
        found, expected = call(X, Y, **turned, **options), call(Y, X, device=device, **options)
        assert getattr(found, "score", found) == getattr(expected, "score", expected)
    options = {"measure": "linear_regression", **turned}
    S = gm.compare({"a": X, "b": X[:, :2]}, {"c": Y}, **options)
    assert S.values.shape == (2, 1)
    assert S.values[1, 0] == pytest.approx(gm.linear_regression(Y, X[:, :2]), abs=1e-13)
    own = gm.compare([X, Y], **options).values
    np.testing.assert_allclose(
        own, gm.compare([X, Y], measure="linear_regression").values.T, atol=1e-13
    )
    # What is prepared once for all orders and all samples left out, against one by one.
    null = gm.permutation_test(X, Y, measure="linear_regression", n_permutations=3, rng=0, **turned)
    left = gm.jackknife(X, Y, measure="linear_regression", **turned)
    other = gm.jackknife(Y, X, measure="linear_regression", device=device)
    np.testing.assert_allclose(left.replicates, other.replicates, atol=1e-12)
    assert np.all(null.null < null.statistic)


REFUSED = {
    "cross_validate must hold a fold label for each of the 60 samples, got shape (5,).": {
        "cross_validate": np.arange(5)
    },
    "cross_validate must hold at least 2 different fold labels, got 1.": {
        "cross_validate": np.zeros(N, int)
    },
    "cross_validate must not fit what it tests: sample 1 is in both of a pair.": {
        "cross_validate": [([0, 1, 2], [1, 3])]
    },
    "cross_validate must hold indices from 0 to 59, got 60.": {"cross_validate": [([0, 1], [60])]},
    "cross_validate must leave at least 2 samples to fit and 1 to test: fold 0 fits 1 and tests "
    "2.": {"cross_validate": [([0], [1, 2])]},
    "cross_validate must keep the samples of a group in one fold.": {
        "cross_validate": np.arange(N) % 5,
        "groups": GROUPS,
    },
    "cross_validate must be between 2 and the number of groups, 10, got 11.": {
        "cross_validate": 11,
        "groups": GROUPS,
    },
    "groups must be None without cross_validate.": {"groups": GROUPS},
    "direction must be 'x from y' or 'y from x', got 'x'.": {"direction": "x"},
}


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("message", REFUSED, ids=plain)
def test_refusals(message: str, device: str) -> None:
    X, Y = inputs.pair(N, 5, 4)
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        gm.linear_regression(X, Y, device=device, **REFUSED[message])
    assert str(caught.value) == message
