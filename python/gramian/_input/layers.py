"""The layers of a call: those of a pair, or of a collection, under their names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from . import checks, options
from .arrays import Examples, Layer, as_layer
from .layout import Layout

__all__ = ["Described", "checked_patterns", "matching", "named_layers", "pair"]


def pair(X: Any, Y: Any, nan_policy: str) -> tuple[Layer, Layer]:
    """Check the two inputs of a measure, except for their values."""
    options.check_nan_policy(nan_policy)
    x, y = as_layer(X, "X"), as_layer(Y, "Y")
    checks.check_same_samples((x, y))
    return x, y


class Described(Mapping[str, Any]):
    """Layers that know how they were made, which results repeat."""

    @property
    def notes(self) -> dict[str, Any]:
        """What was done, as JSON can hold it."""
        return {}

    def examples(self, name: str) -> Examples | None:
        """Return what the samples of a layer are, if they are positions."""
        return None


def named_layers(
    value: Any,
    argument: str,
    layout: Layout | None = None,
    patterns: Sequence[str] = (),
) -> list[tuple[str, Layer]]:
    """Return the layers of one of `compare`'s arguments: all, or those that match a pattern."""
    items = _selected(_items(value, argument), argument, patterns)
    if not items:
        raise ValueError(f"{argument} must hold at least one representation, got none.")
    named: dict[str, Layer] = {}
    for name, array in items:
        if name in named:
            raise ValueError(f"{argument} must have distinct names, got {name!r} twice.")
        called = f"{argument}[{name!r}]"
        layer = as_layer(array, called) if layout is None else layout.layer(array, called)
        made = value.examples(name) if isinstance(value, Described) else None
        named[name] = layer if made is None else layer.out_of(made)
    return list(named.items())


def _items(value: Any, argument: str) -> list[tuple[str, Any]]:
    """Return names and arrays of a collection; some caches of activations are no `Mapping`."""
    if isinstance(value, Mapping) or (hasattr(value, "keys") and hasattr(value, "__getitem__")):
        return [(str(key), value[key]) for key in value.keys()]  # noqa: SIM118
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [(str(index), array) for index, array in enumerate(value)]
    got = type(value).__name__
    if isinstance(value, (str, os.PathLike)):
        got += "; gramian.open(path) opens the layers of a file"
    elif any(hasattr(value, p) for p in ("__array__", "__dlpack__")):
        got = "a bare array; wrap it: {'name': array} or [array]"
        if getattr(value, "ndim", 0) == 3:
            got += f", or list({argument}) where it is a stack (n_layers, n_samples, n_features)"
    raise TypeError(
        f"{argument} must be a mapping of names to arrays or a sequence of 2-D arrays, got {got}."
    )


def checked_patterns(layers: Any, argument: str = "layers") -> tuple[str, ...]:
    """Return patterns of names, of which one need not be in a list."""
    patterns = (layers,) if isinstance(layers, str) else layers
    if patterns is None:
        return ()
    if not isinstance(patterns, (list, tuple)) or not all(isinstance(p, str) for p in patterns):
        raise options.refuse_type(argument, "None, a pattern of names or a list of them", layers)
    return tuple(patterns)


def _selected(
    items: list[tuple[str, Any]], argument: str, patterns: Sequence[str]
) -> list[tuple[str, Any]]:
    if not patterns or not items:
        return items
    wanted = set(matching([name for name, _ in items], patterns, argument))
    return [(name, array) for name, array in items if name in wanted]


def matching(names: Sequence[str], patterns: Sequence[str], of: str) -> list[str]:
    """Return the names that match a pattern; there must be one."""
    found = [name for name in names if any(fnmatchcase(name, p) for p in patterns)]
    if not found:
        listed = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
        wanted = " or ".join(map(repr, patterns))
        raise ValueError(f"layers must match a layer of {of}, got {wanted}; it has {listed}.")
    return found
