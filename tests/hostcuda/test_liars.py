"""CUDA's array interface with what no array has: refused by the argument's name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gramian as gm

WHOLE = {"shape": (10, 3), "typestr": "<f8", "data": (4096, False), "version": 3}
LIES: dict[str, dict[str, Any]] = {
    "no_shape": {"shape": None},
    "negative": {"shape": (10, -3)},
    "far_too_large": {"shape": (2**62, 2**62)},
    "no_type": {"typestr": "<x9"},
    "no_data": {"data": None},
    "null": {"data": (0, False)},
    "negative_address": {"data": (-1, False)},
    "beyond_addresses": {"data": (2**70, False)},
    "host_memory": {"data": (4096, False)},
    "one_stride": {"strides": (8,)},
    "huge_strides": {"strides": (2**70, 8)},
    "words_for_strides": {"strides": ("a", "b")},
    "odd_strides": {"strides": (25, 8)},
    "no_stream": {"stream": "x"},
    "huge_stream": {"stream": 2**70},
    "version": {"version": None},
}


class Says:
    def __init__(self, interface: Any) -> None:
        self.__cuda_array_interface__ = interface


@pytest.mark.parametrize("name", LIES)
def test_lies(name: str) -> None:
    with pytest.raises(TypeError, match=r"^Y cannot be read as CUDA's array interface: "):
        gm.cka(np.eye(10), Says(WHOLE | LIES[name]))


def test_what_is_missing() -> None:
    for key in ("shape", "typestr", "data"):
        part = {k: v for k, v in WHOLE.items() if k != key}
        with pytest.raises(TypeError, match=rf"^X cannot be read as CUDA's .*'{key}'\.$"):
            gm.cka(Says(part), np.eye(10))
