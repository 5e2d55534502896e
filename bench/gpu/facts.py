"""What the figures were taken on: card, driver, clocks, compilers, libraries, commit."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from bench.gpu.step import ROOT, Step

CARD = (
    "name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,clocks.mem,power.draw,"
    "power.limit,temperature.gpu,ecc.mode.current,mig.mode.current,compute_mode,persistence_mode"
)
PACKAGES = """
gramian numpy scipy scikit-learn torch cupy-cuda13x jax jaxlib pytest pytest-timeout hypothesis
pybind11 scipy-openblas64 scikit-build-core cmake ninja cuda-toolkit nvidia-cublas nvidia-cusolver
nvidia-cuda-runtime nvidia-cusparse nvidia-nvjitlink nvidia-cuda-crt nvidia-cuda-cccl
nvidia-cuda-nvcc
"""
HEADERS = ("cublas_v2.h", "cusolverDn.h", "cuda_runtime_api.h", "crt/host_defines.h")


def main() -> int:
    """Run the step."""
    step = Step(__doc__, ("--commit", {"default": ""}))
    step.put("date", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    step.put("commit", step.options.commit or output("git describe --always --dirty"))
    step.put("machine", machine())
    if shutil.which("nvidia-smi"):
        values = output(f"nvidia-smi --query-gpu={CARD} --format=csv,noheader").split(", ")
        step.put("card", dict(zip(CARD.split(","), values, strict=False)))
    step.put(
        "compilers",
        {name: output(f"{name} --version | grep -E 'g\\+\\+|release'") for name in ("nvcc", "g++")},
    )
    step.put("packages", {name: installed(name) for name in PACKAGES.split()})
    step.put("headers", headers())
    step.put("libraries", output("ldconfig -p | grep -E 'libcu(blas|solver|dart)[.]so'"))
    step.put("gramian", output(f"{sys.executable} -P -m gramian info"))
    return 0


def output(command: str) -> str:
    """Return what a command says."""
    done = subprocess.run(
        command, shell=True, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False
    )
    return done.stdout.strip()


def machine() -> dict[str, Any]:
    """Return processor, memory, system and Python."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(": ")[2] for line in lines if line.startswith("model name")]
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "processor": names[0] if names else platform.machine(),
        "cores": os.cpu_count(),
        "memory": f"{pages / 2**30:.0f} GiB",
        "system": platform.platform(),
        "python": f"{platform.python_version()} at {sys.executable}",
        "Python.h": Path(sysconfig.get_path("include"), "Python.h").exists(),
    }


def installed(name: str) -> str:
    """Return a package's version."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def headers() -> dict[str, dict[str, bool]]:
    """Which headers the compiler's toolkit and NVIDIA's wheels have."""
    folders = {}
    for word in output("nvcc --dryrun -x cu -c /dev/null 2>&1 | grep INCLUDES=").split():
        if "-I" in word:
            folders["nvcc's"] = Path(word.partition("-I")[2].strip('"'))
    wheels = output(f"{sys.executable} -c 'import nvidia.cu13 as m; print(m.__path__[0])'")
    if wheels:
        folders["the wheels'"] = Path(wheels, "include")
    return {
        f"{whose} {folder}": {name: (folder / name).exists() for name in HEADERS}
        for whose, folder in folders.items()
    }


if __name__ == "__main__":
    sys.exit(main())
