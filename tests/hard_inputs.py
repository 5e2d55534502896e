"""Pairs of layers as real ones are, which float arithmetic finds hard: a generator for each kind.

Every measure meets every kind in test_hard_inputs.py; a measure that is added does so without being
named there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]
N = 120


def related(rng: np.random.Generator, p: int = 9, q: int = 6, n: int = N) -> Pair:
    """Two views of three common factors, with noise."""
    factors = rng.standard_normal((n, 3))
    X, Y = (
        factors @ rng.standard_normal((3, width)) + rng.standard_normal((n, width))
        for width in (p, q)
    )
    return X, Y


def rounded(X: Array, bits: int = 6) -> Array:
    """Round values to a grid, so that sums with whole numbers are exact."""
    return np.round(X * 2**bits) / 2**bits


def labels(rng: np.random.Generator, classes: int, n: int = N) -> npt.NDArray[np.int64]:
    """Return classes, none of them empty."""
    return rng.permutation(np.arange(n) % classes)


@dataclass(frozen=True)
class Kind:
    """A kind of input, made for a dtype; and where one is known, a pair that scores the same.

    A measure has to have the named invariances for that, and no kernel of features as they are.
    """

    make: Callable[[np.random.Generator, Any], Pair]
    easy: Callable[[Array, Array], Pair] | None = None
    invariances: frozenset[str] = frozenset()


def _dead_units(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    X[:, [1, 3]] = [0.1, 0.7]
    Y[:, 2] = -3.3
    return X.astype(dtype), Y.astype(dtype)


def _fill(rng: np.random.Generator, dtype: Any) -> Pair:
    """A unit that a mask has filled throughout."""
    X, Y = related(rng)
    X[:, 4] = -1e9
    return X.astype(dtype), Y.astype(dtype)


def _fills(rng: np.random.Generator, dtype: Any) -> Pair:
    """A unit that a mask has filled for some samples with the lowest number of the dtype."""
    X, Y = related(rng)
    X, Y = X.astype(dtype), Y.astype(dtype)
    X[::3, 4] = np.finfo(np.float32).min
    return X, Y


def _offset(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = (rounded(array, 2) for array in related(rng))
    offset = 2.0**17 if dtype == "float32" else 2.0**40
    return (X + offset).astype(dtype), (Y - offset).astype(dtype)


def _without_offset(X: Array, Y: Array) -> Pair:
    return (X - X[0]).astype(X.dtype), (Y - Y[0]).astype(Y.dtype)


def _outlier_unit(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    X[:, 0] *= 1e25
    return X.astype(dtype), Y.astype(dtype)


def _huge(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    power = 120 if dtype == "float32" else 1015
    return np.ldexp(X, power).astype(dtype), np.ldexp(Y, power - 7).astype(dtype)


def _tiny(rng: np.random.Generator, dtype: Any) -> Pair:
    """Denormal throughout."""
    X, Y = (rounded(array) for array in related(rng))
    power = -140 if dtype == "float32" else -1060
    return np.ldexp(X, power).astype(dtype), np.ldexp(Y, power).astype(dtype)


def _of_usual_size(X: Array, Y: Array) -> Pair:
    found = []
    for array in (X, Y):
        largest = np.abs(array).max()
        exponent = int(np.frexp(largest)[1])
        # In two steps: the power itself may be out of range.
        half = -exponent // 2
        found.append(np.ldexp(np.ldexp(array.astype(np.float64), half), -exponent - half))
    return found[0].astype(X.dtype), found[1].astype(Y.dtype)


def _one_hot(rng: np.random.Generator, dtype: Any) -> Pair:
    X, _ = related(rng)
    kinds = labels(rng, 4)
    X[:, :4] += 2 * np.eye(4)[kinds]
    return X.astype(dtype), np.eye(4)[kinds].astype(dtype)


def _softmax(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    parts = np.exp(Y)
    return X.astype(dtype), (parts / parts.sum(axis=1, keepdims=True)).astype(dtype)


def _counts(rng: np.random.Generator, dtype: Any) -> Pair:
    X, _ = related(rng)
    return X.astype(dtype), rng.multinomial(50, np.full(6, 1 / 6), size=N).astype(dtype)


def _sink(rng: np.random.Generator, dtype: Any) -> Pair:
    """One sample, as the first token of a sequence, that is far larger than all others."""
    X, Y = related(rng)
    X[0, 3] += 1e4
    Y[0, 1] += 1e4
    return X.astype(dtype), Y.astype(dtype)


def _massive_units(rng: np.random.Generator, dtype: Any) -> Pair:
    """Units that hardly vary about a large value."""
    X, Y = related(rng)
    X[:, 2] += 3e3
    Y[:, 4] += 2e3
    return X.astype(dtype), Y.astype(dtype)


def _heavy_tails(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    noise = rng.standard_cauchy((2, N, 1))
    return (X * noise[0]).astype(dtype), (Y * noise[1]).astype(dtype)


def _sparse_relu(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    return np.maximum(X - 1.5, 0).astype(dtype), np.maximum(Y - 1, 0).astype(dtype)


def _clusters(rng: np.random.Generator, dtype: Any) -> Pair:
    """Two tight clusters, far apart; most distances are within one."""
    X, Y = related(rng)
    spread = 1e-4 if dtype == "float32" else 1e-7
    far = (labels(rng, 3) == 0)[:, None] / spread
    return (rounded(X, 10) + rounded(far)).astype(dtype), (rounded(Y, 10) - far).astype(dtype)


def _wide(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng, 150, 90, 40)
    return X.astype(dtype), Y.astype(dtype)


def _wide_and_narrow(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng, 150, 5, 40)
    return X.astype(dtype), Y.astype(dtype)


def _scales(rng: np.random.Generator, dtype: Any) -> Pair:
    """Units from 1e-3 to 1e3."""
    X, Y = related(rng)
    return (X * np.geomspace(1e-3, 1e3, 9)).astype(dtype), (Y * 1e3).astype(dtype)


def _rows_of_all_sizes(rng: np.random.Generator, dtype: Any) -> Pair:
    X, Y = related(rng)
    return (X * np.geomspace(1e-11, 1, N)[:, None]).astype(dtype), Y.astype(dtype)


KINDS: dict[str, Kind] = {
    "dead_units": Kind(_dead_units),
    "fill": Kind(_fill),
    "fills": Kind(_fills),
    "offset": Kind(_offset, _without_offset, frozenset({"translation"})),
    "outlier_unit": Kind(_outlier_unit),
    "huge": Kind(_huge, _of_usual_size, frozenset({"scaling"})),
    "tiny": Kind(_tiny, _of_usual_size, frozenset({"scaling"})),
    "one_hot": Kind(_one_hot),
    "softmax": Kind(_softmax),
    "counts": Kind(_counts),
    "sink": Kind(_sink),
    "massive_units": Kind(_massive_units),
    "heavy_tails": Kind(_heavy_tails),
    "sparse_relu": Kind(_sparse_relu),
    "clusters": Kind(_clusters),
    "wide": Kind(_wide),
    "wide_and_narrow": Kind(_wide_and_narrow),
    "scales": Kind(_scales),
    "rows_of_all_sizes": Kind(_rows_of_all_sizes),
}


def make(name: str, dtype: Any, seed: int = 0) -> Pair:
    """Return a pair of a kind."""
    return KINDS[name].make(np.random.default_rng(seed), dtype)
