"""Layers that are read: with their column statistics, on the device that computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .._core import calls
from . import checks, devices
from .arrays import Layer
from .checks import Samples

__all__ = ["ReadLayer", "read"]


@dataclass(frozen=True, eq=False)
class ReadLayer(Layer):
    """A layer with its column statistics, as the core takes it."""

    means: npt.NDArray[np.float64]  # of the columns
    finite: bool  # False only under nan_policy="propagate"
    computed_on: str  # "cpu" or "cuda:0"; the array itself may be elsewhere
    core: calls.CoreLayer

    @property
    def n(self) -> int:
        """The number of samples."""
        return len(self.array)

    @property
    def double(self) -> bool:
        """Whether arithmetic on it is in double precision."""
        return self.compute_dtype == "float64"


def read(
    layer: Layer, nan_policy: str, device: str | None, needed: Samples | None = None
) -> ReadLayer:
    """Check the number and the values of the samples, and bring a layer to its device."""
    if needed is not None:
        checks.check_sample_count(layer, *needed)
    target = devices.chosen(device, layer.device, layer.name)
    means, scale = calls.column_statistics(layer.array, layer.dtype)
    if nan_policy == "raise":
        checks.check_finite(layer, means)
    array = layer.array
    if target is not None and isinstance(array, np.ndarray):
        array = devices.upload(array, layer.dtype, target)
    core = calls.layer(
        array,
        dtype=layer.dtype,
        means=means,
        scale=scale,
        epsilon=float(np.finfo(layer.compute_dtype).eps),
    )
    return ReadLayer(
        layer.name,
        layer.array,
        layer.dtype,
        means=means,
        finite=bool(np.isfinite(means).all()),
        computed_on="cpu" if target is None else f"cuda:{target}",
        core=core,
    )
