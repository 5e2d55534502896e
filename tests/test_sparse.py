"""Sparse prediction: scikit-learn's Lasso, optimality, paths, awkward units."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import inputs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gramian as gm


def standardized(X: np.ndarray) -> np.ndarray:
    X = X - X.mean(axis=0)
    return X / np.sqrt(np.mean(X**2, axis=0))


def latent_pair(n: int, p: int, q: int, seed: int = 0) -> inputs.Pair:
    """Units that share 16 latent variables, each one of them and noise."""
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((n, 16))
    X, Y = (
        latent[:, rng.integers(0, 16, width)] + 1.5 * rng.standard_normal((n, width))
        for width in (p, q)
    )
    return X, Y


def test_by_hand(implementation: str) -> None:
    """Orthogonal units: each correlation is shrunk by alpha."""
    X = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])
    y = X @ [[3], [-1]] + 5  # correlations 3 and -1 over sqrt(10)
    r = np.array([3, -1]) / np.sqrt(10)
    found = gm.sparse_prediction(X, y, [0.1, 0.5, 2], device=implementation)
    assert found.alphas.tolist() == [2, 0.5, 0.1]
    expected = [[0, 0], [r[0] - 0.5, 0], [r[0] - 0.1, r[1] + 0.1]]
    np.testing.assert_allclose(found.coefficients[:, :, 0], expected, rtol=0, atol=1e-14)
    assert found.n_partners[:, 0].tolist() == [0, 1, 2]
    r2 = [0, r[0] ** 2 - 0.25, 1 - 2 * 0.1**2]
    np.testing.assert_allclose(found.r2[:, 0], r2, rtol=0, atol=1e-14)
    assert found.score == found.r2[-1, 0]


def test_scikit_learns_lasso(implementation: str) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    X, Y = latent_pair(500, 64, 64 if implementation == "cpu" else 4)
    found = gm.sparse_prediction(X, Y, tol=1e-12, device=implementation)
    Xs, Ys = standardized(X), standardized(Y)
    top = np.abs(Xs.T @ Ys).max() / len(X)
    np.testing.assert_allclose(found.alphas, np.geomspace(top, 1e-3 * top, 30), rtol=1e-12)
    for j in range(Y.shape[1]):
        _, theirs, _ = linear_model.lasso_path(
            Xs, Ys[:, j], alphas=found.alphas, tol=1e-12, max_iter=100_000
        )
        np.testing.assert_allclose(found.coefficients[:, :, j], theirs.T, rtol=0, atol=1e-6)
    lasso = linear_model.Lasso(alpha=found.alphas[12], tol=1e-12, max_iter=100_000)
    lasso.fit(Xs, Ys)
    np.testing.assert_allclose(found.coefficients[12], lasso.coef_.T, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.r2[12].mean(), lasso.score(Xs, Ys), rtol=0, atol=1e-6)


@pytest.mark.parametrize("tol", [1e-6, 1e-12])
def test_optimality(device: str, tol: float) -> None:
    """The gap, recomputed from the data, is as stated; so the gradients obey KKT's conditions."""
    X, Y = latent_pair(1500, 512, 512)
    found = gm.sparse_prediction(X, Y, [0.2, 0.02, 0.002], tol=tol, device=device)
    Xs, Ys = standardized(X), standardized(Y)
    for alpha, W, gaps, r2 in zip(
        found.alphas, found.coefficients, found.gaps, found.r2, strict=True
    ):
        R = Ys - Xs @ W
        gradient = Xs.T @ R / len(X)
        largest = np.abs(gradient).max(axis=0)
        s = np.minimum(1, alpha / largest)
        errors = np.mean(R**2, axis=0)
        primal = errors / 2 + alpha * np.abs(W).sum(axis=0)
        dual = s * np.mean(R * Ys, axis=0) - s**2 * errors / 2
        # Rounding of the covariance, times weights of size 12: 1.0e-13 measured.
        assert (primal - dual <= tol + 2e-13).all()
        np.testing.assert_allclose(gaps, primal - dual, rtol=0, atol=2e-13)
        np.testing.assert_allclose(r2, 1 - errors, rtol=0, atol=1e-13)
        # gap >= (1 - s)² |R|² / 2n, and alpha |w_i| - s w_i g_i <= gap for every i.
        assert (largest <= alpha / (1 - np.sqrt(2 * (tol + 2e-13) / errors))).all()
        assert (np.abs(W) * alpha - s * W * gradient <= tol + 2e-13).all()
    assert (found.n_partners == np.count_nonzero(found.coefficients, axis=1)).all()


def test_both_ends_of_the_path(implementation: str) -> None:
    X, Y = inputs.pair(200, 12, 9)
    found = gm.sparse_prediction(X, Y, device=implementation)
    top = np.abs(gm.correlation(X, Y, device="reference")).max()
    assert found.alphas[0] == pytest.approx(top, rel=1e-14)
    above = gm.sparse_prediction(X, Y, top * (1 + 1e-12), device=implementation)
    assert not above.coefficients.any()
    assert not above.n_partners.any()
    np.testing.assert_allclose(above.r2, 0, rtol=0, atol=1e-14)
    below = gm.sparse_prediction(X, Y, top * (1 - 1e-6), device=implementation)
    assert np.count_nonzero(below.coefficients) == 1
    full = gm.sparse_prediction(X, Y, 1e-9, tol=1e-12, device=implementation)
    Xs, Ys = standardized(X), standardized(Y)
    expected = np.linalg.lstsq(Xs, Ys, rcond=None)[0]
    np.testing.assert_allclose(full.coefficients[0], expected, rtol=0, atol=1e-6)


@given(
    n=st.integers(8, 60), p=st.integers(1, 20), q=st.integers(1, 20), seed=st.integers(0, 2**32 - 1)
)
def test_reference(device: str, dtype: str, n: int, p: int, q: int, seed: int) -> None:
    """Also with more units than samples, and more targets than units."""
    X, Y = inputs.pair(n, p, q, dtype, seed)
    options: dict[str, Any] = {"alphas": [0.5, 0.2, 0.1], "tol": 1e-13}
    expected = gm.sparse_prediction(X, Y, **options, device="reference")
    found = gm.sparse_prediction(X, Y, **options, device=device)
    # Beyond n units the coefficients need not be determined, what they predict is.
    np.testing.assert_allclose(found.r2, expected.r2, rtol=0, atol=1e-6)
    if p < n // 2:
        np.testing.assert_allclose(found.coefficients, expected.coefficients, rtol=0, atol=1e-6)
        np.testing.assert_array_equal(found.n_partners, expected.n_partners)


@pytest.fixture
def threads() -> Iterator[None]:
    """Leave the number of threads as it was."""
    before = gm.get_num_threads()
    yield
    gm.set_num_threads(before)


@pytest.mark.usefixtures("threads")
def test_threads_and_neighbors_do_not_change_bits(device: str) -> None:
    X, Y = latent_pair(300, 40, 37)
    found = set()
    for count in (1, 2, 3, 5):
        gm.set_num_threads(count)
        path = gm.sparse_prediction(X, Y, device=device)
        found.add((path.coefficients.tobytes(), path.r2.tobytes(), path.gaps.tobytes()))
    assert len(found) == 1
    alone = gm.sparse_prediction(X, Y[:, 20:21], path.alphas, device=device)
    np.testing.assert_allclose(
        alone.coefficients[:, :, 0], path.coefficients[:, :, 20], rtol=0, atol=1e-14
    )


def test_input_precision_does_not_matter(device: str) -> None:
    """Arithmetic is in double for any input."""
    X, Y = (Z.astype("float32") for Z in inputs.pair(400, 15, 6))
    single = gm.sparse_prediction(X, Y, tol=1e-12, device=device)
    double = gm.sparse_prediction(X.astype("float64"), Y, tol=1e-12, device=device)
    np.testing.assert_allclose(single.coefficients, double.coefficients, rtol=0, atol=1e-13)


def test_dead_units(implementation: str) -> None:
    X, Y = inputs.pair(60, 6, 4)
    X[:, 3], Y[:, 1] = 0.1, 0
    with pytest.warns(RuntimeWarning) as caught:
        found = gm.sparse_prediction(X, Y, device=implementation)
    assert [str(warning.message) for warning in caught] == [
        "X has a constant unit (3): correlations with it are undefined (NaN).",
        "Y has a constant unit (1): correlations with it are undefined (NaN).",
    ]
    assert not found.coefficients[:, 3].any()
    assert not found.coefficients[:, :, 1].any()
    assert (np.isnan(found.r2) == [False, True, False, False]).all()
    assert found.y_left_out.tolist() == [1]
    kept = np.delete(X, 3, axis=1), np.delete(Y, 1, axis=1)
    expected = gm.sparse_prediction(*kept, device=implementation)
    got = np.delete(np.delete(found.coefficients, 3, axis=1), 1, axis=2)
    np.testing.assert_allclose(got, expected.coefficients, rtol=0, atol=1e-14)
    assert found.score == pytest.approx(expected.score, abs=1e-14)
    with pytest.warns(RuntimeWarning, match="constant"):
        nothing = gm.sparse_prediction(X * 0, Y, device=implementation)
    assert np.isnan(nothing.score)


def test_equal_units(implementation: str) -> None:
    """Only the first of equal units is a partner, opposite ones included."""
    X, Y = inputs.pair(60, 5, 4)
    expected = gm.sparse_prediction(X, Y, device=implementation)
    more = np.hstack([X, X[:, [0]], 2 - 3 * X[:, [2]], X[:, [0]]])
    found = gm.sparse_prediction(more, Y, device=implementation)
    assert not found.coefficients[:, 5:].any()
    np.testing.assert_allclose(found.coefficients[:, :5], expected.coefficients, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.n_partners, expected.n_partners)


def test_a_unit_equal_to_the_target(implementation: str) -> None:
    X, Y = inputs.pair(60, 5, 1)
    X[:, 3] = -2 * Y[:, 0] + 1
    found = gm.sparse_prediction(X, Y, [0.9, 0.3], device=implementation)
    expected = np.zeros((2, 5))
    expected[:, 3] = [-0.1, -0.7]
    np.testing.assert_allclose(found.coefficients[:, :, 0], expected, rtol=0, atol=1e-6)
    np.testing.assert_allclose(found.r2[:, 0], [1 - 0.9**2, 1 - 0.3**2], rtol=0, atol=1e-6)


def test_one_unit(implementation: str) -> None:
    X, Y = inputs.pair(60, 1, 3)
    r = gm.correlation(X, Y, device="reference")[0]
    found = gm.sparse_prediction(X, Y, 0.05, device=implementation)
    expected = np.sign(r) * np.maximum(np.abs(r) - 0.05, 0)
    np.testing.assert_allclose(found.coefficients[0, 0], expected, rtol=0, atol=1e-14)


def test_uncorrelated(implementation: str) -> None:
    X = np.array([[1], [1], [-1], [-1]])
    Y = np.array([[1], [-1], [1], [-1]])
    found = gm.sparse_prediction(X, Y, device=implementation)
    assert not found.coefficients.any()
    assert len(found.alphas) == 30


def test_unfinished_solutions_are_reported(implementation: str) -> None:
    X, Y = latent_pair(40, 30, 3)
    with pytest.warns(RuntimeWarning, match=r"^[0-9]+ of 90 solutions are not within tol=1e-12 "):
        found = gm.sparse_prediction(X, Y, tol=1e-12, max_sweeps=2, device=implementation)
    assert (found.gaps > 1e-12).any()


def test_measure(implementation: str) -> None:
    A, B = latent_pair(80, 9, 7), latent_pair(80, 6, 8, seed=1)
    X, Y = [A[0], B[0]], [A[1], B[1]]
    options: dict[str, Any] = {"measure": "sparse_prediction", "device": implementation}
    S = gm.compare(X, Y, **options)
    for i, j in np.ndindex(2, 2):
        expected = gm.sparse_prediction(X[i], Y[j], 0.1, device=implementation).r2.mean()
        assert S.values[i, j] == pytest.approx(expected, abs=1e-12)
    assert S.options.items() >= {"alphas": [0.1], "tol": 1e-6, "max_sweeps": 10_000}.items()
    other = gm.compare(X, Y, **options, alphas=0.05)
    assert (other.values > S.values).all()


@pytest.mark.parametrize(
    ("options", "exception", "message"),
    [
        ({"alphas": 0}, ValueError, "alphas must be finite and > 0, got 0."),
        ({"alphas": [0.1, np.nan]}, ValueError, "alphas must be finite and > 0, got nan."),
        ({"alphas": []}, ValueError, "alphas must be 1-D and not empty, got shape (0,)."),
        (
            {"alphas": "few"},
            TypeError,
            "alphas must be a number or a sequence of numbers, got str.",
        ),
        ({"tol": 0}, ValueError, "tol must be in [1e-15, 1), got 0."),
        ({"tol": "tight"}, TypeError, "tol must be a number, got str."),
        ({"max_sweeps": 0}, ValueError, "max_sweeps must be at least 1, got 0."),
        ({"max_sweeps": 1.5}, TypeError, "max_sweeps must be an integer, got float."),
    ],
)
def test_bad_options(
    implementation: str, options: dict[str, Any], exception: type[Exception], message: str
) -> None:
    X, Y = inputs.pair(20, 3, 2)
    with pytest.raises(exception) as caught:
        gm.sparse_prediction(X, Y, **options, device=implementation)
    assert str(caught.value) == message


def test_progress() -> None:
    X, Y = latent_pair(100, 60, 200)
    told: list[tuple[int, int]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gm.sparse_prediction(X, Y, tol=1e-12, progress=lambda *pair: told.append(pair))
    assert told
    assert told[-1] == (1000, 1000)
    assert told == sorted(told)
