"""Names of layers as pictures have room for: what tells them apart, on a line of few characters."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

__all__ = ["distinct", "every", "printable", "shorten"]

_STEPS = (1, 2, 3, 5, 10, 20, 25, 50, 100)


def printable(name: str) -> str:
    """Return a name without what moves a terminal's cursor, which a file's keys may hold."""
    return "".join(c if c.isprintable() else "?" for c in name)


def distinct(names: Sequence[str]) -> tuple[list[str], str]:
    """Return of each name the components that tell it from others, and a pattern of the whole.

    Components are what dots and slashes separate. Of "layers.0.attn" and "layers.1.attn", "0" and
    "1" remain, and the pattern is "layers.*.attn"; it is empty where nothing is left out.
    """
    plain = [printable(name) for name in names]
    if len(set(plain)) < 2:
        return plain, ""
    parts = [re.split(r"([./])", name) for name in plain]
    lengths = {len(one) for one in parts}
    if len(lengths) == 1:
        varied = [len({one[i] for one in parts}) > 1 for i in range(0, lengths.pop(), 2)]
        kept = [_joined(one, varied) for one in parts]
        first = parts[0]
        pattern = "".join(
            "*" if i % 2 == 0 and varied[i // 2] else part for i, part in enumerate(first)
        )
    else:
        start = _shared(parts)
        end = _shared([one[::-1] for one in parts], most=min(map(len, parts)) - start - 1)
        kept = ["".join(one[start : len(one) - end]) for one in parts]
        tail = "".join(parts[0][len(parts[0]) - end :])
        pattern = f"{''.join(parts[0][:start])}*{tail}"
    if kept == plain or "" in kept or len(set(kept)) < len(set(plain)):
        return plain, ""
    return kept, pattern


def _joined(parts: Sequence[str], varied: Sequence[bool]) -> str:
    """Return components that vary, each after the first behind its separator."""
    text = ""
    for place, keep in enumerate(varied):
        if keep:
            text += (parts[2 * place - 1] if text else "") + parts[2 * place]
    return text


def _shared(parts: Sequence[Sequence[str]], most: int | None = None) -> int:
    """Return how many parts all begin with, whole components with their separators."""
    count = 0
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        count += 1
    count = min(count, min(map(len, parts)) - 1)
    if most is not None:
        count = min(count, max(most, 0))
    return count - count % 2


def shorten(names: Sequence[str], width: int) -> list[str]:
    """Fit names into a width: what tells them apart, then without their middle.

    Names that would look the same begin with their number.
    """
    short = [printable(name) for name in names]
    if max(map(len, short)) > width:
        short = distinct(names)[0]
    cut = [_without_middle(name, width) for name in short]
    if len(set(cut)) < len(set(short)):
        cut = [
            _without_middle(f"{i} {name}", width, 1 + width // 3) for i, name in enumerate(short)
        ]
    return cut


def _without_middle(name: str, width: int, head: int | None = None) -> str:
    if len(name) <= width:
        return name
    if head is None:
        head = width - 2 - (width - 1) // 2
    tail = max(width - 2 - head, 0)
    return f"{name[:head]}..{name[len(name) - tail :]}"


def every(count: int, room: float) -> int:
    """Return the step by which to thin out `count` names where there is room for some of them."""
    least = math.ceil(count / max(room, 1.0))
    return next((step for step in _STEPS if step >= least), least)
