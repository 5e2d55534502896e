"""Correlation, matching and clustering of single units."""

from __future__ import annotations

import itertools
import sys
import warnings
from typing import Any

import inputs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from variants import tolerance

import gramian as gm


def planted(n: int, p: int, noise: float, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Units, the same units permuted, rescaled and noisy, and the permutation."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + rng.standard_normal((n, 1))
    order = rng.permutation(p)
    Y = 3 * X[:, order] + noise * rng.standard_normal((n, p)) + 7
    return X, Y, order


# Correlation.


def test_correlation_by_hand(implementation: str) -> None:
    X, Y = [[1, 0], [0, 1], [-1, -1]], [[0, -3, 1], [1, 0, 1], [-1, 3, 1]]
    with pytest.warns(RuntimeWarning, match=r"^Y has a constant unit \(2\): correlations with it "):
        r = gm.correlation(X, Y, device=implementation)
    np.testing.assert_allclose(r, [[0.5, -1, np.nan], [1, -0.5, np.nan]], rtol=0, atol=1e-15)


@pytest.mark.parametrize("n", inputs.SIZES)
def test_correlation_is_numpys(device: str, dtype: str, n: int) -> None:
    for p, q in inputs.widths(n).values():
        X, Y = inputs.pair(n, p, q, dtype)
        expected = np.corrcoef(X.astype(float), Y.astype(float), rowvar=False)
        atol = tolerance(dtype)
        r = gm.correlation(X, Y, device=device)
        assert r.dtype == dtype
        np.testing.assert_allclose(r, expected.reshape(p + q, -1)[:p, p:], rtol=0, atol=atol)
        own = gm.correlation(X, device=device)
        np.testing.assert_allclose(own, expected.reshape(p + q, -1)[:p, :p], rtol=0, atol=atol)
        np.testing.assert_array_equal(own, own.T)
        assert (own.diagonal() == 1).all()


@pytest.mark.parametrize("layout", inputs.LAYOUTS)
def test_correlation_of_layouts(device: str, dtype: str, layout: str) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    expected = gm.correlation(X, Y, device=device)
    got = gm.correlation(inputs.LAYOUTS[layout](X), Y, device=device)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


@pytest.mark.parametrize("name", inputs.AWKWARD)
def test_correlation_of_awkward_input(device: str, dtype: str, name: str) -> None:
    X, Y = inputs.awkward(name, dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        expected = gm.correlation(X, Y, device="reference")
        got = gm.correlation(X, Y, device=device)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


def test_correlation_of_units_of_very_different_size(implementation: str, dtype: str) -> None:
    X, Y = inputs.pair(65, 4, 3, dtype)
    sizes = np.array([1, 1e-12, 1e-25, 1e-36] if dtype == "float32" else [1, 1e-70, 1e-140, 1e9])
    expected = gm.correlation(X, Y, device="reference")
    small = (X * sizes).astype(dtype)
    got = gm.correlation(small, (Y * sizes[:3]).astype(dtype), device=implementation)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


def test_offset_of_a_thousand(implementation: str) -> None:
    X, Y = inputs.pair(300, 5, 4, "float32")
    expected = gm.correlation(X, Y, device="reference")
    got = gm.correlation(X + np.float32(1000), Y, device=implementation)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-3)  # the input has lost the digits
    constant = np.full_like(X, 1000.1)
    with pytest.warns(RuntimeWarning, match=r"^X has 5 constant units \(first 0\): "):
        assert np.isnan(gm.correlation(constant, Y, device=implementation)).all()


def test_nan_policy_of_a_unit(implementation: str) -> None:
    X, Y = inputs.pair(30, 3, 2)
    X[4, 1] = np.nan
    r = gm.correlation(X, Y, nan_policy="propagate", device=implementation)
    np.testing.assert_array_equal(np.isnan(r), [[False] * 2, [True] * 2, [False] * 2])
    matching = gm.match_units(X, Y, nan_policy="propagate", device=implementation)
    assert matching.x_left_out.tolist() == [1]
    assert np.isnan(matching.mean)
    assert set(matching.pairs[:, 0]) == {0, 2}
    with pytest.raises(ValueError, match=r"first at \[4, 1\] \(nan\)"):
        gm.correlation(X, Y, device=implementation)


# Layouts.


def images(dtype: Any = "float32") -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    X = rng.standard_normal((20, 5, 4, 3)).astype(dtype)
    Y = (rng.standard_normal((20, 6, 4, 3)) + X[:, :1]).astype(dtype)
    return X, Y


def flat(X: np.ndarray, positions: Any = slice(None)) -> np.ndarray:
    """Samples by channels, by loops."""
    n, c, h, w = X.shape
    chosen = np.arange(h * w)[positions]
    rows = [X[i, :, k // w, k % w] for i in range(n) for k in chosen]
    return np.array(rows).reshape(-1, c)


@pytest.mark.parametrize("channels_last", [False, True])
def test_layout(implementation: str, channels_last: bool) -> None:
    X, Y = images()
    expected = gm.correlation(flat(X), flat(Y), device=implementation)
    if channels_last:
        X = X.transpose(0, 2, 3, 1).copy().transpose(0, 3, 1, 2)
    got = gm.correlation(X, Y, layout="nchw", device=implementation)
    np.testing.assert_array_equal(got, expected)


def test_positions(implementation: str) -> None:
    X, Y = images()
    options: dict[str, Any] = {"layout": "nchw", "device": implementation}
    got = gm.match_units(X, Y, positions=[7, 0, 11], **options)
    expected = gm.match_units(flat(X, [7, 0, 11]), flat(Y, [7, 0, 11]), device=implementation)
    np.testing.assert_array_equal(got.correlation, expected.correlation)
    some = [gm.correlation(X, Y, positions=4, **options) for _ in range(2)]
    np.testing.assert_array_equal(*some)
    whole = gm.correlation(X, Y, positions=12, **options)
    np.testing.assert_array_equal(whole, gm.correlation(X, Y, **options))
    assert gm.sparse_prediction(X, Y, 0.1, positions=4, **options).r2.shape == (1, 6)
    assert gm.cluster_units(X, Y, 2, positions=4, **options).y_labels.shape == (6,)


@pytest.mark.parametrize(
    ("options", "exception", "message"),
    [
        ({"layout": "nhwc"}, ValueError, "layout must be None or 'nchw', got 'nhwc'."),
        ({"positions": 3}, ValueError, "positions is an option of layout='nchw' only."),
        (
            {"layout": "nchw", "positions": 13},
            ValueError,
            "positions must be between 1 and 12, got 13.",
        ),
        (
            {"layout": "nchw", "positions": [3, 12]},
            ValueError,
            "positions must be indices between 0 and 11, got 3 to 12.",
        ),
        (
            {"layout": "nchw", "positions": [3, 3]},
            ValueError,
            "positions must be distinct: a repeated sample counts twice.",
        ),
        (
            {"layout": "nchw", "positions": [0.5]},
            TypeError,
            "positions must be a number of positions or a sequence of their indices.",
        ),
    ],
)
def test_bad_layouts(
    implementation: str, options: dict[str, Any], exception: type[Exception], message: str
) -> None:
    with pytest.raises(exception) as caught:
        gm.correlation(*images(), **options, device=implementation)
    assert str(caught.value) == message


def test_layouts_that_do_not_meet(implementation: str) -> None:
    X, Y = images()
    options: dict[str, Any] = {"layout": "nchw", "device": implementation}
    with pytest.raises(ValueError, match=r"same positions: X has 4 x 3, Y has 3 x 4\.$"):
        gm.correlation(X, Y.reshape(20, 6, 3, 4), **options)
    with pytest.raises(ValueError, match=r"^Y must be 4-D .* got 2-D with shape \(240, 6\)\.$"):
        gm.correlation(X, flat(Y), **options)


# Matching.


def test_match_by_hand(implementation: str) -> None:
    """Semi-matching gives both units of X the same partner; one-to-one may not."""
    X = [[1, 1], [0, 0.1], [-1, -1.1], [0, 0]]
    Y = [[1, 1], [0, 0], [-1, -1], [0, 1]]
    semi = gm.match_units(X, Y, method="semi", device=implementation)
    assert semi.pairs.tolist() == [[0, 0], [1, 0]]
    one = gm.match_units(X, Y, device=implementation)
    r = np.corrcoef(np.array(X).T, np.array(Y).T)[:2, 2:]
    best = max([[(0, 0), (1, 1)], [(0, 1), (1, 0)]], key=lambda m: r[m[0]] + r[m[1]])
    assert one.pairs.tolist() == [list(pair) for pair in best]
    assert one.mean == pytest.approx((r[best[0]] + r[best[1]]) / 2, abs=1e-14)


def test_numbers_to_reproduce(implementation: str) -> None:
    X, Y = inputs.demo_pair()
    assert gm.match_units(X, Y, device=implementation).mean == pytest.approx(0.7208951225, abs=1e-9)
    X, Y = inputs.factor_pair()
    options = {"device": implementation}
    assert gm.match_units(X, Y, **options).mean == pytest.approx(0.541271986698, abs=1e-9)
    semi = [gm.match_units(*pair, method="semi", **options).mean for pair in ((X, Y), (Y, X))]
    assert semi == pytest.approx([0.5594320595, 0.5381651252], abs=1e-9)
    for name, expected in (("match_one_to_one", 0.541271986698), ("match_semi", 0.5594320595)):
        value = gm.compare([X], [Y], measure=name, **options).values[0, 0]
        assert value == pytest.approx(expected, abs=1e-9)


@given(
    q=st.integers(1, 7), seed=st.integers(0, 2**32 - 1), absolute=st.booleans(), turn=st.booleans()
)
def test_matching_is_brute_force(
    device: str, q: int, seed: int, absolute: bool, turn: bool
) -> None:
    X, Y = inputs.pair(12, 7, q, seed=seed)
    r = np.corrcoef(X, Y, rowvar=False)[:7, 7:]
    value = np.abs(r) if absolute else r
    best = max(
        sum(value[row, column] for column, row in enumerate(rows))
        for rows in itertools.permutations(range(7), q)
    )
    arrays = (Y, X) if turn else (X, Y)
    matching = gm.match_units(*arrays, absolute=absolute, device=device)
    assert matching.mean == pytest.approx(best / q, abs=1e-13)
    assert matching.pairs.shape == (q, 2)
    semi = gm.match_units(*arrays, method="semi", absolute=absolute, device=device)
    assert semi.mean == pytest.approx(value.max(axis=0 if turn else 1).mean(), abs=1e-13)


def test_matching_is_scipys(device: str, dtype: str) -> None:
    optimize = pytest.importorskip("scipy.optimize")
    X, Y = inputs.pair(900, 500, 480, dtype)
    r = np.corrcoef(X.astype(float), Y.astype(float), rowvar=False)[:500, 500:]
    matching = gm.match_units(X, Y, device=device)
    expected = r[optimize.linear_sum_assignment(r, maximize=True)].mean()
    assert matching.mean == pytest.approx(expected, abs=tolerance(dtype))
    assert len(np.unique(matching.pairs[:, 1])) == 480


@pytest.mark.parametrize("method", ["one-to-one", "semi"])
@pytest.mark.parametrize("absolute", [False, True])
def test_planted_permutation(implementation: str, dtype: str, method: str, absolute: bool) -> None:
    X, Y, order = planted(500, 60, noise=1.5)
    if absolute:
        Y[:, ::2] *= -1
    options: dict[str, Any] = {"method": method, "absolute": absolute, "device": implementation}
    matching = gm.match_units(X.astype(dtype), Y.astype(dtype), **options)
    np.testing.assert_array_equal(order[matching.pairs[:, 1]], np.arange(60))
    assert ((matching.correlations < 0) == (absolute & (matching.pairs[:, 1] % 2 == 0))).all()
    rows, columns = matching.order()
    diagonal = matching.correlation[np.ix_(rows, columns)].diagonal()
    np.testing.assert_array_equal(np.abs(diagonal), matching.curve())
    assert (np.diff(matching.curve()) <= 0).all()


def test_match_of_dead_and_equal_units(implementation: str) -> None:
    X, Y = inputs.pair(40, 4, 6)
    X[:, 2], Y[:, [0, 5]] = 0.1, 0
    Y[:, 3] = Y[:, 2] = X[:, 1]
    with pytest.warns(RuntimeWarning) as caught:
        semi = gm.match_units(X, Y, method="semi", device=implementation)
    assert [str(warning.message) for warning in caught] == [
        "X has a constant unit (2): correlations with it are undefined (NaN).",
        "Y has 2 constant units (first 0): correlations with them are undefined (NaN).",
    ]
    assert semi.pairs[1].tolist() == [1, 2]  # of equal partners the first
    assert semi.correlations[1] == pytest.approx(1, abs=1e-15)
    assert semi.x_left_out.tolist() == [2]
    assert semi.y_left_out.tolist() == [0, 5]
    with pytest.warns(RuntimeWarning):
        one = gm.match_units(X, Y, device=implementation)
    assert one.pairs[:, 0].tolist() == [0, 1, 3]
    assert set(one.pairs[:, 1]) <= {1, 2, 3, 4}
    rows, columns = one.order()
    assert sorted(rows) == [0, 1, 2, 3]
    assert rows[-1] == 2
    assert columns[-2:].tolist() == [0, 5]


def test_nothing_to_match(implementation: str) -> None:
    X, Y = inputs.pair(10, 1, 3)
    alone = gm.match_units(X, Y, device=implementation)
    assert alone.pairs.shape == (1, 2)
    with pytest.warns(RuntimeWarning, match="constant"):
        matching = gm.match_units(X * 0, Y, device=implementation)
    assert matching.pairs.shape == (0, 2)
    assert np.isnan(matching.mean)
    with pytest.warns(RuntimeWarning, match="constant"):
        S = gm.compare([X * 0, X], [Y], measure="match_one_to_one", device=implementation)
    assert np.isnan(S.values[:, 0]).tolist() == [True, False]


def test_bad_method(implementation: str) -> None:
    with pytest.raises(ValueError, match=r"^method must be 'one-to-one' or 'semi', got 'greedy'"):
        gm.match_units(*inputs.pair(5, 2, 2), method="greedy", device=implementation)


# Clusters.


def blocks(sizes: list[tuple[int, int]], seed: int = 0) -> tuple[np.ndarray, ...]:
    """Units that correlate with those of their own block and exactly with no others, labels."""
    linalg = pytest.importorskip("scipy.linalg")
    rng = np.random.default_rng(seed)
    factors = linalg.hadamard(64)[:, 1 : 1 + len(sizes)].astype(float)  # orthogonal, of mean 0
    X, Y = (
        np.hstack(
            [factors[:, [k]] * rng.uniform(0.5, 2, size[side]) for k, size in enumerate(sizes)]
        )
        for side in (0, 1)
    )
    labels = [np.repeat(np.arange(len(sizes)), [size[side] for size in sizes]) for side in (0, 1)]
    orders = [rng.permutation(len(side)) for side in labels]
    return X[:, orders[0]], Y[:, orders[1]], labels[0][orders[0]], labels[1][orders[1]]


def test_disconnected_blocks(implementation: str, dtype: str) -> None:
    sizes = [(12, 9), (6, 8), (3, 7), (4, 1), (1, 1)]
    X, Y, x_labels, y_labels = blocks(sizes)
    clusters = gm.cluster_units(X.astype(dtype), Y.astype(dtype), 5, device=implementation)
    np.testing.assert_array_equal(clusters.x_labels, x_labels)  # falling sizes: the same names
    np.testing.assert_array_equal(clusters.y_labels, y_labels)
    assert clusters.sizes.tolist() == [list(size) for size in sizes]
    np.testing.assert_allclose(clusters.cluster_correlation, np.eye(5), atol=tolerance(dtype))
    rows, _ = clusters.order()
    assert (np.diff(clusters.x_labels[rows]) >= 0).all()


def test_clusters_are_scikit_learns(device: str) -> None:
    cluster = pytest.importorskip("sklearn.cluster")
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(5)
    factors = rng.standard_normal((2000, 6))
    labels = rng.integers(0, 6, 70), rng.integers(0, 6, 90)
    X, Y = (factors[:, side] + rng.standard_normal((2000, len(side))) for side in labels)
    clusters = gm.cluster_units(X, Y, 6, device=device)
    found = np.concatenate([clusters.x_labels, clusters.y_labels])
    assert metrics.adjusted_rand_score(np.concatenate(labels), found) == 1
    C = np.maximum(np.corrcoef(X, Y, rowvar=False)[:70, 70:], 0)
    W = np.block([[np.zeros((70, 70)), C], [C.T, np.zeros((90, 90))]])
    theirs = cluster.SpectralClustering(6, affinity="precomputed", random_state=0).fit_predict(W)
    assert metrics.adjusted_rand_score(theirs, found) >= 0.95


def test_units_in_no_cluster(implementation: str) -> None:
    X, Y, _, _ = blocks([(3, 3), (2, 2)])
    X = np.hstack([X, X * 0, -Y[:, :1] * 0 + 1])
    lone = np.tile([1.0, 1, -1, -1], 16)[:, None]  # uncorrelated with the factors in use
    Y = np.hstack([Y, lone @ [[1.0]]])
    with pytest.warns(RuntimeWarning, match="^X has 6 constant units"):
        clusters = gm.cluster_units(X, Y, 2, device=implementation)
    assert (clusters.x_labels[5:] == -1).all()
    with pytest.warns(RuntimeWarning), pytest.raises(ValueError, match=r"^n_clusters must be at"):
        gm.cluster_units(X, Y, 40, device=implementation)
    for bad, exception in ((0, ValueError), (2.0, TypeError), (True, TypeError)):
        with pytest.warns(RuntimeWarning), pytest.raises(exception, match=r"^n_clusters must be"):
            gm.cluster_units(X, Y, bad, device=implementation)  # type: ignore[arg-type]


def test_one_unit(implementation: str) -> None:
    X, Y = inputs.pair(50, 1, 4)
    Y[:, :2] += 3 * X
    clusters = gm.cluster_units(X, Y, 1, device=implementation)
    assert clusters.x_labels.tolist() == [0]
    assert set(clusters.y_labels) <= {0, -1}


# Tables, pictures, extras.


def test_tables() -> None:
    pytest.importorskip("pandas")
    X, Y = inputs.pair(60, 5, 7)
    matching = gm.match_units(X, Y)
    frame = matching.to_pandas()
    assert frame.shape == (5, 3)
    np.testing.assert_array_equal(frame["correlation"], matching.correlations)
    frame = gm.cluster_units(X, Y, 3).to_pandas()
    assert list(frame.columns) == ["x", "y", "correlation", "with_others"]
    assert frame[["x", "y"]].to_numpy().sum() <= 12
    path = gm.sparse_prediction(X, Y)
    frame = path.to_pandas()
    np.testing.assert_array_equal(frame["partners"], path.mean_partners)
    np.testing.assert_array_equal(frame["error"], 1 - path.r2.mean(axis=1))


def test_pictures() -> None:
    figures = pytest.importorskip("matplotlib.figure")
    X, Y = inputs.pair(60, 5, 7)
    matching, path = gm.match_units(X, Y), gm.sparse_prediction(X, Y)
    clusters = gm.cluster_units(X, Y, 3)
    axes = figures.Figure(layout="constrained").subplots(5, 1)
    drawn = [
        matching.plot(axes[0], label="nets"),
        matching.plot_correlation(axes[1]),
        path.plot(axes[2], label="nets"),
        clusters.plot(axes[3]),
        clusters.plot_correlation(axes[4]),
    ]
    assert drawn == list(axes)
    np.testing.assert_array_equal(axes[0].lines[0].get_ydata(), matching.curve())
    image = axes[1].images[0].get_array()
    np.testing.assert_array_equal(image.diagonal(), matching.curve())
    np.testing.assert_array_equal(axes[2].lines[0].get_xdata(), path.mean_partners)
    assert len(axes[4].patches) == 3
    axes[0].figure.canvas.draw()


@pytest.mark.parametrize("module", ["scipy.optimize", "sklearn.cluster"])
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    X, Y = inputs.pair(20, 3, 3)
    call = gm.match_units if module == "scipy.optimize" else gm.cluster_units
    arguments: tuple[Any, ...] = () if module == "scipy.optimize" else (2,)
    with pytest.raises(ImportError, match=r'pip install "gramian\[units\]"'):
        call(X, Y, *arguments)
