"""Comparison by the reference, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import compare as public
from .results import Comparison

__all__ = ["compare"]


def compare(
    A: Mapping[str, Any] | Sequence[Any],
    B: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    measure: str = "cka",
    nan_policy: str = "raise",
    **options: Any,
) -> Comparison:
    """Every layer of A against every layer of B: `gramian.compare` with ``device="reference"``."""
    return public.compare(
        A, B, measure=measure, nan_policy=nan_policy, device="reference", **options
    )
