"""HSIC and what follows from it, of many layers at once, by the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.calls import Estimator, KernelKind, KernelSpec, Measure, Status
from ..._input import checks
from ..._input.arrays import Layer
from ..._input.checks import Samples
from ..._input.read import ReadLayer, read
from .checks import is_unbiased, needed_samples
from .kernels import (
    RBF,
    Cosine,
    Distance,
    Kernel,
    Laplacian,
    Linear,
    Polynomial,
    Precomputed,
    kernel_of,
)

Progress = Callable[[int, int], object]


# Working memory that a call may take above its inputs, in bytes. It holds the tiles of 100 layers
# on 16 threads, and keeps the distances of up to 16,000 samples for a second pass.
DEFAULT_MEMORY = 512 * 2**20


def hsic_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    measure: Measure = Measure.hsic,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    """Return HSIC, or what follows from it, of every a with every b; among the a without b."""
    kernel, sample = kernel_of(options)
    unbiased = is_unbiased(options)
    needed = needed_samples(options)
    xs, ys = ([_read(x, kernel, nan_policy, device, needed) for x in side] for side in (a, b))
    return _hsic(
        xs,
        ys,
        spec_of(kernel, sample),
        unbiased=unbiased,
        measure=measure,
        max_memory=checks.check_memory(max_memory, DEFAULT_MEMORY),
        progress=progress,
    )


def cka_pairs(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> npt.NDArray[np.float64]:
    """Return CKA; see `hsic_pairs`."""
    return hsic_pairs(a, b, measure=Measure.cka, **arguments)


def distance_correlation_pairs(
    a: Sequence[Layer], b: Sequence[Layer], *, options: Mapping[str, Any], **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return the distance correlation; see `hsic_pairs`."""
    return hsic_pairs(
        a,
        b,
        measure=Measure.distance_correlation,
        options={**options, "kernel": Distance()},
        **arguments,
    )


def cka_distance_pairs(
    a: Sequence[Layer], b: Sequence[Layer], **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return the angle whose cosine is CKA; see `hsic_pairs`."""
    # Rounding may take the CKA of nearly equal layers past 1.
    return np.asarray(np.arccos(np.clip(cka_pairs(a, b, **arguments), -1, 1)))


def gram(
    layer: Layer,
    *,
    nan_policy: str,
    device: str | None,
    centered: bool,
    options: Mapping[str, Any],
) -> npt.NDArray[np.floating[Any]]:
    """Return the Gram matrix of a layer."""
    kernel, sample = kernel_of(options)
    x = _read(layer, kernel, nan_policy, device, Samples(1, "a Gram matrix"))
    n, dtype = len(layer.array), layer.compute_dtype
    if not x.finite:
        return np.full((n, n), np.nan, dtype=dtype)
    for double in (x.double, True):  # no kernel is too narrow for float64
        prepared = calls.prepare_matrix(
            x.core, kernel=spec_of(kernel, sample), centered=centered, double=double
        )
        if calls.has(prepared.status, Status.zero_median):
            checks.refuse_zero_median(layer)
        if not calls.has(prepared.status, Status.too_narrow):
            break
    return calls.gram_matrix(prepared).astype(dtype, copy=False)


def spec_of(kernel: Kernel, sample: int | None) -> KernelSpec:
    """Return a kernel as the core takes it."""
    match kernel:
        case RBF() | Laplacian():
            return KernelSpec(
                KernelKind.rbf if isinstance(kernel, RBF) else KernelKind.laplacian,
                sigma=kernel.sigma or 0.0,
                bandwidth=kernel.bandwidth or 0.0,
                sample=sample or 0,
            )
        case Polynomial():
            return KernelSpec(KernelKind.polynomial, constant=kernel.constant, degree=kernel.degree)
        case Cosine():
            return KernelSpec(KernelKind.cosine)
        case Precomputed():
            return KernelSpec(KernelKind.precomputed)
        case Distance():
            return KernelSpec(KernelKind.distance)
        case Linear():
            return KernelSpec(KernelKind.linear)


def _read(
    layer: Layer,
    kernel: Kernel,
    nan_policy: str,
    device: str | None,
    needed: Samples,
) -> ReadLayer:
    if isinstance(kernel, Precomputed):
        checks.check_square(layer)
    x = read(layer, nan_policy, device, needed)
    if isinstance(kernel, Precomputed) and x.finite:
        checks.check_symmetric(layer)
    return x


def _hsic(
    xs: Sequence[ReadLayer],
    ys: Sequence[ReadLayer],
    spec: KernelSpec,
    *,
    unbiased: bool,
    measure: Measure,
    max_memory: float,
    progress: Progress | None,
) -> npt.NDArray[np.float64]:
    """Compare the layers that are finite.

    All layers are computed in the widest precision that any of them needs. Layers with NaN or
    infinity (under nan_policy="propagate") give NaN.
    """
    others = ys or xs
    values = np.full((len(xs), len(others)), np.nan)
    rows = [i for i, layer in enumerate(xs) if layer.finite]
    columns = [j for j, layer in enumerate(others) if layer.finite]
    if not rows or not columns:
        return values
    layers = [xs[i] for i in rows] + ([ys[j] for j in columns] if ys else [])
    stages = calls.Stages(progress)
    share = 0.5 if spec.by_median else 0.1  # of the time, for what precedes the pairs
    prepared = _prepared_grams(layers, len(rows), spec, unbiased, max_memory, stages(0, share))
    found, _, statuses = calls.compare(
        prepared[: len(rows)],
        prepared[len(rows) :] or None,
        measure=measure,
        progress=stages(0 if prepared[0].feature_space else share, 1),
    )
    if measure is not Measure.hsic:
        named = [(layer.name, status) for layer, status in zip(layers, statuses, strict=True)]
        unsound = [pair for pair in named if not calls.has(pair[1], Status.sound)]
        constant = [name for name, status in unsound if calls.has(status, Status.constant)]
        checks.warn_constant(constant)
        checks.warn_degenerate(name for name, _ in unsound if name not in constant)
    values[np.ix_(rows, columns)] = found
    return values


def _prepared_grams(
    layers: Sequence[ReadLayer],
    rows: int,
    spec: KernelSpec,
    unbiased: bool,
    max_memory: float,
    progress: Progress | None,
) -> list[calls.PreparedLayer]:
    """Prepare all layers, in double where a kernel is too narrow for single precision."""
    for double in (any(layer.double for layer in layers), True):
        prepared = calls.prepare_grams(
            [layer.core for layer in layers],
            rows=rows,
            kernel=spec,
            estimator=Estimator.unbiased if unbiased else Estimator.biased,
            double=double,
            max_memory=max_memory,
            progress=progress,
        )
        # It stops at the first layer without a kernel.
        last = prepared[-1].status
        if calls.has(last, Status.zero_median):
            checks.refuse_zero_median(layers[len(prepared) - 1])
        if not calls.has(last, Status.too_narrow):
            break
    return prepared
