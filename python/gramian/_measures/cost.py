"""What a comparison is going to take: the parts that the estimates of several families share.

Estimates depend on shapes and types only. Where the values decide how a layer is decomposed, the
memory is that of the way that takes most, and the time that of the usual way. They are for the
CPU; on a GPU the same matrices take the same memory, but not the same time.

The C library keeps what was freed in pieces of up to 32 MiB: so the scratch of one step is counted
with what the next one takes, although the two do not live at the same time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from .._core.threads import get_num_threads
from .._input.arrays import Layer

__all__ = ["Cost", "Planner", "Shapes", "Workload", "svd_seconds", "values_bytes", "vectors_bytes"]

Shapes = Sequence[tuple[int, int]]

# Seconds of one core for each, fitted to `compare` at p = q = 512 and n = 1,200 and 10,000 on a
# core with AVX-512 that had neighbors; the ratios mean more than the values.
_FLOP = {4: 1.6e-11, 8: 3.3e-11}  # of a product of two layers
_VALUES = {4: 3e-10, 8: 4.6e-10}  # of the singular values of a matrix, for p³
_VECTORS = 1.2e-9  # of them and both sides' vectors, in double, for p³

_TILE, _PANEL = 512, 512  # columns of a tile of a product, and rows of a panel, at most: cpu/
_BLOCK = 1024  # rows that are projected at a time


@dataclass(frozen=True)
class Cost:
    """An estimate; see `gramian.Plan` for what the fields say."""

    path: str
    space: str
    dtype: str
    flops: float
    memory: float
    seconds: float
    threads: int
    tile: int = 0
    passes: int = 1


class Planner(Protocol):
    """Estimates what a measure of many layers takes."""

    def __call__(
        self,
        a: Sequence[Layer],
        b: Sequence[Layer],
        *,
        device: int | None,
        max_memory: float | None,
        options: Mapping[str, Any],
    ) -> Cost:
        """Return the estimate for every a with every b; among the a where there is no b."""


class Workload:
    """A comparison by its shapes: what its products take."""

    def __init__(self, a: Sequence[Layer], b: Sequence[Layer]) -> None:
        self.layers = [*a, *b]
        self.n = int(a[0].array.shape[0])
        self.xs, self.ys = ([int(layer.array.shape[1]) for layer in layers] for layers in (a, b))
        self.double = any(layer.compute_dtype == "float64" for layer in self.layers)
        self.threads = get_num_threads()

    @property
    def widths(self) -> list[int]:
        """Numbers of features, the rows' layers first."""
        return [*self.xs, *self.ys]

    @property
    def scalar(self) -> int:
        """Bytes of a number."""
        return 8 if self.double else 4

    @property
    def dtype(self) -> str:
        """The precision of the arithmetic."""
        return "float64" if self.double else "float32"

    @property
    def rows(self) -> list[Shapes]:
        """The pairs (p, q) of every row of the result that are computed: half without others."""
        return [[(p, q) for q in (self.ys or self.xs[: i + 1])] for i, p in enumerate(self.xs)]

    @property
    def rows_of_others(self) -> list[Shapes]:
        """The same without the layers with themselves, where their values are known."""
        return [[(p, q) for q in (self.ys or self.xs[:i])] for i, p in enumerate(self.xs)]

    @property
    def statistics(self) -> float:
        """Bytes of the statistics of columns: means, in two parts, and squares.

        Python and the core hold them of every layer, and some more of the one that is read.
        """
        return 48.0 * sum(self.widths) + 64.0 * max(self.widths)

    @property
    def pairs(self) -> Shapes:
        """All of them."""
        return [pair for row in self.rows for pair in row]

    @property
    def every_pair(self) -> Shapes:
        """All pairs of the result: both orders where layers are among themselves."""
        return [(p, q) for p in self.xs for q in (self.ys or self.xs)]

    def seconds_of_flops(self, flops: float, scalar: int) -> float:
        """Time of products of so many operations, in seconds of one core."""
        return flops * _FLOP[scalar]

    def product_scratch(self, pairs: Shapes, scalar: int) -> float:
        """Bytes that products X'Y take while they are formed, besides the results.

        Threads have two panels each, and sums of a tile in double; of finished tiles four a thread
        wait to be added up.
        """
        if not pairs:
            return 0
        tiles = [(_tile(p), _tile(q)) for p, q in pairs]
        area, edges = max(p * q for p, q in tiles), max(p + q for p, q in tiles)
        tasks = sum(
            math.ceil(p / tile) * math.ceil(q / other) * self._segments(tile * other)
            for (p, q), (tile, other) in zip(pairs, tiles, strict=True)
        )
        threads = min(self.threads, tasks)
        slots = 1 if threads == 1 else min(tasks, 4 * threads)
        sums = 8 * area * ((threads if self.n > 2 * _PANEL else 0) + 1)
        return threads * min(_PANEL, self.n) * edges * scalar + sums + slots * area * scalar

    def products_of_rows(self, rows: Sequence[Shapes]) -> float:
        """Bytes of the products of a row of pairs, and of the row before, which are kept free."""
        sizes = [0, *(sum(p * q for p, q in row) for row in rows)]
        return self.scalar * max(before + own for before, own in itertools.pairwise(sizes))

    def _segments(self, area: int) -> int:
        segment = max(1024, 2**25 // area // 1024 * 1024)
        return math.ceil(self.n / segment)

    def projection_scratch(self, p: int, scalar: int) -> float:
        """Bytes that X W' takes besides the result."""
        return self.threads * min(self.n, _BLOCK) * p * scalar


def _tile(columns: int) -> int:
    count = math.ceil(columns / _TILE)
    return columns if count == 1 else math.ceil(math.ceil(columns / count) / 16) * 16


def svd_seconds(order: int, *, scalar: int, vectors: bool) -> float:
    """Time of the singular values of a matrix of this order, and of its vectors, on one core."""
    return order**3 * (_VECTORS if vectors else _VALUES[scalar])


def values_bytes(p: int, q: int, scalar: int) -> float:
    """Bytes that the singular values of a p x q matrix take besides it.

    In float they are roots of the eigenvalues of a product in double.
    """
    turned = p * q * scalar if p > q else 0
    return turned + (8 * (p * q + min(p, q) ** 2) if scalar == 4 else 0)


def vectors_bytes(p: int, q: int, scalar: int) -> float:
    """Bytes that a full decomposition of a p x q matrix takes besides it: U, V and work."""
    k = min(p, q)
    return scalar * ((p + q) * k + 3 * k * k)
