"""Inputs by every array protocol, checked, and left in the memory that they are in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._core.types import DeviceArray
from . import devices
from .dtypes import TAKEN, check_dtype, compute_dtype, converted, name_of, values

# Elements that DLPack has no code for, or none that anything here computes with.
_TOO_SMALL = re.compile(r"float[48](?!\d)|u?int[1-7]$")


@dataclass(frozen=True)
class StandsFor:
    """The samples that fewer rows, of the same inner products, stand for."""

    count: int
    compute_dtype: str  # the precision of arithmetic on them


class Examples(NamedTuple):
    """What the samples of a layer are, where they are positions of examples."""

    number: int
    positions: tuple[int, ...]  # their shape, in every example; () where it is not the same in all
    option: str  # that made them samples: "positions", or "reduce" of a recording


@dataclass(frozen=True, eq=False)
class Layer:
    """A representation under its name, checked, in the memory of whoever passed it."""

    name: str  # how messages call it: "X", "A['conv1']"
    # (n_samples, n_features), any strides; numpy holds bfloat16 as its uint16 bits
    array: npt.NDArray[Any] | DeviceArray
    dtype: str  # numpy's name of the elements' type, or "bfloat16"
    stands_for: StandsFor | None = field(default=None, kw_only=True)
    examples: Examples | None = field(default=None, kw_only=True)
    library: str = field(default="numpy", kw_only=True)  # whose array it is, and results are to be

    @property
    def groups(self) -> npt.NDArray[np.int64] | None:
        """The example that each sample is a position of; None where samples are examples."""
        if self.examples is None or not self.examples.positions:
            return None
        number = self.examples.number
        return np.repeat(np.arange(number), len(self.array) // number)

    def out_of(self, examples: Examples) -> Layer:
        """Return the same layer, whose samples are positions of these examples."""
        return replace(self, examples=examples)

    def out_of_library(self, value: Any) -> Layer:
        """Return the same layer, whose array is that of a library; on the CPU all are numpy's."""
        if self.device is None:
            return self
        return replace(self, library=devices.library_of(value))

    @property
    def n_samples(self) -> int:
        """The number of samples, which that of its rows may stand for."""
        return len(self.array) if self.stands_for is None else self.stands_for.count

    @property
    def device(self) -> int | None:
        """The number of the CUDA device that it lives on, None on the CPU."""
        return None if isinstance(self.array, np.ndarray) else self.array.device

    @property
    def host(self) -> npt.NDArray[Any]:
        """The array, or a copy of it, in host memory.

        Not a `functools.cached_property`, whose lock, in Python 3.11, a fork may leave held.
        """
        if isinstance(self.array, np.ndarray):
            return self.array
        kept: npt.NDArray[Any] | None = self.__dict__.get("_host")
        if kept is None:
            kept = self.__dict__["_host"] = self.array.numpy()
        return kept

    def part(self, rows: slice, columns: slice) -> npt.NDArray[Any]:
        """Return some rows and columns as numbers in host memory, and copy no others."""
        array = self.array
        if isinstance(array, np.ndarray):
            return values(array[rows, columns], self.dtype)
        some, others = (
            range(*chosen.indices(size))
            for chosen, size in zip((rows, columns), array.shape, strict=True)
        )
        down, along = array.strides
        shape, strides = (len(some), len(others)), (some.step * down, others.step * along)
        found = array.look_at(some.start * down + others.start * along, shape, strides)
        return values(found.numpy(), self.dtype)

    def diagonal(self) -> npt.NDArray[Any]:
        """Return the diagonal of a square one, in the same way."""
        array = self.array
        if isinstance(array, np.ndarray):
            return values(array.diagonal(), self.dtype)
        column = array.look_at(0, (len(array), 1), (sum(array.strides), 1))
        return values(column.numpy()[:, 0], self.dtype)

    def given_back(self, result: npt.NDArray[Any] | DeviceArray) -> Any:
        """Return a result as an array of the layer's library, where the layer lives."""
        if self.device is not None and isinstance(result, np.ndarray):
            result = devices.upload(result, result.dtype.name, self.device)
        return devices.given_back(result, self.library)

    @property
    def compute_dtype(self) -> str:
        """The precision of arithmetic on it, "float32" or "float64"."""
        return compute_dtype(self.dtype)


def as_layer(value: Any, name: str) -> Layer:
    """Check type and shape of a representation; its values are for `check_finite`.

    A layer is returned as it is, under its own name.
    """
    if isinstance(value, Layer):
        return value
    return checked(*as_array(value, name), name).out_of_library(value)


def checked(array: npt.NDArray[Any] | DeviceArray, dtype: str, name: str) -> Layer:
    """Check an array whose elements are of the named type, and prepare it for the core."""
    if isinstance(array, np.ndarray):
        check_dtype(array.dtype, dtype, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be 2-D (n_samples, n_features), "
            f"got {array.ndim}-D with shape {array.shape}{_cure(array.ndim, name)}."
        )
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}.")
    if not isinstance(array, np.ndarray):
        return Layer(name, array, dtype)
    if not array.flags.aligned:
        raise ValueError(
            f"{name} must be aligned in memory; copy it first with "
            f'numpy.require({name}, requirements="A").'
        )
    if not array.dtype.isnative:
        # The core reads native numbers only. Foreign byte order comes from files, is rare, and
        # a copy is cheaper than a second set of loaders.
        array = array.astype(array.dtype.newbyteorder("="))
    if dtype == "bfloat16" and array.dtype.kind != "u":  # ml_dtypes
        array = array.view(np.uint16)
    return Layer(name, array, dtype)


def _cure(axes: int, name: str) -> str:
    """Return what a message about too few or too many axes says can be done."""
    if axes < 3:
        return f"; {name}[:, None] makes one feature of it" if axes == 1 else ""
    layout = {3: "'ntd' for tokens", 4: "'nchw' or 'nhwc' for images"}.get(axes, "'ncdhw'")
    return (
        f": layout={layout} says which axis is which, and positions='mean' averages over the "
        "others, 'features' makes a unit of every entry, 'samples' a sample of every position"
    )


def as_array(value: Any, name: str) -> tuple[npt.NDArray[Any] | DeviceArray, str]:
    """Return the array behind a value, by a protocol that it supports, and its dtype's name."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must not be a masked array: its mask would be ignored; "
            "fill it or drop the masked rows first."
        )
    if isinstance(value, type):  # which has the methods of an array
        raise TypeError(f"{name} must be an array, got the class {value.__name__}.")
    if isinstance(value, np.ndarray):
        array = np.asarray(value)  # subclasses may give * and [] another meaning
    elif hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__"):
        return _from_dlpack(value, name)
    elif hasattr(value, "__cuda_array_interface__"):
        on_device = devices.from_cuda_interface(value, name)
        return on_device, on_device.dtype
    else:
        array = _by_numpy(value, name)
    return array, name_of(array.dtype)


def _by_numpy(value: Any, name: str) -> npt.NDArray[Any]:
    """Return what numpy makes of a value."""
    _refuse_collection(value, name)
    with devices.reading(name, "an array"):
        try:
            array = np.asarray(value)
        except ValueError:
            if not isinstance(value, (list, tuple)):
                raise
            array = None
    if array is None:
        raise ValueError(
            f"{name} must be a rectangular array, got nested sequences of unequal length."
        )
    if array.ndim == 0 and array.dtype.kind == "O":  # what is no array of anything
        got = "None" if value is None else type(value).__name__
        raise TypeError(f"{name} must be an array (n_samples, n_features), got {got}.")
    return array


def _refuse_collection(value: Any, name: str) -> None:
    """Say who takes layers by name; a table of pandas is one array."""
    if hasattr(value, "keys") and hasattr(value, "__getitem__") and not hasattr(value, "__array__"):
        raise TypeError(
            f"{name} must be an array (n_samples, n_features), got {type(value).__name__}: "
            "gramian.compare takes a mapping of names to arrays, of each model."
        )


def _from_dlpack(value: Any, name: str) -> tuple[npt.NDArray[Any] | DeviceArray, str]:
    """Return the array of a DLPack producer, whose every refusal is told under the name."""
    kind_of_element = str(getattr(value, "dtype", "")).removeprefix("torch.")
    if _TOO_SMALL.match(kind_of_element):
        raise TypeError(f"{name} must be {TAKEN}, got {kind_of_element}: {converted(name)}.")
    with devices.reading(name, "DLPack"):
        kind, index = devices.device_of(value)
        if hasattr(value, "detach"):  # torch exports no tensor that requires a gradient
            value = value.detach()
        _check_storage(value)
    if kind in devices.CUDA:
        on_device = devices.from_dlpack(value, name)
        return on_device, on_device.dtype
    if kind not in devices.HOST:
        devices.refuse(devices.named(kind, index), name)
    with devices.reading(name, "DLPack"):
        array, dtype = calls.from_dlpack(value)
    return array, dtype


def _check_storage(value: Any) -> None:
    """Refuse a tensor whose memory, which it knows as torch does, is too small for its elements."""
    storage = getattr(value, "untyped_storage", None)
    if storage is None or value.numel() == 0:
        return
    reach = sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True))
    needed = (value.storage_offset() + reach + 1) * value.element_size()
    if storage().nbytes() < needed:
        raise ValueError(
            f"its storage has {storage().nbytes()} bytes, and its elements need {needed}"
        )


def as_numpy(result: Any) -> npt.NDArray[Any]:
    """Return a result, which may be an array of any library, in host memory."""
    if isinstance(result, np.ndarray):
        return result
    if 0 in result.shape:
        return np.empty(tuple(result.shape))
    return as_layer(result, "a result").host


def as_float64(layer: Layer) -> npt.NDArray[np.float64]:
    """Return a float64 copy of the values."""
    return values(layer.host, layer.dtype).astype(np.float64)
