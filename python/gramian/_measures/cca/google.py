"""PWCCA as google/svcca computes it, from products of the layers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._input.read import ReadLayer
from ..grid import Grid
from ..ranks import CONSTANT_UNITS, epsilon

__all__ = ["google_pwcca"]

Array = npt.NDArray[np.float64]


def google_pwcca(grid: Grid) -> Array:
    """Return PWCCA as google/svcca's `compute_pwcca` has it, with epsilon 0, of every pair."""
    prepared = calls.prepare_centred(grid.cores, double=True)
    of_x, of_y = grid.sides(prepared)
    return np.array(
        [
            [
                _of_pair((x, y), (mine, theirs))
                for y, theirs in zip(grid.others, of_y or of_x, strict=True)
            ]
            for x, mine in zip(grid.xs, of_x, strict=True)
        ]
    )


def _of_pair(
    pair: tuple[ReadLayer, ReadLayer], centred: tuple[calls.PreparedLayer, calls.PreparedLayer]
) -> float:
    """From products: there, D = u'(A - m) + m with units in rows, P = qr(D'), weights sum |P'A'|.

    With R the Cholesky factor of DD', P'A' is R^-T D A', and D A' = u'S + n m m'.
    """
    x, y = pair
    S = [[calls.cross(left, right) for right in centred] for left in centred]
    kept = [
        np.sqrt(np.diag(S[k][k]))
        > CONSTANT_UNITS * epsilon(layer) * np.sqrt(np.diag(S[k][k]) + layer.n * layer.means**2)
        for k, layer in enumerate((x, y))
    ]
    if not (kept[0].any() and kept[1].any()):
        return float("nan")
    roots = [_inverse_root(S[k][k][np.ix_(kept[k], kept[k])]) for k in (0, 1)]
    u, rho, vt = np.linalg.svd(roots[0] @ S[0][1][np.ix_(kept[0], kept[1])] @ roots[1])
    side, rotation = (0, u.T) if kept[0].sum() <= kept[1].sum() else (1, vt)
    means = (x, y)[side].means[kept[side]]
    n = x.n
    own = S[side][side][np.ix_(kept[side], kept[side])]
    # u'(A - m) + m: row i of D has the mean of unit i.
    DA = rotation @ own + n * np.outer(means, means)
    DD = rotation @ own @ rotation.T + n * np.outer(means, means)
    weights = np.abs(np.linalg.solve(np.linalg.cholesky(DD), DA)).sum(axis=1)
    return float(np.average(np.clip(rho, 0, 1), weights=weights))


def _inverse_root(S: Array) -> Array:
    """S^(-1/2), symmetric, without the directions in which S is 0."""
    w, V = np.linalg.eigh(S)
    # The usual bound on their rounding, as in np.linalg.matrix_rank.
    kept = w > len(w) * np.finfo(np.float64).eps * w[-1]
    root: Array = (V[:, kept] / np.sqrt(w[kept])) @ V[:, kept].T
    return root
