"""The header of a .safetensors file, held against what its format says.

https://huggingface.co/docs/safetensors: a length, JSON with the name, type, shape and place of
every tensor, and their bytes, without a gap and none twice.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["Tensor", "read_header"]

# Bits of an element, of the types that have a fixed number.
_BITS = {
    "BOOL": 8,
    **{f"{kind}{bits}": bits for kind in "IU" for bits in (8, 16, 32, 64)},
    **{f"F{bits}": bits for bits in (16, 32, 64)},
    "BF16": 16,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F4": 4,
    "C64": 64,
}


class Tensor(NamedTuple):
    """What a header says of a tensor: its bytes are those from `first` to `last`."""

    dtype: str
    shape: tuple[int, ...]
    first: int
    last: int


def read_header(text: bytes, size: int) -> dict[str, Tensor]:
    """Return the tensors of a file with so many bytes after its header."""
    try:
        header = json.loads(text, object_pairs_hook=_distinct)
        header.pop("__metadata__", None)
        entries = {name: (t["dtype"], t["shape"], t["data_offsets"]) for name, t in header.items()}
    except _TwiceError as error:
        raise ValueError(f"it has two tensors named {error.args[0]!r}.") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise ValueError("it has no header of a safetensors file.") from None
    tensors = {name: _tensor(name, *entry) for name, entry in entries.items()}
    _check_places(tensors, size)
    return tensors


class _TwiceError(Exception):
    pass


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object, where JSON would let the last of equal keys win."""
    made = dict(pairs)
    if len(made) < len(pairs):
        names = [name for name, _ in pairs]
        raise _TwiceError(next(name for name in names if names.count(name) > 1))
    return made


def _tensor(name: str, dtype: Any, shape: Any, offsets: Any) -> Tensor:
    """Check what the header says of one tensor."""
    if not isinstance(dtype, str):
        raise ValueError(f"{name!r} has a type that is no word, {dtype!r}.")
    if not _are_sizes(shape):
        raise ValueError(f"{name!r} has the shape {shape!r}, of which not all are sizes.")
    if not _are_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise ValueError(f"{name!r} has the data_offsets {offsets!r}, which are no part of a file.")
    tensor = Tensor(dtype, tuple(shape), *offsets)
    bits = math.prod(shape) * _BITS.get(dtype, 0)
    if dtype in _BITS and bits != 8 * (tensor.last - tensor.first):
        raise ValueError(
            f"{name!r} has {tensor.last - tensor.first} bytes, and as {dtype} of shape {shape} "
            f"needs {bits / 8:g}."
        )
    return tensor


def _are_sizes(numbers: Any) -> bool:
    return isinstance(numbers, list) and all(
        isinstance(k, int) and not isinstance(k, bool) and 0 <= k < 2**63 for k in numbers
    )


def _check_places(tensors: Mapping[str, Tensor], size: int) -> None:
    """Refuse tensors that overlap, leave a gap, or do not end where the file does."""
    end, before = 0, ""
    for name, tensor in sorted(tensors.items(), key=lambda item: item[1][2:]):
        if tensor.last > size:
            raise ValueError(f"{name!r} lies outside of the file.")
        if tensor.first < end:
            raise ValueError(f"{before!r} and {name!r} overlap.")
        if tensor.first > end:
            raise ValueError(f"{tensor.first - end} bytes before {name!r} are no tensor's.")
        end, before = tensor.last, name
    if end < size and tensors:
        raise ValueError(f"{size - end} bytes at its end are no tensor's.")
