"""An array in (stand-in) device memory, which others get by DLPack and by CUDA's protocol."""

from __future__ import annotations

import ctypes
import weakref
from ctypes import (
    POINTER,
    Structure,
    c_char_p,
    c_int,
    c_int32,
    c_int64,
    c_uint8,
    c_uint16,
    c_uint32,
    c_uint64,
    c_void_p,
    py_object,
)
from typing import Any

import numpy as np
from hostcuda.standin import StandIn

HOST_TO_DEVICE = 1
LEGACY, PER_THREAD = 1, 2  # streams, in both protocols
NON_BLOCKING, NO_TIMING = 1, 2
CODES = {"i": 0, "u": 1, "f": 2, "b": 6}  # of DLPack, by kind
BFLOAT = 4


class _Tensor(Structure):
    _fields_ = (
        ("data", c_void_p),
        ("device_type", c_int32),
        ("device", c_int32),
        ("ndim", c_int32),
        ("code", c_uint8),
        ("bits", c_uint8),
        ("lanes", c_uint16),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    )


_Deleter = ctypes.CFUNCTYPE(None, c_void_p)


class Managed(Structure):
    _fields_ = (
        ("major", c_uint32),
        ("minor", c_uint32),
        ("context", c_void_p),
        ("deleter", _Deleter),
        ("flags", c_uint64),
        ("tensor", _Tensor),
    )


NAME = b"dltensor_versioned"
_new_capsule = ctypes.PYFUNCTYPE(py_object, c_void_p, c_char_p, c_void_p)(
    ("PyCapsule_New", ctypes.pythonapi)
)
# By address: when the destructor runs, a Python object is no more.
_holds = ctypes.PYFUNCTYPE(c_int, c_void_p, c_char_p)(("PyCapsule_IsValid", ctypes.pythonapi))
_held = ctypes.PYFUNCTYPE(c_void_p, c_void_p, c_char_p)(("PyCapsule_GetPointer", ctypes.pythonapi))

# What consumers have not let go yet, by the address of its structure.
_lent: dict[int, tuple[Any, ...]] = {}


@_Deleter
def _take_back(address: int) -> None:
    del _lent[address]


@ctypes.PYFUNCTYPE(None, c_void_p)
def _drop(capsule: int) -> None:
    """Take back what nobody consumed."""
    if _holds(capsule, NAME):
        _take_back(_held(capsule, NAME))


class DeviceArray:
    """The values, layout and all, of a numpy array; written on a stream of its own, some time."""

    def __init__(self, standin: StandIn, array: Any, *, device: int = 0, bfloat16: bool = False):
        self.cudart = standin.cudart
        self.device = device
        self.shape, self.strides, self.dtype = array.shape, array.strides, array.dtype
        self.bfloat16 = bfloat16
        self.asked: list[int | None] = []  # the streams that consumers gave
        low, high = np.lib.array_utils.byte_bounds(array)
        self.nbytes = high - low
        self._source = array  # read when the copy happens
        memory, self.stream = c_void_p(), c_void_p()
        with self._current():
            self._check(self.cudart.cudaMalloc(ctypes.byref(memory), ctypes.c_size_t(self.nbytes)))
            self._check(
                self.cudart.cudaStreamCreateWithFlags(ctypes.byref(self.stream), NON_BLOCKING)
            )
        assert memory.value is not None
        self.pointer = memory.value + array.ctypes.data - low
        self._check(
            self.cudart.cudaMemcpyAsync(
                memory, c_void_p(low), ctypes.c_size_t(self.nbytes), HOST_TO_DEVICE, self.stream
            )
        )
        weakref.finalize(self, _free, self.cudart, memory, self.stream)

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, self.device

    def __dlpack__(self, *, stream: int | None = None, **options: Any) -> Any:
        assert stream != 0, "DLPack has no stream 0"
        assert options["max_version"][0] >= 1
        self.asked.append(stream)
        if stream != -1:
            self.let_wait(LEGACY if stream is None else stream)
        managed = Managed(1, 0, None, _take_back, 1)  # read-only
        item = self.dtype.itemsize
        ndim = len(self.shape)
        shape = (c_int64 * ndim)(*self.shape)
        strides = (c_int64 * ndim)(*(step // item for step in self.strides))
        code = BFLOAT if self.bfloat16 else CODES[self.dtype.kind]
        managed.tensor = _Tensor(
            self.pointer, 2, self.device, ndim, code, 8 * item, 1, shape, strides, 0
        )
        _lent[ctypes.addressof(managed)] = (self, managed, shape, strides)
        return _new_capsule(ctypes.addressof(managed), NAME, ctypes.cast(_drop, c_void_p))

    def interface(self, stream: int | None) -> _Interface:
        """Return the same array with `__cuda_array_interface__` alone; stream None: no need."""
        return _Interface(self, stream)

    def let_wait(self, stream: int) -> None:
        event = c_void_p()
        with self._current():
            self._check(self.cudart.cudaEventCreateWithFlags(ctypes.byref(event), NO_TIMING))
            self._check(self.cudart.cudaEventRecord(event, self.stream))
            self._check(self.cudart.cudaStreamWaitEvent(c_void_p(stream), event, 0))
            self._check(self.cudart.cudaEventDestroy(event))

    def _current(self) -> _Current:
        return _Current(self.cudart, self.device)

    @staticmethod
    def _check(status: int) -> None:
        assert status == 0, f"cudaError_t {status}"


class _Interface:
    """An array as libraries without DLPack show it."""

    def __init__(self, array: DeviceArray, stream: int | None) -> None:
        self.array, self.stream = array, stream

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.array.shape,
            "typestr": self.array.dtype.str,
            "data": (self.array.pointer, True),
            "version": 3,
            "strides": self.array.strides,
            "stream": self.stream,
        }


class _Current:
    """Makes a device the current one within a block."""

    def __init__(self, cudart: Any, device: int) -> None:
        self.cudart, self.device, self.before = cudart, device, c_int()

    def __enter__(self) -> None:
        self.cudart.cudaGetDevice(ctypes.byref(self.before))
        self.cudart.cudaSetDevice(self.device)

    def __exit__(self, *_: object) -> None:
        self.cudart.cudaSetDevice(self.before)


def _free(cudart: Any, memory: c_void_p, stream: c_void_p) -> None:
    cudart.cudaFree(memory)
    cudart.cudaStreamDestroy(stream)
