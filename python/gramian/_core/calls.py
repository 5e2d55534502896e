"""Calls of the compiled modules, with types; each goes to the module that reads its layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .modules import cpu, cuda
from .types import CanonicalPair, CoreLayer, DeviceArray, KernelSpec, RankedLayer


def _core(layer: CoreLayer) -> Any:
    """Return the compiled module that reads a layer."""
    return cpu if isinstance(layer[0], np.ndarray) else cuda()


def num_threads() -> int:
    """Return the number of threads a call may use."""
    return int(cpu.num_threads())


def set_num_threads(n: int) -> None:
    """Set it, for the whole process."""
    cpu.set_num_threads(n)


def from_dlpack(value: Any) -> tuple[npt.NDArray[Any], str]:
    """Return the array behind a DLPack producer, without a copy, and its element type."""
    try:
        capsule = value.__dlpack__(max_version=(1, 0))
    except TypeError:  # a producer from before DLPack 1.0
        capsule = value.__dlpack__()
    array, dtype = cpu.from_dlpack(capsule)
    return array, dtype


def column_statistics(
    array: npt.NDArray[Any] | DeviceArray, dtype: str
) -> tuple[npt.NDArray[np.float64], float]:
    """Return the column means and the power of two that scales the elements to about 1."""
    if isinstance(array, np.ndarray):
        means, scale = cpu.column_statistics(array, dtype)
    else:
        means, scale = cuda().column_statistics(array)
    return means, scale


def hsic(
    xs: Sequence[CoreLayer],
    ys: Sequence[CoreLayer],
    spec: KernelSpec,
    *,
    double: bool,
    unbiased: bool,
    normalized: bool,
    max_memory: float,
    progress: Callable[[int, int], object] | None,
) -> tuple[npt.NDArray[np.float64] | None, list[int], list[float]]:
    """Return HSIC, or CKA, of every pair; the status of every layer, 0 if sound; the medians.

    The medians are squared distances, of the layers whose kernel takes its width from them. There
    are no values if one of them is 0 or, otherwise, if a kernel is too narrow for float32.
    """
    values, status, medians = _core(xs[0]).hsic(
        double, xs, ys, spec, unbiased, normalized, max_memory, progress
    )
    return values, status, medians


def gram(
    layer: CoreLayer, spec: KernelSpec, *, double: bool, centered: bool
) -> tuple[npt.NDArray[np.floating[Any]] | None, float]:
    """Return the Gram matrix, centered or not, and the median; as `hsic` does."""
    matrix, median = _core(layer).gram(double, layer, spec, centered)
    return matrix, median


def plan(
    n: int,
    x: int,
    widths: Sequence[int],
    spec: KernelSpec,
    *,
    device: int | None,
    double: bool,
    max_memory: float,
) -> dict[str, Any]:
    """Return what the planner decides for a comparison of kernels."""
    core = cpu if device is None else cuda()
    decision: dict[str, Any] = core.plan(double, n, x, widths, spec, max_memory)
    return decision


def correlation(
    x: CoreLayer, x_tolerance: float, y: CoreLayer | None, y_tolerance: float, *, double: bool
) -> tuple[npt.NDArray[np.floating[Any]], npt.NDArray[np.bool_], npt.NDArray[np.bool_], float]:
    """Return the correlation of units, which units of x and y vary, and the smallest product."""
    found = _core(x).correlation(double, x, x_tolerance, y, y_tolerance)
    values, x_varies, y_varies, smallest = found
    return values, x_varies, y_varies, smallest


def lasso_path(
    gram: npt.NDArray[Any],
    cross: npt.NDArray[Any],
    alphas: npt.NDArray[np.float64],
    *,
    tol: float,
    max_sweeps: int,
    keep: bool,
    progress: Callable[[int, int], object] | None,
) -> tuple[Any, ...]:
    """Return coefficients (n_alphas, q, p) or None, then R², gaps and partners (n_alphas, q).

    `gram` is (p, p), `cross` (q, p); always on the CPU, in float64.
    """
    found: tuple[Any, ...] = cpu.lasso_path(gram, cross, alphas, tol, max_sweeps, keep, progress)
    return found


def bases(
    kind: str,
    xs: Sequence[RankedLayer],
    ys: Sequence[RankedLayer],
    *,
    double: bool,
    tie_tolerance: float = 0.0,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[npt.NDArray[np.float64], list[bool], list[int]]:
    """Return a summary of the canonical correlations of every pair, marks, and every rank.

    `kind` is "sum", "squares", "pwcca_x", "pwcca_y", "pwcca_mean" or "linear_regression".
    """
    values, marks, ranks = _core(xs[0][0]).bases(double, kind, xs, ys, tie_tolerance, progress)
    return values, marks, ranks


def spectral(
    xs: Sequence[RankedLayer],
    ys: Sequence[RankedLayer],
    *,
    double: bool,
    kind: str,
    parameter: float,
    components: int = 0,
    squares: bool = False,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[npt.NDArray[np.float64], list[int], list[int], list[float]]:
    """Return sums over the singular values of every pair, ranks, kept directions and norms.

    `kind` is "variance" (or `components` directions), "ridge" or "shape".
    """
    values, ranks, kept, norms = _core(xs[0][0]).spectral(
        double, xs, ys, kind, parameter, components, squares, progress
    )
    return values, ranks, kept, norms


def canonical_pair(x: RankedLayer, y: RankedLayer, *, double: bool) -> CanonicalPair:
    """Return correlations, weights (p, r) and (q, r), and ranks of a pair."""
    return _pair(_core(x[0]).canonical_pair(double, x, y))


def spectral_pair(
    x: RankedLayer, y: RankedLayer, *, kind: str, parameter: float, components: int = 0
) -> CanonicalPair:
    """Return the same of the bases that `spectral` compares."""
    return _pair(_core(x[0]).spectral_pair(x, y, kind, parameter, components))


def _pair(found: tuple[Any, ...]) -> CanonicalPair:
    correlations, x_weights, y_weights, x_rank, y_rank = found
    return np.array(correlations), x_weights.T, y_weights.T, x_rank, y_rank


def cross(x: RankedLayer, y: RankedLayer) -> npt.NDArray[np.float64]:
    """Return X'Y of the centered layers, in double."""
    product: npt.NDArray[np.float64] = _core(x[0]).cross(x, y)
    return product


def procrustes(
    xs: Sequence[RankedLayer],
    ys: Sequence[RankedLayer],
    *,
    double: bool,
    distance: bool,
    progress: Callable[[int, int], object] | None = None,
) -> tuple[npt.NDArray[np.float64], list[bool]]:
    """Return similarity or distance of every pair, and which layers are constant."""
    values, constant = _core(xs[0][0]).procrustes(double, xs, ys, distance, progress)
    return values, constant
