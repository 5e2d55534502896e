"""Every measure in both types at n = 300 against the reference, one process each.

An error that stays with its process (an illegal address) so costs one measure.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bench.gpu.step import ROOT, Step

BOUND = 100  # eps: tests/variants.py
AT_ONCE = 12


def main() -> int:
    """Run the step; its data are one row a process, and the worst error of each type."""
    more: tuple[str, dict[str, Any]] = ("--rerun", {"type": Path})
    step = Step(__doc__, more)
    from gramian._measures.registry import MEASURES

    dtypes = ("float32",) if step.standins else ("float32", "float64")
    todo = [(name, dtype) for name in MEASURES for dtype in dtypes]
    if step.options.rerun:
        todo = [row for row in todo if " ".join(row) in failed_before(step.options.rerun)]
    rows: dict[str, Any] = {}
    with ThreadPoolExecutor(2 if step.standins else AT_ONCE) as pool:
        for (name, dtype), row in zip(todo, pool.map(lambda t: run(step, *t), todo), strict=True):
            rows[f"{name} {dtype}"] = row
            step.fragment.put("measures", rows)
    bad = [name for name, row in rows.items() if row["error"] or row["eps"] > BOUND]
    step.put("bad", bad)
    return 1 if bad else 0


def run(step: Step, name: str, dtype: str) -> dict[str, Any]:
    """Evaluate a measure's variants in a process; errors of the process itself are the row's."""
    command = [sys.executable, "-m", "bench.gpu.call", name, dtype, "--n", str(step.size(300, 40))]
    command += ["--standins", str(step.standins)] if step.standins else []
    if step.left < 2:
        return {"error": "not reached", "eps": 0, "variants": []}
    try:
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=step.left - 1, check=False
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
    worst = max((row["eps"] for row in variants if "eps" in row), default=0)
    return {"error": "; ".join(errors), "eps": worst, "variants": variants}


def failed_before(report: Path) -> list[str]:
    """Return the rows that were bad in an earlier report."""
    earlier = json.loads(report.read_text(encoding="utf-8"))["steps"]["smoke"]["data"]
    return list(earlier.get("bad", []))


if __name__ == "__main__":
    sys.exit(main())
