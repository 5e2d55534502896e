"""Bad input: the exception and the exact message, from every public function and the reference."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from calls import ALL, COMPARES, GOOD, OF_KERNELS, OTHER, PAIRS, PUBLIC, Call, each, holed

import gramian as gm


def unaligned() -> np.ndarray:
    raw = np.zeros(10 * 3 * 8 + 1, np.uint8)
    return raw[1:].view(np.float64).reshape(10, 3)


class OnDevice:
    """What a GPU tensor shows of itself."""

    def __init__(self, kind: int, index: int = 1) -> None:
        self.device = kind, index

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device

    def __dlpack__(self, **_: Any) -> None:
        raise AssertionError("must not be asked")


class OnlyCuda:
    __cuda_array_interface__ = None


DIMENSIONS = "{X} must be 2-D (n_samples, n_features), got "
TOKENS = (
    ": layout='ntd' for tokens says which axis is which, and positions='mean' averages over the "
    "others, 'features' makes a unit of every entry, 'samples' a sample of every position."
)
CONVERT = ": convert {X} first, to float32 for example."
ONE = "; {X}[:, None] makes one feature of it."
NUMERIC = "{X} must be numeric, got "
ARRAY = "{X} must be an array (n_samples, n_features), got "
STRINGS = (
    "strings: gramian.open(path) reads files, and numpy.asarray(..., dtype=float) makes numbers "
    "of digits."
)
ELEMENTS = "{X} must be float16, bfloat16, float32, float64, integer or bool, got "
FINITE = (
    "{{X}} must be finite: it holds NaN or infinity, first at [7, 1] ({}), in 2 of 3 columns, "
    "which {{X}}[:, numpy.isfinite({{X}}).all(axis=0)] leaves out; nan_policy='propagate' gives "
    "NaN instead."
)
ELSEWHERE = "{{X}} lives on {}, a device that this call cannot use; copy it to the CPU first."

BAD_ARRAYS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "0-D": (lambda: 3.0, ValueError, DIMENSIONS + "0-D with shape ()."),
    "1-D": (
        lambda: GOOD[0],
        ValueError,
        DIMENSIONS + "1-D with shape (3,)" + ONE,
    ),
    "3-D": (
        lambda: np.ones((2, 3, 4)),
        ValueError,
        DIMENSIONS + "3-D with shape (2, 3, 4)" + TOKENS,
    ),
    "no rows": (lambda: GOOD[:0], ValueError, "{X} must not be empty, got shape (0, 3)."),
    "no columns": (lambda: GOOD[:, :0], ValueError, "{X} must not be empty, got shape (10, 0)."),
    "ragged": (
        lambda: [[1.0, 2.0], [3.0]],
        ValueError,
        "{X} must be a rectangular array, got nested sequences of unequal length.",
    ),
    "unaligned": (
        unaligned,
        ValueError,
        '{X} must be aligned in memory; copy it first with numpy.require({X}, requirements="A").',
    ),
    "masked": (
        lambda: np.ma.masked_array(GOOD, GOOD > 0),
        TypeError,
        "{X} must not be a masked array: its mask would be ignored; "
        "fill it or drop the masked rows first.",
    ),
    "complex": (lambda: GOOD + 1j, TypeError, "{X} must be real, got complex128."),
    "object": (
        lambda: GOOD.astype(object),
        TypeError,
        NUMERIC + "Python objects: numpy.asarray(..., dtype=float) makes numbers of them, if all "
        "of them are.",
    ),
    "None": (lambda: None, TypeError, ARRAY + "None."),
    "function": (lambda: len, TypeError, ARRAY + "builtin_function_or_method."),
    "mapping": (
        lambda: {"conv": GOOD},
        TypeError,
        ARRAY + "dict: gramian.compare takes a mapping of names to arrays, of each model.",
    ),
    "strings": (lambda: [["a", "b"]], TypeError, NUMERIC + STRINGS),
    "bytes strings": (lambda: [[b"a", b"b"]], TypeError, NUMERIC + STRINGS),
    "dates": (
        lambda: np.full((3, 3), datetime.date(2020, 1, 1), "M8[D]"),
        TypeError,
        NUMERIC + "datetime64[D]" + CONVERT,
    ),
    "records": (
        lambda: np.zeros((3, 3), "f8, f8"),
        TypeError,
        NUMERIC + "records of 'f0', 'f1': numpy.lib.recfunctions.structured_to_unstructured makes "
        "columns of them.",
    ),
    "longdouble": (
        lambda: GOOD.astype(np.longdouble),
        TypeError,
        ELEMENTS + f"{np.dtype(np.longdouble).name}{CONVERT}",
    ),
    "bytes": (lambda: np.zeros((3, 3), "V3"), TypeError, ELEMENTS + "void24" + CONVERT),
    "NaN": (lambda: holed(np.nan), ValueError, FINITE.format("nan")),
    "infinity": (lambda: holed(np.inf), ValueError, FINITE.format("inf")),
    "-infinity in float32": (lambda: holed(-np.inf, "float32"), ValueError, FINITE.format("-inf")),
    "NaN in float16": (lambda: holed(np.nan, "float16"), ValueError, FINITE.format("nan")),
    "on CUDA": (lambda: OnDevice(2), ValueError, ELSEWHERE.format("cuda:1")),
    "on ROCm": (lambda: OnDevice(10, 0), ValueError, ELSEWHERE.format("rocm:0")),
    "on something": (lambda: OnDevice(99, 0), ValueError, ELSEWHERE.format("device type 99:0")),
    "CUDA interface": (OnlyCuda, ValueError, ELSEWHERE.format("cuda")),
}


@each(ALL)
@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_arrays(call: Call, name: str) -> None:
    make, exception, message = BAD_ARRAYS[name]
    for position, argument in enumerate(call.names):
        if name == "None" and argument == "Y" and call.function == "correlation":
            continue  # X with itself
        with pytest.raises(exception) as caught:
            call(**{"XY"[position]: make()})
        assert str(caught.value) == message.replace("{X}", argument)


@each(PAIRS)
def test_different_sample_counts(call: Call) -> None:
    x, y = call.names
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        call(GOOD, OTHER[:9])
    assert str(caught.value) == (
        f"{x} and {y} must have the same number of samples: {x} has 10, {y} has 9."
    )


@each([call for call in PAIRS if call not in COMPARES])
def test_too_few_samples(call: Call) -> None:
    with pytest.raises(ValueError, match=r"^X must have at least 2 samples for .*, got 1\.$"):
        call(GOOD[:1], OTHER[:1])
    for option in ("debiased", "unbiased"):
        if call.takes(option):
            with pytest.raises(ValueError, match=r"at least 4 samples for the unbiased .* got 3\."):
                call(GOOD[:3], OTHER[:3], **{option: True})


@each(COMPARES)
@pytest.mark.parametrize("measure", gm.measures())
def test_too_few_samples_of_a_layer(call: Call, measure: str) -> None:
    with pytest.raises(ValueError, match=r"^A\['x'\] must have at least 2 samples for .*, got 1\."):
        call(GOOD[:1], OTHER[:1], measure=measure)


def test_sample_counts_inside_one_argument() -> None:
    with pytest.raises(ValueError, match=r"A\['a'\] has 10, A\['b'\] has 9\.$"):
        gm.compare({"a": GOOD, "b": OTHER[:9]})


WIDTH = "{} must be finite and > 0, got {}."
BAD_OPTIONS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "kernel": (
        {"kernel": "gauss"},
        ValueError,
        "kernel must be one of 'linear', 'rbf', 'laplacian', 'polynomial', 'cosine', 'precomputed' "
        "or a kernel object, got 'gauss'.",
    ),
    "zero bandwidth": ({"kernel": "rbf", "bandwidth": 0}, ValueError, WIDTH.format("bandwidth", 0)),
    "negative": ({"kernel": "rbf", "bandwidth": -1}, ValueError, WIDTH.format("bandwidth", -1)),
    "NaN": (
        {"kernel": "rbf", "bandwidth": np.float32("nan")},
        ValueError,
        WIDTH.format("bandwidth", "nan"),
    ),
    "word": (
        {"kernel": "rbf", "bandwidth": "wide"},
        TypeError,
        "bandwidth must be a number, got str.",
    ),
    "sample of one": (
        {"kernel": "rbf", "bandwidth_sample": 1},
        ValueError,
        "bandwidth_sample must be at least 2, got 1.",
    ),
    "fraction of a sample": (
        {"kernel": "laplacian", "bandwidth_sample": 2.5},
        TypeError,
        "bandwidth_sample must be an integer, got float.",
    ),
    "sample without a median": (
        {"kernel": gm.RBF(sigma=2.0), "bandwidth_sample": 5},
        ValueError,
        "bandwidth_sample is for kernels whose width is a fraction of the median distance, "
        "got bandwidth_sample=5 with RBF(sigma=2.0, bandwidth=None).",
    ),
}


@each(OF_KERNELS)
@pytest.mark.parametrize("name", BAD_OPTIONS)
def test_options(call: Call, name: str) -> None:
    options, exception, message = BAD_OPTIONS[name]
    with pytest.raises(exception) as caught:
        call(**options)
    assert str(caught.value) == message


@each(OF_KERNELS)
def test_bandwidth_of_a_linear_kernel(call: Call) -> None:
    with pytest.raises(ValueError, match=r"^bandwidth is an option of kernel='rbf' and kernel='la"):
        call(bandwidth=0.5)


@each([call for call in PUBLIC if call.takes("max_memory")])
def test_max_memory(call: Call) -> None:
    with pytest.raises(ValueError, match=r"^max_memory must be > 0 bytes, got 0\.$"):
        call(max_memory=0)
    with pytest.raises(TypeError, match=r"^max_memory must be a number of bytes, got str\.$"):
        call(max_memory="1G")


BARE = "{} must be a mapping of names to arrays or a sequence of 2-D arrays, got {}."
STACK = ", or list(A) where it is a stack (n_layers, n_samples, n_features)"
FILE = "str; gramian.open(path) opens the layers of a file"
WRAP = "a bare array; wrap it: {'name': array} or [array]"


@each(COMPARES)
def test_collections(call: Call) -> None:
    compare = import_module(call.module).compare
    for arguments, exception, message in (
        ((GOOD,), TypeError, BARE.format("A", WRAP)),
        (([GOOD], GOOD), TypeError, BARE.format("B", WRAP)),
        ((np.ones((2, 9, 3)),), TypeError, BARE.format("A", WRAP + STACK)),
        ((3,), TypeError, BARE.format("A", "int")),
        (("layer",), TypeError, BARE.format("A", FILE)),
        (({},), ValueError, "A must hold at least one representation, got none."),
        (([GOOD], []), ValueError, "B must hold at least one representation, got none."),
        (({1: GOOD, "1": GOOD},), ValueError, "A must have distinct names, got '1' twice."),
        (
            ([GOOD, [1.0]],),
            ValueError,
            "A['1'] must be 2-D (n_samples, n_features), got 1-D with shape (1,); "
            "A['1'][:, None] makes one feature of it.",
        ),
    ):
        with pytest.raises(exception) as caught:
            compare(*arguments)
        assert str(caught.value) == message


@each(COMPARES)
def test_measures_and_their_options(call: Call) -> None:
    with pytest.raises(ValueError, match=r"measure must be one of 'cka', 'hsic'.*, got 'ccka'"):
        call(measure="ccka")
    with pytest.raises(
        TypeError,
        match=r"^measure 'cka' takes the options 'kernel', 'bandwidth'.*, got 'beta'\.$",
    ):
        call(beta=1.0)


def test_first_bad_element_is_found_blockwise() -> None:
    """Beyond the first block of elements, in row order."""
    X = np.zeros((5, 500_000), "float16")
    X[4, 3] = X[3, 400_000] = np.inf
    with pytest.raises(ValueError, match=r"first at \[3, 400000\] \(inf\)"):
        gm.cka(X, OTHER[:5])


def test_bits_of_bfloat16_are_seen() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    with pytest.raises(ValueError, match=r"first at \[7, 1\] \(-inf\)"):
        gm.cka(holed(-np.inf).astype(ml_dtypes.bfloat16), OTHER)
    with pytest.raises(TypeError, match="got float8_e5m2"):
        gm.cka(GOOD.astype(ml_dtypes.float8_e5m2), OTHER)
