"""Curves of a value over the layers of a model, with a band for its interval."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .maps import check_axes, shorten

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


def layer_curve(shown: Curve, ax: Any = None) -> Any:
    """Draw on `ax`, or on a new figure, and return the axes."""
    require("matplotlib", "plot")
    check_axes(ax)
    if ax is None:
        pyplot = require("matplotlib.pyplot", "plot")
        width = min(max(4.0, 0.45 * len(shown.names) + 1.5), 10.0)
        _, ax = pyplot.subplots(figsize=(width, 3.4), layout="constrained")
    places = np.arange(len(shown.names))
    (line,) = ax.plot(places, shown.values, marker="o", markersize=4)
    if shown.low is not None and shown.high is not None:
        ax.fill_between(
            places,
            shown.low,
            shown.high,
            color=line.get_color(),
            alpha=0.25,
            lw=0,
            label=shown.band,
        )
        ax.legend(loc="best", frameon=False, fontsize="small")
    inches = ax.get_window_extent().width / ax.figure.dpi
    labels = shorten(list(shown.names), 28)
    visible = range(0, len(labels), math.ceil(len(labels) * 0.2 / inches))
    ax.set_xticks(list(visible), [labels[i] for i in visible], parse_math=False)
    crowded = len(labels) * max(map(len, labels)) > 12 * inches
    ax.tick_params(axis="x", rotation=90 if crowded else 0)
    if shown.limits is not None:
        ax.set_ylim(*shown.limits)
    ax.set_ylabel(shown.label)
    ax.set_title(textwrap.fill(shown.title, max(20, int(12 * inches))), fontsize="medium")
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
