"""Bases of layers with many samples, whose first factor comes from every k-th row only."""

from __future__ import annotations

from collections.abc import Callable

import inputs
import numpy as np
import pytest
from test_cca import call, epsilon

import gramian as gm
from gramian import reference
from gramian._measures.registry import MEASURES

Array = np.ndarray
STEP = 32  # n = 2,000 and p = 20: of the powers of two, the last to leave 2 p rows


def _alike(X: Array) -> Array:
    return inputs.rotated(X, 1e3, 1)


def _sampled_rows_in_a_subspace(X: Array) -> Array:
    changed = inputs.rotated(X, 1e3, 1)
    changed[::STEP, 5:] = changed[::STEP, :5] @ np.full((5, 15), 0.1)
    return changed


def _nearly_so(X: Array) -> Array:
    changed = X.copy()
    changed[::STEP, 10:] *= 5e-3  # what these rows call ill-conditioned, the others do not
    return inputs.rotated(changed, 30, 1)


def _worse_elsewhere(X: Array) -> Array:
    changed = inputs.rotated(X, 60, 1)
    others = np.arange(len(X)) % STEP != 0
    changed[np.ix_(others, range(3))] *= 40
    return changed


def _unit_dead_where_sampled(X: Array) -> Array:
    changed = inputs.rotated(X, 200, 1)
    changed[::STEP, 4] = changed[:, 4].mean()
    return changed


def _dead_unit(X: Array) -> Array:
    changed = inputs.rotated(X, 200, 1)
    changed[:, 4] = 3
    return changed


def _outliers_elsewhere(X: Array) -> Array:
    changed = inputs.rotated(X, 200, 1)
    changed[1::500] *= 10
    return changed


def _deficient(X: Array) -> Array:
    changed = inputs.rotated(X, 200, 1)
    changed[:, 7] = changed[:, 8]
    return changed


LAYERS: list[Callable[[Array], Array]] = [
    _alike,
    _sampled_rows_in_a_subspace,
    _nearly_so,
    _worse_elsewhere,
    _unit_dead_where_sampled,
    _dead_unit,
    _outliers_elsewhere,
    _deficient,
]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("name", ["cca", "cca_squared", "pwcca", "linear_regression"])
def test_sampled_rows(name: str, layer: Callable[[Array], Array], device: str, dtype: str) -> None:
    X, Y = inputs.pair(2_000, 20, 15, seed=3)
    X, Y = layer(X).astype(dtype), inputs.rotated(Y, 1e3, 2).astype(dtype)
    row = MEASURES[name]
    # The reference is no more than float64 itself: PWCCA with outliers, at condition numbers of
    # 1.4e3 and 3.8e3, is off by 216 eps with numpy's BLAS for a Nehalem, by 73 for a Haswell; the
    # engine by 3 at most, against 60 digits. So condition numbers show.
    bound = (1e3 if dtype == "float64" else 100) * epsilon(dtype)
    for arrays in ((X, Y), (Y, X)):
        got, expected = row.call(*arrays, device=device), row.call_reference(*arrays)
        assert got == pytest.approx(expected, rel=0, abs=bound)


@pytest.mark.parametrize("layer", LAYERS)
def test_weights(layer: Callable[[Array], Array], implementation: str, dtype: str) -> None:
    X, Y = inputs.pair(2_000, 20, 15, seed=3)
    X, Y = layer(X).astype(dtype), inputs.rotated(Y, 1e3, 2).astype(dtype)
    result = call("cca", implementation, X, Y)
    assert result.x_rank == reference.cca(X, Y).x_rank
    for A, weights in ((X, result.x_weights), (Y, result.y_weights)):
        A = A.astype("float64")
        H = (A - A.mean(axis=0)) @ weights
        np.testing.assert_allclose(H.T @ H, np.eye(15), rtol=0, atol=2e4 * epsilon(dtype))


@pytest.mark.parametrize("name", ["cca", "svcca", "pwcca", "linear_regression"])
def test_any_number_of_threads(name: str, device: str, dtype: str) -> None:
    """The same bits; and columns instead of rows in memory, for which no rows are sampled."""
    X, Y = inputs.pair(9_000, 40, 30, seed=4)
    X, Y = (inputs.rotated(A, 1e3, k).astype(dtype) for k, A in enumerate((X, Y)))
    call_measure = MEASURES[name].call
    threads = gm.get_num_threads()
    try:
        values = []
        for count in (1, 2, 5):
            gm.set_num_threads(count)
            values.append(call_measure(X, Y, device=device))
        assert len(set(values)) == 1
    finally:
        gm.set_num_threads(threads)
    by_columns = call_measure(np.asfortranarray(X), np.asfortranarray(Y), device=device)
    assert by_columns == pytest.approx(values[0], rel=0, abs=100 * epsilon(dtype))
