"""Options of pictures: those that are taken, and what is said of others."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from comparisons import comparison

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def pyplot() -> Iterator[Any]:
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    yield pyplot
    pyplot.close("all")


def test_options_of_a_picture(pyplot: Any) -> None:
    S = comparison([[0.1, 0.9]])
    ax = S.plot(cmap="viridis", title="mine\n$\\alpha$", figsize=(4.5, 3.0))
    assert ax.images[0].cmap.name == "viridis"
    assert ax.get_title() == "mine\n$\\alpha$"
    assert tuple(ax.figure.get_size_inches()) == (4.5, 3.0)
    assert S.plot(title="").get_title() == ""
    assert S.plot(cmap=pyplot.colormaps["gray"]).images[0].cmap.name == "gray"


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"ax": "x.png"}, TypeError, r"^ax must be .* Axes, got str; to write a file: .*savefig"),
        ({"ax": Path("x.png")}, TypeError, r"got \w*Path; to write a file"),
        ({"ax": [1]}, TypeError, r"got list; give one of several, such as axes\[0\]"),
        ({"ax": 3}, TypeError, r"got int\.$"),
        ({"cmap": "virdis"}, ValueError, "got 'virdis'; did you mean 'viridis'"),
        ({"cmap": 3}, TypeError, "^cmap must be a name"),
        ({"vmin": 1, "vmax": 0.5}, ValueError, "^vmin must be below vmax, got vmin=1 and vmax=0.5"),
        ({"vmin": 2}, ValueError, "^vmin must be below vmax, got vmin=2 and vmax=1"),
        ({"vmax": math.inf}, ValueError, "^vmax must be finite"),
        ({"vmax": "1"}, TypeError, "^vmax must be None or a number"),
        ({"title": 3}, TypeError, "^title must be None or a str"),
        ({"figsize": 3}, TypeError, "^figsize must be a width and a height in inches"),
        ({"figsize": (3, -1)}, ValueError, "^figsize must be .* from 0.5 to 200"),
        ({"annot": 2}, TypeError, "^annot must be"),
        ({"annot": True, "annotate": True}, TypeError, "^annot is another word for annotate"),
    ],
)
def test_options_that_are_refused(
    given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        comparison([[0.5, 0.9]]).plot(**given)


def test_a_figure_is_no_axes(pyplot: Any) -> None:
    figure, ax = pyplot.subplots()
    with pytest.raises(TypeError, match=r"got Figure; a figure's axes are made by its subplots"):
        comparison([[0.5]]).plot(figure)
    with pytest.raises(ValueError, match=r"figsize is of a new figure, and cannot be given"):
        comparison([[0.5]]).plot(ax, figsize=(3, 3))
