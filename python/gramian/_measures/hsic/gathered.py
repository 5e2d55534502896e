"""HSIC, CKA and their relatives of samples that come in batches.

The linear kernel needs sums of products. Of others no sum has all that is needed, so that the
unbiased HSIC of batches is averaged.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..._input.arrays import Layer
from ..gathered import ByBatches, ByProducts, ByRows, Gathering, OnePair, Three
from .checks import is_unbiased
from .kernels import RBF, Distance, Laplacian, Linear, Precomputed, kernel_of
from .pairs import CHANCE, hsic_pairs, median_distance

__all__ = ["cka", "cka_distance", "distance_correlation", "hsic"]

Options = Mapping[str, Any]

# What rounding leaves of an HSIC of 0, in units of its terms: see `or_zero` of the core.
_ROUNDING = 32 * float(np.finfo(np.float64).eps)


def hsic(options: Options) -> Gathering:
    """Return how HSIC is gathered."""
    unbiased = is_unbiased(options)

    def value(pair: OnePair, _x: OnePair, _y: OnePair) -> float:
        return _hsic(pair, unbiased)[0] / pair.unit**2

    of_products = ByProducts(value, norms=unbiased)
    return _gathering(options, of_products, lambda found: found.cross, "unbiased")


def cka(options: Options) -> Gathering:
    """Return how CKA is gathered."""
    unbiased = is_unbiased(options)
    of_products = ByProducts(
        partial(_cka, unbiased), own=True, norms=unbiased, chance=None if unbiased else CHANCE
    )
    return _gathering(options, of_products, _ratio, "debiased")


def cka_distance(options: Options) -> Gathering:
    """Return how the angle is gathered: that of the biased CKA by rows, for it may be near 0."""
    unbiased = is_unbiased(options)

    def angle(pair: OnePair, x: OnePair, y: OnePair) -> float:
        return _angle(_cka(unbiased, pair, x, y))

    of_products = ByProducts(angle, own=True, norms=True) if unbiased else ByRows()
    return _gathering(options, of_products, lambda found: _angle(_ratio(found)), "debiased")


def distance_correlation(options: Options) -> Gathering:
    """Return how distance correlation is gathered."""
    unbiased = is_unbiased(options)

    def value(found: Three) -> float:
        ratio = _ratio(found)
        return ratio if unbiased else math.sqrt(max(ratio, 0.0))

    recorded = {"unbiased": True} if unbiased else {"unbiased": True, "square_root": True}
    return ByBatches(value, Distance(), hsic_pairs, recorded=recorded)


def _gathering(
    options: Options, linear: ByProducts | ByRows, value: Callable[[Three], float], word: str
) -> Gathering:
    """Return how values are gathered; `word` is what the measure calls the unbiased estimator."""
    kernel, sample = kernel_of(options)
    if isinstance(kernel, Linear):
        return linear
    if isinstance(kernel, Precomputed):
        raise ValueError(
            "kernel must not be 'precomputed' for samples that come in batches: a batch of a Gram "
            "matrix lacks its products with the other samples. Use compare on the whole."
        )
    if not isinstance(kernel, (RBF, Laplacian)) or kernel.sigma is not None:
        return ByBatches(value, kernel, hsic_pairs, recorded={word: True})
    of_unit_width = type(kernel)(sigma=1.0)  # layers are divided by their widths
    widths = partial(_widths, kernel, sample)
    return ByBatches(value, of_unit_width, hsic_pairs, widths=widths, recorded={word: True})


def _widths(kernel: RBF | Laplacian, sample: int | None, layers: Sequence[Layer]) -> list[float]:
    assert kernel.bandwidth is not None
    return [kernel.bandwidth * median_distance(layer, kernel, sample) for layer in layers]


def _hsic(pair: OnePair, unbiased: bool) -> tuple[float, float]:
    """Return linear HSIC, and the size of the terms that it is the difference of."""
    n, products = pair.n, pair.squared_product()
    if not unbiased:
        return products / (n - 1) ** 2, products / (n - 1) ** 2
    rows = n / (n - 2) * pair.fourth_moment()
    norms = float(pair.x.squares.sum()) * float(pair.y.squares.sum()) / ((n - 1) * (n - 2))
    return (products - rows + norms) / (n * (n - 3)), (products + rows) / (n * (n - 3))


def _cka(unbiased: bool, pair: OnePair, x: OnePair, y: OnePair) -> float:
    return _ratio(Three(_hsic(pair, unbiased)[0], _own(x, unbiased), _own(y, unbiased)))


def _own(pair: OnePair, unbiased: bool) -> float:
    value, size = _hsic(pair, unbiased)
    return value if value > _ROUNDING * size else 0.0


def _ratio(found: Three) -> float:
    if not (found.x > 0 and found.y > 0):
        return math.nan
    same = found.x == found.y  # so that the ratio of a layer with itself is exactly 1
    return found.cross / (found.x if same else math.sqrt(found.x) * math.sqrt(found.y))


def _angle(cosine: float) -> float:
    return math.acos(min(max(cosine, -1.0), 1.0)) if not math.isnan(cosine) else math.nan
