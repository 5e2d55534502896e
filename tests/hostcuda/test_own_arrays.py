"""Arrays of our own on a device, for libraries that are not known: they speak both protocols."""

from __future__ import annotations

import warnings
from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.device_array import DeviceArray
from hostcuda.standin import StandIn
from variants import tolerance

import gramian as gm
from gramian import reference

pytestmark = pytest.mark.cuda

X, Y = inputs.pair(300, 7, 9, "float32")
FEW, OTHERS = inputs.pair(40, 200, 150, "float32")


def made(standin: StandIn) -> Any:
    return gm.gram(DeviceArray(standin, X))


def test_what_it_says(standin: StandIn) -> None:
    found = made(standin)
    assert (found.shape, found.strides, found.dtype) == ((300, 300), (300, 1), "float32")
    assert found.__dlpack_device__() == (2, 0)
    for got in (found.numpy(), np.asarray(found), np.asarray(found, dtype="float64")):
        np.testing.assert_allclose(got, reference.gram(X), rtol=0, atol=1e-3)


def test_interface(standin: StandIn) -> None:
    found = made(standin)
    interface = found.__cuda_array_interface__
    assert interface["typestr"] == "<f4"
    assert interface["strides"] == (1200, 4)
    assert interface["stream"] > 2
    assert not interface["data"][1]  # it may be written to

    class Shown:
        __cuda_array_interface__ = interface

    got = gm.cka(Shown(), Shown(), kernel="precomputed")
    assert got == pytest.approx(1, abs=1e-6)


def test_input_again(standin: StandIn) -> None:
    found = made(standin)
    other = gm.gram(DeviceArray(standin, Y))
    got = gm.cka(found, other, kernel="precomputed")
    assert got == pytest.approx(reference.cka(X, Y), abs=tolerance("float32"))


def test_capsules(standin: StandIn) -> None:
    """Unused ones keep the memory no longer than they live."""
    found = made(standin)
    for options in ({}, {"max_version": (0, 8)}, {"max_version": (1, 1), "stream": -1}):
        capsule = found.__dlpack__(**options)
        assert ("versioned" in repr(capsule)) == (options.get("max_version", (0,))[0] >= 1)
        del capsule
    live = standin.live_bytes()
    capsule = found.__dlpack__(stream=1, dl_device=(2, 0), copy=False)
    assert standin.live_bytes() == live
    del capsule


def test_refused(standin: StandIn) -> None:
    found = made(standin)
    with pytest.raises(ValueError, match="stream must be"):
        found.__dlpack__(stream=0)
    with pytest.raises(BufferError, match="on cuda:0"):
        found.__dlpack__(dl_device=(1, 0))
    with pytest.raises(BufferError, match="not copied"):
        found.__dlpack__(copy=True)


def test_results_in_files(standin: StandIn, tmp_path: Any) -> None:
    """A result that holds arrays of a library is written, compared and drawn by way of the host."""
    found = gm.match_units(DeviceArray(standin, X), DeviceArray(standin, Y))
    found.save(tmp_path / "m.json")
    again = gm.load(tmp_path / "m.json", gm.Matching)
    assert again == found
    assert "300" not in repr(found)
    rows, columns = found.order()
    assert sorted(rows.tolist()) == list(range(7))
    assert sorted(columns.tolist()) == list(range(9))
    assert "7 x 9 float32" in str(found)


@pytest.mark.parametrize("method", ["one-to-one", "semi"])
@pytest.mark.parametrize("absolute", [False, True])
def test_matches(standin: StandIn, method: Any, absolute: bool) -> None:
    """Of semi-matching the host gets a pair for each unit of X."""
    x, y = FEW.copy(), OTHERS.copy()
    x[:, 3], y[:, 5] = 1, 2  # constant
    y[:, 7] = -y[:, 6]
    arrays = DeviceArray(standin, x), DeviceArray(standin, y)
    options = {"method": method, "absolute": absolute}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        standin.copied_out()
        got = gm.match_units(*arrays, **options)
        copied = standin.copied_out()
        wanted = reference.match_units(x, y, **options)
    assert copied < 200 * 150 * 4 / 3 or method == "one-to-one"
    np.testing.assert_array_equal(got.pairs, wanted.pairs)
    np.testing.assert_allclose(got.correlations, wanted.correlations, rtol=0, atol=1e-5)
    assert got.mean == pytest.approx(wanted.mean, abs=1e-5)
    np.testing.assert_array_equal(got.x_left_out, [3])
