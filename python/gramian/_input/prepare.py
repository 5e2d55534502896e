"""From a checked input to a layer that the compiled core reads."""

from __future__ import annotations

import numpy as np

from .._core import calls
from . import checks, devices
from .arrays import Representation

__all__ = ["Prepared", "prepare"]


class Prepared:
    """A layer with its column statistics; `finite` is False only under nan_policy="propagate"."""

    def __init__(self, rep: Representation, nan_policy: str, device: str | None) -> None:
        target = devices.chosen(device, rep.device, rep.name)
        means, scale = calls.column_statistics(rep.array, rep.dtype)
        if nan_policy == "raise":
            checks.check_finite(rep, means)
        self.rep = rep
        self.finite = bool(np.isfinite(means).all())
        array = rep.array
        if target is not None and isinstance(array, np.ndarray):
            array = devices.upload(array, rep.dtype, target)
        self.device = "cpu" if target is None else f"cuda:{target}"
        self.core = calls.layer(
            array,
            dtype=rep.dtype,
            means=means,
            scale=scale,
            epsilon=float(np.finfo(rep.compute_dtype).eps),
        )
        self.means = means
        self.n = len(rep.array)
        self.double = rep.compute_dtype == "float64"


def prepare(
    rep: Representation, nan_policy: str, device: str | None, least: int, why: str
) -> Prepared:
    """Check and read a layer; `why` needs `least` samples."""
    checks.check_sample_count(rep, least, why)
    return Prepared(rep, nan_policy, device)
