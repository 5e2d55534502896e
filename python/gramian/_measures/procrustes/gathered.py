"""Procrustes similarity from sums of products."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..gathered import ByProducts, Gathering, OnePair
from .pairs import CHANCE

__all__ = ["similarity"]


def similarity(options: Mapping[str, Any]) -> Gathering:
    """Return how samples that come in batches are compared."""
    return ByProducts(_similarity, diagonal=1.0, chance=CHANCE)


def _similarity(pair: OnePair, _x: OnePair, _y: OnePair) -> float:
    norms = float(pair.x.squares.sum()), float(pair.y.squares.sum())
    return min(1.0, float(pair.singular_values().sum()) / math.sqrt(norms[0] * norms[1]))
