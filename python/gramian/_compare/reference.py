"""Comparison by the reference, pair by pair."""

from __future__ import annotations

from typing import Any, Unpack

from .._inference.settings import Method
from .._input.annotations import Layers, NanPolicy
from .._input.layout import Layouts, Positions
from .._measures.names import MeasureName, Options
from . import compare as public
from .results import Comparison

__all__ = ["compare"]


def compare(
    A: Layers,
    B: Layers | None = None,
    *,
    measure: MeasureName = "cka",
    layers: Any = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    inference: Method | None = None,
    n_resamples: int | None = None,
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    calibrated: bool = False,
    **options: Unpack[Options],
) -> Comparison:
    """Every layer of A against every layer of B: `gramian.compare` with ``device="reference"``."""
    return public.compare(
        A,
        B,
        measure=measure,
        layers=layers,
        layout=layout,
        positions=positions,
        nan_policy=nan_policy,
        device="reference",
        inference=inference,
        n_resamples=n_resamples,
        groups=groups,
        rng=rng,
        level=level,
        calibrated=calibrated,
        **options,
    )
