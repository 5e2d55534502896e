"""Several comparisons of the same layers on one page."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from .._input.options import refuse_type, shown
from .results import Comparison

__all__ = ["report"]


def report(
    comparisons: Comparison | Sequence[Comparison] | Mapping[str, Comparison],
    path: str | os.PathLike[str] | None = None,
    *,
    title: str | None = None,
) -> str:
    """Return a page with the maps of comparisons side by side, under one cursor.

    Parameters
    ----------
    comparisons : Comparison, or sequence or mapping of Comparison
        By several measures, or with several options, of the same layers. The keys of a mapping are
        their headings.
    path : str or path-like, optional
        A file to write it to. An old one is replaced in one step, and keeps its mode.
    title : str, optional
        By default what was computed.

    Returns
    -------
    str
        HTML, whole in one file: it asks nothing of any network, is light or dark as its reader is,
        and prints. Of each map it has the values, with intervals or p-values where there are any,
        a curve over the layers, how it was computed, and what to beware of. A pointer or the arrow
        keys move one cursor over all of them.

    Raises
    ------
    TypeError
        If something is no `Comparison`.
    ValueError
        If there are none, or they are of different layers.
    OSError
        If the file cannot be written.

    Notes
    -----
    Values are kept with seven digits; `Comparison.save` keeps all. Four measures of 150 x 150
    layers are 1 MB.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> A = {"conv1": rng.standard_normal((50, 4)), "conv2": rng.standard_normal((50, 8))}
    >>> text = gm.report([gm.compare(A, debiased=True), gm.compare(A, measure="procrustes")])
    >>> text.count('class="panel"')
    2
    """
    names, found = _named(comparisons)
    for one in found:
        if not isinstance(one, Comparison):
            raise refuse_type("comparisons", "a Comparison, or several", one)
    if not found:
        raise ValueError("comparisons must be one Comparison at least, got none.")
    first = found[0]
    for one in found[1:]:
        for side in ("x_names", "y_names"):
            if getattr(one, side) != getattr(first, side):
                both = f"{_some(first, side)} in one, and {_some(one, side)} in another"
                raise ValueError(f"comparisons must be of the same layers: {side} are {both}.")
    from . import panels  # which takes long to import

    return panels.written(found, names, path, title)


def _named(comparisons: object) -> tuple[list[str], list[Comparison]]:
    if isinstance(comparisons, Comparison):
        return [""], [comparisons]
    if isinstance(comparisons, Mapping):
        return [str(name) for name in comparisons], list(comparisons.values())
    if isinstance(comparisons, (str, bytes)) or not isinstance(comparisons, Sequence):
        raise refuse_type("comparisons", "a Comparison, or several", comparisons)
    return [""] * len(comparisons), list(comparisons)


def _some(one: Comparison, side: str) -> str:
    names = getattr(one, side)
    return shown(list(names[:3])) if len(names) <= 3 else f"{len(names)}, {shown(names[0])} first"
