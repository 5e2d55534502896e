"""The table of measures: one row drives the API, the tests, the benchmark and the docs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .._input.keywords import advice
from .._input.options import check_choice, shown
from .cca import rows as cca
from .hsic import rows as hsic
from .measure import Measure
from .procrustes import rows as procrustes
from .units import rows as units

__all__ = ["MEASURES", "find", "measures"]

MEASURES = {
    row.name: row for rows in (hsic.ROWS, cca.ROWS, procrustes.ROWS, units.ROWS) for row in rows
}


# Keywords of `compare` besides those of measures, of which one may be a misspelling.
COMPARES = (
    "measure",
    "layers",
    "layout",
    "positions",
    "nan_policy",
    "device",
    "progress",
    "max_memory",
    "inference",
    "n_resamples",
    "groups",
    "rng",
    "level",
    "calibrated",
)


def find(measure: str, options: Mapping[str, Any]) -> Measure:
    """Return the row of a measure that takes these options."""
    row = MEASURES[check_choice("measure", measure, tuple(MEASURES), f"one of {_quoted(MEASURES)}")]
    for option in options:
        if option not in row.option_names:
            known = f"the options {_quoted(row.option_names)}" if row.options else "no options"
            raise TypeError(
                f"measure {row.name!r} takes {known}, got {shown(option)}.{_advice(row, option)}"
            )
    return row


def _advice(row: Measure, option: str) -> str:
    """Return what may have been meant by an option that a measure does not have."""
    if takers := [name for name, other in MEASURES.items() if option in other.option_names]:
        return f" It is an option of {_quoted(takers)}."
    return advice(option, (*row.option_names, *COMPARES))


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
