"""Comparisons of several runs, put together: their mean, their spread, what cannot be put so."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparisons import comparison

import gramian as gm

VALUES = np.array([[[0.5, 0.25], [1.0, 0.0]], [[0.75, 0.5], [0.5, 0.25]], [[1.0, 0.0], [0.0, 0.5]]])
SEEDS = [comparison(values) for values in VALUES]


def test_values_names_and_options() -> None:
    runs = gm.concat(SEEDS)
    np.testing.assert_array_equal(runs.values, VALUES)
    np.testing.assert_array_equal(np.asarray(runs), VALUES)
    assert runs.names == ("0", "1", "2")
    assert (runs.x_names, runs.y_names) == (SEEDS[0].x_names, SEEDS[0].y_names)
    assert (runs.measure, runs.options, runs.n_samples) == ("cka", {"kernel": "linear"}, 100)
    assert repr(runs) == "<Runs of cka(kernel='linear'): 3 runs of 2 x 2 layers, 100 samples>"
    assert len(runs) == 3
    with pytest.raises(ValueError, match="read-only"):
        runs.values[0] = 1


def test_of_a_mapping() -> None:
    runs = gm.concat({"seed 0": SEEDS[0], "seed 1": SEEDS[1]})
    assert runs.names == ("seed 0", "seed 1")
    assert runs["seed 1"] == SEEDS[1]
    assert runs[-1] == SEEDS[1]
    assert list(runs) == SEEDS[:2]


def test_mean_and_spread() -> None:
    runs = gm.concat(SEEDS)
    mean, spread = runs.mean(), runs.std()
    np.testing.assert_array_equal(mean.values, np.mean(VALUES, axis=0))
    np.testing.assert_allclose(spread.values, np.std(VALUES, axis=0, ddof=1), rtol=1e-15)
    np.testing.assert_allclose(runs.std(ddof=0).values, np.std(VALUES, axis=0), rtol=1e-15)
    assert mean.measure == "cka"  # on its scale
    assert "mean of 3 runs" in str(mean)
    assert mean._limits() == SEEDS[0]._limits()
    assert spread.measure == "standard deviation of cka(kernel='linear')"
    assert np.isnan(gm.concat(SEEDS[:1]).std().values).all()


def test_layers_come_in_any_order() -> None:
    turned = SEEDS[1][::-1, ::-1]
    np.testing.assert_array_equal(gm.concat([SEEDS[0], turned]).values, VALUES[:2])


def test_what_was_done_may_differ() -> None:
    """Such as the precision of arithmetic; what the measure computes may not."""
    done = [{"kernel": "linear", "dtype": dtype} for dtype in ("float32", "float64")]
    runs = gm.concat([comparison(VALUES[0], options=options) for options in done])
    assert runs.options == {"kernel": "linear"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "hsic"}, r"same measure: the first has 'cka', run '1' has 'hsic'\."),
        ({"n_samples": 9}, r"same n_samples: the first has 100, run '1' has 9\."),
        ({"options": {"kernel": "rbf"}}, r"same kernel: the first has 'linear', run '1' has 'rbf'"),
        ({"options": {"kernel": "linear", "debiased": True}}, r"same debiased: the first has None"),
        ({"x_names": ("a", "b")}, r"same x_names: the first has \['a0', 'a1'\], run '1' has \["),
    ],
)
def test_runs_of_something_else(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^runs must have the {message}"):
        gm.concat([SEEDS[0], dataclasses.replace(SEEDS[1], **change)])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([],), ValueError, "runs must hold at least one comparison, got none."),
        (
            (SEEDS[0],),
            TypeError,
            "runs must be a mapping or a sequence of Comparison, got",
        ),
        (
            ([VALUES[0]],),
            TypeError,
            "runs must be a mapping or a sequence of Comparison, got",
        ),
        ((SEEDS, ["a"]), ValueError, "names must be 3 distinct names, got ['a']."),
        ((SEEDS, "aab"), TypeError, "names must be a sequence of names, got str."),
        (({"a": SEEDS[0]}, ["a"]), ValueError, "names must be None where runs are a mapping"),
    ],
)
def test_bad_use(arguments: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        gm.concat(*arguments)
    assert str(caught.value).startswith(message)


def test_no_such_run() -> None:
    with pytest.raises(KeyError, match=r"^nothing in runs is called 'x'"):
        gm.concat(SEEDS)["x"]
    with pytest.raises(KeyError, match=r"^runs must be the name or position of one, got '\*'"):
        gm.concat(SEEDS)["*"]


def test_table() -> None:
    pytest.importorskip("pandas")
    frame = gm.concat(SEEDS, list("abc")).to_pandas()
    assert list(frame.columns) == ["run", "x", "y", "value"]
    assert len(frame) == 12
    row = frame[(frame.run == "b") & (frame.x == "a0") & (frame.y == "b1")]
    assert row.value.tolist() == [0.5]
    np.testing.assert_allclose(
        frame.groupby(["x", "y"]).value.mean(), VALUES.mean(axis=0).ravel(), rtol=1e-15
    )


def test_picture() -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = gm.concat(SEEDS, ["one", "two", "three"]).plot(figure).axes
    titles = [ax.get_title() for ax in axes]
    assert {"one", "two", "three", "mean of 3"} <= set(titles)
    limits = {ax.images[0].get_clim() for ax in axes if ax.images and ax.get_title() in titles[:4]}
    assert len(limits) == 1


def test_file(tmp_path: Path) -> None:
    runs = gm.concat(SEEDS)
    runs.save(tmp_path / "runs.json")
    assert gm.load(tmp_path / "runs.json", gm.Runs) == runs
