"""Element types of inputs: which are taken, and what arithmetic is done in."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["TAKEN", "check_dtype", "compute_dtype", "converted", "name_of", "values"]

# What arithmetic is done in; the values of the first set are exact in float32.
_SINGLE = frozenset(("bool", "int8", "uint8", "int16", "uint16", "float16", "bfloat16", "float32"))
TAKEN = "float16, bfloat16, float32, float64, integer or bool"
_DOUBLE = frozenset(("int32", "uint32", "int64", "uint64", "float64"))


@functools.lru_cache(64)
def name_of(dtype: np.dtype[Any]) -> str:
    """Return the name of a type, which numpy takes several microseconds to put together."""
    return str(dtype.name)


def compute_dtype(dtype: str) -> str:
    """Return the precision of arithmetic on a type, "float32" or "float64"."""
    return "float32" if dtype in _SINGLE else "float64"


def check_dtype(dtype: np.dtype[Any], dtype_name: str, name: str) -> None:
    """Refuse elements that are not real numbers, or of a type that nothing here computes with."""
    if dtype_name in _SINGLE or dtype_name in _DOUBLE:
        return
    if dtype.kind == "c":
        raise TypeError(f"{name} must be real, got {dtype_name}.")
    if dtype.kind in "SUT":
        raise TypeError(
            f"{name} must be numeric, got strings: gramian.open(path) reads files, and "
            "numpy.asarray(..., dtype=float) makes numbers of digits."
        )
    if dtype.kind == "O":
        raise TypeError(
            f"{name} must be numeric, got Python objects: numpy.asarray(..., dtype=float) makes "
            "numbers of them, if all of them are."
        )
    if dtype.fields is not None:
        raise TypeError(
            f"{name} must be numeric, got records of {', '.join(map(repr, dtype.names or ()))}: "
            "numpy.lib.recfunctions.structured_to_unstructured makes columns of them."
        )
    if dtype.kind in "mM":
        raise TypeError(f"{name} must be numeric, got {dtype_name}: {converted(name)}.")
    hint = converted(name)
    if dtype_name == "void16":
        hint = (
            f"numpy forgets bfloat16 when it writes a file, and {name}.view(ml_dtypes.bfloat16) "
            "brings it back"
        )
    raise TypeError(f"{name} must be {TAKEN}, got {dtype_name}: {hint}.")


def converted(name: str) -> str:
    """Return what a message says can be done about an element type."""
    return f"convert {name} first, to float32 for example"


def size_of(dtype: str) -> int:
    """Return the bytes of an element of a type."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def values(array: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    """Return numbers: an array as it is, or float32 for the bits of bfloat16."""
    if dtype != "bfloat16":
        return array
    return (array.astype(np.uint32) << 16).view(np.float32)  # bfloat16 is float32's upper half
