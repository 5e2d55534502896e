"""A warning where a kernel is so narrow that its Gram matrices are all but the identity.

The biased CKA of two such matrices is 1, whatever the layers. What independent layers score is
tr K tr L / ((n - 1) |K| |L|) of centered Gram matrices, which some of their rows are enough for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._input.arrays import Layer
from ..._input.checks import more_pairs, warn
from ..chance import MUCH
from .kernels import RBF, Kernel, Laplacian, kernel_of

__all__ = ["Spread", "spread_of", "warn_of_narrow"]

Array = npt.NDArray[np.float64]

# Mean similarity of two samples below which a kernel is narrow. A width of .43 median distances and
# more (Laplacian: .36) is not, half of the samples being nearer than the median.
_NARROW = 0.03
_ROWS = 32  # at least, where there are so many; all estimates are means over them
_BLOCK = 2**20  # numbers that are looked at together


class Spread(NamedTuple):
    """What rows of a Gram matrix say of it."""

    mean: float  # similarity of two samples
    chance: float  # tr K / √(n - 1) |K|, centered: 1 of the identity


def warn_of_narrow(
    a: Sequence[Layer],
    b: Sequence[Layer],
    values: Array,
    options: Mapping[str, Any],
    similarity: Callable[[Array], Array] = np.asarray,
) -> Array:
    """Warn of narrow kernels by which independent layers score much, and leave out such values.

    Only layers of pairs of much `similarity` are looked at: narrow kernels give no less.
    """
    kernel, _ = kernel_of(options)
    if not isinstance(kernel, (RBF, Laplacian)) or not _may_be_narrow(kernel):
        return values
    others = b or a
    known: dict[int, Spread | None] = {}
    found = []
    left = values.copy()
    for i, j in np.argwhere(similarity(values) > MUCH):
        x, y = a[i], others[j]
        if x is y:
            continue
        for layer in (x, y):
            if id(layer) not in known:
                known[id(layer)] = spread_of(layer, kernel)
        of_x, of_y = known[id(x)], known[id(y)]
        if of_x is None or of_y is None:
            continue
        score = of_x.chance * of_y.chance
        if score > MUCH:
            left[i, j] = math.nan
            if b or i < j:
                found.append((score, x.name, y.name))
    if found:
        most, first, second = max(found, key=lambda one: round(one[0], 4))
        warn(
            f"the kernel's width is so small against the distances between the samples of {first} "
            f"and {second} that every sample is similar to little but itself; independent layers "
            f"would score about {most:.2f}{more_pairs(found)}: use a larger width or debiased=True."
        )
    return left


def _may_be_narrow(kernel: RBF | Laplacian) -> bool:
    """Return whether it takes a look at the layers: of a width by the median it may not."""
    return kernel.bandwidth is None or float(_similar(1.0, kernel.bandwidth, kernel)) < 2 * _NARROW


def _similar(squares: Any, width: float, kernel: Kernel) -> Any:
    """Return the kernel of squared distances."""
    with np.errstate(over="ignore", under="ignore"):
        if isinstance(kernel, RBF):
            return np.exp(-np.square(np.sqrt(squares) / width) / 2)
        return np.exp(-np.sqrt(squares) / width)


def spread_of(layer: Layer, kernel: RBF | Laplacian) -> Spread | None:
    """Return what some rows say, or None of a kernel that is not narrow between these alone."""
    n = len(layer.array)
    step = max(n // _ROWS, 1)
    rows = _numbers(layer, slice(0, n, step))
    center = rows.mean(axis=0)
    largest = float(np.abs(rows - center).max())
    if not (largest > 0 and math.isfinite(largest)):
        return None
    some = (rows - center) / largest
    squares = _squared_distances(some, some)
    count = len(some)
    width = (kernel.sigma or 0.0) / largest
    if kernel.bandwidth is not None:
        apart = squares[np.triu_indices(count, 1)]
        width = kernel.bandwidth * math.sqrt(float(np.median(apart)))
    if not width > 0:
        return None
    among = (float(_similar(squares, width, kernel).sum()) - count) / (count * max(count - 1, 1))
    if among >= _NARROW:
        return None
    # Of near samples, such as positions of one image, rows that lie apart see little.
    sums, sums_of_squares = np.zeros(count), np.zeros(count)
    block = max(_BLOCK // layer.array.shape[1], 1)
    for start in range(0, n, block):
        part = (_numbers(layer, slice(start, min(start + block, n))) - center) / largest
        similar = _similar(_squared_distances(some, part), width, kernel)
        sums += similar.sum(axis=1)
        sums_of_squares += np.square(similar).sum(axis=1)
    mean = float(sums.mean())
    if (mean - 1) / (n - 1) >= _NARROW:
        return None
    norm = n * float(sums_of_squares.mean()) - 2 * float(np.square(sums).mean()) + mean**2
    return Spread((mean - 1) / (n - 1), min((n - mean) / math.sqrt((n - 1) * norm), 1.0))


def _numbers(layer: Layer, rows: slice) -> Array:
    return layer.part(rows, slice(0, layer.array.shape[1])).astype(np.float64)


def _squared_distances(x: Array, y: Array) -> Array:
    """Return those of all rows of x and y; 0 where rounding may leave less of equal ones."""
    norms = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
    found: Array = norms - 2 * (x @ y.T)
    found[found < 1e-13 * norms] = 0
    return found
