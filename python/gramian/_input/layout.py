"""Which axes of an array are its samples, positions and units, and what becomes of positions."""

from __future__ import annotations

import functools
import inspect
import math
import sys
from collections.abc import Callable, Sequence, Sized
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from .._core.types import DeviceArray
from . import arrays
from .arrays import Examples, Layer
from .axes import Axes, first, looked_at
from .checks import check_integer_array
from .dtypes import check_dtype, compute_dtype, values
from .keywords import refuse_keyword
from .options import check_choice, check_integer, did_you_mean, refuse_type, shown

__all__ = [
    "Axes",
    "Layout",
    "Layouts",
    "Positions",
    "axes_of",
    "chosen_layout",
    "takes_layout",
    "takes_layout_in_order",
    "units_take_layout",
]

Layouts = str | Sequence[str] | None
Positions = str | int | Sequence[int] | npt.NDArray[np.integer[Any]] | None
Function = TypeVar("Function", bound=Callable[..., Any])

_CHOICES = ("samples", "features", "mean")
_LETTERS = "ncdhwtslz"
_BLOCK = 2**22  # elements whose mean is taken in one step, as a copy in float32 of bfloat16
_RULE = (
    "'flatten', or a letter for every axis, such as 'nchw', 'nhwc' or 'ntd': 'n' for samples, "
    "'c' or 'd' for units, and others for positions"
)


def axes_of(layout: Any, argument: str = "layout") -> Axes:
    """Return the axes that the letters of a layout stand for, or refuse it."""
    if not isinstance(layout, str):
        raise refuse_type(argument, _RULE, layout)
    letters = layout.lower()
    units = "c" if "c" in letters else "d"
    if (
        len({*letters}) < len(letters)
        or not {*letters} <= {*_LETTERS}
        or not {"n", units} <= {*letters}
    ):
        hint = did_you_mean(layout, ("flatten", "nchw", "nhwc")) if len(layout) > 3 else ""
        raise ValueError(f"{argument} must be {_RULE}, got {shown(layout)}.{hint}")
    places = {letter: axis for axis, letter in enumerate(letters)}
    positions = tuple(axis for c, axis in places.items() if c not in ("n", units))
    return Axes(letters, places["n"], positions, places[units])


def _is_flatten(layout: str) -> bool:
    return layout.lower() == "flatten"


def chosen_layout(layout: Any, positions: Any) -> Layout | None:
    """Return what is to be done with arrays of more than two axes, None where nothing is said."""
    if layout is None:
        if positions is not None:
            raise ValueError("positions needs a layout, such as layout='nchw'.")
        return None
    if isinstance(layout, str) and _is_flatten(layout):
        if positions is not None:
            raise ValueError("layout='flatten' takes no positions: every entry is a unit.")
        return Layout((), "flatten")
    axes = [axes_of(one) for one in (layout if isinstance(layout, (list, tuple)) else [layout])]
    by_count = {len(one.name): one for one in axes}
    if not axes or len(by_count) < len(axes):
        raise ValueError(f"layout must name one layout for each number of axes, got {layout!r}.")
    return Layout(tuple(axes), _checked(positions))


def _checked(positions: Any) -> str | int | npt.NDArray[np.integer[Any]]:
    """Return positions whose number is not held against any array yet."""
    rule = "'samples', 'features', 'mean', a number of positions or a sequence of their indices"
    if positions is None:
        raise ValueError(
            "positions must be given with a layout: 'features' makes a unit of every channel at "
            "every position, 'mean' averages over positions, 'samples' makes a sample of each."
        )
    if isinstance(positions, str):
        return check_choice("positions", positions, _CHOICES, rule)
    if isinstance(positions, (int, np.integer)):
        return check_integer("positions", positions)
    if isinstance(positions, bytes) or not isinstance(positions, Sized):
        raise refuse_type("positions", rule, positions)
    try:
        chosen = np.asarray(positions)
    except Exception:  # whatever a sequence of its own raises
        raise refuse_type("positions", rule, positions) from None
    if chosen.ndim != 1 or len(chosen) == 0:
        raise ValueError(f"positions must be 1-D and not empty, got shape {chosen.shape}.")
    if chosen.dtype.kind not in "iu":
        raise TypeError(f"positions must be {rule}, got elements of type {chosen.dtype}.")
    if len(np.unique(chosen)) < len(chosen):
        raise ValueError("positions must be distinct: a repeated sample counts twice.")
    return chosen


@dataclass(frozen=True, eq=False)
class Layout:
    """What is done with arrays of more than two axes; those of two are taken as they are."""

    axes: tuple[Axes, ...]  # one for each number of axes
    positions: str | int | npt.NDArray[np.integer[Any]]  # "flatten" without axes

    @property
    def becomes(self) -> str:
        """What positions become."""
        return self.positions if isinstance(self.positions, str) else "samples"

    def recorded(self) -> dict[str, Any]:
        """Return the two options as JSON can hold them."""
        names = [one.name for one in self.axes]
        if not names:
            return {"layout": "flatten"}
        positions = self.positions
        return {
            "layout": names[0] if len(names) == 1 else names,
            "positions": positions.tolist() if isinstance(positions, np.ndarray) else positions,
        }

    def layer(self, value: Any, name: str, *, in_order: bool = False) -> Layer:
        """Return a representation (n_samples, n_units), which is a view where strides allow it.

        The units of "features" come in the order of memory where the order of the axes would cost
        a copy, unless they have to be `in_order`.
        """
        if isinstance(value, Layer):
            return value
        array, dtype = arrays.as_array(value, name)
        if array.ndim <= 2 and self.becomes != "samples":
            return arrays.checked(array, dtype, name)
        axes = self._axes(array.shape, name)
        if not isinstance(array, np.ndarray):
            return self._on_device(value, array, dtype, axes, name, in_order)
        check_dtype(array.dtype, dtype, name)
        if array.size == 0:
            raise ValueError(f"{name} must not be empty, got shape {array.shape}.")
        if array.dtype.name == "bfloat16":  # of ml_dtypes
            array = array.view(np.uint16)
        if self.becomes in ("features", "flatten"):
            return arrays.checked(_flat(array, axes.samples, in_order), dtype, name)
        if self.becomes == "mean":
            check_integer_array(array, dtype, name)
            return arrays.checked(*_mean(array, dtype, axes), name)
        last = array.transpose(axes.order)
        shape = last.shape[1:-1]
        chosen = self._chosen(math.prod(shape))
        if chosen is not None:
            places: tuple[Any, ...] = np.unravel_index(chosen, shape)
            last = last[(slice(None), *places)]
        # A view where the units are last in memory already, otherwise a copy.
        found = arrays.checked(last.reshape(-1, last.shape[-1]), dtype, name)
        return found.out_of(Examples(len(last), shape, "positions"))

    def _axes(self, shape: tuple[int, ...], name: str) -> Axes:
        """Return the axes of the layout that an array has."""
        if self.becomes == "flatten":
            return Axes("n", 0, tuple(range(1, len(shape) - 1)), len(shape) - 1)
        for axes in self.axes:
            if len(axes.name) == len(shape):
                return axes
        called = repr(self.recorded()["layout"])
        raise ValueError(
            f"{name} must be {' or '.join(map(str, self.axes))} with layout={called}, "
            f"got {len(shape)}-D with shape {shape}."
        )

    def _chosen(self, count: int) -> npt.NDArray[np.integer[Any]] | None:
        """Return flat indices of the positions that are samples, None for all."""
        if isinstance(self.positions, np.ndarray):
            low, high = int(self.positions.min()), int(self.positions.max())
            if low < 0 or high >= count:
                raise ValueError(
                    f"positions must be indices between 0 and {count - 1}, got {low} to {high}."
                )
            return self.positions
        if isinstance(self.positions, str):
            return None
        if not 1 <= self.positions <= count:
            raise ValueError(
                f"positions must be between 1 and {count}, got {shown(self.positions)}."
            )
        return np.sort(np.random.default_rng(0).permutation(count)[: self.positions])

    def _on_device(
        self, value: Any, array: DeviceArray, dtype: str, axes: Axes, name: str, in_order: bool
    ) -> Layer:
        """Look at an array on a device by its strides, or let its library rearrange it there."""
        seen = None
        if self.becomes != "mean" and self._chosen(axes.count(array.shape)) is None:
            seen = looked_at(array, axes, in_order, self.becomes == "samples")
        if seen is None:
            return self._by_library(value, dtype, axes, name)
        layer = arrays.checked(seen, dtype, name).out_of_library(value)
        if self.becomes != "samples":
            return layer
        shape = tuple(array.shape[axis] for axis in axes.positions)
        return layer.out_of(Examples(array.shape[axes.samples], shape, "positions"))

    def _by_library(self, value: Any, dtype: str, axes: Axes, name: str) -> Layer:
        """Rearrange an array on its own device, by the library that it comes from."""
        turn = getattr(value, "permute", None) or getattr(value, "transpose", None)
        if turn is None or not hasattr(value, "reshape") or not hasattr(value, "mean"):
            raise ValueError(
                f"{name} must have the methods of an array for a layout, or be on the CPU: "
                f"rearrange it as (n_samples, n_features) with the library that it comes from."
            )
        if self.becomes == "mean":
            precision = compute_dtype(dtype)
            torch = sys.modules.get("torch") if hasattr(value, "permute") else None
            kind = precision if torch is None else getattr(torch, precision)
            mean = value.mean(axes.positions, dtype=kind)
            return arrays.as_layer(mean if axes.samples < axes.units else mean.T, name)
        if self.becomes != "samples":
            flat = turn(*first(axes.samples, len(value.shape)))
            return arrays.as_layer(flat.reshape(int(flat.shape[0]), -1), name)
        turned = turn(*axes.order)
        n, *shape, units = (int(size) for size in turned.shape)
        chosen = self._chosen(math.prod(shape))
        flat = turned.reshape(n, -1, units)
        if chosen is not None:
            try:
                flat = flat[:, chosen.tolist()]
            except TypeError:  # of jax, which takes arrays alone
                flat = flat[:, chosen]
        found = arrays.as_layer(flat.reshape(-1, units), name)
        return found.out_of(Examples(n, tuple(shape), "positions"))


def _flat(array: npt.NDArray[Any], samples: int, in_order: bool) -> npt.NDArray[Any]:
    """Return (n, all else)."""
    moved = array.transpose(first(samples, array.ndim))
    flat = moved.reshape(len(moved), -1)
    if in_order or np.may_share_memory(flat, array):
        return flat
    inner = sorted(range(1, moved.ndim), key=lambda axis: -abs(moved.strides[axis]))
    as_in_memory = moved.transpose(0, *inner).reshape(len(moved), -1)
    return as_in_memory if np.may_share_memory(as_in_memory, array) else flat


def _mean(array: npt.NDArray[Any], dtype: str, axes: Axes) -> tuple[npt.NDArray[Any], str]:
    """Return the mean over positions (n, units), summed in float64."""
    moved = array.transpose(axes.order)
    kept = compute_dtype(dtype)
    means = np.empty((len(moved), moved.shape[-1]), kept)
    over = tuple(range(1, moved.ndim - 1))
    step = max(1, _BLOCK // max(1, math.prod(moved.shape[1:])))
    for start in range(0, len(moved), step):
        block = values(moved[start : start + step], dtype)
        # Of infinities and NaN, which whoever computes with the means refuses by name.
        with np.errstate(invalid="ignore", over="ignore"):
            means[start : start + step] = block.mean(axis=over, dtype=np.float64)
    return means, kept


def takes_layout(function: Function) -> Function:
    """Let a function of X, and Y, take arrays of more axes: its body gets 2-D layers.

    It declares `layout` and `positions` for whoever calls it, and does not see them.
    """
    return _taking_layouts(function)


def takes_layout_in_order(function: Function) -> Function:
    """Do the same for a function whose result has something for every unit, by the axes' order."""
    return _taking_layouts(function, in_order=True)


def units_take_layout(function: Function) -> Function:
    """Do the same for a function whose results are about single units.

    Units are channels where nothing else is said, and come in the order of the axes.
    """
    return _taking_layouts(function, in_order=True, by_units=True)


def _taking_layouts(
    function: Function, *, in_order: bool = False, by_units: bool = False
) -> Function:
    declared = inspect.signature(function).parameters
    parameters = [*declared]
    names = [name for name in ("X", "Y") if name in parameters]
    takes_any = any(one.kind == one.VAR_KEYWORD for one in declared.values())

    @functools.wraps(function)
    def call(*args: Any, layout: Any = None, positions: Any = None, **options: Any) -> Any:
        for name in () if takes_any else options:
            if name not in parameters:
                raise refuse_keyword(function.__name__, name, parameters)
        if by_units and positions is None and isinstance(layout, str) and not _is_flatten(layout):
            positions = "samples"
        chosen = chosen_layout(layout, positions)
        if chosen is not None:
            options |= dict(zip(parameters, args, strict=False))
            args = ()
            for name in names:
                if options.get(name) is not None:
                    options[name] = chosen.layer(options[name], name, in_order=in_order)
        return function(*args, **options)

    return cast(Function, call)
