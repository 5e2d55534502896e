"""The only importer of the compiled modules: which are loaded, on which BLAS and devices."""

from __future__ import annotations

import ctypes
import os
import platform
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

import numpy as np

import gramian._cpu as cpu

from .._version import __version__
from .types import Cuda

if TYPE_CHECKING:
    import gramian._cuda as _cuda

    _: Cuda = _cuda

__all__ = ["cpu", "cuda", "cuda_devices", "info"]

_BLAS_FILE = "libscipy_openblas64_.so"
_PACKAGE = __name__.partition(".")[0]


def _check_blas() -> None:
    """Refuse a BLAS other than the one that was built with the package.

    A library loaded earlier with the same symbols would be used in its place, silently, with
    another version's kernels and threads of its own.
    """
    here = os.path.dirname(os.path.realpath(cpu.__file__))
    bundled = os.path.join(here, _BLAS_FILE)
    if os.path.exists(bundled) and not os.path.samefile(cpu.blas_path(), bundled):
        raise ImportError(
            f"gramian reached the BLAS in {cpu.blas_path()} instead of its own: another library "
            "was loaded into the global namespace first; import gramian before it."
        )


_check_blas()


@cache
def cuda() -> Cuda:
    """Return the compiled module for CUDA, which is loaded when it is wanted first."""
    name = f"{_PACKAGE}._cuda"
    if find_spec(name) is None:
        raise RuntimeError(
            "this build of gramian has no CUDA backend: build it with "
            "-Ccmake.define.GRAMIAN_CUDA=ON"
        )
    try:
        try:
            return cast(Cuda, import_module(name))
        except ImportError:
            preload_libraries()
            return cast(Cuda, import_module(name))
    except ImportError as cause:
        raise RuntimeError(
            f"gramian's CUDA backend cannot be loaded ({cause}): pip install 'gramian[cuda13]'"
        ) from cause


def cuda_devices(device: str | None) -> int:
    """Return the number of usable CUDA devices; with none, raise an error that names `device`."""
    wanted = "" if device is None else f"device={device!r}: "
    try:
        count, reason = cuda().device_count()
    except RuntimeError as cause:
        raise RuntimeError(f"{wanted}{cause}.") from cause
    if count == 0:
        raise RuntimeError(
            f"{wanted}there is no usable CUDA device ({reason}): see nvidia-smi, and whether the "
            "driver is version 580 or later."
        )
    return int(count)


def _library_folders() -> list[str]:
    """Return where NVIDIA's wheels and the CUDA toolkit of the environment have libraries."""
    folders: list[str] = []
    try:
        import nvidia.cu13 as wheels
    except ImportError:
        pass
    else:  # one folder for each place where packages are installed
        folders += [os.path.join(folder, "lib") for folder in wheels.__path__]
    if toolkit := os.environ.get("CUDA_HOME") or os.environ.get("CUDA_PATH"):
        folders.append(os.path.join(toolkit, "lib64"))
    return folders


def preload_libraries() -> None:
    """Load NVIDIA's libraries, where the module does not find them by itself.

    It looks beside the package; an editable install is elsewhere, and a toolkit may be anywhere.
    What cannot be loaded here is named by the import that comes next.
    """
    folders = _library_folders()
    for name, version in (("cudart", 13), ("cublas", 13), ("cusolver", 12)):
        for folder in folders:
            try:
                ctypes.CDLL(os.path.join(folder, f"lib{name}.so.{version}"))
            except OSError:
                continue
            break
        else:  # NVIDIA's own search, which knows conda and more
            with suppress(ImportError, OSError, RuntimeError):
                from cuda import pathfinder

                pathfinder.load_nvidia_dynamic_lib(name)


def info() -> dict[str, str]:
    """Return what this installation is made of and runs on, for `gramian info`."""
    blas = cpu.blas_path()
    bundled = os.path.basename(blas) == _BLAS_FILE
    return {
        "gramian": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "BLAS": cpu.blas_config() or "unknown build",
        "BLAS library": f"bundled ({_BLAS_FILE})" if bundled else f"system ({blas})",
        "BLAS kernel": cpu.blas_core() or "unknown",
        "vector loops": cpu.simd_level(),
        "threads": str(cpu.num_threads()),
        "CUDA": _cuda_info(),
    }


def _cuda_info() -> str:
    """Return which devices there are and what runs on them, or why none can be used."""
    try:
        count = cuda_devices(None)
    except RuntimeError as reason:
        return str(reason)
    versions = cuda().versions()
    devices = [cuda().device_properties(index) for index in range(count)]
    return "; ".join(
        [f"{name}, {memory / 2**30:.0f} GiB, sm {level}" for name, memory, level in devices]
        + [f"{library} {version}" for library, version in versions.items()]
    )
