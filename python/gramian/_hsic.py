"""HSIC and what follows from it, for many layers at once: between the public API and the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _backend, _validate
from ._prepare import Prepared, prepare
from ._validate import Representation
from .kernels import Kernel, Linear, resolve

Progress = Callable[[int, int], object]


def all_pairs(
    measure: str,
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    """Return "hsic", "cka" or "cka_distance" of every a with every b; among the a without b."""
    kernel = resolve(options.get("kernel", "linear"), options.get("bandwidth"))
    unbiased = bool(options.get("debiased", options.get("unbiased", False)))
    least, why = (4, "the unbiased estimator") if unbiased else (2, "the biased estimator")
    xs, ys = ([prepare(rep, nan_policy, device, least, why) for rep in reps] for reps in (a, b))
    values = _hsic(
        xs, ys, kernel, unbiased=unbiased, normalized=measure != "hsic", progress=progress
    )
    # Rounding may take the CKA of nearly equal layers past 1.
    return np.arccos(np.clip(values, -1, 1)) if measure == "cka_distance" else values


def recorded(measure: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force, defaults included, as JSON can hold them."""
    kernel = resolve(options.get("kernel", "linear"), options.get("bandwidth"))
    record: dict[str, Any] = {"kernel": "linear" if isinstance(kernel, Linear) else "rbf"}
    if not isinstance(kernel, Linear):
        width = "sigma" if kernel.bandwidth is None else "bandwidth"
        record[width] = getattr(kernel, width)
    estimator = "unbiased" if measure == "hsic" else "debiased"
    return record | {estimator: bool(options.get(estimator, False))}


def gram(layer: Prepared, kernel: Kernel, *, centered: bool) -> npt.NDArray[np.floating[Any]]:
    """Return the Gram matrix of a layer."""
    if not layer.finite:
        n = len(layer.rep.array)
        return np.full((n, n), np.nan, dtype=layer.rep.compute_dtype)
    gamma = _gamma(layer, kernel, double=layer.double)
    return _backend.gram(layer.core, gamma, double=layer.double, centered=centered)


def _gamma(layer: Prepared, kernel: Kernel, *, double: bool) -> float | None:
    """Return 1 / (2 sigma²) of the layer's RBF kernel, or None for the linear one."""
    if isinstance(kernel, Linear):
        return None
    if kernel.bandwidth is None:
        assert kernel.sigma is not None  # a kernel has one of the two
        return 1 / (2 * kernel.sigma**2)
    median = _backend.median_squared_distance(layer.core, double=double)
    _validate.check_median(layer.rep, median)
    return 1 / (2 * kernel.bandwidth**2 * median)


def _hsic(
    xs: Sequence[Prepared],
    ys: Sequence[Prepared],
    kernel: Kernel,
    *,
    unbiased: bool,
    normalized: bool,
    progress: Progress | None,
) -> npt.NDArray[np.float64]:
    """HSIC, or CKA if `normalized`.

    All layers are computed in the widest precision that any of them needs. Layers with NaN or
    infinity (under nan_policy="propagate") give NaN.
    """
    double = any(layer.double for layer in (*xs, *ys))
    others = ys or xs
    values = np.full((len(xs), len(others)), np.nan)
    rows = [i for i, layer in enumerate(xs) if layer.finite]
    columns = [j for j, layer in enumerate(others) if layer.finite]
    if not rows or not columns:
        return values
    kept_xs = [xs[i] for i in rows]
    kept_ys = [ys[j] for j in columns] if ys else []
    layers = [*kept_xs, *kept_ys]
    found, status = _backend.hsic(
        [layer.core for layer in kept_xs],
        [layer.core for layer in kept_ys],
        [_gamma(layer, kernel, double=double) for layer in layers],
        double=double,
        unbiased=unbiased,
        normalized=normalized,
        progress=progress,
    )
    if normalized:

        def named(wanted: int) -> list[str]:
            return [x.rep.name for x, s in zip(layers, status, strict=True) if s == wanted]

        _validate.warn_constant(named(_backend.CONSTANT))
        _validate.warn_degenerate(named(_backend.DEGENERATE))
    values[np.ix_(rows, columns)] = found
    return values
