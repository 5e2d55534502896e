"""A comparison as data: by name and position, tables, arithmetic, equality."""

from __future__ import annotations

import dataclasses
import operator
from typing import Any

import numpy as np
import pytest
from comparisons import comparison

import gramian as gm

NAMES = ("conv1", "conv2", "fc")
VALUES = np.array([[1.0, 0.5, 0.25], [0.5, 1.0, 0.75], [0.125, 0.0, 1.0]])


def three(values: Any = VALUES, **changes: Any) -> gm.Comparison:
    return comparison(values, **{"x_names": NAMES, "y_names": NAMES} | changes)


def inferred() -> gm.Comparison:
    """With an interval of 0.1 to both sides."""
    inference = gm.Inference("jackknife", 100, 0.95, low=VALUES - 0.1, high=VALUES + 0.1)
    return three(inference=inference)


CELLS = {
    ("conv1", "fc"): 0.25,
    (0, 2): 0.25,
    (-1, "conv1"): 0.125,
    (np.int64(1), "fc"): 0.75,
}


@pytest.mark.parametrize("key", CELLS)
def test_one_value(key: Any) -> None:
    found = three()[key]
    assert found == CELLS[key]
    assert type(found) is float


PARTS: dict[str, tuple[Any, list[int], list[int]]] = {
    "a pattern": (("conv*", slice(None)), [0, 1], [0, 1, 2]),
    "two patterns": (("conv*", "*2"), [0, 1], [1]),
    "a row": ("conv2", [1], [0, 1, 2]),
    "a row by position": (-1, [2], [0, 1, 2]),
    "a slice": (slice(1, None), [1, 2], [0, 1, 2]),
    "names, the last included": ((slice("conv1", "conv2"), slice(None)), [0, 1], [0, 1, 2]),
    "steps back": ((slice(None), slice(None, None, -1)), [0, 1, 2], [2, 1, 0]),
    "a list": ((["fc", 0], ["conv2"]), [2, 0], [1]),
    "truths": ((np.array([True, False, True]), "fc"), [0, 2], [2]),
    "once each": ((["conv*", "conv1"], [0]), [0, 1], [0]),
}


@pytest.mark.parametrize("name", PARTS)
def test_parts(name: str) -> None:
    key, rows, columns = PARTS[name]
    S = inferred()
    part = S[key]
    assert isinstance(part, gm.Comparison)
    np.testing.assert_array_equal(part.values, VALUES[np.ix_(rows, columns)])
    np.testing.assert_array_equal(part.high, VALUES[np.ix_(rows, columns)] + 0.1)
    assert part.x_names == tuple(NAMES[i] for i in rows)
    assert part.y_names == tuple(NAMES[j] for j in columns)
    assert (part.measure, part.options, part.n_samples) == (S.measure, S.options, S.n_samples)


def test_a_name_is_no_pattern() -> None:
    """Where a layer has the name itself, whatever characters it is of."""
    S = three(x_names=("a*", "ab", "a[0]"))
    assert S["a*", "fc"] == 0.25
    assert S["a[0]", "conv1"] == 0.125
    assert S["a?", :].x_names == ("a*", "ab")


@pytest.mark.parametrize(
    ("key", "error", "message"),
    [
        (
            ("conv3", 0),
            KeyError,
            r"^nothing in A is called 'conv3': .* Did you mean 'conv[12]'\?$",
        ),
        ((0, "x"), KeyError, r"^nothing in B is called 'x': there are 'conv1', 'conv2', 'fc'\.$"),
        (3, IndexError, r"^A has 3 layers, got position 3\.$"),
        ((0, -4), IndexError, r"^B has 3 layers, got position -4\.$"),
        (1.5, TypeError, r"^layers of A must be a name, a pattern .*, got float\.$"),
        (([True], 0), IndexError, r"^A has 3 layers, got 1 truths\.$"),
        (slice("c*", None), KeyError, r"^an end of a slice must be the name of one layer of A"),
    ],
)
def test_no_such_layer(key: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        three()[key]


def test_transposed() -> None:
    S = inferred()
    assert S.T.T == S
    np.testing.assert_array_equal(S.T.values, VALUES.T)
    np.testing.assert_array_equal(S.T.low, VALUES.T - 0.1)
    assert S.T["fc", "conv1"] == S["conv1", "fc"]


def test_transposed_of_an_asymmetric_measure_says_so() -> None:
    X, Y = np.random.default_rng(0).standard_normal((2, 40, 3))
    S = gm.compare({"x": X}, {"y": Y, "z": X + Y}, measure="pwcca")
    assert S.T.options == S.options | {"transposed": True}
    assert "measure(column, row)" in str(S.T)
    assert "transposed" in repr(S.T)
    assert S.T["y", "x"] == gm.pwcca(X, Y) != gm.pwcca(Y, X)
    assert S.T.T == S
    assert "transposed" not in gm.compare({"x": X}, measure="cka").T.options


def test_arithmetic() -> None:
    S = three()
    for operation in (operator.add, operator.sub, operator.mul, operator.truediv):
        with np.errstate(divide="ignore", invalid="ignore"):
            expected = operation(VALUES, VALUES.T)
        other = three(VALUES.T)
        np.testing.assert_array_equal(operation(S, other).values, expected)
        np.testing.assert_array_equal(operation(S, 2).values, operation(VALUES, 2))
    np.testing.assert_array_equal((1 - S).values, 1 - VALUES)
    np.testing.assert_array_equal((1 + S).values, 1 + VALUES)
    np.testing.assert_array_equal((2 * S).values, 2 * VALUES)
    np.testing.assert_array_equal((-S).values, -VALUES)
    np.testing.assert_array_equal(abs(S - 1).values, 1 - VALUES)


def test_layers_are_matched_by_name() -> None:
    S = three()
    turned = S[::-1, [1, 0, 2]]
    assert (S - turned).x_names == NAMES
    assert not (S - turned).values.any()
    with pytest.raises(ValueError, match=r"^both comparisons must have the same y_names: 'fc' is"):
        S - S[:, :2]


def test_what_is_no_measure_says_so() -> None:
    """By its name, and on a scale of its own, on both sides of 0; without intervals."""
    S, other = inferred(), three(VALUES**2, options={"kernel": "rbf"})
    assert (S - other).measure == "cka(kernel='linear') - cka(kernel='rbf')"
    assert repr(S - other).startswith("<Comparison cka(kernel='linear') - cka(kernel='rbf'): 3 x 3")
    assert (S - S).measure == "difference of cka(kernel='linear')"
    assert (1 - S).measure == "1 - cka(kernel='linear')"
    assert (2 * (S - other)).measure == "2 * (cka(kernel='linear') - cka(kernel='rbf'))"
    difference = other - S
    assert difference.inference is None
    assert difference.options == {}
    assert difference._limits() == (-0.25, 0.25)
    assert S._limits() != (-0.25, 0.25)
    with pytest.raises(ValueError, match="not defined for an unknown measure"):
        difference.accuracy()


def test_different_numbers_of_samples_are_told() -> None:
    found = three() - three(n_samples=80)
    assert (found.n_samples, found.options) == (80, {"samples": [100, 80]})
    assert "100 80 samples" in str(found)


@pytest.mark.parametrize("other", ["x", None, [1], True])
def test_arithmetic_with_something_else(other: Any) -> None:
    for operation in (operator.sub, operator.add, operator.mul, operator.truediv):
        with pytest.raises(TypeError):
            operation(three(), other)
    with pytest.raises(TypeError):
        other - three()


def test_equality() -> None:
    S = inferred()
    assert inferred() == S
    for changed in (
        three(),
        dataclasses.replace(S, n_samples=99),
        dataclasses.replace(S, measure="hsic"),
        dataclasses.replace(S, options={}),
        dataclasses.replace(S, x_names=("a", "b", "c")),
        dataclasses.replace(S, values=np.nextafter(VALUES, 2)),
        S - S,
        0.5,
    ):
        assert changed != S
        assert changed != S
    holes = VALUES.copy()
    holes[0, 1] = np.nan
    assert three(holes) == three(holes.copy())
    assert {S: 1}[inferred()] == 1


def test_as_numbers() -> None:
    S = three()
    array = np.asarray(S)
    assert array.dtype == np.float64
    np.testing.assert_array_equal(array, VALUES)
    assert np.asarray(S, dtype=np.float32).dtype == np.float32
    copy = np.array(S)
    copy[0, 0] = 7
    assert S.values[0, 0] == 1
    assert np.mean(S) == VALUES.mean()
    assert float(S["conv1":"conv1", "fc":]) == 0.25
    assert f"{S[[0], [2]]:.3f}" == "0.250"
    with pytest.raises(TypeError, match=r"^float needs a comparison of one pair, got 3 x 3\.$"):
        float(S)


def test_pairs() -> None:
    S = three()
    pairs = list(S)
    assert len(pairs) == len(S) == 9
    assert pairs[2] == ("conv1", "fc", 0.25)
    assert (pairs[2].x, pairs[2].y, pairs[2].value) == ("conv1", "fc", 0.25)


def test_best() -> None:
    values = np.array([[0.3, np.nan, 0.9], [0.2, 0.1, 0.4], [np.nan] * 3])
    S = three(values)
    assert S.best() == ("conv1", "fc", 0.9)
    assert {name: pair.y for name, pair in S.matches().items()} == {"conv1": "fc", "conv2": "fc"}
    distance = three(values, measure="cka_distance")
    assert distance.best() == ("conv2", "conv2", 0.1)
    assert distance.matches()["conv1"].y == "conv1"
    with pytest.raises(ValueError, match=r"^best needs a value that is a number, got none\.$"):
        S["fc", :].best()


def test_long_table() -> None:
    pytest.importorskip("pandas")
    frame = inferred().to_pandas(long=True)
    assert list(frame.columns) == ["x", "y", "value", "low", "high"]
    assert len(frame) == 9
    row = frame[(frame.x == "conv2") & (frame.y == "fc")]
    assert row[["value", "low", "high"]].to_numpy().tolist() == [[0.75, 0.65, 0.85]]
    assert list(three().to_pandas(long=True).columns) == ["x", "y", "value"]
    wide = frame.pivot_table(index="x", columns="y", values="value")
    np.testing.assert_array_equal(wide, VALUES)
    with pytest.raises(TypeError, match=r"^long must be True or False, got str\.$"):
        three().to_pandas(long="yes")  # type: ignore[arg-type]


def test_pvalues_in_tables() -> None:
    pytest.importorskip("pandas")
    X, Y = np.random.default_rng(0).standard_normal((2, 20, 3))
    S = gm.compare({"x": X}, {"y": Y}, inference="permutation", n_resamples=19, rng=0)
    frame = S.to_pandas(long=True)
    assert frame["pvalues"][0] == S.pvalues[0, 0]
    assert "low" not in frame


def test_xarray() -> None:
    xarray = pytest.importorskip("xarray")
    S = inferred()
    found = S.to_xarray()
    assert isinstance(found, xarray.DataArray)
    assert found.dims == ("x", "y")
    assert found.name == "cka"
    assert float(found.sel(x="conv2", y="fc")) == 0.75
    assert float(found.low.sel(x="conv2", y="fc")) == 0.65
    assert found.attrs == {"kernel": "linear", "n_samples": 100}
    found[0, 0] = 7
    assert S.values[0, 0] == 1


def test_picture_of_a_difference() -> None:
    """White where there is none, and of other colors above 0 and below."""
    figure = pytest.importorskip("matplotlib.figure").Figure()
    image = (three() - three(VALUES.T)).plot(figure.subplots()).images[0]
    low, high = image.get_clim()
    assert (low, high) == (-0.75, 0.75)
    colors = [np.array(image.cmap(image.norm(value))) for value in (low, 0, high)]
    assert colors[1][:3].min() > 0.95
    assert colors[0][2] > colors[0][0]  # blue
    assert colors[2][0] > colors[2][2]  # red
