"""Stacks of centred Gram matrices, one of every layer, of which draws pick rows and columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.calls import Status
from ..._input.read import ReadLayer
from .pairs import check_status

__all__ = ["Scaled", "Stack", "stack_of"]

Stack = npt.NDArray[Any]  # of float or double, (n, layers, n)


class Scaled(NamedTuple):
    """Gram matrices over powers of two, of which every largest entry is about 1."""

    stack: Stack
    exponents: npt.NDArray[np.intp]


# Powers of two that entries may have: squares, and sums of these, are then far from what a float
# can hold, and small entries count.
USUAL = 30


def stack_of(
    side: Sequence[ReadLayer], spec: calls.KernelSpec, *, double: bool, unbiased: bool
) -> Scaled | None:
    """Return the Gram matrices of layers, centred for an estimator; None if too much is lost."""
    if not side:
        return None
    n = side[0].n
    stack: Stack = np.empty((n, len(side), n), np.float64 if double else np.float32)
    exponents = np.zeros(len(side), dtype=np.intp)
    for number, layer in enumerate(side):
        if layer.constant:
            stack[:, number] = 0
            continue
        prepared = calls.prepare_matrix(layer.core, kernel=spec, centered=True, double=double)
        check_status(prepared.status, layer)
        if calls.has(prepared.status, Status.imprecise):
            return None
        matrix = stack[:, number]
        matrix[...] = calls.on_host(calls.gram_matrix(prepared))
        if unbiased:
            _u_centre(matrix)
        largest = max(float(matrix.max()), -float(matrix.min()))
        if 0 < largest < np.finfo(stack.dtype).tiny / np.finfo(stack.dtype).eps:
            return None  # the small entries have lost digits
        if math.isfinite(largest) and abs(math.frexp(largest)[1]) > USUAL:
            exponents[number] = math.frexp(largest)[1]
            np.ldexp(matrix, -exponents[number], out=matrix)
    return Scaled(stack, exponents)


def _u_centre(matrix: Stack) -> None:
    """Take means off the diagonal from what is off it, so that these sum to 0 in every row."""
    n = len(matrix)
    np.fill_diagonal(matrix, 0)
    rows = matrix.sum(axis=1, dtype=np.float64) / (n - 2)
    rows -= rows.sum() / (2 * (n - 1))
    for i in range(n):  # no more than a row in double at a time
        matrix[i] -= rows[i] + rows
    np.fill_diagonal(matrix, 0)
