"""Grids of maps: runs with several seeds, with their mean and their spread."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .axes import name_line
from .maps import PLAIN, Map, Style, draw_map, scaled
from .names import printable, shorten

__all__ = ["MOST", "grid"]

MOST = 24  # runs that are drawn one by one
_SIZE = 1.9  # inches of a map of one run


def grid(
    values: npt.NDArray[np.float64],
    names: Sequence[str],
    shown: Map,
    style: Style = PLAIN,
    figure: Any = None,
) -> Any:
    """Draw a map of every run, their mean and their standard deviation, and return the figure.

    `values` is of shape (runs, n_x, n_y), `names` are those of the runs, and `shown` says all that
    the maps share; its values are not used. Runs and mean have one color scale. The spread is that
    of a sample, by n - 1; of a single run there is none.
    """
    runs = len(values)
    drawn = min(runs, MOST)
    mean, spread = moments(values)
    tiles = [(name, replace(shown, values=values[i])) for i, name in enumerate(names[:drawn])]
    tiles.append((f"mean of {runs}", replace(shown, values=mean)))
    columns = min(len(tiles) + 1, max(3, math.ceil(math.sqrt(1.6 * (len(tiles) + 1)))))
    rows = math.ceil((len(tiles) + 1) / columns)
    if figure is None:
        size = style.figsize or (columns * _SIZE + 2.2, rows * (_SIZE + 0.25) + 0.8)
        pyplot = require("matplotlib.pyplot", "plot")
        figure = pyplot.figure(figsize=size, layout="compressed")
    axes = figure.subplots(rows, columns, squeeze=False)
    image = None
    for k, (name, tile) in enumerate(tiles):
        image = draw_map(tile, axes.flat[k], style, bar=False)
        _frame(axes.flat[k], name, k, columns, len(tiles) + 1)
    deviation = _spread(axes.flat[len(tiles)], replace(shown, values=spread))
    _frame(axes.flat[len(tiles)], f"spread of {runs}", len(tiles), columns, len(tiles) + 1)
    for ax in axes.flat[len(tiles) + 1 :]:
        ax.set_visible(False)
    # Beside all maps, as a bar beside one of them would leave a gap above it.
    figure.colorbar(deviation, ax=axes, label="spread: standard deviation", aspect=30, shrink=0.9)
    figure.colorbar(image, ax=axes, label=scaled(shown), aspect=30, shrink=0.9)
    width, height = figure.get_size_inches()
    for write, side, names, room in (
        (figure.supxlabel, shown.sides[1], shown.y_names, width),
        (figure.supylabel, shown.sides[0], shown.x_names, height),
    ):
        write(name_line(side, names, room), fontsize=10, parse_math=False)
    title = shown.title if style.title is None else style.title
    more = f"\nthe first {drawn} of {runs} runs are drawn" if runs > drawn else ""
    if title or more:
        title = "\n".join(map(printable, title.split("\n")))
        figure.suptitle(title + more, fontsize=10, parse_math=False)
    return figure


def moments(
    values: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return mean and standard deviation over runs: NaN where it is NaN in one of them."""
    mean = values.mean(axis=0)
    if len(values) < 2:
        return mean, np.full(mean.shape, np.nan)
    return mean, values.std(axis=0, ddof=1)


def _spread(ax: Any, shown: Map) -> Any:
    """Draw the standard deviation on a scale of its own, and return its image."""
    finite = shown.values[np.isfinite(shown.values)]
    largest = float(finite.max(initial=0.0))
    spread = replace(
        shown, limits=(0.0, largest or 1.0), falling=False, low=None, high=None, pvalues=None
    )
    return draw_map(spread, ax, Style(cmap="viridis"), bar=False)


def _frame(ax: Any, name: str, place: int, columns: int, count: int) -> None:
    """Give a map its name, and leave those of layers to the left and the lower edge of the grid."""
    ax.set_title(shorten([name], 26)[0], fontsize=9, parse_math=False)
    ax.set_xlabel("")
    ax.set_ylabel("")
    if place % columns:
        ax.tick_params(axis="y", labelleft=False)
    if place + columns < count:
        ax.tick_params(axis="x", labelbottom=False)
