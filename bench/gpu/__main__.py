"""`python -m bench.gpu`, from the repository's root: what a CUDA device is needed for.

The steps of `python -m gramian.gpu_check`, and those that need the repository: its tests, arrays of
other libraries, compute-sanitizer.
"""

from __future__ import annotations

import os
import subprocess
import sys

from bench.gpu.report import sanitize, suite
from bench.gpu.suite import ROOT
from gramian.gpu_check.__main__ import STAGES as SHIPPED
from gramian.gpu_check.driver import Stage, check, parser

STAGES = {
    **{name: stage for name, stage in SHIPPED.items() if name != "jobs"},
    "suite": Stage("bench.gpu.suite", 270, suite, takes=("rerun",)),
    "interop": Stage("bench.gpu.interop", 60, suite),
    "sanitize": Stage("bench.gpu.sanitize", 95, sanitize),
    "jobs": SHIPPED["jobs"],  # last: the longest
}


def main() -> int:
    """Run the steps that the command line asks for; return the exit code."""
    options = parser("bench.gpu", __doc__, STAGES, budget=900)
    os.chdir(ROOT)
    if not options.commit:
        command = ["git", "describe", "--always", "--dirty"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        options.commit = done.stdout.strip()
    return check(options, STAGES)


if __name__ == "__main__":
    sys.exit(main())
