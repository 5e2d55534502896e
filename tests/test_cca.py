"""CCA and its relatives: published numbers, identities, other libraries, fifty digits."""

from __future__ import annotations

from typing import Any

import inputs
import mpmath
import numpy as np
import pytest
from variants import Variant

import gramian as gm
from gramian import reference
from gramian._measures.registry import MEASURES

Array = np.ndarray


def call(name: str, implementation: str, *arrays: Any, **options: Any) -> Any:
    """Call a function of the reference, or the public one on a device."""
    if implementation == "reference":
        return getattr(reference, name)(*arrays, **options)
    return getattr(gm, name)(*arrays, **options, device=implementation)


def epsilon(dtype: Any) -> float:
    """Return the rounding unit of a dtype."""
    return float(np.finfo(dtype).eps)


DEMO_CORRELATIONS = [
    0.885111, 0.861961, 0.833302, 0.764402, 0.745076, 0.724474, 0.679033, 0.665039, 0.609372,
    0.542370,
]  # fmt: skip


def test_published_demo(implementation: str) -> None:
    X, Y = inputs.demo_pair()
    result = call("cca", implementation, X, Y)
    np.testing.assert_allclose(result.correlations, DEMO_CORRELATIONS, rtol=0, atol=1e-6)
    assert result.mean == pytest.approx(0.731013959, rel=0, abs=1e-9)
    assert result.mean_squared == pytest.approx(0.545396332191, rel=0, abs=1e-9)
    for name, options, arrays, expected in [
        ("linear_regression", {}, (X, Y), 0.563475242),
        ("linear_regression", {}, (Y, X), 0.567742571),
        ("pwcca", {"side": "x"}, (X, Y), 0.734667720),
        ("pwcca", {"side": "y"}, (X, Y), 0.736840568),
        ("pwcca", {"variant": "google"}, (X, Y), 0.7369822556),
    ]:
        got = call(name, implementation, *arrays, **options)
        assert got == pytest.approx(expected, rel=0, abs=1e-9), (name, options)


def test_published_factors(implementation: str) -> None:
    X, Y = inputs.factor_pair()
    assert call("cca", implementation, X, Y).mean == pytest.approx(0.664695628539, abs=1e-9)
    for name, options, arrays, expected in [
        ("svcca", {}, (X, Y), 0.983125398899),
        ("svcca", {"squared": True}, (X, Y), 0.966650389326),
        ("pwcca", {"side": "x"}, (X, Y), 0.955257925178),
        ("pwcca", {"side": "y"}, (X, Y), 0.937714665184),
        ("pwcca", {"side": "mean"}, (X, Y), 0.946486295181),
        ("pwcca", {"variant": "google"}, (X, Y), 0.9118090230),
        ("linear_regression", {}, (X, Y), 0.980992733819),
        ("linear_regression", {}, (Y, X), 0.968393548767),
    ]:
        got = call(name, implementation, *arrays, **options)
        assert got == pytest.approx(expected, rel=0, abs=1e-9), (name, options)
    result = call("svcca", implementation, X, Y, full_output=True)
    assert (result.x_components, result.y_components) == (11, 12)


def test_by_hand(implementation: str) -> None:
    # Centered, X's columns are (1, 0, -1) and (0, 1, -1): all of the space orthogonal to 1, in
    # which Y's only column lies too.
    X, Y = [[1, 0], [0, 1], [-1, -1]], [[1], [1], [-2]]
    with pytest.warns(RuntimeWarning, match="at least 1 canonical correlations"):
        result = call("cca", implementation, X, Y)
    assert result.correlations == pytest.approx([1])
    assert (result.x_rank, result.y_rank, result.n_saturated) == (2, 1, 1)
    assert call("linear_regression", implementation, Y, X) == pytest.approx(1)
    # Y's unit vector is (1, 1, -2) / sqrt 6: <., x1> = <., x2> = 3 / sqrt 6, of |X|² = 4.
    assert call("linear_regression", implementation, X, Y) == pytest.approx(3 / 4)


@pytest.mark.parametrize("make", [inputs.demo_pair, inputs.factor_pair])
def test_regression_from_canonical_correlations(make: Any, implementation: str) -> None:
    """Kornblith et al. 2019, eq. 10."""
    X, Y = make()
    result = call("cca", implementation, X, Y)
    centered = X - X.mean(axis=0)
    projections = (centered @ result.x_weights).T @ centered
    weights = np.sum(projections**2, axis=1)
    expected = np.sum(weights * result.correlations**2) / np.sum(centered**2)
    got = call("linear_regression", implementation, X, Y)
    assert got == pytest.approx(expected, rel=0, abs=1e-10)


def test_weights(implementation: str, dtype: str) -> None:
    X, Y = (array.astype(dtype) for array in inputs.factor_pair())
    result = call("cca", implementation, X, Y)
    assert result.x_weights.shape == (20, 20)
    assert result.y_weights.shape == (30, 20)
    H, K = (
        (array - array.mean(axis=0, dtype="float64")) @ weights
        for array, weights in ((X, result.x_weights), (Y, result.y_weights))
    )
    atol = 1000 * epsilon(dtype)
    np.testing.assert_allclose(H.T @ H, np.eye(20), rtol=0, atol=atol)
    np.testing.assert_allclose(K.T @ K, np.eye(20), rtol=0, atol=atol)
    np.testing.assert_allclose(H.T @ K, np.diag(result.correlations), rtol=0, atol=atol)


def test_scipy_subspace_angles(device: str) -> None:
    linalg = pytest.importorskip("scipy.linalg")
    X, Y = inputs.factor_pair()
    angles = linalg.subspace_angles(X - X.mean(axis=0), Y - Y.mean(axis=0))
    got = gm.cca(X, Y, device=device).correlations
    np.testing.assert_allclose(got, np.sort(np.cos(angles))[::-1], rtol=0, atol=1e-8)


def test_sklearn_cca(device: str) -> None:
    cross_decomposition = pytest.importorskip("sklearn.cross_decomposition")
    X, Y = inputs.demo_pair()
    model = cross_decomposition.CCA(n_components=5, max_iter=20_000, tol=1e-14).fit(X, Y)
    H, K = model.transform(X, Y)
    expected = [np.corrcoef(H[:, i], K[:, i])[0, 1] for i in range(5)]
    got = gm.cca(X, Y, device=device).correlations[:5]
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-8)


def test_lstsq(device: str) -> None:
    X, Y = inputs.factor_pair()
    A = np.hstack([Y, np.ones((len(Y), 1))])
    residual = X - A @ np.linalg.lstsq(A, X, rcond=None)[0]
    expected = 1 - np.sum(residual**2) / np.sum((X - X.mean(axis=0)) ** 2)
    assert gm.linear_regression(X, Y, device=device) == pytest.approx(expected, rel=0, abs=1e-8)


def exact_correlations(X: Array, Y: Array) -> list[float]:
    """Roots of the eigenvalues of Sxx^-1 Sxy Syy^-1 Syx, in the digits in force."""

    def centered(array: Array) -> mpmath.matrix:
        A = mpmath.matrix(array.tolist())
        for j in range(A.cols):
            mean = mpmath.fsum(A[:, j]) / A.rows
            for i in range(A.rows):
                A[i, j] -= mean
        return A

    A, B = centered(X), centered(Y)
    R, S = (mpmath.cholesky(M.T * M) for M in (A, B))
    M = mpmath.inverse(R) * (A.T * B) * mpmath.inverse(S).T
    squares = mpmath.eigsy(M * M.T, eigvals_only=True)
    return sorted((float(mpmath.sqrt(abs(v))) for v in squares), reverse=True)


SMALL = {
    "plain": lambda X, Y: (X, Y),
    "offset 1e4": lambda X, Y: (X + 1e4, Y - 1e4),
    "eight decades": lambda X, Y: (X * np.geomspace(1e-4, 1e4, 5), Y * np.geomspace(1e4, 1e-4, 4)),
    "one unit": lambda X, Y: (X[:, :1], Y[:, :1]),
    "condition 1e3": lambda X, Y: (inputs.rotated(X, 1e3, 1), inputs.rotated(Y, 1e3, 2)),
    "condition 1e6": lambda X, Y: (inputs.rotated(X, 1e6, 1), inputs.rotated(Y, 1e6, 2)),
}


@pytest.mark.parametrize(
    ("name", "dtype"),
    # The rank of data of condition 1e6 is in float32 a matter of its rounding.
    [(name, "float64") for name in SMALL] + [(name, "float32") for name in [*SMALL][:-1]],
)
def test_in_sixty_digits(name: str, implementation: str, dtype: str) -> None:
    """12 x 5 and 12 x 4; the bound is 100 eps, times condition / 10 in float64 (design)."""
    X, Y = (array.astype(dtype) for array in SMALL[name](*inputs.pair(12, 5, 4, seed=4)))
    with mpmath.workdps(60):
        expected = exact_correlations(X.astype("float64"), Y.astype("float64"))[: Y.shape[1]]
    got = call("cca", implementation, X, Y).correlations
    condition = {"condition 1e3": 1e3, "condition 1e6": 1e6, "offset 1e4": 1e4}.get(name, 1.0)
    slack = max(1.0, condition / 10) if dtype == "float64" else 1.0
    np.testing.assert_allclose(got, expected, rtol=0, atol=100 * epsilon(dtype) * slack)


def test_rank_tolerance(implementation: str) -> None:
    X, Y = inputs.pair(100, 6, 4)
    X[:, 5] = X[:, 4] + 1e-6 * X[:, 5]
    assert call("cca", implementation, X, Y).x_rank == 6
    cut = call("cca", implementation, X, Y, rank_tolerance=1e-4)
    assert (cut.x_rank, cut.rank_tolerance) == (5, (1e-4, 1e-4))
    expected = reference.cca(X[:, :5], Y).correlations
    np.testing.assert_allclose(cut.correlations, expected, rtol=0, atol=1e-5)
    default = call("cca", implementation, X.astype("float32"), Y)
    eps = epsilon("float32"), epsilon("float64")
    assert default.rank_tolerance == pytest.approx((64 * eps[0], 64 * eps[1]))


def test_svcca_options(implementation: str) -> None:
    X, Y = inputs.factor_pair()
    fixed = call("svcca", implementation, X, Y, components=3, full_output=True)
    assert (fixed.x_components, fixed.y_components) == (3, 3)
    assert fixed.value == pytest.approx(fixed.correlations.mean())
    everything = call("svcca", implementation, X, Y, variance=1)
    assert everything == pytest.approx(call("cca", implementation, X, Y).mean, abs=1e-10)
    with pytest.raises(ValueError, match="components must be at most the rank of X, 20, got 21"):
        call("svcca", implementation, X, Y, components=21)


def test_offsets_and_scale(implementation: str) -> None:
    X, Y = inputs.factor_pair()
    for name in ("svcca", "pwcca"):
        value = call(name, implementation, X, Y)
        for changed in (X + 100, X - np.arange(20)):
            assert call(name, implementation, changed, Y) == pytest.approx(value, abs=1e-11)
    value = call("svcca", implementation, X, Y)
    for scale in (1e-6, 1e6):
        assert call("svcca", implementation, scale * X, Y) == pytest.approx(value, abs=1e-11)


def test_svcca_is_not_cca(implementation: str) -> None:
    X, Y = inputs.factor_pair()
    assert call("svcca", implementation, X, Y) - call("cca", implementation, X, Y).mean > 0.1


def tied_pair() -> tuple[Array, Array]:
    """Three canonical correlations of 0.5 exactly, one of 1, in general position."""
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(np.hstack([np.ones((60, 1)), rng.standard_normal((60, 8))]))[0][:, 1:]
    X, Y = Q[:, :4], Q[:, :4] * [1, 0.5, 0.5, 0.5] + Q[:, 4:] * [0, *[np.sqrt(0.75)] * 3]
    return X @ rng.standard_normal((4, 4)), Y @ rng.standard_normal((4, 4))


def test_ties_are_reported(implementation: str) -> None:
    X, Y = tied_pair()
    with pytest.warns(RuntimeWarning, match="X and Y have tied canonical correlations"):
        call("pwcca", implementation, X, Y)
    assert call("pwcca", implementation, X, Y, full_output=True).ambiguous
    # All tied: the weights make no difference.
    assert call("pwcca", implementation, X, X) == pytest.approx(1)
    assert not call("pwcca", implementation, X, X, full_output=True).ambiguous
    assert not call("pwcca", implementation, *inputs.demo_pair(), full_output=True).ambiguous


def test_compare_shares_preparation(device: str, dtype: str) -> None:
    """Values of a map are those of its pairs, for every measure and both ways."""
    layers = [inputs.pair(90, p, 5, dtype, seed=p)[0] for p in (3, 6, 12)]
    layers.append(np.hstack([layers[0], layers[0]]))
    atol = 100 * epsilon(dtype)
    for name, row in MEASURES.items():
        if row.family not in ("cca", "procrustes"):
            continue
        score = np.vectorize(Variant(name, row).score)
        alone = score(gm.compare(layers, measure=name, device=device).values)
        twice = score(gm.compare(layers, layers, measure=name, device=device).values)
        np.testing.assert_allclose(alone, twice, rtol=0, atol=atol, err_msg=name)
        for i, X in enumerate(layers):
            for j, Y in enumerate(layers):
                value = score(row.call(X, Y, device=device))
                assert value == pytest.approx(twice[i, j], abs=atol), name
