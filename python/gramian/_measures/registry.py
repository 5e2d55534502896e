"""The table of measures: one row drives the API, the tests, the benchmark and the docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .cca import rows as cca
from .hsic import rows as hsic
from .measure import Measure
from .procrustes import rows as procrustes
from .units import rows as units

__all__ = ["MEASURES", "find", "measures"]

MEASURES = {
    row.name: row for rows in (hsic.ROWS, cca.ROWS, procrustes.ROWS, units.ROWS) for row in rows
}


def find(measure: str, options: Mapping[str, Any]) -> Measure:
    """Return the row of a measure that takes these options."""
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {_quoted(MEASURES)}, got {measure!r}.")
    row = MEASURES[measure]
    for option in options:
        if option not in row.option_names:
            known = f"the options {_quoted(row.option_names)}" if row.options else "no options"
            raise TypeError(f"measure {measure!r} takes {known}, got {option!r}.")
    return row


def measures() -> list[str]:
    """Return the names that `compare` takes as its measure.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.measures()[:5]
    ['cka', 'hsic', 'cka_distance', 'distance_correlation', 'cca']
    """
    return list(MEASURES)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
