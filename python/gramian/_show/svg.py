"""Heat maps and curves as SVG: for notebooks and pages, which are light or dark."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from . import raster
from .curves import Curve
from .maps import BELOW, Map, scaled
from .names import distinct, every, printable, shorten

__all__ = ["curve_svg", "map_svg", "map_width"]

_CHARACTER, _LINE = 6.3, 13.0  # pixels of text of 11 pixels: a character on average, and a line
_SIDE = 400.0  # pixels of a map of many layers
_CELL, _LEAST = 40.0, 110.0  # pixels of a cell at most, and of a map of few cells
_WIDEST = 20  # characters of a name
_CURVE = 150.0  # height of the axes of a curve


def map_svg(shown: Map, key: str, *, side: float = _SIDE, hover: bool = False) -> str:
    """Return the picture of a map; `key` makes the names in it different from others' on a page.

    With `hover`, a pointer that rests on a cell is told its names and value, without a script.
    """
    rows, columns = shown.values.shape
    left, width, height = _frame(shown, side)
    upright, below = _below(shown.y_names, width)
    palette = raster.colors(shown.falling, BELOW, shown.two_sided)
    cells = raster.indices(shown.values, *shown.limits)
    place = f'x="{left:g}" y="8" width="{width:g}" height="{height:g}"'
    undefined = bool(np.isnan(shown.values).any())
    parts = [
        _hatching(key) if undefined else "",
        f'<rect class="under" {place} fill="{f"url(#{key}-hatch)" if undefined else "none"}"/>',
        _picture(raster.image(cells, palette), place),
        _struck(shown, left, width / columns, height / rows),
        _numbers(shown, cells, palette, (left, width / columns, height / rows)),
        f'<rect class="cells" {place} fill="none" stroke="currentColor" stroke-opacity=".35"/>',
        _down(shown.x_names, left, height),
        _along(shown.y_names, left, width, 8 + height, upright),
        _words(_axis(shown.sides[1], shown.y_names, width), left + width / 2, height + below + 20),
        _words(_axis(shown.sides[0], shown.x_names, height), 11, 8 + height / 2, turned=True),
        _bar(shown, palette, (left + width + 16, height), key),
        _hints(shown, left, width / columns, height / rows) if hover else "",
    ]
    label = f"Heat map of {shown.label}: {rows} layers down, {columns} layers across"
    return _whole(parts, map_width(shown, side), height + below + 28, label, "map")


def curve_svg(shown: Curve, above: Map, *, side: float = _SIDE) -> str:
    """Return the picture of a curve, of the width of the map that it is of."""
    count = len(shown.names)
    left, width, _ = _frame(above, side)
    left, width = max(left, 56.0), max(width, min(24.0 * count, side))
    upright, below = _below(shown.names, width)
    top, height = 12.0, _CURVE
    low, high = shown.ends()
    x = left + (np.arange(count) + 0.5) * width / count
    marks = _round_numbers(low, high)

    def up(values: Any) -> Any:
        return top + height * (1 - (np.asarray(values) - low) / (high - low))

    parts = [
        "".join(
            f'<path class="rule" d="M{left:g} {up(mark):.1f}h{width:g}" stroke="currentColor" '
            f'stroke-opacity=".15"/><text x="{left - 6:g}" y="{up(mark) + 4:.1f}" '
            f'text-anchor="end">{mark:g}</text>'
            for mark in marks
        )
    ]
    known = np.isfinite(shown.values)
    for first, last in _runs(known):
        here = slice(first, last)
        line = list(zip(x[here], up(shown.values[here]), strict=True))
        if shown.low is not None and shown.high is not None:
            floor = zip(x[here], up(shown.low[here]), strict=True)
            roof = zip(x[here], up(shown.high[here]), strict=True)
            edge = [*floor, *reversed(list(roof))]
            parts.append(f'<path class="band" d="{_path(edge)}z"/>')
        parts.append(f'<path class="line" d="{_path(line)}"/>')
    radius = 3.0 if count <= 60 else 1.8
    parts += [
        f'<circle data-layer="{i}" cx="{x[i]:.1f}" cy="{up(shown.values[i]):.1f}" r="{radius}"/>'
        for i in np.flatnonzero(known)
    ]
    parts.append(_along(shown.names, left, width, top + height, upright))
    parts.append(_words(shown.label, left - 42, top + height / 2, turned=True))
    parts.append(
        _words(_axis(shown.side, shown.names, width), left + width / 2, height + below + 26)
    )
    label = f"Curve of {shown.label} over {count} layers"
    return _whole(parts, left + width + 12, height + below + 32, label, "curve")


def map_width(shown: Map, side: float) -> float:
    """Return the width of the picture of a map in pixels."""
    left, width, _ = _frame(shown, side)
    return left + width + max(46 + _bar_width(shown), 92 if _keys(shown, "") else 0)


def _keys(shown: Map, key: str) -> list[tuple[str, str]]:
    """Return the fill of cells that the color bar does not have, and what they are."""
    found = []
    low, unit = shown.floor, 10.0**shown.exponent
    if low < shown.limits[0] and np.nanmin(shown.values) < low:
        found.append((BELOW, f"below {low / unit:.3g}".replace("-", "−")))
    if np.isnan(shown.values).any():
        found.append((f"url(#{key}-hatch)", "undefined"))
    return found


def _frame(shown: Map, side: float) -> tuple[float, float, float]:
    """Return where the cells of a map begin, and their width and height."""
    rows, columns = shown.values.shape
    cell = min(_CELL, side / max(rows, columns))
    width, height = max(cell * columns, _LEAST), max(cell * rows, _LEAST)
    left = 22.0 + _CHARACTER * max(map(len, _names(shown.x_names)))
    return left, height if shown.square else width, height


def _bar_width(shown: Map) -> float:
    """Return the width of the numbers beside a color bar."""
    unit = 10.0**shown.exponent
    marks = _round_numbers(shown.floor, shown.limits[1])
    return 17 + _CHARACTER * max(len(f"{mark / unit:g}") for mark in marks)


def _whole(parts: Sequence[str], width: float, height: float, label: str, name: str) -> str:
    return (
        f'<svg class="{name}" xmlns="http://www.w3.org/2000/svg" '
        f'viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img" aria-label="{_text(label)}" '
        f'font-size="11" fill="currentColor" font-family="system-ui, sans-serif">'
        f"{''.join(parts)}</svg>"
    )


def _text(words: str) -> str:
    return escape(printable(words))


def _names(names: Sequence[str]) -> list[str]:
    return shorten(distinct(names)[0], _WIDEST)


def _axis(side: str, names: Sequence[str], length: float) -> str:
    pattern = distinct(names)[1]
    room = max(int(length / _CHARACTER) - len(side) - 2, 12)
    return f"{side}: {shorten([pattern], room)[0]}" if pattern else side


def _below(names: Sequence[str], width: float) -> tuple[bool, float]:
    """Return whether names along an axis stand upright, and their height."""
    longest = max(map(len, _names(names)))
    upright = longest > 3 and (longest + 1) * _CHARACTER * len(names) > width
    return upright, (_CHARACTER * longest if upright else _LINE) + 6


def _down(names: Sequence[str], left: float, height: float) -> str:
    labels, pitch = _names(names), height / len(names)
    return "".join(
        f'<text x="{left - 5:g}" y="{8 + (i + 0.5) * pitch + 4:.1f}" text-anchor="end">'
        f"{_text(labels[i])}</text>"
        for i in range(0, len(labels), every(len(labels), height / _LINE))
    )


def _along(names: Sequence[str], left: float, width: float, top: float, upright: bool) -> str:
    labels, pitch = _names(names), width / len(names)
    across = _LINE if upright else (max(map(len, labels)) + 1) * _CHARACTER
    parts = []
    for i in range(0, len(labels), every(len(labels), width / across)):
        x, y = left + (i + 0.5) * pitch, top + (6 if upright else 15)
        look = 'text-anchor="middle"'
        if upright:
            look = f'text-anchor="end" transform="rotate(-90 {x:.1f} {y:.1f})" dy="4"'
        parts.append(f'<text x="{x:.1f}" y="{y:.1f}" {look}>{_text(labels[i])}</text>')
    return "".join(parts)


def _words(words: str, x: float, y: float, *, turned: bool = False) -> str:
    turn = f' transform="rotate(-90 {x:g} {y:g})"' if turned else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="middle"{turn}>{_text(words)}</text>'


def _picture(address: str, place: str) -> str:
    return (
        f'<image {place} preserveAspectRatio="none" style="image-rendering:pixelated" '
        f'href="{address}"/>'
    )


def _hatching(key: str) -> str:
    return (
        f'<defs><pattern id="{key}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><rect width="6" height="6" fill="#e8e8e8"/>'
        '<path d="M0 0v6" stroke="#8a8a8a" stroke-width="2"/></pattern></defs>'
    )


def _struck(shown: Map, left: float, width: float, height: float) -> str:
    """Return lines through cells that are no finding."""
    if shown.pvalues is None:
        return ""
    lines = "".join(f"M{j} {i + 1}l1 -1" for i, j in np.argwhere(shown.pvalues > shown.alpha))
    return (
        f'<path transform="translate({left:g} 8) scale({width:g} {height:g})" d="{lines}" '
        'stroke="#999" stroke-width="1" vector-effect="non-scaling-stroke" fill="none"/>'
    )


def _numbers(shown: Map, cells: Any, palette: Any, place: tuple[float, float, float]) -> str:
    """Return the numbers in cells that have room for them."""
    left, width, height = place
    numbers = shown.numbers(digits=3, power=False)
    if max(len(text) for row in numbers for text in row) * _CHARACTER > width or height < _LINE:
        return ""
    bright = raster.luma(palette)
    return "".join(
        f'<text x="{left + (j + 0.5) * width:.1f}" y="{8 + (i + 0.5) * height + 4:.1f}" '
        f'text-anchor="middle" fill="{"#000" if bright[cells[i, j]] > 0.5 else "#fff"}">'
        f"{numbers[i][j] if numbers[i][j] != 'nan' else '–'}</text>"
        for i, j in np.ndindex(shown.values.shape)
    )


def _bar(shown: Map, palette: Any, at: tuple[float, float], key: str) -> str:
    """Return the color bar, and below it what cells are whose color it does not have."""
    left, height = at
    low, high = shown.floor, shown.limits[1]
    keys = _keys(shown, key)
    height -= 18 * len(keys) + 8 if keys else 0
    unit = 10.0**shown.exponent
    place = f'x="{left:g}" y="8" width="12" height="{height:g}"'
    parts = [
        _picture(
            raster.image(
                raster.ramp(low, high) if low < shown.limits[0] else raster.ramp(), palette
            ),
            place,
        )
    ]
    for mark in _round_numbers(low, high):
        y = 8 + height * (1 - (mark - low) / (high - low))
        parts.append(f'<text x="{left + 17:g}" y="{y + 4:.1f}">{mark / unit:g}</text>')
    parts.append(_words(scaled(shown), left + 18 + _bar_width(shown), 8 + height / 2, turned=True))
    for i, (fill, words) in enumerate(keys):
        y = height + 20 + 18 * i
        parts.append(
            f'<rect x="{left:g}" y="{y:g}" width="12" height="12" fill="{fill}"/>'
            f'<text x="{left + 16:g}" y="{y + 10:g}">{words}</text>'
        )
    return "".join(parts)


def _hints(shown: Map, left: float, width: float, height: float) -> str:
    """Return a clear tile for every cell, of maps of few, that tells what is below it."""
    if shown.values.size > 600:
        return ""
    numbers = shown.numbers()
    tiles = "".join(
        f'<path d="M{j} {i}h1v1h-1z"><title>{_text(shown.x_names[i])}, {_text(shown.y_names[j])}: '
        f"{numbers[i][j]}</title></path>"
        for i, j in np.ndindex(shown.values.shape)
    )
    where = f"translate({left:g} 8) scale({width:g} {height:g})"
    return f'<g transform="{where}" fill="#fff" fill-opacity="0">{tiles}</g>'


def _round_numbers(low: float, high: float) -> list[float]:
    """Return from three to seven round numbers between two."""
    least = (high - low) / 6
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= 0.999 * least)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [float(f"{step * k:.10g}") for k in range(first, last + 1)]


def _runs(known: Any) -> list[tuple[int, int]]:
    """Return where values are that are known, each run by its first and the one after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(int), [0]])))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
