"""Axes of matplotlib: new or given ones, names along them, and room for what stands around."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from .._extras import require
from .names import distinct, every, printable, shorten

__all__ = [
    "CHARACTER",
    "check_axes",
    "hatch_undefined",
    "inches",
    "longest",
    "name_axis",
    "name_line",
    "new_axes",
    "set_title",
    "settle",
]

CHARACTER = 0.078  # inches of a character of names, of DejaVu Sans at 9 points on average
_LINE = 0.165  # and from one line to the next
_SIZE = 9.0  # points
_WIDEST = 24  # characters of a name


def new_axes(ax: Any, figsize: Any = None, size: tuple[float, float] = (5.0, 4.0)) -> Any:
    """Return the axes given, or those of a new figure of `figsize` inches, or else of `size`."""
    require("matplotlib", "plot")
    check_axes(ax)
    if ax is None:
        pyplot = require("matplotlib.pyplot", "plot")
        return pyplot.subplots(figsize=figsize or size, layout="constrained")[1]
    if figsize is not None:
        raise ValueError("figsize is of a new figure, and cannot be given with ax.")
    return ax


def check_axes(ax: Any) -> None:
    """Refuse what cannot be drawn on, and say what was meant perhaps."""
    if ax is None or hasattr(ax, "imshow"):
        return
    cure = ""
    if isinstance(ax, str) or hasattr(ax, "__fspath__"):
        cure = "; to write a file: .plot().figure.savefig(path)"
    elif hasattr(ax, "subplots"):
        cure = "; a figure's axes are made by its subplots()"
    elif hasattr(ax, "shape") or isinstance(ax, (list, tuple)):
        cure = "; give one of several, such as axes[0]"
    raise TypeError(f"ax must be a matplotlib Axes, got {type(ax).__name__}{cure}.")


def inches(ax: Any) -> tuple[float, float]:
    """Return the width and height of axes, as they are laid out now."""
    box = ax.get_window_extent()
    dpi = ax.figure.dpi
    return box.width / dpi, box.height / dpi


def longest(names: Sequence[str]) -> int:
    """Return how many characters the names along an axis have."""
    return max(map(len, shorten(distinct(names)[0], _WIDEST)))


def name_line(side: str, names: Sequence[str], room: float | None = None) -> str:
    """Return what an axis is called: its side, and what its names have in common."""
    pattern = distinct(names)[1]
    width = 60 if room is None else max(int(room / CHARACTER), 16)
    if not pattern:
        return side
    if len(side) + 2 + len(pattern) <= width:
        return f"{side}: {pattern}"
    return f"{side}\n{shorten([pattern], width)[0]}"


def hatch_undefined(ax: Any, values: Any, at: tuple[float, float] | None = None) -> None:
    """Hatch the axes, which is seen where a value is NaN, and name that in a legend."""
    look = {"facecolor": "0.92", "hatch": "//////", "edgecolor": "0.6"}
    ax.patch.set(linewidth=0, **look)
    if not (values != values).any():
        return
    patch = require("matplotlib.patches", "plot").Patch(label="undefined", **look)
    ax.legend(
        handles=[patch],
        loc="lower left" if at else "best",
        bbox_to_anchor=at,
        borderpad=0 if at else 0.4,
        borderaxespad=0 if at else 0.5,
        handlelength=1.2,
        handletextpad=0.4,
        frameon=at is None,
        fontsize=8,
    )


def name_axis(axis: Any, names: Sequence[str]) -> None:
    """Write names along an axis: as many as it has room for whenever it is drawn."""
    ticker = require("matplotlib.ticker", "plot")
    across = axis.axis_name == "x"
    # Names across take from the height of the picture, names up its side from the width.
    space = inches(axis.axes)[1 if across else 0]
    size = _SIZE if space > 3.2 else 7.5
    character = CHARACTER * size / _SIZE
    most = min(max(int(0.35 * space / character), 10), _WIDEST)
    # A dollar sign is none of a formula.
    labels = [name.replace("$", r"\$") for name in shorten(distinct(names)[0], most)]
    width = max(map(len, labels)) * character + 0.06
    upright = not across or (width > 0.34 and len(labels) * width > inches(axis.axes)[0])

    class Places(ticker.Locator):  # type: ignore[misc, name-defined]
        """Every, or every few, of the names."""

        def __call__(self) -> list[int]:
            length = inches(self.axis.axes)[0 if across else 1]
            first, last = sorted(axis.get_view_interval())
            shown = [i for i in range(len(labels)) if first <= i <= last]
            step = every(len(shown), length / (_LINE if upright else width))
            return shown[::step]

        def tick_values(self, vmin: float, vmax: float) -> list[int]:
            """Return the same, as the base class asks for."""
            return self()

    def label(place: float, _: Any = None) -> str:
        return labels[int(place)] if 0 <= place < len(labels) else ""

    axis.set_major_locator(Places())
    axis.set_major_formatter(ticker.FuncFormatter(label))
    axis.set_tick_params(
        length=0, labelsize=size, **({"rotation": 90 if upright else 0} if across else {})
    )


def set_title(ax: Any, title: str, width: float | None = None) -> None:
    """Write a title of several lines, wrapped to the axes; in a narrow column it is smaller."""
    width = inches(ax)[0] if width is None else width
    points = 10.0 if width > 3.0 else 8.0 if width > 1.9 else 6.5
    room = max(16, int(width / (CHARACTER * points / _SIZE)))
    lines = [part for line in title.split("\n") for part in _wrapped(printable(line), room)]
    ax.set_title("\n".join(lines), fontsize=points, parse_math=False)


def _wrapped(line: str, room: int) -> list[str]:
    """Break a line after commas where that will do, so that "n = 100" stays together."""
    lines = [""]
    for part in line.split(", "):
        whole = f"{lines[-1]}, {part}" if lines[-1] else part
        if len(whole) <= room or not lines[-1]:
            lines[-1] = whole
        else:
            lines[-1] += ","
            lines.append(part)
    return [short for line in lines for short in textwrap.wrap(line, room) or [""]]


def settle(ax: Any) -> None:
    """Move axes into their place of a grid so that names and color bar have room.

    A layout engine of the figure does that whenever it draws; without one, names would be cut off
    or stand in the neighbour's picture.
    """
    figure = ax.figure
    spec = ax.get_subplotspec()
    if spec is None or figure.get_layout_engine() is not None:
        return
    left, bottom, right, top = _place(spec, figure)
    for _ in range(3):  # names are thinned out as axes shrink
        ax.apply_aspect()
        inner = ax.get_position()
        outer = ax.get_tightbbox().transformed(figure.transSubfigure.inverted())
        x0, x1 = left + inner.x0 - outer.x0, right - (outer.x1 - inner.x1)
        y0, y1 = bottom + inner.y0 - outer.y0, top - (outer.y1 - inner.y1)
        if x1 - x0 < 0.02 or y1 - y0 < 0.02:  # nothing would be left of the picture
            return
        ax.set_position([x0, y0, x1 - x0, y1 - y0])


def _place(spec: Any, figure: Any) -> tuple[float, float, float, float]:
    """Return left, bottom, right and top of what belongs to a place of a grid."""
    grid = spec.get_gridspec()
    bottoms, tops, lefts, rights = grid.get_grid_positions(figure)
    rows, columns = spec.rowspan, spec.colspan
    whole = type(grid).__name__ == "GridSpec"  # and not the grid inside a place of another
    margin = 0.04 / figure.get_size_inches()[0] if hasattr(figure, "get_size_inches") else 0.01
    highest = 1.0 - margin
    if getattr(figure, "get_suptitle", str)():
        highest = (1.0 + tops[0]) / 2

    def between(before: Any, after: Any, edge: int, outer: float, own: float) -> float:
        if 0 < edge < len(before):
            return float(before[edge - 1] + after[edge]) / 2
        return outer if whole else own

    left = between(rights, lefts, columns.start, margin, lefts[columns.start])
    right = between(rights, lefts, columns.stop, 1.0 - margin, rights[columns.stop - 1])
    top = between(bottoms, tops, rows.start, highest, tops[rows.start])
    bottom = between(bottoms, tops, rows.stop, margin, bottoms[rows.stop - 1])
    gap = margin / 2
    return left + gap, bottom + gap, right - gap, top - gap
