"""Checks of what a comparison is made of: each returns it as it is kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._inference.results import Inference
from .._input.options import plain, refuse_type, shown

__all__ = ["inference", "names", "numbers", "options", "word"]


def numbers(values: Any, argument: str = "values") -> npt.NDArray[np.float64]:
    """Return a copy of the values in float64; words and truths are no numbers."""
    rule = "a rectangle of real numbers"
    try:
        array = np.asarray(values)
    except ValueError:
        raise ValueError(f"{argument} must be {rule}, got rows of unequal length.") from None
    except Exception:  # of an object's own
        raise refuse_type(argument, rule, values) from None
    if array.dtype.kind not in "iuf" and array.size:
        raise TypeError(f"{argument} must be {rule}, got elements of type {array.dtype}.")
    with np.errstate(over="ignore"):  # of longdouble
        return np.array(array, dtype=np.float64, order="C")


def names(argument: str, given: Any) -> tuple[str, ...]:
    """Return the names of layers, which may be numbers."""
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise refuse_type(argument, "a sequence of names", given)
    try:
        return tuple(map(str, given))
    except Exception as cause:  # of an object's own
        raise refuse_type(argument, "a sequence of names", given) from cause


def word(argument: str, given: Any) -> str:
    """Refuse what is no str."""
    if not isinstance(given, str):
        raise refuse_type(argument, "a str", given)
    return given


def options(given: Any) -> dict[str, Any]:
    """Return options with numpy's numbers as Python's, which JSON has."""
    if not isinstance(given, Mapping):
        raise refuse_type("options", "a mapping of names to values", given)
    return {word("options", name): _as_json(name, value) for name, value in given.items()}


def inference(given: Any, shape: tuple[int, ...]) -> Inference | None:
    """Return an inference whose arrays are of the shape of the values, and read-only."""
    if given is None:
        return None
    if not isinstance(given, Inference):
        raise refuse_type("inference", "None or an Inference", given)
    kept: dict[str, Any] = {}
    for name, values in given.arrays.items():
        kept[name] = numbers(values)
        if values.shape != shape:
            raise ValueError(
                f"inference must have {name} of the shape of values, {shape}, got {values.shape}."
            )
        kept[name].flags.writeable = False
    return replace(given, **kept, details=options(given.details))


def _as_json(name: str, value: Any) -> Any:
    """Return a value as `load` would give it back."""
    if isinstance(value, (np.generic, np.ndarray)):
        value = value.astype(np.float64) if value.dtype == np.longdouble else value
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_as_json(name, part) for part in value]
    if isinstance(value, Mapping):
        return {word("options", key): _as_json(name, part) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"options must be finite, got {name}={plain(value)}.")
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"options must hold what JSON can, got {name}={shown(value)}.")
