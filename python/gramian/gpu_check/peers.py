"""What people write for the same jobs, in torch, CuPy or numpy, which is `xp`.

Functions of pairs take X and Y, those of models the lists of their layers A and B. In double they
are what our values are held against.
"""

from __future__ import annotations

from typing import Any

__all__ = ["cca", "linear", "linear_map", "procrustes", "pwcca_map", "rbf", "rbf_map"]


def linear(xp: Any, X: Any, Y: Any) -> float:
    """Linear CKA in feature space."""
    X, Y = X - X.mean(0), Y - Y.mean(0)
    norm = xp.linalg.norm
    return float(norm(X.T @ Y) ** 2 / (norm(X.T @ X) * norm(Y.T @ Y)))


def rbf(xp: Any, X: Any, Y: Any, sigma: float | None) -> float:
    """RBF CKA by whole Gram matrices; without sigma, by the median distance."""
    K, L = (_rbf_gram(xp, Z, sigma) for Z in (X, Y))
    return float((K @ L) / xp.sqrt((K @ K) * (L @ L)))


def linear_map(xp: Any, A: list[Any], B: list[Any]) -> Any:
    """Linear CKA of every pair: the Gram matrix of every layer once, then one product."""
    return _map(xp, *([_centered(X @ X.T) for X in model] for model in (A, B)))


def rbf_map(xp: Any, A: list[Any], B: list[Any], sigma: float | None) -> Any:
    """RBF CKA of every pair, likewise."""
    return _map(xp, *([_rbf_gram(xp, X, sigma) for X in model] for model in (A, B)))


def cca(xp: Any, X: Any, Y: Any) -> float:
    """Mean canonical correlation by QR of both."""
    Qx, _ = xp.linalg.qr(X - X.mean(0))
    Qy, _ = xp.linalg.qr(Y - Y.mean(0))
    return float(_singular_values(xp, Qx.T @ Qy).mean())


def procrustes(xp: Any, X: Any, Y: Any) -> float:
    """Nuclear norm of X'Y over the norms of both."""
    X, Y = X - X.mean(0), Y - Y.mean(0)
    norm = xp.linalg.norm
    return float(_singular_values(xp, X.T @ Y).sum() / (norm(X) * norm(Y)))


def pwcca_map(xp: Any, A: list[Any], B: list[Any]) -> Any:
    """PWCCA of every pair: QR of each layer once, then a full SVD a pair."""
    centered = [[X - X.mean(0) for X in model] for model in (A, B)]
    bases = [[(X, xp.linalg.qr(X)[0]) for X in model] for model in centered]
    rows = []
    for X, Qx in bases[0]:
        row = []
        for _, Qy in bases[1]:
            U, rho, _ = xp.linalg.svd(Qx.T @ Qy, full_matrices=False)
            weights = abs((Qx @ U).T @ X).sum(1)
            row.append(float((weights * rho).sum() / weights.sum()))
        rows.append(row)
    return rows


def _rbf_gram(xp: Any, X: Any, sigma: float | None) -> Any:
    dots = X @ X.T
    norms = dots.diagonal() + 0  # a copy
    dots *= -2
    dots += norms[:, None]
    dots += norms[None, :]
    square = float(xp.median(dots)) if sigma is None else sigma**2
    dots *= -0.5 / square
    return _centered(xp.exp(dots, out=dots))


def _centered(K: Any) -> Any:
    """Subtract the means of rows and columns, in place; return all entries in a row."""
    means = K.mean(0)
    means = means - means.mean() / 2
    K -= means[:, None]
    K -= means[None, :]
    return K.ravel()


def _map(xp: Any, K: list[Any], L: list[Any]) -> Any:
    norms = [xp.sqrt(xp.stack([row @ row for row in grams])) for grams in (K, L)]
    return (xp.stack(K) @ xp.stack(L).T / (norms[0][:, None] * norms[1])).tolist()


def _singular_values(xp: Any, M: Any) -> Any:
    if hasattr(xp.linalg, "svdvals"):
        return xp.linalg.svdvals(M)
    return xp.linalg.svd(M, compute_uv=False)
