"""Comparisons that do not fit into memory are refused before they start."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._input import devices
from .._input.arrays import Layer
from .cost import Planner

__all__ = ["available", "check_fits"]

# Measures hold some matrices of n x p and of p x q numbers: where neither are more than these, they
# take 16 MB each, and the machine's memory needs no look.
_SMALL = 2**21


def check_fits(
    plan: Planner,
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: str | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> None:
    """Refuse what takes more than `max_memory`, or than there is where that is not given."""
    layers = (*a, *b)
    elements = sum(layer.array.size for layer in layers)
    units = sum(int(layer.array.shape[1]) for layer in layers)
    if max_memory is None and max(elements, units * units) < _SMALL:
        return
    target = devices.chosen(device, a[0].device, a[0].name)
    limit = max_memory
    if limit is None:
        limit = available() if target is None else float("inf")
    cost = plan(a, b, device=target, max_memory=max_memory, options=options)
    if cost.memory <= limit:
        return
    x, y = (max(side, key=lambda layer: int(layer.array.shape[1])) for side in (a, b or a))
    of = (
        f"{x.name} {x.array.shape}"
        if x is y
        else f"{x.name} {x.array.shape} and {y.name} {y.array.shape}"
    )
    bound = "max_memory" if max_memory is not None else "what is available"
    raise MemoryError(
        f"{of} would take {_bytes(cost.memory)} above the inputs ({cost.path}), more than {bound}, "
        f"{_bytes(limit)}."
    )


def _bytes(count: float) -> str:
    return f"{count:,.0f} bytes"


def available() -> float:
    """Return the bytes that this process may still take: of the machine, its group, its limit."""
    found = [float("inf")]
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(
            1024.0 * int(next(x for x in lines if x.startswith("MemAvailable")).split()[1])
        )
    with contextlib.suppress(OSError, ValueError):
        group = Path("/sys/fs/cgroup")
        limit = int((group / "memory.max").read_text())
        found.append(float(limit - int((group / "memory.current").read_text())))
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            found.append(float(limit - pages * resource.getpagesize()))
    return max(0.0, min(found))
