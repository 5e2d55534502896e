"""Heat maps: what is drawn with matplotlib, and what is printed."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from comparisons import comparison

if TYPE_CHECKING:
    from collections.abc import Iterator

    import gramian as gm

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


def test_rows_go_up_and_columns_right() -> None:
    S = comparison([[0.0, 0.25, 0.5], [0.75, 0.9, 1.0]])
    ax = S.plot(annotate=False)
    assert names(ax.xaxis) == ["b0", "b1", "b2"]
    assert names(ax.yaxis) == ["a0", "a1"]
    assert ax.get_xlabel() == "layers of B"
    assert ax.get_ylabel() == "layers of A"
    assert ax.get_title() == "cka(kernel='linear'), n = 100"
    image = ax.images[0]
    for i, j in np.ndindex(2, 3):
        shown = pixel(ax, j, i)
        np.testing.assert_allclose(shown, image.cmap(S.values[i, j])[:3], atol=2 / 255)
    low, high = (ax.transData.transform((0, i))[1] for i in (0, 1))
    assert low < high


def test_axes_are_returned_and_belong_to_the_caller(pyplot: Any) -> None:
    assert comparison([[1.0]]).plot().figure.axes
    figure, (left, right) = pyplot.subplots(1, 2)
    before = pyplot.get_fignums()
    assert comparison([[1.0]]).plot(right) is right
    assert pyplot.get_fignums() == before
    assert not left.images
    assert len(figure.axes) == 3  # the third is the color bar


@pytest.mark.parametrize(
    ("measure", "values", "expected"),
    [
        ("cka", [[0.4, 0.6]], (0, 1)),
        ("cka", [[-0.1, 1.0000001]], (0, 1)),
        ("cka_distance", [[0.4, 0.6]], (0, math.pi / 2)),
        ("hsic", [[5.0, 30.0]], (0, 30)),
        ("hsic", [[-2.0, 30.0]], (-2, 30)),
        ("hsic", [[NAN, math.inf]], (0, 1)),
        ("a_measure_of_tomorrow", [[5.0, 30.0]], (0, 30)),
    ],
)
def test_color_range(measure: str, values: Any, expected: tuple[float, float]) -> None:
    ax = comparison(values, measure).plot()
    assert ax.images[0].get_clim() == pytest.approx(expected)
    bar = ax.images[0].colorbar
    assert bar.ax.get_ylabel() == measure
    assert (bar.vmin, bar.vmax) == pytest.approx(expected)


def luminance(ax: Any, x: float, y: float) -> float:
    return float(pixel(ax, x, y) @ (0.3, 0.59, 0.11))


def test_similar_is_bright() -> None:
    ax = comparison([[0.1, 0.9]]).plot(annotate=False)
    assert luminance(ax, 0, 0) < luminance(ax, 1, 0)
    ax = comparison([[0.1, 0.9]], "cka_distance").plot(annotate=False)
    assert luminance(ax, 0, 0) > luminance(ax, 1, 0)


def test_undefined_is_gray() -> None:
    ax = comparison([[NAN, 0.5]]).plot(annotate=False)
    np.testing.assert_allclose(pixel(ax, 0, 0), 0.6, atol=0.01)


def test_numbers() -> None:
    ax = comparison([[0.05, 0.1234], [1.0, NAN]]).plot()
    assert [text.get_text() for text in ax.texts] == ["0.050", "0.123", "1.000", "nan"]
    assert [text.get_position() for text in ax.texts] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert [text.get_color() for text in ax.texts] == ["w", "w", "k", "k"]
    assert not comparison([[0.05]]).plot(annotate=False).texts
    large = np.full((40, 40), 0.5)
    assert not comparison(large).plot().texts
    assert len(comparison(large).plot(annotate=True).texts) == 1600


def test_many_names_are_thinned(pyplot: Any) -> None:
    n = 200
    S = comparison(np.eye(n), y_names=[f"encoder.layers.{j}.attention.output" for j in range(n)])
    ax = S.plot()
    ax.figure.canvas.draw()
    for axis, full in ((ax.xaxis, S.y_names), (ax.yaxis, S.x_names)):
        places = [int(tick) for tick in axis.get_ticklocs()]
        assert 15 < len(places) < 50
        assert places[0] == 0
        assert len(set(np.diff(places))) == 1
        for place, name in zip(places, names(axis), strict=True):
            assert full[place].endswith(name.removeprefix(".."))
        boxes = [label.get_window_extent() for label in axis.get_ticklabels()]
        assert not any(a.overlaps(b) for a, b in pairwise(boxes))


def test_names_are_no_formulas() -> None:
    ax = comparison([[0.5]], x_names=["$x"], y_names=["$\\notatexcommand$"]).plot()
    ax.figure.canvas.draw()
    assert names(ax.xaxis) == ["$\\notatexcommand$"]


# Text.


def lines(S: gm.Comparison) -> list[str]:
    result = S._text_map().splitlines()
    assert max(map(len, result)) <= 80
    return result


def test_text_map() -> None:
    assert lines(comparison([[0.0, 0.25, 0.5], [0.75, NAN, 1.0]])) == [
        "          b0        b1        b2",
        "a0  0.000     0.250 ::  0.500 ++",
        "a1  0.750 ##    nan ??  1.000 @@",
        "scale: 0 [ .:-=+*#%@] 1",
    ]


def test_text_map_of_a_distance() -> None:
    assert lines(comparison([[0.0, 1.5]], "cka_distance")) == [
        "          b0        b1",
        "a0  0.000 @@  1.500",
        "scale: 0 [@%#*+=-:. ] 1.57",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.678, "12346"),
        (1234.5, "1234"),
        (99.0, "99.00"),
        (1e-5, "1.000e-05"),
        (1e9, "1.000e+09"),
    ],
)
def test_text_map_of_any_magnitude(value: float, text: str) -> None:
    assert lines(comparison([[value]], "hsic"))[1] == f"a0  {text} @@"


@pytest.mark.parametrize("m", [1, 5, 8, 11, 12, 30, 53, 70, 200])
@pytest.mark.parametrize("n", [1, 12, 150])
def test_text_map_fits_80_columns(n: int, m: int) -> None:
    S = comparison(
        np.ones((n, m)),
        x_names=[f"encoder.layers.{i}.attention.output" for i in range(n)],
        y_names=[f"decoder.layers.{j}.attention.output" for j in range(m)],
    )
    rows = [line for line in lines(S) if line.endswith(("@", " 1.000"))]
    assert len(rows) in (n, math.ceil(n / math.ceil(n / 60)))


def test_columns_that_have_no_room_for_names_are_numbered() -> None:
    layers = [f"encoder.layers.{i}.attention.output" for i in range(9)]
    S = comparison(np.eye(9), x_names=layers, y_names=layers)
    result = lines(S)
    assert result[0].split() == [str(j) for j in range(9)]
    assert result[3].split()[:5] == ["2", "..2.attention.output", "0.000", "0.000", "1.000"]
    assert not any("columns" in line for line in result)  # they are the rows
    other = comparison(np.eye(9), x_names=layers, y_names=[f"x{name}" for name in layers])
    assert any(line.startswith("columns: 0 ..0.attention") for line in lines(other))


def test_text_map_is_thinned_honestly() -> None:
    values = np.arange(130 * 130).reshape(130, 130) / 130**2
    result = lines(comparison(values, y_names=[f"a{j}" for j in range(130)]))
    assert result[-2] == "rows shown: 1 in 3; columns shown: 1 in 2"
    assert [line.split()[0] for line in result[1:4]] == ["0", "3", "6"]
    row_60 = result[21]
    assert row_60.startswith("60 a60 ")
    assert set(row_60.split()[-1]) == {"="}  # 60 / 130 = 0.46


def test_text_map_keeps_the_terminal_safe() -> None:
    S = comparison([[0.5]], x_names=["\x1b[2Jevil\n"], y_names=["b"])
    assert lines(S)[1].startswith("?[2Jevil?")
