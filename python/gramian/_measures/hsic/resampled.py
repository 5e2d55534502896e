"""HSIC and what follows from it, of reordered, drawn and deleted samples.

Centred Gram matrices, computed once, are all that is needed: a draw picks rows and columns of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.calls import Status
from ..._input.arrays import Layer, as_float64
from ..._input.read import ReadLayer, read_sides
from .. import memory
from ..cost import Cost, Workload
from ..resampled import Again, Array, Request, Road, Samples
from .checks import is_unbiased, needed_samples
from .kernels import RBF, Distance, Laplacian, kernel_of
from .pairs import check_status, median_distance, read_layer, spec_of

__all__ = ["hold_widths", "plan_draws", "road_of"]


class Three(NamedTuple):
    """HSIC of pairs, and of both sides' layers with themselves, a map or a row a draw."""

    cross: Array  # (draws, x, y)
    x: Array  # (draws, x)
    y: Array

    @property
    def norms(self) -> Array:
        """What a cosine divides by."""
        squares: Array = self.x[:, :, None] * self.y[:, None, :]
        # Neither layer has a norm where its HSIC is not above 0.
        sound = (self.x > 0)[:, :, None] & (self.y > 0)[:, None, :]
        return np.where(sound, np.sqrt(np.where(sound, squares, 1)), np.nan)


Stack = npt.NDArray[Any]  # of float or double, (n, layers, n)
Finish = Callable[[Three], Array]


def hsic(found: Three) -> Array:
    """HSIC itself."""
    return found.cross


def cka(found: Three) -> Array:
    """CKA."""
    return found.cross / found.norms


def cka_distance(found: Three) -> Array:
    """Return the angle whose cosine is CKA."""
    return np.asarray(np.arccos(np.clip(cka(found), -1, 1)))


def distance_correlation(found: Three) -> Array:
    """Return the biased distance correlation, which is a root."""
    return np.sqrt(np.maximum(cka(found), 0))


FINISH: dict[str, Finish] = {"cka": cka, "hsic": hsic, "cka_distance": cka_distance}


class Grams:
    """Stacks of centred Gram matrices of the layers of both sides, (n, layers, n)."""

    path = "centered Gram matrices, whose rows a draw picks"
    chunk = 64  # eight tasks of eight draws
    leaves_out_each = True

    def __init__(self, x: Stack, y: Stack | None, finish: Finish, *, unbiased: bool) -> None:
        self._x, self._y = x, y
        self._finish, self._unbiased = finish, unbiased
        self._n = len(x)
        self.dtype = str(x.dtype)
        every = np.arange(self._n, dtype=np.int64)[None]
        self._products, _, self._own_x, _, _, self._own_y, _, _ = calls.drawn_sums(x, y, every)

    def observed(self) -> Array:
        """Return the map of all samples."""
        every = np.arange(self._n, dtype=np.int64)[None]
        return np.asarray(self.reordered(every)[0])

    def reordered(self, orders: Samples) -> Array:
        """Return maps with reordered columns: HSIC is a plain inner product of what is centred."""
        y = self._x if self._y is None else self._y
        products = calls.reordered_products(self._x, y, np.ascontiguousarray(orders))
        scale = self._scale(np.full(len(orders), self._n))
        return self._maps(
            scale[:, None, None] * products,
            scale[:, None] * self._own_x,
            scale[:, None] * self._own_y,
        )

    def drawn(self, samples: Sequence[Samples]) -> Array:
        """Return maps of some samples."""
        sizes = np.array([len(chosen) for chosen in samples])
        shape = self._products.shape[1:]
        maps = np.empty((len(samples), *shape))
        for size in np.unique(sizes):  # groups of samples may be of several
            places = np.flatnonzero(sizes == size)
            chosen = np.stack([samples[int(k)] for k in places]).astype(np.int64)
            found = calls.drawn_sums(self._x, self._y, chosen)
            maps[places] = self._from_sums(found, sizes[places])
        return maps

    def without(self, groups: Sequence[Samples]) -> Array:
        """Return maps of all others."""
        sizes = np.array([len(group) for group in groups])
        starts = [0, *np.cumsum(sizes).tolist()]
        members = np.concatenate([np.asarray(group, dtype=np.int64) for group in groups])
        products, margins, x, mx, tx, y, my, ty = calls.sums_without(
            self._x, self._y, members, starts
        )
        left = (
            self._products - products,
            margins,
            self._own_x - x,
            mx,
            tx,
            self._own_y - y,
            my,
            ty,
        )
        return self._from_sums(left, self._n - sizes)

    def _from_sums(self, sums: Sequence[Array], sizes: npt.NDArray[np.int64]) -> Array:
        """Return maps from what is summed over samples of matrices that are not centred on them."""
        products, margins, x, x_margins, x_totals, y, y_margins, y_totals = sums
        m = sizes.astype(np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):  # of too few samples
            if self._unbiased:
                of_margins, of_totals = 2 / (m - 2), 1 / ((m - 1) * (m - 2))
            else:
                of_margins, of_totals = 2 / m, 1 / m**2
        scale = self._scale(sizes)

        def of_layer(products: Array, margins: Array, totals: Array) -> Array:
            return scale[:, None] * (
                products - of_margins[:, None] * margins + of_totals[:, None] * totals**2
            )

        cross = (
            products
            - of_margins[:, None, None] * margins
            + of_totals[:, None, None] * x_totals[:, :, None] * y_totals[:, None, :]
        )
        return self._maps(
            scale[:, None, None] * cross,
            of_layer(x, x_margins, x_totals),
            of_layer(y, y_margins, y_totals),
        )

    def _maps(self, cross: Array, x: Array, y: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            return self._finish(Three(cross, x, y))

    def _scale(self, sizes: npt.NDArray[np.int64]) -> Array:
        m = sizes.astype(np.float64)
        with np.errstate(divide="ignore"):
            return 1 / (m * (m - 3)) if self._unbiased else 1 / (m - 1) ** 2


def stack_bytes(n: int, layers: int, scalar: int) -> float:
    """Return the bytes of the matrices, and of one more while they are made."""
    return float(scalar) * n * n * (layers + 1)


def has_room(request: Request, scalar: int) -> bool:
    """Return whether matrices of so many bytes a number may be kept."""
    limit = memory.available() / 2 if request.max_memory is None else request.max_memory
    n = len(request.a[0].array)
    return stack_bytes(n, len(request.a) + len(request.b), scalar) <= limit


# Seconds of one core for each sample that is picked from a row, by the bytes of a number, and for
# each product of layers: measured at n = 2,000 on a core with neighbors.
_PICKED = {4: 2e-9, 8: 3e-9}
_PRODUCT = 1e-10


def plan_draws(request: Request, method: str, draws: int) -> Cost | None:
    """Estimate draws of Gram matrices; None where there is no room for these."""
    w = Workload(request.a, request.b)
    if not has_room(request, w.scalar):
        return None
    layers, pairs = len(w.xs) + len(w.ys), len(w.xs) * len(w.ys or w.xs)
    picked = {"permutation": 0.5 * len(w.ys or w.xs), "bootstrap": layers / 8, "jackknife": 0.0}
    terms = {"permutation": 0.5 * pairs, "bootstrap": (pairs + layers) / 8}
    # Without each sample: one row of every layer, whatever the number of draws.
    products = draws * terms[method] * w.n**2 if method in terms else (pairs + layers) * w.n**2
    seconds = draws * picked[method] * w.n**2 * _PICKED[w.scalar] + products * _PRODUCT
    return Cost(
        path=Grams.path,
        space="samples",
        dtype=w.dtype,
        flops=2 * products,
        memory=stack_bytes(w.n, layers, w.scalar),
        seconds=seconds / w.threads,
        threads=w.threads,
    )


def road_of(name: str, request: Request) -> Road | None:
    """Return the Gram matrices of a comparison, if there is room for them."""
    layers = [*request.a, *request.b]
    wide = any(layer.compute_dtype == "float64" for layer in layers)
    if not has_room(request, 8 if wide else 4):
        return None
    options = request.options
    if name == "distance_correlation":
        options = {**options, "kernel": Distance()}
    unbiased = is_unbiased(options)
    kernel, sample = kernel_of(options)
    needed = needed_samples(options)
    xs, ys = read_sides(
        request.a,
        request.b,
        request.device,
        lambda layer, placed: read_layer(layer, kernel, "raise", request.device, needed, placed),
    )
    spec = spec_of(kernel, sample)
    double = any(layer.double for layer in (*xs, *ys))
    stacks = [_stack(side, spec, double=double, unbiased=unbiased) for side in (xs, ys)]
    if stacks[0] is None or (ys and stacks[1] is None):  # float is too narrow
        stacks = [_stack(side, spec, double=True, unbiased=unbiased) for side in (xs, ys)]
    x, y = stacks
    if x is None or not all(np.isfinite(stack).all() for stack in stacks if stack is not None):
        return None
    finish = FINISH.get(name, cka if unbiased else distance_correlation)
    return Grams(x, y, finish, unbiased=unbiased)


def _stack(
    side: Sequence[ReadLayer], spec: calls.KernelSpec, *, double: bool, unbiased: bool
) -> Stack | None:
    """Return the Gram matrices of layers, centred for an estimator; None if float is too narrow."""
    if not side:
        return None
    n = side[0].n
    stack: Stack = np.empty((n, len(side), n), np.float64 if double else np.float32)
    for number, layer in enumerate(side):
        if layer.constant:
            stack[:, number] = 0
            continue
        prepared = calls.prepare_matrix(layer.core, kernel=spec, centered=True, double=double)
        check_status(prepared.status, layer)
        if calls.has(prepared.status, Status.imprecise):
            return None
        matrix = stack[:, number]
        matrix[...] = calls.gram_matrix(prepared)
        if unbiased:
            _u_centre(matrix)
    return stack


def _u_centre(matrix: Stack) -> None:
    """Take means off the diagonal from what is off it, so that these sum to 0 in every row."""
    n = len(matrix)
    np.fill_diagonal(matrix, 0)
    rows = matrix.sum(axis=1, dtype=np.float64) / (n - 2)
    rows -= rows.sum() / (2 * (n - 1))
    for i in range(n):  # no more than a row in double at a time
        matrix[i] -= rows[i] + rows
    np.fill_diagonal(matrix, 0)


def hold_widths(request: Request, again: Callable[[Mapping[str, Any]], Again]) -> Again:
    """Let kernels keep the width that all samples gave them: layers in units of it.

    A width by the median is one of each layer, and a kernel has one for all.
    """
    kernel, sample = kernel_of(request.options)
    if not isinstance(kernel, (RBF, Laplacian)) or kernel.bandwidth is None:
        return again(request.options)
    plain = {
        name: value
        for name, value in request.options.items()
        if name not in ("kernel", "bandwidth", "bandwidth_sample")
    }
    held = again({**plain, "kernel": type(kernel)(sigma=1.0)})
    widths: dict[str, float] = {}
    for layer in (*request.a, *request.b):
        median = median_distance(layer, kernel, sample)
        widths[layer.name] = kernel.bandwidth * median

    def in_widths(layer: Layer) -> Layer:
        return Layer(layer.name, as_float64(layer) / widths[layer.name], "float64")

    def compare(a: Sequence[Layer], b: Sequence[Layer]) -> Array:
        return held([in_widths(layer) for layer in a], [in_widths(layer) for layer in b])

    return compare
