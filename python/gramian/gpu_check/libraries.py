"""The CUDA runtime, cuBLAS and cuSOLVER by ctypes: what they do by themselves."""

from __future__ import annotations

import contextlib
import ctypes
import time
from collections.abc import Callable, Iterator
from ctypes import byref, c_double, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

import numpy as np

from .._core import modules
from . import standins

__all__ = ["DEFAULT", "PEDANTIC", "TYPES", "Libraries", "OnDevice"]

DEFAULT, PEDANTIC = 0, 2  # cublasMath_t
TYPES = {"float32": 0, "float64": 1, "bfloat16": 14}  # cudaDataType_t


class Libraries:
    """The three libraries on one device; a call that fails raises RuntimeError."""

    def __init__(self, folder: Path | None) -> None:
        standins.use(folder)
        modules.cuda()  # so that the names stand for the files that it has loaded
        self.libraries = {name: ctypes.CDLL(file) for name, file in standins.FILES.items()}
        self.call("cudart", "cudaSetDevice", 0)
        self.blas, self.solver, self.params = c_void_p(), c_void_p(), c_void_p()
        self.call("cublas", "cublasCreate_v2", byref(self.blas))
        self.call("cusolver", "cusolverDnCreate", byref(self.solver))
        self.call("cusolver", "cusolverDnCreateParams", byref(self.params))

    def has(self, library: str, function: str) -> bool:
        """Whether a library has a function (the stand-ins have those that gramian calls)."""
        return hasattr(self.libraries[library], function)

    def status(self, library: str, function: str, *arguments: Any) -> int:
        """Call a function; Python's integers are passed as 64-bit ones, which do for int too."""
        converted = [c_int64(a) if isinstance(a, int) else a for a in arguments]
        return int(getattr(self.libraries[library], function)(*converted))

    def call(self, library: str, function: str, *arguments: Any) -> None:
        """Call a function that has to succeed."""
        if status := self.status(library, function, *arguments):
            raise RuntimeError(f"{function} gave {status}")

    def synchronize(self) -> None:
        """Wait for the device; errors of what ran before come up here."""
        self.call("cudart", "cudaStreamSynchronize", c_void_p())

    @contextlib.contextmanager
    def memory(self, *sizes: int) -> Iterator[list[int]]:
        """Device memory of so many bytes each, until the block ends."""
        pointers: list[int] = []
        try:
            for size in sizes:
                pointer = c_void_p()
                self.call("cudart", "cudaMalloc", byref(pointer), max(size, 1))
                pointers.append(int(pointer.value or 0))
            yield pointers
        finally:
            for address in pointers:
                self.status("cudart", "cudaFree", c_void_p(address))

    def upload(self, pointer: int, array: np.ndarray[Any, Any]) -> None:
        """Copy an array to the device."""
        array = np.ascontiguousarray(array)
        self._copy(pointer, array.ctypes.data, array.nbytes, 1)

    def download(self, pointer: int, shape: Any, dtype: Any) -> np.ndarray[Any, Any]:
        """Copy an array from the device."""
        array = np.empty(shape, dtype)
        self._copy(array.ctypes.data, pointer, array.nbytes, 2)
        return array

    def _copy(self, to: int, source: int, size: int, kind: int) -> None:
        self.call("cudart", "cudaMemcpy", c_void_p(to), c_void_p(source), c_size_t(size), kind)

    def gemm(
        self, dtype: str, shape: tuple[int, int, int], a: int, b: int, c: int, *, form: str = "TN"
    ) -> None:
        """C = op(A) op(B), column-major and packed, form being the two operations."""
        m, n, k = shape
        scalar = c_double if dtype == "float64" else ctypes.c_float
        name = "cublasDgemm_v2_64" if dtype == "float64" else "cublasSgemm_v2_64"
        lda, ldb = (k if form[0] == "T" else m), (n if form[1] == "T" else k)
        one, zero = byref(scalar(1)), byref(scalar(0))
        pointers = [c_void_p(p) for p in (a, b, c)]
        self.call(
            "cublas", name, self.blas, form[0] == "T", form[1] == "T", m, n, k,
            one, pointers[0], lda, pointers[1], ldb, zero, pointers[2], m,
        )  # fmt: skip

    def syrk(self, shape: tuple[int, int, int], a: int, c: int) -> None:
        """Upper triangle of C = A A', n x n, in float64; column-major and packed."""
        n, _, k = shape
        one, zero = byref(c_double(1)), byref(c_double(0))
        self.call(
            "cublas", "cublasDsyrk_v2_64", self.blas, 1, 0, n, k, one, c_void_p(a), n, zero,
            c_void_p(c), n,
        )  # fmt: skip

    @contextlib.contextmanager
    def solution(self, name: str, *fixed: Any, last: Any = ()) -> Iterator[Callable[[], int]]:
        """Prepare a factorisation; a call runs it and returns cuSOLVER's info."""
        fixed = (self.solver, self.params, *fixed)
        on_device, on_host = c_size_t(), c_size_t()
        self.call("cusolver", f"{name}_bufferSize", *fixed, byref(on_device), byref(on_host))
        host = ctypes.create_string_buffer(max(on_host.value, 1))
        with self.memory(on_device.value, 4) as (workspace, info):
            spaces = (c_void_p(workspace), on_device, host, on_host, c_void_p(info))

            def run() -> int:
                self.call("cusolver", name, *fixed, *spaces, *last)
                return int(self.download(info, 1, np.int32)[0])

            yield run

    def seconds(self, call: Callable[[], Any], batch: int = 1, time_for: float = 0.15) -> float:
        """Shortest time of a call of a few, after one more; those of a batch are queued at once."""
        call()
        self.synchronize()
        best, end = float("inf"), time.perf_counter() + time_for
        for k in range(200):
            start = time.perf_counter()
            for _ in range(batch):
                call()
            self.synchronize()
            best = min(best, (time.perf_counter() - start) / batch)
            if k >= 2 and time.perf_counter() > end:
                break
        return best


class OnDevice:
    """A C-ordered array in device memory that someone else holds, for whoever reads such arrays."""

    def __init__(self, pointer: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.__cuda_array_interface__ = {
            "shape": shape,
            "typestr": dtype.str,
            "data": (pointer, False),
            "strides": None,
            "version": 2,  # the default stream
        }
