"""Where inputs live and where a call computes: device arrays of every protocol, and uploads."""

from __future__ import annotations

import contextlib
import math
import operator
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt

from .._core import modules
from .._core.types import DeviceArray
from .dtypes import check_dtype
from .options import shown

__all__ = [
    "chosen",
    "device_of",
    "from_cuda_interface",
    "from_dlpack",
    "given_back",
    "library_of",
    "named",
    "reading",
    "refuse",
    "upload",
]

# DLPack's device types whose memory the CPU can read (plain, and pinned for CUDA or ROCm), those
# whose memory CUDA can read (plain and managed), and what messages call the others.
HOST, CUDA = frozenset((1, 3, 11)), frozenset((2, 13))
_NAMES = {2: "cuda", 8: "metal", 10: "rocm", 13: "cuda (managed memory)", 14: "oneapi"}


def named(kind: int, index: int) -> str:
    """Return what messages call a DLPack device."""
    return f"{_NAMES.get(kind, f'device type {kind}')}:{index}"


@contextlib.contextmanager
def reading(name: str, protocol: str, *passed: type[Exception]) -> Iterator[None]:
    """Tell under its name what is wrong with an input, whose own code may raise anything."""
    try:
        yield
    except Exception as cause:
        if isinstance(cause, (MemoryError, *passed)):
            raise
        reason = " ".join(str(cause).split())[:300].rstrip(".") or type(cause).__name__
        raise TypeError(f"{name} cannot be read as {protocol}: {reason}.") from cause


def refuse(device: str, name: str, cause: Exception | None = None) -> NoReturn:
    """Refuse an input that lives where the call cannot read it."""
    raise ValueError(
        f"{name} lives on {device}, a device that this call cannot use; copy it to the CPU first."
    ) from cause


def chosen(device: str | None, lives_on: int | None, name: str) -> int | None:
    """Return the number of the CUDA device to compute on, None for the CPU."""
    if device is None:
        return lives_on
    if device == "cpu":
        if lives_on is not None:
            refuse(f"cuda:{lives_on}", name)
        return None
    count = modules.cuda_devices(device)
    wanted = int(device.partition(":")[2] or lives_on or 0)
    if wanted >= count:
        raise ValueError(f"device={device!r} does not exist: the last one is 'cuda:{count - 1}'.")
    if lives_on is not None and wanted != lives_on:
        raise ValueError(
            f"{name} lives on cuda:{lives_on}, and the call was told to compute on {device}: "
            "leave device out, or copy it there first."
        )
    return wanted


def upload(array: npt.NDArray[Any], dtype: str, device: int) -> DeviceArray:
    """Copy an array to a device, in its own element type."""
    if array.itemsize not in array.strides:  # neither rows nor columns are contiguous
        array = np.ascontiguousarray(array)
    return modules.cuda().upload(array, dtype, device)


def device_of(value: Any) -> tuple[int, int]:
    """Return the kind and the number of the device that a DLPack producer says it lives on."""
    said = value.__dlpack_device__()
    if not isinstance(said, tuple) or len(said) != 2:
        raise TypeError(f"its __dlpack_device__ returned {shown(said)}")
    return int(said[0]), int(said[1])


def from_dlpack(value: Any, name: str) -> DeviceArray:
    """Return the device array behind a DLPack producer, without a copy.

    The producer is told the stream that will read the array, and makes it wait for its own.
    """
    with reading(name, "DLPack"):
        kind, index = device_of(value)
    try:
        usable = modules.cuda_devices(None)
    except RuntimeError as cause:
        refuse(named(kind, index), name, cause)
    if not 0 <= index < usable:
        refuse(named(kind, index), name)
    core = modules.cuda()
    stream = core.stream(index)
    with reading(name, "DLPack"):
        try:
            capsule = value.__dlpack__(stream=stream, max_version=(1, 0))
        except TypeError:  # a producer from before DLPack 1.0
            capsule = value.__dlpack__(stream=stream)
    with reading(name, "DLPack", RuntimeError):  # which are CUDA's
        return core.from_dlpack(capsule)


def from_cuda_interface(value: Any, name: str) -> DeviceArray:
    """Return the device array behind ``__cuda_array_interface__``, without a copy."""
    with reading(name, "CUDA's array interface"):
        interface = value.__cuda_array_interface__
    if not isinstance(interface, Mapping):
        refuse("cuda", name)
    try:
        modules.cuda_devices(None)
    except RuntimeError as cause:
        refuse("cuda", name, cause)
    with reading(name, "CUDA's array interface"):
        shape, strides, address, stream, dtype = _parsed(interface)
    if 0 in shape:  # without memory, and so without a device
        raise ValueError(f"{name} must not be empty, got shape {shape}.")
    if interface.get("mask") is not None:
        raise TypeError(
            f"{name} must not be a masked array: its mask would be ignored; "
            "fill it or drop the masked rows first."
        )
    check_dtype(dtype, dtype.name, name)
    if not dtype.isnative:
        raise TypeError(f"{name} must have native byte order, got {dtype.str}.")
    with reading(name, "CUDA's array interface", RuntimeError):
        return modules.cuda().from_address(
            address,
            shape=list(shape),
            strides=None if strides is None else list(strides),
            dtype=dtype.name,
            stream=stream,
            owner=value,
        )


def library_of(value: Any) -> str:
    """Return the module that has the functions of the library that an array comes from."""
    name = type(value).__module__.partition(".")[0]
    return "jax.numpy" if name in ("jax", "jaxlib") else name


def given_back(result: npt.NDArray[Any] | DeviceArray, library: str) -> Any:
    """Return a result as an array of a library, which takes it by DLPack where it is.

    A library that has no `from_dlpack` can take what is returned to it in its own way.
    """
    if isinstance(result, np.ndarray):
        return result
    if library == "numpy":
        return result.numpy()
    take = getattr(sys.modules.get(library), "from_dlpack", None)
    return result if take is None else take(result)


class _Interface(NamedTuple):
    shape: tuple[int, ...]
    strides: tuple[int, ...] | None
    address: int
    stream: int | None
    dtype: np.dtype[Any]


def _parsed(interface: Mapping[str, Any]) -> _Interface:
    """Return what an interface says, as numbers that the core can hold."""
    shape = tuple(map(operator.index, interface["shape"]))
    strides = interface.get("strides")
    if strides is not None:
        strides = tuple(map(operator.index, strides))
        if len(strides) != len(shape):
            raise ValueError(f"it has {len(shape)} dimensions and {len(strides)} strides")
    if min(shape, default=0) < 0:
        raise ValueError(f"its shape is {shape}")
    dtype = np.dtype(interface["typestr"])
    steps = strides or (dtype.itemsize,)
    reach = math.prod(shape) * max(dtype.itemsize, *map(abs, steps))
    if reach >= 2**63:
        raise ValueError(f"its shape {shape} reaches beyond any memory")
    address = operator.index(interface["data"][0])
    if not 0 <= address < 2**64 - reach or (address == 0 and reach > 0):
        raise ValueError(f"its address is {address}")
    # Before version 3 there was no stream, and work was on the default one, which is number 1.
    stream = interface.get("stream") if interface.get("version", 0) >= 3 else 1
    if stream is not None and not 0 <= operator.index(stream) < 2**64:
        raise ValueError(f"its stream is {stream}")
    return _Interface(shape, strides, address, stream, dtype)
