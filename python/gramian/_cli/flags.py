"""The flags of the measures' options, which come from the rows of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._input.options import same_word
from .._measures.registry import MEASURES, find

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from .._measures.measure import Option


def add(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every option of a measure."""
    group = parser.add_argument_group("options of measures")
    for flag in _all().values():
        arguments: dict[str, Any] = {"action": "store_true", "default": None}
        if flag.kind is not bool:
            arguments = {"type": flag.kind, "metavar": flag.metavar}
            if flag.choices:
                arguments = {"type": _word(flag.choices), "choices": flag.choices}
        group.add_argument(flag.flag, help=_help(flag).replace("%", "%%"), **arguments)


def options(arguments: argparse.Namespace, measures: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the options of each measure that were given, or say which flags the measures take."""
    rows = {row.name: row for row in (find(name, {}) for name in measures)}
    given = {name: value for name in _all() if (value := getattr(arguments, name)) is not None}
    known = {option.name: option.flag for row in rows.values() for option in row.flags}
    for name in given:
        if name not in known:
            takes = ", ".join(known.values()) or "no options"
            called = " and ".join(map(repr, rows))
            verb = "measure {} takes" if len(rows) == 1 else "measures {} take"
            raise ValueError(f"{verb.format(called)} {takes}; got {_all()[name].flag}.")
    return {
        measure: {name: value for name, value in given.items() if name in row.option_names}
        for measure, row in rows.items()
    }


def _word(choices: Sequence[str]) -> Any:
    """Return what makes a choice of its spelling in any case; argparse refuses other words."""
    return lambda text: same_word(text, choices) or text


def _all() -> dict[str, Option]:
    return {flag.name: flag for row in MEASURES.values() for flag in row.flags}


def _help(flag: Option) -> str:
    """Say what a flag does, its default, and the measures that take it."""
    takers = {
        name: own.default
        for name, row in MEASURES.items()
        for own in row.flags
        if own.spelling == flag.spelling
    }
    defaults = [*takers.values()]
    alike = all(one == defaults[0] for one in defaults) and defaults[0] not in (None, False)
    return f"{flag.help}{f' ({flag.default})' if alike else ''} [{', '.join(takers)}]"
