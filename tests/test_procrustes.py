"""Procrustes and the shape distances."""

from __future__ import annotations

import itertools

import inputs
import numpy as np
import pytest
from test_cca import call, epsilon

import gramian as gm

Array = np.ndarray


def test_by_hand(implementation: str) -> None:
    # X'Y = [[1, 2], [-1, 1]], |X|² = |Y|² = 4. The squares of its singular values sum to 7, their
    # product is 3, so their sum is sqrt(7 + 2 * 3).
    X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
    s = np.sqrt(13) / 4
    assert call("procrustes", implementation, X, Y) == pytest.approx(s, rel=1e-13)
    distance = call("procrustes_distance", implementation, X, Y)
    assert distance == pytest.approx(np.sqrt(2 - 2 * s), rel=1e-13)
    assert call("shape_distance", implementation, X, Y) == pytest.approx(np.arccos(s), rel=1e-13)


def test_scipy_orthogonal_procrustes(device: str) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    X, Y = inputs.pair(80, 9, 9)
    A, B = (M - M.mean(axis=0) for M in (X, Y))
    A, B = A / np.linalg.norm(A), B / np.linalg.norm(B)
    rotation, scale = linalg.orthogonal_procrustes(B, A)
    assert gm.procrustes(X, Y, device=device) == pytest.approx(scale, rel=0, abs=1e-8)
    expected = np.linalg.norm(A - B @ rotation)
    assert gm.procrustes_distance(X, Y, device=device) == pytest.approx(expected, rel=0, abs=1e-8)


@pytest.mark.parametrize("widths", [(7, 7), (7, 4), (4, 7)])
@pytest.mark.parametrize("size", [1e-2, 1e-4, 1e-7, 1e-10])
def test_small_distances_keep_their_digits(
    widths: tuple[int, int], size: float, implementation: str
) -> None:
    """sqrt(2 - 2s) would give 0, or noise of 1e-8."""
    rng = np.random.default_rng(3)
    X, E = rng.standard_normal((50, 7)), rng.standard_normal((50, 7))
    p, q = widths
    X[:, min(p, q) :] = 0  # what the narrower one lacks
    E[:, min(p, q) :] = 0
    Y = X + size * E
    rotation = np.linalg.qr(rng.standard_normal((p, p)))[0]
    got = call("procrustes_distance", implementation, 3 * X[:, :p] @ rotation + 1, Y[:, :q])
    A, B = (M - M.mean(axis=0) for M in (X, Y))
    A, B = A / np.linalg.norm(A), B / np.linalg.norm(B)
    U, _, Vt = np.linalg.svd(B.T @ A)
    expected = np.linalg.norm(A - B @ (U @ Vt))
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-14)


def test_metric(implementation: str) -> None:
    """Zero only up to rotation, symmetric, and the triangle inequality, padding included."""
    layers = [inputs.pair(40, p, 3, seed=p)[0] for p in (2, 5, 5, 9)]
    layers[2] = layers[1] + 0.3 * layers[2]
    for name in ("procrustes_distance", "shape_distance"):
        D = np.array([[call(name, implementation, X, Y) for Y in layers] for X in layers])
        np.testing.assert_allclose(D, D.T, rtol=0, atol=1e-7)
        assert np.all(D[:, :, None] <= D[:, None, :] + D.T[None, :, :] + 1e-7)
        np.testing.assert_allclose(np.diag(D), 0, rtol=0, atol=1e-7)


def test_shapes_between_cca_and_procrustes(implementation: str) -> None:
    X, Y = inputs.pair(60, 6, 6)
    rho = call("cca", implementation, X, Y).mean
    ends = [call("shape_distance", implementation, X, Y, alpha=alpha) for alpha in (0, 1)]
    assert ends[0] == pytest.approx(np.arccos(rho), abs=1e-12)
    assert ends[1] == pytest.approx(np.arccos(call("procrustes", implementation, X, Y)), abs=1e-12)


@pytest.mark.parametrize("alpha", [0, 0.2, 0.7, 1])
def test_shapes_by_their_definition(alpha: float, implementation: str) -> None:
    X, Y = inputs.pair(60, 6, 4)
    whitened = []
    for M in (X, Y):
        A = M - M.mean(axis=0)
        w, V = np.linalg.eigh(A.T @ A)
        Z = A @ (alpha * np.eye(len(w)) + (1 - alpha) * (V / np.sqrt(w)) @ V.T)
        whitened.append(Z / np.linalg.norm(Z))
    s = np.linalg.svd(whitened[0].T @ whitened[1], compute_uv=False).sum()
    got = call("shape_distance", implementation, X, Y, alpha=alpha)
    assert got == pytest.approx(np.arccos(s), rel=0, abs=1e-11)


def test_invariant_to_rotation_and_scale(device: str, dtype: str) -> None:
    X, Y = inputs.pair(60, 8, 5, dtype)
    rotation = np.linalg.qr(np.random.default_rng(0).standard_normal((8, 8)))[0].astype(dtype)
    for name in ("procrustes", "procrustes_distance"):
        value = call(name, device, X, Y)
        changed = call(name, device, 100 * X @ rotation + 3, Y)
        assert changed == pytest.approx(value, rel=0, abs=100 * epsilon(dtype))


def test_float_layers_with_a_large_unit_keep_small_distances(device: str) -> None:
    """A rotation of the small columns is lost in the rounding of X'Y beside the large one."""
    X = np.random.default_rng(0).standard_normal((2000, 256)).astype("float32")
    X[:, 0] *= 1e3
    atol = 100 * epsilon("float32")
    assert gm.procrustes_distance(X, X.copy(), device=device) == pytest.approx(0, abs=atol)
    assert gm.procrustes_distance(X, X, device=device) == 0
    turned = X[:, ::-1].copy()
    assert gm.procrustes_distance(X, turned, device=device) == pytest.approx(0, abs=atol)


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
def test_shape_distance_near_0(alpha: float, implementation: str, dtype: str) -> None:
    """All digits, where arccos has half of them; and then a metric to rounding."""
    rng = np.random.default_rng(1)
    X = rng.standard_normal((60, 7))
    layers = [(X + size * rng.standard_normal((60, 7))).astype(dtype) for size in (0, 1e-3, 1e-2)]
    d = np.array(
        [
            [call("shape_distance", implementation, A, B, alpha=alpha) for A in layers]
            for B in layers
        ]
    )
    atol = 100 * epsilon(dtype)
    np.testing.assert_allclose(np.diag(d), 0, rtol=0, atol=atol)
    assert 1e-4 < d[0, 1] < 0.1
    for A, row in zip(layers, d, strict=True):
        expected = [call("shape_distance", "reference", B, A, alpha=alpha) for B in layers]
        np.testing.assert_allclose(row, expected, rtol=0, atol=atol)
    for i, j, k in itertools.product(range(3), repeat=3):
        assert d[i, k] <= d[i, j] + d[j, k] + atol
