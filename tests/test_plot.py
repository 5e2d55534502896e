"""Heat maps: what is drawn with matplotlib, and what is printed."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from comparisons import comparison

import gramian as gm
from gramian._input import write

if TYPE_CHECKING:
    from collections.abc import Iterator


NAN = math.nan


@pytest.fixture(autouse=True)
def pyplot(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Matplotlib without a screen; figures are closed, and showing one fails."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("a library does not show figures")

    monkeypatch.setattr(pyplot, "show", refuse)
    yield pyplot
    pyplot.close("all")


def names(axis: Any) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def pixel(ax: Any, x: float, y: float) -> np.ndarray:
    """Return the RGB of a figure at a point in data coordinates."""
    ax.figure.canvas.draw()
    image = np.asarray(ax.figure.canvas.buffer_rgba())
    column, row = ax.transData.transform((x, y))
    return image[round(image.shape[0] - row), round(column), :3] / 255


def test_the_first_layer_is_on_top() -> None:
    """As in `values`, in print and in tables."""
    S = comparison([[0.0, 0.25, 0.5], [0.75, 0.9, 1.0]])
    ax = S.plot(annotate=False)
    assert names(ax.xaxis) == ["b0", "b1", "b2"]
    assert names(ax.yaxis) == ["a0", "a1"]
    assert ax.get_xlabel() == "layers of B"
    assert ax.get_ylabel() == "layers of A"
    assert ax.get_title() == "Linear CKA, n = 100"
    image = ax.images[0]
    for i, j in np.ndindex(2, 3):
        shown = pixel(ax, j, i)
        np.testing.assert_allclose(shown, image.cmap(S.values[i, j])[:3], atol=2 / 255)
    first, second = (ax.transData.transform((0, i))[1] for i in (0, 1))
    assert first > second


def test_axes_are_returned_and_belong_to_the_caller(pyplot: Any) -> None:
    assert comparison([[1.0]]).plot().figure.axes
    figure, (left, right) = pyplot.subplots(1, 2)
    before = pyplot.get_fignums()
    assert comparison([[1.0]]).plot(right) is right
    assert pyplot.get_fignums() == before
    assert not left.images
    assert figure.axes == [left, right]  # the color bar is inside of the axes that were given


def test_cells_are_square_where_both_sides_are_one_model() -> None:
    one = comparison(np.eye(3), y_names=["a0", "a1", "a2"]).plot()
    assert one.get_aspect() == 1
    assert comparison(np.eye(3)).plot().get_aspect() == "auto"


@pytest.mark.parametrize(
    ("measure", "values", "expected"),
    [
        ("cka", [[0.4, 0.6]], (0, 1)),
        ("cka", [[-0.1, 1.0000001]], (-0.1, 1)),
        ("cka", [[0.02, 0.27]], (0, 0.3)),  # or all would be black
        ("cka", [[0.02, 0.5]], (0, 0.5)),
        ("cka", [[0.02, 0.501]], (0, 1)),
        ("cka", [[0.001]], (0, 0.01)),
        ("cka_distance", [[0.4, 0.6]], (0, math.pi / 2)),
        ("cka_distance", [[1.2, 1.5]], (0.75 * math.pi / 2, math.pi / 2)),
        ("procrustes_distance", [[0.1, 1.2]], (0, math.sqrt(2))),
        ("match_one_to_one", [[-0.3, 0.6]], (-0.25, 1)),
        ("hsic", [[5.0, 30.0]], (0, 30)),
        ("hsic", [[-2.0, 30.0]], (-2, 30)),
        ("hsic", [[-2.0, -1.0]], (-2, 0)),
        ("a_difference", [[-2.0, 1.0]], (-2, 2)),
        ("hsic", [[NAN, math.inf]], (0, 1)),
        ("a_measure_of_tomorrow", [[5.0, 30.0]], (0, 30)),
    ],
)
def test_color_range(measure: str, values: Any, expected: tuple[float, float]) -> None:
    ax = comparison(values, measure).plot()
    assert ax.images[0].get_clim() == pytest.approx(expected)
    bar = ax.images[0].colorbar
    assert (bar.vmin, bar.vmax) == pytest.approx(expected)
    limits = {"vmin": -0.5, "vmax": 2.0}
    assert comparison(values, measure).plot(**limits).images[0].get_clim() == (-0.5, 2.0)


def luminance(ax: Any, x: float, y: float) -> float:
    return float(pixel(ax, x, y) @ (0.3, 0.59, 0.11))


def test_similar_is_bright() -> None:
    ax = comparison([[0.1, 0.9]]).plot(annotate=False)
    assert luminance(ax, 0, 0) < luminance(ax, 1, 0)
    ax = comparison([[0.1, 0.9]], "cka_distance").plot(annotate=False)
    assert luminance(ax, 0, 0) > luminance(ax, 1, 0)


def test_negative_values_have_colors_of_their_own() -> None:
    """And the color bar an arrow where they are many, and no rounding or scale of one's own."""
    ax = comparison([[-0.4, -0.06, -0.005, 0.0, 0.005, 0.9]]).plot(annotate=False)
    assert ax.images[0].colorbar.extend == "min"
    far, negative, near, zero, above, _ = (pixel(ax, j, 0) for j in range(6))
    assert np.abs(far - zero).max() > 0.25
    assert far[2] > far[0] + 0.2  # bluish, as no other color of the scale so dark
    assert 0.08 < np.abs(negative - zero).max() < 0.15
    assert max(np.abs(near - zero).max(), np.abs(above - zero).max()) < 0.02
    assert comparison([[-0.1, 0.9]]).plot().images[0].colorbar.extend == "neither"
    rounded = comparison([[-1e-9, 0.5, 1 + 1e-9]]).plot()
    assert rounded.images[0].colorbar.extend == "neither"
    assert comparison([[0.1, 0.9]]).plot(vmax=0.5).images[0].colorbar.extend == "max"
    both = comparison([[0.1, 0.9]]).plot(vmin=0.2, vmax=0.5).images[0].colorbar
    assert both.extend == "both"


def test_differences_are_red_and_blue() -> None:
    S = comparison([[-0.5, 0.0, 0.25]], "a_difference")
    ax = S.plot(annotate=False)
    below, zero, above = (pixel(ax, j, 0) for j in range(3))
    assert below[2] > below[0] + 0.3
    assert above[0] > above[2] + 0.2
    assert zero.min() > 0.95
    assert comparison([[-1e-9, 2e-8]], "hsic").plot().images[0].cmap.name.startswith("magma")


def test_undefined_is_hatched_and_named() -> None:
    ax = comparison([[NAN, 0.5]]).plot(annotate=False)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["undefined"]
    patch = [pixel(ax, x, y) for x in np.linspace(-0.3, 0.3, 25) for y in (0.0, 0.1)]
    assert np.ptp(np.mean(patch, axis=1)) > 0.2  # light and dark in turn
    assert np.ptp(patch, axis=1).max() < 0.01  # and gray
    assert comparison([[0.1, 0.5]]).plot().get_legend() is None


def test_numbers() -> None:
    ax = comparison([[0.05, 0.1234], [1.0, NAN]]).plot()
    assert [text.get_text() for text in ax.texts] == ["0.050", "0.123", "1.000", "–"]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_color() for text in ax.texts] == ["w", "w", "k", "k"]
    assert not comparison([[0.05]]).plot(annotate=False).texts
    large = np.full((60, 60), 0.5)
    assert not comparison(large).plot().texts
    assert len(comparison(large).plot(annot=True).texts) == 3600


@pytest.mark.parametrize(
    ("values", "measure"),
    [
        (np.full((24, 24), 0.5), "cka"),
        (np.full((6, 6), 1.832e-8), "hsic"),
        (np.full((3, 5), -12345.678), "hsic"),
    ],
)
@pytest.mark.parametrize("annotate", [None, True])
def test_numbers_stay_in_their_cells(values: Any, measure: str, annotate: bool | None) -> None:
    ax = comparison(values, measure).plot(annotate=annotate)
    ax.figure.canvas.draw()
    assert ax.texts
    rows, columns = values.shape
    box = ax.get_window_extent()
    for text in ax.texts:
        extent = text.get_window_extent()
        assert extent.width < box.width / columns
        assert extent.height < 1.4 * box.height / rows  # of the line, with room above digits


def test_numbers_of_unusual_size_share_a_power_of_ten() -> None:
    ax = comparison([[1.832e-8, 5e-10]], "hsic").plot()
    assert [text.get_text() for text in ax.texts] == ["1.832", "0.050"]
    bar = ax.images[0].colorbar
    assert bar.ax.get_ylabel() == "HSIC (numbers × 10⁻⁸)"
    ax.figure.canvas.draw()
    labels = [float(label) for label in names(bar.ax.yaxis)]
    assert max(labels) <= 2
    assert len(set(labels)) == len(labels) > 2


def test_many_names_are_thinned(pyplot: Any) -> None:
    n = 200
    S = comparison(np.eye(n), y_names=[f"encoder.layers.{j}.attention.output" for j in range(n)])
    ax = S.plot()
    ax.figure.canvas.draw()
    for axis, full in ((ax.xaxis, range(n)), (ax.yaxis, S.x_names)):
        places = [int(tick) for tick in axis.get_ticklocs()]
        assert 15 < len(places) < 50
        assert places[0] == 0
        assert len(set(np.diff(places))) == 1
        for place, name in zip(places, names(axis), strict=True):
            assert name == str(full[place])
        boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))
    assert ax.get_xlabel() == "layers of B: encoder.layers.*.attention.output"
    ax.set_xlim(-0.5, 9.5)  # as who zooms in
    ax.figure.canvas.draw()
    assert names(ax.xaxis) == [str(j) for j in range(10)]


def test_names_are_no_formulas() -> None:
    ax = comparison([[0.5]], x_names=["$x"], y_names=["$\\nope$"]).plot()
    ax.figure.canvas.draw()
    assert names(ax.xaxis) == [r"\$\nope\$"]  # drawn without the backslashes before $


PARTS = ["attn.out_proj", "mlp.dense_to_h", "norm"]
LONG = [f"model.decoder.layers.{k // 3}.{PARTS[k % 3]}" for k in range(24)]


def outside(ax: Any) -> Any:
    """Return what a picture takes with all that is around it."""
    return ax.get_tightbbox()


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_pictures_in_a_grid_keep_to_their_place(pyplot: Any, layout: str | None) -> None:
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.5), layout=layout)
    for k, ax in enumerate(axes.flat):
        values = np.eye(24) if k % 2 else np.full((24, 24), NAN)
        comparison(values, x_names=LONG, y_names=LONG).plot(ax)
    figure.canvas.draw()
    boxes = [outside(ax) for ax in axes.flat]
    assert not any(a.overlaps(b) for k, a in enumerate(boxes) for b in boxes[:k])
    for ax, box in zip(axes.flat, boxes, strict=True):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        assert ax.get_window_extent().width > 0.25 * figure.bbox.width / 3


@pytest.mark.parametrize("suffix", ["png", "pdf", "svg"])
def test_a_column_of_a_paper(tmp_path: Path, suffix: str) -> None:
    """Nothing is cut off, and text is text."""
    S = comparison(np.eye(24), x_names=LONG, y_names=LONG)
    ax = S.plot(figsize=(3.3, 2.8))
    ax.figure.canvas.draw()
    box = outside(ax)
    assert box.x0 >= -1
    assert box.y0 >= -1
    assert box.x1 <= ax.figure.bbox.x1 + 1
    assert box.y1 <= ax.figure.bbox.y1 + 1
    path = tmp_path / f"map.{suffix}"
    write.draw(path, S._figure())
    content = path.read_bytes()
    magic = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}[suffix]
    assert content.startswith(magic)
    if suffix == "svg":
        assert b">layers of A: model.decoder.layers.*</text>" in content
    if suffix == "pdf":
        assert b"/Type3" not in content  # outlines that no reader can search
        assert b"/FontFile2" in content


def test_layers_among_themselves_are_those_of_one_side() -> None:
    rng = np.random.default_rng(0)
    A, B = ({name: rng.standard_normal((40, 5)) for name in "ab"} for _ in range(2))
    for measure in ("cka", "hsic", "linear_regression", "cka_distance", "match_semi"):
        S = gm.compare(A, measure=measure)
        ax = S.plot(annotate=False)
        assert (ax.get_xlabel(), ax.get_ylabel()) == ("layers of A", "layers of A")
        assert "2 layers of A, 40 samples" in S.to_html()
        assert '"sides":["A","A"]' in S.to_html()
        T = gm.compare(A, B, measure=measure)
        assert T.plot(annotate=False).get_xlabel() == "layers of B"
        assert "2 layers of A, 2 of B, 40 samples" in T.to_html()


def test_titles_of_differences_are_in_words() -> None:
    linear = comparison([[0.5]], options={"kernel": "linear", "debiased": True})
    options = {"kernel": "rbf", "bandwidth": 1.0, "debiased": False, "groups": "a) 'b'"}
    rbf = comparison([[0.5]], options=options)
    words = "CKA (RBF kernel, bandwidth 1 × median distance, biased estimator"
    for S, title in (
        (linear - rbf, f"Linear CKA (debiased) - {words}"),
        (1 - linear, "1 - linear CKA (debiased)"),
        ((linear - rbf) / 2, f"(linear CKA (debiased) - {words}"),
        (linear - linear, "Difference of linear CKA (debiased)"),
    ):
        assert str(S).startswith(title)
    unknown = comparison([[0.5]], "f(a=1) - cka(sigma=inf)", options={})
    assert str(unknown).startswith("F(a=1) - cka(sigma=inf)")
