"""DLPack producers whose tensors are not what the standard asks for, or not what can be read."""

from __future__ import annotations

import collections
import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

_new = ctypes.pythonapi.PyCapsule_New
_new.restype, _new.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]


# An array may be let go after its producer, whose memory it is.
_kept: collections.deque[Any] = collections.deque(maxlen=1000)


class Tensor(ctypes.Structure):
    _fields_ = (
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    )


class Managed(ctypes.Structure):
    _fields_ = (("tensor", Tensor), ("context", ctypes.c_void_p), ("deleter", ctypes.c_void_p))


class Versioned(ctypes.Structure):
    _fields_ = (
        ("major", ctypes.c_uint32),
        ("minor", ctypes.c_uint32),
        ("context", ctypes.c_void_p),
        ("deleter", ctypes.c_void_p),
        ("flags", ctypes.c_uint64),
        ("tensor", Tensor),
    )


class Producer:
    """Hands out a capsule of a tensor of (10, 3) numbers in float64, with other fields at will."""

    def __init__(
        self,
        *,
        name: bytes | None = b"dltensor",
        capsule: Any = None,
        said: Any = (1, 0),
        major: int = 1,
        **fields: Any,
    ) -> None:
        self.values = np.random.default_rng(0).standard_normal((10, 3))
        self.capsule, self.said = capsule, said
        tensor = Tensor(self.values.ctypes.data, 1, 0, 2, 2, 64, 1)
        self.lists = {"shape": [10, 3], "strides": None} | {
            key: fields.pop(key) for key in ("shape", "strides") if key in fields
        }
        for key, numbers in self.lists.items():
            if numbers is not None:
                kept = (ctypes.c_int64 * len(numbers))(*numbers)
                self.lists[key] = kept
                setattr(tensor, key, ctypes.cast(kept, ctypes.POINTER(ctypes.c_int64)))
        for key, value in fields.items():
            setattr(tensor, key, value)
        self.managed: Any = Managed(tensor)
        if name == b"dltensor_versioned":
            self.managed = Versioned(major, 0, None, None, 0, tensor)
        self.name = name
        _kept.append(self)

    def __dlpack_device__(self) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said

    def __dlpack__(self, **_: Any) -> Any:
        if self.capsule is not None:
            return self.capsule() if callable(self.capsule) else self.capsule
        return _new(ctypes.addressof(self.managed), self.name, None)


VERSIONED = b"dltensor_versioned"

# All of them are refused.
REFUSED: dict[str, Callable[[], Any]] = {
    "null_shape": lambda: Producer(shape=None),
    "null_data": lambda: Producer(data=None),
    "null_data_versioned": lambda: Producer(name=VERSIONED, data=None),
    "null_data_and_offset": lambda: Producer(data=None, byte_offset=64),
    **{f"ndim_{n}": lambda n=n: Producer(ndim=n) for n in (-1, 0, -(2**31), 2**31 - 1, 65)},
    "ndim_1": lambda: Producer(ndim=1, shape=[30]),
    "ndim_3": lambda: Producer(ndim=3, shape=[5, 2, 3]),
    "shape_negative": lambda: Producer(shape=[-10, 3]),
    "shape_both_negative": lambda: Producer(shape=[-10, -3]),
    "shape_of_0": lambda: Producer(shape=[10, 0]),
    "shape_overflows": lambda: Producer(shape=[2**62, 2**62]),
    "shape_overflows_bytes": lambda: Producer(shape=[10, 2**60]),
    "strides_overflow": lambda: Producer(strides=[2**62, 2**62]),
    "strides_minimal": lambda: Producer(strides=[-(2**63), 1]),
    "offset_odd": lambda: Producer(byte_offset=1),
    "lanes_2": lambda: Producer(lanes=2),
    "lanes_0": lambda: Producer(lanes=0),
    **{f"bits_{n}": lambda n=n: Producer(bits=n) for n in (0, 1, 4, 80, 128, 255)},
    **{
        f"code_{n}": lambda n=n: Producer(code=n, bits=8 if n > 6 else 64)
        for n in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 255)
    },
    "complex": lambda: Producer(code=5, bits=128),
    "version_0": lambda: Producer(name=VERSIONED, major=0),
    "version_2": lambda: Producer(name=VERSIONED, major=2),
    "name_null": lambda: Producer(name=None),
    "name_empty": lambda: Producer(name=b""),
    "name_used": lambda: Producer(name=b"used_dltensor"),
    "name_other": lambda: Producer(name=b"arrow_array"),
    "name_not_text": lambda: Producer(name=b"\xff\xfe"),
    **{
        f"capsule_{name}": lambda value=value: Producer(capsule=value)
        for name, value in {
            "int": 3,
            "none": lambda: None,
            "text": "dltensor",
            "array": np.eye(3),
            "class": int,
        }.items()
    },
    **{f"lies_on_{k}": lambda k=k: Producer(device_type=k) for k in (0, 2, 8, 10, 99, -1)},
    **{f"said_{k}": lambda k=k: Producer(said=(k, 0)) for k in (0, 2, 8, 13, 99, -1, 2**40)},
    "said_none": lambda: Producer(said=None),
    "said_one": lambda: Producer(said=(1,)),
    "said_three": lambda: Producer(said=(1, 0, 0)),
    "said_words": lambda: Producer(said=("cpu", 0)),
    "said_int": lambda: Producer(said=1),
    "said_raises": lambda: Producer(said=TypeError("of the producer")),
    "raises": lambda: Producer(capsule=_raises),
    "raises_buffer": lambda: Producer(capsule=_buffer),
    "old_and_raises": lambda: Producer(capsule=_type_error),
}

# What is odd, and yet an array.
TAKEN: dict[str, Callable[[], Any]] = {
    "plain": Producer,
    "versioned": lambda: Producer(name=VERSIONED),
    "strides": lambda: Producer(strides=[3, 1]),
    "strides_0": lambda: Producer(strides=[0, 1]),
    "said_enum": lambda: Producer(said=(np.int32(1), np.int64(0))),
}


def _raises() -> Any:
    raise RuntimeError("of the producer")


def _buffer() -> Any:
    raise BufferError("of the producer")


def _type_error() -> Any:
    raise TypeError("of the producer")
