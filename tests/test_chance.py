"""The warning where independent layers would score much: when it comes, and that it is right."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from variants import Variant

import gramian as gm

MEASURES: dict[str, dict[str, Any]] = {
    "cka": {},
    "cka_distance": {"kernel": "rbf"},
    "distance_correlation": {},
    "procrustes": {},
    "procrustes_distance": {},
    "shape_distance": {},
    "linear_regression": {},
}
SCORES = r"independent units would score about (\d\.\d\d)"


def independent(n: int, p: int, q: int, seed: int = 0) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, p)), rng.standard_normal((n, q))


def remarks(measure: str, X: Any, Y: Any, **options: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gm.compare([X], [Y], measure=measure, **options)
    return [str(one.message) for one in caught if "independent units" in str(one.message)]


@pytest.mark.parametrize("measure", MEASURES)
def test_wide_layers_are_remarked_on_once(measure: str, device: str) -> None:
    options = MEASURES[measure] | {"device": device}
    X, Y = independent(50, 300, 400)
    (message,) = remarks(measure, X, Y, **options)
    assert message.startswith("A['0'] and B['0'] have so many units for 50 samples")
    assert not remarks(measure, X[:, :5], Y[:, :5], **options)
    with pytest.warns(RuntimeWarning, match=r"and so for \d more pairs"):
        gm.compare([X, Y], [X[:, :290], Y[:, :5]], measure=measure, **options)


@pytest.mark.parametrize("sizes", [(50, 60, 60), (50, 300, 400), (100, 5000, 90)])
@pytest.mark.parametrize("measure", ["cka", "procrustes", "linear_regression"])
def test_the_number_is_what_independent_layers_score(
    measure: str, sizes: tuple[int, int, int], device: str
) -> None:
    X, Y = independent(*sizes)
    with pytest.warns(RuntimeWarning, match=SCORES) as caught:
        found = gm.compare([X], [Y], measure=measure, device=device).values[0, 0]
    said = [str(one.message).partition("about ")[2][:4] for one in caught]
    assert any(float(number) == pytest.approx(found, abs=0.15) for number in said)


def test_what_does_not_rise_is_not_remarked_on(device: str) -> None:
    X, Y = independent(50, 300, 400)
    assert not remarks("cka", X, Y, debiased=True, device=device)
    assert not remarks("distance_correlation", X, Y, unbiased=True, device=device)
    assert not remarks("linear_regression", X, Y, cross_validate=5, device=device)
    assert not remarks("cka", X @ X.T, Y @ Y.T, kernel="precomputed", device=device)
    assert not remarks("hsic", X, Y, device=device)


def test_a_layer_with_itself_is_not_remarked_on(measure: Variant, device: str) -> None:
    X, _ = independent(50, 300, 400)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gm.compare([X], measure=measure.measure.name, **measure.options, device=device)
    assert not [one for one in caught if "independent units" in str(one.message)]
