"""A check without a card: libraries of CUDA's names that compute on the CPU (tests/hostcuda)."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

__all__ = ["FILES", "load", "use"]

FILES = {"cudart": "libcudart.so.13", "cublas": "libcublas.so.13", "cusolver": "libcusolver.so.12"}
KERNELS = "libhostkernels.so"


def load(folder: Path) -> ctypes.CDLL:
    """Load the stand-ins of a folder into this process; return the runtime, with its controls.

    The dynamic linker gives them to `_cuda`, which asks for libraries of their names. They get the
    package's own BLAS in the same way: it was loaded with the package.
    """
    libraries = [ctypes.CDLL(str(folder / name)) for name in FILES.values()]
    ctypes.CDLL(str(folder / KERNELS))
    return libraries[0]


def use(folder: Path | None) -> None:
    """Let the stand-ins of a folder be this process's one device; with None, do nothing."""
    if folder is not None:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        load(folder).hostcuda_set_devices(1)
