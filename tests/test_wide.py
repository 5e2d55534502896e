"""Wide layers, of more units than samples: every measure that a rotation of units leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_cca import call, epsilon

import gramian as gm

Array = np.ndarray

CASES: list[tuple[str, dict[str, Any]]] = [
    ("cca", {}),
    ("cca", {"cross_validate": 3, "regularization": 0.1}),
    ("cca", {"regularization": 0.1}),
    ("svcca", {}),
    ("svcca", {"variance": 0.9}),
    ("pwcca", {}),
    ("pwcca", {"side": "mean"}),
    ("linear_regression", {}),
    ("linear_regression", {"cross_validate": 4}),
    ("procrustes", {}),
    ("procrustes_distance", {}),
    ("shape_distance", {}),
    ("shape_distance", {"alpha": 0.5}),
]


def layers(n: int, p: int, q: int, condition: float, seed: int = 0) -> tuple[Array, Array]:
    """Two views of common factors, of falling spectrum, moved off the origin."""
    rng = np.random.default_rng((seed, n, p, q))
    spectrum = np.geomspace(1, 1 / condition, n)
    factors = rng.standard_normal((n, n)) * spectrum
    X = factors @ rng.standard_normal((n, p)) / np.sqrt(n) + 5
    mixed = 0.5 * factors + rng.standard_normal((n, n)) * spectrum
    return X, mixed @ rng.standard_normal((n, q)) / np.sqrt(n) - 3


SHAPES = [(40, 3000, 6), (40, 300, 1500), (40, 41, 39), (30, 27, 25)]
# Of what costs the reference p³ a fold, which takes half a minute at p = 3000.
SMALLER = [(40, 500, 6), (40, 200, 400), *SHAPES[2:]]


@pytest.mark.parametrize(
    ("name", "options", "shape"),
    # Correlations of 1 by construction tie, which PWCCA is not defined for.
    [(*case, shape) for case in CASES
     for shape in (SMALLER if "regularization" in case[1] else SHAPES)
     if case[0] != "pwcca" or max(shape[1:]) >= shape[0]],
)  # fmt: skip
@pytest.mark.parametrize("condition", [1.5, 1e3])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_against_the_reference(
    name: str, options: dict[str, Any], shape: tuple[int, int, int], condition: float,
    device: str, dtype: str,
) -> None:  # fmt: skip
    """Also where a fold has fewer samples than units and the whole has not."""
    for arrays in (layers(*shape, condition), layers(*shape, condition)[::-1]):
        X, Y = (array.astype(dtype) for array in arrays)
        got, expected = (call(name, i, X, Y, **options) for i in (device, "reference"))
        if name == "cca":
            got, expected = got.mean, expected.mean
        # What is held out is predicted by the inverse of what is not: in float64, which the
        # reference has as well, condition numbers show.
        slack = condition if dtype == "float64" else 1
        atol = 100 * slack * epsilon(dtype) * max(1, abs(expected))
        assert got == pytest.approx(expected, rel=0, abs=atol)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize(("name", "options"), CASES)
def test_maps(name: str, options: dict[str, Any], device: str) -> None:
    """A map of wide and narrow layers among themselves has the values of their pairs."""
    X, Y = layers(30, 200, 8, 10)
    A = [X.astype("float32"), Y.astype("float32"), np.ones((30, 90), "float32")]
    values = gm.compare(A, measure=name, device=device, **options).values
    with_itself = gm.compare(A, A, measure=name, device=device, **options).values
    np.testing.assert_allclose(values, with_itself, rtol=0, atol=100 * epsilon("float32"))
    assert np.isnan(values[2]).all()
    assert np.isfinite(values[:2, :2]).all()
    for i, j in ((0, 1), (1, 0)):
        pair = call(name, "reference", A[i], A[j], **options)
        pair = pair.mean if name == "cca" else pair
        assert values[i, j] == pytest.approx(pair, rel=0, abs=100 * epsilon("float32"))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_weights_of_a_wide_layer(device: str, dtype: str) -> None:
    """They come back through the factor."""
    X, Y = (array.astype(dtype) for array in layers(40, 900, 5, 10))
    found = gm.cca(X, Y, device=device)
    H = (X - X.mean(axis=0, dtype="float64")) @ found.x_weights
    K = (Y - Y.mean(axis=0, dtype="float64")) @ found.y_weights
    np.testing.assert_allclose(H.T @ H, np.eye(5), rtol=0, atol=2000 * epsilon(dtype))
    np.testing.assert_allclose(H, K, rtol=0, atol=2000 * epsilon(dtype))  # X spans all there is


PROGRAM = """
import json, sys, warnings
import numpy as np, gramian as gm
warnings.simplefilter("ignore")
gm.set_num_threads(2)
rng = np.random.default_rng(0)
A = [rng.standard_normal((100, p), dtype="float32") for p in (20000, 8000, 300)]
def peak():
    row = next(row for row in open("/proc/self/status") if row.startswith("VmHWM"))
    return int(row.split()[1]) << 10
small = [X[:20, :4].copy() for X in A]
found = {}
for name, options in json.loads(sys.argv[1]):
    gm.compare(small, measure=name, **options)
    open("/proc/self/clear_refs", "w").write("5")
    before = peak()
    gm.compare(A, measure=name, **options)
    found[name + str(options)] = peak() - before
print(json.dumps(found))
"""


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux")
def test_memory_does_not_grow_with_the_units() -> None:
    """No copy of the layers, of 8 MB and less, nor a matrix of units by samples or units."""
    cases = [case for case in CASES if case[1].get("regularization") is None]
    command = [sys.executable, "-c", PROGRAM, json.dumps(cases)]
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=alone)
    for case, taken in json.loads(done.stdout).items():
        assert taken < 25e6, case


def test_a_wide_constant_layer(device: str) -> None:
    X = np.full((20, 60), 0.1)
    Y = np.random.default_rng(0).standard_normal((20, 50))
    for name, options in CASES:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            value = gm.compare([X], [Y], measure=name, device=device, **options).values[0, 0]
        assert np.isnan(value), name
        assert any("constant" in str(w.message) for w in caught), name
