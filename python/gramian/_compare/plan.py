"""What a comparison would do, and what it would cost, without doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Unpack

from .._inference.draws import BLOCKS
from .._inference.settings import Method, Settings, check_inference
from .._input import checks, devices
from .._input.annotations import Layers, NanPolicy
from .._input.arrays import Layer
from .._input.dtypes import size_of
from .._input.layers import checked_patterns, named_layers
from .._input.layout import Layout, Layouts, Positions, chosen_layout
from .._input.opened import Opened
from .._input.options import (
    check_device,
    check_flag,
    check_memory,
    check_nan_policy,
)
from .._input.progress import Progress, check_progress, duration
from .._measures import memory
from .._measures.cost import Cost, Workload
from .._measures.gathered import (
    ByBatches,
    ByProducts,
    ByRows,
    block_bytes,
    is_kept,
    state_bytes,
)
from .._measures.measure import Measure
from .._measures.names import MeasureName, Options
from .._measures.registry import find
from .._measures.resampled import Request

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """What a comparison would do and take, as `plan` returns it.

    Attributes
    ----------
    measure : str
        The measure it is about.
    path : str
        How it would be computed, in words.
    space : {"features", "samples"}
        Whether layers meet as products of their columns, such as X'Y (features), or as tiles of
        their Gram matrices (samples).
    dtype : {"float32", "float64"}
        Precision of the arithmetic.
    tile : int
        Rows of a tile of the Gram matrices; 0 in feature space.
    passes : int
        How often the inner products are formed: twice where a median distance is wanted and they
        are too many to keep.
    threads : int
        Number of threads at most; fewer than are allowed where memory is short.
    flops : float
        Floating-point operations of the products of layers; decompositions of p x p matrices are
        in `seconds` alone.
    memory : float
        Working memory above the inputs, in bytes: the most that layers of these shapes take,
        whatever they hold: 0.95 to 1.6 times what is measured where the values are such that the
        most is taken. Besides, BLAS has some MB a thread from the first call on, and malloc keeps
        up to 8 MB a thread of what has been given back.
    seconds : float
        Estimated time on this many threads of the machine that the model was fitted to. Its ratios
        between plans mean more than its value.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> X = np.ones((1000, 64), dtype="float32")
    >>> plan = gm.plan([X, X], measure="cka")
    >>> plan.flops > 0, plan.memory > 0, plan.seconds > 0
    (True, True, True)
    """

    __module__ = "gramian"

    measure: str
    path: str
    space: str
    dtype: str
    tile: int
    passes: int
    threads: int
    flops: float
    memory: float
    seconds: float

    def __str__(self) -> str:
        passes = f", {self.passes} passes" if self.passes > 1 else ""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"{self.measure} by {self.path} in {self.dtype}{passes}, {threads}: "
            f"{_amount(self.flops / 1e9, 1000, 'Gflop', 'Tflop')}, "
            f"{_amount(self.memory / 2**20, 1024, 'MiB', 'GiB')}, about {duration(self.seconds)}"
        )


def _amount(number: float, factor: int, unit: str, next_unit: str) -> str:
    """Return three digits of a number, in the next unit where it is large."""
    if number >= factor:
        number, unit = number / factor, next_unit
    return f"{number:.3g} {unit}" if number < 1000 else f"{number:,.0f} {unit}"


def plan(
    A: Layers,
    B: Layers | None = None,
    *,
    measure: MeasureName = "cka",
    layers: str | Sequence[str] | None = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress = None,
    max_memory: float | None = None,
    streaming: bool = False,
    inference: Method | None = None,
    n_resamples: int | None = None,
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    calibrated: bool = False,
    **options: Unpack[Options],
) -> Plan:
    """Say what `compare` would do with the same arguments, its cost and its memory.

    Parameters
    ----------
    A, B, measure, layers, layout, positions, nan_policy, device, progress, max_memory, \
inference, n_resamples, groups, rng, level, calibrated, **options
        As for `compare`. Only shapes and types are looked at, so that arrays on disk are not read;
        `progress` is not called.
    streaming : bool, default False
        Whether the samples come in batches of as many as A and B have: `memory` is then what an
        `Accumulator` takes for any number of them. Layers that `open` has opened are compared by
        blocks where that is possible, and the plan says so in any case.

    Returns
    -------
    Plan
        What would be done. It depends on the threads that are available only in `threads`,
        `memory` and `seconds`.

    Raises
    ------
    TypeError, ValueError
        As `compare` does, except for what the values would tell; ValueError for
        ``device="reference"``, for which there is no estimate.

    Notes
    -----
    With n samples and layers of p features, sample space takes n² p flops a layer and 2 n² a pair,
    feature space n p² a layer and 2 n p q a pair; for the linear kernel, which has the choice, the
    model adds what reading and sums cost, fitted to measurements.

    What the values alone decide is taken at its worst in `memory`, and as usual in `seconds`:
    canonical correlations of layers with a condition below 50 need no bases, which are most of
    the memory, and those of layers in float32 with a condition above 2,000 are decomposed in
    float64, at several times the time. On a GPU, `memory` counts the layers that are copied there,
    and `seconds` means something for measures of kernels only.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> wide = np.zeros((200, 3000), np.float32)
    >>> gm.plan([wide, wide]).space
    'samples'
    >>> gm.plan([wide.T, wide.T]).space
    'features'
    """
    row = find(measure, options)
    chosen = row.with_groups(row.checked(options), groups)
    settings = check_inference(
        inference,
        n_resamples=n_resamples,
        groups=None if inference is None and "groups" in chosen else groups,
        rng=rng,
        level=level,
        calibrated=calibrated,
    )
    check_nan_policy(nan_policy)
    check_progress(progress)
    max_memory = check_memory(max_memory)
    if check_device(device) == "reference":
        raise ValueError("device='reference' has no plan: it is slow, and forms all matrices.")
    streaming = check_flag("streaming", streaming)
    how = chosen_layout(layout, positions), checked_patterns(layers)
    a, b = _layers(A, "A", *how), [] if B is None else _layers(B, "B", *how)
    both = [*a, *b]
    checks.check_same_samples(both)
    for layer in both:
        checks.check_sample_count(layer, *row.samples(chosen))
    targets = [devices.chosen(device, layer.device, layer.name) for layer in both]
    if settings is None and (streaming or isinstance(A, Opened) or isinstance(B, Opened)):
        cost = _streamed(row, a, b, chosen, max_memory, blocks=not streaming)
        if cost is not None:
            return _plan(row, cost, 0)
    cost = row.plan(a, b, device=targets[0], max_memory=max_memory, options={**row.fixed, **chosen})
    if settings is not None:
        request = Request(a, b, chosen, device, max_memory)
        settings.check_for(row, request)
        cost = _resampled(row, request, settings, cost)
    uploads = [layer for layer in both if targets[0] is not None and layer.device is None]
    return _plan(row, cost, sum(layer.host.nbytes for layer in uploads))


def _layers(
    value: Any, argument: str, layout: Layout | None, patterns: Sequence[str]
) -> list[Layer]:
    named = value.stand_ins(argument) if isinstance(value, Opened) else value
    return [layer for _, layer in named_layers(named, argument, layout, patterns)]


def _plan(row: Measure, cost: Cost, uploaded: int) -> Plan:
    return Plan(
        measure=row.name,
        path=cost.path,
        space=cost.space,
        dtype=cost.dtype,
        tile=cost.tile,
        passes=cost.passes,
        threads=cost.threads,
        flops=cost.flops,
        memory=cost.memory + uploaded,
        seconds=cost.seconds,
    )


def _resampled(row: Measure, request: Request, settings: Settings, cost: Cost) -> Cost:
    """Estimate a comparison with all of its resamples."""
    draws = settings.n_resamples
    if settings.method == "jackknife":
        draws = len(settings.of(request).draws(len(request.a[0].array)).units)
    found = row.plan_draws(request, settings.method, draws)
    if found is None and settings.method == "jackknife":
        draws = min(draws, BLOCKS)
    if found is not None:
        path = f"{cost.path}, then {draws} draws of {found.path}"
        times = 1.0 if found.space == "samples" else 2.0  # without Gram matrices, once more
        memory_of_draws, flops, seconds = found.memory, found.flops, found.seconds
    else:
        path = f"{cost.path}, and so for {draws} draws"
        halves = 0.5 if settings.method == "bootstrap" else 1.0
        times = 1 + draws * halves
        copied = request.others if settings.method == "permutation" else (*request.a, *request.b)
        memory_of_draws = halves * sum(x.array.size * size_of(x.dtype) for x in copied)
        flops = seconds = 0.0
    return replace(
        cost,
        path=path,
        flops=times * cost.flops + flops,
        memory=cost.memory + memory_of_draws,
        seconds=times * cost.seconds + seconds,
    )


def _streamed(
    row: Measure,
    a: Sequence[Layer],
    b: Sequence[Layer],
    options: Mapping[str, Any],
    max_memory: float | None,
    *,
    blocks: bool,
) -> Cost | None:
    """Estimate what an accumulator takes; nothing of files that are not compared by blocks."""
    if blocks:
        try:
            how = row.gathering(options)
        except ValueError:  # it needs all samples at once
            return None
    else:
        how = row.gathering(options)
    w = Workload(a, b)
    ys = w.ys or None
    limit = memory.available() if max_memory is None else max_memory
    if blocks and not is_kept(how, w.xs, ys, n=w.n, limit=limit):
        return None
    total = sum(w.widths)
    if isinstance(how, ByRows):
        path, flops = "rows of the same inner products, by QR", 2.0 * w.n * total * total
        work = 0.0
    elif isinstance(how, ByProducts):
        squares = sum(p * p for p in w.widths) if how.own else 0
        path, flops = "sums of X'Y", w.n * (squares + sum(2.0 * p * q for p, q in w.pairs))
        # The product of a batch, and what forming it takes; its statistics and its means.
        work = w.scalar * max(p * q for p, q in w.pairs) + w.product_scratch(w.pairs, w.scalar)
        work += w.statistics
    else:
        path, flops = "means of minibatches, an estimate", 2.0 * w.n * w.n * total
        work = 0.0
    state = state_bytes(how, w.xs, ys)
    return Cost(
        path=path,
        space="features" if not isinstance(how, ByBatches) else "samples",
        dtype="float64" if isinstance(how, ByRows) else w.dtype,
        flops=flops,
        memory=state + work + (2 * block_bytes(state, max_memory) if blocks else 0),
        seconds=w.seconds_of_flops(flops, 8 if isinstance(how, ByRows) else w.scalar) / w.threads,
        threads=w.threads,
    )
