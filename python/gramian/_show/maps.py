"""Heat maps of a value for every pair of layers, by matplotlib."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .axes import (
    CHARACTER,
    hatch_undefined,
    inches,
    longest,
    name_axis,
    name_line,
    new_axes,
    set_title,
    settle,
)
from .raster import FULL

__all__ = ["BELOW", "PLAIN", "Map", "Style", "draw_map", "heat_map", "scaled"]

Array = npt.NDArray[np.float64]

_LARGEST = 7.0  # inches of a map
_CELL, _NOTED = 0.7, 1.05  # inches of a cell with a number, and with an interval below it
_SMALLEST = 1.4  # inches of a map of few layers
_BAR = 0.95  # inches of the color bar and what is beside it
# Of what is far below 0, by a scale that begins there: neither black nor its next color. Towards 0
# it turns into the color of 0, so that noise about 0 looks like 0 on both sides.
BELOW = "#2a6f77"


@dataclass(frozen=True)
class Style:
    """What a user may say of a picture; None where the picture decides."""

    annotate: bool | None = None
    cmap: Any = None
    vmin: float | None = None
    vmax: float | None = None
    title: str | None = None
    figsize: tuple[float, float] | None = None


PLAIN = Style()


@dataclass(frozen=True)
class Map:
    """What a picture shows: values, the names of rows and columns, and how to color them."""

    values: Array
    x_names: Sequence[str]  # of the rows
    y_names: Sequence[str]
    limits: tuple[float, float]  # the values at the two ends of the color scale
    falling: bool  # whether small values are the similar ones, as distances are
    title: str
    label: str  # of the color scale
    # Ends of intervals, or p-values and the largest that is shown as a finding.
    low: Array | None = None
    high: Array | None = None
    pvalues: Array | None = None
    alpha: float = 0.05
    sides: tuple[str, str] = field(default=("layers of A", "layers of B"))

    @property
    def square(self) -> bool:
        """Whether both sides are one model's layers."""
        return tuple(self.x_names) == tuple(self.y_names)

    @property
    def two_sided(self) -> bool:
        """Whether it is of differences, on both sides of 0."""
        return self.limits[0] == -self.limits[1]

    @property
    def floor(self) -> float:
        """The lower end of the colors: below 0, by a scale from there, down to full color."""
        return floor_of(self.values, *self.limits)

    @property
    def exponent(self) -> int:
        """Power of ten that numbers and the color scale leave out; 0 for values of usual size."""
        finite = np.abs(self.values[np.isfinite(self.values)])
        largest = float(finite.max(initial=0.0))
        power = math.floor(math.log10(largest)) if largest > 0 else 0
        return 0 if -2 <= power <= 5 else power

    def numbers(
        self, values: Array | None = None, digits: int = 4, power: bool = True
    ) -> list[list[str]]:
        """Return values, by default the map's own, in one format: four digits of the largest.

        Without `power`, numbers of unusual size leave out their power of ten, the same for all.
        """
        shown = self.values if values is None else values
        style = "z.3e"
        if not power or not self.exponent:
            finite = np.abs(self.values[np.isfinite(self.values)]) / 10.0**self.exponent
            largest = float(finite.max(initial=0.0))
            order = math.floor(math.log10(largest)) if largest > 0 else 0
            style = f"z.{min(digits - 1, max(0, digits - 1 - order))}f"
            shown = shown / 10.0**self.exponent
        return [[format(value, style) for value in row] for row in shown.tolist()]

    def size(self) -> tuple[float, float]:
        """Inches of a figure that leaves cells of a readable size, and room for names."""
        rows, columns = self.values.shape
        noted = self.low is not None or self.pvalues is not None
        largest = 9.0 if noted else _LARGEST
        cell = min(_NOTED if noted else _CELL, largest / max(rows, columns))
        width, height = (max(cell * count, _SMALLEST) for count in (columns, rows))
        upright = longest(self.y_names) * columns * CHARACTER > width
        below = longest(self.y_names) * CHARACTER if upright else 0.2
        return (
            max(width + longest(self.x_names) * CHARACTER + 0.4 + _BAR, 3.2),
            height + below + 0.3 + 0.55,
        )


def floor_of(values: Array, low: float, high: float) -> float:
    """Return the lower end of the colors of a scale, which has some for negative values."""
    least = float(values[np.isfinite(values)].min(initial=low))
    return max(least, -FULL * high) if low == 0 and least < -1e-6 * high else low


def heat_map(shown: Map, ax: Any = None, style: Style = PLAIN) -> Any:
    """Draw on `ax`, or on a new figure, and return the axes."""
    ax = new_axes(ax, style.figsize, shown.size())
    draw_map(shown, ax, style)
    set_title(ax, shown.title if style.title is None else style.title, inches(ax)[0])
    settle(ax)
    if style.annotate is not False and (style.annotate or shown.values.size <= 2500):
        if ax.figure.get_layout_engine() is not None:
            ax.figure.draw_without_rendering()  # how large the cells are is known after that
        _annotate(ax, shown, style.annotate is True)
    return ax


def draw_map(shown: Map, ax: Any, style: Style = PLAIN, bar: bool = True) -> Any:
    """Draw cells, names and color bar, and return the image."""
    low, high = _limits(shown, style)
    known = shown.values[np.isfinite(shown.values)]
    slack = 1e-6 * (high - low)  # of rounding: 1.0000001 is not beyond 1
    colors = _colors(shown, style)
    if low == 0 and style.vmin is None and style.cmap is None:
        low = floor_of(shown.values, low, high)
        colors = _with_negative(colors, low, high)
    below = bool(known.size) and float(known.min()) < low - slack
    above = bool(known.size) and float(known.max()) > high + slack
    image = ax.imshow(
        shown.values,
        origin="upper",
        cmap=colors,
        vmin=low,
        vmax=high,
        aspect="equal" if shown.square else "auto",
        interpolation="nearest",
    )
    name_axis(ax.xaxis, shown.y_names)
    name_axis(ax.yaxis, shown.x_names)
    width, height = inches(ax)
    ax.set_xlabel(name_line(shown.sides[1], shown.y_names, width), parse_math=False)
    ax.set_ylabel(name_line(shown.sides[0], shown.x_names, height), parse_math=False)
    if shown.pvalues is not None:
        _strike_out(ax, shown.pvalues > shown.alpha)
    if bar:
        extend = {(0, 0): "neither", (1, 0): "min", (0, 1): "max", (1, 1): "both"}
        _color_bar(ax, image, shown, extend[below, above])
    return image


def _limits(shown: Map, style: Style) -> tuple[float, float]:
    low = shown.limits[0] if style.vmin is None else style.vmin
    high = shown.limits[1] if style.vmax is None else style.vmax
    if not low < high:
        given = f"vmin={low:g} and vmax={high:g}"
        raise ValueError(f"vmin must be below vmax, got {given}.")
    return low, high


def _colors(shown: Map, style: Style) -> Any:
    matplotlib = require("matplotlib", "plot")
    if style.cmap is None and shown.two_sided:
        return matplotlib.colormaps["RdBu_r"]
    if style.cmap is None:
        return matplotlib.colormaps["magma_r" if shown.falling else "magma"]
    if not isinstance(style.cmap, str):
        return style.cmap
    if style.cmap not in matplotlib.colormaps:
        from difflib import get_close_matches

        close = get_close_matches(style.cmap, list(matplotlib.colormaps), 1)
        meant = f"; did you mean {close[0]!r}?" if close else "."
        raise ValueError(f"cmap must be a colormap of matplotlib, got {style.cmap[:40]!r}{meant}")
    return matplotlib.colormaps[style.cmap]


def _with_negative(colors: Any, low: float, high: float) -> Any:
    """Return a colormap from `low`, below 0 or 0, to `high`, of one that begins at 0."""
    if low == 0:
        return colors
    library = require("matplotlib.colors", "plot")
    count = 1024
    values = low + (np.arange(count) + 0.5) / count * (high - low)
    zero, last = np.array(colors(0.0)), np.array(library.to_rgba(BELOW))
    negative = zero + np.clip(-values / (FULL * high), 0, 1)[:, None] * (last - zero)
    table = np.where(values[:, None] < 0, negative, colors(np.clip(values / high, 0, 1)))
    return library.ListedColormap(table, colors.name).with_extremes(under=BELOW)


def scaled(shown: Map) -> str:
    """Return what the color scale is called, with the power of ten that its numbers leave out."""
    if not shown.exponent:
        return shown.label
    power = str(shown.exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{shown.label} (numbers × 10{power})"


def _color_bar(ax: Any, image: Any, shown: Map, extend: str) -> None:
    """Draw the bar beside the axes, of their height, and below it what hatched cells are."""
    width = inches(ax)[0]
    undefined = bool(np.isnan(shown.values).any())
    base = 0.14 if undefined else 0.0
    thick = min(max(0.14 / width, 0.02), 0.08)
    beside = ax.inset_axes([1 + thick / 2, base, thick, 1 - base])
    bar = ax.figure.colorbar(image, cax=beside, label=scaled(shown), extend=extend)
    if shown.exponent:
        unit = 10.0**shown.exponent
        bar.formatter = require("matplotlib.ticker", "plot").FuncFormatter(
            lambda value, _: f"{value / unit:g}"
        )
    bar.ax.tick_params(labelsize=8)
    bar.ax.yaxis.label.set_parse_math(False)
    hatch_undefined(ax, shown.values, (1 + thick / 2, 0.0))


def _annotate(ax: Any, shown: Map, asked: bool) -> None:
    """Write numbers into the cells that have room for them, or must, and what is known of them."""
    rows, columns = shown.values.shape
    width, height = (
        72 * length / count for length, count in zip(inches(ax), (columns, rows), strict=True)
    )
    for digits in (4, 3):
        numbers = _plain(shown.numbers(digits=digits, power=False))
        points = min(10.0, _fits(numbers, width), 0.7 * height)
        if points >= 6.5:
            break
    if points < 6.0 and not asked:
        return
    points = max(points, 2.0)
    notes = _notes(shown)
    small = 0.0 if notes is None else min(8.0, _fits(notes, width), 0.32 * height)
    for i, j in np.ndindex(rows, columns):
        place: dict[str, Any] = {
            "ha": "center",
            "color": _ink(ax.images[0], float(shown.values[i, j])),
            "parse_math": False,
        }
        single = notes is None or small < 5
        ax.text(j, i, numbers[i][j], va="center" if single else "bottom", fontsize=points, **place)
        if notes is not None and not single:
            ax.text(j, i + 0.05, notes[i][j], va="top", fontsize=small, **place)


def _plain(numbers: list[list[str]]) -> list[list[str]]:
    """Return numbers with a dash for NaN: what the cell is, its hatching says."""
    return [["–" if text == "nan" else text for text in row] for row in numbers]


def _fits(texts: list[list[str]], width: float) -> float:
    """Return the points at which the longest text fits into a width of points."""
    return 0.88 * width / (0.62 * max(len(text) for row in texts for text in row))


def _notes(shown: Map) -> list[list[str]] | None:
    """Return what stands under the number of a cell: its interval, or its p-value."""
    if shown.low is not None and shown.high is not None:
        ends = [_plain(shown.numbers(end, power=False)) for end in (shown.low, shown.high)]
        return [
            [f"{a} to {b}" for a, b in zip(*rows, strict=True)] for rows in zip(*ends, strict=True)
        ]
    if shown.pvalues is not None:
        return [[_pvalue(p) for p in row] for row in shown.pvalues.tolist()]
    return None


def _ink(image: Any, value: float) -> str:
    red, green, blue, alpha = image.cmap(image.norm(value))
    # Luma of Rec. 601: black or white, whichever stands out.
    return "k" if 0.3 * red + 0.59 * green + 0.11 * blue > 0.5 or alpha == 0 else "w"


def _strike_out(ax: Any, cells: npt.NDArray[np.bool_]) -> None:
    """Mark cells that are no finding by a line from corner to corner."""
    collections = require("matplotlib.collections", "plot")
    lines = [[(j - 0.5, i + 0.5), (j + 0.5, i - 0.5)] for i, j in np.argwhere(cells)]
    ax.add_collection(
        collections.LineCollection(lines, colors="0.6", linewidths=0.8), autolim=False
    )


def _pvalue(p: float) -> str:
    return "" if math.isnan(p) else (f"p = {p:.2g}" if p >= 0.001 else "p < 0.001")
