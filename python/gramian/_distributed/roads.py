"""Resamples of one comparison that the workers of dask share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .._measures.registry import find
from .._measures.resampled import Request, Samples

__all__ = ["SpreadOut", "aligned"]

Array = npt.NDArray[np.float64]

PARTS = 16  # tasks that draws are shared out among: each prepares the layers once


class SpreadOut:
    """Draws, made by tasks which each get all samples of all layers."""

    path = "draws shared among the workers of dask"
    chunk = 2**20  # all draws at a time: the tasks are smaller

    def __init__(self, measure: str, request: Request) -> None:
        self._measure = measure
        self._dask = require("dask", "dask")
        wide = any(x.compute_dtype == "float64" for x in (*request.a, *request.b))
        self.dtype = "float64" if wide else "float32"
        self.leaves_out_each = find(measure, request.options).leaves_out_each(request.options)
        self._request = self._dask.delayed(request, pure=True)

    def observed(self) -> Array:
        """Return the map of all samples."""
        (found,) = self._dask.compute(self._task("observed", None))
        return np.asarray(found)

    def reordered(self, orders: Samples) -> Array:
        """Return maps with reordered columns."""
        return self._parts("reordered", list(orders), stack=True)

    def drawn(self, samples: Sequence[Samples]) -> Array:
        """Return maps of some samples."""
        return self._parts("drawn", samples)

    def without(self, groups: Sequence[Samples]) -> Array:
        """Return maps of all others."""
        return self._parts("without", groups)

    def _parts(self, method: str, draws: Sequence[Samples], stack: bool = False) -> Array:
        count = min(PARTS, len(draws))
        ends = np.linspace(0, len(draws), count + 1).astype(int)
        tasks = []
        for first, end in pairwise(ends.tolist()):
            part = list(draws[first:end])
            tasks.append(self._task(method, np.stack(part) if stack else part))
        return np.concatenate(self._dask.compute(*tasks))

    def _task(self, method: str, draws: Any) -> Any:
        make = self._dask.delayed(_made, pure=True)
        return make(self._measure, self._request, method, draws)


def aligned(array: Any) -> Any:
    """Return an array whose elements are where the processor wants them.

    What comes from another process may lie anywhere in the bytes of a message.
    """
    return np.require(array, requirements="A") if isinstance(array, np.ndarray) else array


def _made(measure: str, request: Request, method: str, draws: Any) -> Array:
    """Return the maps of some draws; a task."""
    a, b = (
        [replace(layer, array=aligned(layer.array)) for layer in side]
        for side in (request.a, request.b)
    )
    road = find(measure, request.options).road_for(replace(request, a=a, b=b))
    if draws is None:
        return road.observed()
    found = [
        getattr(road, method)(draws[first : first + road.chunk])
        for first in range(0, len(draws), road.chunk)
    ]
    return np.concatenate(found)
