"""The calls of Kornblith et al.'s demo, and what it prints."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from children import child

import gramian as gm
from gramian.compat import kornblith


def test_the_calls_of_the_notebook() -> None:
    """In its order, with its data, and its checks of invariance."""
    shown = child(
        """
        import numpy as np
        from gramian.compat.kornblith import (
            cca, center_gram, cka, feature_space_linear_cka, gram_linear, gram_rbf)

        np.random.seed(1337)
        X = np.random.randn(100, 10)
        Y = np.random.randn(100, 10) + X
        print(f"{cka(gram_linear(X), gram_linear(Y)):.6f}")
        print(f"{feature_space_linear_cka(X, Y):.6f}")
        print(f"{cka(gram_rbf(X, 0.5), gram_rbf(Y, 0.5)):.6f}")
        print(f"{cka(gram_linear(X), gram_linear(Y), debiased=True):.6f}")
        print(f"{feature_space_linear_cka(X, Y, debiased=True):.6f}")
        print(f"{cca(X, Y):.5f}")

        transform = np.random.randn(10, 10)
        _, orthogonal = np.linalg.eigh(transform.T.dot(transform))
        same = np.testing.assert_almost_equal
        same(feature_space_linear_cka(X, Y), feature_space_linear_cka(X.dot(orthogonal), Y))
        assert not np.isclose(
            feature_space_linear_cka(X, Y), feature_space_linear_cka(X.dot(transform), Y))
        same(cca(X, Y), cca(X.dot(orthogonal), Y))
        same(cca(X, Y), cca(X.dot(transform), Y))
        same(cca(X, Y), cca(X * 1.337, Y))
        same(feature_space_linear_cka(X, Y), feature_space_linear_cka(X * 1.337, Y))
        """,
        environment={"PYTHONWARNINGS": "ignore"},
    )
    printed = ["0.557613", "0.557613", "0.654831", "0.513456", "0.513456", "0.54312"]
    assert shown.split() == printed


def by_qr(X: np.ndarray, Y: np.ndarray) -> float:
    """|Qx'Qy|² / min(p, q), of columns as they are."""
    (qx, _), (qy, _) = np.linalg.qr(X), np.linalg.qr(Y)
    return float(np.linalg.norm(qx.T @ qy) ** 2 / min(X.shape[1], Y.shape[1]))


@pytest.mark.parametrize("offset", [0.0, 3.0])
def test_cca_is_not_centered_and_says_what_centered_is(offset: float) -> None:
    X, Y = (array + offset for array in inputs.demo_pair())
    with pytest.warns(RuntimeWarning, match=r"which changes the value: the mean squared canonical"):
        found = kornblith.cca(X, Y)
    assert found == pytest.approx(by_qr(X, Y), rel=0, abs=1e-13)


def test_cca_of_centered_features_does_not_warn() -> None:
    X, Y = (array - array.mean(axis=0) for array in inputs.demo_pair())
    assert kornblith.cca(X, Y) == pytest.approx(0.545396332191, rel=0, abs=1e-11)


def test_cca_of_dependent_units_is_that_of_their_span() -> None:
    X, Y = (array - array.mean(axis=0) for array in inputs.demo_pair())
    twice = np.column_stack([X, X[:, :3]])
    assert kornblith.cca(twice, Y) == pytest.approx(kornblith.cca(X, Y), rel=0, abs=1e-12)


def test_cca_of_too_few_samples_says_so() -> None:
    X, Y = inputs.demo_pair()
    with pytest.warns(RuntimeWarning, match="at least 8 of 10 cosines are 1 by construction"):
        assert kornblith.cca(X[:12], Y[:12]) > 0.8


def test_gram_matrices() -> None:
    X, _ = inputs.demo_pair()
    X = X + 2
    np.testing.assert_array_equal(kornblith.gram_linear(X), X @ X.T)
    squares = ((X[:, None] - X) ** 2).sum(axis=2)
    expected = np.exp(-squares / (2 * 0.3**2 * np.median(squares)))
    np.testing.assert_allclose(kornblith.gram_rbf(X, 0.3), expected, rtol=0, atol=1e-13)
    assert kornblith.gram_rbf(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_centering(dtype: str) -> None:
    X, Y = inputs.demo_pair()
    K, L = kornblith.gram_rbf(X).astype(dtype), kornblith.gram_rbf(Y).astype(dtype)
    before, n = K.copy(), len(K)
    H = np.eye(n) - 1 / n
    atol = 10 * float(np.finfo(dtype).eps)
    centered = kornblith.center_gram(K)
    assert centered.dtype == dtype
    np.testing.assert_allclose(centered, H @ K @ H, rtol=0, atol=atol)
    a, b = (kornblith.center_gram(one, unbiased=True) for one in (K, L))
    assert not a.diagonal().any()
    np.testing.assert_array_equal(K, before)
    # Székely and Rizzo: their inner product is the unbiased HSIC of Song et al.
    expected = gm.hsic(K, L, kernel="precomputed", unbiased=True)
    assert np.vdot(a, b) / (n * (n - 3)) == pytest.approx(expected, rel=0, abs=atol)


def test_what_is_not_symmetric_is_refused() -> None:
    with pytest.raises(ValueError, match=r"gram must be a symmetric matrix, got one of shape"):
        kornblith.center_gram([[1.0, 2.0], [0.0, 1.0]])
    with pytest.raises(ValueError, match="gram must be of 3 or more samples for unbiased=True"):
        kornblith.center_gram(np.eye(2), unbiased=True)
