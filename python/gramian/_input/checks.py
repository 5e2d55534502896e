"""Checks of layers, and warnings; `arrays` checks a single array, `options` what comes beside."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, NoReturn, cast

import numpy as np
import numpy.typing as npt

from .._core import calls
from .._core.types import DeviceArray
from . import heard
from .arrays import Layer
from .dtypes import values

_PACKAGE = __name__.partition(".")[0]
_LARGEST = 2.0**1022  # a quarter of float64's range: two differ by half of it at most
_INTEGERS = 2.0**53  # the first that float64 may have rounded to: 2**53 + 1 is this as well
_BLOCK = 2**20  # elements looked at in one step, so that no mask as large as the input is made


class UnusableLayerError(ValueError):
    """A layer that its values make unusable for a measure; in a map, others may still be used."""

    __module__ = "gramian"

    def __init__(self, layer: Layer, found: str, message: str) -> None:
        """`found` goes on after the name of the layer: "holds NaN"."""
        super().__init__(message)
        self.layer, self.found = layer, found

    def warn(self) -> None:
        """Warn of the layer instead."""
        warn(f"{self.layer.name} {self.found}: its similarity is undefined (NaN).")


def check_finite(layer: Layer, column_means: npt.NDArray[np.float64]) -> None:
    """Refuse NaN and infinity, given the column means that the measure needs anyway.

    Finite means prove finite elements. Where a mean is not finite, its sum may have overflowed, so
    the elements themselves are looked at; if all of them are finite, there is no error.
    """
    if np.isfinite(column_means).all():
        return
    n, p = layer.array.shape
    rows = first_not_finite(layer, np.flatnonzero(~np.isfinite(column_means)))
    count = int((rows < n).sum())
    if count:
        rest = " all" if count == p else f" {count}"
        i = int(rows.min())
        j = int(np.flatnonzero(~np.isfinite(column_means))[rows.argmin()])
        value = float(layer.part(slice(i, i + 1), slice(j, j + 1))[0, 0])
        raise UnusableLayerError(
            layer,
            "holds NaN or infinity",
            f"{layer.name} must be finite: it holds NaN or infinity, first at [{i}, {j}] "
            f"({value}), in{rest} of "
            f"{p} columns{_without_columns(layer.name, count < p)}; nan_policy='propagate' gives "
            "NaN instead.",
        )


def first_not_finite(layer: Layer, columns: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the first row in which each of these columns is not finite, or the number of rows."""
    if layer.device is not None:
        return calls.first_not_finite(cast(DeviceArray, layer.array))[columns]
    n = len(layer.array)
    rows = np.full(len(columns), n)
    step = max(1, _BLOCK // max(1, len(columns)))
    for start in range(0, n, step):
        bad = ~np.isfinite(values(layer.host[start : start + step, columns], layer.dtype))
        new = bad.any(axis=0) & (rows == n)
        rows[new] = start + bad[:, new].argmax(axis=0)
    return rows


def _without_columns(name: str, some_are_left: bool) -> str:
    return f", which {name}[:, numpy.isfinite({name}).all(axis=0)] leaves out" * some_are_left


def check_range(layer: Layer, largest: float) -> None:
    """Refuse values whose differences may overflow, and integers that float64 does not have."""
    if largest > _LARGEST:
        raise UnusableLayerError(
            layer,
            "holds values whose differences overflow",
            f"{layer.name} must not hold values above {_LARGEST:.3g} in size, whose differences "
            f"overflow, got {largest:.3g}: divide it first.",
        )
    check_integers(layer, largest)


def check_integers(layer: Layer, largest: float) -> None:
    """Refuse integers of which float64, in which they are computed with, has not all."""
    if message := lost_integers(layer.name, layer.dtype, largest):
        raise UnusableLayerError(layer, "holds integers that float64 does not tell apart", message)


def lost_integers(name: str, dtype: str, largest: float) -> str:
    """Return the refusal of integers up to this size, "" if float64 has all of them."""
    if dtype not in ("int64", "uint64") or largest < _INTEGERS:
        return ""
    return (
        f"{name} must not hold integers of 2**53 or more in size, which float64 does not tell "
        f"apart, got {int(largest)}: subtract an integer first, as in {name} - {name}.min(axis=0)."
    )


def check_integer_array(array: npt.NDArray[Any], dtype: str, name: str) -> None:
    """Refuse the same of an array whose elements are converted before it is a layer."""
    if dtype in ("int64", "uint64") and array.size:
        largest = max(abs(float(array.min())), abs(float(array.max())))
        if message := lost_integers(name, dtype, largest):
            raise ValueError(message)


def check_same_samples(layers: Sequence[Layer]) -> None:
    """Refuse representations of different numbers of examples, or on different devices."""
    first = layers[0]
    for other in layers[1:]:
        if other.device != first.device:
            places = ["the CPU" if r.device is None else f"cuda:{r.device}" for r in (first, other)]
            raise ValueError(
                f"{first.name} and {other.name} must live on one device: "
                f"{first.name} is on {places[0]}, {other.name} on {places[1]}."
            )
        if len(other.array) != len(first.array):
            raise ValueError(
                f"{first.name} and {other.name} must have the same number of samples: "
                f"{first.name} has {len(first.array)}, {other.name} has {len(other.array)}"
                f"{_pooling(first, other)}."
            )
        _check_same_positions(first, other)


def _pooling(first: Layer, other: Layer) -> str:
    """Return what would give two layers of positions the same number of samples."""
    made = next((layer.examples for layer in (first, other) if layer.examples is not None), None)
    if made is None:
        return ""
    counts = {
        len(layer.array) if layer.examples is None else layer.examples.number
        for layer in (first, other)
    }
    if len(counts) > 1:
        return ", of different numbers of examples"
    how = "positions='mean' or 'features'" if made.option == "positions" else "reduce='mean'"
    return f", of {counts.pop()} examples each: {how} makes one sample of each example"


def _check_same_positions(first: Layer, other: Layer) -> None:
    """Refuse positions that are not at the same places; a sequence may be an image, row by row."""
    shapes = [() if one.examples is None else one.examples.positions for one in (first, other)]
    if shapes[0] == shapes[1] or (all(shapes) and min(map(len, shapes)) == 1):
        return
    listed = [" x ".join(map(str, shape)) or "none" for shape in shapes]
    raise ValueError(
        f"{first.name} and {other.name} must have the same positions: "
        f"{first.name} has {listed[0]}, {other.name} has {listed[1]}."
    )


class Samples(NamedTuple):
    """The fewest samples that a measure is defined for, and what needs so many."""

    least: int
    why: str  # "the unbiased estimator"


def check_sample_count(layer: Layer, least: int, why: str) -> None:
    """Refuse fewer than `least` samples; `why` names what needs them ("the unbiased estimator")."""
    if len(layer.array) < least:
        raise ValueError(
            f"{layer.name} must have at least {least} samples for {why}, got {len(layer.array)}."
        )


def check_median(layer: Layer, median: float) -> None:
    """Refuse a median distance of 0, which leaves an RBF kernel without a width."""
    if median == 0:
        refuse_zero_median(layer)


def refuse_zero_median(layer: Layer) -> NoReturn:
    """Say what is wrong with a layer whose median distance is 0."""
    raise UnusableLayerError(
        layer,
        "has a zero median distance",
        f"{layer.name} has a zero median distance (at least half of its sample pairs are "
        "identical): give the kernel a sigma, e.g. gramian.RBF(sigma=1.0).",
    )


def check_square(layer: Layer) -> None:
    """Refuse a precomputed Gram matrix that is not square."""
    n, p = layer.array.shape
    if n != p:
        raise ValueError(
            f"{layer.name} must be a Gram matrix (n_samples, n_samples) for kernel='precomputed', "
            f"got shape ({n}, {p})."
        )


def check_symmetric(layer: Layer) -> None:
    """Refuse a precomputed Gram matrix that differs from its transpose by more than rounding.

    Relative to the largest element of a row: 1e-5 are sums in float32 of 10,000 features, in one
    order and in the other (5.0e-6 measured, 2.1e-6 of 1,000), in whatever type they are kept; and
    1e-2 is more than the last digit of bfloat16 is worth, 2**-7.
    """
    n = len(layer.array)
    tolerance = 1e-2 if layer.dtype in ("float16", "bfloat16") else 1e-5
    step = max(1, _BLOCK // n)
    for start, (off, largest) in _asymmetry(layer, step):
        if off.max() > tolerance * largest.max():
            i = start + int(off.argmax())
            row = layer.part(slice(i, i + 1), slice(None)).astype(np.float64)[0]
            column = layer.part(slice(None), slice(i, i + 1)).astype(np.float64)[:, 0]
            j = int(np.abs(row - column).argmax())
            raise UnusableLayerError(
                layer,
                "is no symmetric matrix",
                f"{layer.name} must be symmetric for kernel='precomputed', got {row[j]:g} at "
                f"[{i}, {j}] and {column[j]:g} at [{j}, {i}].",
            )


def _asymmetry(
    layer: Layer, step: int
) -> Iterator[tuple[int, tuple[npt.NDArray[Any], npt.NDArray[Any]]]]:
    """Yield the first of some rows, how much each differs from its column, and its largest size."""
    n = len(layer.array)
    facts = None if layer.device is None else calls.row_facts(cast(DeviceArray, layer.array))
    for start in range(0, n, step):
        some = slice(start, start + step)
        if facts is not None:
            yield start, (facts[0, some], facts[1, some])
            continue
        rows = layer.part(some, slice(None)).astype(np.float64)
        columns = layer.part(slice(None), some).astype(np.float64).T
        yield start, (np.abs(rows - columns).max(axis=1), np.abs(rows).max(axis=1))


def check_no_distances(layer: Layer) -> None:
    """Refuse a matrix of distances as a Gram matrix: 0 on its diagonal, and nowhere below.

    No matrix of a kernel is that: k(x, x) k(y, y) >= k(x, y)².
    """
    if layer.diagonal().any():
        return
    n = len(layer.array)
    largest = 0.0
    if layer.device is not None:
        _, sizes, negative = calls.row_facts(cast(DeviceArray, layer.array))
        if negative.max() > 0:
            return
        largest = float(sizes.max())
    else:
        step = max(1, _BLOCK // n)
        for start in range(0, n, step):
            block = layer.part(slice(start, start + step), slice(None))
            if block.min() < 0:
                return
            largest = max(largest, float(block.max()))
    if largest > 0:
        raise UnusableLayerError(
            layer,
            "holds distances, and not values of a kernel",
            f"{layer.name} must hold values of a kernel for kernel='precomputed', above 0 on "
            "the diagonal, got 0 there and distances elsewhere: of Euclidean distances D, "
            "-D**2 / 2 is what the linear kernel sees, -D what distance correlation does, and "
            "numpy.exp(-D**2 / (2 * sigma**2)) is a Gaussian kernel.",
        )


def warn_constant(names: Iterable[str]) -> None:
    """Warn of each representation whose samples are all the same."""
    for name in names:
        warn(f"{name} is constant: its similarity is undefined (NaN).")


def warn_degenerate(names: Iterable[str]) -> None:
    """Warn of each one that varies, but whose HSIC with itself is 0."""
    for name in names:
        warn(
            f"{name} has an HSIC of 0 with itself (all samples but one are the same, or sigma is "
            "far too small): its similarity is undefined (NaN)."
        )


def more_pairs(found: Sequence[Any]) -> str:
    """Return what a warning about the first of these pairs says of the others."""
    return f" (and so for {len(found) - 1} more pairs)" if len(found) > 1 else ""


def warn(message: str) -> None:
    """Warn at the first line outside the package, however deep the call is."""
    heard.tell(message)
    level, frame = 1, sys._getframe()
    # What `exec` runs may have no name.
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RuntimeWarning, stacklevel=level)
