"""Heat maps of a value for every pair of layers: in color by matplotlib, and in plain text."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._extras import require

__all__ = ["Map", "check_axes", "figure_size", "heat_map", "shorten", "text_map"]

_NAME = 0.2  # inches along the axis that the name of a layer needs
_NUMBER = 0.5, 0.25  # width and height of a cell with a number in it
_RAMP = " .:-=+*#%@"
_WIDTH, _HEIGHT = 80, 60  # characters and rows of a text map


@dataclass(frozen=True)
class Map:
    """What a picture shows: values, the names of rows and columns, and how to color them."""

    values: npt.NDArray[np.float64]
    x_names: Sequence[str]  # of the rows
    y_names: Sequence[str]
    limits: tuple[float, float]  # the values at the two ends of the color scale
    falling: bool  # whether small values are the similar ones, as distances are
    title: str
    label: str  # of the color scale


def heat_map(shown: Map, ax: Any = None, annotate: bool | None = None) -> Any:
    """Draw on `ax`, or on a new figure, and return the axes."""
    require("matplotlib", "plot")
    check_axes(ax)
    rows, columns = shown.values.shape
    if ax is None:
        pyplot = require("matplotlib.pyplot", "plot")
        _, ax = pyplot.subplots(figsize=figure_size(rows, columns), layout="constrained")
    low, high = shown.limits
    image = ax.imshow(
        shown.values,
        origin="lower",
        cmap="magma_r" if shown.falling else "magma",
        vmin=low,
        vmax=high,
        aspect="auto",  # fills the axes, so that the color bar is as high as the map
        interpolation="nearest",
    )
    ax.set_facecolor("0.6")  # seen where a value is NaN
    extent = ax.get_window_extent()
    width, height = extent.width / ax.figure.dpi, extent.height / ax.figure.dpi
    _name_ticks(ax.xaxis, shown.y_names, width)
    _name_ticks(ax.yaxis, shown.x_names, height)
    crowded = len(shown.y_names) * max(map(len, shown.y_names)) > 12 * width
    ax.tick_params(axis="x", length=0, rotation=90 if crowded else 0)
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("layers of B")
    ax.set_ylabel("layers of A")
    room = max(20, int(12 * width))
    lines = [textwrap.fill(line, room) for line in shown.title.split("\n")]
    ax.set_title("\n".join(lines), fontsize="medium", parse_math=False)
    ax.figure.colorbar(image, ax=ax, label=shown.label)
    if annotate is None:
        annotate = width / columns >= _NUMBER[0] and height / rows >= _NUMBER[1]
    if annotate:
        _annotate(ax, image, shown.values)
    return ax


def check_axes(ax: Any) -> None:
    """Refuse what cannot be drawn on."""
    if ax is not None and not hasattr(ax, "imshow"):
        raise TypeError(f"ax must be a matplotlib Axes, got {type(ax).__name__}.")


def figure_size(rows: int, columns: int) -> tuple[float, float]:
    """Return inches that leave cells of a readable size, and room for names and color bar."""
    width, height = (min(max(3.0, 0.7 * cells), 7.0) for cells in (columns, rows))
    return width + 2.0, height + 1.2


def _name_ticks(axis: Any, names: Sequence[str], inches: float) -> None:
    visible = range(0, len(names), math.ceil(len(names) * _NAME / inches))
    labels = shorten(names, 28)
    axis.set_ticks(visible, [labels[i] for i in visible], parse_math=False)


def _annotate(ax: Any, image: Any, values: npt.NDArray[np.float64]) -> None:
    numbers = _numbers(values)
    for i, j in np.ndindex(values.shape):
        red, green, blue, alpha = image.cmap(image.norm(values[i, j]))
        # Luma of Rec. 601: black or white, whichever stands out.
        light = 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 or alpha == 0
        ax.text(j, i, numbers[i][j], ha="center", va="center", color="k" if light else "w")


def shorten(names: Sequence[str], width: int) -> list[str]:
    """Fit names into a width: without the modules they share, then without their middle."""
    # A file's keys may hold any character, even one that moves a terminal's cursor.
    names = ["".join(c if c.isprintable() else "?" for c in name) for name in names]
    if max(map(len, names)) > width:
        first, last = min(names), max(names)  # a beginning that these two share is shared by all
        pairs = enumerate(zip(first, last, strict=False))
        end = next((i for i, (a, b) in pairs if a != b), len(first))
        start = max(first.rfind(separator, 0, end) for separator in "./") + 1
        names = [f"..{name[start:]}" if start else name for name in names]
    tail = (width - 1) // 2
    return [
        name if len(name) <= width else f"{name[: width - 2 - tail]}..{name[len(name) - tail :]}"
        for name in names
    ]


def text_map(shown: Map) -> str:
    """Return the map as lines of at most 80 characters: numbers if they fit, else only shades."""
    numbers, shades = _numbers(shown.values), _shades(shown)
    both = [
        [f"{number} {shade * 2}" for number, shade in zip(*row, strict=True)]
        for row in zip(numbers, shades, strict=True)
    ]
    lines = _table(shown, both, gap=2) or _table(shown, numbers, gap=1) or _raster(shown, shades)
    low, high = shown.limits
    ramp = _RAMP[::-1] if shown.falling else _RAMP
    return "\n".join([*(line.rstrip() for line in lines), f"scale: {low:.3g} [{ramp}] {high:.3g}"])


def _numbers(values: npt.NDArray[np.float64]) -> list[list[str]]:
    """Return all values in one format, with four digits for the largest."""
    largest = np.abs(values[np.isfinite(values)]).max(initial=0.0)
    exponent = math.floor(math.log10(largest)) if largest > 0 else 0
    style = f".{min(3, max(0, 3 - exponent))}f" if -2 <= exponent <= 5 else ".3e"
    return [[format(value, style) for value in row] for row in values.tolist()]


def _shades(shown: Map) -> list[list[str]]:
    """Return a character per value, the denser the more similar; "?" for NaN."""
    low, high = shown.limits
    scaled = np.clip((shown.values - low) / (high - low), 0, 1)
    if shown.falling:
        scaled = 1 - scaled
    return [
        ["?" if math.isnan(s) else _RAMP[min(int(s * len(_RAMP)), len(_RAMP) - 1)] for s in row]
        for row in scaled.tolist()
    ]


def _table(
    shown: Map, cells: Sequence[Sequence[str]], gap: int, numbered: bool = False
) -> list[str]:
    """Return an aligned table, `gap` spaces before each column, or no lines if it is too wide."""
    y_names = shown.y_names
    labels = _labels(shown.x_names) if numbered else shorten(shown.x_names, 20)
    margin = max(map(len, labels))
    room = (_WIDTH - margin) // len(y_names) - gap
    width = max(len(cell) for row in cells for cell in row)
    if width > room:
        return []
    width = max(width, min(room, max(map(len, y_names))))
    heads = [str(j) for j in range(len(y_names))] if numbered else shorten(y_names, width)
    if len(set(heads)) < len(heads):  # the room is too small to tell names apart
        return _table(shown, cells, gap, numbered=True)
    lines = [
        f"{label:<{margin}}" + "".join(" " * gap + f"{cell:>{width}}" for cell in row)
        for label, row in zip(["", *labels], [heads, *cells], strict=True)
    ]
    return [*lines, *_key(shown)] if numbered else lines


def _raster(shown: Map, shades: Sequence[Sequence[str]]) -> list[str]:
    """Return a line of shades per row; of too many layers, every other or every few are shown."""
    labels = _labels(shown.x_names)
    margin = max(map(len, labels)) + 1
    rows, columns = (
        range(0, cells, math.ceil(cells / room))
        for cells, room in zip(shown.values.shape, (_HEIGHT, _WIDTH - margin), strict=True)
    )
    cell = 2 if 2 * len(columns) <= _WIDTH - margin else 1
    ruler = "".join(f"{j:<{10 * cell}}" for j in columns[::10])
    lines = [" " * margin + ruler[: _WIDTH - margin]]
    for i in rows:
        lines.append(f"{labels[i]:<{margin}}" + "".join(shades[i][j] * cell for j in columns))
    if rows.step > 1 or columns.step > 1:
        lines.append(f"rows shown: 1 in {rows.step}; columns shown: 1 in {columns.step}")
    return [*lines, *_key(shown, columns.step)]


def _labels(names: Sequence[str]) -> list[str]:
    return [f"{i} {name}" for i, name in enumerate(shorten(names, 20))]


def _key(shown: Map, step: int = 1) -> list[str]:
    """Return lines that say which numbers are which columns, unless they are those of the rows."""
    if shown.y_names == shown.x_names:
        return []
    return textwrap.wrap(f"columns: {', '.join(_labels(shown.y_names)[::step])}", _WIDTH)
