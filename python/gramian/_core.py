"""From checked inputs to the compiled core: statistics, precision and kernel widths."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _backend, _validate
from ._backend import CoreLayer
from ._validate import Representation
from .kernels import Kernel, Linear


class Prepared:
    """A checked layer with its column statistics; `finite` is False only under 'propagate'."""

    def __init__(self, rep: Representation, nan_policy: str, device: str | None) -> None:
        _backend.check_available(device)
        means, scale = _backend.column_statistics(rep)
        if nan_policy == "raise":
            _validate.check_finite(rep, means)
        self.rep = rep
        self.finite = bool(np.isfinite(means).all())
        self.core: CoreLayer = (rep.array, rep.dtype, means, scale)
        self.double = rep.compute_dtype == "float64"

    def gamma(self, kernel: Kernel, *, double: bool) -> float | None:
        """Return 1 / (2 sigma²) of the layer's RBF kernel, or None for the linear one."""
        if isinstance(kernel, Linear):
            return None
        if kernel.bandwidth is None:
            assert kernel.sigma is not None  # a kernel has one of the two
            return 1 / (2 * kernel.sigma**2)
        median = _backend.median_squared_distance(self.core, double=double)
        _validate.check_median(self.rep, median)
        return 1 / (2 * kernel.bandwidth**2 * median)


def prepare(
    rep: Representation, nan_policy: str, device: str | None, *, unbiased: bool
) -> Prepared:
    """Check and read a layer of which an HSIC is wanted."""
    least, why = (4, "the unbiased estimator") if unbiased else (2, "the biased estimator")
    _validate.check_sample_count(rep, least, why)
    return Prepared(rep, nan_policy, device)


def gram(layer: Prepared, kernel: Kernel, *, centered: bool) -> npt.NDArray[np.floating[Any]]:
    """Gram matrix of a layer."""
    if not layer.finite:
        n = len(layer.rep.array)
        return np.full((n, n), np.nan, dtype=layer.rep.compute_dtype)
    gamma = layer.gamma(kernel, double=layer.double)
    return _backend.gram(layer.core, gamma, double=layer.double, centered=centered)


def hsic(
    xs: Sequence[Prepared],
    ys: Sequence[Prepared],
    kernel: Kernel,
    *,
    unbiased: bool,
    normalized: bool,
    progress: Callable[[int, int], object] | None = None,
) -> npt.NDArray[np.float64]:
    """HSIC, or CKA, of every x with every y; among the xs when there are no ys.

    All layers are computed in the widest precision that any of them needs. Layers with NaN or
    infinity (under nan_policy='propagate') give NaN.
    """
    double = any(layer.double for layer in (*xs, *ys))
    others = ys or xs
    values = np.full((len(xs), len(others)), np.nan)
    rows = [i for i, layer in enumerate(xs) if layer.finite]
    cols = [j for j, layer in enumerate(others) if layer.finite]
    if not rows or not cols:
        return values
    kept = [xs[i] for i in rows]
    kept_ys = [ys[j] for j in cols] if ys else []
    layers = [*kept, *kept_ys]
    gammas = [layer.gamma(kernel, double=double) for layer in layers]
    found, status = _backend.hsic(
        [layer.core for layer in kept],
        [layer.core for layer in kept_ys],
        gammas,
        double=double,
        unbiased=unbiased,
        normalized=normalized,
        progress=progress,
    )
    if normalized:
        names = [layer.rep.name for layer in layers]
        _validate.warn_constant(
            name for name, s in zip(names, status, strict=True) if s == _backend.CONSTANT
        )
        _validate.warn_degenerate(
            name for name, s in zip(names, status, strict=True) if s == _backend.DEGENERATE
        )
    values[np.ix_(rows, cols)] = found
    return values
