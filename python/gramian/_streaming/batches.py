"""The batches that an accumulator takes: layers under their names, the same ones every time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._input import checks
from .._input.arrays import Layer, as_layer
from .._input.layers import named_layers
from .._input.layout import Layout

__all__ = ["Batch", "Names", "whole_or_not_at_all"]


@dataclass(frozen=True)
class Batch:
    """The layers of a batch: the rows of the result first, then its columns."""

    layers: list[Layer]
    n: int


@dataclass(frozen=True)
class Names:
    """What the first batch fixes: names, widths and types of the layers of both sides."""

    x: tuple[str, ...]
    y: tuple[str, ...] | None  # None: the x are compared among themselves
    widths: tuple[int, ...]
    dtypes: tuple[str, ...]
    compute_dtypes: tuple[str, ...]
    called: tuple[str, str] = ("a", "b")  # the arguments, in messages

    @property
    def labels(self) -> list[str]:
        """How messages call the layers."""
        sides = zip(self.called, (self.x, self.y or ()), strict=True)
        return [f"{argument}[{name!r}]" for argument, names in sides for name in names]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns of the result."""
        return self.x if self.y is None else self.y

    @property
    def shape(self) -> tuple[int, int]:
        """That of the result."""
        return len(self.x), len(self.columns)

    def column(self, j: int) -> int:
        """Return the number of the layer of a column."""
        return j if self.y is None else len(self.x) + j

    @property
    def double(self) -> bool:
        """Whether arithmetic on any of them is in double precision."""
        return "float64" in self.compute_dtypes


def first(a: Any, b: Any, called: tuple[str, str], layout: Layout | None) -> tuple[Names, Batch]:
    """Read the first batch, and what it fixes."""
    sides = [
        _side(a, called[0], "x", layout),
        [] if b is None else _side(b, called[1], "y", layout),
    ]
    layers = [layer for side in sides for _, layer in side]
    checks.check_same_samples(layers)
    names = Names(
        tuple(name for name, _ in sides[0]),
        None if b is None else tuple(name for name, _ in sides[1]),
        tuple(int(layer.array.shape[1]) for layer in layers),
        tuple(layer.dtype for layer in layers),
        tuple(layer.compute_dtype for layer in layers),
        called,
    )
    return names, Batch(layers, len(layers[0].array))


def later(names: Names, a: Any, b: Any, layout: Layout | None) -> Batch:
    """Read another batch, which must have the same layers, in any order."""
    if (b is None) != (names.y is None):
        had = "none" if names.y is None else "one"
        raise ValueError(f"b must be as in the first batch, which had {had}.")
    of_a, of_b = names.called
    sides = [_side(a, of_a, "x", layout), [] if b is None else _side(b, of_b, "y", layout)]
    layers: list[Layer] = []
    for argument, wanted, side in zip(names.called, (names.x, names.y or ()), sides, strict=True):
        given = dict(side)
        for name in wanted:
            if name not in given:
                raise ValueError(
                    f"{argument} must have the layers of the first batch: it lacks {name!r}."
                )
        for name in given:
            if name not in wanted:
                raise ValueError(
                    f"{argument} must have the layers of the first batch, got another, {name!r}."
                )
        layers += [given[name] for name in wanted]
    checks.check_same_samples(layers)
    for layer, width, dtype in zip(layers, names.widths, names.dtypes, strict=True):
        for what, was, now in (
            ("units", width, int(layer.array.shape[1])),
            ("dtype", dtype, layer.dtype),
        ):
            if was != now:
                raise ValueError(
                    f"{layer.name} must have the {what} of the first batch, {was}, got {now}."
                )
    return Batch(layers, len(layers[0].array))


@contextlib.contextmanager
def whole_or_not_at_all(state: Any) -> Iterator[None]:
    """Let a state be as it was where something throws; its arrays are never written to."""
    kept = {k: list(v) if isinstance(v, list) else v for k, v in vars(state).items()}
    try:
        yield
    except BaseException:
        vars(state).update(kept)
        raise


def _side(
    value: Any, argument: str, name: str, layout: Layout | None
) -> Sequence[tuple[str, Layer]]:
    if isinstance(value, Mapping):
        return named_layers(value, argument, layout)
    called = f"{argument}[{name!r}]"
    return [(name, as_layer(value, called) if layout is None else layout.layer(value, called))]


def as_zeros(layer: Layer) -> Layer:
    """Return a layer in the place of one that cannot be used."""
    dtype = "float64" if layer.compute_dtype == "float64" else "float32"
    return Layer(layer.name, np.zeros(layer.array.shape, dtype), dtype)
