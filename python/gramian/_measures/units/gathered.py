"""Matching of units from sums of products."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..gathered import ByProducts, Gathering, OnePair
from ..measure import complete
from .analysis import Correlations, matched
from .pairs import MATCH_OPTIONS, METHOD

__all__ = ["matching"]


def matching(options: Mapping[str, Any]) -> Gathering:
    """Return how samples that come in batches are compared."""
    chosen = complete((*MATCH_OPTIONS, METHOD), options)

    def mean(pair: OnePair, _x: OnePair, _y: OnePair) -> float:
        found = matched(_correlations(pair), chosen["method"], chosen["absolute"], finite=True)
        return found.mean

    return ByProducts(mean, diagonal=1.0, symmetric=chosen["method"] == "one-to-one")


def _correlations(pair: OnePair) -> Correlations:
    x, y = (np.where(side.varies, np.sqrt(side.squares), np.nan) for side in (pair.x, pair.y))
    r = np.clip(pair.product() / x[:, None] / y, -1, 1)
    return Correlations(r, pair.x.varies, pair.y.varies)
