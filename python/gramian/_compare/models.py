"""Many models by a distance: checked, and drawn as a tree or in a plane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._input.options import refuse_type, shown
from .._measures.registry import MEASURES
from .._show import models as pictures
from . import fields, words
from .pictures import checked_style
from .results import Comparison

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_models"]

_KINDS = ("tree", "plane")


def plot_models(
    distances: Any,
    names: Sequence[str] | None = None,
    *,
    kind: str = "tree",
    groups: Sequence[Any] | None = None,
    ax: Axes | None = None,
    title: str | None = None,
    figsize: tuple[float, float] | None = None,
) -> Axes:
    """Draw many models by their distances: as a tree, or as points in a plane.

    Parameters
    ----------
    distances : Comparison or array_like of shape (n_models, n_models)
        Of every model from every other, such as ``compare({"net1": X1, "net2": X2, ...},
        measure="cka_distance")`` of one layer of each: symmetric, with zeros on the diagonal.
    names : sequence of str, optional
        Of the models; by default those of the comparison, or "0", "1", ...
    kind : {"tree", "plane"}, default "tree"
        A tree by average linkage, where two groups join at the mean distance of their models; or
        points by classical scaling, whose title says what share of the squared distances the plane
        has.
    groups : sequence, optional
        A label for each model, such as its architecture; each has its own color.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure by default.
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
        If something is of another type.
    ValueError
        If the distances are not square, symmetric, finite and 0 on the diagonal, or are those of a
        measure that is a similarity.
    ImportError
        If matplotlib is missing, or scipy for a tree; ``pip install "gramian[plot,units]"``.

    Notes
    -----
    n² log n for a tree, n³ for a plane. The angles (`cka_distance`, `shape_distance`) and
    `procrustes_distance` satisfy the triangle inequality, so that both pictures make sense.

    References
    ----------
    Williams, Kunz, Kornblith, Linderman 2021, Generalized shape metrics on neural representations.
    Torgerson 1952, Multidimensional scaling: I. Theory and method.

    Examples
    --------
    >>> import gramian as gm
    >>> from matplotlib.figure import Figure
    >>> D = [[0.0, 0.1, 0.9], [0.1, 0.0, 0.8], [0.9, 0.8, 0.0]]
    >>> ax = gm.plot_models(D, ["cnn1", "cnn2", "mlp"], kind="plane", ax=Figure().subplots())
    >>> [text.get_text() for text in ax.texts]
    ['cnn1', 'cnn2', 'mlp']
    """
    if not isinstance(kind, str):
        raise refuse_type("kind", "'tree' or 'plane'", kind)
    if kind not in _KINDS:
        raise ValueError(f"kind must be 'tree' or 'plane', got {shown(kind)}.")
    style = checked_style(None, None, None, None, None, title, figsize)
    label, caption = "distance", ""
    values: Any = distances
    if isinstance(distances, Comparison):
        _check_distance(distances)
        label, caption = words.axis(distances.measure), "\n".join(distances._caption())
        names = distances.x_names if names is None else names
        values = distances.values
    matrix = _checked(fields.numbers(values, "distances"))
    known = fields.names("names", range(len(matrix)) if names is None else names)
    chosen = None if groups is None else fields.names("groups", groups)
    for argument, given in (("names", known), ("groups", chosen)):
        if given is not None and len(given) != len(matrix):
            raise ValueError(f"{argument} must be of {len(matrix)} models, got {len(given)}.")
    draw = pictures.tree if kind == "tree" else pictures.plane
    drawn: Axes = draw(pictures.Models(matrix, known, chosen, label, caption), ax, style)
    return drawn


def _check_distance(given: Comparison) -> None:
    measure = MEASURES.get(given.measure)
    if measure is not None and not measure.distance:
        known = ", ".join(repr(name) for name, row in MEASURES.items() if row.distance)
        raise ValueError(
            f"distances must be of a distance, got the similarity {given.measure!r}; compare with "
            f"one of the measures {known}."
        )


def _checked(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return distances, symmetric and 0 on the diagonal to the bit."""
    if values.ndim != 2 or values.shape[0] != values.shape[1] or len(values) < 2:
        raise ValueError(
            f"distances must be square, of two models at least, got shape {values.shape}."
        )
    if not np.isfinite(values).all():
        i, j = np.argwhere(~np.isfinite(values))[0]
        raise ValueError(
            f"distances must be finite, got {values[i, j]} at ({i}, {j}); leave such models out."
        )
    largest = float(np.abs(values).max())
    slack = 1e-5 * largest  # of distances that were computed in float32
    if values.min() < 0:
        raise ValueError(f"distances must be 0 or larger, got {values.min():g}.")
    if np.abs(values.diagonal()).max() > slack:
        raise ValueError(
            f"distances must be 0 on the diagonal, got {np.abs(values.diagonal()).max():g}."
        )
    apart = float(np.abs(values - values.T).max())
    if apart > slack:
        raise ValueError(
            f"distances must be symmetric, got two that differ by {apart:g}; "
            "(D + D.T) / 2 has their means."
        )
    matrix = (values + values.T) / 2
    np.fill_diagonal(matrix, 0.0)
    return matrix
