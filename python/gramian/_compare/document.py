"""A comparison as JSON or a table, and what `load` reads, with a look at every type."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .._inference.results import Inference
from .._input.write import check_ending, check_path
from .._measures import written as results
from .._measures.written import decode, encode
from .._version import __version__

# json is imported where a file is written or read: it would be a tenth of the time that it takes to
# import gramian.

__all__ = ["content", "read", "written"]

_FORMAT = "gramian.comparison"
_VERSION = 1
_PICTURES = {".png", ".pdf", ".svg", ".jpg", ".jpeg", ".html", ".htm"}


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
        "values": [[encode(value) for value in row] for row in fields["values"].tolist()],
    }
    if fields["inference"] is not None:
        document["inference"] = _inference_written(fields["inference"])
    return (json.dumps(document, allow_nan=False) + "\n").encode()


def content(path: str, fields: Mapping[str, Any], columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return what a file of this name holds: a table, or JSON."""
    suffix = os.path.splitext(path)[1].lower()
    if suffix in _PICTURES:
        raise ValueError(
            f"path must be a name for JSON or a table (.csv), got {path!r}: S.plot().figure."
            "savefig(path) writes a picture, S.to_html(path) a page."
        )
    check_ending(path, (".json", ".csv"), "a comparison is written as JSON or as a table")
    return _table(columns) if suffix == ".csv" else written(fields)


def _table(columns: Mapping[str, npt.NDArray[Any]]) -> bytes:
    """Return columns as RFC 4180 has them, with all digits."""
    import csv
    import io

    text = io.StringIO(newline="")
    table = csv.writer(text)
    table.writerow(columns)
    table.writerows(zip(*(column.tolist() for column in columns.values()), strict=True))
    return text.getvalue().encode("utf-8", "surrogateescape")


def read(path: str | os.PathLike[str]) -> Any:
    """Return the fields of the comparison in a file, or another result."""
    import json

    name = check_path(path)
    content = _content(name)
    try:
        document = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ValueError(f"{name} is not a gramian comparison: it is not JSON.") from None
    form = document.get("format") if isinstance(document, dict) else None
    if form not in (_FORMAT, results.FORMAT):
        raise ValueError(f"{name} is not a gramian comparison: its format is not {_FORMAT!r}.")
    version, known = document.get("version"), _VERSION if form == _FORMAT else results.VERSION
    if not _is_integer(version) or version != known:
        raise ValueError(
            f"{name} has format version {version!r}, this version of gramian reads {known}."
        )
    try:
        if form == results.FORMAT:
            return results.read(document)
        for field, (is_right, rule) in _RULES.items():
            if not is_right(document[field]):
                raise ValueError(f"its {field} must be {rule}.")
        fields = {field: document[field] for field in _RULES}
        shape = len(fields["x_names"]), len(fields["y_names"])
        values = _rectangle("values", document["values"], shape)
        inference = _inference_read(document.get("inference"), shape)
    except KeyError as error:
        raise ValueError(f"{name} is damaged: it has no {error}.") from None
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{name} is damaged: {error}") from None
    return fields | {"values": values, "inference": inference}


def _rectangle(name: str, rows: Any, shape: tuple[int, int]) -> list[list[float]]:
    """Return numbers of a shape."""
    if not _is_rows(rows) or len(rows) != shape[0] or any(len(row) != shape[1] for row in rows):
        raise ValueError(f"its {name} must be {shape[0]} rows of {shape[1]} numbers.")
    return [[decode(value) for value in row] for row in rows]


def _inference_written(inference: Inference) -> dict[str, Any]:
    rows = {
        name: [[encode(value) for value in row] for row in values.tolist()]
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
