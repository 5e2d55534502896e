"""What the compiled modules take and return: layers, kernels, statuses, arrays on devices."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = [
    "CONSTANT",
    "DEGENERATE",
    "CanonicalPair",
    "CoreLayer",
    "DeviceArray",
    "KernelSpec",
    "RankedLayer",
]

# How the core reports a layer that has no similarity.
CONSTANT, DEGENERATE = 1, 2

# A kernel: (kind, sigma, bandwidth, sample, constant, degree).
KernelSpec = tuple[int, float, float, int, float, int]


class DeviceArray(Protocol):
    """An array in the memory of a CUDA device, as the compiled module holds it."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def ndim(self) -> int: ...
    @property
    def size(self) -> int: ...
    @property
    def dtype(self) -> str: ...
    @property
    def device(self) -> int: ...
    def __len__(self) -> int: ...
    def numpy(self) -> npt.NDArray[Any]:
        """Return a copy in host memory."""


# (array, element type, column means, scale).
CoreLayer = tuple[npt.NDArray[Any] | DeviceArray, str, npt.NDArray[np.float64], float]
# With the rounding unit of its data and its rank tolerance.
RankedLayer = tuple[CoreLayer, float, float]
# Correlations, weights and ranks.
CanonicalPair = tuple[
    npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64], int, int
]
