"""HSIC and what follows from it, for many layers at once: between the public API and the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _backend, _validate
from ._prepare import Prepared, prepare
from ._validate import Representation
from .kernels import (
    RBF,
    Cosine,
    Kernel,
    Laplacian,
    Linear,
    Polynomial,
    Precomputed,
    name_of,
    resolve,
)

Progress = Callable[[int, int], object]


# Working memory that a call may take above its inputs, in bytes. It holds the tiles of 100 layers
# on 16 threads, and keeps the distances of up to 16,000 samples for a second pass.
DEFAULT_MEMORY = 512 * 2**20


def all_pairs(
    measure: str,
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    """Return "hsic", "cka" or "cka_distance" of every a with every b; among the a without b."""
    kernel, sample = kernel_of(options)
    unbiased = bool(options.get("debiased", options.get("unbiased", False)))
    least, why = (4, "the unbiased estimator") if unbiased else (2, "the biased estimator")
    xs, ys = (
        [_prepared(rep, kernel, nan_policy, device, least, why) for rep in reps] for reps in (a, b)
    )
    values = _hsic(
        xs,
        ys,
        spec_of(kernel, sample),
        unbiased=unbiased,
        normalized=measure != "hsic",
        max_memory=_validate.check_memory(max_memory, DEFAULT_MEMORY),
        progress=progress,
    )
    # Rounding may take the CKA of nearly equal layers past 1.
    return np.arccos(np.clip(values, -1, 1)) if measure == "cka_distance" else values


def recorded(measure: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force, defaults included, as JSON can hold them."""
    kernel, sample = kernel_of(options)
    record: dict[str, Any] = {"kernel": name_of(kernel)}
    record |= {name: value for name, value in vars(kernel).items() if value is not None}
    if sample is not None:
        record["bandwidth_sample"] = sample
    estimator = "unbiased" if measure == "hsic" else "debiased"
    return record | {estimator: bool(options.get(estimator, False))}


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
    matrix, median = _backend.gram(layer.core, spec, double=layer.double, centered=centered)
    _validate.check_median(rep, median)
    if matrix is None:
        matrix, _ = _backend.gram(layer.core, spec, double=True, centered=centered)
        assert matrix is not None  # no kernel is too narrow for float64
    return matrix.astype(dtype, copy=False)


def kernel_options(
    kernel: str | Kernel, bandwidth: float | None, bandwidth_sample: int | None
) -> dict[str, Any]:
    """Return what names a kernel in the public functions, as `kernel_of` takes it."""
    return {"kernel": kernel, "bandwidth": bandwidth, "bandwidth_sample": bandwidth_sample}


def kernel_of(options: Mapping[str, Any]) -> tuple[Kernel, int | None]:
    """Return the kernel, and the number of samples that its median distance is taken of."""
    kernel = resolve(options.get("kernel", "linear"), options.get("bandwidth"))
    sample = options.get("bandwidth_sample")
    if sample is None:
        return kernel, None
    if getattr(kernel, "bandwidth", None) is None:
        raise ValueError(
            "bandwidth_sample is for kernels whose width is a fraction of the median distance, "
            f"got bandwidth_sample={sample!r} with {kernel!r}."
        )
    return kernel, _validate.check_integer("bandwidth_sample", sample, least=2)


def spec_of(kernel: Kernel, sample: int | None) -> _backend.KernelSpec:
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
        _validate.check_square(rep)
    layer = prepare(rep, nan_policy, device, least, why)
    if isinstance(kernel, Precomputed) and layer.finite:
        _validate.check_symmetric(rep)
    return layer


def _hsic(
    xs: Sequence[Prepared],
    ys: Sequence[Prepared],
    spec: _backend.KernelSpec,
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
        found, status, medians = _backend.hsic(
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
            _validate.check_median(layer.rep, median)
    if normalized:

        def named(wanted: int) -> list[str]:
            return [x.rep.name for x, s in zip(layers, status, strict=True) if s == wanted]

        _validate.warn_constant(named(_backend.CONSTANT))
        _validate.warn_degenerate(named(_backend.DEGENERATE))
    values[np.ix_(rows, columns)] = found
    return values
