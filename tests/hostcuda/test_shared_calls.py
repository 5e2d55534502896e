"""Products of layers of one width share calls of cuBLAS, and stay what they are alone.

The stand-in sums the products of a batch in an order that depends on how many they are.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.device_array import DeviceArray
from hostcuda.standin import StandIn

import gramian as gm

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("remarks_of_cca")]

LAUNCH, WAIT = "cudaLaunchKernelExC", "cudaStreamSynchronize"
BATCHED, SINGLE = "cublasDgemmStridedBatched_64", "cublasDgemm_v2_64"
SAMPLES = 7000  # so many that linear CKA takes products of features


def layers(widths: list[int], n: int, dtype: str = "float32") -> list[Any]:
    return [inputs.pair(n, p, 1, dtype, seed=k)[0] for k, p in enumerate(widths)]


def calls(standin: StandIn, A: list[Any], B: list[Any], **options: Any) -> Counter[str]:
    """What a map of arrays on the device takes, how often."""
    on_device = [[DeviceArray(standin, layer) for layer in side] for side in (A, B)]
    gm.compare(*on_device, **options)  # for what is done once
    standin.fail_at(0, 0)
    gm.compare(*on_device, **options)
    return Counter(standin.call_names())


# Of one row of a map, some layers come before its own in their products and some after: two calls,
# or three where there are two widths. Products of layers with themselves come last.
@pytest.mark.parametrize(
    ("widths", "most"),
    [([8] * 12, 2 * 12 + 2), ([8, 12] * 6, 3 * 12 + 2), ([300] * 4, 4 * 4 + 8)],
    ids=["one_width", "two_widths", "wide"],
)
def test_a_map(standin: StandIn, widths: list[int], most: int) -> None:
    """As many calls for products as there were products, and a launch for packing every layer in
    place of one for every product, that is what it was.
    """
    every = layers(widths + widths[::-1], SAMPLES, "float64")
    A, B = every[: len(widths)], every[len(widths) :]
    assert gm.plan(A, B, device="cuda").space == "features"
    found = calls(standin, A, B)
    count = 2 * len(widths)
    products = len(widths) ** 2 + count
    assert found[BATCHED] + found[SINGLE] <= most
    # Statistics of columns take two for each layer; a product is rounded, and its squares added up.
    assert found[LAUNCH] <= (1 + 2) * count + 2 * products
    assert found[WAIT] <= 3


# Of a map of 12 x 12 the calls in double: for 144 products, of a row at a time, and other things.
@pytest.mark.parametrize(
    ("measure", "products", "others"),
    [("linear_regression", 12, 12), ("procrustes", 24, 672), ("cca", 24, 696)],
)
def test_rows(standin: StandIn, measure: str, products: int, others: int) -> None:
    every = layers([9] * 24, 300)
    A, B = every[:12], every[12:]
    found = calls(standin, A, B, measure=measure)
    assert found[SINGLE] + found[BATCHED] <= products + others


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [SAMPLES, 17_000])
def test_the_bits_of_a_pair_alone(standin: StandIn, dtype: str, n: int, order: Any) -> None:
    """Whoever is asked for with it, and whichever of the two is shared with them."""
    every = [np.asarray(x, order=order) for x in layers([8, 6, 8, 8, 6, 8, 8], n, dtype)]
    A, B = every[:3], every[3:]
    options: dict[str, Any] = {"measure": "hsic", "device": "cuda"}
    for side in (A, A[:1]):
        assert gm.plan(side, side, **options).space == "features"
    values = gm.compare(A, B, **options).values
    np.testing.assert_array_equal(gm.compare(B, A, **options).values.T, values)
    among = gm.compare(every, **options).values
    np.testing.assert_array_equal(among[:3, 3:], values)
    np.testing.assert_array_equal(among, among.T)
    centred = [x.astype("float64") - x.mean(axis=0, dtype="float64") for x in every]
    eps = np.finfo(dtype).eps
    for i, x in enumerate(every):
        for j, y in enumerate(every):
            assert gm.compare([x], [y], **options).values[0, 0] == among[i, j]
            right = ((centred[i].T @ centred[j]) ** 2).sum() / (n - 1) ** 2
            assert among[i, j] == pytest.approx(right, rel=0, abs=100 * eps * among[i, i])


OF_BASES = ["linear_regression", "cca_squared", "cca", "svcca", "pwcca", "procrustes"]


@pytest.mark.parametrize("measure", [*OF_BASES, "shape_distance"])
def test_rows_of_pairs_alone(standin: StandIn, dtype: str, measure: str) -> None:
    A, B = layers([9, 12, 9, 9], 300, dtype), layers([7, 9, 12, 9, 9, 9], 300, dtype)[1:]
    values = gm.compare(A, B, measure=measure, device="cuda").values
    if measure not in ("linear_regression", "pwcca"):
        turned = gm.compare(B, A, measure=measure, device="cuda").values
        np.testing.assert_array_equal(turned.T, values)
    for i, x in enumerate(A):
        for j, y in enumerate(B):
            alone = gm.compare([x], [y], measure=measure, device="cuda").values
            assert alone[0, 0] == values[i, j]


def test_less_is_held_where_memory_is_short(standin: StandIn) -> None:
    """By the device or by the caller: packed layers make room for others, and are packed again."""
    A, B = layers([300] * 4, SAMPLES), layers([310] * 4, SAMPLES)
    on_device = [[DeviceArray(standin, layer) for layer in side] for side in (A, B)]
    panel = 8 * SAMPLES * 310
    gm.compare(*on_device)  # for what is done once
    before = standin.live_bytes()
    counts, found = [], []
    for room, allowed in ((9, None), (9, 4 * panel), (4, None)):
        standin.set_memory_limit(before + room * panel)  # what is let go counts while there is room
        standin.peak_bytes()
        standin.fail_at(0, 0)
        found.append(gm.compare(*on_device, max_memory=allowed).values)
        counts.append(standin.call_names().count(LAUNCH))
        assert (room - 2) * panel < standin.peak_bytes() - before <= room * panel
    np.testing.assert_array_equal(found, found[:1] * 3)
    assert counts[0] < min(counts[1:])


def test_nuclear_norms_beside_a_wide_layer() -> None:
    """Whose coordinates are in double, those of the others have the same bits."""
    every = layers([8, 6, 90], 70)
    values = gm.compare(every, measure="procrustes", device="cuda").values
    assert values[0, 1] == gm.procrustes(every[0], every[1], device="cuda")
