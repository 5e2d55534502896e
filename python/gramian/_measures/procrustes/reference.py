"""Orthogonal Procrustes and the shape distances in plain numpy."""

from __future__ import annotations

import numpy as np

from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.layout import Layouts, Positions, takes_layout
from .. import ranks
from ..reference_inputs import Array, centered, samples, warn_constant
from .checks import check_alpha

__all__ = ["procrustes", "procrustes_distance", "shape_distance"]


@takes_layout
def procrustes(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """|X'Y|_* / (|X|_F |Y|_F), the sum of the singular values of X'Y.

    Parameters, result and errors are those of `gramian.procrustes`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> round(reference.procrustes(X, [[1, 1], [-1, 0], [0, -1]]), 9)
    0.901387819
    """
    x, y, finite = samples(X, Y, nan_policy)
    if not finite or warn_constant(x, y):
        return float("nan")
    A, B = unit(centered(x)), unit(centered(y))
    return float(min(1.0, np.linalg.svd(A.T @ B, compute_uv=False).sum()))


@takes_layout
def procrustes_distance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """Least |X - Y Q|_F over orthogonal Q, for X and Y of unit norm, zero-padded to one width.

    Parameters, result and errors are those of `gramian.procrustes_distance`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> round(reference.procrustes_distance(X, [[1, 1], [-1, 0], [0, -1]]), 9)
    0.444099496
    """
    x, y, finite = samples(X, Y, nan_policy)
    if not finite or warn_constant(x, y):
        return float("nan")
    return distance(unit(centered(x)), unit(centered(y)))


def distance(A: Array, B: Array) -> float:
    """Least |A - B Q|_F over orthogonal Q; 0 for an array with itself, whatever its condition."""
    if A.shape[1] < B.shape[1]:
        A, B = B, A
    if np.array_equal(A, B):
        return 0.0
    U, _, Vt = np.linalg.svd(B.T @ A, full_matrices=False)
    return float(np.linalg.norm(A - B @ (U @ Vt)))  # U Vt: the rows of Q that meet no padding


@takes_layout
def shape_distance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    alpha: float = 1.0,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
) -> float:
    """arccos(|X~'Y~|_* / (|X~|_F |Y~|_F)), X~ = X (alpha I + (1 - alpha) (X'X)^(-1/2)).

    Williams et al. 2021; parameters, result and errors are those of `gramian.shape_distance`.

    Examples
    --------
    >>> from gramian import reference
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> round(reference.shape_distance(X, [[1, 1], [-1, 0], [0, -1]]), 9)
    0.447832397
    """
    alpha = check_alpha(alpha)
    x, y, finite = samples(X, Y, nan_policy)
    if not finite or warn_constant(x, y):
        return float("nan")
    shapes = []
    for layer in (x, y):
        Z = centered(layer)
        U, s, Vt = np.linalg.svd(Z, full_matrices=False)
        r = int(np.sum(s > ranks.default_tolerance(layer) * s[0]))
        shapes.append(unit(U[:, :r] * (alpha * s[:r] + (1 - alpha)) @ Vt[:r]))
    return float(2 * np.arcsin(distance(*shapes) / 2))  # that arccos, with all digits near 0


def unit(X: Array) -> Array:
    """X / |X|_F."""
    return X / np.linalg.norm(X)
