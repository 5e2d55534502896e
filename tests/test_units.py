"""Correlation of single units, and the layouts that units come in."""

from __future__ import annotations

import warnings
from typing import Any

import inputs
import numpy as np
import pytest
from variants import tolerance

import gramian as gm


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
        (
            {"layout": "nccw"},
            ValueError,
            "layout must be 'flatten', or a letter for every axis, such as 'nchw', 'nhwc' or "
            "'ntd': 'n' for samples, 'c' or 'd' for units, and others for positions, got 'nccw'. "
            "Did you mean 'nchw'?",
        ),
        ({"positions": 3}, ValueError, "positions needs a layout, such as layout='nchw'."),
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
            "positions must be 'samples', 'features', 'mean', a number of positions or a sequence "
            "of their indices, "
            "got elements of type float64.",
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


@pytest.mark.parametrize("seed", range(5))
def test_dead_units_are_dead_whatever_they_are_filled_with(seed: int, implementation: str) -> None:
    """The mean of 300 times .1 is not .1 in float64, and yet the unit is constant."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((300, 5)), rng.standard_normal((300, 4))
    dead = [0.1, 0.7, 1e-30, -77.7][seed % 4]
    X[:, 1], X[:, 3], Y[:, 0] = dead, 0.3, dead
    with pytest.warns(RuntimeWarning, match="constant unit"):
        r = gm.correlation(X, Y, device=implementation)
    assert np.isnan(r[[1, 3]]).all()
    assert np.isnan(r[:, 0]).all()
    assert np.isfinite(np.delete(np.delete(r, [1, 3], axis=0), 0, axis=1)).all()
    with pytest.warns(RuntimeWarning, match="constant unit"):
        matching = gm.match_units(X, Y, device=implementation)
    assert not {1, 3} & set(matching.pairs[:, 0])
    assert 0 not in matching.pairs[:, 1]
    with pytest.warns(RuntimeWarning, match="constant unit"):
        clusters = gm.cluster_units(X, Y, n_clusters=2, device=implementation)
    assert (clusters.x_labels[[1, 3]] == -1).all()
    assert clusters.y_labels[0] == -1
    with pytest.warns(RuntimeWarning, match="constant unit"):
        found = gm.sparse_prediction(X, Y, alphas=0.1, device=implementation)
    assert np.isnan(found.r2[:, 0]).all()
    assert not found.coefficients[:, [1, 3]].any()
