"""What a user, or a program, may put where an option is wanted."""

from __future__ import annotations

import decimal
import enum
import fractions
import math
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

import gramian as gm


class OwnError(Exception):
    """What an object of the caller raises; it may come through."""


class Raises:
    """Raises at whatever Python asks of it."""

    def _raise(self, *_: Any) -> Any:
        raise OwnError("of the object itself")

    __index__ = __int__ = __float__ = __bool__ = __len__ = __iter__ = _raise
    __repr__ = __str__ = __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _raise
    __hash__ = None  # type: ignore[assignment]


class Odd:
    """Has the right methods, which return what they must not."""

    def __index__(self) -> Any:
        return "1"

    __float__ = __len__ = __int__ = __index__


class Equal:
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return hash("linear")


class Color(enum.Enum):
    red = "rbf"


class Text(str):
    __slots__ = ()


class Number(float):
    __slots__ = ()


VALUES: dict[str, Callable[[], Any]] = {
    "none": lambda: None,
    "true": lambda: True,
    "false": lambda: False,
    **{f"int_{n}": lambda n=n: n for n in (0, 1, -1, 2, 3, 5, 1000)},
    "int32_max": lambda: 2**31 - 1,
    "int32_over": lambda: 2**31,
    "int32_under": lambda: -(2**31) - 1,
    "int64_max": lambda: 2**63 - 1,
    "int64_over": lambda: 2**63,
    "int64_min": lambda: -(2**63),
    "uint64_over": lambda: 2**64,
    "int_huge": lambda: 10**400,
    "int_huge_negative": lambda: -(10**400),
    "zero": lambda: 0.0,
    "minus_zero": lambda: -0.0,
    "half": lambda: 0.5,
    "one": lambda: 1.0,
    "more": lambda: 1.5,
    "negative": lambda: -1.5,
    "smallest": lambda: 5e-324,
    "largest": lambda: 1.7e308,
    "infinity": lambda: math.inf,
    "minus_infinity": lambda: -math.inf,
    "nan": lambda: math.nan,
    "complex": lambda: 1j,
    "decimal": lambda: decimal.Decimal("0.5"),
    "decimal_nan": lambda: decimal.Decimal("sNaN"),
    "fraction": lambda: fractions.Fraction(1, 2),
    "empty_text": lambda: "",
    "text": lambda: "x",
    "text_rbf": lambda: "rbf",
    "text_number": lambda: "0.5",
    "text_nul": lambda: "cpu\0",
    "text_surrogate": lambda: "\ud800",
    "text_long": lambda: "a" * 100_000,
    "text_braces": lambda: "{0}%s{x}",
    "text_line": lambda: "cpu\n",
    "bytes": lambda: b"cpu",
    "bytearray": lambda: bytearray(b"1"),
    "tuple": lambda: (1,),
    "empty_tuple": tuple,
    "list": lambda: [1, 2],
    "empty_list": list,
    "nested_list": lambda: [[1.0], [2.0, 3.0]],
    "dict": lambda: {"a": 1},
    "set": lambda: {1},
    "range": lambda: range(3),
    "generator": lambda: (k for k in (1, 2)),
    "object": object,
    "class": lambda: int,
    "function": lambda: len,
    "module": lambda: math,
    "ellipsis": lambda: ...,
    "exception": lambda: ValueError("x"),
    "path": lambda: pathlib.Path("x"),
    "enum": lambda: Color.red,
    "text_subclass": lambda: Text("rbf"),
    "float_subclass": lambda: Number(0.5),
    "raises": Raises,
    "odd": Odd,
    "equal": Equal,
    "numpy_int8": lambda: np.int8(1),
    "numpy_int64": lambda: np.int64(2),
    "numpy_uint64": lambda: np.uint64(2**64 - 1),
    "numpy_float16": lambda: np.float16(0.5),
    "numpy_float32_nan": lambda: np.float32("nan"),
    "numpy_float64": lambda: np.float64(0.5),
    "numpy_longdouble": lambda: np.longdouble("1e4000"),
    "numpy_complex": lambda: np.complex64(1j),
    "numpy_bool": lambda: np.True_,
    "numpy_text": lambda: np.str_("rbf"),
    "numpy_date": lambda: np.datetime64("2020-01-01"),
    "numpy_void": lambda: np.zeros((), "i4, f8")[()],
    "array_0d": lambda: np.array(0.5),
    "array_of_one": lambda: np.array([1]),
    "array": lambda: np.array([0.5, 0.25]),
    "array_2d": lambda: np.ones((2, 2)),
    "array_empty": lambda: np.array([]),
    "array_text": lambda: np.array("rbf"),
    "array_object": lambda: np.array([None, 1], dtype=object),
    "kernel": lambda: gm.RBF(sigma=2.0),
    "kernel_class": lambda: gm.RBF,
    "slice": lambda: slice(1),
    "memoryview": lambda: memoryview(b"12"),
}
