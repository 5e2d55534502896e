"""What people run on a GPU for the same jobs, in torch and CuPy.

Functions of pairs take X and Y, those of models A and B; more of torch's is in bench/peers.py. With
double arrays they are what the values of ours are held against.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "array_cca",
    "array_linear",
    "array_procrustes",
    "array_rbf",
    "torch_cca",
    "torch_procrustes",
    "torch_pwcca_map",
]


def array_linear(xp: Any, X: Any, Y: Any) -> float:
    """Linear CKA in feature space; xp is numpy or CuPy, here and below."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    norm = xp.linalg.norm
    return float(norm(X.T @ Y) ** 2 / (norm(X.T @ X) * norm(Y.T @ Y)))


def array_rbf(xp: Any, X: Any, Y: Any, sigma: float | None) -> float:
    """RBF CKA by whole Gram matrices; without sigma, by the median distance."""
    grams = []
    for Z in (X, Y):
        dots = Z @ Z.T
        norms = dots.diagonal().copy()
        dots *= -2
        dots += norms[:, None]
        dots += norms[None, :]
        width = float(xp.median(dots)) if sigma is None else sigma**2
        dots *= -0.5 / width
        K = xp.exp(dots, out=dots)
        means = K.mean(axis=0)
        K -= (means - means.mean() / 2)[:, None]
        K -= (means - means.mean() / 2)[None, :]
        grams.append(K.ravel())
    K, L = grams
    return float(K.dot(L) / xp.sqrt(K.dot(K) * L.dot(L)))


def array_cca(xp: Any, X: Any, Y: Any) -> float:
    """Mean canonical correlation by QR of both."""
    Qx, _ = xp.linalg.qr(X - X.mean(axis=0))
    Qy, _ = xp.linalg.qr(Y - Y.mean(axis=0))
    return float(xp.linalg.svd(Qx.T @ Qy, compute_uv=False).mean())


def array_procrustes(xp: Any, X: Any, Y: Any) -> float:
    """Nuclear norm of X'Y over the norms of both."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    values = xp.linalg.svd(X.T @ Y, compute_uv=False)
    return float(values.sum() / (xp.linalg.norm(X) * xp.linalg.norm(Y)))


def torch_cca(X: Any, Y: Any, driver: str | None = None) -> float:
    """Mean canonical correlation by QR of both; the driver is cuSOLVER's, of the SVD."""
    import torch

    Qx, _ = torch.linalg.qr(X - X.mean(0))
    Qy, _ = torch.linalg.qr(Y - Y.mean(0))
    return float(torch.linalg.svdvals(Qx.T @ Qy, driver=driver).mean())


def torch_procrustes(X: Any, Y: Any, driver: str | None = None) -> float:
    """Nuclear norm of X'Y over the norms of both."""
    import torch

    X, Y = X - X.mean(0), Y - Y.mean(0)
    return float(torch.linalg.svdvals(X.T @ Y, driver=driver).sum() / (X.norm() * Y.norm()))


def torch_pwcca_map(A: list[Any], B: list[Any]) -> Any:
    """PWCCA of every pair: QR of each layer once, then a full SVD a pair."""
    import torch

    bases = []
    for model in (A, B):
        centered = [X - X.mean(0) for X in model]
        bases.append([(X, torch.linalg.qr(X)) for X in centered])
    rows = []
    for X, (Qx, _) in bases[0]:
        row = []
        for _, (Qy, _) in bases[1]:
            U, rho, _ = torch.linalg.svd(Qx.T @ Qy, full_matrices=False)
            weights = ((Qx @ U).T @ X).abs().sum(1)
            row.append(float((weights * rho).sum() / weights.sum()))
        rows.append(row)
    return rows
