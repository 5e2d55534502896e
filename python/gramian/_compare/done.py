"""What was done to the layers of a comparison, which its options, caption and file say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._input.layout import Layout

__all__ = ["DONE", "given", "noted", "with_what_was_done"]

# Kernels that take features as they are, and center their values alone.
_NOT_CENTERED = frozenset(("polynomial", "cosine", "precomputed"))
# What options hold besides those of the measure, in the order of captions.
DONE = (
    "centering",
    "dtype",
    "input_dtype",
    "layers",
    "layout",
    "positions",
    "reduce",
    "mask",
    "recorded_dtype",
    "transposed",
    "runs",
    "samples",
)


def given(patterns: Sequence[str], layout: Layout | None) -> dict[str, Any]:
    """Return what a call was told of layers and layouts."""
    found: dict[str, Any] = {"layers": list(patterns)} if patterns else {}
    return found if layout is None else found | layout.recorded()


def with_what_was_done(
    options: Mapping[str, Any],
    dtypes: Sequence[tuple[str, str]],
    said: Mapping[str, Any],
    *sides: Any,
) -> dict[str, Any]:
    """Return the options of a result: those of its measure, and what was done besides.

    `dtypes` are the types of the elements of the layers and of arithmetic on them, `said` what the
    call was told of layers and layouts, and `sides` the collections, which may know how they were
    recorded.
    """
    stored = sorted({stored for stored, _ in dtypes})
    precision = max((computed for _, computed in dtypes), default="float64")
    found = dict(options)
    found |= {
        "centering": "kernel" if options.get("kernel") in _NOT_CENTERED else "columns",
        "dtype": precision,
    }
    if stored != [precision]:
        found["input_dtype"] = stored[0] if len(stored) == 1 else stored
    return found | noted(said, *sides)


def noted(said: Mapping[str, Any], *sides: Any) -> dict[str, Any]:
    """Return what was said or recorded of the layers, by side where it is not the same."""
    found: dict[str, Any] = {}
    notes = [getattr(side, "notes", {}) for side in sides if side is not None]
    notes = [one if isinstance(one, Mapping) else {} for one in notes]
    for name in DONE:
        values = [note.get(name) for note in notes]
        value = said.get(name)
        if value is None and any(one is not None for one in values):
            same = all(one == values[0] for one in values)
            value = values[0] if same else dict(zip("AB", values, strict=False))
        if value is not None:
            found[name] = value
    return found
