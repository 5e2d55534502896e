"""Arrays that are none, or that no measure takes, or that lie; and odd ones that are good."""

from __future__ import annotations

import array
import itertools
import mmap
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import capsules
import numpy as np
from values import OwnError, Raises

N, P = 10, 3
Maker = Callable[[], Any]


def good(dtype: Any = np.float64) -> Any:
    return (np.random.default_rng(0).standard_normal((N, P)) * 5).astype(dtype)


# Of these numpy has no array of numbers, or no measure takes them.
NOT_NUMBERS = ["F", "D", "G", "S3", "U3", "O", "M8[s]", "m8[s]", "V3", "g", "f8,i4", "i4,(2,)f8"]
NUMBERS = ["?", "b", "B", "h", "H", "i", "I", "l", "L", "q", "Q", "e", "f", "d"]
SHAPES: dict[str, tuple[int, ...]] = {
    "": (),
    "0": (0,),
    "3": (3,),
    "0_3": (0, 3),
    "10_0": (10, 0),
    "0_0": (0, 0),
    "10_3_1": (10, 3, 1),
    "1_10_3": (1, 10, 3),
    "10_0_3": (10, 0, 3),
    "10_1_1_1": (10, 1, 1, 1),
    "1_32": (1,) * 32,
}


def by_type() -> Iterator[tuple[str, Maker]]:
    for code in NOT_NUMBERS:
        name = f"type_{code}".replace(",", "_").replace("[", "").replace("]", "")
        yield name, lambda code=code: np.zeros((N, P), code)
        yield f"{name}_empty", lambda code=code: np.zeros((0, P), code)
        yield f"{name}_1d", lambda code=code: np.zeros(N, code)
    for code, (shape_name, shape) in itertools.product(NUMBERS, SHAPES.items()):
        yield f"shape_{shape_name}_{code}", lambda c=code, s=shape: np.ones(s, c)
    for name in ("float8_e5m2", "float8_e4m3fn", "int4", "uint4", "float4_e2m1fn"):
        if find_spec("ml_dtypes"):
            yield f"ml_{name}", lambda name=name: good(getattr(import_module("ml_dtypes"), name))


def by_value() -> Iterator[tuple[str, Maker]]:
    for code, value in itertools.product("efd", (np.nan, np.inf, -np.inf)):
        for place in (0, N * P // 2, N * P - 1):
            for order in "CF":
                yield (
                    f"holds_{value}_{code}_{order}_at_{place}",
                    lambda c=code, v=value, o=order, k=place: holed(c, v, o, k),
                )
    for code in "efd":
        yield f"all_nan_{code}", lambda c=code: np.full((N, P), np.nan, c)


def holed(code: str, value: float, order: Any, place: int) -> Any:
    made = np.array(good(code), order=order)
    made.flat[place] = value
    return made


def _unaligned(dtype: Any) -> Any:
    size = np.dtype(dtype).itemsize * N * P
    return np.zeros(size + 1, np.uint8)[1:].view(dtype).reshape(N, P)


class Says:
    """An object with an attribute."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class ByArray:
    """An object with `__array__`."""

    def __init__(self, made: Any) -> None:
        self.made = made

    def __array__(self, *_: Any, **__: Any) -> Any:
        if isinstance(self.made, Exception):
            raise self.made
        return self.made


class Sequence:
    """A sequence that says more, or less, than it has."""

    def __init__(self, length: Any, item: Any) -> None:
        self.length, self.item = length, item

    def __len__(self) -> Any:
        return self.length

    def __getitem__(self, index: int) -> Any:
        if isinstance(self.item, Exception):
            raise self.item
        return self.item


def by_form() -> Iterator[tuple[str, Maker]]:
    for code in "hfd":
        yield f"unaligned_{code}", lambda c=code: _unaligned(c)
    numbers = [[1.0, 2.0], [3.0, 4.0]]
    made: dict[str, Maker] = {
        "ragged": lambda: [[1.0, 2.0], [3.0]],
        "ragged_deep": lambda: [[[1.0], [2.0]], [3.0]],
        "empty_list": list,
        "empty_lists": lambda: [[], []],
        "list_of_none": lambda: [[None, None]],
        "list_of_text": lambda: [["1", "2"], ["3", "4"]],
        "list_of_dicts": lambda: [{}, {}],
        "list_of_huge": lambda: [[10**400, 1], [1, 2]],
        "list_of_raises": lambda: [[Raises(), 1]],
        "list_of_itself": _recursive,
        "list_of_arrays": lambda: [np.ones(3), np.ones(4)],
        "list_of_complex": lambda: [[1j, 2]],
        "text": lambda: "layer",
        "bytes": lambda: b"12",
        "int": lambda: 3,
        "dict": lambda: {"a": numbers},
        "set": lambda: {1, 2},
        "generator": lambda: (row for row in numbers),
        "iterator": lambda: iter(numbers),
        "range": lambda: range(10),
        "object": object,
        "class": lambda: np.ndarray,
        "function": lambda: np.ones,
        "ellipsis": lambda: ...,
        "raises": Raises,
        "stdlib_array": lambda: array.array("d", [1.0] * 30),
        "memoryview_1d": lambda: memoryview(bytes(30)),
        "mmap": lambda: mmap.mmap(-1, 240),
        "masked": lambda: np.ma.masked_array(good(), good() > 0),
        "masked_nothing": lambda: np.ma.masked_array(good()),
        "masked_constant": lambda: np.ma.masked,
        "void_record": lambda: np.rec.array([(1.0, 2)], dtype="f8, i4"),
        "half_null": lambda: np.array([[1, None], [2, 3]], dtype=object),
        "array_of_raises": lambda: np.array([[Raises()]], dtype=object),
        "array_none": lambda: ByArray(None),
        "array_list": lambda: ByArray(numbers),
        "array_0d": lambda: ByArray(np.array(1.0)),
        "array_object": lambda: ByArray(np.array([[None]], dtype=object)),
        "array_raises": lambda: ByArray(OwnError("of the object")),
        "array_raises_value": lambda: ByArray(ValueError("of the object")),
        "array_raises_type": lambda: ByArray(TypeError("of the object")),
        "long_sequence": lambda: Sequence(3, OwnError("of the sequence")),
        "negative_sequence": lambda: Sequence(-1, 1.0),
        "word_sequence": lambda: Sequence("3", 1.0),
        "interface_not_a_dict": lambda: Says(__array_interface__=3),
        "interface_empty": lambda: Says(__array_interface__={}),
        "struct": lambda: Says(__array_struct__=3),
    }
    yield from made.items()
    for name, interface in cuda_interfaces().items():
        yield f"cuda_interface_{name}", lambda v=interface: Says(__cuda_array_interface__=v)


def _recursive() -> Any:
    made: list[Any] = []
    made.append(made)
    return made


def cuda_interfaces() -> dict[str, Any]:
    """What `__cuda_array_interface__` may be; without a GPU, all are refused."""
    whole = {"shape": (N, P), "typestr": "<f8", "data": (4096, False), "version": 3}
    wrong: dict[str, tuple[Any, ...]] = {
        "shape": (None, 3, "ab", (N,), (N, -P), (N, P, 1), (0, P), ("a", "b"), (2**63, 2**63)),
        "typestr": (None, 3, "", "<x9", "<c16", ">f8", "|O", "<f3"),
        "data": (None, 3, (), (None, False), (-1, False), (2**70, False), ("x", False)),
        "strides": (3, (1,), ("a", 8), (4, 4), (2**70, 8)),
        "version": (None, "3", -1),
        "stream": (0, -1, "x", 2**70),
        "mask": (True,),
    }
    made: dict[str, Any] = {"none": None, "int": 3, "empty": {}, "list": [], "whole": whole}
    for key in whole:
        made[f"without_{key}"] = {k: v for k, v in whole.items() if k != key}
    for key, values in wrong.items():
        for k, value in enumerate(values):
            made[f"{key}_{k}"] = whole | {key: value}
    return made


class Torch:
    """Tensors that are refused. torch is imported by the first: it takes seconds."""

    @property
    def module(self) -> Any:
        return import_module("torch")

    def freed(self, rows: int = N, kept: slice = slice(None), size: int = 0) -> Any:
        tensor = self.module.ones(rows, P)[kept]
        tensor.untyped_storage().resize_(size)
        return tensor

    def fake(self) -> Any:
        with import_module("torch._subclasses.fake_tensor").FakeTensorMode():
            return self.module.empty(N, P)

    def ones(self, dtype: str) -> Any:
        return self.module.ones(N, P, dtype=getattr(self.module, dtype))

    def empty(self, dtype: str) -> Any:
        # What an old torch does not have is another that is refused.
        of_it = getattr(self.module, dtype, self.module.complex64)
        return self.module.empty(N, P, dtype=of_it)

    def nested(self, **options: Any) -> Any:
        parts = [self.module.ones(3), self.module.ones(4)]
        return self.module.nested.nested_tensor(parts, **options)


def of_torch() -> Iterator[tuple[str, Maker]]:
    if not find_spec("torch"):
        return
    t = Torch()
    made: dict[str, Maker] = {
        "freed": t.freed,
        "sliced_and_freed": lambda: t.freed(N + 1, slice(1, None)),
        "sliced_far_and_freed": lambda: t.freed(10**6, slice(-N, None)),
        "freed_in_part": lambda: t.freed(size=64),
        "freed_with_gradient": lambda: t.freed().requires_grad_(),
        "fake": t.fake,
        "meta": lambda: t.module.empty(N, P, device="meta"),
        "sparse": lambda: t.module.eye(3).to_sparse(),
        "sparse_csr": lambda: t.module.eye(3).to_sparse_csr(),
        "quantized": lambda: t.module.quantize_per_tensor(
            t.module.ones(N, P), 0.1, 0, t.module.qint8
        ),
        "complex64": lambda: t.ones("complex64"),
        "complex_conj": lambda: t.ones("complex128").conj(),
        "complex32": lambda: t.empty("complex32"),
        "nested": t.nested,
        "nested_jagged": lambda: t.nested(layout=t.module.jagged),
        "empty": lambda: t.module.ones(0, 3),
        "0d": lambda: t.module.tensor(1.0),
        "1d": lambda: t.module.ones(10),
        "nan": lambda: t.module.full((N, P), np.nan),
        "nan_bfloat16": lambda: t.module.full((N, P), np.nan, dtype=t.module.bfloat16),
        "class": lambda: t.module.Tensor,
        "list": lambda: [t.module.ones(3), t.module.ones(4)],
    }
    for dtype in ("float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "float4_e2m1fn_x2", "bits8"):
        made[dtype] = lambda dtype=dtype: t.empty(dtype)
    for name, maker in made.items():
        yield f"torch_{name}", maker


def of_pandas() -> Iterator[tuple[str, Maker]]:
    tables: dict[str, tuple[str, Any]] = {
        "frame_of_text": ("DataFrame", {"a": ["x", "y"]}),
        "frame_with_gap": ("DataFrame", {"a": [1.0, None] * 5}),
        "frame_empty": ("DataFrame", None),
        "frame_mixed": ("DataFrame", {"a": [1.0, 2.0], "b": ["x", "y"]}),
        "series": ("Series", [1.0, 2.0]),
    }
    for name, (kind, content) in tables.items():
        if find_spec("pandas"):
            yield name, lambda k=kind, c=content: getattr(import_module("pandas"), k)(c)


ARRAYS: dict[str, Maker] = {
    **dict(by_type()),
    **dict(by_value()),
    **dict(by_form()),
    **dict(of_torch()),
    **dict(of_pandas()),
    **{f"dlpack_{name}": maker for name, maker in capsules.REFUSED.items()},
}

# Odd and good: they must give a value, or be refused as what their measure cannot do.
ODD: dict[str, Maker] = {
    **{f"type_{code}": lambda c=code: np.abs(good()).astype(c) for code in NUMBERS},
    **{f"order_{o}_{c}": lambda o=o, c=c: np.array(good(c), order=o) for o in "CF" for c in "efd"},
    "reversed": lambda: good()[::-1, ::-1],
    "every_other": lambda: np.repeat(good(), 2, axis=1)[:, ::2],
    "broadcast": lambda: np.broadcast_to(good()[:1], (N, P)),
    "overlapping": lambda: np.lib.stride_tricks.sliding_window_view(np.arange(12.0), 3),
    "big_endian": lambda: good(">f8"),
    "read_only": lambda: memoryview(good().tobytes()).cast("B").cast("d", (N, P)),
    "constant": lambda: np.ones((N, P)),
    "zeros": lambda: np.zeros((N, P)),
    "huge": lambda: good() * 1e307,
    "denormal": lambda: good() * 1e-310,
    "one_column": lambda: good()[:, :1],
    "one_row_differs": lambda: np.eye(N)[:, :1],
    "duplicates": lambda: np.repeat(good()[:5], 2, axis=0),
    "by_array": lambda: ByArray(good()),
    "matrix": lambda: good().view(np.matrix),
    **{f"dlpack_{name}": maker for name, maker in capsules.TAKEN.items()},
}
