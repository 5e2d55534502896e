"""Files as tables: rows that are samples, read a block at a time, and columns that are layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .dtypes import check_dtype
from .opened import Column, UnmappedError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Memory", "Raw", "Table", "Tensor"]

Array = npt.NDArray[Any]


class Tensor(ABC):
    """An array of a file whose first axis is the samples."""

    shape: tuple[int, ...]
    dtype: str

    @abstractmethod
    def read(self, start: int, stop: int) -> Array:
        """Return rows, in native byte order."""

    def whole(self) -> Array | None:
        """Return all of it without reading, if it can be mapped into memory."""
        return None


@dataclass
class Raw(Tensor):
    """Elements in a file as they are in memory, in C order."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: str
    stored: np.dtype[Any]
    bytes_read: int = 0
    seen: tuple[int, int] = field(init=False)

    def __post_init__(self) -> None:
        self.seen = self._status()

    @property
    def _row(self) -> int:
        return int(np.prod(self.shape[1:], dtype=object)) * self.stored.itemsize

    def _status(self) -> tuple[int, int]:
        status = self.path.stat()
        return status.st_size, status.st_mtime_ns

    def read(self, start: int, stop: int) -> Array:
        """Return rows; a file that is no longer as it was when it was opened is refused."""
        out = np.empty((stop - start, *self.shape[1:]), self.stored)
        view = out.reshape(-1).view(np.uint8).data if out.size else memoryview(b"")
        done = 0
        with open(self.path, "rb", buffering=0) as file:
            file.seek(self.offset + start * self._row)
            while done < len(view):
                count = file.readinto(view[done:])
                if not count:
                    break
                done += count
        self.bytes_read += done
        if done < len(view) or self._status() != self.seen:
            row = start + done // self._row
            raise ValueError(
                f"cannot read {self.path}: it has changed since it was opened; row {row} of "
                f"{self.shape[0]} is not there as it was."
            )
        return out if self.stored.isnative else out.astype(self.stored.newbyteorder("="))

    def whole(self) -> Array | None:
        """Return a map of the file."""
        if not self.stored.isnative or self.offset % self.stored.alignment:
            return None
        return np.memmap(self.path, self.stored, "r", self.offset, self.shape, "C")


@dataclass
class Memory(Tensor):
    """An array that a package reads: of HDF5, of Zarr, or in memory already."""

    array: Any
    dtype: str
    path: Path | None = None
    transposed: bool = False  # MATLAB's matrices are stored by columns

    def __post_init__(self) -> None:
        shape = tuple(int(size) for size in self.array.shape)
        self.shape = shape[::-1] if self.transposed else shape

    def read(self, start: int, stop: int) -> Array:
        """Return rows."""
        try:
            if self.transposed:
                return np.asarray(self.array[..., start:stop]).T
            return np.asarray(self.array[start:stop])
        except (OSError, RuntimeError, KeyError) as error:
            raise ValueError(
                f"cannot read {self.path}: rows {start} to {stop - 1} of {self.shape[0]}: {error}"
            ) from error

    def whole(self) -> Array | None:
        """Return the array, if it is one in memory."""
        return self.array if isinstance(self.array, np.ndarray) and not self.transposed else None


@dataclass
class Table:
    """The layers of one file: tensors (n, ...), one a layer, or one whose axis 1 is the layers."""

    path: Path
    tensors: dict[str, Tensor]
    split: bool = False
    ids: Array | None = None
    columns: list[Column] = field(init=False)
    rows: int = field(init=False)

    def __post_init__(self) -> None:
        self.columns = []
        for name, tensor in self.tensors.items():
            shape = tensor.shape
            if len(shape) < 2 or 0 in shape:
                raise ValueError(
                    f"cannot read {self.path}: {name!r} must have samples and units, "
                    f"got shape {shape}."
                )
            stored = np.dtype("uint16" if tensor.dtype == "bfloat16" else tensor.dtype)
            check_dtype(stored, tensor.dtype, repr(name))
            if not self.split:
                self.columns.append(Column(name, _units(shape[1:]), tensor.dtype))
                continue
            if len(shape) < 3:
                raise ValueError(
                    f"cannot read {self.path}: {name!r} must have an axis of layers for "
                    f"split_axis=1, (n_samples, n_layers, ...), got shape {shape}."
                )
            several = len(self.tensors) > 1
            self.columns += [
                Column(f"{name}.{k}" if several else str(k), _units(shape[2:]), tensor.dtype)
                for k in range(shape[1])
            ]
        counts = {tensor.shape[0] for tensor in self.tensors.values()}
        if len(counts) > 1:
            listed = ", ".join(f"{n!r} has {t.shape[0]}" for n, t in self.tensors.items())
            raise ValueError(
                f"cannot read {self.path}: its layers must have the same number of samples: "
                f"{listed}."
            )
        self.rows = counts.pop()
        if self.ids is not None and len(self.ids) != self.rows:
            raise ValueError(
                f"cannot read {self.path}: it has {len(self.ids)} ids for {self.rows} samples."
            )

    def _by_tensor(self) -> Iterator[tuple[Tensor, list[Column]]]:
        """Yield every tensor with its layers."""
        columns = iter(self.columns)
        for tensor in self.tensors.values():
            yield tensor, [next(columns) for _ in range(tensor.shape[1] if self.split else 1)]

    def read(self, start: int, stop: int, names: Sequence[str]) -> list[Array]:
        """Return rows of layers, every tensor read once."""
        found: dict[str, Array] = {}
        for tensor, own in self._by_tensor():
            if not any(column.name in names for column in own):
                continue
            block = tensor.read(start, stop)
            for k, column in enumerate(own):
                part = block[:, k] if self.split else block
                found[column.name] = part.reshape(len(part), column.width)
        return [found[name] for name in names]

    def mapped(self, name: str) -> Array:
        """Return a layer as an array that need not be read first."""
        for tensor, own in self._by_tensor():
            for k, column in enumerate(own):
                if column.name == name:
                    whole = tensor.whole()
                    if whole is None:
                        raise UnmappedError
                    part = whole[:, k] if self.split else whole
                    if part.ndim > 2 and not part.flags.c_contiguous:
                        raise UnmappedError
                    return part.reshape(len(part), column.width)
        raise KeyError(name)


def _units(shape: Sequence[int]) -> int:
    return int(np.prod(shape, dtype=object))
