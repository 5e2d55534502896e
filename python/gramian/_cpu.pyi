"""The compiled module for the CPU, and what it shares with that for CUDA."""

from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

_Floats: TypeAlias = npt.NDArray[np.float64]
_Progress: TypeAlias = Callable[[int, int], object] | None
_Layers: TypeAlias = Sequence[PreparedLayer]

class KernelKind(Enum):
    linear = ...
    rbf = ...
    laplacian = ...
    distance = ...
    polynomial = ...
    cosine = ...
    precomputed = ...

class Estimator(Enum):
    biased = ...
    unbiased = ...

class Status(Enum):
    """Whether a layer has a similarity, and a kernel at all."""

    sound = ...
    constant = ...
    degenerate = ...
    zero_median = ...
    too_narrow = ...

class Denominator(Enum):
    features = ...
    rank = ...

class WeightSide(Enum):
    x = ...
    y = ...
    mean = ...

class Measure(Enum):
    hsic = ...
    cka = ...
    distance_correlation = ...
    cca = ...
    cca_squared = ...
    svcca = ...
    svcca_squared = ...
    pwcca = ...
    linear_regression = ...
    procrustes = ...
    procrustes_distance = ...
    shape = ...

class KernelSpec:
    def __init__(
        self,
        kind: KernelKind,
        *,
        sigma: float = 0.0,
        bandwidth: float = 0.0,
        sample: int = 0,
        constant: float = 0.0,
        degree: int = 0,
    ) -> None: ...
    @property
    def by_median(self) -> bool: ...

class Plan:
    @property
    def feature_space(self) -> bool: ...
    @property
    def tile(self) -> int: ...
    @property
    def passes(self) -> int: ...
    @property
    def threads(self) -> int: ...
    @property
    def flops(self) -> float: ...
    @property
    def bytes(self) -> float: ...
    @property
    def seconds(self) -> float: ...
    @property
    def work(self) -> list[float]: ...

class CoreLayer:
    """An array with its column statistics, and the rounding unit of its data."""

    def __init__(
        self, array: Any, *, dtype: str, means: _Floats, scale: float, epsilon: float
    ) -> None: ...
    @property
    def n_samples(self) -> int: ...
    @property
    def width(self) -> int: ...

class PreparedLayer:
    """What a measure keeps of a layer. It outlives the call, and holds the array that it reads."""

    @property
    def n_samples(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def double(self) -> bool: ...
    @property
    def device(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def status(self) -> Status: ...
    @property
    def nbytes(self) -> int: ...
    @property
    def rank(self) -> int: ...
    @property
    def directions(self) -> int: ...
    @property
    def feature_space(self) -> bool: ...
    @property
    def median(self) -> float | None: ...
    @property
    def varies(self) -> npt.NDArray[np.bool_]: ...

def column_statistics(array: Any, dtype: str) -> tuple[_Floats, float]:
    """Return the column means, and the power of two that scales the elements to about 1."""

def plan(
    *,
    n: int,
    rows: int,
    widths: Sequence[int],
    kernel: KernelSpec,
    double: bool,
    max_memory: float,
) -> Plan:
    """Return what is decided for a comparison of kernels; the first `rows` widths are its rows."""

def prepare_grams(
    layers: Sequence[CoreLayer],
    *,
    rows: int,
    kernel: KernelSpec,
    estimator: Estimator,
    double: bool,
    max_memory: float,
    progress: _Progress = None,
) -> list[PreparedLayer]:
    """Prepare layers for HSIC and CKA, the first `rows` being the rows of the map.

    The last of those returned says by its status whether others were left out after it: because it
    has a median of 0, or a kernel that is too narrow for single precision.
    """

def prepare_matrix(
    layer: CoreLayer, *, kernel: KernelSpec, centered: bool, double: bool
) -> PreparedLayer: ...
def prepare_bases(
    layers: Sequence[CoreLayer],
    *,
    tolerances: Sequence[float],
    double: bool,
    coordinates: bool = False,
    weights: bool = False,
    progress: _Progress = None,
) -> list[PreparedLayer]:
    """Orthonormal bases, with what PWCCA (coordinates) or canonical weights need besides."""

def prepare_directions(
    layers: Sequence[CoreLayer],
    *,
    tolerances: Sequence[float],
    variance: float,
    components: int,
    double: bool,
    progress: _Progress = None,
) -> list[PreparedLayer]:
    """Leading singular directions: so many components or, where that is 0, by variance."""

def prepare_ridge(
    layers: Sequence[CoreLayer],
    *,
    tolerances: Sequence[float],
    regularization: float,
    weights: bool = False,
    progress: _Progress = None,
) -> list[PreparedLayer]:
    """Bases under a ridge, in double."""

def prepare_shape(
    layers: Sequence[CoreLayer],
    *,
    tolerances: Sequence[float],
    alpha: float,
    progress: _Progress = None,
) -> list[PreparedLayer]:
    """Singular directions for the shape distance, in double."""

def prepare_centred(
    layers: Sequence[CoreLayer], *, double: bool, progress: _Progress = None
) -> list[PreparedLayer]: ...
def prepare_units(
    layers: Sequence[CoreLayer], *, tolerances: Sequence[float], double: bool
) -> list[PreparedLayer]: ...
def compare(
    xs: _Layers,
    ys: _Layers | None = None,
    *,
    measure: Measure,
    denominator: Denominator = Denominator.features,
    side: WeightSide = WeightSide.x,
    tie_tolerance: float = 0.0,
    progress: _Progress = None,
) -> tuple[_Floats, npt.NDArray[np.bool_], list[Status]]:
    """Return values of every x with every y, those marked as ambiguous, and by HSIC statuses."""

def pair(
    x: PreparedLayer,
    y: PreparedLayer,
    *,
    measure: Measure,
    denominator: Denominator = Denominator.features,
    side: WeightSide = WeightSide.x,
    tie_tolerance: float = 0.0,
) -> tuple[float, bool, _Floats]:
    """Return the value of one pair, whether it is ambiguous, and its canonical correlations."""

def canonical_pair(x: PreparedLayer, y: PreparedLayer) -> tuple[_Floats, _Floats, _Floats]:
    """Return correlations (r,) and weights (r, p), (r, q) of bases that have weights."""

def cross(x: PreparedLayer, y: PreparedLayer) -> _Floats:
    """Return X'Y of centred layers."""

def correlation(x: PreparedLayer, y: PreparedLayer) -> npt.NDArray[np.floating[Any]]:
    """Return the correlation of units, (p, q)."""

def smallest_product(x: PreparedLayer, y: PreparedLayer) -> float: ...
def gram_matrix(layer: PreparedLayer) -> npt.NDArray[np.floating[Any]]: ...

# Of the CPU alone.
def lasso_path(
    gram: npt.NDArray[Any],
    cross: npt.NDArray[Any],
    alphas: _Floats,
    *,
    tol: float,
    max_sweeps: int,
    keep: bool,
    progress: _Progress = None,
) -> tuple[_Floats | None, _Floats, _Floats, npt.NDArray[np.int64]]:
    """Return coefficients (n_alphas, q, p), if kept, and R², gaps and partners (n_alphas, q).

    `gram` is (p, p), `cross` (q, p).
    """

def from_dlpack(capsule: object) -> tuple[npt.NDArray[Any], str]: ...
def num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def steps() -> dict[str, float]: ...
def simd_level() -> str: ...
def blas_config() -> str: ...
def blas_core() -> str: ...
def blas_path() -> str: ...
