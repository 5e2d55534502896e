"""CUDA as the type checker sees it: the module, which may be absent, and its arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["Cuda", "DeviceArray"]


class DeviceArray(Protocol):
    """An array in the memory of a CUDA device, as the compiled module holds it."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def dtype(self) -> str: ...
    @property
    def device(self) -> int: ...
    @property
    def strides(self) -> tuple[int, ...]:
        """In elements."""

    def __len__(self) -> int: ...
    def look_at(self, offset: int, shape: Sequence[int], strides: Sequence[int]) -> DeviceArray:
        """Return a part of it, or the same memory in another shape; all counts are of elements."""

    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object:
        """Return a capsule of what is the module's own; `stream` waits for what fills it."""

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...
    def numpy(self) -> npt.NDArray[Any]:
        """Return a copy in host memory."""


_Floats = npt.NDArray[np.float64]


class Cuda(Protocol):
    """What the compiled module for CUDA has besides what it shares with that for the CPU."""

    def upload(self, array: npt.NDArray[Any], dtype: str, device: int) -> DeviceArray:
        """Copy an array whose rows or columns are contiguous."""

    def from_dlpack(self, capsule: object) -> DeviceArray:
        """Share the memory of a capsule, whose producer was told of `stream`."""

    def from_address(
        self,
        address: int,
        *,
        shape: Sequence[int],
        strides: Sequence[int] | None,
        dtype: str,
        stream: int | None,
        owner: object,
    ) -> DeviceArray:
        """Share memory; what `stream` does to it now is waited for."""

    def stream(self, device: int) -> int:
        """Return the calling thread's stream on a device."""

    def first_not_finite(self, array: DeviceArray) -> npt.NDArray[np.int64]:
        """Return the first row in which each column is not finite, or the number of rows."""

    def row_facts(self, array: DeviceArray) -> _Floats:
        """Return (3, n): of every row the largest |x(i, j) - x(j, i)|, |x(i, j)| and -x(i, j)."""

    def largest_in_rows(self, array: DeviceArray, *, absolute: bool) -> _Floats:
        """Return (2, rows): the column of the largest value that is not NaN, or -1, and the value.

        Of equal ones the first; or by absolute values.
        """

    def column_statistics(
        self, arrays: Sequence[DeviceArray], dtypes: Sequence[str]
    ) -> list[tuple[_Floats, _Floats, _Floats, float, float]]:
        """Return what `calls.ColumnStatistics` holds, of arrays on one device."""

    def default_memory(self, device: int) -> float:
        """Return the working memory in bytes of a call that is not told any."""

    def device_count(self) -> tuple[int, str]:
        """Return the number of devices, and why there are none."""

    def device_properties(self, device: int) -> tuple[str, int, str]:
        """Return name, memory in bytes and compute capability."""

    def versions(self) -> dict[str, str]:
        """Return versions of the driver and of the libraries."""
