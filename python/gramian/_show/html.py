"""One HTML file of maps with a common cursor: it asks nothing of any network.

Its parts are in the folder `page`: what a browser reads is edited there.
"""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import numpy as np
import numpy.typing as npt

from .curves import Curve
from .maps import Map
from .names import printable
from .svg import curve_svg, map_svg, map_width

__all__ = ["Page", "Panel", "page"]


_ALONE, _BESIDE = 480.0, 330.0  # pixels of a map; three are side by side on a screen of 1500


@dataclass(frozen=True)
class Panel:
    """A map of the page, its curve, and what there is to say of it, in words by name."""

    map: Map
    heading: str
    level: str  # of intervals, in percent
    facts: Mapping[str, str]
    curve: Curve | None = None
    pairs: Sequence[tuple[int, int]] = ()  # row and column of every point of the curve
    along: str = "x"  # whose layers the curve goes along: those of the rows, or "y", the columns


@dataclass(frozen=True)
class Page:
    """What a page shows: maps of the same layers."""

    title: str
    summary: str
    panels: Sequence[Panel]
    warnings: Sequence[str]
    footer: str


def page(shown: Page) -> str:
    """Return the whole file as text."""
    script = _part("page.js")
    side = _ALONE if len(shown.panels) == 1 else _BESIDE
    # The one script that may run; a name that looked like another would be text even so.
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    return Template(_part("page.html")).substitute(
        title=_text(shown.title),
        summary=_text(shown.summary),
        style=_part("page.css"),
        script=script,
        hash=f"sha256-{digest}",
        warnings=_warnings(shown.warnings),
        panels="\n".join(_panel(panel, i, side) for i, panel in enumerate(shown.panels)),
        width=f"{max(max(map_width(one.map, side) for one in shown.panels), 320):.0f}",
        facts=_facts(shown.panels),
        data=_data(shown.panels),
        footer=_text(shown.footer),
    )


@functools.cache
def _part(name: str) -> str:
    return (files(__package__) / "page" / name).read_text("utf-8")


def _text(words: str) -> str:
    return escape(printable(words))


def _warnings(found: Sequence[str]) -> str:
    lines = "".join(f"<li>{_text(warning)}</li>" for warning in found)
    return f'<ul class="warnings" aria-label="Warnings">{lines}</ul>' if lines else ""


def _panel(panel: Panel, index: int, side: float) -> str:
    shown = panel.map
    curve = "" if panel.curve is None else curve_svg(panel.curve, shown, side=side)
    lines = shown.title.split("\n")
    heading = _text(panel.heading)
    return (
        f'<section class="panel" id="panel-{index}"><h2>{heading}</h2>'
        f"<p>{'<br>'.join(map(_text, lines))}</p>"
        '<p class="value"></p>'
        f'<div class="map-box" tabindex="0" role="application" aria-roledescription="heat map" '
        f'aria-label="{heading}, {len(shown.x_names)} by {len(shown.y_names)} layers" '
        f'aria-describedby="help">{map_svg(shown, f"map-{index}", side=side)}</div>'
        f"<div>{curve}</div>"
        "<details><summary>Values as a table</summary>"
        '<div class="scroll"><table class="values"></table></div></details></section>'
    )


def _facts(panels: Sequence[Panel]) -> str:
    """Return the lines of a table with a column for every map."""
    names = list(dict.fromkeys(name for panel in panels for name in panel.facts))
    heads = "".join(f'<th scope="col">{_text(panel.heading)}</th>' for panel in panels)
    lines = [f'<thead><tr><th scope="col"></th>{heads}</tr></thead><tbody>']
    for name in names:
        cells = "".join(f"<td>{_text(panel.facts.get(name, '–'))}</td>" for panel in panels)
        lines.append(f'<tr><th scope="row">{_text(name)}</th>{cells}</tr>')
    return "\n".join([*lines, "</tbody>"])


def _data(panels: Sequence[Panel]) -> str:
    """Return what the script reads, as JSON in which nothing can end the element."""
    first = panels[0].map
    found = {
        "sides": [side.removeprefix("layers of ") for side in first.sides],
        "x_names": [printable(name) for name in first.x_names],
        "y_names": [printable(name) for name in first.y_names],
        "panels": [_panel_data(panel) for panel in panels],
    }
    text = json.dumps(found, allow_nan=False, separators=(",", ":"))
    return text.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")


def _panel_data(panel: Panel) -> dict[str, Any]:
    shown = panel.map
    found: dict[str, Any] = {
        "heading": panel.heading,
        "decimals": None if shown.exponent else _decimals(shown.values),
        "falling": shown.falling,
        "ranked": not shown.two_sided,  # whether the largest, or smallest, is the most similar
        "level": panel.level,
        "along": panel.along,
        "curve": [[int(i), int(j)] for i, j in panel.pairs],
        "values": _rows(shown.values),
    }
    for name in ("low", "high", "pvalues"):
        values = getattr(shown, name)
        if values is not None:
            found[name] = _rows(values)
    return found


def _decimals(values: npt.NDArray[np.float64]) -> int:
    """Return how many decimals make five digits of the largest value."""
    largest = float(np.abs(values[np.isfinite(values)]).max(initial=0.1))
    return min(4, max(0, 4 - math.floor(math.log10(largest))))


def _rows(values: npt.NDArray[np.float64]) -> list[list[float | str | None]]:
    """Return values with seven digits, which take half the space of all there are."""
    return [[_value(value) for value in row] for row in values.tolist()]


def _value(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return float(f"{value:.7g}") if math.isfinite(value) else ("∞" if value > 0 else "-∞")
