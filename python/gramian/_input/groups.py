"""Groups of samples: a label for each, checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .options import refuse_type

__all__ = ["check_kind", "group_numbers", "members"]


def check_kind(groups: Any) -> None:
    """Refuse what is no sequence of labels."""
    if groups is None:
        return
    if isinstance(groups, np.ma.MaskedArray):
        raise TypeError("groups must not be a masked array: its mask would be ignored.")
    try:
        is_flat = not isinstance(groups, (str, bytes)) and np.ndim(groups) > 0
    except ValueError:  # nested sequences of unequal lengths
        raise ValueError("groups must be a label for each sample, got nested sequences.") from None
    if not is_flat or not hasattr(groups, "__len__"):
        raise refuse_type("groups", "a label for each sample", groups)


def group_numbers(groups: Any, n: int) -> npt.NDArray[np.int64]:
    """Return the number of each sample's group, in the order of the labels."""
    check_kind(groups)
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise ValueError(
            f"groups must hold a label for each of the {n} samples, got shape {labels.shape}."
        )
    if labels.dtype.kind == "O" and any(one is None or one != one for one in labels):
        raise ValueError("groups must hold a label for each sample, got None or NaN for one.")
    if labels.dtype.kind not in "biufSU":
        labels = np.array([str(label) for label in labels])
    if labels.dtype.kind == "f" and not np.isfinite(labels).all():
        raise ValueError("groups must hold labels that are no NaN and not infinite.")
    return np.unique(labels, return_inverse=True)[1].astype(np.int64)


def members(numbers: npt.NDArray[np.int64]) -> list[npt.NDArray[np.int64]]:
    """Return the samples of every group, given the number of each sample's group."""
    order = np.argsort(numbers, kind="stable").astype(np.int64)
    return np.split(order, np.flatnonzero(np.diff(numbers[order])) + 1)
