"""The table of measures in choosing.md, from the rows: `python docs/measures.py` writes it."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING

from gramian._measures.registry import MEASURES, span, with_default

if TYPE_CHECKING:
    from gramian._measures.measure import Measure, Option

PAGE = Path(__file__).with_name("choosing.md")
START, END = "<!-- written by docs/measures.py -->\n", "<!-- until here -->\n"


def table() -> str:
    """Return the table in Markdown."""
    heads = ("measure", "is", "values", "symmetric", "options", "source")
    lines = [heads, ("---",) * len(heads), *map(cells, MEASURES.values())]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def cells(row: Measure) -> tuple[str, ...]:
    """Return the line of one measure."""
    parameters = inspect.signature(row.function).parameters
    own = {  # defaults that are not the function's
        option.name: option.default
        for option in row.options
        if option.default != parameters[option.name].default
    }
    implied = "".join(f", {name}={value!r}" for name, value in (row.fixed | own).items())
    implied = implied.replace("'", '"')
    attribute = f".{row.attribute}" if row.attribute else ""
    return (
        f"`{row.name}`",
        f"`{row.function.__name__}(X, Y{implied}){attribute}`",
        f"{span(row)}{', a distance' if row.distance else ''}",
        "yes" if row.symmetric else "no",
        ", ".join(map(spelled, row.options)) or "none",
        row.citation,
    )


def spelled(option: Option) -> str:
    """Return an option with its default, if that says something."""
    return f"`{with_default(option)}`".replace("'", '"')


def updated(text: str) -> str:
    """Return the text of the page with the table of today."""
    before, _, rest = text.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(updated(PAGE.read_text("utf-8")), encoding="utf-8")
