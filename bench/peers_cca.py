"""What people run today for CCA, SVCCA, PWCCA and Procrustes, re-stated from the published methods.

None of these packages is on PyPI in a form that installs beside current numpy, so each function
does what its package does, operation by operation, and no more.
"""

from __future__ import annotations

from typing import Any

import numpy as np


def numpy_qr(X: Any, Y: Any) -> float:
    """Mean correlation by numpy: center, QR of both, singular values of Qx'Qy."""
    return float(np.linalg.svd(_numpy_qq(X, Y), compute_uv=False).mean())


def numpy_qr_squared(X: Any, Y: Any) -> float:
    """R²_CCA as in the numpy demo of Kornblith et al.: |Qx'Qy|² / min(p, q)."""
    QQ = _numpy_qq(X, Y)
    return float(np.linalg.norm(QQ) ** 2 / min(QQ.shape))


def _numpy_qq(X: Any, Y: Any) -> Any:
    Qx, _ = np.linalg.qr(X - X.mean(axis=0))
    Qy, _ = np.linalg.qr(Y - Y.mean(axis=0))
    return Qx.T @ Qy


def anatome_qr(X: Any, Y: Any) -> float:
    """Mean correlation by anatome: torch QR of both, full SVD, the weights of both sides."""
    import torch

    X, Y = X - X.mean(0), Y - Y.mean(0)
    Qx, Rx = torch.linalg.qr(X)
    Qy, Ry = torch.linalg.qr(Y)
    U, rho, Vh = torch.linalg.svd(Qx.T @ Qy, full_matrices=False)
    torch.linalg.inv(Rx) @ U
    torch.linalg.inv(Ry) @ Vh.T
    return float(rho.mean())


def google_cca(X: Any, Y: Any) -> float:
    """Mean correlation by google/svcca: joint covariance, pinv, symmetric roots, full SVD."""
    return float(np.mean(_google(X.T, Y.T)[1]))


def google_pwcca(X: Any, Y: Any) -> float:
    """PWCCA by google/svcca's `compute_pwcca`: the same, and a QR of the variates."""
    A = X.T
    u, rho, _ = _google(A, Y.T)
    means = A.mean(axis=1, keepdims=True)
    P, _ = np.linalg.qr((u.T @ (A - means) + means).T)
    return float(np.average(rho, weights=np.abs(P.T @ A.T).sum(axis=1)))


def google_svcca(X: Any, Y: Any) -> float:
    """SVCCA as google/svcca's tutorial has it: SVD of both, the directions of 99 %, then CCA."""
    kept = []
    for A in (X.T, Y.T):
        _, s, Vt = np.linalg.svd(A - A.mean(axis=1, keepdims=True), full_matrices=False)
        k = int(np.searchsorted(np.cumsum(s**2) / np.sum(s**2), 0.99)) + 1
        kept.append(s[:k, None] * Vt[:k])
    return float(np.mean(_google(*kept)[1]))


def _google(A: Any, B: Any) -> tuple[Any, Any, Any]:
    p = len(A)
    covariance = np.cov(A, B)
    x, y = covariance[:p, :p], covariance[p:, p:]
    largest = np.abs(x).max(), np.abs(y).max()
    xy = covariance[:p, p:] / np.sqrt(largest[0] * largest[1])
    roots = []
    for S in (x / largest[0], y / largest[1]):
        w, V = np.linalg.eigh(np.linalg.pinv(S))
        roots.append(V @ np.diag(np.sqrt(np.abs(w))) @ V.T)
    u, rho, vt = np.linalg.svd(roots[0] @ xy @ roots[1])
    return u, np.abs(rho), vt


def netrep(X: Any, Y: Any) -> float:
    """Angular Procrustes distance by netrep's LinearMetric: full SVD, both layers rotated."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    U, _, Vt = np.linalg.svd(X.T @ Y)
    A, B = X @ U, Y @ Vt.T
    cosine = np.vdot(A, B) / (np.linalg.norm(A) * np.linalg.norm(B))
    return float(np.arccos(np.clip(cosine, -1, 1)))
