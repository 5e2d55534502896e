"""Comparisons that carry p-values or intervals: one draw for all pairs, kept and drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inputs import pair

import gramian as gm
from gramian._inference.draws import Draws, check_rng
from gramian._inference.methods import family_wise

A = dict(zip("xyz", (*pair(40, 3, 4), pair(40, 5, 2)[0]), strict=True))
B = {"u": A["x"] @ np.ones((3, 2)) + pair(40, 2, 2)[0], "v": pair(40, 6, 2)[0]}
METHODS: list[dict[str, Any]] = [
    {"inference": "permutation", "n_resamples": 19, "rng": 0},
    {"inference": "bootstrap", "n_resamples": 20, "rng": 0},
    {"inference": "jackknife"},
]


@pytest.mark.parametrize("options", METHODS, ids=lambda options: options["inference"])
@pytest.mark.parametrize("measure", ["cka", "linear_regression", "procrustes_distance"])
def test_every_pair_is_as_alone(measure: str, options: dict[str, Any]) -> None:
    """With the same draws: seeds make them, whatever they are for."""
    S = gm.compare(A, B, measure=measure, **options)
    assert S.inference is not None
    np.testing.assert_array_equal(S.values, gm.compare(A, B, measure=measure).values)
    for (i, X), (j, Y) in ((i, j) for i in enumerate(A.values()) for j in enumerate(B.values())):
        common = {"measure": measure, "rng": 0}
        if options["inference"] == "permutation":
            test = gm.permutation_test(X, Y, n_permutations=19, **common)
            assert S.inference.pointwise[i, j] == test.pvalue
            continue
        if options["inference"] == "bootstrap":
            alone: Any = gm.bootstrap(X, Y, n_resamples=20, **common)
        else:
            alone = gm.jackknife(X, Y, measure=measure)
        found = [S.standard_error[i, j], S.low[i, j], S.high[i, j], S.inference.bias[i, j]]
        expected = [alone.standard_error, *alone.interval, alone.bias]
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("measure", ["cka", "linear_regression"])
def test_layers_among_themselves(measure: str) -> None:
    """The measure of x with y in another order is, where it is symmetric, one value of both."""
    S = gm.compare(A, measure=measure, inference="permutation", n_resamples=19, rng=0)
    draws = Draws(40, None, check_rng(0))
    call = gm.cka if measure == "cka" else gm.linear_regression
    layers = list(A.values())
    null = np.array(
        [[[call(x, y[order]) for y in layers] for x in layers] for order in draws.orders(0, 19)]
    )
    if measure == "cka":
        lower = np.tril(np.ones((3, 3), bool))
        null = np.where(lower, null, null.transpose(0, 2, 1))
    np.testing.assert_array_equal(S.pvalues, family_wise(S.values, null, 1e-16))
    if measure == "cka":
        np.testing.assert_array_equal(S.pvalues, S.pvalues.T)


def test_family_wise_by_hand() -> None:
    """Three orders, two pairs of different spread, in units of their own."""
    observed = np.array([[3.0, 10.0]])
    null = np.array([[[1.0, 10.0]], [[2.0, 40.0]], [[0.0, 20.0]]])
    together = np.concatenate([observed[None], null])[:, 0]
    scaled = (together - together.mean(0)) / together.std(0)
    largest = scaled[1:].max(axis=1)
    expected = [(1 + np.sum(largest >= scaled[0, j])) / 4 for j in (0, 1)]
    assert expected[0] < expected[1]
    np.testing.assert_array_equal(family_wise(observed, null, 1e-16)[0], expected)


def test_family_wise_error() -> None:
    """Some pair of 16 is below .1 in a tenth of maps of noise; pair by pair in most of them.

    The bound is passed once in a thousand times by chance.
    """
    any_of_family, any_of_all = 0, 0
    for seed in range(120):
        rng = np.random.default_rng([seed, 5])
        layers = rng.standard_normal((8, 20, 2))
        options = {"inference": "permutation", "n_resamples": 39, "rng": seed}
        S = gm.compare(list(layers[:4]), list(layers[4:]), **options)
        any_of_family += S.pvalues.min() <= 0.1
        any_of_all += S.inference.pointwise.min() <= 0.1
    assert any_of_family <= 12 + 3.1 * np.sqrt(120 * 0.1 * 0.9)
    assert any_of_all > 60


def test_calibrated_values() -> None:
    options = {"inference": "permutation", "n_resamples": 99, "rng": 3}
    S = gm.compare(A, B, calibrated=True, **options)
    for i, X in enumerate(A.values()):
        for j, Y in enumerate(B.values()):
            alone = gm.permutation_test(X, Y, n_permutations=99, rng=3)
            assert S.values[i, j] == pytest.approx(alone.calibrated, rel=0, abs=1e-12)
    assert S.inference.details == {"calibrated": True}
    with pytest.raises(ValueError, match="calibrated must be False for a measure whose largest"):
        gm.compare(A, B, measure="hsic", calibrated=True, **options)
    with pytest.raises(ValueError, match="calibrated must be False for inference='bootstrap'"):
        gm.compare(A, B, calibrated=True, inference="bootstrap")


def test_layers_that_cannot_be_used() -> None:
    holed = {**A, "holed": np.full((40, 2), np.nan), "still": np.ones((40, 2))}
    for options in METHODS:
        with pytest.warns(RuntimeWarning) as caught:
            S = gm.compare(holed, B, nan_policy="propagate", **options)
        assert {str(w.message).split()[0] for w in caught} == {"A['holed']", "A['still']"}
        whole = gm.compare(A, B, **options)
        for name, values in S.inference.arrays.items():
            assert np.isnan(values[3:]).all()
            np.testing.assert_allclose(values[:3], whole.inference.arrays[name], atol=1e-12)


@pytest.mark.parametrize("options", METHODS, ids=lambda options: options["inference"])
def test_saved_and_loaded(options: dict[str, Any], tmp_path: Path) -> None:
    S = gm.compare(A, B, **options)
    S.save(tmp_path / "s.json")
    T = gm.load(tmp_path / "s.json")
    assert repr(T) == repr(S)
    assert options["inference"] in repr(S)
    assert (T.inference.details, T.inference.level) == (S.inference.details, 0.95)
    assert set(T.inference.arrays) == set(S.inference.arrays)
    for name, values in S.inference.arrays.items():
        np.testing.assert_array_equal(T.inference.arrays[name], values)
        assert not values.flags.writeable


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ('"level": 0.95', "must have n_resamples, a whole number, and a level"),
        ('"method": "jackknife"', "must have a method, a word"),
        ('"low": [[', "its low must be 3 rows of 2 numbers"),
    ],
)
def test_damaged_files(wrong: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    gm.compare(A, B, inference="jackknife").save(path)
    text = path.read_text()
    assert wrong in text
    name, _, value = wrong.partition(": ")
    damaged = {"0.95": '"high"', '"jackknife"': "5", "[[": "[[0], ["}[value]
    path.write_text(text.replace(wrong, f"{name}: {damaged}"))
    with pytest.raises(ValueError, match=message):
        gm.load(path)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match="n_resamples must be None without inference, got 9"):
        gm.compare(A, B, n_resamples=9)
    with pytest.raises(ValueError, match="n_resamples must be None for the jackknife"):
        gm.compare(A, B, inference="jackknife", n_resamples=9)
    with pytest.raises(ValueError, match="level must be between 0 and 1, got 1"):
        gm.compare(A, B, inference="jackknife", level=1)
    with pytest.raises(ValueError, match=r"a label for each of the 40 samples, got shape \(4,\)"):
        gm.compare(A, B, inference="jackknife", groups=[1, 2, 3, 4])
    values = np.zeros((2, 2))
    wrong = gm.Inference("jackknife", 5, 0.95, low=np.zeros((2, 3)))
    with pytest.raises(ValueError, match="inference must have low of the shape of values"):
        gm.Comparison(values, ["a", "b"], ["c", "d"], "cka", {}, 9, wrong)
    with pytest.raises(TypeError, match="inference must be None or an Inference, got str"):
        gm.Comparison(values, ["a", "b"], ["c", "d"], "cka", {}, 9, "jackknife")  # type: ignore[arg-type]


@pytest.mark.parametrize("options", METHODS, ids=lambda options: options["inference"])
@pytest.mark.parametrize("measure", ["cka", "procrustes"])
def test_progress(measure: str, options: dict[str, Any]) -> None:
    told: list[tuple[int, int]] = []
    gm.compare(
        A, B, measure=measure, progress=lambda done, total: told.append((done, total)), **options
    )
    assert told == sorted(told)
    assert told[-1] == (1000, 1000)


def test_pictures() -> None:
    """Intervals stand below numbers, what is no finding is struck out, and curves have bands."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    S = gm.compare(A, B, inference="jackknife")
    texts = [text.get_text() for text in S.plot().texts]
    assert f"{S.values[0, 0]:.3f}" in texts
    assert f"{S.low[0, 0]:.3f} to {S.high[0, 0]:.3f}" in texts
    test = gm.compare(A, B, inference="permutation", n_resamples=99, rng=0)
    ax = test.plot()
    (struck,) = ax.collections
    assert len(struck.get_segments()) == np.sum(test.pvalues > 0.05)
    assert f"p = {test.pvalues[0, 0]:.2g}" in [text.get_text() for text in ax.texts]
    with pytest.raises(ValueError, match="one column, or as many of both, got 3 x 2"):
        S.plot_curve()
    for one in (gm.compare(A, [B["u"]], inference="jackknife"), gm.compare([B["u"]], A)):
        ax = one.plot_curve()
        (line,) = ax.lines
        np.testing.assert_array_equal(line.get_ydata(), one.values.ravel())
        assert [label.get_text() for label in ax.get_xticklabels()] == ["x", "y", "z"]
        assert len(ax.collections) == (one.inference is not None)
    turned = {name: A[name] for name in reversed(A)}
    (line,) = gm.compare(A, turned).plot_curve().lines
    np.testing.assert_allclose(line.get_ydata(), 1)  # each layer with that of its name
    pyplot.close("all")
