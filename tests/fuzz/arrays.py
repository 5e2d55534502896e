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
NOT_NUMBERS = "F D G S3 U3 O M8[s] m8[s] V3 g f8,i4 i4,(2,)f8".split(" ")
NUMBERS = "? b B h H i I l L q Q e f d".split(" ")
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


def of_torch() -> Iterator[tuple[str, Maker]]:
    if not find_spec("torch"):
        return
    import torch

    def freed(tensor: Any = None, size: int = 0) -> Any:
        tensor = torch.ones(N, P) if tensor is None else tensor
        tensor.untyped_storage().resize_(size)
        return tensor

    def fake() -> Any:
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode():
            return torch.empty(N, P)

    made: dict[str, Maker] = {
        "freed": freed,
        "sliced_and_freed": lambda: freed(torch.ones(N + 1, P)[1:]),
        "sliced_far_and_freed": lambda: freed(torch.ones(10**6, P)[-N:]),
        "freed_in_part": lambda: freed(size=64),
        "freed_with_gradient": lambda: freed().requires_grad_(),
        "fake": fake,
        "meta": lambda: torch.empty(N, P, device="meta"),
        "sparse": lambda: torch.eye(3).to_sparse(),
        "sparse_csr": lambda: torch.eye(3).to_sparse_csr(),
        "quantized": lambda: torch.quantize_per_tensor(torch.ones(N, P), 0.1, 0, torch.qint8),
        "complex64": lambda: torch.ones(N, P, dtype=torch.complex64),
        "complex_conj": lambda: torch.ones(N, P, dtype=torch.complex128).conj(),
        "complex32": lambda: torch.zeros(N, P, dtype=torch.complex32),
        "nested": lambda: torch.nested.nested_tensor([torch.ones(3), torch.ones(4)]),
        "nested_jagged": lambda: torch.nested.nested_tensor(
            [torch.ones(3), torch.ones(4)], layout=torch.jagged
        ),
        "empty": lambda: torch.ones(0, 3),
        "0d": lambda: torch.tensor(1.0),
        "1d": lambda: torch.ones(10),
        "nan": lambda: torch.full((N, P), torch.nan),
        "nan_bfloat16": lambda: torch.full((N, P), torch.nan, dtype=torch.bfloat16),
        "class": lambda: torch.Tensor,
        "list": lambda: [torch.ones(3), torch.ones(4)],
    }
    for name in ("float8_e5m2", "float8_e4m3fn", "float8_e8m0fnu", "float4_e2m1fn_x2", "bits8"):
        if hasattr(torch, name):
            made[name] = lambda name=name: torch.empty(N, P, dtype=getattr(torch, name))
    for name, maker in made.items():
        yield f"torch_{name}", maker


def of_numpy_and_others() -> Iterator[tuple[str, Maker]]:
    if find_spec("pandas"):
        pandas = import_module("pandas")
        yield "frame_of_text", lambda: pandas.DataFrame({"a": ["x", "y"]})
        yield "frame_with_gap", lambda: pandas.DataFrame({"a": [1.0, None] * 5})
        yield "frame_empty", pandas.DataFrame
        yield "series", lambda: pandas.Series([1.0, 2.0])
        yield "frame_mixed", lambda: pandas.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]})


ARRAYS: dict[str, Maker] = {
    **dict(by_type()),
    **dict(by_value()),
    **dict(by_form()),
    **dict(of_torch()),
    **dict(of_numpy_and_others()),
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
