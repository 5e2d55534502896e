"""Where recorded rows go: memory, an accumulator, or a file that grows with them."""

from __future__ import annotations

import json
import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from .._core import modules
from .._extras import require
from .._input.arrays import Examples, Layer, as_layer
from .._input.notes import KEY
from .._input.options import refuse_type, shown
from .._input.write import check_path
from .._streaming.accumulator import Accumulator
from .reduce import Rows

__all__ = ["InMemory", "LastPass", "Target", "ToAccumulator", "layer_of", "target_of"]

Tensor = Any  # torch is not installed where types are checked
Batch = Mapping[str, Rows]


class Target(ABC):
    """What takes the rows of one pass after the other."""

    arrays: dict[str, Tensor]
    over: bool  # whether it takes no more

    def __init__(self) -> None:
        self.arrays, self.over = {}, False

    @abstractmethod
    def add(self, batch: Batch) -> None:
        """Take the rows of a pass: all or, where it raises, none."""

    def close(self, notes: Mapping[str, Any]) -> None:  # noqa: B027, most have nothing to finish
        """Finish, after the last pass."""

    def abandon(self) -> None:  # noqa: B027
        """Leave nothing behind."""


def target_of(to: Any) -> Target:
    """Return what `to` names."""
    if isinstance(to, Accumulator):
        return ToAccumulator(to)
    rule = "'memory', an Accumulator, or a path that ends in .safetensors or .zarr"
    if not isinstance(to, (str, os.PathLike)):
        raise refuse_type("to", rule, to)
    if to == "memory":
        return InMemory()
    path = Path(check_path(to))
    kinds: dict[str, type[ToSafetensors] | type[ToZarr]] = {
        ".safetensors": ToSafetensors,
        ".zarr": ToZarr,
    }
    if path.suffix.lower() not in kinds:
        raise ValueError(f"to must be {rule}, got {shown(str(to))}.")
    if not path.absolute().parent.is_dir():
        raise ValueError(f"to must be in a directory that is there, got {shown(str(to))}.")
    return kinds[path.suffix.lower()](path)


class InMemory(Target):
    """Tensors on the CPU; those of a layer become one when they are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: dict[str, list[Tensor]] = {}
        self._examples: dict[str, list[tuple[int, int | Tensor]]] = {}

    def add(self, batch: Batch) -> None:
        for name, rows in batch.items():
            self._parts.setdefault(name, []).append(rows.tensor.cpu())
            self._examples.setdefault(name, []).append((rows.examples, rows.of_each))
            self.arrays.setdefault(name, None)

    def array(self, name: str) -> Tensor:
        """Return all rows of a layer."""
        parts = self._parts[name]
        if len(parts) > 1:
            widths = {int(part.shape[1]) for part in parts}
            if len(widths) > 1:
                raise ValueError(
                    f"layer {name!r} has had {min(widths)} units in one pass and {max(widths)} in "
                    "another: with reduce='mean' or 'tokens' they do not depend on the length."
                )
            parts[:] = [require("torch", "torch").cat(parts)]
        return parts[0]

    def groups(self, name: str) -> np.ndarray[Any, Any]:
        """Return the number of the example that each row comes from."""
        counts = [
            np.full(number, each) if isinstance(each, int) else np.asarray(each)
            for number, each in self._examples[name]
        ]
        repeats = np.concatenate(counts)
        return np.repeat(np.arange(len(repeats)), repeats)


class LastPass(Target):
    """The rows of the last pass, for whoever takes them before the next."""

    def __init__(self) -> None:
        super().__init__()
        self._batch: dict[str, Rows] = {}

    def add(self, batch: Batch) -> None:
        self._batch = dict(batch)

    def taken(self) -> dict[str, Rows]:
        """Return them, once."""
        batch, self._batch = self._batch, {}
        if not batch:
            raise RuntimeError("no layer was called: the model runs code of its own.")
        return batch


def layer_of(called: str, rows: Rows, device: Any = None) -> Layer:
    """Return rows as a layer, on a device that can compute with it."""
    tensor = rows.tensor if device is None else rows.tensor.to(device)
    if tensor.device.type != "cpu" and not _computes_on(tensor.device):
        tensor = tensor.cpu()
    layer = as_layer(tensor, called)
    if isinstance(rows.of_each, int) and rows.of_each == 1:
        return layer
    return layer.out_of(Examples(rows.examples, (), "reduce"))


def _computes_on(device: Any) -> bool:
    """Return whether there is a backend for a device of torch."""
    try:
        return device.type == "cuda" and modules.cuda_devices(None) > 0
    except RuntimeError:  # it was not built, or finds no driver
        return False


class ToAccumulator(Target):
    """An accumulator, in which no row is kept."""

    def __init__(self, accumulator: Accumulator) -> None:
        super().__init__()
        self._accumulator = accumulator

    def describe(self, notes: Mapping[str, Any]) -> None:
        """Tell the accumulator what is done to the layers, for its results."""
        self._accumulator._notes = dict(notes)

    def add(self, batch: Batch) -> None:
        self._accumulator.update(
            {name: layer_of(f"layer {name!r}", rows) for name, rows in batch.items()}
        )


class ToSafetensors(Target):
    """A file for the rows of each layer, and in the end one of all, as safetensors has it.

    https://huggingface.co/docs/safetensors: a length, a header with the place of every tensor, and
    the tensors; their sizes are known in the end only.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._folder = path.absolute().parent / f".{os.urandom(16).hex()}.tmp"
        self._files: dict[str, BinaryIO] = {}
        self._entries: dict[str, tuple[str, int, int]] = {}  # type, rows, units

    def add(self, batch: Batch) -> None:
        entries = {}
        for name, rows in batch.items():
            kind, units = _kind(rows.tensor), int(rows.tensor.shape[1])
            before = self._entries.get(name, (kind, 0, units))
            if (kind, units) != (before[0], before[2]):
                raise ValueError(
                    f"layer {name!r} has had {before[2]} units of type {before[0]}, and now has "
                    f"{units} of type {kind}."
                )
            entries[name] = kind, before[1] + len(rows.tensor), units
        self._folder.mkdir(exist_ok=True)
        for name, rows in batch.items():
            if name not in self._files:
                number = len(self._files)
                self._files[name] = open(self._folder / f"{number}", "w+b")  # noqa: SIM115
            self._files[name].write(_bytes(rows.tensor))
        self._entries = entries

    def close(self, notes: Mapping[str, Any]) -> None:
        self.over = True
        if not self._files:
            return
        header: dict[str, Any] = {"__metadata__": {KEY: json.dumps(notes)}}
        at = 0
        for name, (kind, rows, units) in self._entries.items():
            size = self._files[name].tell()
            header[name] = {"dtype": kind, "shape": [rows, units], "data_offsets": [at, at + size]}
            at += size
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)  # so that the tensors are aligned
        whole = self._folder / "whole"
        with open(whole, "wb") as out:
            out.write(len(text).to_bytes(8, "little") + text)
            for file in self._files.values():
                file.seek(0)
                shutil.copyfileobj(file, out, 2**20)
        os.replace(whole, self._path)
        self.abandon()

    def abandon(self) -> None:
        self.over = True
        for file in self._files.values():
            file.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class ToZarr(Target):
    """An array for each layer in a group of Zarr, which takes the place of an old one when done."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._folder = path.absolute().parent / f".{os.urandom(16).hex()}.tmp"
        self._group: Any = None

    def add(self, batch: Batch) -> None:
        arrays = {name: _as_numpy(rows.tensor) for name, rows in batch.items()}
        if self._group is None:
            zarr = require("zarr", "io")
            self._group = zarr.open_group(str(self._folder), mode="w")
            for name, array in arrays.items():
                shape = (0, array.shape[1])
                # Some MB a chunk: a file for each.
                rows = max(1, 2**22 // max(1, array.shape[1] * array.itemsize))
                self._group.create_array(
                    name, shape=shape, dtype=array.dtype, chunks=(rows, array.shape[1])
                )
        for name, array in arrays.items():
            if array.shape[1:] != self._group[name].shape[1:]:
                raise ValueError(
                    f"layer {name!r} has had {self._group[name].shape[1]} units, and now has "
                    f"{array.shape[1]}."
                )
        for name, array in arrays.items():
            self._group[name].append(array)

    def close(self, notes: Mapping[str, Any]) -> None:
        self.over = True
        if self._group is None:
            return
        self._group.attrs[KEY] = json.dumps(notes)
        if self._path.is_dir():
            shutil.rmtree(self._path)
        os.replace(self._folder, self._path)

    def abandon(self) -> None:
        self.over = True
        shutil.rmtree(self._folder, ignore_errors=True)


_KINDS = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
    "int8": "I8",
    "uint8": "U8",
    "bool": "BOOL",
}


def _kind(tensor: Tensor) -> str:
    return _KINDS[str(tensor.dtype).removeprefix("torch.")]


def _bytes(tensor: Tensor) -> bytes:
    torch = require("torch", "torch")
    raw: bytes = tensor.cpu().contiguous().view(torch.uint8).numpy().tobytes()
    return raw


def _as_numpy(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return an array; of bfloat16, which Zarr has no type for, in float32."""
    torch = require("torch", "torch")
    host = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return np.asarray(host.cpu().numpy())
