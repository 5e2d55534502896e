"""`python -m bench.gpu`, what a CUDA device is needed for, on the stand-ins: does it report?"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.cuda


def test_report(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    standins = pytestconfig.getoption("--hostcuda")
    pytest.importorskip("torch")
    asked = "facts,solvers,products,smoke,suite,interop,sanitize"
    command = [sys.executable, "-m", "bench.gpu", "--output", str(tmp_path), "--steps", asked]
    command += ["--standins", str(standins.resolve()), "--scale", "64"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    states = {name: step["state"] for name, step in report["steps"].items()}
    assert done.returncode == 0, (states, done.stdout[-3000:], done.stderr[-3000:])
    assert states == {
        "facts": "done",
        "solvers": "done",
        "products": "done",
        "smoke": "done",
        "suite": "done",
        "interop": "not available",
        "sanitize": "not available",
        "jobs": "not asked for",
    }
    data = {name: step["data"] for name, step in report["steps"].items()}
    assert {"date", "commit", "machine", "packages", "headers", "gramian"} <= set(data["facts"])
    assert {"null_vectors", "svd float32 8 full", "svd float64 16 half"} <= set(data["solvers"])
    assert {"copies", "latencies", "products", "batches"} <= set(data["products"])
    assert {"cka float32", "procrustes float32"} <= set(data["smoke"]["measures"])
    assert data["suite"]["counts"]["passed"] > 0
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert all(f"## {name}" in text for name, step in data.items() if step)


def test_jobs(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    standins = pytestconfig.getoption("--hostcuda")
    pytest.importorskip("torch")
    command = [sys.executable, "-m", "bench.gpu", "--output", str(tmp_path), "--steps", "jobs"]
    command += ["--standins", str(standins.resolve()), "--scale", "64"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    report = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    jobs = report["steps"]["jobs"]["data"]
    assert {"float32 TFLOP/s", "float64 TFLOP/s", "copy GB/s"} == set(jobs.pop("ceilings"))
    assert len(jobs) == 8
    for job in jobs.values():
        assert {"case", "flops", "floor", "contestants"} <= set(job)
        assert {"gramian", "torch"} <= set(job["contestants"])
        for row in job["contestants"].values():
            assert {"first", "median", "min", "difference"} <= set(row)
            assert row["difference"] < 1e-4
