"""Layers that are read: with their column statistics, on the device that computes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._core.types import DeviceArray
from . import checks, devices
from .arrays import Layer
from .checks import Samples
from .constant import CONSTANT, epsilon

__all__ = ["Placed", "ReadLayer", "read", "read_sides"]

# Elements in which float32 computes, by the largest of them: twice as large ones may differ by more
# than its largest number, and of smaller ones less than its smallest normal number (1e-38) is eps.
_FLOAT32 = 2.0**-100, 2.0**126


@dataclass(frozen=True, eq=False)
class ReadLayer(Layer):
    """A layer with its column statistics, as the core takes it."""

    statistics: calls.ColumnStatistics
    finite: bool  # False only under nan_policy="propagate"
    constant: bool  # no column varies, but for rounding
    target: int | None  # the CUDA device that computes; the array itself may be elsewhere
    core: calls.CoreLayer

    @property
    def n(self) -> int:
        """The number of samples."""
        return len(self.array)

    @property
    def computed_on(self) -> str:
        """The device that computes: "cpu" or "cuda:0"."""
        return "cpu" if self.target is None else f"cuda:{self.target}"

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """The means of the columns."""
        return self.statistics.means

    @property
    def double(self) -> bool:
        """Whether arithmetic on it is in double precision."""
        if self.compute_dtype == "float64":
            return True
        least, most = _FLOAT32
        largest = self.statistics.largest
        return self.finite and largest > 0 and not least <= largest <= most


@dataclass(frozen=True, eq=False)
class Placed:
    """An array where it is going to be read, and its column statistics if that is a device."""

    array: npt.NDArray[Any] | DeviceArray
    target: int | None  # the number of the device
    statistics: calls.ColumnStatistics | None


def place(layers: Sequence[Layer], device: str | None) -> list[Placed]:
    """Bring layers to their devices, where they are measured: those of one with one wait."""
    targets = [devices.chosen(device, layer.device, layer.name) for layer in layers]
    arrays: list[Any] = []
    for layer, target in zip(layers, targets, strict=True):
        array = layer.array
        if target is not None and isinstance(array, np.ndarray):
            array = devices.upload(array, layer.dtype, target)
        arrays.append(array)
    found: dict[int, calls.ColumnStatistics] = {}
    for target in {target for target in targets if target is not None}:
        here = [k for k, where in enumerate(targets) if where == target]
        some = calls.device_statistics([arrays[k] for k in here], [layers[k].dtype for k in here])
        found.update(zip(here, some, strict=True))
    return [
        Placed(array, target, found.get(k))
        for k, (array, target) in enumerate(zip(arrays, targets, strict=True))
    ]


def read(
    layer: Layer,
    nan_policy: str,
    device: str | None,
    needed: Samples | None = None,
    placed: Placed | None = None,
) -> ReadLayer:
    """Check the number and the values of the samples, and bring a layer to its device."""
    if needed is not None:
        checks.check_sample_count(layer, *needed)
    placed = placed or place([layer], device)[0]
    statistics = placed.statistics or calls.column_statistics(layer.host, layer.dtype)
    finite = bool(np.isfinite(statistics.scaled_means).all())
    if finite:
        checks.check_range(layer, statistics.largest)
    elif nan_policy == "raise":
        checks.check_finite(layer, statistics.scaled_means)
    unit = epsilon(layer)
    constant = statistics.is_constant(len(layer.array), CONSTANT * unit)
    core = calls.layer(
        placed.array,
        dtype=layer.dtype,
        statistics=statistics,
        constant=constant,
        epsilon=unit,
    )
    return ReadLayer(
        layer.name,
        layer.array,
        layer.dtype,
        stands_for=layer.stands_for,
        library=layer.library,
        statistics=statistics,
        finite=finite,
        constant=constant,
        target=placed.target,
        core=core,
    )


def read_sides(
    a: Sequence[Layer],
    b: Sequence[Layer],
    device: str | None,
    read_one: Callable[[Layer, Placed], ReadLayer],
) -> tuple[list[ReadLayer], list[ReadLayer]]:
    """Read the layers of a comparison, an array that comes twice only once.

    So a layer that meets itself is known to, on a device as well.
    """
    layers = (*a, *b)
    keys = [_memory_of(layer) for layer in layers]
    unique: dict[Any, Layer] = {}
    for key, layer in zip(keys, layers, strict=True):
        unique.setdefault(key, layer)
    placed = place(list(unique.values()), device)
    known = {
        key: read_one(layer, where)
        for (key, layer), where in zip(unique.items(), placed, strict=True)
    }
    found = [
        one if one.name == layer.name else replace(one, name=layer.name)
        for one, layer in zip((known[key] for key in keys), layers, strict=True)
    ]
    return found[: len(a)], found[len(a) :]


def _memory_of(layer: Layer) -> Any:
    array = layer.array
    if not isinstance(array, np.ndarray):
        return id(array)
    return array.__array_interface__["data"][0], array.shape, array.strides, layer.dtype
