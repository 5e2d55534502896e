"""Maps in plain text, of at most 80 characters a line: what is printed."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .maps import Map
from .names import distinct, shorten

__all__ = ["text_map"]

_RAMP = " .:-=+*#%@"
_WIDTH, _HEIGHT = 80, 60  # characters and rows


def text_map(shown: Map) -> str:
    """Return the map as lines: numbers if they fit, else only shades. The first row is on top."""
    numbers, shades = shown.numbers(), _shades(shown)
    noted, legend = _noted(shown, numbers)
    both = _joined(noted, [[f" {shade * 2}" for shade in row] for row in shades])
    lines = _with_intervals(shown)
    if not lines:
        legend = "intervals: .low and .high" if shown.low is not None else legend
        lines = _table(shown, both, gap=2) or _table(shown, noted, gap=1)
    if not lines:
        legend = "p-values: .pvalues" if shown.pvalues is not None else legend
        lines = _table(shown, numbers, gap=1) or _raster(shown, shades)
    low, high = shown.limits
    ramp = _RAMP[::-1] if shown.falling else _RAMP
    return "\n".join(
        [
            *(line.rstrip() for line in lines),
            *_patterns(shown),
            *([legend] if legend else []),
            f"scale: {low:.3g} [{ramp}] {high:.3g}",
        ]
    )


def _joined(cells: Sequence[Sequence[str]], ends: Sequence[Sequence[str]]) -> list[list[str]]:
    return [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(cells, ends, strict=True)]


def _noted(shown: Map, numbers: list[list[str]]) -> tuple[list[list[str]], str]:
    """Return numbers with a star at those that are a finding, and what a star is."""
    if shown.pvalues is None:
        return numbers, ""
    stars = [["*" if found else " " for found in row] for row in shown.pvalues <= shown.alpha]
    return _joined(numbers, stars), f"* p at most {shown.alpha:.2g}"


def _with_intervals(shown: Map) -> list[str]:
    """Return a table with intervals; no lines without these, or if it is too wide.

    One row of many columns is turned: a line for each of them.
    """
    if shown.low is None or shown.high is None or shown.exponent:
        return []
    numbers, low, high = (shown.numbers(x, digits=3) for x in (shown.values, shown.low, shown.high))
    ends = [
        [f" [{a}, {b}]" for a, b in zip(*rows, strict=True)] for rows in zip(low, high, strict=True)
    ]
    cells = _joined(numbers, ends)
    lines = _table(shown, cells, gap=2) or _table(shown, cells, gap=1)
    if lines or len(cells) > 1 or len(cells[0]) > _HEIGHT:
        return lines
    turned = replace(shown, x_names=shown.y_names, y_names=shown.x_names)
    return _table(turned, [[cell] for cell in cells[0]], gap=2)


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


def _thinned(names: Sequence[str]) -> Sequence[str]:
    """Return names as they are where they are short, otherwise what tells them apart."""
    return distinct(names)[0] if max(map(len, names)) > 20 else names


def _patterns(shown: Map) -> list[str]:
    """Return lines with what names have in common, where that was left out."""
    sides = {}
    for side, names in (("rows", shown.x_names), ("columns", shown.y_names)):
        if max(map(len, names)) > 20 and (pattern := distinct(names)[1]):
            sides[side] = pattern
    if len(set(sides.values())) == 1 and len(sides) == 2:
        sides = {"names": sides["rows"]}
    return [shorten([f"{side}: {pattern}"], _WIDTH)[0] for side, pattern in sides.items()]


def _table(
    shown: Map, cells: Sequence[Sequence[str]], gap: int, numbered: bool = False
) -> list[str]:
    """Return an aligned table, `gap` spaces before each column, or no lines if it is too wide."""
    y_names = _thinned(shown.y_names)
    x_names = _thinned(shown.x_names)
    labels = _labels(x_names) if numbered else shorten(x_names, 20)
    margin = max(map(len, labels))
    room = (_WIDTH - margin) // len(y_names) - gap
    width = max(len(cell) for row in cells for cell in row)
    if width > room:
        return []
    heads = [str(j) for j in range(len(y_names))] if numbered else shorten(y_names, room)
    if not numbered and room < 12 and list(y_names) != heads:  # too small to tell names apart
        return _table(shown, cells, gap, numbered=True)
    width = max(width, min(room, max(map(len, heads))))
    lines = [
        f"{label:<{margin}}" + "".join(" " * gap + f"{cell:>{width}}" for cell in row)
        for label, row in zip(["", *labels], [heads, *cells], strict=True)
    ]
    return [*lines, *_key(shown)] if numbered else lines


def _raster(shown: Map, shades: Sequence[Sequence[str]]) -> list[str]:
    """Return a line of shades per row; of too many layers, every other or every few are shown."""
    labels = _labels(_thinned(shown.x_names))
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
    """Return names behind their numbers, of which names that are these numbers need no second."""
    width = len(str(len(names) - 1))
    short = shorten(names, 20)
    if short == [str(i) for i in range(len(names))]:
        return short
    return [f"{i:<{width}} {name}" for i, name in enumerate(short)]


def _key(shown: Map, step: int = 1) -> list[str]:
    """Return lines that say which numbers are which columns, unless they are those of the rows."""
    labels = [" ".join(label.split()) for label in _labels(_thinned(shown.y_names))]
    if shown.y_names == shown.x_names or labels == [str(j) for j in range(len(labels))]:
        return []
    return textwrap.wrap(f"columns: {', '.join(labels[::step])}", _WIDTH)
