"""Alignment of nearest neighbors, as platonic-rep defines it: for its drop-in module alone."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ._common import Array, warn

__all__ = ["cknna", "cycle_knn", "mutual_knn"]

Marks = npt.NDArray[np.bool_]


def mutual_knn(X: Array, Y: Array, topk: int) -> float:
    """Return the mean share of the neighbors of a sample in X that are its neighbors in Y."""
    x, y = (_is_neighbor(_products(Z), topk, with_self=False) for Z in (X, Y))
    return float((x & y).sum(axis=1).mean() / topk)


def cycle_knn(X: Array, Y: Array, topk: int) -> float:
    """Return the share of samples that are neighbors, in X, of one of their neighbors in Y."""
    x, y = (_is_neighbor(_products(Z), topk, with_self=False) for Z in (X, Y))
    return float((y & x.T).any(axis=1).mean())


def cknna(X: Array, Y: Array, topk: int, *, unbiased: bool) -> float:
    """Return CKA of what Gram matrices, not centered, hold for neighbors in both."""
    K, L = _products(X), _products(Y)
    x, y = (_is_neighbor(M, topk, with_self=not unbiased) for M in (K, L))
    hsic = _unbiased if unbiased else _biased
    square = hsic(K * x, K * x) * hsic(L * y, L * y)
    if not square > 0:
        warn("cknna is undefined (NaN): an HSIC of a representation with itself is not positive.")
        return float("nan")
    return float(hsic(K * (x & y), L * (x & y)) / np.sqrt(square))


def _products(X: Array) -> Array:
    X = X.astype(np.float64)
    found: Array = X @ X.T
    return found


def _is_neighbor(products: Array, topk: int, *, with_self: bool) -> Marks:
    """Mark, in every row, the samples of the largest products."""
    if not with_self:
        products = products.copy()
        np.fill_diagonal(products, -np.inf)
    order = np.argsort(-products, axis=1, kind="stable")[:, :topk]
    marks: Marks = np.zeros(products.shape, dtype=bool)
    np.put_along_axis(marks, order, True, axis=1)
    return marks


def _unbiased(K: Array, L: Array) -> float:
    """Song et al. 2012, eq. 5, of matrices that need not be symmetric."""
    n = len(K)
    K, L = (M - np.diag(M.diagonal()) for M in (K, L))
    pairs = np.sum(K * L.T) + K.sum() * L.sum() / ((n - 1) * (n - 2))
    return float((pairs - 2 / (n - 2) * (K.sum(axis=0) @ L.sum(axis=1))) / (n * (n - 3)))


def _biased(K: Array, L: Array) -> float:
    """tr(K H L H)."""
    K = K - K.mean(axis=0)
    K -= K.mean(axis=1)[:, None]
    return float(np.sum(K * L.T))
