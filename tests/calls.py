"""Every public function and its reference, called in one way."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import pytest

import gramian

RNG = np.random.default_rng(0)
GOOD = RNG.standard_normal((10, 3))
OTHER = RNG.standard_normal((10, 4))


@dataclass(frozen=True)
class Call:
    """A function under test, and how its messages name its arrays."""

    module: str
    function: str

    def __str__(self) -> str:
        return self.function if self.module == "gramian" else f"reference-{self.function}"

    def __call__(self, X: Any = GOOD, Y: Any = OTHER, **options: Any) -> Any:
        options = REQUIRED.get(self.function, {}) | options
        if self.function == "gram":
            return self.target(X, **options)
        if self.function == "compare":
            return self.target({"x": X}, {"y": Y}, **options)
        return self.target(X, Y, **options)

    @property
    def target(self) -> Callable[..., Any]:
        return getattr(import_module(self.module), self.function)

    @property
    def names(self) -> tuple[str, ...]:
        arrays = {"A": "A['x']", "B": "B['y']", "X": "X", "Y": "Y"}
        return tuple(name for argument, name in arrays.items() if self.takes(argument))

    def takes(self, *options: str) -> bool:
        return {*options} <= {*inspect.signature(self.target).parameters}


REQUIRED: dict[str, dict[str, Any]] = {"cluster_units": {"n_clusters": 2}}

# Whatever reads arrays can be told what to do with NaN, and has a reference; a plan reads none, and
# who compares models has none.
NO_ARRAYS = ("compare_models", "plan")
PUBLIC = [
    call
    for call in (Call("gramian", name) for name in gramian.__all__)
    if inspect.isfunction(call.target)
    and call.takes("nan_policy")
    and call.function not in NO_ARRAYS
]
ALL = PUBLIC + [Call("gramian.reference", call.function) for call in PUBLIC]
PAIRS = [call for call in ALL if call.function != "gram"]
COMPARES = [call for call in ALL if call.function == "compare"]
OF_KERNELS = [call for call in ALL if call in COMPARES or call.takes("kernel")]
NORMALIZED = [call for call in OF_KERNELS if call.function not in ("gram", "hsic")]


def each(calls: list[Call]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("call", calls, ids=str)


def value_of(result: Any) -> Any:
    """Return the numbers of whatever a function of kernels returned."""
    return getattr(result, "values", result)


def numbers(result: Any) -> np.ndarray:
    """Return the numbers of whatever a function returned: the first that say all."""
    for name in ("values", "correlations", "r2", "x_labels"):
        result = getattr(result, name, result)
    return np.asarray(result, dtype=float)


def holed(value: float, dtype: str = "float64") -> np.ndarray:
    """Return an array with this value in row 7, and NaN further on."""
    X = GOOD.astype(dtype)
    X[7, 1] = value
    X[8, 0] = np.nan
    return X
