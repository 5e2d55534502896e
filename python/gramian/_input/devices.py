"""Where inputs live and where a call computes: device arrays of every protocol, and uploads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from .._core import modules
from .._core.types import DeviceArray
from .dtypes import check_dtype

__all__ = [
    "chosen",
    "from_cuda_interface",
    "from_dlpack",
    "named",
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


def from_dlpack(value: Any, name: str) -> DeviceArray:
    """Return the device array behind a DLPack producer, without a copy.

    The producer is told the stream that will read the array, and makes it wait for its own.
    """
    kind, index = (int(part) for part in value.__dlpack_device__())
    try:
        usable = modules.cuda_devices(None)
    except RuntimeError as cause:
        refuse(named(kind, index), name, cause)
    if index >= usable:
        refuse(named(kind, index), name)
    core = modules.cuda()
    stream = core.stream(index)
    try:
        capsule = value.__dlpack__(stream=stream, max_version=(1, 0))
    except TypeError:  # a producer from before DLPack 1.0
        capsule = value.__dlpack__(stream=stream)
    return core.from_dlpack(capsule)


def from_cuda_interface(value: Any, name: str) -> DeviceArray:
    """Return the device array behind ``__cuda_array_interface__``, without a copy."""
    interface = value.__cuda_array_interface__
    if not isinstance(interface, Mapping):
        refuse("cuda", name)
    try:
        modules.cuda_devices(None)
    except RuntimeError as cause:
        refuse("cuda", name, cause)
    if 0 in interface["shape"]:  # without memory, and so without a device
        raise ValueError(f"{name} must not be empty, got shape {tuple(interface['shape'])}.")
    if interface.get("mask") is not None:
        raise TypeError(
            f"{name} must not be a masked array: its mask would be ignored; "
            "fill it or drop the masked rows first."
        )
    dtype = np.dtype(interface["typestr"])
    check_dtype(dtype, dtype.name, name)
    if not dtype.isnative:
        raise TypeError(f"{name} must have native byte order, got {interface['typestr']}.")
    # Before version 3 there was no stream, and work was on the default one, which is number 1.
    stream = interface.get("stream") if interface.get("version", 0) >= 3 else 1
    return modules.cuda().from_address(
        interface["data"][0],
        shape=list(interface["shape"]),
        strides=interface.get("strides"),
        dtype=dtype.name,
        stream=stream,
        owner=value,
    )
