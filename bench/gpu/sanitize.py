"""compute-sanitizer on a few small calls: memory accesses, and races in gramian's own kernels.

Not initcheck: sums read the triangle of a product that syrk never writes, and drop it.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.gpu.step import ROOT, Step

TOOL = "compute-sanitizer"
PLACES = ("/usr/local/cuda/bin", "/usr/local/cuda-13.0/bin", "/opt/nvidia/compute-sanitizer")
OURS = ("kns=gramian",)  # kernels whose mangled names have it
ALL = ("--track-stream-ordered-races", "all")
# What is run: the tool with its options, a measure, its variants, a type. In the order of worth.
RUNS: dict[str, tuple[str, tuple[str, ...], str, tuple[str, ...], str]] = {
    "memcheck, kernels": (
        "memcheck",
        ALL,
        "cka",
        ("cka linear debiased", "cka rbf", "cka laplacian", "cka cosine", "cka polynomial"),
        "float32",
    ),
    "racecheck, kernels": (
        "racecheck",
        OURS,
        "cka",
        ("cka linear debiased", "cka rbf", "cka cosine"),
        "float32",
    ),
    "memcheck, CCA": ("memcheck", ALL, "cca", (), "float32"),
    "memcheck, SVCCA": ("memcheck", ALL, "svcca", (), "float64"),
    "memcheck, PWCCA": ("memcheck", ALL, "pwcca", (), "float32"),
    "memcheck, Procrustes": ("memcheck", ALL, "procrustes", (), "float64"),
    "memcheck, regression": ("memcheck", ALL, "linear_regression", (), "float32"),
    "memcheck, matching": ("memcheck", ALL, "match_one_to_one", (), "float32"),
    "racecheck, CCA": ("racecheck", OURS, "cca", (), "float32"),
    "synccheck, kernels": ("synccheck", OURS, "cka", ("cka linear", "cka rbf"), "float64"),
    "memcheck, float64": ("memcheck", ALL, "cka", ("cka rbf", "cka linear debiased"), "float64"),
}
SAMPLES = 65
AT_ONCE = 11


def main() -> int:
    """Run the step; its data are the calls, each with what the tool said."""
    step = Step(__doc__)
    tool = find()
    if step.standins or tool is None:
        return step.unavailable("the stand-ins" if step.standins else f"there is no {TOOL}")
    rows: dict[str, Any] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        waiting = {name: pool.submit(run, step, tool, *row) for name, row in RUNS.items()}
        for name, future in waiting.items():
            rows[name] = future.result()
            step.put("calls", rows)
    return 0 if all(row["state"] == "clean" for row in rows.values()) else 1


def find() -> str | None:
    """Return where the tool is."""
    return shutil.which(TOOL, path=os.pathsep.join([os.environ["PATH"], *PLACES]))


@functools.cache
def kernel_option(tool: str) -> str:
    """Return the option that chooses kernels: its name has changed between versions."""
    done = subprocess.run([tool, "--help"], capture_output=True, text=True, check=False)
    known = re.search(r"--kernel-name(?!-)", done.stdout + done.stderr)
    return "--kernel-name" if known else "--kernel-regex"


def run(
    step: Step,
    tool: str,
    check: str,
    options: tuple[str, ...],
    measure: str,
    variants: tuple[str, ...],
    dtype: str,
) -> dict[str, str]:
    """Run one measure under the tool; clean if neither the tool nor the measure complains."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [
            tool,
            "--tool",
            check,
            *options,
            "--error-exitcode",
            "99",
            "--log-file",
            str(log),
        ]
        command += ["--print-limit", "20", sys.executable, "-m", "bench.gpu.call", measure, dtype]
        command += ["--n", str(SAMPLES), *(["--variants", *variants] if variants else [])]
        state, said = "out of time", ""
        try:
            done = subprocess.run(
                command, cwd=ROOT, capture_output=True, text=True, timeout=step.left - 2
            )
            state = judged(done)
            said = "" if state == "clean" else (done.stdout + done.stderr)[-1500:]
        except subprocess.TimeoutExpired:
            pass
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return {
        "state": state,
        "summary": (lines or [""])[-1].strip("= "),
        "log": "\n".join(lines[:80]) if state != "clean" else "",
        "said": said,
    }


def judged(done: subprocess.CompletedProcess[str]) -> str:
    """Say how a run under the tool went."""
    if done.returncode == 99:
        return "errors"
    if done.returncode:
        return f"failed (exit code {done.returncode})"
    values = [line for line in done.stdout.splitlines() if line.startswith("{")]
    return "clean" if values and not any('"error"' in line for line in values) else "wrong"


if __name__ == "__main__":
    sys.exit(main())
