"""Layers that stay in files: of one file, or of several whose samples follow one another."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .arrays import Layer
from .layers import Described

if TYPE_CHECKING:
    from pathlib import Path

# The formats are imported where files are opened: a tenth of the time of importing gramian.

__all__ = ["Column", "FileOfRows", "LayerOnDisk", "Opened", "UnmappedError"]

Array = npt.NDArray[Any]


class UnmappedError(Exception):
    """A layer is not one array in memory or in a file."""


class Column(NamedTuple):
    """A layer of a file: bfloat16 is read as the 16 bits of its numbers."""

    name: str
    width: int
    dtype: str


class FileOfRows(Protocol):
    """The layers of one file, of the same samples."""

    path: Path
    rows: int
    columns: list[Column]
    ids: Array | None

    def read(self, start: int, stop: int, names: Sequence[str]) -> list[Array]:
        """Return rows of layers."""

    def mapped(self, name: str) -> Array:
        """Return a layer as an array that need not be read first, or raise UnmappedError."""


class LayerOnDisk:
    """A layer in files, of known shape and type, which `numpy.asarray` reads as a whole."""

    __module__ = "gramian"

    def __init__(self, opened: Opened, column: Column) -> None:
        self._opened, self.name, self.dtype = opened, column.name, column.dtype
        self.shape = (opened.n_samples, column.width)

    def __repr__(self) -> str:
        return f"<LayerOnDisk {self.name!r}: {self.shape[0]} x {self.shape[1]}, {self.dtype}>"

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        (array,) = self._opened.read(0, self.shape[0], [self.name])
        if self.dtype == "bfloat16":
            array = (array.astype(np.uint32) << 16).view(np.float32)
        return array if dtype is None else array.astype(dtype)


class Opened(Described):
    """Layers by name, in the order of the files; rows are read when they are used."""

    def __init__(self, tables: Sequence[FileOfRows], source: str) -> None:
        self.tables, self.source = list(tables), source
        self._columns = {column.name: column for column in tables[0].columns}
        # The row at which every table begins, and the end.
        self.starts = np.cumsum([0, *(table.rows for table in tables)])
        self.n_samples = int(self.starts[-1])
        self._notes: dict[str, Any] = {}

    def __getitem__(self, name: str) -> LayerOnDisk:
        return LayerOnDisk(self, self._columns[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __repr__(self) -> str:
        files = f"{len(self.tables)} files" if len(self.tables) > 1 else self.source
        return f"<{files}: {len(self)} layers, {self.n_samples} samples>"

    @property
    def notes(self) -> dict[str, Any]:
        """What the files say was done to the layers."""
        return self._notes

    @property
    def ids(self) -> Array | None:
        """The ids of the samples, if there are any."""
        if self.tables[0].ids is None:
            return None
        return np.concatenate([table.ids for table in self.tables if table.ids is not None])

    @property
    def nbytes(self) -> int:
        """Bytes of all layers."""
        stored = (np.dtype("u2" if c.dtype == "bfloat16" else c.dtype) for c in self.columns)
        row = sum(c.width * d.itemsize for c, d in zip(self.columns, stored, strict=True))
        return row * self.n_samples

    def only(self, names: Sequence[str]) -> Opened:
        """Return the same files, of whose layers these are used."""
        chosen = copy.copy(self)
        chosen._columns = {name: self._columns[name] for name in names}
        return chosen

    @property
    def columns(self) -> list[Column]:
        """Names, widths and types."""
        return list(self._columns.values())

    def read(self, start: int, stop: int, names: Sequence[str] | None = None) -> list[Array]:
        """Return rows of layers; those of bfloat16 as its bits."""
        wanted = list(self) if names is None else list(names)
        parts = [
            table.read(max(start, first) - first, min(stop, last) - first, wanted)
            for table, first, last in zip(
                self.tables, self.starts.tolist(), self.starts[1:].tolist(), strict=False
            )
            if first < stop and last > start
        ]
        if len(parts) == 1:
            return parts[0]
        return [np.concatenate(blocks) for blocks in zip(*parts, strict=True)]

    def stand_ins(self, argument: str) -> dict[str, Layer]:
        """Return layers of the same shapes and types that take no memory."""
        return {
            c.name: Layer(
                f"{argument}[{c.name!r}]",
                np.broadcast_to(
                    np.zeros((), "u2" if c.dtype == "bfloat16" else c.dtype),
                    (self.n_samples, c.width),
                ),
                c.dtype,
            )
            for c in self.columns
        }

    def mapped(self, name: str) -> Array:
        """Return a layer that is in one piece as an array, without reading it first."""
        if len(self.tables) > 1:
            raise UnmappedError
        return self.tables[0].mapped(name)

    @abstractmethod
    def compared(self, A: Any, B: Any, **arguments: Any) -> Any:
        """Compare layers of which some stay in files, as `compare` does."""
