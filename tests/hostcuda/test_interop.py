"""Arrays of other libraries: by DLPack and by CUDA's protocol, on their own stream and device."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.device_array import LEGACY, DeviceArray
from hostcuda.standin import StandIn
from variants import Variant, tolerance

import gramian as gm
from gramian import reference

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("remarks_of_cca")]

# Layouts whose memory a device array can have.
LAYOUTS = {name: make for name, make in inputs.LAYOUTS.items() if name != "foreign byte order"}


def agrees(measure: Variant, got: float, X: Any, Y: Any, dtype: str) -> bool:
    expected = measure.score(measure(X, Y, "reference"))
    atol = tolerance(dtype, measure.scale(X, Y))
    return measure.score(got) == pytest.approx(expected, rel=0, abs=atol)


def test_dlpack(measure: Variant, standin: StandIn, dtype: str) -> None:
    """The producer is told a stream, and what it has queued is there when that stream reads."""
    X, Y = inputs.pair(65, 7, 9, dtype)
    x, y = (DeviceArray(standin, array) for array in (X, Y))
    assert standin.pending() > 0
    assert agrees(measure, measure(x, y, None), X, Y, dtype)
    assert x.asked
    assert not {None, 0, LEGACY} & {*x.asked, *y.asked}


def of_own_stream(array: DeviceArray) -> Any:
    return array.interface(array.stream.value)


def of_legacy_stream(array: DeviceArray) -> Any:
    array.let_wait(LEGACY)
    return array.interface(LEGACY)


def synchronized(array: DeviceArray) -> Any:
    array.cudart.cudaStreamSynchronize(array.stream)
    return array.interface(None)


@pytest.mark.parametrize("show", [of_own_stream, of_legacy_stream, synchronized])
def test_cuda_array_interface(
    measure: Variant, standin: StandIn, dtype: str, show: Callable[[DeviceArray], Any]
) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    x, y = (show(DeviceArray(standin, array)) for array in (X, Y))
    assert agrees(measure, measure(x, y, None), X, Y, dtype)


@pytest.mark.parametrize("protocol", ["DLPack", "interface"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(standin: StandIn, dtype: str, layout: str, protocol: str) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    array = DeviceArray(standin, np.asarray(LAYOUTS[layout](X)))
    x = array if protocol == "DLPack" else of_own_stream(array)
    for options in ({}, {"kernel": "rbf"}):
        expected = reference.cka(X, Y, **options)
        got = gm.cka(x, DeviceArray(standin, Y), **options)
        assert got == pytest.approx(expected, rel=0, abs=tolerance(dtype))
    assert gm.procrustes(DeviceArray(standin, Y), x) == pytest.approx(
        reference.procrustes(X, Y), rel=0, abs=tolerance(dtype)
    )


ELEMENTS = {"bool": "float32", "float16": "float32"} | {
    name: "float32" if name.endswith(("8", "16")) else "float64"
    for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
}


@pytest.mark.parametrize("protocol", ["DLPack", "interface"])
@pytest.mark.parametrize("element", ELEMENTS)
def test_elements(standin: StandIn, element: str, protocol: str) -> None:
    X, Y = inputs.pair(65, 7, 9)
    X = (X > 0 if element == "bool" else np.round(3 * X + 100)).astype(element)
    array = DeviceArray(standin, X)
    x = array if protocol == "DLPack" else of_own_stream(array)
    got = gm.cka(x, DeviceArray(standin, Y.astype(ELEMENTS[element])), kernel="rbf")
    expected = reference.cka(X, Y.astype(ELEMENTS[element]), kernel="rbf")
    assert got == pytest.approx(expected, rel=0, abs=tolerance(ELEMENTS[element]))


def test_bfloat16(standin: StandIn) -> None:
    X, Y = inputs.pair(65, 7, 9, "float32")
    X = (X.view(np.uint32) & 0xFFFF0000).view(np.float32)
    bits = (X.view(np.uint32) >> 16).astype(np.uint16)
    x = DeviceArray(standin, bits, bfloat16=True)
    got = gm.cka(x, DeviceArray(standin, Y))
    assert got == pytest.approx(reference.cka(X, Y), rel=0, abs=tolerance("float32"))


def test_no_copy(standin: StandIn) -> None:
    X, Y = inputs.pair(3000, 40, 30, "float32")
    x, y = (DeviceArray(standin, array) for array in (X, Y))
    standin.copied_bytes()
    gm.cka(x, y)
    assert standin.copied_bytes() < x.nbytes / 10
    gm.cka(X, Y, device="cuda")
    assert standin.copied_bytes() >= X.nbytes + Y.nbytes


def test_compare(standin: StandIn, dtype: str) -> None:
    arrays = [inputs.pair(40, p, 1, dtype)[0] for p in (3, 50, 8)]
    layers = {f"layer {i}": DeviceArray(standin, array) for i, array in enumerate(arrays)}
    for measure in ("cka", "svcca", "procrustes"):
        got = gm.compare(layers, measure=measure)
        expected = reference.compare(arrays, measure=measure)
        assert list(got.x_names) == list(layers)
        np.testing.assert_allclose(got.values, expected.values, rtol=0, atol=tolerance(dtype))


# Layouts, what becomes of positions, and the order of axes in memory.
SEEN = {
    "channels_last": ("nhwc", "samples", (0, 1, 2, 3)),
    "channels_first": ("nchw", "features", (0, 1, 2, 3)),
    "channels_last_as_first": ("nchw", "samples", (0, 2, 3, 1)),
    "units_in_memory_order": ("nchw", "features", (0, 2, 3, 1)),
    "samples_last": ("chwn", "features", (0, 1, 2, 3)),
    "flat": ("flatten", None, (0, 1, 2, 3)),
}


@pytest.mark.parametrize("name", SEEN)
def test_views_of_more_axes(standin: StandIn, name: str) -> None:
    """What strides can say is read where it is, of an array that has no methods."""
    layout, positions, order = SEEN[name]
    rng = np.random.default_rng(0)
    shapes = [[{"n": 600, "c": c, "h": 4, "w": 5}[a] for a in "nchw"] for c in (3, 2)]
    named = "nchw" if layout == "flatten" else layout
    arrays = [rng.standard_normal(shape).astype("f4") for shape in shapes]
    arrays = [one.transpose(["nchw".index(a) for a in named]) for one in arrays]
    arrays = [np.ascontiguousarray(one.transpose(order)) for one in arrays]
    arrays = [one.transpose(np.argsort(order)) for one in arrays]
    options: dict[str, Any] = {"layout": layout, "positions": positions}
    on_device = [DeviceArray(standin, one) for one in arrays]
    standin.copied_bytes()
    got = gm.cka(*on_device, **options)
    assert standin.copied_bytes() < arrays[0].nbytes
    expected = gm.cka(*arrays, **options, device="reference")
    assert got == pytest.approx(expected, rel=0, abs=tolerance("float32"))


def test_what_takes_a_copy(standin: StandIn) -> None:
    """For that the array has to have methods."""
    images = DeviceArray(standin, np.random.default_rng(0).standard_normal((9, 3, 4, 5)))
    for positions in ("samples", "mean", 3):
        with pytest.raises(ValueError, match="X must have the methods of an array"):
            gm.cka(images, images, layout="nchw", positions=positions)


@pytest.fixture
def two(standin: StandIn) -> StandIn:
    """Two devices; `standin` goes back to one."""
    standin.set_devices(2)
    return standin


def current(standin: StandIn) -> int:
    device = ctypes.c_int(-1)
    standin.cudart.cudaGetDevice(ctypes.byref(device))
    return device.value


def test_the_inputs_device(measure: Variant, two: StandIn, dtype: str) -> None:
    """Work is done where the inputs are, and the current device is as before."""
    X, Y = inputs.pair(65, 7, 9, dtype)
    arrays = [DeviceArray(two, array, device=1) for array in (X, Y)]
    for device in (None, "cuda:1"):
        assert agrees(measure, measure(*arrays, device), X, Y, dtype)
    assert agrees(measure, measure(X, Y, "cuda:1"), X, Y, dtype)
    assert current(two) == 0


def test_two_devices(two: StandIn) -> None:
    X, Y = inputs.pair(20, 3, 4)
    x, y = (DeviceArray(two, array, device=i) for i, array in enumerate((X, Y)))
    for call in (gm.cka, gm.cca, gm.procrustes, gm.correlation):
        with pytest.raises(ValueError, match=r"X .*cuda:0.* Y .*cuda:1"):
            call(x, y)
    with pytest.raises(ValueError, match=r"cuda:0.*cuda:1"):
        gm.compare([x, y])
    with pytest.raises(ValueError, match=r"X is on cuda:0, Y on the CPU"):
        gm.cka(x, Y)
    for device in ("cuda:1", "cpu"):
        with pytest.raises(ValueError, match="X lives on cuda:0"):
            gm.cka(x, x, device=device)
    with pytest.raises(ValueError, match="'cuda:2' does not exist"):
        gm.cka(X, Y, device="cuda:2")
    assert current(two) == 0


def overwrite(array: DeviceArray) -> None:
    """As whoever owns it may, on its own stream, once a call has returned."""
    array.cudart.cudaMemsetAsync(
        ctypes.c_void_p(array.pointer), 0xFF, ctypes.c_size_t(array.nbytes), array.stream
    )
    array.cudart.cudaStreamSynchronize(array.stream)


@pytest.mark.parametrize("measure", ["cka", "cca", "procrustes", "linear_regression"])
def test_batches_that_are_overwritten(standin: StandIn, dtype: str, measure: str) -> None:
    """Nothing waits for what a batch adds to sums on the device, but for the batch to be read."""
    X, Y = inputs.pair(120, 7, 9, dtype)
    acc = gm.Accumulator(measure)
    for k in range(0, 120, 40):
        batch = [DeviceArray(standin, np.ascontiguousarray(Z[k : k + 40])) for Z in (X, Y)]
        acc.update(*batch)
        for array in batch:
            overwrite(array)
    expected = reference.compare([X], [Y], measure=measure).values
    np.testing.assert_allclose(acc.compute().values, expected, rtol=0, atol=tolerance(dtype))


@pytest.mark.parametrize("call", [gm.gram, gm.correlation])
def test_results_of_what_is_overwritten(
    standin: StandIn, dtype: str, call: Callable[..., Any]
) -> None:
    X = inputs.pair(60, 7, 9, dtype)[0]
    array = DeviceArray(standin, X)
    found = call(array)
    overwrite(array)
    expected = getattr(reference, call.__name__)(X)
    atol = tolerance(dtype, np.abs(expected).max())
    np.testing.assert_allclose(np.asarray(found.numpy()), expected, rtol=0, atol=atol)


def test_no_device(standin: StandIn) -> None:
    X, Y = inputs.pair(20, 3, 4)
    x = DeviceArray(standin, X)
    standin.set_devices(0)
    with pytest.raises(RuntimeError, match="no usable CUDA device"):
        gm.cka(X, Y, device="cuda")
    with pytest.raises(ValueError, match="X lives on cuda:0"):
        gm.cka(x, x)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_not_finite(standin: StandIn, dtype: str, value: float) -> None:
    X, Y = inputs.pair(20, 3, 4, dtype)
    X[7, 1] = value
    x, y = (DeviceArray(standin, array) for array in (X, Y))
    with pytest.raises(ValueError, match=r"X must be finite: .* first at \[7, 1\]"):
        gm.cka(x, y)
    assert np.isnan(gm.cka(x, y, nan_policy="propagate"))


def test_refused(standin: StandIn) -> None:
    X, Y = inputs.pair(20, 3, 4)
    y = DeviceArray(standin, Y)
    with pytest.raises(ValueError, match="same number of samples: X has 19, Y has 20"):
        gm.cka(DeviceArray(standin, X[:19]), y)
    with pytest.raises(TypeError, match="X must be real, got complex128"):
        gm.cka(of_own_stream(DeviceArray(standin, X.astype(complex))), y)
