"""Tensors of files: of every format by its own package where it has one that reads by rows.

.npy, .npz and .safetensors are read here: numpy maps a whole file, which counts against a limit of
the address space, reads a member of an .npz as a whole, and knows no bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .._extras import require
from .arrays import as_array
from .files import DTYPES, in_order
from .tables import Memory, Raw, Tensor
from .tensors import read_header

if TYPE_CHECKING:
    import zipfile
    from pathlib import Path

# zipfile is imported where an archive is read: it would be a tenth of the time of the import.

__all__ = ["SUFFIXES", "tensors_of"]

Tensors = dict[str, Tensor]


def tensors_of(path: Path) -> Tensors:
    """Return what a file holds, by name, in the file's order; nothing is read, and no code run."""
    reader = SUFFIXES.get(path.suffix.lower())
    if reader is None:
        known = ", ".join(SUFFIXES)
        raise ValueError(f"cannot read {path}: its name must end in one of {known}.")
    try:
        if path.is_dir() and reader is not _zarr:
            raise ValueError("it is a directory.")
        if not path.is_dir():
            with path.open("rb"):
                pass  # the formats have different words for a file that is missing
        return reader(path)
    except (MemoryError, ImportError, OSError):
        raise
    except ValueError as error:
        raise ValueError(f"cannot read {path}: {error}") from error
    except Exception as error:  # damage can trip a reader anywhere
        raise ValueError(f"cannot read {path}: it is damaged ({error}).") from error


def _npy(path: Path) -> Tensors:
    with path.open("rb") as file:
        return {path.stem: _raw(path, file, path.stat().st_size)}


def _raw(path: Path, file: Any, end: int) -> Tensor:
    """Return the array whose .npy header comes next in a file, and which ends there."""
    version = np.lib.format.read_magic(file)
    header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if header is None:
        raise ValueError(f"it has version {version} of the format, of which 1.0 and 2.0 are read.")
    shape, by_columns, stored = header(file)
    if stored.hasobject:
        raise ValueError("it holds Python objects, which are not read.")
    wanted = int(np.prod(shape, dtype=object)) * stored.itemsize
    if wanted > end - file.tell():
        raise ValueError(
            f"it ends after {end - file.tell()} of {wanted} bytes, as its shape {shape} needs."
        )
    dtype = "bfloat16" if stored.name == "bfloat16" else stored.newbyteorder("=").name
    if by_columns and len(shape) > 1:
        mapped = np.memmap(path, stored, "r", file.tell(), shape, "F")
        return Memory(mapped, dtype, path)
    return Raw(path, file.tell(), shape, dtype, stored)


def _npz(path: Path) -> Tensors:
    import zipfile

    found: Tensors = {}
    with zipfile.ZipFile(path) as archive, path.open("rb") as file:
        members = {member.filename: member for member in archive.infolist()}
        for member in (members[name] for name in in_order([*members], [0] * len(members))):
            name = member.filename.removesuffix(".npy")
            if member.compress_type != zipfile.ZIP_STORED:
                found[name] = _Compressed.of(path, member)
                continue
            file.seek(member.header_offset + 26)
            sizes = np.frombuffer(file.read(4), "<u2")
            start = member.header_offset + 30 + int(sizes.sum())
            file.seek(start)
            found[name] = _raw(path, file, start + member.file_size)
    return found


class _Compressed(Tensor):
    """A compressed member of an .npz, which is read from its start to its end."""

    def __init__(self, path: Path, member: zipfile.ZipInfo, shape: Any, stored: Any) -> None:
        self.path, self.member = path, member
        self.shape, self.stored = shape, stored
        self.dtype = stored.newbyteorder("=").name
        self._file: Any = None
        self._next = 0

    @classmethod
    def of(cls, path: Path, member: zipfile.ZipInfo) -> _Compressed:
        """Read the header."""
        import zipfile

        with zipfile.ZipFile(path) as archive, archive.open(member) as file:
            version = np.lib.format.read_magic(file)
            read = np.lib.format.read_array_header_1_0
            shape, by_columns, stored = (
                read if version == (1, 0) else np.lib.format.read_array_header_2_0
            )(file)
            if stored.hasobject:
                raise ValueError(f"{member.filename!r} holds Python objects, which are not read.")
            if by_columns and len(shape) > 1:
                raise ValueError(
                    f"{member.filename!r} is compressed by columns, and cannot be read by rows: "
                    "save it in C order."
                )
            if int(np.prod(shape, dtype=object)) * stored.itemsize > member.file_size:
                raise ValueError(f"{member.filename!r} ends before its shape {shape} does.")
        return cls(path, member, shape, stored)

    def read(self, start: int, stop: int) -> Any:
        """Return rows; those before are passed over, and once more if they were already."""
        import zipfile

        row = int(np.prod(self.shape[1:], dtype=object)) * self.stored.itemsize
        if self._file is None or start < self._next:
            # It stays open from block to block.
            self._file = zipfile.ZipFile(self.path).open(self.member)  # noqa: SIM115
            np.lib.format.read_magic(self._file)
            np.lib.format.read_array_header_1_0(self._file)
            self._next = 0
        self._file.seek((start - self._next) * row, 1)
        data = self._file.read((stop - start) * row)
        self._next = stop
        if len(data) < (stop - start) * row:
            raise ValueError(f"cannot read {self.path}: it ends at row {start + len(data) // row}.")
        out = np.frombuffer(data, self.stored).reshape(stop - start, *self.shape[1:])
        return out if self.stored.isnative else out.astype(self.stored.newbyteorder("="))


def _safetensors(path: Path) -> Tensors:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > size - 8:
            raise ValueError("it has no header of a safetensors file.")
        header = read_header(file.read(length), size - 8 - length)
    found: Tensors = {}
    sizes = [np.dtype(DTYPES.get(kind, "u1")).itemsize for kind, *_ in header.values()]
    for name in in_order([*header], sizes):
        kind, shape, first, _ = header[name]
        if kind not in DTYPES:
            raise ValueError(f"{name!r} is of type {kind}, which no measure takes.")
        stored = np.dtype(DTYPES[kind])
        dtype = "bfloat16" if kind == "BF16" else stored.newbyteorder("=").name
        found[name] = Raw(path, 8 + length + first, shape, dtype, stored)
    return found


def _hdf5(path: Path) -> Tensors:
    h5py = require("h5py", "io")
    file = h5py.File(path, "r")  # stays open as long as its datasets are used
    found: Tensors = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiub" and item.ndim >= 2:
            matlab = "MATLAB_class" in item.attrs
            found[name] = Memory(item, item.dtype.newbyteorder("=").name, path, transposed=matlab)

    file.visititems(visit)
    return found


def _mat(path: Path) -> Tensors:
    with path.open("rb") as file:
        if file.read(128)[124:128] in (b"\x00\x02IM", b"\x02\x00MI"):  # version 7.3
            return _hdf5(path)
    loaded = require("scipy.io", "units").loadmat(path)
    return {
        name: Memory(value, value.dtype.name, path)
        for name, value in loaded.items()
        if isinstance(value, np.ndarray) and value.dtype.kind in "fiub" and not name.startswith("_")
    }


def _zarr(path: Path) -> Tensors:
    root = require("zarr", "io").open(str(path), mode="r")
    if hasattr(root, "shape"):
        return {path.stem: Memory(root, root.dtype.name, path)}
    arrays = {name: array for name, array in root.arrays() if array.dtype.kind in "fiub"}
    names = in_order(sorted(arrays), [0] * len(arrays))  # a folder lists them in any order
    return {name: Memory(arrays[name], arrays[name].dtype.name, path) for name in names}


def _torch(path: Path) -> Tensors:
    torch = require("torch", "torch")
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except RuntimeError:  # of the old format, which cannot be mapped
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    if isinstance(loaded, torch.Tensor):
        loaded = {path.stem: loaded}
    if isinstance(loaded, (list, tuple)):
        loaded = {str(k): value for k, value in enumerate(loaded)}
    if not isinstance(loaded, dict):
        raise ValueError(f"it holds a {type(loaded).__name__}, and no tensors.")
    found: Tensors = {}
    for name, value in loaded.items():
        if isinstance(value, torch.Tensor):
            array, dtype = as_array(value.detach(), repr(name))
            found[str(name)] = Memory(array, dtype, path)
    return found


SUFFIXES: dict[str, Callable[[Path], Tensors]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".safetensors": _safetensors,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".mat": _mat,
    ".zarr": _zarr,
    ".pt": _torch,
    ".pth": _torch,
}
