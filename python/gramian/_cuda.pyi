"""The compiled module for CUDA. The types and functions that it shares are its own at run time."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ._cpu import CoreLayer as CoreLayer
from ._cpu import CrossSums as CrossSums
from ._cpu import Denominator as Denominator
from ._cpu import Estimator as Estimator
from ._cpu import KernelKind as KernelKind
from ._cpu import KernelSpec as KernelSpec
from ._cpu import Measure as Measure
from ._cpu import Plan as Plan
from ._cpu import PreparedLayer as PreparedLayer
from ._cpu import Status as Status
from ._cpu import WeightSide as WeightSide
from ._cpu import canonical_pair as canonical_pair
from ._cpu import compare as compare
from ._cpu import coordinates as coordinates
from ._cpu import correlation as correlation
from ._cpu import cross as cross
from ._cpu import gram_distances as gram_distances
from ._cpu import gram_matrix as gram_matrix
from ._cpu import pair as pair
from ._cpu import plan as plan
from ._cpu import prepare_bases as prepare_bases
from ._cpu import prepare_centred as prepare_centred
from ._cpu import prepare_directions as prepare_directions
from ._cpu import prepare_grams as prepare_grams
from ._cpu import prepare_matrix as prepare_matrix
from ._cpu import prepare_ridge as prepare_ridge
from ._cpu import prepare_shape as prepare_shape
from ._cpu import prepare_units as prepare_units
from ._cpu import reordered as reordered
from ._cpu import smallest_product as smallest_product
from ._cpu import triangle as triangle

_Floats = npt.NDArray[np.float64]

class DeviceArray:
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
    def strides(self) -> tuple[int, ...]: ...
    def __len__(self) -> int: ...
    def look_at(self, offset: int, shape: Sequence[int], strides: Sequence[int]) -> DeviceArray: ...
    def __dlpack_device__(self) -> tuple[int, int]: ...
    def __dlpack__(
        self,
        *,
        stream: int | None = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> object: ...
    @property
    def __cuda_array_interface__(self) -> dict[str, Any]: ...
    def numpy(self) -> npt.NDArray[Any]: ...

def upload(array: npt.NDArray[Any], dtype: str, device: int) -> DeviceArray: ...
def from_dlpack(capsule: object) -> DeviceArray: ...
def from_address(
    address: int,
    *,
    shape: Sequence[int],
    strides: Sequence[int] | None,
    dtype: str,
    stream: int | None,
    owner: object,
) -> DeviceArray: ...
def stream(device: int) -> int: ...
def first_not_finite(array: object) -> npt.NDArray[np.int64]: ...
def row_facts(array: object) -> _Floats: ...
def largest_in_rows(array: object, *, absolute: bool) -> _Floats: ...
def column_statistics(
    arrays: Sequence[object], dtypes: Sequence[str]
) -> list[tuple[_Floats, _Floats, _Floats, float, float]]:
    """Return what `calls.ColumnStatistics` holds, of arrays on one device."""

def default_memory(device: int) -> float: ...
def device_count() -> tuple[int, str]: ...
def device_properties(device: int) -> tuple[str, int, str]: ...
def versions() -> dict[str, str]: ...
