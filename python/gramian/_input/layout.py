"""Which axis of an array is the units: the positions of an image may be samples."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from typing import Any

import numpy as np
import numpy.typing as npt

from . import arrays, checks
from .arrays import Layer
from .options import check_integer, refuse_type, shown

__all__ = ["Positions", "pair", "single"]

Positions = int | Sequence[int] | npt.NDArray[np.integer[Any]] | None


def single(X: Any, layout: str | None, positions: Positions) -> Layer:
    """Return the representation whose features are the units of X."""
    return _units(X, "X", layout, positions)[0]


def pair(X: Any, Y: Any, layout: str | None, positions: Positions) -> tuple[Layer, Layer]:
    """Return the representations of X and Y, of the same samples."""
    (x, of_x), (y, of_y) = (_units(v, name, layout, positions) for v, name in ((X, "X"), (Y, "Y")))
    if of_x != of_y:
        raise ValueError(
            "X and Y must have the same positions: "
            f"X has {of_x[0]} x {of_x[1]}, Y has {of_y[0]} x {of_y[1]}."
        )
    checks.check_same_samples((x, y))
    return x, y


def _units(
    value: Any, name: str, layout: str | None, positions: Positions
) -> tuple[Layer, tuple[int, ...]]:
    """Return a representation, and the height and width of its images if it has any."""
    if layout is None:
        if positions is not None:
            raise ValueError("positions is an option of layout='nchw' only.")
        return arrays.as_layer(value, name), ()
    if not isinstance(layout, str):
        raise refuse_type("layout", "None or 'nchw'", layout)
    if layout != "nchw":
        raise ValueError(f"layout must be None or 'nchw', got {shown(layout)}.")
    array, dtype = arrays.as_array(value, name)
    if not isinstance(array, np.ndarray):
        raise ValueError(
            f"{name} must be on the CPU with layout='nchw'; on its device, rearrange it as "
            "(n, height, width, channels) and reshape that to (-1, channels)."
        )
    if array.ndim != 4:
        raise ValueError(
            f"{name} must be 4-D (n, channels, height, width) with layout='nchw', "
            f"got {array.ndim}-D with shape {array.shape}."
        )
    _, channels, height, width = array.shape
    last = array.transpose(0, 2, 3, 1)
    if positions is not None:
        chosen = _chosen(positions, height * width)
        last = last[:, chosen // width, chosen % width]
    # A view where the channels are last in memory already, otherwise a copy.
    return arrays.checked(last.reshape(-1, channels), dtype, name), (height, width)


def _chosen(positions: Positions, count: int) -> npt.NDArray[np.integer[Any]]:
    """Return flat indices of the positions in use."""
    if isinstance(positions, (int, np.integer)):
        number = check_integer("positions", positions)
        if not 1 <= number <= count:
            raise ValueError(f"positions must be between 1 and {count}, got {shown(number)}.")
        return np.sort(np.random.default_rng(0).permutation(count)[:number])
    rule = "a number of positions or a sequence of their indices"
    if isinstance(positions, (str, bytes)) or not isinstance(positions, Sized):
        raise refuse_type("positions", rule, positions)
    try:
        chosen = np.asarray(positions)
    except Exception:  # whatever a sequence of its own raises
        raise refuse_type("positions", rule, positions) from None
    if chosen.ndim != 1 or len(chosen) == 0:
        raise ValueError(f"positions must be 1-D and not empty, got shape {chosen.shape}.")
    if chosen.dtype.kind not in "iu":
        raise TypeError(f"positions must be {rule}, got elements of type {chosen.dtype}.")
    if chosen.min() < 0 or chosen.max() >= count:
        raise ValueError(
            f"positions must be indices between 0 and {count - 1}, "
            f"got {chosen.min()} to {chosen.max()}."
        )
    if len(np.unique(chosen)) < len(chosen):
        raise ValueError("positions must be distinct: a repeated sample counts twice.")
    return chosen
