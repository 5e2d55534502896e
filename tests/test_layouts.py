"""Layouts: images and tokens as samples, features or means, for every function and `compare`."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from calls import ALL, COMPARES, Call, each, numbers

import gramian as gm
from gramian._input import layout as layout_of
from gramian._input.arrays import Layer
from gramian._input.layout import chosen_layout

Array = np.ndarray
FUNCTIONS = [call for call in ALL if call not in COMPARES]


def images(n: int = 48, channels: int = 3, height: int = 2, width: int = 3) -> Array:
    rng = np.random.default_rng(channels)
    return rng.standard_normal((n, channels, height, width))


def as_samples(X: Array) -> Array:
    """Samples by channels, by loops."""
    n, _, h, w = X.shape
    return np.array([X[i, :, a, b] for i in range(n) for a in range(h) for b in range(w)])


def as_features(X: Array) -> Array:
    return np.array([x.ravel() for x in X])


def as_means(X: Array) -> Array:
    n, c, *_ = X.shape
    return np.array([[X[i, k].mean() for k in range(c)] for i in range(n)])


POOLED = {"samples": as_samples, "features": as_features, "mean": as_means}
LAYOUTS = {"nchw": (0, 1, 2, 3), "nhwc": (0, 2, 3, 1), "chwn": (1, 2, 3, 0)}


@each(ALL)
@pytest.mark.parametrize("positions", POOLED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_function(call: Call, layout: str, positions: str) -> None:
    X, Y = images(channels=3), images(channels=2)
    options: dict[str, Any] = {"alphas": [0.5]} if call.takes("alphas") else {}
    turned = (array.transpose(LAYOUTS[layout]) for array in (X, Y))
    got = call(*turned, layout=layout, positions=positions, **options)
    pooled = POOLED[positions]
    if positions == "features" and layout != "nchw":  # whose units come in another order
        reordered = [x.transpose(0, 2, 3, 1) if layout == "nhwc" else x for x in (X, Y)]
        expected = call(*map(as_features, reordered), **options)
    else:
        grouped = call.takes("groups") and call.function not in ("cca", "linear_regression")
        if positions == "samples" and grouped and call not in COMPARES:
            # Positions of one example belong together, where there are folds by default or draws.
            options["groups"] = np.repeat(np.arange(len(X)), math.prod(X.shape[2:]))
        expected = call(pooled(X), pooled(Y), **options)
    np.testing.assert_allclose(numbers(got), numbers(expected), rtol=0, atol=1e-9)


@each(ALL)
def test_flatten_and_arrays_of_two_axes(call: Call) -> None:
    X, Y = images(channels=1), images(channels=2)
    if call.takes("alphas"):
        call = partial(call, alphas=[0.5])
    expected = numbers(call(as_features(X), as_features(Y)))
    got = call(X, as_features(Y), layout="flatten")
    np.testing.assert_allclose(numbers(got), expected, rtol=0, atol=1e-9)
    got = call(X, as_features(Y), layout="nchw", positions="features")
    np.testing.assert_allclose(numbers(got), expected, rtol=0, atol=1e-9)


def test_several_layouts() -> None:
    """A convolution, tokens, and a head."""
    X, tokens, head = images(), np.random.default_rng(5).standard_normal((48, 7, 4)), np.eye(48, 3)
    S = gm.compare(
        {"conv": X, "block": tokens, "head": head}, layout=("nchw", "ntd"), positions="mean"
    )
    expected = gm.compare([as_means(X), tokens.mean(axis=1), head])
    np.testing.assert_allclose(S.values, expected.values, rtol=0, atol=1e-12)
    assert S.options["layout"] == ["nchw", "ntd"]
    assert S.options["positions"] == "mean"


def base_of(layer: Layer) -> int:
    return layer.array.__array_interface__["data"][0]


def test_views_where_strides_allow() -> None:
    X = images()
    last = np.ascontiguousarray(X.transpose(0, 2, 3, 1))
    transposed = last.transpose(0, 3, 1, 2)  # channels last in memory
    for array, layout, positions, view in (
        (X, "nchw", "features", True),
        (transposed, "nchw", "features", True),
        (last, "nhwc", "features", True),
        (last, "nhwc", "samples", True),
        (transposed, "nchw", "samples", True),
        (X[:, :, :, ::-1], "nchw", "features", False),
        (X, "nchw", "samples", False),
    ):
        layer = chosen_layout(layout, positions).layer(array, "X")
        assert np.shares_memory(layer.array, array) == view, (layout, positions)
        assert layer.array.shape[1] == (18 if positions == "features" else 3)
    ordered = chosen_layout("nchw", "features").layer(transposed, "X", in_order=True)
    np.testing.assert_array_equal(ordered.array, as_features(X))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "int8", "int64"])
def test_means_of_types(dtype: str) -> None:
    """Summed in float64, kept in the precision of arithmetic."""
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    X = (100 + 20 * images(5, 3, 40, 50)).astype(kind)
    layer = chosen_layout("nchw", "mean").layer(X, "X")
    assert layer.dtype == ("float64" if dtype == "int64" else "float32")
    expected = X.astype("f8").reshape(5, 3, -1).mean(axis=2)
    np.testing.assert_allclose(layer.array, expected, rtol=1e-7)


def test_groups() -> None:
    layer = chosen_layout("nchw", "samples").layer(images(4), "X")
    assert layer.groups is not None
    np.testing.assert_array_equal(layer.groups, np.repeat(np.arange(4), 6))
    some = chosen_layout("nchw", [1, 4]).layer(images(4), "X")
    np.testing.assert_array_equal(some.groups, np.repeat(np.arange(4), 2))  # type: ignore[arg-type]
    assert chosen_layout("nchw", "mean").layer(images(4), "X").groups is None


class OnDevice:
    """An array of a library that keeps it elsewhere: its methods alone are called."""

    def __init__(self, array: Array, called: list[str]) -> None:
        self._array, self._called = array, called
        self.shape = array.shape

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in ("transpose", "reshape", "mean"):
            raise AttributeError(name)
        self._called.append(name)
        return lambda *args, **options: OnDevice(
            getattr(self._array, name)(*args, **options), self._called
        )

    def __getitem__(self, key: Any) -> OnDevice:
        return OnDevice(self._array[key], self._called)

    @property
    def T(self) -> OnDevice:  # noqa: N802, as all libraries have it
        return OnDevice(self._array.T, self._called)


@pytest.mark.parametrize("positions", [*POOLED, 4])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_device_arrays(monkeypatch: pytest.MonkeyPatch, layout: str, positions: Any) -> None:
    """By the methods of their own library, never in host memory."""
    from gramian._input import arrays

    X, called = images().transpose(LAYOUTS[layout]), list[str]()

    def as_array(value: Any, name: str) -> Any:
        return value, "float64"

    def as_layer(value: Any, name: str) -> Layer:
        return Layer(name, value._array, "float64")

    monkeypatch.setattr(arrays, "as_array", as_array)
    monkeypatch.setattr(arrays, "as_layer", as_layer)
    monkeypatch.setattr(layout_of, "looked_at", lambda *_: None)
    value = OnDevice(X, called)
    value.ndim = X.ndim  # type: ignore[attr-defined]
    found = chosen_layout(layout, positions).layer(value, "X")
    monkeypatch.undo()
    expected = chosen_layout(layout, positions).layer(X, "X", in_order=True)
    np.testing.assert_allclose(found.array, expected.array, rtol=0, atol=1e-12)
    assert called
    np.testing.assert_array_equal(found.groups, expected.groups)  # type: ignore[arg-type]


@pytest.mark.parametrize("positions", [*POOLED, 4])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tensors_of_torch_on_their_device(layout: str, positions: Any) -> None:
    """By its own methods, on the device at hand."""
    torch = pytest.importorskip("torch")
    X = images().astype("f4").transpose(LAYOUTS[layout])
    how = chosen_layout(layout, positions)
    found = how._by_library(torch.from_numpy(X.copy()), "float32", how.axes[0], "X")
    expected = how.layer(X, "X", in_order=True)
    np.testing.assert_allclose(found.array, expected.array, rtol=0, atol=1e-6)
    assert found.dtype == "float32"


def test_more_axes_without_a_layout() -> None:
    """The error says what can be done."""
    for array, said in ((images(), "'nchw' or 'nhwc' for images"), (images()[0], "'ntd' for t")):
        with pytest.raises(ValueError, match=rf"^X must be 2-D .*: layout={said}.*'mean' averages"):
            gm.cka(array, array)
        with pytest.raises(ValueError, match=rf"^A\['0'\] must be 2-D .*: layout={said}"):
            gm.compare([array])
        with pytest.raises(ValueError, match=rf"^a\['x'\] must be 2-D .*: layout={said}"):
            gm.Accumulator().update(array)


@each(COMPARES)
def test_different_resolutions(call: Call) -> None:
    """The error has both n, and the pooling that would make them equal."""
    X, Y = images(12, 3, 4, 4), images(12, 3, 2, 2)
    options: dict[str, Any] = {"layout": "nchw"}
    message = (
        r"A\['x'\] has 192, B\['y'\] has 48, of 12 examples each: "
        r"positions='mean' or 'features' makes one sample of each example\.$"
    )
    with pytest.raises(ValueError, match=message):
        call(X, Y, positions="samples", **options)
    assert call(X, Y, positions="mean", **options).n_samples == 12
    with pytest.raises(ValueError, match=r"A\['x'\] has 192, B\['y'\] has 40, of different number"):
        call(X, Y[:10], positions="samples", **options)
    with pytest.raises(ValueError, match=r"same positions: A\['x'\] has 4 x 4, B\['y'\] has 2 x 8"):
        call(X, X.reshape(12, 3, 2, 8), positions="samples", **options)
    tokens = X.reshape(12, 3, 16).transpose(0, 2, 1)  # the same positions, row by row
    found = call(X, tokens, layout=("nchw", "ntd"), positions="samples")
    assert found.values[0, 0] == pytest.approx(1, abs=1e-12)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"layout": "nchw"}, ValueError, "positions must be given with a layout: 'features'"),
    ({"layout": "chw"}, ValueError, "layout must be 'flatten', or a letter for every axis"),
    ({"layout": "nxw"}, ValueError, "layout must be 'flatten', or a letter for every axis"),
    ({"layout": ("nchw", "nhwc")}, ValueError, "layout must name one layout for each number"),
    ({"layout": ()}, ValueError, "layout must name one layout for each number"),
    ({"layout": "flatten", "positions": "mean"}, ValueError, "layout='flatten' takes no positions"),
    ({"positions": "mean"}, ValueError, "positions needs a layout"),
    ({"layout": "nchw", "positions": "all"}, ValueError, "positions must be 'samples', "),
    ({"layout": "nchw", "positions": 1.5}, TypeError, "positions must be 'samples', "),
    ({"layout": "ntd", "positions": "mean"}, ValueError, r".*must be 3-D \(n, tokens, units\) "),
]


@each([call for call in ALL if call.function in ("cka", "compare", "pwcca")])
@pytest.mark.parametrize("options", BAD, ids=[str(k) for k in range(len(BAD))])
def test_bad_layouts(call: Call, options: tuple[dict[str, Any], type[Exception], str]) -> None:
    given, kind, message = options
    if given.get("layout") == ():
        given = {**given, "positions": "mean"}
    if isinstance(given.get("layout"), tuple) or len(str(given.get("layout"))) == 3:
        given = {"positions": "mean", **given}
    with pytest.raises(kind, match=f"^{message}"):
        call(images(), images(), **given)


def test_batches_of_images() -> None:
    X, Y = images(40), images(40, 2)
    accumulator = gm.Accumulator("cka", layout="nchw", positions="samples")
    for start in range(0, 40, 7):
        accumulator.update(X[start : start + 7], Y[start : start + 7])
    found = accumulator.compute()
    whole = gm.cka(X, Y, layout="nchw", positions="samples")
    assert found.values[0, 0] == pytest.approx(whole, abs=1e-12)
    assert found.n_samples == 240
    assert found.options["layout"] == "nchw"
    import pickle

    again = pickle.loads(pickle.dumps(accumulator))
    again.update(X, Y)
    assert again.n_samples == 480
