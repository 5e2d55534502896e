"""A comparison as JSON: written, and read with a look at the type of everything in it."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .._inference.results import Inference
from .._input.write import check_path
from .._version import __version__

# json is imported where a file is written or read: it would be a tenth of the time that it takes to
# import gramian.

__all__ = ["read", "written"]

_FORMAT = "gramian.comparison"
_VERSION = 1
# What stands for numbers that JSON does not have.
_NOT_FINITE = {None: math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def written(fields: Mapping[str, Any]) -> bytes:
    """Return the fields of a comparison as the content of a file."""
    import json

    document = {
        "format": _FORMAT,
        "version": _VERSION,
        "gramian": __version__,
        "measure": fields["measure"],
        "options": fields["options"],
        "n_samples": fields["n_samples"],
        "x_names": fields["x_names"],
        "y_names": fields["y_names"],
        "values": [[_encode(value) for value in row] for row in fields["values"].tolist()],
    }
    if fields["inference"] is not None:
        document["inference"] = _inference_written(fields["inference"])
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def read(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return the fields of the comparison in a file."""
    import json

    name = check_path(path)
    content = _content(name)
    try:
        document = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError(f"{name} is not a gramian comparison: it is not JSON.") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError(f"{name} is not a gramian comparison: its format is not {_FORMAT!r}.")
    version = document.get("version")
    if not _is_integer(version) or version != _VERSION:
        raise ValueError(
            f"{name} has format version {version!r}, this version of gramian reads {_VERSION}."
        )
    try:
        for field, (is_right, rule) in _RULES.items():
            if not is_right(document[field]):
                raise ValueError(f"its {field} must be {rule}.")
        fields = {field: document[field] for field in _RULES}
        shape = len(fields["x_names"]), len(fields["y_names"])
        values = _rectangle("values", document["values"], shape)
        inference = _inference_read(document.get("inference"), shape)
    except KeyError as error:
        raise ValueError(f"{name} is damaged: it has no {error}.") from None
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{name} is damaged: {error}") from None
    return fields | {"values": values, "inference": inference}


def _rectangle(name: str, rows: Any, shape: tuple[int, int]) -> list[list[float]]:
    """Return numbers of a shape."""
    if not _is_rows(rows) or len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
        raise ValueError(f"its {name} must be {shape[0]} rows of {shape[1]} numbers.")
    return [[_decode(value) for value in row] for row in rows]


def _inference_written(inference: Inference) -> dict[str, Any]:
    rows = {
        name: [[_encode(value) for value in row] for row in values.tolist()]
        for name, values in inference.arrays.items()
    }
    plain = ("method", "n_resamples", "level", "details")
    return {name: getattr(inference, name) for name in plain} | rows


def _inference_read(found: Any, shape: tuple[int, int]) -> Inference | None:
    if found is None:
        return None
    if not isinstance(found, dict):
        raise ValueError("its inference must be an object.")
    level = found["level"]
    if not isinstance(found["method"], str) or not isinstance(found["details"], dict):
        raise ValueError("its inference must have a method, a word, and details, an object.")
    if not _is_integer(found["n_resamples"]) or not isinstance(level, float):
        raise ValueError("its inference must have n_resamples, a whole number, and a level.")
    arrays = {
        name: np.array(_rectangle(name, found[name], shape)) for name in _ARRAYS if name in found
    }
    return Inference(
        found["method"], found["n_resamples"], level, **arrays, details=found["details"]
    )


def _content(path: str) -> bytes:
    """Return what is in a file, or comes through a pipe; a device may have no end."""
    mode = os.stat(path).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode) or stat.S_ISDIR(mode)):
        raise ValueError(f"{path} is no file.")
    with open(path, "rb") as file:
        return file.read()


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not JSON")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, list) for row in value)


_ARRAYS = ("low", "high", "standard_error", "bias", "pvalues", "pointwise")  # of an Inference

_RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "values": (_is_rows, "a list of lists"),
    "x_names": (_are_words, "a list of words"),
    "y_names": (_are_words, "a list of words"),
    "measure": (lambda value: isinstance(value, str), "a word"),
    "options": (lambda value: isinstance(value, dict), "an object"),
    "n_samples": (lambda value: _is_integer(value) and value > 0, "a whole number above 0"),
}


def _encode(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("Infinity" if value > 0 else "-Infinity")


def _decode(value: Any) -> float:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if value is None or (isinstance(value, str) and value in _NOT_FINITE):
        return _NOT_FINITE[value]
    raise ValueError("its values must be numbers, null, 'Infinity' or '-Infinity'.")
