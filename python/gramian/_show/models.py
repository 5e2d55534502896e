"""Pictures of many models by their distances: a tree, and points in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .axes import CHARACTER, inches, new_axes, set_title, settle
from .maps import Style
from .names import printable, shorten

__all__ = ["Models", "plane", "tree"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Models:
    """What a picture shows: distances, names, and the group of each model, if there are groups."""

    distances: Array
    names: Sequence[str]
    groups: Sequence[str] | None
    label: str  # of the distance
    title: str

    def colors(self) -> tuple[list[Any], dict[str, Any]]:
        """Return a color for each model, and that of each group."""
        cycle = require("matplotlib", "plot").rcParams["axes.prop_cycle"].by_key()["color"]
        if self.groups is None:
            return [cycle[0]] * len(self.names), {}
        of = {name: cycle[k % len(cycle)] for k, name in enumerate(dict.fromkeys(self.groups))}
        return [of[name] for name in self.groups], of


def tree(shown: Models, ax: Any, style: Style) -> Any:
    """Draw the tree of average linkage: models that join further left are closer."""
    hierarchy = require("scipy.cluster.hierarchy", "units")
    distance = require("scipy.spatial.distance", "units")
    count = len(shown.names)
    ax = new_axes(ax, style.figsize, (6.0, min(max(1.4 + 0.22 * count, 2.4), 12.0)))
    links = hierarchy.linkage(distance.squareform(shown.distances, checks=False), "average")
    hierarchy.dendrogram(
        links,
        orientation="left",
        labels=[str(i) for i in range(count)],
        color_threshold=0,
        above_threshold_color="0.45",
        ax=ax,
    )
    for lines in ax.collections:
        lines.set_linewidth(1.2)
    order = [int(text.get_text()) for text in ax.get_yticklabels()]
    size = min(9.0, 72 * ax.get_window_extent().height / ax.figure.dpi / count / 1.15)
    names = [shorten([shown.names[i]], 40)[0] for i in order]
    ax.set_yticks(ax.get_yticks(), names, parse_math=False, fontsize=max(size, 3.0))
    colors, groups = shown.colors()
    for text, i in zip(ax.get_yticklabels(), order, strict=True):
        text.set_color(colors[i] if groups else "k")
    ax.tick_params(axis="y", length=0)
    ax.set_xlim(left=ax.get_xlim()[0], right=0)
    ax.set_xlabel(shown.label, parse_math=False)
    for side in ("top", "left", "right"):
        ax.spines[side].set_visible(False)
    return _finish(shown, ax, style, groups, "average linkage")


def plane(shown: Models, ax: Any, style: Style) -> Any:
    """Draw models as points whose distances are, as nearly as a plane allows, those given."""
    ax = new_axes(ax, style.figsize, (5.4, 5.0))
    points, share = scaled_classically(shown.distances)
    colors, groups = shown.colors()
    ax.scatter(points[:, 0], points[:, 1], c=colors, s=28, zorder=2)
    ax.set_aspect("equal", adjustable="datalim")
    ax.margins(0.15)
    ax.set_xlabel(f"{shown.label}, first axis", parse_math=False)
    ax.set_ylabel("second axis")
    ax.grid(alpha=0.3)
    _finish(shown, ax, style, groups, f"classical scaling, {share:.0%} of the squares")
    _name_points(ax, points, [shorten([name], 24)[0] for name in shown.names], colors)
    return ax


def _name_points(ax: Any, points: Array, names: Sequence[str], colors: Sequence[Any]) -> None:
    """Write names beside points, the nearer the better, where they cover nothing."""
    if ax.figure.get_layout_engine() is not None:
        ax.figure.draw_without_rendering()  # how large the axes are is known after that
    ax.apply_aspect()
    size = 8.0 if len(points) <= 40 else 6.0
    unit = ax.figure.dpi / 72  # pixels of a point
    frame = ax.get_window_extent()
    single = len(set(colors)) == 1
    places = ax.transData.transform(points)
    taken = [(x - 3 * unit, y - 3 * unit, x + 3 * unit, y + 3 * unit) for x, y in places]
    for (x, y), point, name, color in zip(places, points, names, colors, strict=True):
        width, height = len(name) * CHARACTER * ax.figure.dpi * size / 9, 1.15 * size * unit
        best = (np.inf, 0.0, 0.0)
        for far in (5, 12, 20, 30, 42):
            for turn in range(16):  # to the right first
                angle = np.pi * (turn // 2 if turn % 2 else -turn // 2) / 8
                dx, dy = far * unit * np.cos(angle), far * unit * np.sin(angle)
                left = x + dx - (width / 2) * (1 - np.cos(angle))
                low = y + dy - (height / 2) * (1 - np.sin(angle))
                box = left, low, left + width, low + height
                covered = sum(_common(box, other) for other in taken)
                outside = width * height - _common(box, (frame.x0, frame.y0, frame.x1, frame.y1))
                best = min(best, (covered + 10 * outside, left, low))
                if best[0] == 0:
                    break
            if best[0] == 0:
                break
        _, left, low = best
        taken.append((left, low, left + width, low + height))
        ax.annotate(
            name,
            point,
            xytext=((left - x) / unit, (low - y) / unit),
            textcoords="offset points",
            fontsize=size,
            color="k" if single else color,
            parse_math=False,
            arrowprops={
                "arrowstyle": "-",
                "color": color,
                "lw": 0.5,
                "alpha": 0.6,
                "relpos": (0.5, 0.5),
                "shrinkA": 0,
            },
        )


def _common(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the area that two boxes have in common."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    return max(width, 0.0) * max(height, 0.0)


def scaled_classically(distances: Array) -> tuple[Array, float]:
    """Return points in a plane, and the share of all squares that the plane has.

    Torgerson 1952: with J = I - 11'/n, the eigenvectors of -JD²J/2 times the roots of its
    eigenvalues. Distances that are none of points in any space have negative ones as well, which
    count in the share by their size. Each axis points to where its largest coordinate is positive.
    """
    squares = distances**2
    inner = -0.5 * (squares - squares.mean(axis=0) - squares.mean(axis=1)[:, None] + squares.mean())
    values, vectors = np.linalg.eigh((inner + inner.T) / 2)
    first = np.argsort(-values, kind="stable")[:2]
    points = vectors[:, first] * np.sqrt(np.maximum(values[first], 0.0))
    if points.shape[1] < 2:
        points = np.hstack([points, np.zeros((len(points), 1))])
    signs = np.sign(points[np.abs(points).argmax(axis=0), [0, 1]])
    total = float(np.abs(values).sum())
    share = float(np.maximum(values[first], 0).sum()) / total if total > 0 else 1.0
    return points * np.where(signs == 0, 1.0, signs), share


def _finish(shown: Models, ax: Any, style: Style, groups: dict[str, Any], how: str) -> Any:
    title = f"{shown.title}\n{how}" if shown.title else how
    set_title(ax, title if style.title is None else style.title)
    if groups:
        lines = require("matplotlib.lines", "plot")
        handles = [
            lines.Line2D([], [], marker="o", ls="", color=color, label=printable(name))
            for name, color in groups.items()
        ]
        _, height = inches(ax)
        legend = ax.legend(  # below the axes: a tree may be anywhere in them
            handles=handles,
            fontsize=8,
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, -0.5 / height),
            ncols=min(len(handles), 5),
        )
        for text in legend.get_texts():
            text.set_parse_math(False)
    settle(ax)
    return ax
