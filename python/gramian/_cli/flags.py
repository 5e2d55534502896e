"""The flags of the measures' options, which come from the rows of their table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._measures.registry import MEASURES, find

if TYPE_CHECKING:
    import argparse

    from .._measures.measure import Option


def add(parser: argparse.ArgumentParser) -> None:
    """Add a flag for every option of a measure."""
    group = parser.add_argument_group("options of measures")
    for flag in _all().values():
        arguments: dict[str, Any] = {"action": "store_true", "default": None}
        if flag.kind is not bool:
            arguments = {"type": flag.kind, "metavar": flag.metavar}
            arguments["choices"] = flag.choices or None
        group.add_argument(flag.flag, help=_help(flag).replace("%", "%%"), **arguments)


def options(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the options that were given, or say which flags the measure takes."""
    row = find(arguments.measure, {})
    given = {name: value for name in _all() if (value := getattr(arguments, name)) is not None}
    known = {flag.name: flag.flag for flag in row.flags}
    for name in given:
        if name not in known:
            takes = ", ".join(known.values()) or "no options"
            raise ValueError(f"measure {row.name!r} takes {takes}; got {_all()[name].flag}.")
    return row.from_flags(given)


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
