"""Spectral clustering of units; tables and pictures of unit-level results."""

from __future__ import annotations

import sys
from typing import Any

import inputs
import numpy as np
import pytest
from variants import tolerance

import gramian as gm


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


def factor_units(noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Units of six factors, of sizes that differ, in no order."""
    rng = np.random.default_rng(5)
    factors = rng.standard_normal((1000, 6))
    labels = [rng.permutation(np.repeat(np.arange(6), sizes)) for sizes in (range(3, 9), [7] * 6)]
    X, Y = (factors[:, side] + noise * rng.standard_normal((1000, len(side))) for side in labels)
    return X, Y


@pytest.mark.parametrize("noise", [0.5, 1.0])
def test_clusters_are_the_references(device: str, dtype: str, noise: float) -> None:
    """Which has a Laplacian and a k-means of its own; where clusters are clear, they are equal."""
    X, Y = (array.astype(dtype) for array in factor_units(noise))
    got = gm.cluster_units(X, Y, 6, device=device)
    expected = gm.cluster_units(X, Y, 6, device="reference", seed=3)
    np.testing.assert_array_equal(got.x_labels, expected.x_labels)  # falling sizes: the same names
    np.testing.assert_array_equal(got.y_labels, expected.y_labels)
    np.testing.assert_array_equal(got.sizes, expected.sizes)
    np.testing.assert_allclose(
        got.cluster_correlation, expected.cluster_correlation, rtol=0, atol=tolerance(dtype)
    )


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
