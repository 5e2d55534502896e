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
    changed = ...
    imprecise = ...

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
        self,
        array: Any,
        *,
        dtype: str,
        means: tuple[_Floats, _Floats],
        scale: float,
        element_scale: float,
        constant: bool,
        epsilon: float,
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
    def gap(self) -> float:
        """How far the last singular value kept is above the next, relative to it."""

    @property
    def feature_space(self) -> bool: ...
    @property
    def median(self) -> float | None: ...
    @property
    def varies(self) -> npt.NDArray[np.bool_]: ...

class CrossSums:
    """Centered products of layers, gathered batch by batch, and what else is gathered of them."""

    def __init__(
        self,
        widths: Sequence[int],
        *,
        pairs: Sequence[tuple[int, int]],
        norms: bool,
        device: int,
    ) -> None: ...
    @property
    def n_samples(self) -> int: ...
    def update(
        self,
        layers: Sequence[CoreLayer],
        *,
        squares: Sequence[_Floats],
        double: bool,
        progress: _Progress = None,
    ) -> None: ...
    def merge(self, other: CrossSums) -> None: ...
    def squared_products(self) -> _Floats: ...
    def singular_values(self, pair: int) -> _Floats: ...
    def product(self, pair: int) -> _Floats: ...
    def norms(self, pair: int) -> tuple[float, _Floats, _Floats]: ...
    def layer(self, number: int) -> tuple[float, _Floats, _Floats, _Floats]:
        """Return the scale, and in units of it the means, what they leave out, the squares."""

    def restore(
        self,
        *,
        n_samples: int,
        layers: Sequence[tuple[float, _Floats, _Floats, _Floats]],
        products: Sequence[_Floats],
        norms: Sequence[tuple[float, _Floats, _Floats]],
    ) -> None: ...

def column_statistics(array: Any, dtype: str) -> tuple[_Floats, _Floats, _Floats, float, float]:
    """Return what `calls.ColumnStatistics` holds."""

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
    by_samples: bool = False,
    progress: _Progress = None,
) -> list[PreparedLayer]:
    """Prepare layers for HSIC and CKA, the first `rows` being the rows of the map.

    In sample space, or in the cheaper one. The last of those returned says by its status whether
    others were left out after it: because it has a median of 0, or a kernel that loses too many
    digits in single precision.
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
def coordinates(
    layers: Sequence[CoreLayer], *, tolerances: Sequence[float], scaled: bool
) -> list[_Floats]:
    """Return coordinates (n, r) of wide layers, centred and, if scaled, with columns of norm 1.

    What is below the tolerance is small in them, and no more.
    """

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

def reordered(layer: PreparedLayer, given: CoreLayer, order: Sequence[int]) -> PreparedLayer:
    """Return a prepared layer of samples in another order, in which the one that is given is."""

def canonical_pair(x: PreparedLayer, y: PreparedLayer) -> tuple[_Floats, Any, Any]:
    """Return correlations (r,) and weights (p, r), (q, r) of bases that have weights.

    Weights, and what the next two functions return, stay where the layers are: of the module for
    CUDA they are a DeviceArray.
    """

def cross(x: PreparedLayer, y: PreparedLayer) -> _Floats:
    """Return X'Y of centred layers."""

def correlation(x: PreparedLayer, y: PreparedLayer) -> Any:
    """Return the correlation of units, (p, q)."""

def gram_matrix(layer: PreparedLayer, *, single: bool = False) -> Any:
    """Return the Gram matrix, in the precision of the layer or, if `single`, in float32."""

def smallest_product(x: PreparedLayer, y: PreparedLayer) -> float: ...
def gram_distances(
    layers: Sequence[PreparedLayer],
    *,
    pairs: Sequence[tuple[int, int]],
    progress: _Progress = None,
) -> list[float]:
    """Return how far apart the centered Gram matrices of pairs of layers are, scaled to norm 1."""

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

def reordered_products(
    xs: _Floats,
    ys: _Floats,
    orders: npt.NDArray[np.int64],
    progress: _Progress = None,
) -> _Floats:
    """Return inner products of centred Gram matrices (n, layers, n), those of ys in these orders.

    `orders` is (draws, n), the result (draws, layers of xs, of ys).
    """

def drawn_sums(
    xs: _Floats,
    ys: _Floats | None,
    samples: npt.NDArray[np.int64],
    progress: _Progress = None,
) -> tuple[_Floats, ...]:
    """Return sums over drawn samples (draws, m) of centred Gram matrices (n, layers, n).

    Products and margins of pairs, (draws, layers, layers); then products, margins and totals of xs
    and of ys, (draws, layers).
    """

def sums_without(
    xs: _Floats,
    ys: _Floats | None,
    samples: npt.NDArray[np.int64],
    starts: Sequence[int],
    progress: _Progress = None,
) -> tuple[_Floats, ...]:
    """Return `drawn_sums` of all samples but a group's, and of the products what goes with it."""

def from_dlpack(capsule: object) -> tuple[npt.NDArray[Any], str]: ...
def num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def steps() -> dict[str, float]: ...
def simd_level() -> str: ...
def blas_config() -> str: ...
def blas_core() -> str: ...
def blas_path() -> str: ...
def triangle(layer: CoreLayer) -> _Floats:
    """Return R of the QR factorisation of a layer as it is, of at least as many rows as columns."""
