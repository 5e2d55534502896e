"""Comparisons of layers that stay in files.

Measures of which an accumulator keeps an exact state read every file once, by blocks of rows, while
a thread reads the next block. Others compare all samples with one another: they get a map of the
file, of which the system keeps in memory what there is room for, or, of layers in several pieces, a
map of a copy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._compare import done
from .._compare.compare import compare as compare_arrays
from .._compare.results import Comparison
from .._input.arrays import Layer
from .._input.layers import Described, checked_patterns, matching, named_layers
from .._input.layout import chosen_layout
from .._input.notes import Noted
from .._input.opened import Column, Opened, UnmappedError
from .._input.options import shown
from .._measures import memory
from .._measures.gathered import block_bytes, is_kept, state_bytes
from .._measures.registry import find
from .accumulator import Accumulator

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["compare"]

_COPIED = 2**26  # bytes at once

Array = npt.NDArray[Any]
Progress = Callable[[int, int], object]


class _InMemory:
    """Layers in memory, read as files are."""

    def __init__(self, layers: Mapping[str, Layer], notes: dict[str, Any]) -> None:
        self.layers = dict(layers)
        first = next(iter(self.layers.values()))
        self.n_samples = len(first.array)
        self.ids: Array | None = None
        self.nbytes = 0  # nothing is read
        self.notes = notes
        self.columns = [
            Column(name, int(layer.array.shape[1]), layer.dtype)
            for name, layer in self.layers.items()
        ]

    def read(self, start: int, stop: int) -> list[Array]:
        """Return rows of all layers."""
        return [layer.host[start:stop] for layer in self.layers.values()]


Side = Opened | _InMemory


def compare(
    A: Any,
    B: Any,
    *,
    measure: str,
    layers: Any,
    layout: Any,
    positions: Any,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,
    **options: Any,
) -> Comparison:
    """Compare layers of which some stay in files; see `gramian.compare`."""
    row = find(measure, options)
    arranged, patterns = chosen_layout(layout, positions), checked_patterns(layers)
    if arranged is not None:
        raise ValueError(
            f"layout must be None for layers in files, got {shown(layout)}: "
            "gramian.open(path, layout='flatten') has a layout of its own, and gives two axes."
        )
    sides = [_side(A, "A", patterns)]
    if B is not None:
        sides.append(_side(B, "B", patterns))
    _check_same_samples(sides)
    widths = [[column.width for column in side.columns] for side in sides]
    arguments = {
        "measure": measure,
        "nan_policy": nan_policy,
        "device": device,
        "max_memory": max_memory,
        **options,
    }
    block = _block(row.name, options, widths, sides[0].n_samples, max_memory, device)
    if block is None:
        import tempfile  # which takes long to import, as do others below
        from pathlib import Path

        with tempfile.TemporaryDirectory() as folder:
            wholes = [
                _whole(side, argument, Path(folder))
                for side, argument in zip(sides, "AB", strict=False)
            ]
            return compare_arrays(
                *(Noted(one, of.notes) for one, of in zip(wholes, sides, strict=True)),
                layers=layers,
                progress=progress,
                **arguments,
            )
    accumulator = Accumulator(**arguments)
    accumulator._called = "A", "B"
    accumulator._notes = done.noted(done.given(patterns, None), *sides)
    bytes_done, total = 0, sum(side.nbytes for side in sides)
    for blocks in _blocks(sides, block):
        accumulator.update(*blocks)
        if progress is not None and total:
            bytes_done += sum(layer.host.nbytes for block in blocks for layer in block.values())
            progress(min(bytes_done, total), total)
    return accumulator.compute()


def _block(
    measure: str,
    options: Mapping[str, Any],
    widths: Sequence[Sequence[int]],
    n: int,
    max_memory: float | None,
    device: str | None,
) -> float | None:
    """Return the bytes of rows that are read at once, each once; None if that will not do."""
    if device == "reference":
        return None
    try:
        how = find(measure, options).gathering(options)
    except ValueError:
        return None
    limit = memory.available() if max_memory is None else max_memory
    of_both = widths[0], widths[1] if len(widths) > 1 else None
    if not is_kept(how, *of_both, n=n, limit=limit):
        return None
    return block_bytes(state_bytes(how, *of_both), max_memory)


def _side(value: Any, argument: str, patterns: Sequence[str]) -> Side:
    if isinstance(value, Opened):
        names = matching([*value], patterns, argument) if patterns else [*value]
        return value.only(names)
    notes = value.notes if isinstance(value, Described) else {}
    return _InMemory(dict(named_layers(value, argument, None, patterns)), notes)


def _check_same_samples(sides: Sequence[Side]) -> None:
    counts = [side.n_samples for side in sides]
    if len(set(counts)) > 1:
        raise ValueError(
            f"A and B must have the same number of samples: A has {counts[0]}, B has {counts[1]}."
        )
    ids = [side.ids for side in sides]
    if len(ids) < 2 or ids[0] is None or ids[1] is None:
        return
    different = np.flatnonzero(ids[0] != ids[1])
    if len(different):
        k = int(different[0])
        order = (
            "in the same order: they have the same ids in another one, as"
            if (np.sort(ids[0]) == np.sort(ids[1])).all()
            else "the same:"
        )
        raise ValueError(
            f"the ids of A and B must be {order} sample {k} has {ids[0][k]!r} in A and "
            f"{ids[1][k]!r} in B."
        )


def _blocks(sides: Sequence[Side], most: float) -> Iterator[list[dict[str, Layer]]]:
    """Yield blocks of rows of all layers, of both sides, of so many bytes, one read ahead."""
    n = sides[0].n_samples
    row = sum(
        c.width * np.dtype("u2" if c.dtype == "bfloat16" else c.dtype).itemsize
        for side in sides
        for c in side.columns
    )
    rows = max(16, int(most / row))

    def read(start: int) -> list[dict[str, Layer]]:
        stop = min(start + rows, n)
        return [
            {
                c.name: Layer(_called(side, argument, c.name, start, stop), array, c.dtype)
                for c, array in zip(side.columns, side.read(start, stop), strict=True)
            }
            for side, argument in zip(sides, "AB", strict=False)
        ]

    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(1) as reader:
        ahead = reader.submit(read, 0)
        for start in range(0, n, rows):
            block = ahead.result()
            if start + rows < n:
                ahead = reader.submit(read, start + rows)
            yield block


def _called(side: Side, argument: str, name: str, start: int, stop: int) -> str:
    """Return how messages call a block, which are about rows of it."""
    layer = f"{argument}[{name!r}]"
    if not isinstance(side, Opened):
        return f"{layer} (rows {start} to {stop - 1})"
    first = int(np.searchsorted(side.starts, start, side="right")) - 1
    last = int(np.searchsorted(side.starts, stop - 1, side="right")) - 1
    files = str(side.tables[first].path)
    if last > first:
        files += f" to {side.tables[last].path.name}"
    return f"{layer} (rows {start} to {stop - 1}, {files})"


def _whole(side: Side, argument: str, folder: Path) -> dict[str, Layer]:
    """Return layers whose samples are there all at once: in memory, or mapped."""
    if isinstance(side, _InMemory):
        return side.layers
    found: dict[str, Layer] = {}
    for column in side.columns:
        try:
            array = side.mapped(column.name)
        except UnmappedError:
            array = _copied(side, column, folder / f"{argument}{len(found)}.npy")
        found[column.name] = Layer(f"{argument}[{column.name!r}]", array, column.dtype)
    return found


def _copied(side: Opened, column: Column, path: Path) -> Array:
    """Return a map of a copy of a layer that is in several pieces."""
    stored = np.dtype("u2" if column.dtype == "bfloat16" else column.dtype)
    shape = (side.n_samples, column.width)
    copy = np.lib.format.open_memmap(path, "w+", stored, shape)
    rows = max(16, _COPIED // (column.width * stored.itemsize))
    for start in range(0, side.n_samples, rows):
        (copy[start : start + rows],) = side.read(
            start, min(start + rows, side.n_samples), [column.name]
        )
    copy.flush()
    return np.lib.format.open_memmap(path, mode="r")
