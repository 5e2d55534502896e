"""The pictures of a comparison, which `Comparison` inherits: they are drawn in `_show`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .._input.options import check_flag, refuse_type, shown
from .._measures.registry import MEASURES
from .._show import curves, maps, text
from . import words
from .data import Data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Pictures", "checked_style", "limits_of"]

# Ends of color scales: round numbers below the largest value that a measure can have.
_ROUND = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)

_LARGEST = 1e100  # what matplotlib still finds ticks for


class Pictures(Data):
    """What can be drawn of a comparison."""

    def plot(
        self,
        ax: Axes | None = None,
        *,
        annotate: bool | None = None,
        annot: bool | None = None,
        cmap: Any = None,
        vmin: float | None = None,
        vmax: float | None = None,
        title: str | None = None,
        figsize: tuple[float, float] | None = None,
    ) -> Axes:
        """Draw the heat map with matplotlib: A down the y axis as it is printed, B along x.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw; a new figure by default.
        annotate, annot : bool, optional
            Write the numbers into the cells; by default if they have room for it.
        cmap : str or matplotlib Colormap, optional
            By default "magma", or "magma_r" for a distance: brighter is more similar. A difference
            of comparisons is red where it is above 0, and blue below.
        vmin, vmax : float, optional
            Values at the two ends of the color scale. By default 0 and the largest value that the
            measure can have, such as 1, so that maps can be compared. The end of what is similar
            comes closer, to a round number, where all values are in the other half of the scale;
            give ``vmin=0, vmax=1`` for maps that are to have one scale. Without such a bound, the
            ends are those of the data.
        title : str, optional
            By default what was computed and how; "" for none.
        figsize : tuple of float, optional
            Width and height of a new figure in inches.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on. Nothing is shown or saved.

        Raises
        ------
        TypeError
            If `ax` is no axes, or an option is of another type.
        ValueError
            If the ends of the scale are not in order, a colormap is not known, or `figsize` comes
            with `ax`.
        ImportError
            If matplotlib is missing; ``pip install "gramian[plot]"``.

        Notes
        -----
        The first layer is on top, as in `values` and in print; ``ax.invert_yaxis()`` turns that
        about, as Kornblith et al. draw it. Names are thinned out to what tells them apart, and
        the labels of the axes have the rest. Cells are square where both sides have the same
        layers.

        Undefined values (NaN) are hatched. Negative values, as debiased estimators have for layers
        without similarity, turn from the color of 0 into one of their own, which they reach at a
        quarter of what is the largest value above 0: noise about 0 looks like 0.
        Intervals and p-values stand under the numbers where there is room, and cells are struck
        out whose p-value is above 1 - level.

        Axes in a grid are moved within their place so that names have room, unless the figure has
        a layout engine, such as "constrained", that does it.

        Examples
        --------
        >>> import gramian as gm
        >>> from matplotlib.figure import Figure
        >>> S = gm.Comparison([[0.9, 0.4], [0.3, 0.8]], ["a1", "a2"], ["b1", "b2"], "cka", {}, 100)
        >>> ax = S.plot(Figure().subplots(), vmax=1.0)
        >>> ax.get_title()
        'CKA, n = 100'
        """
        style = checked_style(annotate, annot, cmap, vmin, vmax, title, figsize)
        drawn: Axes = maps.heat_map(self._map(), ax, style)
        return drawn

    def plot_curve(
        self,
        ax: Axes | None = None,
        *,
        best: bool = False,
        label: str | None = None,
        title: str | None = None,
        figsize: tuple[float, float] | None = None,
    ) -> Axes:
        """Draw a value for every layer as a curve, with a band where there are intervals.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw, several curves one after the other; a new figure by default.
        best : bool, default False
            Draw of each layer of A its most similar layer of B, whatever its name.
        label : str, optional
            The curve's name in a legend, for several curves in one picture.
        title : str, optional
            By default what was computed and how; "" for none.
        figsize : tuple of float, optional
            Width and height of a new figure in inches.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on. Nothing is shown or saved.

        Raises
        ------
        ValueError
            If the map is neither a row, nor a column, nor square, without `best`.
        ImportError
            If matplotlib is missing; ``pip install "gramian[plot]"``.

        Notes
        -----
        Of a map with one row or one column, such as many layers against one brain area, its values;
        of a square one those of each layer with the layer of the same name or, where names differ,
        at the same place. The best of many is larger by chance than one that was named before: the
        band of a best match is the interval of the pair, not of the choice.

        Examples
        --------
        >>> import gramian as gm
        >>> from matplotlib.figure import Figure
        >>> S = gm.Comparison([[0.9], [0.3], [0.5]], ["a", "b", "c"], ["V4"], "cka", {}, 100)
        >>> ax = S.plot_curve(Figure().subplots())
        >>> ax.lines[0].get_ydata().tolist()
        [0.9, 0.3, 0.5]
        """
        best = check_flag("best", best)
        if label is not None and not isinstance(label, str):
            raise refuse_type("label", "None or a str", label)
        style = checked_style(None, None, None, None, None, title, figsize)
        shown_curve = self._curve(best=best, label=label)
        drawn: Axes = curves.layer_curve(shown_curve, ax, style)
        return drawn

    def to_html(
        self, path: str | os.PathLike[str] | None = None, *, title: str | None = None
    ) -> str:
        """Return a page with the map, to be pointed at and walked through by keys.

        Parameters
        ----------
        path : str or path-like, optional
            A file to write it to, as `save` writes.
        title : str, optional
            By default what was computed.

        Returns
        -------
        str
            HTML, whole in one file: it asks nothing of any network, is light or dark as its reader
            is, and prints. `report` puts several comparisons into one.

        Raises
        ------
        OSError
            If the file cannot be written.

        Examples
        --------
        >>> import gramian as gm
        >>> S = gm.Comparison([[0.9, 0.4], [0.3, 0.8]], ["a1", "a2"], ["b1", "b2"], "cka", {}, 100)
        >>> S.to_html()[:15]
        '<!DOCTYPE html>'
        """
        from . import panels  # which takes long to import

        return panels.written([self], [""], path, title)

    def _repr_html_(self) -> str:
        """Return the map for a notebook: one SVG, without scripts."""
        from .._show import notebook

        return notebook.figure(self._map())

    def _caption(self) -> list[str]:
        """Return lines that say what was computed, of how many samples, and how they were made."""
        return words.caption(self.measure, self.options, self.n_samples, self.inference)

    def _map(self) -> maps.Map:
        measure = MEASURES.get(self.measure)
        inference = self.inference
        return maps.Map(
            values=self.values,
            x_names=self.x_names,
            y_names=self.y_names,
            limits=self._limits(),
            falling=measure is not None and measure.distance,
            title="\n".join(self._caption()),
            label=words.axis(self.measure),
            low=None if inference is None else inference.low,
            high=None if inference is None else inference.high,
            pvalues=None if inference is None else inference.pvalues,
            alpha=0.05 if inference is None else 1 - inference.level,
            sides=("layers of A", f"layers of {'A' if self._among() else 'B'}"),
        )

    def _limits(self) -> tuple[float, float]:
        """Return the values at the two ends of the color scale."""
        return limits_of(self.values, self.measure)

    def _curve(self, *, best: bool = False, label: str | None = None) -> curves.Curve:
        place = self._best() if best else self._pairs()
        if place is None:
            rows, columns = self.values.shape
            raise ValueError(
                "plot_curve needs a map with one row, one column, or as many of both, got "
                f"{rows} x {columns}; best=True draws each layer's best match."
            )
        along, others = self.x_names, self.y_names
        if len(self.x_names) == 1 and not best:
            along, others = others, along
        measure = MEASURES.get(self.measure)
        inference = self.inference
        ends = (None, None) if inference is None else (inference.low, inference.high)
        low, high = (None if end is None else end[place] for end in ends)
        scale = None
        if measure is not None and measure.normalized:
            scale = _room_for(0.0, float(measure.range[1]), self.values[place], low, high)
        level = 0.0 if inference is None else inference.level
        return curves.Curve(
            values=self.values[place],
            names=along,
            low=low,
            high=high,
            limits=scale,
            title="\n".join(self._caption()),
            label=words.axis(self.measure) + (", best match" if best else ""),
            band=f"{100 * level:g}% interval",
            name=label or None,
            partners=[self.y_names[j] for j in place[1]] if best else None,
            side="layers" if len(others) > 1 else f"layers, with {others[0]}",
        )

    def _pairs(self) -> Any:
        """Return the rows and columns of the pairs of a curve, if there are such."""
        rows, columns = self.values.shape
        if 1 in (rows, columns):
            return tuple(np.indices(self.values.shape).reshape(2, -1))
        if rows != columns:
            return None
        others = list(range(rows))
        if set(self.x_names) == set(self.y_names):
            others = [self.y_names.index(name) for name in self.x_names]
        return np.arange(rows), np.array(others)

    def _best(self) -> Any:
        """Return every row with the column of what is most similar to it."""
        scores = self._similarity()
        scores = np.where(np.isnan(scores), -np.inf, scores)
        return np.arange(len(scores)), scores.argmax(axis=1)

    def _figure(self, title: str | None = None, **style: Any) -> Any:
        """Return a figure with the heat map, without the windows that pyplot would open."""
        size = self._map().size()
        figure = require("matplotlib.figure", "plot").Figure(size, layout="constrained")
        self.plot(figure.subplots(), title=title, **style)
        return figure

    def _text_map(self) -> str:
        return text.text_map(self._map())


def limits_of(values: npt.NDArray[np.float64], name: str) -> tuple[float, float]:
    """Return the values at the two ends of a color scale."""
    measure = MEASURES.get(name)
    finite = values[np.isfinite(values)]
    if not (measure and measure.normalized):
        low, high = float(finite.min(initial=0.0)), float(finite.max(initial=0.0))
        if measure is None and low < 0:  # a difference, on both sides of 0
            return min(low, -high), max(-low, high)
        if high > 0:  # of unbiased estimators, what is below 0 has colors of its own
            return 0.0, high
        return (low, high) if high > low else (0.0, 1.0)
    top = float(measure.range[1])
    if not finite.size:
        return 0.0, top
    if measure.distance:  # what is similar is small
        ends = [top * (1 - end) for end in _ROUND if top * (1 - end) <= finite.min()]
        return max(ends, default=0.0), top
    return 0.0, min((top * end for end in _ROUND if top * end >= finite.max()), default=top)


def _room_for(low: float, high: float, *values: Any) -> tuple[float, float]:
    """Return the ends of an axis for all that the measure can be, and a curve shows."""
    for some in values:
        if some is not None:
            known = some[np.isfinite(some)]
            low = float(known.min(initial=low))
            high = float(known.max(initial=high))
    room = 0.02 * (high - low)
    return (low - room if low < 0 else low), high + room


def checked_style(
    annotate: Any, annot: Any, cmap: Any, vmin: Any, vmax: Any, title: Any, figsize: Any
) -> maps.Style:
    """Return what a user said of a picture, or refuse it."""
    if annot is not None and annotate is not None:
        raise TypeError("annot is another word for annotate, and cannot be given with it.")
    if annot is not None:
        annotate = check_flag("annot", annot)
    elif annotate is not None:
        annotate = check_flag("annotate", annotate)
    if cmap is not None and not isinstance(cmap, str) and not hasattr(type(cmap), "with_extremes"):
        raise refuse_type("cmap", "a name, or a Colormap of matplotlib", cmap)
    if title is not None and not isinstance(title, str):
        raise refuse_type("title", "None or a str", title)
    ends = {name: _number(name, end) for name, end in (("vmin", vmin), ("vmax", vmax))}
    return maps.Style(annotate, cmap, **ends, title=title, figsize=_size(figsize))


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, (bool, np.bool_)) or not isinstance(
        value, (int, float, np.integer, np.floating)
    ):
        raise refuse_type(name, "None or a number", value)
    number = float("inf") if isinstance(value, int) and abs(value) > _LARGEST else float(value)
    if not abs(number) <= _LARGEST:
        raise ValueError(f"{name} must be finite, up to {_LARGEST:g}, got {shown(value)}.")
    return number


def _size(figsize: Any) -> tuple[float, float] | None:
    if figsize is None:
        return None
    rule = "a width and a height in inches"
    if isinstance(figsize, (str, bytes, Mapping)):
        raise refuse_type("figsize", rule, figsize)
    try:
        width, height = figsize
    except Exception:  # of an object's own
        raise refuse_type("figsize", rule, figsize) from None
    sides = [_number("figsize", side) for side in (width, height)]
    if any(side is None or not 0.5 <= side <= 200 for side in sides):
        raise ValueError(f"figsize must be {rule}, from 0.5 to 200, got {shown(figsize)}.")
    return sides[0], sides[1]  # type: ignore[return-value]
