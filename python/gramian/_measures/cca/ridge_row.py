"""What the table of measures says of ridge regression, by its options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._input.checks import Samples
from .. import ranks
from ..gathered import ByRows, Gathering
from ..measure import complete
from ..splits import in_force
from .ridge_pairs import OPTIONS

__all__ = ["chooses_or_holds_out", "gathered", "lost", "needed_samples", "recorded"]


def gathered(options: Mapping[str, Any]) -> Gathering:
    """Keep rows of the same inner products, which decide on a fit of all samples."""
    chosen = complete(OPTIONS, options)
    if chosen["cross_validate"] is not None:
        raise ValueError(
            "cross_validate must be None for samples that come in batches: what was not fitted is "
            "no longer there. Use compare on all samples."
        )
    if chosen["alphas"] is None or len(chosen["alphas"]) != 1:
        raise ValueError(
            "alphas must be one number for samples that come in batches: what chooses among "
            "several is no longer there. Use compare on all samples."
        )
    return ByRows()


def chooses_or_holds_out(options: Mapping[str, Any]) -> bool:
    """Return whether it makes a difference which samples belong together."""
    alphas = options["alphas"]
    return options["cross_validate"] is not None or alphas is None or len(alphas) > 1


def lost(options: Mapping[str, Any]) -> frozenset[str]:
    """Return which invariances are lost where units are looked at one by one."""
    by_unit = options.get("alpha_per_target") or options.get("inner_folds") is not None
    return frozenset({"orthogonal"}) if by_unit else frozenset()


def needed_samples(options: Mapping[str, Any]) -> Samples:
    """Return how many samples it needs: two to test in every fold."""
    folds = complete(OPTIONS, options)["cross_validate"]
    if isinstance(folds, int) and options.get("groups") is None:
        return Samples(2 * folds, f"cross_validate={folds}")
    return ranks.needed_samples()


def recorded(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON can hold them."""
    found = in_force(options)
    return {name: list(v) if isinstance(v, tuple) else v for name, v in found.items()}
