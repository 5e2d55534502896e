"""What people run today, re-stated as small vectorized functions.

A function for a pair takes X and Y, one for two models takes their lists of layers A and B, in the
arrays of its own library and the dtype of ours; those with an RBF kernel take sigma too (None: the
median distance).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from bench import peers_cca

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PEERS", "Peer"]


def numpy_linear(X: Any, Y: Any) -> float:
    """Linear CKA in feature space: center the columns, |X'Y|² / (|X'X| |Y'Y|)."""
    X = X - X.mean(axis=0)
    Y = Y - Y.mean(axis=0)
    cross = np.linalg.norm(X.T @ Y) ** 2
    return float(cross / (np.linalg.norm(X.T @ X) * np.linalg.norm(Y.T @ Y)))


def numpy_gram(X: Any, Y: Any) -> float:
    """Linear CKA in sample space: X X' centered by means, one dot and two norms."""
    return _numpy_alignment(_numpy_centered(X @ X.T), _numpy_centered(Y @ Y.T))


def numpy_demo(X: Any, Y: Any, sigma: float | None) -> float:
    """RBF CKA as in the numpy demo of Kornblith et al., its symmetry check and copy included.

    Its float32 dot and norms are off by 8e-5 at n = 5,000.
    """
    K, L = _numpy_rbf(X, sigma), _numpy_rbf(Y, sigma)
    for gram in (K, L):
        if not np.allclose(gram, gram.T):
            raise ValueError("a Gram matrix must be symmetric")
    return _numpy_alignment(_numpy_centered(K.copy()), _numpy_centered(L.copy()))


def numpy_rbf(X: Any, Y: Any, sigma: float | None) -> float:
    """RBF CKA as in the numpy demo, without its symmetry check and copy."""
    K = _numpy_centered(_numpy_rbf(X, sigma))
    L = _numpy_centered(_numpy_rbf(Y, sigma))
    return _numpy_alignment(K, L)


def numpy_debiased(X: Any, Y: Any) -> float:
    """Debiased linear CKA in feature space, as in the same demo."""
    X = X - X.mean(axis=0)
    Y = Y - Y.mean(axis=0)
    rows_x = np.einsum("ij,ij->i", X, X)
    rows_y = np.einsum("ij,ij->i", Y, Y)
    n = len(X)

    def dot(product: Any, r: Any, s: Any) -> Any:
        square = np.linalg.norm(product) ** 2
        return square - n / (n - 2) * r.dot(s) + r.sum() * s.sum() / ((n - 1) * (n - 2))

    norms = dot(X.T @ X, rows_x, rows_x) * dot(Y.T @ Y, rows_y, rows_y)
    return float(dot(X.T @ Y, rows_x, rows_y) / np.sqrt(norms))


def numpy_pairwise(A: list[Any], B: list[Any]) -> Any:
    """Linear CKA by the numpy snippet, in a loop over all pairs of layers."""
    return [[numpy_linear(X, Y) for Y in B] for X in A]


def numpy_grams(A: list[Any], B: list[Any]) -> Any:
    """Linear Gram of every layer once, centered by means, then one product of the raveled Grams."""
    return _numpy_map([X @ X.T for X in A], [Y @ Y.T for Y in B])


def numpy_rbf_grams(A: list[Any], B: list[Any], sigma: float | None) -> Any:
    """RBF Gram of every layer once, centered by means, then one product of the raveled Grams."""
    return _numpy_map([_numpy_rbf(X, sigma) for X in A], [_numpy_rbf(Y, sigma) for Y in B])


def torch_linear(X: Any, Y: Any) -> float:
    """Linear CKA in feature space: center the columns, |X'Y|² / (|X'X| |Y'Y|), in torch."""
    X = X - X.mean(0, keepdim=True)
    Y = Y - Y.mean(0, keepdim=True)
    cross = (X.T @ Y).norm() ** 2
    return float(cross / ((X.T @ X).norm() * (Y.T @ Y).norm()))


def torch_rbf(X: Any, Y: Any, sigma: float | None) -> float:
    """RBF CKA in torch: X X', squared distances, exp, centering by means, three sums of products.

    By X X' since cdist takes half as long again; by sums since `norm` is off by 1e-3 in float32.
    """
    K = _torch_centered(_torch_rbf_gram(X, sigma))
    L = _torch_centered(_torch_rbf_gram(Y, sigma))
    return float((K * L).sum() / ((K * K).sum() * (L * L).sum()).sqrt())


def torch_grams(A: list[Any], B: list[Any]) -> Any:
    """Linear Gram of every layer once, centered by means, one product of all of them, in torch."""
    return _torch_map([X @ X.T for X in A], [Y @ Y.T for Y in B])


def torch_rbf_grams(A: list[Any], B: list[Any], sigma: float | None) -> Any:
    """RBF Gram of every layer once, centered by means, one product of all of them, in torch."""
    return _torch_map(
        [_torch_rbf_gram(X, sigma) for X in A], [_torch_rbf_gram(Y, sigma) for Y in B]
    )


def pytorch_cka(A: list[Any], B: list[Any]) -> Any:
    """Debiased linear CKA of pytorch-cka 1.1.3, `cka_from_features`: stacked Grams, one einsum."""
    import torch

    try:
        from cka import cka_from_features  # the package's own, where it is installed
    except ImportError:
        cka_from_features = _cka_from_features
    with torch.inference_mode():
        return cka_from_features(A, B).tolist()


def lasso_path(X: Any, Y: Any) -> Any:
    """LASSO of every unit of Y at 30 alphas: scikit-learn's lasso_path on one Gram, one by one."""
    from sklearn.linear_model import lasso_path

    X, Y = ((Z - Z.mean(axis=0)) / Z.std(axis=0) for Z in (X, Y))
    gram, cross = X.T @ X, X.T @ Y
    largest = np.abs(cross).max() / len(X)
    alphas = np.geomspace(largest, 1e-3 * largest, 30)
    r2 = []
    for j, y in enumerate(Y.T):
        _, W, _ = lasso_path(X, y, precompute=gram, alphas=alphas, tol=1e-6)
        r2.append((2 * cross[:, j] @ W - np.sum(W * (gram @ W), axis=0)) / len(X))
    return np.mean(r2, axis=0).tolist()


def _numpy_rbf(X: Any, sigma: float | None) -> Any:
    dots = X @ X.T
    norms = np.diag(dots)
    squares = -2 * dots + norms[:, None] + norms[None, :]
    width = np.median(squares) if sigma is None else sigma**2
    return np.exp(-squares / X.dtype.type(2 * width))


def _numpy_centered(gram: Any) -> Any:
    means = np.mean(gram, axis=0, dtype=np.float64)
    means -= means.mean() / 2
    gram -= means[:, None]
    gram -= means[None, :]
    return gram


def _numpy_alignment(K: Any, L: Any) -> float:
    return float(K.ravel().dot(L.ravel()) / (np.linalg.norm(K) * np.linalg.norm(L)))


def _numpy_map(A: list[Any], B: list[Any]) -> Any:
    K, L = (np.stack([_numpy_centered(gram).ravel() for gram in grams]) for grams in (A, B))
    norms_k, norms_l = ([np.linalg.norm(row) for row in stack] for stack in (K, L))
    return (K @ L.T / np.outer(norms_k, norms_l)).tolist()


def _torch_rbf_gram(X: Any, sigma: float | None) -> Any:
    import torch

    dots = X @ X.T
    norms = dots.diagonal()
    squares = (norms[:, None] + norms - 2 * dots).clamp_min(0)
    width = squares.median() if sigma is None else sigma**2
    return torch.exp(-squares / (2 * width))


def _torch_centered(gram: Any) -> Any:
    means = gram.mean(0)
    means -= means.mean() / 2
    return gram - means[:, None] - means[None, :]


def _torch_map(A: list[Any], B: list[Any]) -> Any:
    import torch

    K, L = (torch.stack([_torch_centered(gram).ravel() for gram in grams]) for grams in (A, B))
    squares = [torch.stack([(row * row).sum() for row in stack]) for stack in (K, L)]
    return (K @ L.T / torch.outer(*squares).sqrt()).tolist()


def _cka_from_features(A: list[Any], B: list[Any]) -> Any:
    """Do what the package does, operation by operation; the same bits."""
    import torch

    K, L = (torch.stack([X @ X.T for X in model]) for model in (A, B))
    n = K.shape[1]

    def sums(grams: Any) -> tuple[Any, Any, Any]:
        diagonal = torch.diagonal(grams, dim1=-2, dim2=-1)
        total = grams.sum(dim=(-2, -1)) - diagonal.sum(dim=-1)
        return diagonal, total, grams.sum(dim=-2) - diagonal

    def hsic(trace: Any, totals: Any, columns: Any) -> Any:
        return (trace + totals / ((n - 1) * (n - 2)) - 2 / (n - 2) * columns) / (n * (n - 3))

    def norm(grams: Any, diagonal: Any, total: Any, columns: Any) -> Any:
        trace = (grams * grams).sum(dim=(-2, -1)) - (diagonal * diagonal).sum(dim=-1)
        return hsic(trace, total * total, (columns * columns).sum(dim=-1))

    of_k, of_l = sums(K), sums(L)
    trace = torch.einsum("aij,bij->ab", K, L) - torch.einsum("ai,bi->ab", of_k[0], of_l[0])
    cross = hsic(trace, torch.outer(of_k[1], of_l[1]), torch.mm(of_k[2], of_l[2].T))
    product = torch.outer(norm(K, *of_k), norm(L, *of_l))
    return torch.clamp(cross / product.clamp(min=0).sqrt(), min=0.0, max=1.0)


@dataclass(frozen=True)
class Peer:
    """A function from outside: its library, and what its value is."""

    library: str
    function: Callable[..., Any]
    options: dict[str, Any] = field(default_factory=dict)  # those of ours that give its value
    maps: bool = True  # False: of a map it does a few pairs, one after the other; see `runner`

    @property
    def statement(self) -> str:
        """What it re-states, in one line."""
        return (self.function.__doc__ or "").partition("\n")[0]


PEERS = {
    "numpy": Peer("numpy", numpy_linear),
    "numpy gram": Peer("numpy", numpy_gram),
    "numpy demo": Peer("numpy", numpy_demo),
    "numpy rbf": Peer("numpy", numpy_rbf),
    "numpy debiased": Peer("numpy", numpy_debiased, {"debiased": True}),
    "numpy pairwise": Peer("numpy", numpy_pairwise),
    "numpy grams": Peer("numpy", numpy_grams),
    "numpy rbf grams": Peer("numpy", numpy_rbf_grams),
    "lasso_path": Peer("numpy", lasso_path),
    "torch": Peer("torch", torch_linear),
    "torch rbf": Peer("torch", torch_rbf),
    "torch grams": Peer("torch", torch_grams),
    "torch rbf grams": Peer("torch", torch_rbf_grams),
    "pytorch-cka": Peer("torch", pytorch_cka, {"debiased": True}),
    "numpy qr": Peer("numpy", peers_cca.numpy_qr),
    "numpy qr squared": Peer("numpy", peers_cca.numpy_qr_squared),
    "anatome": Peer("torch", peers_cca.anatome_qr),
    "google cca": Peer("numpy", peers_cca.google_cca),
    "google svcca": Peer("numpy", peers_cca.google_svcca, maps=False),
    "google pwcca": Peer("numpy", peers_cca.google_pwcca, {"variant": "google"}, maps=False),
    "netrep": Peer("numpy", peers_cca.netrep),
}
