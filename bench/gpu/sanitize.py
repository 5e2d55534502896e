"""compute-sanitizer on a few small calls: memory accesses, and races in gramian's own kernels.

Not initcheck: sums read the triangle of a product that syrk never writes, and drop it.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gramian.gpu_check.step import Step

TOOL = "compute-sanitizer"
PLACES = ("/usr/local/cuda/bin", "/usr/local/cuda-13.0/bin", "/opt/nvidia/compute-sanitizer")
# What is run: the tool, a measure, its variants, a type. memcheck sees NVIDIA's kernels too, the
# others only ours, whose mangled names have the namespace.
KERNELS = ("cka-linear-debiased", "cka-rbf", "cka-laplacian", "cka-cosine", "cka-polynomial")
RUNS: dict[str, tuple[str, str, tuple[str, ...], str]] = {
    "memcheck, kernels": ("memcheck", "cka", KERNELS, "float32"),
    "racecheck, kernels": ("racecheck", "cka", KERNELS[:4], "float32"),
    "synccheck, kernels": ("synccheck", "cka", KERNELS[:2], "float64"),
    "memcheck, float64": ("memcheck", "cka", KERNELS[:2], "float64"),
    "memcheck, CCA": ("memcheck", "cca", (), "float32"),
    "racecheck, CCA": ("racecheck", "cca", (), "float32"),
    "memcheck, SVCCA": ("memcheck", "svcca", (), "float64"),
    "memcheck, PWCCA": ("memcheck", "pwcca", (), "float32"),
    "memcheck, Procrustes": ("memcheck", "procrustes", (), "float64"),
    "memcheck, regression": ("memcheck", "linear_regression", (), "float32"),
    "memcheck, matching": ("memcheck", "match_one_to_one", (), "float32"),
}
OURS = "kns=gramian"
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
    for name, row in rows.items():
        if row["state"] != "clean":
            step.problem(f"{name}: {row['state']}, {row['summary']}")
    return step.finish()


def find() -> str | None:
    """Return where the tool is."""
    return shutil.which(TOOL, path=os.pathsep.join([os.environ["PATH"], *PLACES]))


@functools.cache
def kernel_filter(tool: str) -> tuple[str, ...]:
    """Return what chooses our kernels; nothing if no spelling of it is taken."""
    # The option's name and form have changed between versions: the first that runs a program is it.
    forms = [("--kernel-name", OURS), ("--kernel-regex", OURS), (f"--kernel-name={OURS}",)]
    for form in [*forms, (f"--kernel-regex={OURS}",)]:
        command = [tool, "--tool", "racecheck", *form, sys.executable, "-c", "pass"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "not a valid executable" not in done.stdout + done.stderr and done.returncode != 1:
            return form
    return ()


def run(
    step: Step, tool: str, check: str, measure: str, variants: tuple[str, ...], dtype: str
) -> dict[str, str]:
    """Run one measure under the tool; clean if neither the tool nor the measure complains."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        command = [tool, "--tool", check, "--error-exitcode", "99", "--log-file", str(log)]
        if check == "memcheck":
            command += ["--track-stream-ordered-races", "all"]
        else:
            command += kernel_filter(tool)
        command += [sys.executable, "-m", "gramian.gpu_check.call", measure, dtype]
        command += ["--n", str(SAMPLES)]
        command += ["--variants", *variants] if variants else []
        state, said = "out of time", ""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=step.left - 2)
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
