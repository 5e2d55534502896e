"""What the figures were taken on: card, driver, clocks, machine, packages, libraries, commit."""

from __future__ import annotations

import datetime
import os
import platform
import re
import shutil
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from .._core import modules
from . import standins
from .step import Step

CARD = (
    "name,driver_version,memory.total,memory.used,clocks.sm,clocks.max.sm,clocks.mem,power.draw,"
    "power.limit,temperature.gpu,ecc.mode.current,mig.mode.current,compute_mode,persistence_mode"
)
PACKAGES = """
gramian numpy scipy scikit-learn torch cupy-cuda13x jax jaxlib pytest hypothesis nvidia-cublas
nvidia-cusolver nvidia-cusparse nvidia-cuda-runtime nvidia-nvjitlink
"""
LIBRARIES = re.compile(r"(/\S*/lib(?:cudart|cublas|cublasLt|cusolver|cusparse|cuda)[.]so\S*)")


def main() -> int:
    """Run the step."""
    step = Step(__doc__, ("--commit", {"default": ""}))
    step.put("date", datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"))
    step.put("commit", step.options.commit)
    step.put("machine", machine())
    step.put("packages", {name: installed(name) for name in PACKAGES.split()})
    if shutil.which("nvidia-smi"):
        command = ["nvidia-smi", f"--query-gpu={CARD}", "--format=csv,noheader"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        said = (done.stdout + done.stderr).strip()
        if done.returncode:
            step.problem(f"nvidia-smi: exit code {done.returncode}, {said}")
        else:
            first = said.splitlines()[0].split(", ")
            step.put("card", dict(zip(CARD.split(","), first, strict=False)))
    standins.use(step.standins)
    try:
        modules.cuda_devices(None)
    except RuntimeError as error:
        step.problem(str(error))
    step.put("gramian", modules.info())
    step.put("libraries", libraries())
    return step.finish()


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
        "python": platform.python_version(),
    }


def installed(name: str) -> str:
    """Return a package's version."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def libraries() -> list[str]:
    """Return the files of CUDA's libraries that this process has loaded."""
    return sorted(set(LIBRARIES.findall(Path("/proc/self/maps").read_text(encoding="utf-8"))))


if __name__ == "__main__":
    sys.exit(main())
