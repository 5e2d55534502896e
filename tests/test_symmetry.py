"""Symmetric measures are so to the bit, and a layer with itself is what it is by definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gramian as gm

Array = np.ndarray

OPTIONS: list[dict[str, Any]] = [
    {"measure": "cka", "kernel": kernel, "debiased": debiased}
    for kernel in ("linear", "rbf", "cosine", "polynomial")
    for debiased in (False, True)
]
OPTIONS += [
    {"measure": "hsic"},
    {"measure": "hsic", "unbiased": True},
    {"measure": "cka_distance"},
    {"measure": "distance_correlation"},
]
OPTIONS += [
    {"measure": "cca"},
    {"measure": "cca", "denominator": "rank"},
    {"measure": "cca_squared"},
    {"measure": "cca", "regularization": 1},
    {"measure": "svcca"},
    {"measure": "svcca_squared", "components": 5},
    {"measure": "pwcca", "side": "mean"},
    {"measure": "procrustes"},
    {"measure": "procrustes_distance"},
    {"measure": "shape_distance", "alpha": 1},
    {"measure": "shape_distance", "alpha": 0},
]
OF_ITSELF = {
    "cka": 1,
    "distance_correlation": 1,
    "cka_distance": 0,
    "svcca": 1,
    "svcca_squared": 1,
    "pwcca": 1,
    "procrustes": 1,
    "procrustes_distance": 0,
    "shape_distance": 0,
}

# More features than samples or fewer, of equal and of unequal width.
SHAPES = [(300, 20, 31), (300, 20, 20), (60, 300, 100), (60, 100, 100)]


def memory_orders(X: Array) -> list[Array]:
    return [X, np.asfortranarray(X), np.repeat(X, 2, axis=1)[:, ::2]]


def layers(count: int, n: int, p: int, dtype: str, seed: int) -> list[Array]:
    rng = np.random.default_rng(seed)
    made = [rng.standard_normal((n, p + k % 2)).astype(dtype) for k in range(count)]
    made[-1] = np.asfortranarray(made[-1])
    return made


@pytest.mark.parametrize(
    "options", OPTIONS, ids=lambda options: "-".join(map(str, options.values()))
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of saturated correlations
@pytest.mark.parametrize("shape", SHAPES)
def test_pairs(device: str, dtype: str, shape: tuple[int, int, int], options: Any) -> None:
    rng = np.random.default_rng(0)
    n, p, q = shape
    X, Y = (rng.standard_normal((n, width)).astype(dtype) for width in (p, q))
    for x in memory_orders(X):
        for y in memory_orders(Y):
            of_xy = gm.compare([x], [y], device=device, **options).values[0, 0]
            assert gm.compare([y], [x], device=device, **options).values[0, 0] == of_xy
        both = gm.compare([x, Y], device=device, **options).values
        assert both[0, 1] == both[1, 0]
        again = gm.compare([x], [x], device=device, **options).values
        assert again[0, 0] == both[0, 0] == OF_ITSELF.get(options["measure"], both[0, 0])


@pytest.mark.parametrize("debiased", [False, True])
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
@pytest.mark.parametrize("shape", [(200, 6), (40, 50)])
def test_many_layers(
    device: str, dtype: str, shape: tuple[int, int], kernel: str, debiased: bool
) -> None:
    """From 64 layers on, tiles are multiplied by another road."""
    a, b = layers(66, *shape, dtype, 0), layers(64, *shape, dtype, 1)
    options = {"kernel": kernel, "debiased": debiased, "device": device}
    of_a = gm.compare(a, **options).values
    np.testing.assert_array_equal(of_a, of_a.T)
    np.testing.assert_array_equal(np.diag(of_a), 1)
    np.testing.assert_array_equal(np.diag(gm.compare(a, a, **options).values), 1)
    for xs in (a, a[:64]):  # as many as there are of the others, and more
        across = gm.compare(xs, b, **options).values
        np.testing.assert_array_equal(across, gm.compare(b, xs, **options).values.T)
