"""Libraries whose arrays are in (stand-in) device memory, and which take results by DLPack."""

from __future__ import annotations

import ctypes
import types
import weakref
from ctypes import c_char_p, c_int, c_size_t, c_void_p, py_object
from typing import Any

import numpy as np
from hostcuda.device_array import LEGACY, NAME, NON_BLOCKING, DeviceArray, Managed
from hostcuda.standin import StandIn

DEVICE_TO_HOST = 2
USED = b"used_dltensor_versioned"
_pointer = ctypes.PYFUNCTYPE(c_void_p, py_object, c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)
_rename = ctypes.PYFUNCTYPE(c_int, py_object, c_char_p)(("PyCapsule_SetName", ctypes.pythonapi))


class Taken:
    """What a library makes of a capsule: an array that it reads on its own stream."""

    def __init__(self, library: Library, producer: Any) -> None:
        self.library = library
        kind, self.device = producer.__dlpack_device__()
        assert kind == 2
        capsule = producer.__dlpack__(stream=library.stream.value, max_version=(1, 0), copy=None)
        address = _pointer(capsule, NAME)
        _rename(capsule, USED)
        managed = Managed.from_address(address)
        weakref.finalize(self, managed.deleter, address)
        tensor = managed.tensor
        assert (managed.major, managed.flags, tensor.ndim, tensor.lanes) == (1, 0, 2, 1)
        assert (tensor.device_type, tensor.device, tensor.code) == (2, self.device, 2)
        self.shape = tuple(tensor.shape[:2])
        assert tuple(tensor.strides[:2]) == (self.shape[1], 1)
        self.dtype = np.dtype(f"float{tensor.bits}")
        self.pointer = tensor.data

    def queue_read(self) -> np.ndarray:
        """Queue a copy to the host on the library's stream."""
        out = np.full(self.shape, -9.0, self.dtype)
        status = self.library.cudart.cudaMemcpyAsync(
            c_void_p(out.ctypes.data),
            c_void_p(self.pointer),
            c_size_t(out.nbytes),
            DEVICE_TO_HOST,
            self.library.stream,
        )
        assert status == 0
        return out

    def numpy(self) -> np.ndarray:
        """Return a copy, once the library's stream has made it."""
        out = self.queue_read()
        assert self.library.cudart.cudaStreamSynchronize(self.library.stream) == 0
        return out


class Library(types.ModuleType):
    """A module by a name that is known, with arrays that say that they are its own."""

    def __init__(self, name: str, standin: StandIn, *, on_default: bool = False) -> None:
        super().__init__(name)
        self.standin, self.cudart = standin, standin.cudart
        self.stream = c_void_p(LEGACY)
        if not on_default:
            self.cudart.cudaStreamCreateWithFlags(ctypes.byref(self.stream), NON_BLOCKING)
        module = "jaxlib._jax" if name == "jax.numpy" else f"{name}.core"
        self.kind = type("Array", (DeviceArray,), {"__module__": module})

    def asarray(self, X: Any, **options: Any) -> Any:
        return self.kind(self.standin, X, **options)

    def from_dlpack(self, producer: Any) -> Taken:
        return Taken(self, producer)

    def close(self) -> None:
        if self.stream.value != LEGACY:
            self.cudart.cudaStreamDestroy(self.stream)
