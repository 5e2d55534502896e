"""Layers from .npy, .npz and .safetensors files, in a meaningful order; nothing is unpickled.

That is the order of the file, unless its writer has sorted the names, as the package safetensors
does: then numbers in names count as numbers, and "layers.2" comes before "layers.10".

.npy and .safetensors are mapped into memory, so a layer is read when it is used, and not copied.
"""

from __future__ import annotations

import dataclasses
import re
import stat
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np

from .arrays import as_layer
from .tensors import read_header

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# Safetensors' names of the element types that the measures take.
DTYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    "BF16": "<u2",  # its bits
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}


def read_layers(path: Path, patterns: Sequence[str] = (), argument: str = "A") -> dict[str, Any]:
    """Return the layers of a file by name, or those whose names match one of the patterns.

    `argument` is what messages call the whole, as in `layers.named_layers`. A file that cannot be
    opened raises OSError, one that is not what its suffix says ValueError.
    """
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe would be waited for
        raise ValueError(f"cannot read {path}: it is no regular file.")
    with path.open("rb"):
        pass  # the formats have different words for a file that is missing, or for a directory
    try:
        match path.suffix.lower():
            case ".npy":
                return _read_npy(path, patterns)
            case ".npz":
                return _read_npz(path, patterns)
            case ".safetensors":
                return _read_safetensors(path, patterns, argument)
        raise ValueError("its name must end in .npy, .npz or .safetensors.")
    except MemoryError:
        raise
    except ValueError as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    except Exception as error:  # damage can trip a reader anywhere, in zlib or even in tokenize
        raise ValueError(f"cannot read {path}: it is damaged ({error}).") from error


def in_order(names: Sequence[str], sizes: Sequence[int]) -> list[str]:
    """Return names as they are, or in natural order if they are sorted as the package does.

    It sorts by the size of elements, largest first, and then by name.
    """
    written = list(zip((-size for size in sizes), names, strict=True))
    if written != sorted(written):
        return list(names)
    parts = {name: re.split(r"(\d+)", name) for name in names}  # text and digits in turns
    return sorted(
        names, key=lambda name: [int(p) if i % 2 else p for i, p in enumerate(parts[name])]
    )


def _select(names: Sequence[str], patterns: Sequence[str]) -> list[str]:
    if not names:
        raise ValueError("it holds no arrays.")
    selected = [n for n in names if not patterns or any(fnmatchcase(n, p) for p in patterns)]
    if not selected:
        listed = [*map(repr, names[:8]), *(["..."] if len(names) > 8 else [])]
        raise ValueError(
            f"no layer matches {' or '.join(map(repr, patterns))}; it holds {', '.join(listed)}."
        )
    return selected


def _read_npy(path: Path, patterns: Sequence[str]) -> dict[str, Any]:
    (name,) = _select([path.stem], patterns)
    return {name: np.lib.format.open_memmap(path, mode="r")}


def _read_npz(path: Path, patterns: Sequence[str]) -> dict[str, Any]:
    # numpy.load would take a file that is no archive for a pickle, and say so.
    with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
        layers = {}
        for name in _select(in_order(archive.files, [0] * len(archive.files)), patterns):
            try:
                layers[name] = archive[name]
            except ValueError as error:
                raise ValueError(f"{name!r}: {error}") from None
            if not isinstance(layers[name], np.ndarray):
                raise ValueError(f"{name!r} is not an array.")
        return layers


def _read_safetensors(path: Path, patterns: Sequence[str], argument: str) -> dict[str, Any]:
    """Map a file in the format that `tensors` checks.

    The package safetensors copies every tensor, and has no bfloat16 for numpy.
    """
    with path.open("rb") as file:
        data = np.memmap(file, np.uint8, mode="r")
    start = 8 + int.from_bytes(data[:8].tobytes(), "little")
    tensors = read_header(data[8:start].tobytes(), len(data) - start)
    layers: dict[str, Any] = {}
    sizes = [np.dtype(DTYPES.get(dtype, "u1")).itemsize for dtype, *_ in tensors.values()]
    for name in _select(in_order(list(tensors), sizes), patterns):
        dtype, shape, first, last = tensors[name]
        if dtype not in DTYPES:
            raise ValueError(f"{name!r} is of type {dtype}, which no measure takes.")
        array = data[start + first : start + last].view(DTYPES[dtype]).reshape(shape)
        # The format asks for alignment, which some writers forget.
        layers[name] = np.require(array, requirements="A")
        if dtype == "BF16":
            bits = as_layer(layers[name], f"{argument}[{name!r}]")
            layers[name] = dataclasses.replace(bits, dtype="bfloat16")
    return layers
