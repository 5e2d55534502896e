"""HSIC and what follows from it, of many layers at once, by the compiled core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.types import CONSTANT, DEGENERATE, KernelSpec
from ..._input import checks
from ..._input.arrays import Representation
from ..._input.prepare import Prepared, prepare
from .checks import is_unbiased, needed_samples
from .kernels import (
    RBF,
    Cosine,
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
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    normalized: bool = False,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    """Return HSIC, or CKA if `normalized`, of every a with every b; among the a without b."""
    kernel, sample = kernel_of(options)
    unbiased = is_unbiased(options)
    least, why = needed_samples(options)
    xs, ys = (
        [_prepared(rep, kernel, nan_policy, device, least, why) for rep in reps] for reps in (a, b)
    )
    return _hsic(
        xs,
        ys,
        spec_of(kernel, sample),
        unbiased=unbiased,
        normalized=normalized,
        max_memory=checks.check_memory(max_memory, DEFAULT_MEMORY),
        progress=progress,
    )


def cka_pairs(
    a: Sequence[Representation], b: Sequence[Representation], **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return CKA; see `hsic_pairs`."""
    return hsic_pairs(a, b, normalized=True, **arguments)


def cka_distance_pairs(
    a: Sequence[Representation], b: Sequence[Representation], **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return the angle whose cosine is CKA; see `hsic_pairs`."""
    # Rounding may take the CKA of nearly equal layers past 1.
    return np.asarray(np.arccos(np.clip(cka_pairs(a, b, **arguments), -1, 1)))


def gram(
    rep: Representation,
    *,
    nan_policy: str,
    device: str | None,
    centered: bool,
    options: Mapping[str, Any],
) -> npt.NDArray[np.floating[Any]]:
    """Return the Gram matrix of a layer."""
    kernel, sample = kernel_of(options)
    layer = _prepared(rep, kernel, nan_policy, device, 1, "a Gram matrix")
    n, dtype = len(rep.array), rep.compute_dtype
    if not layer.finite:
        return np.full((n, n), np.nan, dtype=dtype)
    spec = spec_of(kernel, sample)
    matrix, median = calls.gram(layer.core, spec, double=layer.double, centered=centered)
    checks.check_median(rep, median)
    if matrix is None:
        matrix, _ = calls.gram(layer.core, spec, double=True, centered=centered)
        assert matrix is not None  # no kernel is too narrow for float64
    return matrix.astype(dtype, copy=False)


def spec_of(kernel: Kernel, sample: int | None) -> KernelSpec:
    """Return a kernel as the core takes it."""
    match kernel:
        case RBF() | Laplacian():
            kind = 1 if isinstance(kernel, RBF) else 2
            return kind, kernel.sigma or 0.0, kernel.bandwidth or 0.0, sample or 0, 0.0, 0
        case Polynomial():
            return 3, 0.0, 0.0, 0, kernel.constant, kernel.degree
        case Cosine():
            return 4, 0.0, 0.0, 0, 0.0, 0
        case Precomputed():
            return 5, 0.0, 0.0, 0, 0.0, 0
        case Linear():
            return 0, 0.0, 0.0, 0, 0.0, 0


def _prepared(
    rep: Representation,
    kernel: Kernel,
    nan_policy: str,
    device: str | None,
    least: int,
    why: str,
) -> Prepared:
    if isinstance(kernel, Precomputed):
        checks.check_square(rep)
    layer = prepare(rep, nan_policy, device, least, why)
    if isinstance(kernel, Precomputed) and layer.finite:
        checks.check_symmetric(rep)
    return layer


def _hsic(
    xs: Sequence[Prepared],
    ys: Sequence[Prepared],
    spec: KernelSpec,
    *,
    unbiased: bool,
    normalized: bool,
    max_memory: float,
    progress: Progress | None,
) -> npt.NDArray[np.float64]:
    """HSIC, or CKA if `normalized`.

    All layers are computed in the widest precision that any of them needs. Layers with NaN or
    infinity (under nan_policy="propagate") give NaN.
    """
    others = ys or xs
    values = np.full((len(xs), len(others)), np.nan)
    rows = [i for i, layer in enumerate(xs) if layer.finite]
    columns = [j for j, layer in enumerate(others) if layer.finite]
    if not rows or not columns:
        return values
    kept_xs = [xs[i] for i in rows]
    kept_ys = [ys[j] for j in columns] if ys else []
    layers = [*kept_xs, *kept_ys]
    found = None
    for double in (False, True):
        if found is not None or (not double and any(layer.double for layer in layers)):
            continue
        found, status, medians = calls.hsic(
            [layer.core for layer in kept_xs],
            [layer.core for layer in kept_ys],
            spec,
            double=double,
            unbiased=unbiased,
            normalized=normalized,
            max_memory=max_memory,
            progress=progress,
        )
        for layer, median in zip(layers, medians, strict=False):  # cut short by a median of 0
            checks.check_median(layer.rep, median)
    if normalized:

        def named(wanted: int) -> list[str]:
            return [x.rep.name for x, s in zip(layers, status, strict=True) if s == wanted]

        checks.warn_constant(named(CONSTANT))
        checks.warn_degenerate(named(DEGENERATE))
    values[np.ix_(rows, columns)] = found
    return values
