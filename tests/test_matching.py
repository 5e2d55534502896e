"""One-to-one and semi-matching of units."""

from __future__ import annotations

import itertools
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
    implementation: str, q: int, seed: int, absolute: bool, turn: bool
) -> None:
    X, Y = inputs.pair(12, 7, q, seed=seed)
    r = np.corrcoef(X, Y, rowvar=False)[:7, 7:]
    value = np.abs(r) if absolute else r
    best = max(
        sum(value[row, column] for column, row in enumerate(rows))
        for rows in itertools.permutations(range(7), q)
    )
    arrays = (Y, X) if turn else (X, Y)
    matching = gm.match_units(*arrays, absolute=absolute, device=implementation)
    assert matching.mean == pytest.approx(best / q, abs=1e-13)
    assert matching.pairs.shape == (q, 2)
    semi = gm.match_units(*arrays, method="semi", absolute=absolute, device=implementation)
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


@pytest.mark.parametrize("absolute", [False, True])
@pytest.mark.parametrize("method", ["one-to-one", "semi"])
def test_matching_is_the_references(device: str, method: str, absolute: bool) -> None:
    """Which finds the assignment as a linear program."""
    X, Y = inputs.pair(70, 24, 31, seed=8)
    X[:, [3, 8]], Y[:, 5] = 1, 2
    options: dict[str, Any] = {"method": method, "absolute": absolute}
    for arrays in ((X, Y), (Y, X)):
        with pytest.warns(RuntimeWarning, match="constant"):
            got = gm.match_units(*arrays, **options, device=device)
        with pytest.warns(RuntimeWarning, match="constant"):
            expected = gm.match_units(*arrays, **options, device="reference")
        np.testing.assert_array_equal(got.pairs, expected.pairs)
        np.testing.assert_array_equal(got.x_left_out, expected.x_left_out)
        np.testing.assert_array_equal(got.y_left_out, expected.y_left_out)
        np.testing.assert_allclose(got.correlations, expected.correlations, rtol=0, atol=1e-13)
        assert got.mean == pytest.approx(expected.mean, abs=1e-13)


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
    assert (len(matching.x_left_out), len(matching.y_left_out)) == (1, 0)
    with pytest.warns(RuntimeWarning, match="constant"):
        S = gm.compare([X * 0, X], [Y], measure="match_one_to_one", device=implementation)
    assert np.isnan(S.values[:, 0]).tolist() == [True, False]


def test_bad_method(implementation: str) -> None:
    with pytest.raises(ValueError, match=r"^method must be 'one-to-one' or 'semi', got 'greedy'"):
        gm.match_units(*inputs.pair(5, 2, 2), method="greedy", device=implementation)
