"""The layers of a call: those of a pair, or of a collection, under their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from . import checks, options
from .arrays import Layer, as_layer

__all__ = ["named_layers", "pair"]


def pair(X: Any, Y: Any, nan_policy: str) -> tuple[Layer, Layer]:
    """Check the two inputs of a measure, except for their values."""
    options.check_nan_policy(nan_policy)
    x, y = as_layer(X, "X"), as_layer(Y, "Y")
    checks.check_same_samples((x, y))
    return x, y


def named_layers(value: Any, argument: str) -> list[tuple[str, Layer]]:
    """Return the layers of one of `compare`'s arguments."""
    if isinstance(value, Mapping):
        items = [(str(key), array) for key, array in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        items = [(str(index), array) for index, array in enumerate(value)]
    else:
        array_like = any(hasattr(value, p) for p in ("__array__", "__dlpack__"))
        got = (
            "a bare array; wrap it: {'name': array} or [array]"
            if array_like
            else type(value).__name__
        )
        raise TypeError(
            f"{argument} must be a mapping of names to arrays or a sequence of 2-D arrays, "
            f"got {got}."
        )
    if not items:
        raise ValueError(f"{argument} must hold at least one representation, got none.")
    named: dict[str, Layer] = {}
    for name, array in items:
        if name in named:
            raise ValueError(f"{argument} must have distinct names, got {name!r} twice.")
        named[name] = as_layer(array, f"{argument}[{name!r}]")
    return list(named.items())
