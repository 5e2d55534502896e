"""The stand-ins for NVIDIA's libraries, loaded into this process, and what tests ask of them."""

from __future__ import annotations

import importlib.util
import sys
from ctypes import c_char_p, c_double, c_int, c_size_t
from pathlib import Path
from typing import Any

import gramian
from gramian.gpu_check import standins

# Values of cudaError_t.
MEMORY_ALLOCATION, ILLEGAL_ADDRESS, UNKNOWN = 2, 700, 999

# hostcuda_*: (result, arguments).
CONTROLS: dict[str, tuple[Any, list[Any]]] = {
    "set_devices": (None, [c_int]),
    "set_pools": (None, [c_int]),
    "has_context": (c_int, [c_int]),
    "fail_at": (None, [c_size_t, c_int]),
    "fail_allocations": (None, [c_size_t]),
    "calls": (c_size_t, []),
    "call": (c_char_p, [c_size_t]),
    "allocations": (c_size_t, []),
    "solver_info": (None, [c_int, c_int]),
    "skip_solvers": (None, [c_int]),
    "gesvdp_error": (None, [c_double]),
    "drain": (None, []),
    "pending": (c_size_t, []),
    "live_bytes": (c_size_t, []),
    "peak_bytes": (c_size_t, []),
    "copied_bytes": (c_size_t, []),
    "copied_out": (c_size_t, []),  # of these, from a device to the host
    "set_memory_limit": (None, [c_size_t]),
}


class StandIn:
    """The libraries of a build folder; `hostcuda_*` functions are methods."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cudart = standins.load(folder)
        for name, (result, arguments) in CONTROLS.items():
            function = getattr(self.cudart, f"hostcuda_{name}")
            function.restype, function.argtypes = result, arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Any:  # for type checkers: see __init__
        raise AttributeError(name)

    def call_names(self) -> list[str]:
        """What was called since the last `fail_at`."""
        return [self.call(i).decode() for i in range(self.calls())]

    def reset(self) -> None:
        """Undo what a test has set, and run what is queued."""
        self.fail_at(0, 0)
        self.fail_allocations(0)
        self.solver_info(0, 0)
        self.gesvdp_error(0)
        self.set_memory_limit(1 << 40)
        self.drain()
        self.set_devices(1)


def load(folder: Path) -> StandIn:
    """Load the stand-ins, and a `_cuda` that lies beside them in place of the package's."""
    standin = StandIn(folder)
    for path in folder.glob("_cuda*.so"):
        spec = importlib.util.spec_from_file_location("gramian._cuda", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules["gramian._cuda"] = module
        spec.loader.exec_module(module)
        gramian._cuda = module  # type: ignore[attr-defined]
    return standin
