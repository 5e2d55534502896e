"""Layers that are dask arrays: an accumulator a chunk of samples, and a tree of merges."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .._compare.done import DONE
from .._compare.results import Comparison
from .._extras import require
from .._inference.infer import infer
from .._inference.settings import Settings, check_inference
from .._input.annotations import NanPolicy
from .._input.arrays import as_layer
from .._input.layers import checked_patterns, matching
from .._input.options import check_device, check_memory, check_nan_policy
from .._measures.gathered import FIRST
from .._measures.measure import Measure
from .._measures.names import MeasureName
from .._measures.registry import find
from .._measures.resampled import Request
from .._streaming.accumulator import Accumulator
from .roads import SpreadOut, aligned

__all__ = ["compare", "is_dask"]

Progress = Callable[[int, int], object]
Named = dict[str, Any]

FAN_IN = 4  # accumulators that one task merges


def is_dask(layer: Any) -> bool:
    """Return whether a layer is a dask array, without importing dask."""
    return type(layer).__module__.partition(".")[0] == "dask" and hasattr(layer, "to_delayed")


def compare(
    A: Mapping[str, Any] | Sequence[Any],
    B: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    measure: MeasureName = "cka",
    layers: Any = None,
    layout: Any = None,
    positions: Any = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress | None = None,
    max_memory: float | None = None,
    inference: str | None = None,
    n_resamples: int | None = None,
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    calibrated: bool = False,
    **options: Any,
) -> Comparison:
    """Compare layers of which some are dask arrays, by whatever scheduler there is."""
    settings = check_inference(
        inference,
        n_resamples=n_resamples,
        groups=groups,
        rng=rng,
        level=level,
        calibrated=calibrated,
    )
    if layout is not None or positions is not None:
        raise ValueError("layout must be None for dask arrays: reshape them to two axes first.")
    patterns = checked_patterns(layers)
    arguments = {
        "nan_policy": check_nan_policy(nan_policy),
        "device": check_device(device),
        "max_memory": check_memory(max_memory),
        **options,
    }
    require("dask.array", "dask")
    a = _named(A, "A", patterns)
    b = None if B is None else _named(B, "B", patterns)
    starts = _aligned(a, b)
    empty = Accumulator(measure, **arguments)
    empty._called = "A", "B"
    row = find(measure, options)
    found = _gathered(empty, a, b, starts, by_median=empty._needs_widths)
    if settings is not None:
        return _inferred(row, a, b, found, settings, progress, arguments, options)
    if progress is not None:
        progress(1, 1)
    return found


def _named(value: Any, argument: str, patterns: Sequence[str]) -> Named:
    """Return the layers of one side, all as dask arrays."""
    array = require("dask.array", "dask")
    if isinstance(value, Mapping):
        items = {str(name): layer for name, layer in value.items()}
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        items = {str(number): layer for number, layer in enumerate(value)}
    else:
        raise TypeError(
            f"{argument} must be a mapping of names to arrays or a sequence of 2-D arrays, got "
            f"{type(value).__name__}."
        )
    wanted = set(matching(list(items), patterns, argument)) if patterns else set(items)
    named = {}
    for name, layer in items.items():
        if name not in wanted:
            continue
        label = f"{argument}[{name!r}]"
        if not is_dask(layer):
            layer = array.from_array(as_layer(layer, label).host, chunks=-1)
        if layer.ndim != 2:
            raise ValueError(f"{label} must be 2-D (n_samples, n_features), got {layer.ndim}-D.")
        if np.isnan(layer.shape).any():
            raise ValueError(
                f"{label} must have chunks of known sizes: call its compute_chunk_sizes() first."
            )
        named[name] = layer
    return named


def _aligned(a: Named, b: Named | None) -> list[int]:
    """Give all layers the chunks of samples of the first dask array, and return where they begin.

    Of several layers that of most chunks decides, so that none is put together from others'.
    """
    layers = {**{("A", k): x for k, x in a.items()}, **{("B", k): x for k, x in (b or {}).items()}}
    first = max(layers.values(), key=lambda layer: len(layer.chunks[0]))
    for (side, name), layer in layers.items():
        if layer.shape[0] != first.shape[0]:
            raise ValueError(
                "all layers must have the same number of samples: "
                f"{side}[{name!r}] has {layer.shape[0]}, another has {first.shape[0]}."
            )
        chunks = {0: first.chunks[0], 1: -1}
        (a if side == "A" else b or {})[name] = layer.rechunk(chunks)
    return [0, *np.cumsum(first.chunks[0]).tolist()]


def _gathered(
    empty: Accumulator, a: Named, b: Named | None, starts: Sequence[int], *, by_median: bool
) -> Comparison:
    """Build the graph, compute it, and compare."""
    dask = require("dask", "dask")
    update, merge = dask.delayed(_updated, pure=True), dask.delayed(_merged, pure=True)
    blocks = {
        side: {name: layer.to_delayed().ravel().tolist() for name, layer in layers.items()}
        for side, layers in (("A", a), ("B", b or {}))
    }
    # What fixes the widths of kernels by the first samples is one task, before all others.
    head = 1
    if by_median:
        head = int(np.searchsorted(starts, min(FIRST, starts[-1])))
    pieces = [range(head), *(range(k, k + 1) for k in range(head, len(starts) - 1))]
    tasks, begin = [], dask.delayed(empty, pure=True)
    for piece in pieces:
        tasks.append(
            update(
                begin,
                [(k, starts[k], starts[k + 1]) for k in piece],
                *(
                    {name: [of_layer[k] for k in piece] for name, of_layer in blocks[side].items()}
                    for side in ("A", "B")
                ),
            )
        )
        if by_median and len(tasks) == 1:
            begin = dask.delayed(_begun, pure=True)(tasks[0])
    while len(tasks) > 1:
        tasks = [merge(tasks[k : k + FAN_IN]) for k in range(0, len(tasks), FAN_IN)]
    (total,) = dask.compute(tasks[0])
    total._warn_lost()
    found: Comparison = total.compute()
    return found


def _updated(begin: Accumulator, chunks: Any, a: Any, b: Any) -> Accumulator:
    """Return what chunks of samples add; a task, which leaves what it is given as it is."""
    total = begin.copy()
    for place, (number, start, stop) in enumerate(chunks):
        sides = [{name: aligned(parts[place]) for name, parts in side.items()} for side in (a, b)]
        try:
            total.update(sides[0], sides[1] or None)
        except (ValueError, TypeError) as refused:
            kind = TypeError if isinstance(refused, TypeError) else ValueError
            raise kind(f"chunk {number}, samples {start} to {stop - 1}: {refused}") from None
    return total


def _begun(first: Accumulator) -> Accumulator:
    """Return one without samples that has fixed what the first has."""
    return first.copy(samples=False)


def _merged(parts: Sequence[Accumulator]) -> Accumulator:
    total = parts[0].copy()
    for part in parts[1:]:
        total.merge(part)
    return total


def _inferred(
    row: Measure,
    a: Named,
    b: Named | None,
    found: Comparison,
    settings: Settings,
    progress: Progress | None,
    arguments: Mapping[str, Any],
    options: Mapping[str, Any],
) -> Comparison:
    """Return a comparison with inference, whose draws are spread among the workers."""
    dask = require("dask", "dask")
    checked = row.checked(options)
    here = dask.compute(a, b or {})
    sides = [
        [as_layer(aligned(array), f"{side}[{name!r}]") for name, array in layers.items()]
        for side, layers in zip(("A", "B"), here, strict=True)
    ]
    request = Request(sides[0], sides[1], checked, arguments["device"], arguments["max_memory"])
    settings.check_for(row, request)
    values, said = found.values, dict(found.options)
    if "estimator" in said:
        # Draws are of all samples together, and their spread is about the value of these.
        said = row.recorded(checked) | {name: one for name, one in said.items() if name in DONE}
        values = row.all_pairs(
            *sides,
            options=checked,
            nan_policy=arguments["nan_policy"],
            device=arguments["device"],
            progress=None,
            max_memory=arguments["max_memory"],
        )
    spread_out = functools.partial(SpreadOut, row.name)
    result = infer(row, request, values, settings, progress, spread_out)
    return Comparison(
        values=result.values,
        x_names=found.x_names,
        y_names=found.y_names,
        measure=found.measure,
        options=said,
        n_samples=found.n_samples,
        inference=result.inference,
    )
