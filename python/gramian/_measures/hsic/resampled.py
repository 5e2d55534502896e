"""HSIC and what follows from it, of reordered, drawn and deleted samples.

Centred Gram matrices, computed once, are all that is needed: a draw picks rows and columns of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._input.arrays import Layer, as_float64
from ..._input.read import read_sides
from .. import memory
from ..resampled import Again, Array, Request, Road, Samples
from .checks import is_unbiased, needed_samples
from .kernels import RBF, Distance, Laplacian, kernel_of
from .pairs import median_distance, read_layer, spec_of
from .stacks import Scaled, Stack, stack_of

__all__ = ["has_room", "hold_widths", "road_of", "stack_bytes"]


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


# Of the HSIC of a layer with itself, what has to be left without a group: few groups can take more.
LEFT = 1 / 16


class Grams:
    """Stacks of centred Gram matrices of the layers of both sides, (n, layers, n)."""

    path = "centered Gram matrices, whose rows a draw picks"
    chunk = 64  # eight tasks of eight draws
    leaves_out_each = True

    def __init__(
        self,
        x: Scaled,
        y: Scaled | None,
        finish: Finish,
        anew: Callable[[], Road],
        *,
        unbiased: bool,
    ) -> None:
        self._exponents = x.exponents[:, None] + (y or x).exponents[None, :]
        self._x: Stack = x.stack
        self._y: Stack | None = None if y is None else y.stack
        self._finish, self._anew, self._unbiased = finish, anew, unbiased
        self._n = len(self._x)
        self.dtype = str(self._x.dtype)
        self._least = 1e4 * float(np.finfo(self._x.dtype).eps)
        every = np.arange(self._n, dtype=np.int64)[None]
        self._products, _, self._own_x, _, _, self._own_y, _, _ = calls.drawn_sums(
            self._x, self._y, every
        )

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
            before = found[2], found[5]
            maps[places], lost = self._from_sums(found, sizes[places], before, self._least)
            for k in places[lost]:
                maps[k] = self._anew().drawn([samples[int(k)]])[0]
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
        before = self._own_x, self._own_y
        maps, lost = self._from_sums(left, self._n - sizes, before, LEFT)
        for k in np.flatnonzero(lost):
            maps[k] = self._anew().without([groups[int(k)]])[0]
        return maps

    def _from_sums(
        self,
        sums: Sequence[Array],
        sizes: npt.NDArray[np.int64],
        before: tuple[Array, Array],
        least: float,
    ) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Return maps from what is summed over samples of matrices that are not centred on them.

        And which of the draws have a layer that keeps less than `least` of the products it had
        `before`: of these, rounding makes too much.
        """
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
        own = of_layer(x, x_margins, x_totals), of_layer(y, y_margins, y_totals)
        lost = np.zeros(len(sizes), dtype=bool)
        for part, products in zip(own, before, strict=True):
            lost |= (part < least * scale[:, None] * products).any(axis=1)
        return self._maps(scale[:, None, None] * cross, *own), lost

    def _maps(self, cross: Array, x: Array, y: Array) -> Array:
        with np.errstate(invalid="ignore", over="ignore"):
            found = self._finish(Three(cross, x, y))
            return np.ldexp(found, self._exponents) if self._finish is hsic else found

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


def road_of(name: str, request: Request, anew: Callable[[], Road]) -> Road | None:
    """Return the Gram matrices of a comparison, if there is room for them.

    `anew` makes the road of what they would lose to rounding.
    """
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
    stacks = [stack_of(side, spec, double=double, unbiased=unbiased) for side in (xs, ys)]
    if stacks[0] is None or (ys and stacks[1] is None):  # float is too narrow
        stacks = [stack_of(side, spec, double=True, unbiased=unbiased) for side in (xs, ys)]
    x, y = stacks
    if x is None or (ys and y is None):
        return None
    if not all(np.isfinite(part.stack).all() for part in (x, y) if part is not None):
        return None
    finish = FINISH.get(name, cka if unbiased else distance_correlation)
    return Grams(x, y, finish, anew, unbiased=unbiased)


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
        if name not in ("kernel", "bandwidth", "sigma", "bandwidth_sample")
    }
    held = again({**plain, "kernel": type(kernel)(sigma=1.0)})
    widths: dict[str, float] = {}
    for layer in (*request.a, *request.b):
        median = median_distance(layer, kernel, sample)
        widths[layer.name] = kernel.bandwidth * median

    def in_widths(layer: Layer) -> Layer:
        return Layer(layer.name, as_float64(layer) / widths[layer.name], "float64")

    def compare(a: Sequence[Layer], b: Sequence[Layer], _drawn: Samples | None = None) -> Array:
        return held([in_widths(layer) for layer in a], [in_widths(layer) for layer in b])

    return compare
