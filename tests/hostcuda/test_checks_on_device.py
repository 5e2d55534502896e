"""Checks of values that are made on the device: what they say is what the CPU says."""

from __future__ import annotations

from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.device_array import DeviceArray
from hostcuda.standin import StandIn
from variants import tolerance

import gramian as gm
from gramian import reference
from gramian._input.checks import UnusableLayerError

pytestmark = pytest.mark.cuda

ORDERS = {
    "C": lambda K: K,
    "F": np.asfortranarray,
    "sliced": lambda K: np.repeat(np.repeat(K, 2, axis=0), 2, axis=1)[::2, ::2],
    "reversed": lambda K: K[::-1, ::-1].copy()[::-1, ::-1],
}


def refusal(K: Any, L: Any, **options: Any) -> str:
    try:
        gm.cka(K, L, **options)
    except UnusableLayerError as error:
        error.__traceback__ = None  # which holds the arrays
        return str(error)
    return "nothing was refused"


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("n", [31, 64, 900])
def test_symmetric(standin: StandIn, dtype: str, n: int, order: str) -> None:
    X, Y = inputs.pair(n, 5, 4, dtype)
    K, L = (ORDERS[order](X @ X.T), np.exp(Y @ Y.T / 20).astype(dtype))
    arrays = [DeviceArray(standin, array) for array in (K, L)]
    standin.copied_out()
    got = gm.cka(*arrays, kernel="precomputed")
    assert standin.copied_out() < (K.nbytes + L.nbytes) / 4 or n < 900
    expected = reference.cka(K, L, kernel="precomputed")
    assert got == pytest.approx(expected, rel=0, abs=tolerance(dtype))


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("place", [(0, 1), (31, 2), (40, 99), (99, 98)])
def test_not_symmetric(standin: StandIn, dtype: str, place: tuple[int, int], order: str) -> None:
    X, _ = inputs.pair(100, 5, 4, dtype)
    K = X @ X.T
    L = K.copy()
    K[place] += 1
    K[9, 8] += 1e-2
    K = ORDERS[order](K)
    arrays = [DeviceArray(standin, array) for array in (K, L)]
    said = refusal(*arrays, kernel="precomputed")
    assert f"[{min(place)}, {max(place)}]" in said
    assert said == refusal(K, L, kernel="precomputed")


def test_distances(standin: StandIn, dtype: str) -> None:
    X, _ = inputs.pair(70, 5, 4, dtype)
    D = np.linalg.norm(X[:, None] - X, axis=2)
    D = (D + D.T) / 2
    arrays = [DeviceArray(standin, array.astype(dtype)) for array in (D, D)]
    assert "-D**2 / 2" in refusal(*arrays, kernel="precomputed")
    signed = D.copy()
    signed[0, 1] = signed[1, 0] = -1
    signed = signed.astype(dtype)
    assert np.isfinite(
        gm.cka(
            DeviceArray(standin, signed),
            DeviceArray(standin, (X @ X.T).astype(dtype)),
            kernel="precomputed",
        )
    )


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize(
    "places", [[(0, 0)], [(33, 2), (34, 1)], [(1999, 19)], [(5, 3), (5, 1), (900, 0)]]
)
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_not_finite(
    standin: StandIn, dtype: str, places: list[tuple[int, int]], value: float, order: Any
) -> None:
    """The message names the first one by rows, and the array is not copied for it."""
    X, Y = inputs.pair(2000, 20, 4, dtype)
    for place in places:
        X[place] = value
    X = np.asarray(X, order=order)
    arrays = [DeviceArray(standin, array) for array in (X, Y)]
    standin.copied_out()
    said = refusal(*arrays)
    assert standin.copied_out() < X.nbytes / 20
    assert f"first at [{min(places)[0]}, {min(places)[1]}] ({value})" in said
    assert said == refusal(X, Y)


@pytest.mark.parametrize("element", ["float16", "bfloat16"])
def test_half(standin: StandIn, element: str) -> None:
    X, Y = inputs.pair(60, 5, 4, "float32")
    X[7, 2] = np.inf
    bits = (X.view(np.uint32) >> 16).astype(np.uint16)
    half = X.astype("float16") if element == "float16" else bits
    x = DeviceArray(standin, half, bfloat16=element == "bfloat16")
    assert r"first at [7, 2] (inf)" in refusal(x, DeviceArray(standin, Y))


def test_constant_units(standin: StandIn) -> None:
    """Those that are not finite are not called constant, and no column is copied to tell."""
    X, Y = inputs.pair(1000, 30, 4, "float32")
    X[:, 3] = 1
    X[:, 5] = np.nan
    arrays = [DeviceArray(standin, array) for array in (X, Y)]
    standin.copied_out()
    with pytest.warns(RuntimeWarning, match=r"X has a constant unit \(3\)"):
        gm.correlation(*arrays, nan_policy="propagate")
    assert standin.copied_out() < X.nbytes / 10
