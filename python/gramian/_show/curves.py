"""Curves of a value over the layers of a model, with a band for its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .axes import CHARACTER, inches, longest, name_axis, name_line, new_axes, set_title, settle
from .maps import PLAIN, Style
from .names import distinct, printable, shorten

__all__ = ["Curve", "layer_curve"]


@dataclass(frozen=True)
class Curve:
    """What a picture shows: a value a layer, in their order."""

    values: npt.NDArray[np.float64]
    names: Sequence[str]
    low: npt.NDArray[np.float64] | None
    high: npt.NDArray[np.float64] | None
    limits: tuple[float, float] | None  # of the axis of values; None: of the data
    title: str
    label: str  # of the values
    band: str  # of the interval
    name: str | None = None  # in a legend
    partners: Sequence[str] | None = None  # of each layer, where they were chosen
    side: str = "layers"

    def ends(self) -> tuple[float, float]:
        """Return the ends of the axis of values."""
        if self.limits is not None:
            return self.limits
        every = [end for end in (self.values, self.low, self.high) if end is not None]
        found = np.concatenate(every)
        found = found[np.isfinite(found)]
        low, high = float(found.min(initial=0.0)), float(found.max(initial=0.0))
        return (low, 1.04 * high - 0.04 * low) if high > low else (0.0, 1.0)


def layer_curve(shown: Curve, ax: Any = None, style: Style = PLAIN) -> Any:
    """Draw on `ax`, or on a new figure, and return the axes."""
    count = len(shown.names)
    width = min(max(4.0, 0.3 * count + 1.5), 9.0)
    upright = longest(shown.names) * CHARACTER * count > width - 1
    below = longest(shown.names) * CHARACTER if upright else 0.2
    ax = new_axes(ax, style.figsize, (width, 3.2 + below))
    before = len(ax.lines)  # of curves that are there
    places = np.arange(count)
    (line,) = ax.plot(
        places,
        shown.values,
        marker="o",
        markersize=4 if count <= 60 else 2,
        label=shown.label if shown.name is None else printable(shown.name),
    )
    banded = shown.low is not None and shown.high is not None
    if banded:
        ax.fill_between(
            places,
            shown.low,
            shown.high,
            color=line.get_color(),
            alpha=0.25,
            lw=0,
            label=shown.band if shown.name is None else f"{printable(shown.name)}, {shown.band}",
        )
    _name_partners(ax, shown)
    if shown.limits is not None:
        low, high = ax.get_ylim() if before else shown.limits
        ax.set_ylim(min(low, shown.limits[0]), max(high, shown.limits[1]))
    ax.set_xlim(-0.5, count - 0.5)
    name_axis(ax.xaxis, shown.names)
    ax.xaxis.set_tick_params(length=3)
    ax.set_xlabel(name_line(shown.side, shown.names, inches(ax)[0]), parse_math=False)
    ax.set_ylabel(shown.label, parse_math=False)
    ax.grid(axis="y", alpha=0.3)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    set_title(ax, shown.title if style.title is None else style.title)
    if banded or shown.name is not None:
        legend = ax.legend(loc="best", frameon=False, fontsize="small")
        for text in legend.get_texts():
            text.set_parse_math(False)
    settle(ax)
    return ax


def _name_partners(ax: Any, shown: Curve) -> None:
    """Write above every point which layer was chosen, where there is room for that."""
    if shown.partners is None:
        return
    names = shorten(distinct(shown.partners)[0], 16)
    if len(names) * 0.16 > inches(ax)[0]:
        return
    for i, name in enumerate(names):
        if np.isfinite(shown.values[i]):
            ax.annotate(
                name,
                (i, shown.values[i]),
                xytext=(0, -6),
                textcoords="offset points",
                rotation=90,
                ha="center",
                va="top",
                fontsize=7,
                parse_math=False,
            )
