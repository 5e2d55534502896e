"""Curves over layers, grids of runs, and many models by their distances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from comparisons import comparison

import gramian as gm
from gramian._show import grids
from gramian._show.models import scaled_classically

if TYPE_CHECKING:
    from collections.abc import Iterator

NAN = np.nan


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def legend(ax: Any) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


# Curves.


def test_best_match() -> None:
    values = [[0.2, 0.9, 0.1], [NAN, 0.3, 0.6]]
    ax = comparison(values).plot_curve(best=True)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [0.9, 0.6])
    assert ax.get_ylabel() == "CKA, best match"
    assert [text.get_text() for text in ax.texts] == ["b1", "b2"]
    far = comparison([[0.2, 0.9, 0.1]], "cka_distance").plot_curve(best=True)
    np.testing.assert_array_equal(far.lines[0].get_ydata(), [0.1])
    with pytest.raises(ValueError, match=r"got 2 x 3; best=True draws each layer's best match"):
        comparison(values).plot_curve()
    with pytest.raises(TypeError, match=r"^best must be"):
        comparison(values).plot_curve(best=1)  # type: ignore[arg-type]


def test_several_curves_in_one_picture() -> None:
    ends = gm.Inference("bootstrap", 99, 0.9, low=np.full((3, 1), -0.2), high=np.full((3, 1), 0.9))
    first = comparison([[0.1], [0.5], [0.4]], inference=ends)
    ax = first.plot_curve(label="V1", title="mine", figsize=(4, 3))
    second = comparison([[0.2], [0.3], [0.6]])
    assert second.plot_curve(ax, label="$V4") is ax
    assert legend(ax) == ["V1", "V1, 90% interval", "$V4"]
    assert ax.get_title().startswith("Linear CKA")  # of the one that was drawn last
    low, high = ax.get_ylim()
    assert low < -0.2
    assert high >= 1
    assert ax.get_xlabel() == "layers, with b0"


def test_the_band_is_the_interval() -> None:
    low, high = np.array([[0.1, 0.2]]), np.array([[0.3, 0.6]])
    S = comparison([[0.2, 0.4]], inference=gm.Inference("jackknife", 9, 0.95, low=low, high=high))
    ax = S.plot_curve()
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    for place in (0, 1):
        at = corners[corners[:, 0] == place][:, 1]
        assert (at.min(), at.max()) == (low[0, place], high[0, place])
    assert legend(ax) == ["CKA", "95% interval"]


# Grids of runs.


def test_mean_and_spread_of_runs() -> None:
    runs = np.array([[[0.1, 0.5]], [[0.3, NAN]], [[0.8, 0.5]]])
    mean, spread = grids.moments(runs)
    assert mean[0, 0] == pytest.approx(0.4, abs=1e-15)
    assert spread[0, 0] == pytest.approx(np.sqrt((0.09 + 0.01 + 0.16) / 2), abs=1e-15)
    assert np.isnan([mean[0, 1], spread[0, 1]]).all()
    assert np.isnan(grids.moments(runs[:1])[1]).all()


@pytest.mark.parametrize("count", [1, 3, 8, 30])
def test_a_grid_of_runs(count: int) -> None:
    runs = np.random.default_rng(0).random((count, 4, 4))
    shown = comparison(runs[0])._map()
    names = [f"seed {k}" for k in range(count)]
    figure = grids.grid(runs, names, shown)
    figure.canvas.draw()
    drawn = min(count, grids.MOST)
    titles = [ax.get_title() for ax in figure.axes if ax.get_title()]
    assert titles == [*names[:drawn], f"mean of {count}", f"spread of {count}"]
    images = [ax.images[0] for ax in figure.axes if ax.get_title()]
    np.testing.assert_array_equal(images[0].get_array(), runs[0])
    np.testing.assert_allclose(images[drawn].get_array(), runs.mean(axis=0))
    assert {image.get_clim() for image in images[:-1]} == {(0, 1)}
    title = figure.get_suptitle()
    assert ("the first 24 of 30 runs are drawn" in title) == (count > grids.MOST)


# Many models.


def test_classical_scaling_finds_points_of_a_plane() -> None:
    points = np.random.default_rng(0).standard_normal((9, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    found, share = scaled_classically(distances)
    again = np.linalg.norm(found[:, None] - found[None], axis=2)
    np.testing.assert_allclose(again, distances, atol=1e-12)
    assert share == pytest.approx(1)
    # Three corners of a regular simplex of four: the plane has two of three equal directions.
    _, share = scaled_classically(1.0 - np.eye(4))
    assert share == pytest.approx(2 / 3)
    assert scaled_classically(np.zeros((3, 3)))[1] == 1


def test_a_tree_joins_close_models_first() -> None:
    pytest.importorskip("scipy")
    D = np.array([[0, 0.2, 0.9, 1.0], [0.2, 0, 0.8, 0.9], [0.9, 0.8, 0, 0.4], [1.0, 0.9, 0.4, 0]])
    S = comparison(D, "cka_distance", y_names=["a0", "a1", "a2", "a3"])
    ax = gm.plot_models(S, groups=["cnn", "cnn", "$mlp", "$mlp"])
    order = [label.get_text() for label in ax.get_yticklabels()]
    assert {order.index("a0"), order.index("a1")} in ({0, 1}, {2, 3})
    joins = sorted({round(float(x), 9) for lines in ax.collections for path in lines.get_paths()
                    for x in path.vertices[1:3, 0]})  # fmt: skip
    assert joins == [0.2, 0.4, 0.9]  # the last is the mean of .9, 1., .8 and .9
    assert ax.get_xlabel() == "CKA distance"
    assert legend(ax) == ["cnn", "$mlp"]
    assert "average linkage" in ax.get_title()


def test_names_of_points_cover_nothing() -> None:
    rng = np.random.default_rng(1)
    points = rng.standard_normal((12, 2))
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    ax = gm.plot_models(distances, [f"model-{k}" for k in range(12)], kind="plane")
    ax.figure.canvas.draw()
    from matplotlib.text import Text

    boxes = [Text.get_window_extent(text) for text in ax.texts]  # without the lines to points
    assert len(boxes) == 12
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    frame = ax.get_window_extent().padded(2)
    assert all(frame.containsx(box.x0) and frame.containsx(box.x1) for box in boxes)


@pytest.mark.parametrize(
    ("distances", "options", "error", "message"),
    [
        (np.zeros((2, 3)), {}, ValueError, r"square, of two models at least, got shape \(2, 3\)"),
        (np.zeros((1, 1)), {}, ValueError, r"got shape \(1, 1\)"),
        (np.eye(2), {}, ValueError, "^distances must be 0 on the diagonal, got 1"),
        ([[0, 1], [2, 0]], {}, ValueError, r"symmetric, got two that differ by 1; \(D \+ D\.T\)"),
        ([[0, -1], [-1, 0]], {}, ValueError, "^distances must be 0 or larger, got -1"),
        ([[0, NAN], [NAN, 0]], {}, ValueError, r"finite, got nan at \(0, 1\); leave such models"),
        (comparison(np.eye(2)), {}, ValueError, "got the similarity 'cka'; .*'cka_distance'"),
        (np.zeros((2, 2)), {"kind": "forest"}, ValueError, "^kind must be 'tree' or 'plane', got"),
        (np.zeros((2, 2)), {"names": ["a"]}, ValueError, "^names must be of 2 models, got 1"),
        (np.zeros((2, 2)), {"groups": "ab"}, TypeError, "^groups must be a sequence of names"),
        ("D.npy", {}, TypeError, "^values must be|^distances must be"),
    ],
)
def test_distances_that_are_refused(
    distances: Any, options: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        gm.plot_models(distances, **options)
