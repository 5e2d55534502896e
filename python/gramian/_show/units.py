"""Pictures of what is found unit by unit, by matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .axes import hatch_undefined, new_axes, settle

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.floating[Any]]
_COLORS = "RdBu_r"  # of correlations: white is 0
_NUMBERS = 12  # clusters up to which cells have room for a number


def match_curve(curve: Floats, ax: Any, label: str, *, absolute: bool) -> Any:
    """Draw the correlations of matched pairs, best first."""
    ax = new_axes(ax)
    ax.plot(np.arange(1, len(curve) + 1), curve, marker=".", markersize=4, label=label)
    ax.set_xlabel("pair, sorted by correlation")
    ax.set_ylabel("absolute correlation" if absolute else "correlation")
    ax.set_ylim(min(0.0, *ax.get_ylim()), 1.02)
    ax.grid(alpha=0.3)
    ax.legend()
    settle(ax)
    return ax


def correlation_map(
    correlation: npt.NDArray[Any], rows: Integers, columns: Integers, ax: Any, title: str
) -> Any:
    """Draw a correlation matrix whose rows and columns are in the given orders."""
    ax = new_axes(ax)
    image = ax.imshow(
        correlation[np.ix_(rows, columns)],
        cmap=_COLORS,
        vmin=-1,
        vmax=1,
        aspect="auto",
        interpolation="nearest",
    )
    hatch_undefined(ax, correlation)  # where a unit is constant
    ax.set_xlabel("units of Y")
    ax.set_ylabel("units of X")
    ax.set_title(title, fontsize="medium")
    ax.figure.colorbar(image, ax=ax, label="correlation")
    settle(ax)
    return ax


def error_curve(partners: Floats, error: Floats, errors: Floats, ax: Any, label: str | None) -> Any:
    """Draw the unexplained share of variance against the number of partners along the path.

    `error` is the mean over units. The band holds the middle half of `errors`, one column a unit,
    NaN for those left out.
    """
    ax = new_axes(ax)
    predicted = np.isfinite(errors[0])
    legend = ax.get_legend()
    named = set() if legend is None else {text.get_text() for text in legend.get_texts()}
    (line,) = ax.plot(partners, error, marker=".", label=label or "mean over units")
    if predicted.any():
        # A few units that nothing predicts may lift the mean out of the band; the median is in it.
        low, middle, high = np.quantile(errors[:, predicted], [0.25, 0.5, 0.75], axis=1)
        look: dict[str, Any] = {"color": line.get_color(), "linewidth": 1}
        median, band = (
            f"_{name}" if name in named else name  # the first curve's will do for all
            for name in ("median", "middle half of the units")
        )
        ax.plot(partners, middle, "--", label=median, **look)
        ax.fill_between(partners, low, high, label=band, alpha=0.15, **look | {"linewidth": 0})
    ax.set_xlabel("mean number of partners")
    ax.set_ylabel("prediction error, 1 - R²")
    ax.set_ylim(0, max(1.02, ax.get_ylim()[1]) if np.nanmax(error, initial=0) > 1 else 1.02)
    ax.grid(alpha=0.3)
    ax.legend(fontsize="small")
    settle(ax)
    return ax


def cluster_map(values: Floats, sizes: Integers, ax: Any) -> Any:
    """Draw the mean correlation of X's part of every cluster with Y's part of every other."""
    ax = new_axes(ax)
    k = len(sizes)
    limit = float(np.abs(values[np.isfinite(values)]).max(initial=0.01))
    image = ax.imshow(
        values, cmap=_COLORS, vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest"
    )
    hatch_undefined(ax, values)
    if k <= _NUMBERS:
        for i, j in np.argwhere(np.isfinite(values)):
            color = "w" if abs(values[i, j]) > 0.6 * limit else "k"
            text = f"{round(values[i, j], 2) + 0:.2f}"  # no -0.00
            ax.text(j, i, text, ha="center", va="center", color=color, fontsize="small")
    ax.set_xticks(range(k), [f"{c}\n({size})" for c, size in enumerate(sizes[:, 1])])
    ax.set_yticks(range(k), [f"{c} ({size})" for c, size in enumerate(sizes[:, 0])])
    ax.set_xlabel("cluster, and its units of Y")
    ax.set_ylabel("cluster, and its units of X")
    ax.set_title("mean correlation between clusters", fontsize="medium")
    ax.figure.colorbar(image, ax=ax, label="mean correlation")
    settle(ax)
    return ax


def clustered_correlation(
    correlation: Floats, rows: Integers, columns: Integers, sizes: Integers, ax: Any
) -> Any:
    """Draw the correlation matrix of all units by cluster, with a frame around every cluster."""
    ax = correlation_map(correlation, rows, columns, ax, "sorted by cluster")
    from matplotlib.patches import Rectangle

    row = column = -0.5
    for height, width in sizes:
        frame = Rectangle((column, row), width, height, fill=False, edgecolor="k", linewidth=1)
        ax.add_patch(frame)
        row, column = row + height, column + width
    return ax
