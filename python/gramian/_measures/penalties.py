"""The option of penalties, of which measures of several families have some."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .measure import Option

__all__ = ["numbers", "penalties_option"]


def numbers(text: str) -> list[float]:
    """Turn the text of a flag into numbers."""
    return [float(part) for part in text.split(",")]


def penalties_option(default: Any, check: Callable[[Any], Any]) -> Option:
    """Return the option of penalties."""
    return Option(
        "alphas",
        default,
        check,
        kind=numbers,
        metavar="A[,A...]",
        help="penalties, of which the best is chosen, or whose scores are averaged",
    )
