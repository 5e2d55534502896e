"""The two estimators of HSIC: which one the options ask for, and how many samples it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._input.checks import Samples
from ..._input.options import check_flag

__all__ = ["is_unbiased", "needed_samples"]


def is_unbiased(options: Mapping[str, Any]) -> bool:
    """Return whether it is the unbiased one, under either word for it."""
    names = ("debiased", "unbiased")
    given = [check_flag(name, options[name]) for name in names if name in options]
    return any(given)  # both were checked


def needed_samples(options: Mapping[str, Any]) -> Samples:
    """Return how many samples it is defined for."""
    if is_unbiased(options):
        return Samples(4, "the unbiased estimator")
    return Samples(2, "the biased estimator")
