"""Every measure in both types at n = 300 against the reference, one process each.

An error that stays with its process (an illegal address) so costs one measure.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from gramian import measures

from .step import Fragment, Step
from .variants import BOUND

AT_ONCE = 12


def main() -> int:
    """Run the step; its data are one row a process."""
    more: tuple[str, dict[str, Any]] = ("--rerun", {"type": Path})
    step = Step(__doc__, more)
    todo = [(name, dtype) for name in measures() for dtype in ("float32", "float64")]
    if step.options.rerun:
        again = failed_before(step.options.rerun)
        todo = [row for row in todo if " ".join(row) in again]
    rows: dict[str, Any] = {}
    with ThreadPoolExecutor(min(AT_ONCE, os.cpu_count() or 1)) as pool:
        for row, found in zip(todo, pool.map(lambda t: run(step, *t), todo), strict=True):
            name = " ".join(row)
            rows[name] = found
            step.fragment.put("measures", rows)
            if found["error"]:
                step.problem(f"{name}: {found['error']}")
            elif not found["eps"] <= BOUND:
                step.problem(f"{name}: wrong by {found['eps']:.3g} eps")
    return step.finish()


def run(step: Step, name: str, dtype: str) -> dict[str, Any]:
    """Evaluate a measure's variants in a process; errors of the process itself are the row's."""
    command = [sys.executable, "-m", "gramian.gpu_check.call", name, dtype]
    command += ["--n", str(step.size(300, 40))]
    command += ["--standins", str(step.standins)] if step.standins else []
    if step.left < 2:
        return {"error": "not reached", "eps": 0, "variants": []}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=step.left - 1, check=False
        )
    except subprocess.TimeoutExpired:
        return {"error": "out of time", "eps": 0, "variants": []}
    variants = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [f"{row['variant']}: {row['error']}" for row in variants if "error" in row]
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:]
        errors.append(" ".join([f"exit code {done.returncode}", *said]))
    if not variants:
        errors.append("nothing was evaluated")
    found = [row["eps"] for row in variants if "eps" in row]
    worst = max(found, key=lambda eps: (eps != eps, eps), default=0)  # NaN is the worst
    return {"error": "; ".join(errors), "eps": worst, "variants": variants}


def failed_before(report: Path) -> set[str]:
    """Return the rows that were bad in an earlier report."""
    earlier = Fragment(report).read()["steps"]["smoke"]["data"]["measures"]
    return {name for name, row in earlier.items() if row["error"] or not row["eps"] <= BOUND}


if __name__ == "__main__":
    sys.exit(main())
