"""The BLAS floor: the unavoidable products of a case by sequential GEMM, and nothing else.

The products of the cheaper space, split over threads that take 256-row tiles from one queue, on the
build of OpenBLAS that the library ships. In sample space that is the lower triangle of every
layer's Gram and, tile by tile, the L x L products of all L layers; in feature space X'Y of every
pair and the lower triangle of every X'X. No centering, no kernel, no sums.
"""

from __future__ import annotations

import ctypes
import itertools
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Floor", "cheaper_space", "openblas"]

TILE = 256
ROW_MAJOR, NO_TRANS, TRANS = 101, 111, 112


def openblas() -> Any:
    """Load the pinned OpenBLAS, from its own package or from ours, set to one thread."""
    try:
        from scipy_openblas64 import get_lib_dir

        folders = [get_lib_dir()]
    except ImportError:
        import gramian

        folders = list(gramian.__path__)
    found = [file for folder in folders for file in Path(folder).rglob("libscipy_openblas64_.*")]
    if not found:
        raise FileNotFoundError("no libscipy_openblas64_: pip install scipy-openblas64")
    library = ctypes.CDLL(str(found[0]))
    library.scipy_openblas_set_num_threads64_(1)
    return library


def _gemm(dtype: np.dtype[Any]) -> Any:
    """Return row-major cblas gemm of a dtype; ctypes lets go of the GIL while it runs."""
    single = dtype == np.float32
    library = openblas()
    function = library.scipy_cblas_sgemm64_ if single else library.scipy_cblas_dgemm64_
    scalar = ctypes.c_float if single else ctypes.c_double
    size, pointer = ctypes.c_int64, ctypes.c_void_p
    matrix = [pointer, size]
    sizes = [*[ctypes.c_int] * 3, size, size, size]
    function.argtypes = [*sizes, scalar, *matrix, *matrix, scalar, *matrix]
    function.restype = None
    return partial(function, ROW_MAJOR)


def cheaper_space(n: int, a: Sequence[int], b: Sequence[int], kernel: str) -> tuple[str, int]:
    """Return "feature" or "sample", and the flops there, of all pairs of layers of widths a, b.

    Lower triangles count half. Only the linear kernel can do without the n x n matrices.
    """
    widths = [*a, *b]
    feature = 2 * n * sum(a) * sum(b) + n * sum(p * p for p in widths)
    sample = n * n * (sum(widths) + len(widths) ** 2)
    if kernel == "linear" and feature <= sample:
        return "feature", feature
    return "sample", sample


class Floor:
    """The products of one case; a call does them once.

    After a call, `products` holds the sums over all tiles in sample space (one L x L matrix a
    thread), or the p x q products in feature space.
    """

    def __init__(self, A: list[Any], B: list[Any], kernel: str, threads: int) -> None:
        self.layers = [*A, *B]
        of_a, of_b = ([X.shape[1] for X in model] for model in (A, B))
        self.space, _ = cheaper_space(len(A[0]), of_a, of_b, kernel)
        self.dtype = A[0].dtype
        self.gemm = _gemm(self.dtype)
        self.threads = threads
        self.pool = ThreadPoolExecutor(threads)
        self.run: Callable[..., None]
        self.tasks: list[tuple[Any, ...]]
        n = len(A[0])
        if self.space == "feature":
            across = [(X, Y) for X in A for Y in B]
            self._plan_feature([*across, *((X, X) for X in self.layers)])
        else:
            self._plan_sample(n)

    def __call__(self) -> None:
        """Let every thread take tasks from one queue until it is empty."""
        for product in self.products if self.space == "sample" else ():
            product.fill(0)
        queue = iter(self.tasks)  # next() on a list iterator is atomic
        for future in [self.pool.submit(self._work, i, queue) for i in range(self.threads)]:
            future.result()

    def _work(self, thread: int, queue: Any) -> None:
        for task in queue:
            self.run(thread, *task)

    def _plan_feature(self, pairs: list[tuple[Any, Any]]) -> None:
        self.products = [np.zeros((X.shape[1], Y.shape[1]), self.dtype) for X, Y in pairs]
        self.run = self._cross
        self.tasks = [
            (X, Y, product, i, j)
            for (X, Y), product in zip(pairs, self.products, strict=True)
            for i in range(0, X.shape[1], TILE)
            for j in range(0, i + 1 if X is Y else Y.shape[1], TILE)
        ]

    def _cross(self, thread: int, X: Any, Y: Any, product: Any, i: int, j: int) -> None:
        """One tile of X'Y over all n rows at once (blocks of 256 to 2,048 rows: no faster)."""
        (n, p), q = X.shape, Y.shape[1]
        rows, columns = min(TILE, p - i), min(TILE, q - j)
        operands = _at(X, i), p, _at(Y, j), q
        out = _at(product, i * q + j)
        self.gemm(TRANS, NO_TRANS, rows, columns, n, 1.0, *operands, 0.0, out, q)

    def _plan_sample(self, n: int) -> None:
        count = len(self.layers)
        self.products = [np.zeros((count, count), self.dtype) for _ in range(self.threads)]
        self.tiles = [np.zeros((count, TILE * TILE), self.dtype) for _ in range(self.threads)]
        self.run = self._gram
        starts = range(0, n, TILE)
        self.tasks = [(i, j) for i, j in itertools.product(starts, starts) if j <= i]

    def _gram(self, thread: int, i: int, j: int) -> None:
        """One tile of every layer's Gram, then the products of these tiles, added up."""
        n, count = len(self.layers[0]), len(self.layers)
        rows, columns = min(TILE, n - i), min(TILE, n - j)
        tiles = self.tiles[thread]
        for k, X in enumerate(self.layers):
            p = X.shape[1]
            operands = _at(X, i * p), p, _at(X, j * p), p
            out = _at(tiles, k * TILE * TILE)
            self.gemm(NO_TRANS, TRANS, rows, columns, p, 1.0, *operands, 0.0, out, columns)
        sizes = count, count, rows * columns
        operands = (_at(tiles, 0), TILE * TILE) * 2
        weight = 1.0 if i == j else 2.0
        out = _at(self.products[thread], 0)
        self.gemm(NO_TRANS, TRANS, *sizes, weight, *operands, 1.0, out, count)


def _at(array: Any, offset: int) -> int:
    return int(array.ctypes.data) + offset * int(array.itemsize)
