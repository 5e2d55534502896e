"""Functions of the compiled modules, each called in the module that has its layers."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from .modules import cpu, cuda
from .types import DeviceArray

__all__ = [
    "ColumnStatistics",
    "CoreLayer",
    "CrossSums",
    "Denominator",
    "Estimator",
    "KernelKind",
    "KernelSpec",
    "Measure",
    "Plan",
    "PreparedLayer",
    "Stages",
    "Status",
    "WeightSide",
    "canonical_pair",
    "column_statistics",
    "compare",
    "coordinates",
    "correlation",
    "cross",
    "cross_sums",
    "default_memory",
    "device_statistics",
    "drawn_sums",
    "first_not_finite",
    "from_dlpack",
    "gram_distances",
    "gram_matrix",
    "has",
    "largest_in_rows",
    "lasso_path",
    "layer",
    "on_host",
    "pair",
    "plan",
    "prepare_bases",
    "prepare_centred",
    "prepare_directions",
    "prepare_grams",
    "prepare_matrix",
    "prepare_ridge",
    "prepare_shape",
    "prepare_units",
    "reordered",
    "reordered_products",
    "row_facts",
    "smallest_product",
    "sums_without",
    "triangle",
]

# Values of the enums may go to either module; a status that one returns is compared by `has`.
Denominator = cpu.Denominator
Estimator = cpu.Estimator
KernelKind = cpu.KernelKind
KernelSpec = cpu.KernelSpec
CoreLayer = cpu.CoreLayer
CrossSums = cpu.CrossSums
Measure = cpu.Measure
Plan = cpu.Plan
PreparedLayer = cpu.PreparedLayer
Status = cpu.Status
WeightSide = cpu.WeightSide
lasso_path = cpu.lasso_path
drawn_sums = cpu.drawn_sums
reordered_products = cpu.reordered_products
sums_without = cpu.sums_without

Progress = Callable[[int, int], object]
Function = TypeVar("Function", bound=Callable[..., Any])


# What comes first in a call that is for the CPU; no layers at all are for it to refuse.
_OF_CPU = (cpu.PreparedLayer, cpu.CoreLayer, np.ndarray, list)


def _where_its_layers_are(function: Function) -> Function:
    """Return the function of the module whose layer, or list of them, comes first."""

    @functools.wraps(function)
    def call(first: Any, *args: Any, **options: Any) -> Any:
        one = first[0] if isinstance(first, list) and first else first
        chosen = function if isinstance(one, _OF_CPU) else _same_of_cuda(function)
        return chosen(first, *args, **options)

    return cast(Function, call)


canonical_pair = _where_its_layers_are(cpu.canonical_pair)
compare = _where_its_layers_are(cpu.compare)
coordinates = _where_its_layers_are(cpu.coordinates)
correlation = _where_its_layers_are(cpu.correlation)
cross = _where_its_layers_are(cpu.cross)
gram_distances = _where_its_layers_are(cpu.gram_distances)
gram_matrix = _where_its_layers_are(cpu.gram_matrix)
pair = _where_its_layers_are(cpu.pair)
prepare_bases = _where_its_layers_are(cpu.prepare_bases)
prepare_centred = _where_its_layers_are(cpu.prepare_centred)
prepare_directions = _where_its_layers_are(cpu.prepare_directions)
prepare_grams = _where_its_layers_are(cpu.prepare_grams)
prepare_matrix = _where_its_layers_are(cpu.prepare_matrix)
prepare_ridge = _where_its_layers_are(cpu.prepare_ridge)
prepare_shape = _where_its_layers_are(cpu.prepare_shape)
prepare_units = _where_its_layers_are(cpu.prepare_units)
reordered = _where_its_layers_are(cpu.reordered)
smallest_product = _where_its_layers_are(cpu.smallest_product)
triangle = _where_its_layers_are(cpu.triangle)


def on_host(array: npt.NDArray[Any] | DeviceArray) -> npt.NDArray[Any]:
    """Return what one of these functions found, in host memory."""
    return array if isinstance(array, np.ndarray) else array.numpy()


def first_not_finite(array: DeviceArray) -> npt.NDArray[np.int64]:
    """Return the first row in which each column is not finite, or the number of rows."""
    return cuda().first_not_finite(array)


def row_facts(array: DeviceArray) -> npt.NDArray[np.float64]:
    """Return (3, n): of every row the largest |x(i, j) - x(j, i)|, |x(i, j)| and -x(i, j)."""
    return cuda().row_facts(array)


def largest_in_rows(array: DeviceArray, *, absolute: bool) -> npt.NDArray[np.float64]:
    """Return (2, rows): the columns of the largest values, NaN apart, or -1, and the values."""
    return cuda().largest_in_rows(array, absolute=absolute)


class ColumnStatistics(NamedTuple):
    """What one pass over a layer finds: of its columns, and of all elements."""

    scaled_means: npt.NDArray[np.float64]  # not finite where a column holds NaN or infinity
    low: npt.NDArray[np.float64]  # what the means leave out: their sum has twice the digits
    squares: npt.NDArray[np.float64]  # of the deviations from the means
    scale: float  # of the three above: the power of two that makes the largest deviation about 1
    largest: float  # of the elements' absolute values

    @property
    def means(self) -> npt.NDArray[np.float64]:
        """The means of the columns."""
        return self.scaled_means / self.scale

    def constant_columns(self, n: int, units: float) -> npt.NDArray[np.bool_]:
        """Return which columns' centered norm is at most so many units of their norm."""
        with np.errstate(over="ignore"):
            raw: npt.NDArray[np.float64] = n * self.scaled_means**2
        return np.asarray(self.squares <= units * units * (self.squares + raw))

    def is_constant(self, n: int, units: float) -> bool:
        """Return whether all columns are: one that is not, as most are, is found at once."""
        most = int(self.squares.argmax())
        square, mean = float(self.squares[most]), float(self.scaled_means[most])
        if square > units * units * (square + n * mean * mean):
            return False
        return bool(self.constant_columns(n, units).all())


def column_statistics(array: npt.NDArray[Any], dtype: str) -> ColumnStatistics:
    """Return the column statistics of an array, in one pass."""
    return ColumnStatistics(*cpu.column_statistics(array, dtype))


def device_statistics(
    arrays: Sequence[DeviceArray], dtypes: Sequence[str]
) -> list[ColumnStatistics]:
    """Return those of arrays on one device, in one pass over each and with one wait for all."""
    return [ColumnStatistics(*found) for found in cuda().column_statistics(arrays, dtypes)]


def layer(
    array: npt.NDArray[Any] | DeviceArray,
    *,
    dtype: str,
    statistics: ColumnStatistics,
    constant: bool,
    epsilon: float,
) -> CoreLayer:
    """Return a layer of the module that reads the array."""
    make = cpu.CoreLayer if isinstance(array, np.ndarray) else _same_of_cuda(cpu.CoreLayer)
    return make(
        array,
        dtype=dtype,
        means=(statistics.scaled_means, statistics.low),
        scale=statistics.scale,
        element_scale=_scale_of(statistics.largest),
        constant=constant,
        epsilon=epsilon,
    )


def _scale_of(largest: float) -> float:
    """Return the power of two that brings a number into [1/2, 1), within the range of float64."""
    if not (largest > 0 and math.isfinite(largest)):
        return 1.0
    return math.ldexp(1.0, min(max(-math.frexp(largest)[1], -1000), 1000))


def plan(
    *,
    device: int | None,
    n: int,
    rows: int,
    widths: Sequence[int],
    kernel: KernelSpec,
    double: bool,
    max_memory: float,
) -> Plan:
    """Return what the planner of a device decides for a comparison of kernels."""
    make = cpu.plan if device is None else _same_of_cuda(cpu.plan)
    return make(n=n, rows=rows, widths=widths, kernel=kernel, double=double, max_memory=max_memory)


# Working memory that a call may take above its inputs, in bytes. It holds the tiles of 100 layers
# on 16 threads, and keeps the distances of up to 16,000 samples for a second pass.
_MEMORY = 512 * 2**20


@functools.cache
def default_memory(device: int | None) -> float:
    """Return the working memory of a call that is not told any: on a device, once for all calls."""
    return _MEMORY if device is None else cuda().default_memory(device)


def cross_sums(
    widths: Sequence[int], *, pairs: Sequence[tuple[int, int]], norms: bool, device: int | None
) -> CrossSums:
    """Return sums of products, of nothing yet, where the layers are going to be."""
    make = cpu.CrossSums if device is None else _same_of_cuda(cpu.CrossSums)
    return make(list(widths), pairs=list(pairs), norms=norms, device=device or 0)


def _same_of_cuda(of_cpu: Function) -> Function:
    return cast(Function, getattr(cuda(), of_cpu.__name__))


def has(found: Status, wanted: Status) -> bool:
    """Return whether a status, which may be that of another module, is the one wanted."""
    return bool(found.value == wanted.value)


class Stages:
    """Divides the progress of a call among its steps; what is reported never goes back."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._told = -1

    def __call__(self, begin: float, end: float) -> Progress | None:
        """Return the progress of the step that is this part of the whole."""
        progress = self._progress
        if progress is None:
            return None

        def tell(done: int, total: int) -> None:
            whole = int((begin + (end - begin) * done / total) * total)
            if whole > self._told:
                self._told = whole
                progress(whole, total)

        return tell


def from_dlpack(value: Any) -> tuple[npt.NDArray[Any], str]:
    """Return the array behind a DLPack producer, without a copy, and its element type."""
    try:
        capsule = value.__dlpack__(max_version=(1, 0))
    except TypeError:  # a producer from before DLPack 1.0
        capsule = value.__dlpack__()
    return cpu.from_dlpack(capsule)
