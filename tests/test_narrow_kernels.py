"""The warning where a kernel is so narrow that all layers are alike, and that its number is so."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import gramian as gm

SCORES = r"width is so small .* independent layers would score about (\d\.\d\d)"


def independent(n: int, p: int, scale: float = 10.0) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return scale * rng.standard_normal((n, p)), scale * rng.standard_normal((n, p))


def remarks(A: Any, B: Any = None, **options: Any) -> list[str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        gm.compare(A, B, **options)
    return [str(one.message) for one in caught]


@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
@pytest.mark.parametrize("width", [{"sigma": 1.0}, {"bandwidth": 0.02}, {"bandwidth": 0.2}])
def test_narrow_kernels_are_remarked_on(kernel: Any, width: Any, device: str) -> None:
    X, Y = independent(500, 64)
    with pytest.warns(RuntimeWarning, match=SCORES) as caught:
        found = gm.cka(X, Y, kernel=kernel, device=device, **width)
    assert len(caught) == 1
    said = float(str(caught[0].message).partition("about ")[2][:4])
    assert said == pytest.approx(found, abs=0.02)


@pytest.mark.parametrize("width", [0.25, 0.3])
@pytest.mark.parametrize("p", [10, 50, 100])
def test_the_number_is_what_independent_layers_score(p: int, width: float) -> None:
    X, Y = independent(500, p)
    with pytest.warns(RuntimeWarning, match=SCORES) as caught:
        found = gm.cka(X, Y, kernel="rbf", bandwidth=width)
    said = float(str(caught[0].message).partition("about ")[2][:4])
    assert said == pytest.approx(found, abs=0.08)


@pytest.mark.parametrize("p", [10, 100, 1000])
@pytest.mark.parametrize("width", [0.5, 1.0, 2.0])
def test_ordinary_widths_are_not(p: int, width: float) -> None:
    X, Y = independent(400, p)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for kernel in (gm.RBF(bandwidth=width), gm.RBF(sigma=width * 10 * (2 * p) ** 0.5)):
            gm.cka(X, Y, kernel=kernel)
            gm.cka(X, Y, kernel=gm.Laplacian(sigma=width * 10 * (2 * p) ** 0.5))
    assert not [one for one in caught if "width" in str(one.message)]


def test_a_map_is_remarked_on_once_and_not_also_for_its_units() -> None:
    X, Y = independent(60, 100)
    (said,) = remarks([X, Y], kernel="rbf", sigma=1.0)
    assert "A['0'] and A['1']" in said
    assert not remarks([X], kernel="rbf", sigma=1.0)
    (said,) = remarks([X, Y], [Y, X], kernel="rbf", sigma=1.0, measure="cka_distance")
    assert "(and so for 3 more pairs)" in said


def test_unbiased_estimates_are_not_remarked_on() -> None:
    X, Y = independent(60, 100)
    assert not remarks([X], [Y], kernel="rbf", sigma=20.0, debiased=True)


def test_samples_that_are_near_a_few_others_are_seen() -> None:
    rng = np.random.default_rng(1)
    X, Y = (np.repeat(rng.standard_normal((200, 20)), 10, axis=0) for _ in range(2))
    Y = Y[rng.permutation(len(Y))]
    X, Y = (Z + 1e-3 * rng.standard_normal(Z.shape) for Z in (X, Y))
    assert not remarks([X], [Y], kernel="rbf", sigma=0.1)
    assert gm.cka(X, Y, kernel="rbf", sigma=0.1) < 0.2


def test_numbers_of_any_size_are_looked_at() -> None:
    X, Y = independent(50, 5)
    for scale in (1e-200, 1e150):
        assert remarks([X * scale], [Y * scale], kernel="rbf", sigma=scale)
        assert not remarks([X * scale], [Y * scale], kernel="rbf", sigma=20 * scale)
