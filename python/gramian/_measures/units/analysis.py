"""What is made of a correlation matrix of units: matching, clustering, penalties, equal units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.types import DeviceArray
from ..._extras import require
from ..._input.arrays import Layer
from ..._input.checks import first_not_finite
from .. import ranks
from . import checks
from .results import Clusters, Matching

__all__ = [
    "ALIKE",
    "Correlations",
    "clustered",
    "distinct",
    "matched",
    "penalties",
    "tolerance",
    "warn_constant",
]

Floats = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

# Of the default grid, which ends where that of scikit-learn's `lasso_path` does.
N_ALPHAS, SMALLEST_ALPHA = 30, 1e-3
# Between correlations of units that are the same up to scale and offset: they differ by at most
# 3.8e-15 (measured with 60 to 100,000 samples and offsets up to 100 standard deviations).
ALIKE = 1e-13


@dataclass(frozen=True, eq=False)
class Correlations:
    """The correlation of every unit with every other, where it was found, and which have one."""

    found: Floats | DeviceArray
    x_varies: Mask
    y_varies: Mask

    @property
    def values(self) -> Floats:
        """The correlations, or a copy of them, in host memory."""
        kept: Floats | None = self.__dict__.get("_values")
        if kept is None:
            kept = self.__dict__["_values"] = calls.on_host(self.found)
        return kept


def tolerance(layer: Layer) -> float:
    """Return the share of a column's norm up to which what varies is rounding."""
    return ranks.CONSTANT_UNITS * ranks.epsilon(layer)


def warn_constant(layer: Layer, left_out: Mask) -> None:
    """Warn of the units that are constant; under "propagate" others are left out too."""
    units = np.flatnonzero(left_out)
    if len(units):
        finite = first_not_finite(layer, units) == len(layer.array)
        checks.warn_left_out(layer, units[finite])


def matched(C: Correlations, method: str, absolute: bool, finite: bool) -> Matching:
    """Match the units of X with those of Y; all correlations are left where they are."""
    rows, columns = np.flatnonzero(C.x_varies), np.flatnonzero(C.y_varies)
    if method == "semi":
        x, y, r = _best(C, rows, columns, absolute)
    else:
        x, y, r = _assigned(C, rows, columns, absolute)
    value = np.abs(r) if absolute else r
    return Matching(
        pairs=np.stack([x, y], axis=1).astype(np.int64),
        correlations=r,
        mean=float(value.mean(dtype=np.float64)) if finite and len(x) else float("nan"),
        method=method,
        absolute=bool(absolute),
        correlation=C.found,
        x_left_out=np.flatnonzero(~C.x_varies),
        y_left_out=np.flatnonzero(~C.y_varies),
    )


Matched = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]  # units, correlations


def _best(C: Correlations, rows: Any, columns: Any, absolute: bool) -> Matched:
    """Return the best partner of every unit of X, which a device finds by itself."""
    if len(rows) == 0 or len(columns) == 0:
        return rows[:0], columns[:0], np.zeros(0, C.found.dtype)
    if not isinstance(C.found, np.ndarray):
        partners, r = calls.largest_in_rows(C.found, absolute=absolute)[:, rows]
        return rows, partners.astype(np.int64), r.astype(C.found.dtype)
    r = C.found[np.ix_(rows, columns)]
    best = (np.abs(r) if absolute else r).argmax(axis=1)
    return rows, columns[best], r[np.arange(len(rows)), best]


def _assigned(C: Correlations, rows: Any, columns: Any, absolute: bool) -> Matched:
    """Return the assignment with the largest sum."""
    r = C.values[np.ix_(rows, columns)]
    if r.size == 0:
        return rows[:0], columns[:0], r.ravel()
    solve = require("scipy.optimize", "units").linear_sum_assignment
    x, y = solve(np.abs(r) if absolute else r, maximize=True)
    return rows[x], columns[y], r[x, y]


def penalties(alphas: npt.NDArray[np.float64] | None, C: Correlations) -> npt.NDArray[np.float64]:
    """Return the alphas, or the default grid: down from the one that leaves no partners."""
    if alphas is not None:
        return alphas
    r = np.abs(C.values[np.ix_(C.x_varies, C.y_varies)])
    largest = float(r.max(initial=0)) or 1.0  # without any correlation, any grid will do
    return np.geomspace(largest, SMALLEST_ALPHA * largest, N_ALPHAS)


def distinct(gram: Floats, cross: Floats) -> npt.NDArray[np.int64]:
    """Return the units without those that equal an earlier one up to sign, scale and offset.

    Which of two equal units takes the weight is undetermined. They have the same correlations
    with everything; a correlation of 1 alone says less, since it is a cosine.
    """
    earlier = np.tril(np.abs(gram), -1)
    first = earlier.argmax(axis=1)
    alike = np.flatnonzero(earlier.max(axis=1) > 1 - ALIKE)
    sign = np.sign(gram[alike, first[alike]])[:, None]
    equal = [np.abs(m[alike] - sign * m[first[alike]]).max(axis=1) <= ALIKE for m in (gram, cross)]
    # Not by numpy's set operations: they let go of the GIL in C++, which a daemon thread that wants
    # it back while the interpreter ends does not survive.
    others = np.ones(len(gram), dtype=bool)
    others[alike[equal[0] & equal[1]]] = False
    return np.flatnonzero(others)


def clustered(C: Correlations, n_clusters: int, seed: int) -> Clusters:
    """Cluster the units of both sides by the spectrum of their bipartite graph."""
    r = np.nan_to_num(C.values.astype(np.float64))
    W = np.maximum(r, 0)
    rows, columns = np.flatnonzero(W.any(axis=1)), np.flatnonzero(W.any(axis=0))
    k = checks.check_clusters(n_clusters, len(rows) + len(columns))
    labels = np.full(sum(W.shape), -1, dtype=np.int64)
    nodes = np.concatenate([rows, len(W) + columns])
    if len(nodes):
        labels[nodes] = _spectral(W[np.ix_(rows, columns)], k, seed)
    x_labels, y_labels = labels[: len(W)], labels[len(W) :]
    members = [(side[:, None] == np.arange(k)).astype(np.float64) for side in (x_labels, y_labels)]
    sizes = np.stack([m.sum(axis=0) for m in members], axis=1)
    with np.errstate(invalid="ignore"):
        means = members[0].T @ r @ members[1] / np.outer(sizes[:, 0], sizes[:, 1])
    return Clusters(x_labels, y_labels, sizes.astype(np.int64), means, C.found)


def _spectral(W: Floats, k: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the cluster of every node of the bipartite graph [[0, W], [W', 0]], largest first."""
    linalg, cluster = require("scipy.linalg", "units"), require("sklearn.cluster", "units")
    p, n = len(W), sum(W.shape)
    A = np.zeros((n, n))
    A[:p, p:] = W / np.sqrt(W.sum(axis=1))[:, None] / np.sqrt(W.sum(axis=0))
    A += A.T
    vectors = linalg.eigh(A, subset_by_index=[n - k, n - 1])[1]
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors /= np.where(norms > 0, norms, 1)  # 0: a node of a component that none of them is in
    means = cluster.KMeans(k, init="k-means++", n_init=10, random_state=seed)
    found = means.fit_predict(vectors)
    rank = np.argsort(np.argsort(-np.bincount(found, minlength=k), kind="stable"))
    return np.asarray(rank[found], dtype=np.int64)
