"""Results as JSON: written, and read with a look at the type of everything in it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from .._version import __version__

# json is imported where a file is written or read: it would be a tenth of the time that it takes to
# import gramian.

__all__ = ["FORMAT", "KINDS", "VERSION", "decode", "encode", "read", "written"]

FORMAT = "gramian.result"
VERSION = 1
KINDS: dict[str, Any] = {}  # classes of results by name
_PLAIN: tuple[type, ...] = (
    float,
    int,
    bool,
    str,
    tuple,
    dict,
)
_DTYPES = ("float64", "float32", "int64", "bool")
# What stands for numbers that JSON does not have.
_NOT_FINITE = {None: math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def written(result: Any) -> bytes:
    """Return a result as the content of a file."""
    import json

    document = {
        "format": FORMAT,
        "version": VERSION,
        "gramian": __version__,
        "type": type(result).__name__,
        "fields": {name: _as_json(value) for name, value in _fields(result).items()},
    }
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def _fields(result: Any) -> dict[str, Any]:
    return {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}


def read(document: dict[str, Any]) -> Any:
    """Return the result that a document holds; a ValueError says what is wrong with it."""
    kind, given = document.get("type"), document.get("fields")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"its type must be one of {', '.join(map(repr, KINDS))}.")
    if not isinstance(given, dict):
        raise ValueError("its fields must be an object.")
    fields = {field.name: field for field in dataclasses.fields(KINDS[kind])}
    if unknown := set(given) - set(fields):
        raise ValueError(f"a {kind} has no {min(unknown)!r}.")
    found = {}
    for name, field in fields.items():
        if name in given:
            found[name] = _as_field(name, str(field.type), _from_json(name, given[name]))
        elif field.default is dataclasses.MISSING:
            raise ValueError(f"it has no {name!r}.")
    return KINDS[kind](**found)


def encode(value: float) -> float | str | None:
    """Return a number as JSON has it."""
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def decode(value: Any) -> float:
    """Return the number that JSON has for it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if value is None or (isinstance(value, str) and value in _NOT_FINITE):
        return _NOT_FINITE[value]
    raise ValueError("its values must be numbers, null, 'Infinity' or '-Infinity'.")


def _as_json(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        flat = value.ravel().tolist()
        numbers = [encode(one) for one in flat] if value.dtype.kind == "f" else flat
        return {"dtype": value.dtype.name, "shape": list(value.shape), "values": numbers}
    if isinstance(value, (np.generic, float)):
        value = value.item() if isinstance(value, np.generic) else value
        return {"number": encode(value)} if isinstance(value, float) else value
    if isinstance(value, (tuple, list)):
        return [_as_json(one) for one in value]
    if isinstance(value, dict):
        return {"object": {name: _as_json(one) for name, one in value.items()}}
    return value


def _from_json(name: str, value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(name, one) for one in value)
    if not isinstance(value, dict):
        return value
    if set(value) == {"number"}:
        return decode(value["number"])
    if set(value) == {"object"} and isinstance(value["object"], dict):
        return {key: _from_json(name, one) for key, one in value["object"].items()}
    if set(value) == {"dtype", "shape", "values"}:
        return _array(name, value["dtype"], value["shape"], value["values"])
    raise ValueError(f"its {name} must be a value or an array.")


def _array(name: str, dtype: Any, shape: Any, values: Any) -> npt.NDArray[Any]:
    rule = f"its {name} must be an array: a dtype, a shape, and as many values."
    if dtype not in _DTYPES or not isinstance(shape, list) or not isinstance(values, list):
        raise ValueError(rule)
    if not all(isinstance(size, int) and not isinstance(size, bool) for size in shape):
        raise ValueError(rule)
    if min(shape, default=0) < 0 or math.prod(shape) != len(values):
        raise ValueError(rule)
    kind = {"i": int, "b": bool}.get(np.dtype(dtype).kind)
    if kind is None:
        return np.array([decode(one) for one in values], dtype=dtype).reshape(shape)
    if not all(type(one) is kind for one in values):
        raise ValueError(rule)
    return np.array(values, dtype=dtype).reshape(shape)


def _as_field(name: str, annotation: str, value: Any) -> Any:
    """Return a value that is of the type of its field."""
    if value is None and "None" in annotation:
        return None
    word = annotation.partition("[")[0].partition(" |")[0]
    kind: Any = next((one for one in _PLAIN if one.__name__ == word), np.ndarray)
    if type(value) is not kind:
        raise ValueError(f"its {name} must be of type {kind.__name__}.")
    if word == "tuple" and "str" in annotation and not all(isinstance(one, str) for one in value):
        raise ValueError(f"its {name} must be words.")
    return value
