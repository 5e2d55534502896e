"""Named test inputs: pairs of representations, and arrays that hold the same values otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Pair = tuple[Array, Array]

# Around the edges of vector registers, landmarks (64) and tiles (256 rows).
SIZES = (2, 3, 4, 5, 31, 33, 63, 65, 255, 257)


def widths(n: int) -> dict[str, tuple[int, int]]:
    """Numbers of features (p, q) on all sides of the number of samples."""
    return {
        "one feature": (1, 1),
        "p, q < n": (max(1, n // 2), max(1, n // 3)),
        "p = q = n": (n, n),
        "p < n < q": (2, n + 1),
        "p, q > n": (n + 7, n + 33),
    }


def pair(n: int, p: int, q: int, dtype: Any = "float64", seed: int = 0) -> Pair:
    """Two views of three common factors, with noise; distances between rows are about 3."""
    rng = np.random.default_rng((seed, n, p, q))
    factors = rng.standard_normal((n, 3))
    X, Y = (
        (factors @ rng.standard_normal((3, width)) + rng.standard_normal((n, width)))
        / np.sqrt(width)
        for width in (p, q)
    )
    return X.astype(dtype), Y.astype(dtype)


def demo_pair() -> Pair:
    """The pair of Kornblith et al.'s published demo."""
    rng = np.random.RandomState(1337)
    X = rng.randn(100, 10)
    return X, rng.randn(100, 10) + X


def factor_pair() -> Pair:
    """Twelve common factors, unequal widths, columns of falling scale, offsets."""
    rng = np.random.RandomState(0)
    n = 400
    Z = rng.randn(n, 12)
    X = (Z @ rng.randn(12, 20) + 0.3 * rng.randn(n, 20)) * np.linspace(3, 0.2, 20) + 1.5
    Y = (Z @ rng.randn(12, 30) + 0.5 * rng.randn(n, 30)) * np.linspace(2, 0.1, 30) - 0.7
    return X, Y


def rotated(X: Array, condition: float, seed: int) -> Array:
    """Give X a falling spectrum, rotate it, and move it off the origin."""
    rng = np.random.default_rng(seed)
    p = X.shape[1]
    rotation, _ = np.linalg.qr(rng.standard_normal((p, p)))
    return X * np.geomspace(1, 1 / condition, p) @ rotation + 3


def _constant_column(X: Array, Y: Array) -> Pair:
    X, Y = X.copy(), Y.copy()
    X[:, 2] = 0.1
    Y[:, 0] = 0
    return X, Y


def _duplicated_rows(X: Array, Y: Array) -> Pair:
    X, Y = X.copy(), Y.copy()
    X[1::2] = X[0:-1:2]
    Y[:10] = Y[10:20]
    return X, Y


# Pairs that are awkward, made from an ordinary one.
AWKWARD: dict[str, Callable[[Array, Array], Pair]] = {
    "constant column": _constant_column,
    "duplicated columns": lambda X, Y: (np.hstack([X, X]), np.hstack([Y, Y[:, :3]])),
    "duplicated rows": _duplicated_rows,
    "offset 1000": lambda X, Y: (X + 1000, Y - 1000),
    "offset 1e4": lambda X, Y: (X + 1e4, Y),
    "condition 1e3": lambda X, Y: (rotated(X, 1e3, 1), rotated(Y, 1e3, 2)),
    "identical": lambda X, _: (X, X.copy()),
    "opposite": lambda X, _: (X, -X),
}


def awkward(name: str, dtype: Any) -> Pair:
    """Return one of the awkward pairs, rounded to a dtype."""
    X, Y = AWKWARD[name](*pair(70, 12, 9, seed=5))
    return X.astype(dtype), Y.astype(dtype)


def _every_other(X: Array) -> Array:
    holder = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan, X.dtype)
    view = holder[::2, 1::3]
    view[:] = X
    return view


def _part_of_wider(X: Array) -> Array:
    holder = np.full((X.shape[0], X.shape[1] + 5), np.nan, X.dtype)
    holder[:, 2:-3] = X
    return holder[:, 2:-3]


def _read_only(X: Array) -> Array:
    X = X.copy()
    X.flags.writeable = False
    return X


# The same values in other arrangements of memory.
LAYOUTS: dict[str, Callable[[Array], Any]] = {
    "F order": np.asfortranarray,
    "every other": _every_other,
    "part of a wider array": _part_of_wider,
    "reversed rows": lambda X: X[::-1].copy()[::-1],
    "reversed columns": lambda X: X[:, ::-1].copy()[:, ::-1],
    "reversed F order": lambda X: np.asfortranarray(X[::-1, ::-1])[::-1, ::-1],
    "read-only": _read_only,
    "foreign byte order": lambda X: X.astype(X.dtype.newbyteorder()),
    "matrix": lambda X: X.view(np.matrix),
    "3-D slice": lambda X: np.stack([X * 0, X], axis=2)[:, :, 1],
}
