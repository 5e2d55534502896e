"""Every public function and its reference, called in one way."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest

RNG = np.random.default_rng(0)
GOOD = RNG.standard_normal((10, 3))
OTHER = RNG.standard_normal((10, 4))


@dataclass(frozen=True)
class Call:
    """A function under test, and how its messages name its arrays."""

    module: str
    function: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return self.function if self.module == "gramian" else f"reference-{self.function}"

    def __call__(self, X: Any = GOOD, Y: Any = OTHER, **options: Any) -> Any:
        function = getattr(import_module(self.module), self.function)
        if self.function == "gram":
            return function(X, **options)
        if self.function == "compare":
            return function({"x": X}, {"y": Y}, **options)
        return function(X, Y, **options)


ALL = [
    Call(module, function, names)
    for module in ("gramian", "gramian.reference")
    for function, names in {
        "cka": ("X", "Y"),
        "hsic": ("X", "Y"),
        "cka_distance": ("X", "Y"),
        "gram": ("X",),
        "compare": ("A['x']", "B['y']"),
    }.items()
]
PAIRS = [call for call in ALL if call.function != "gram"]
NORMALIZED = [call for call in PAIRS if call.function != "hsic"]
COMPARES = [call for call in ALL if call.function == "compare"]
PUBLIC = [call for call in ALL if call.module == "gramian"]


def each(calls: list[Call]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("call", calls, ids=str)


def value_of(result: Any) -> Any:
    """Return the numbers of whatever a function returned."""
    return getattr(result, "values", result)


def holed(value: float, dtype: str = "float64") -> np.ndarray:
    """Return an array with this value in row 7, and NaN further on."""
    X = GOOD.astype(dtype)
    X[7, 1] = value
    X[8, 0] = np.nan
    return X
