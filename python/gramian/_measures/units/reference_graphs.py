"""Matching and clustering of units in plain numpy: the graphs of their correlations.

NaN is the correlation of a unit that has none; such units have no partner, and no cluster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..._extras import require

__all__ = ["best_assignment", "best_partners", "spectral_clusters"]

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Pairs = list[tuple[int, int]]

STARTS = 10  # of k-means


def best_partners(value: Array) -> Pairs:
    """For each row its largest value, of equal ones the first."""
    pairs = []
    for i, row in enumerate(value):
        best = None
        for j, number in enumerate(row):
            if not np.isnan(number) and (best is None or number > row[best]):
                best = j
        if best is not None:
            pairs.append((i, best))
    return pairs


def best_assignment(value: Array) -> Pairs:
    """Return the assignment of largest sum, which solves a linear program.

    Maximize sum value_ij m_ij over m >= 0, where every row and every column of m sums to at most
    1, those of the fewer ones to exactly 1. The vertices of this polytope are the assignments
    (Birkhoff 1946), and the simplex method ends at one.
    """
    known = ~np.isnan(value)
    rows, columns = np.flatnonzero(known.any(axis=1)), np.flatnonzero(known.any(axis=0))
    c = value[np.ix_(rows, columns)]
    p, q = c.shape
    if c.size == 0:
        return []
    sparse, optimize = require("scipy.sparse", "units"), require("scipy.optimize", "units")
    row_sums = sparse.kron(sparse.eye(p), np.ones((1, q)))
    column_sums = sparse.kron(np.ones((1, p)), sparse.eye(q))
    fewer, more = (row_sums, column_sums) if p <= q else (column_sums, row_sums)
    found = optimize.linprog(
        -c.ravel(),
        A_eq=fewer,
        b_eq=np.ones(min(p, q)),
        A_ub=more,
        b_ub=np.ones(max(p, q)),
        method="highs-ds",
        options={"dual_feasibility_tolerance": 1e-10},  # the least that HiGHS takes
    )
    chosen = found.x.reshape(p, q) > 0.5
    return [(int(rows[i]), int(columns[j])) for i, j in np.argwhere(chosen)]


def spectral_clusters(W: Array, k: int, seed: int) -> Integers:
    """Cluster the nodes of [[0, W], [W', 0]], x's before y's; -1 for those without an edge.

    The k eigenvectors of smallest eigenvalue of I - D^-1/2 A D^-1/2, rows of norm 1, by k-means
    (Ng, Jordan, Weiss 2001). The largest cluster is 0.
    """
    p, q = W.shape
    A = np.block([[np.zeros((p, p)), W], [W.T, np.zeros((q, q))]])
    labels = np.full(p + q, -1, dtype=np.int64)
    nodes = np.flatnonzero(A.sum(axis=1) > 0)
    A = A[np.ix_(nodes, nodes)]
    degrees = A.sum(axis=1)
    laplacian = np.eye(len(nodes)) - A / np.sqrt(np.outer(degrees, degrees))
    _, vectors = np.linalg.eigh(laplacian)
    points = vectors[:, :k]
    norms = np.linalg.norm(points, axis=1, keepdims=True)
    points = points / np.where(norms > 0, norms, 1)
    rng = np.random.default_rng(seed)
    runs = [k_means(points, k, rng) for _ in range(STARTS)]
    found, _ = min(runs, key=lambda run: run[1])
    sizes = [int(np.sum(found == label)) for label in range(k)]
    names = sorted(range(k), key=lambda label: -sizes[label])
    for new, old in enumerate(names):
        labels[nodes[found == old]] = new
    return labels


def k_means(points: Array, k: int, rng: Any) -> tuple[Integers, float]:
    """Lloyd's algorithm from the start of Arthur and Vassilvitskii 2007; labels and their cost."""
    centers = [points[rng.integers(len(points))]]
    while len(centers) < k:
        squares = squared_distances(points, np.array(centers)).min(axis=1)
        total = squares.sum()
        odds = squares / total if total > 0 else np.full(len(points), 1 / len(points))
        centers.append(points[rng.choice(len(points), p=odds)])
    means, labels = np.array(centers), np.full(len(points), -1, dtype=np.int64)
    while True:  # ends: the cost falls, and there are finitely many partitions
        squares = squared_distances(points, means)
        nearest = squares.argmin(axis=1)
        if np.array_equal(nearest, labels):
            return labels, float(squares.min(axis=1).sum())
        labels = nearest
        for label in range(k):
            if np.any(labels == label):
                means[label] = points[labels == label].mean(axis=0)


def squared_distances(points: Array, centers: Array) -> Array:
    """Between every point and every center."""
    return np.stack([np.sum((points - center) ** 2, axis=1) for center in centers], axis=1)
