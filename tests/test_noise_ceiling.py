"""Noise ceilings: by hand, against what noise was added, and as shares of a score."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ids import plain

import gramian as gm


def test_by_hand() -> None:
    """Halves correlate by 1/2: 2 (1/2) / (1 + 1/2) = 2/3."""
    found = gm.noise_ceiling([[[1.0], [2], [3]], [[1], [3], [2]]])
    assert found.halves[0] == pytest.approx(0.5, abs=1e-15)
    assert found.reliability[0] == found.pooled == pytest.approx(2 / 3, abs=1e-15)
    assert found.r2[0] == found.reliability[0]
    assert found.correlation[0] == pytest.approx(np.sqrt(2 / 3), abs=1e-15)
    assert (found.n_repeats, found.n_splits) == (2, 1)


def test_three_repeats_by_hand() -> None:
    """Three pairs of single repeats, k = 3: 3 r / (1 + 2 r)."""
    R = np.random.default_rng(0).standard_normal((3, 9, 2)) + np.arange(9)[:, None]
    found = gm.noise_ceiling(R)
    for j in range(2):
        r = np.mean(np.corrcoef(R[:, :, j])[[0, 0, 1], [1, 2, 2]])
        assert found.halves[j] == pytest.approx(r, abs=1e-14)
        assert found.reliability[j] == pytest.approx(3 * r / (1 + 2 * r), abs=1e-14)
    assert found.n_splits == 3


@pytest.mark.parametrize("repeats", [2, 3, 5, 8, 12])
def test_is_the_share_of_signal(repeats: int) -> None:
    """S / (S + V / N), of 20,000 samples to .02."""
    rng = np.random.default_rng(repeats)
    signal = rng.standard_normal((20_000, 3))
    noise = np.array([0.5, 1, 3])
    found = gm.noise_ceiling(
        signal + noise * rng.standard_normal((repeats, 20_000, 3)), n_splits=20, rng=0
    )
    np.testing.assert_allclose(found.reliability, 1 / (1 + noise**2 / repeats), atol=0.02)
    assert found.n_splits == min(20, {2: 1, 3: 3, 5: 15, 8: 35, 12: 462}[repeats])


def test_a_ceiled_score_is_that_without_noise() -> None:
    """A linear model of R² .8, whose units have more and less noise."""
    rng = np.random.default_rng(0)
    n, units = 4000, 6
    layer = rng.standard_normal((n, 20))
    linear = layer @ rng.standard_normal((20, units))
    linear /= linear.std(axis=0)
    signal = linear + 0.5 * rng.standard_normal((n, units))
    noise = np.linspace(0.3, 4, units)
    responses = signal + noise * rng.standard_normal((6, n, units))
    found = gm.ridge_regression(responses.mean(axis=0), layer)
    assert found.r2[-1] < 0.35
    ceiled = found.ceiled(gm.noise_ceiling(responses, rng=0))
    np.testing.assert_allclose(ceiled.r2, 0.8, atol=0.06)
    np.testing.assert_allclose(ceiled.correlation, np.sqrt(0.8), atol=0.04)
    assert ceiled.score == pytest.approx(0.8, abs=0.02)
    assert found.score < 0.7
    # Of the normalized correlation coefficient nothing is left to choose: r / sqrt(reliability).
    ceiling = gm.noise_ceiling(responses, rng=0)
    np.testing.assert_array_equal(
        ceiled.correlation, found.correlation / np.sqrt(ceiling.reliability)
    )
    with pytest.raises(ValueError, match=r"^ceiling must be of 6 units, got 2\.$"):
        found.ceiled(gm.noise_ceiling(responses[:, :, :2]))


def test_undefined_is_nan_with_a_warning() -> None:
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((4, 50, 1)) * 0.5 + rng.standard_normal((50, 4))
    responses[:, :, 1] = 0.1
    responses[2, 7, 2] = np.nan
    with pytest.warns(RuntimeWarning, match=r"no reliability \(NaN\) for 2 of 4 units"):
        found = gm.noise_ceiling(responses)
    assert np.isnan(found.reliability).tolist() == [False, True, True, False]
    assert np.isfinite(found.pooled)
    opposed = np.stack([np.arange(9.0), -np.arange(9.0)])[:, :, None]
    with pytest.warns(RuntimeWarning, match=r"for 1 of 1 units"):
        assert np.isnan(gm.noise_ceiling(opposed).pooled)
    noise = np.random.default_rng(3).standard_normal((2, 30, 40))
    with pytest.warns(RuntimeWarning, match=r"reliability of 0 or less for \d+ of 40"):
        found = gm.noise_ceiling(noise)
    assert abs(found.pooled) < 0.2
    assert np.isnan(found.r2[found.reliability <= 0]).all()


def test_axes_types_and_seeds() -> None:
    rng = np.random.default_rng(0)
    responses = rng.standard_normal((1, 40, 3)) + rng.standard_normal((10, 40, 3))
    found = gm.noise_ceiling(responses, rng=7, n_splits=50)
    for axis in (1, 2, -1):
        same = gm.noise_ceiling(np.moveaxis(responses, 0, axis), axis=axis, rng=7, n_splits=50)
        np.testing.assert_array_equal(same.reliability, found.reliability)
    single = gm.noise_ceiling(responses.astype(np.float32), rng=7, n_splits=50)
    np.testing.assert_allclose(single.reliability, found.reliability, atol=1e-6)
    before = responses.copy()
    gm.noise_ceiling(responses)
    np.testing.assert_array_equal(responses, before)
    assert gm.noise_ceiling(responses, rng=8, n_splits=50).pooled != found.pooled
    assert repr(found).startswith("<NoiseCeiling 3 units, 10 repeats: reliability 0.")


REFUSED: dict[str, tuple[Any, dict[str, Any]]] = {
    "responses must be 3-D (n_repeats, n_samples, n_units), got 2-D with shape (4, 3).": (
        np.ones((4, 3)),
        {},
    ),
    "responses must have at least 2 repeats, 2 samples and 1 unit, got 1, 4 and 3.": (
        np.ones((1, 4, 3)),
        {},
    ),
    "n_splits must be at least 1, got 0.": (np.ones((2, 4, 3)), {"n_splits": 0}),
    "axis must be one of the three axes of responses, got 3.": (np.ones((2, 4, 3)), {"axis": 3}),
}


@pytest.mark.parametrize("message", REFUSED, ids=plain)
def test_refusals(message: str) -> None:
    responses, options = REFUSED[message]
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        gm.noise_ceiling(responses, **options)
    assert str(caught.value) == message
    with pytest.raises(TypeError, match=r"^rng must be None, an integer or a numpy Generator"):
        gm.noise_ceiling(np.ones((2, 4, 3)), rng="x")
