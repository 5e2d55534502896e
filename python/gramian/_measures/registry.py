"""The table of measures: one row drives the API, the tests, the benchmark and the docs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

from .._extras import require
from .._input.keywords import advice
from .._input.options import check_choice, shown
from .cca import rows as cca
from .hsic import rows as hsic
from .measure import Measure, Option
from .names import MeasureName
from .procrustes import rows as procrustes
from .units import rows as units

if TYPE_CHECKING:
    import pandas

__all__ = ["MEASURES", "Measures", "find", "measures", "refuse_inference", "span", "with_default"]

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
_INFERENCE = ("inference", "n_resamples", "rng", "level", "calibrated")
_OTHERS = ("n_permutations", "scheme", "streaming")  # of inference for one pair, and of `plan`


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
    if option in COMPARES:
        return f" It is an argument of gramian.compare, and no option of {row.name!r}."
    return advice(option, (*row.option_names, *COMPARES, *_OTHERS))


def refuse_inference(options: Mapping[str, Any]) -> None:
    """Refuse inference of samples that come in batches, of which none is kept."""
    for name in _INFERENCE:
        if name in options:
            method = shown(options.get("inference") or "jackknife")
            raise TypeError(
                f"{name} must not be given for samples that come in batches, got "
                f"{shown(options[name])}: inference needs all of them at once. Record layers into "
                f"memory with gramian.record, then gramian.compare(..., inference={method})."
            )


class Measures(list[MeasureName]):
    """The names of measures, which print as the table of what is known of each.

    A list of words for whatever takes one. In a notebook it shows the table.
    """

    __module__ = "gramian"

    def __repr__(self) -> str:
        return f"<{len(self)} measures: {', '.join(self)}>"

    def __str__(self) -> str:
        """Return the table, with a line for each measure."""
        rows = [_COLUMNS, *(self._cells(name) for name in self)]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return the table for a notebook."""
        rows = [_line("th", _COLUMNS), *(_line("td", self._cells(name)) for name in self)]
        return f"<table>{''.join(rows)}</table>"

    def to_pandas(self) -> pandas.DataFrame:
        """Return the table as a `pandas.DataFrame`, indexed by name."""
        cells = [self._cells(name) for name in self]
        frame = require("pandas", "pandas").DataFrame(cells, columns=list(_COLUMNS))
        table: pandas.DataFrame = frame.set_index(_COLUMNS[0])
        return table

    def _cells(self, name: str) -> tuple[str, ...]:
        row = MEASURES[name]
        return (
            name,
            "distance" if row.distance else "similarity",
            span(row),
            "yes" if row.symmetric else "no",
            ", ".join(map(with_default, row.options)) or "none",
            row.citation,
        )


def span(row: Measure) -> str:
    """Return the range of a measure's values, in words."""
    low, high = (_BOUNDS.get(bound, f"{bound:g}") for bound in row.range)
    return f"{low} to {high}"


def with_default(option: Option) -> str:
    """Return an option with its default, if that says something."""
    return option.name + ("" if option.default is None else f"={option.default!r}")


_BOUNDS = {math.inf: "∞", -math.inf: "-∞", math.pi / 2: "π/2", math.sqrt(2): "√2"}
_COLUMNS = ("measure", "kind", "range", "symmetric", "options", "citation")


def _line(tag: str, cells: Iterable[str]) -> str:
    from html import escape

    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def measures() -> Measures:
    """Return the names that `compare` takes as its measure, and what is known of each.

    Returns
    -------
    list of str
        In the order of the table, which ``print(gm.measures())`` shows: whether a measure is a
        similarity or a distance, its range with default options, whether it is symmetric, its
        options with their defaults, and where it is from. ``.to_pandas()`` returns the table.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.measures()[:5]
    ['cka', 'hsic', 'cka_distance', 'distance_correlation', 'cca']
    >>> str(gm.measures()).splitlines()[1].split()[:2]
    ['cka', 'similarity']
    """
    return Measures(cast("list[MeasureName]", list(MEASURES)))


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)
