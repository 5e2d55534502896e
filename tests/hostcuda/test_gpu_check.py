"""The check of a device on the stand-ins: does it report, and does it see what is wrong?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import gramian as gm

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 175  # less than three minutes
pytestmark = pytest.mark.cuda

# What goes wrong, in each step's own processes: Python runs sitecustomize before anything else. A
# product is not computed, a solver does not converge; one measure is off, one ends its process.
PLANTED = """
import os
import sys

words = [word for word in sys.orig_argv if word.startswith("gramian.gpu_check.")]
step = words[0].rpartition(".")[2] if words else ""
if step == "solvers" and "--vectors" not in sys.orig_argv:
    from gramian.gpu_check import standins

    load = standins.load

    def loaded(folder):
        library = load(folder)
        library.hostcuda_solver_info(3, 2)
        return library

    standins.load = loaded
elif step == "products":
    from gramian.gpu_check.libraries import Libraries

    gemm = Libraries.gemm

    def skipped(self, dtype, shape, *pointers, form="TN"):
        if form == "TN":
            gemm(self, dtype, shape, *pointers, form=form)

    Libraries.gemm = skipped
elif step == "arrays":
    from gramian._input import devices

    given_back = devices.given_back
    devices.given_back = lambda result, library: given_back(result, "numpy")
elif step in ("call", "jobs"):
    from gramian._measures.measure import Measure

    call, all_pairs = Measure.call, Measure.all_pairs

    def called(self, *arrays, **options):
        if self.name in ("procrustes", "svcca"):
            os._exit(7)
        return call(self, *arrays, **options) + 0.01 * (self.name == "cca")

    def paired(self, *layers, **options):
        return all_pairs(self, *layers, **options) + 0.01 * (self.name == "pwcca")

    Measure.call, Measure.all_pairs = called, paired
"""
NVIDIA_SMI = "#!/bin/sh\necho 'Driver/library version mismatch'\nexit 18\n"


def checked(
    module: str, config: pytest.Config, output: Path, *arguments: str, **environment: str
) -> tuple[int, dict[str, Any], str]:
    """Run a check on the stand-ins; return its exit code, its report and its words."""
    command = [sys.executable, "-m", module, f"--output={output}", *arguments]
    command += [f"--standins={config.getoption('--hostcuda').resolve()}"]
    done = subprocess.run(
        command,
        cwd=ROOT if module.startswith("bench") else output,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads((output / "report.json").read_text(encoding="utf-8"))
    return done.returncode, report, done.stdout[-3000:] + done.stderr[-3000:]


def test_report(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    code, report, said = checked(
        "gramian.gpu_check", pytestconfig, tmp_path, f"--budget={SECONDS}", "--commit=abc"
    )
    steps = report["steps"]
    assert code == 0, said
    assert {name: step["state"] for name, step in steps.items()} == dict.fromkeys(
        ("facts", "solvers", "products", "smoke", "arrays", "jobs"), "done"
    )
    data = {name: step["data"] for name, step in steps.items()}
    assert all(part["problems"] == [] for part in data.values())
    assert (report["standins"], report["scale"]) == (True, 64)
    assert set(data["facts"]) == {
        *("date", "commit", "machine", "packages", "gramian", "libraries", "problems")
    }
    assert "stand-in" in data["facts"]["gramian"]["CUDA"]
    assert len(data["facts"]["libraries"]) == 3
    assert {"null_vectors", "svd float32 8 full", "svd float64 16 half"} <= set(data["solvers"])
    assert set(data["products"]) == {
        *("copies", "latencies", "products", "batches", "split", "problems")
    }
    assert set(data["smoke"]["measures"]) == {
        f"{name} {dtype}" for name in gm.measures() for dtype in ("float32", "float64")
    }
    assert set(data["arrays"]["arrays"]) == {"gramian float32", "gramian float64"}
    jobs = data["jobs"]
    assert set(jobs.pop("ceilings")) == {"float32 TFLOP/s", "float64 TFLOP/s", "copy GB/s"}
    assert len(jobs) == 8 + 1
    for name in set(jobs) - {"problems"}:
        assert set(jobs[name]) == {"case", "flops", "floor", "floors", "contestants"}
        assert {"gramian", "numpy"} <= set(jobs[name]["contestants"])
        for row in jobs[name]["contestants"].values():
            assert {"first", "median", "min", "difference"} <= set(row)
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert all(f"## {name}" in text for name in data)
    assert "Problem" not in text
    assert "not readable" not in text


def test_planted_faults(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """One in every step, which that step reports, and the others go on."""
    (tmp_path / "sitecustomize.py").write_text(PLANTED, encoding="utf-8")
    (tmp_path / "nvidia-smi").write_text(NVIDIA_SMI, encoding="utf-8")
    (tmp_path / "nvidia-smi").chmod(0o755)
    earlier = {  # so that smoke repeats these alone
        f"{name} float32": {"error": "", "eps": 1e6} for name in ("cka", "cca", "svcca")
    }
    bad = {"steps": {"smoke": {"data": {"measures": earlier}}}}
    (tmp_path / "bad.json").write_text(json.dumps(bad), encoding="utf-8")
    code, report, said = checked(
        "gramian.gpu_check",
        pytestconfig,
        tmp_path,
        f"--rerun={tmp_path / 'bad.json'}",
        PATH=f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        PYTHONPATH=os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH")))),
    )
    assert code == 1, said
    steps = report["steps"]
    assert {step["state"] for step in steps.values()} == {"failed (exit code 1)"}, said
    problems = {name: step["data"]["problems"] for name, step in steps.items()}
    assert problems["facts"] == ["nvidia-smi: exit code 18, Driver/library version mismatch"]
    assert problems["solvers"] == ["svd float32 8 full, gesvdp: info 3"]
    assert len(problems["products"]) == 5  # of form NT
    assert all("wrong by nan eps" in problem for problem in problems["products"])
    wrong, died = problems["smoke"]
    assert wrong.startswith("cca float32: wrong by ")
    assert died.startswith("svcca float32: exit code 7")
    assert set(steps["smoke"]["data"]["measures"]) == set(earlier)
    assert len(problems["arrays"]) == 2 * 2 * 3
    assert all("of ndarray, not of DeviceArray" in problem for problem in problems["arrays"])
    assert sorted(problem.split(":")[0] for problem in problems["jobs"]) == [
        *("CCA, a pair, gramian", "PWCCA, 12 x 12, gramian", "Procrustes, a pair")
    ]
    assert any("the process died here (exit code 7)" in p for p in problems["jobs"])
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert text.count("**Problem:**") == sum(map(len, problems.values()))


def test_bench(pytestconfig: pytest.Config, tmp_path: Path) -> None:
    """What needs the repository, by the same driver."""
    code, report, said = checked(
        "bench.gpu", pytestconfig, tmp_path, "--steps=facts,suite,interop,sanitize"
    )
    assert code == 0, said
    assert {name: step["state"] for name, step in report["steps"].items()} == {
        "facts": "done",
        "solvers": "not asked for",
        "products": "not asked for",
        "smoke": "not asked for",
        "arrays": "not asked for",
        "suite": "done",
        "interop": "not available",
        "sanitize": "not available",
        "jobs": "not asked for",
    }
    assert report["steps"]["suite"]["data"]["counts"]["passed"] > 0
