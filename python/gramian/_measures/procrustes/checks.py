"""Checks of the options of the shape distances."""

from __future__ import annotations

from typing import Any

from ..._input.options import check_number, plain


def check_alpha(alpha: Any) -> float:
    """Refuse anything but a point between CCA, 0, and Procrustes, 1."""
    number = check_number("alpha", alpha)
    if not 0 <= number <= 1:
        raise ValueError(f"alpha must be in [0, 1], got {plain(number)}.")
    return number
