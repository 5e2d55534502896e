"""Files of a source, as tables of the same layers: one after the other, or side by side."""

from __future__ import annotations

import errno
import glob
import os
import re
import stat
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from .formats import SUFFIXES, tensors_of
from .tables import Memory, Table, Tensor

__all__ = ["tables_of"]


def tables_of(
    source: Any, layers: Sequence[str], split_axis: int | None, ids: str | None, flatten: bool
) -> tuple[list[Table], str]:
    """Return the files of a source as tables of the same layers, and what messages call it."""
    paths, called = _paths(source)
    several = len(paths) > 1
    tables = [_table(path, layers, split_axis, ids, flatten, several) for path in paths]
    names = [[column.name for column in table.columns] for table in tables]
    single = several and split_axis is None and all(len(table.tensors) == 1 for table in tables)
    if single and len({one[0] for one in names}) == len(tables):
        tables = [_one_file_a_layer(tables, called)]  # named by their files
    _check_alike(tables)
    return tables, called


def _paths(source: Any) -> tuple[list[Path], str]:
    if isinstance(source, (list, tuple)):
        paths = [Path(os.fspath(one)) for one in source]
        if not paths:
            raise ValueError("source must name a file at least, got an empty list.")
        return paths, f"{paths[0]}, ..."
    try:
        text = os.fspath(source)
    except TypeError:
        raise TypeError(
            f"source must be a path, a pattern or a list of paths, got {type(source).__name__}."
        ) from None
    path = Path(text)
    if path.exists():
        if not path.is_dir() or path.suffix.lower() == ".zarr":
            if not (path.is_dir() or stat.S_ISREG(path.stat().st_mode)):
                raise ValueError(f"cannot read {path}: it is no regular file.")
            return [path], text
        found = [one for one in path.iterdir() if one.suffix.lower() in SUFFIXES]
        if not found:
            raise ValueError(f"cannot read {path}: it holds no file in {', '.join(SUFFIXES)}.")
    else:
        found = [Path(one) for one in glob.glob(text, recursive=True)]
        if not found:
            pattern = any(c in text for c in "*?[")
            found_none = "no file matches" if pattern else os.strerror(errno.ENOENT)
            raise FileNotFoundError(errno.ENOENT, found_none, text)
    return sorted(found, key=natural), text


def natural(path: Path) -> list[tuple[str, int]]:
    """Order names with their numbers as numbers: "prompt9" before "prompt10"."""
    parts = re.split(r"(\d+)", str(path))
    return [
        (text, int(digits or 0))
        for text, digits in zip(parts[::2], [*parts[1::2], ""], strict=True)
    ]


def _table(
    path: Path,
    layers: Sequence[str],
    split_axis: int | None,
    ids: str | None,
    flatten: bool,
    several: bool,
) -> Table:
    tensors = tensors_of(path)
    of_samples = None
    if ids is not None:
        if ids not in tensors:
            raise ValueError(f"cannot read {path}: it has no ids named {ids!r}.")
        found = tensors.pop(ids)
        of_samples = found.read(0, found.shape[0]).reshape(found.shape[0])
    tensors = {name: _with_samples(tensor, several) for name, tensor in tensors.items()}
    if layers and split_axis is None:
        kept = {n: t for n, t in tensors.items() if any(fnmatchcase(n, p) for p in layers)}
        if not kept:
            listed = ", ".join(map(repr, [*tensors][:8]))
            wanted = " or ".join(map(repr, layers))
            raise ValueError(f"cannot read {path}: no layer matches {wanted}; it holds {listed}.")
        tensors = kept
    if not tensors:
        raise ValueError(f"cannot read {path}: it holds no arrays.")
    for name, tensor in tensors.items():
        most = 2 if split_axis is None else 3
        if len(tensor.shape) > most and not flatten:
            raise ValueError(
                f"cannot read {path}: {name!r} has {len(tensor.shape)} axes, shape {tensor.shape}: "
                "gramian.open(..., split_axis=1) makes a layer of every entry of its second axis, "
                "gramian.open(..., layout='flatten') a unit of every entry of all axes but the "
                "first."
            )
    table = Table(path, tensors, split=split_axis is not None, ids=of_samples)
    if layers and split_axis is not None:
        raise ValueError("layers must be None with split_axis: they are the entries of an axis.")
    return table


def _with_samples(tensor: Tensor, several: bool) -> Tensor:
    """Return a vector of a file among several as the units of one sample."""
    if several and len(tensor.shape) == 1:
        return Memory(tensor.read(0, tensor.shape[0])[None], tensor.dtype)
    return tensor


def _one_file_a_layer(tables: Sequence[Table], called: str) -> Table:
    if len({table.rows for table in tables}) > 1:
        listed = ", ".join(f"{table.path.name} has {table.rows}" for table in tables[:3])
        raise ValueError(
            f"cannot join {called}: its files hold an array each, with different numbers of "
            f"samples ({listed}), and so are no layers of the same samples; split_axis=1 joins "
            "files of (n_samples, n_layers, n_features)."
        )
    tensors = {name: tensor for table in tables for name, tensor in table.tensors.items()}
    return Table(tables[0].path, tensors, ids=tables[0].ids)


def _check_alike(tables: Sequence[Table]) -> None:
    """Refuse files whose layers differ in name, width or type."""
    first = {column.name: column for column in tables[0].columns}
    for table in tables[1:]:
        own = {column.name: column for column in table.columns}
        for name in [*first, *own]:
            if first.get(name) != own.get(name):
                was, now = (
                    "none" if c is None else f"{c.width} units of {c.dtype}"
                    for c in (first.get(name), own.get(name))
                )
                raise ValueError(
                    f"cannot join {tables[0].path} and {table.path}: their layers must be the "
                    f"same, but {name!r} has {was} in the first and {now} in the second."
                )
