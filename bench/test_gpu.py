"""What `python -m bench.gpu` makes of tests that crash or are skipped, and of its measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.floor import cheaper_space
from bench.gpu import interop, sanitize, suite
from gramian.gpu_check.jobs import JOBS
from gramian.gpu_check.products import SPLIT, as_bfloat16, parts_of
from gramian.gpu_check.race import read_trace
from gramian.gpu_check.step import Step

TESTS = """
import os
import pytest

pytestmark = pytest.mark.cuda

def test_first(): pass
def test_dies(): os._exit(7)
def test_illegal(): raise RuntimeError("cudaErrorIllegalAddress: an illegal memory access")
def test_wrong(): assert 1 == 2
def test_skipped(): pytest.skip("no CUDA device")
def test_last(): pass
"""


@pytest.fixture
def step(tmp_path: Path) -> Step:
    """Return a step with a minute left."""
    return Step(None, arguments=["--fragment", str(tmp_path / "fragment.json"), "--seconds", "60"])


def test_suite_goes_on_after_a_crash(step: Step, tmp_path: Path) -> None:
    place = tmp_path / "test_planted.py"
    place.write_text(TESTS, encoding="utf-8")
    assert suite.run(step, [suite.Work((str(place),))], least=1) == 1
    assert step.fragment.data["counts"] == {"passed": 2, "failed": 3, "skipped": 1}
    failures = {
        name.rpartition("::")[2]: text for name, text in step.fragment.data["failures"].items()
    }
    assert "exit code 7" in failures["test_dies"]
    assert "IllegalAddress" in failures["test_illegal"]
    assert not step.fragment.data["unfinished"]
    assert step.fragment.data["problems"] == ["3 failed"]


def test_suite_shares_out(step: Step, tmp_path: Path) -> None:
    place = tmp_path / "test_planted.py"
    body = "import pytest\n@pytest.mark.cuda\n@pytest.mark.parametrize('i', range(10))\n"
    place.write_text(body + "def test_it(i): pass\n", encoding="utf-8")
    work = [suite.Work((str(place),), f"{i}/3") for i in (1, 2, 3)]
    assert suite.run(step, work, least=10) == 0
    assert step.fragment.data["counts"] == {"passed": 10}


def test_trace() -> None:
    def event(kind: str, name: str, start: float, long: float, **more: Any) -> dict[str, Any]:
        return {"ph": "X", "cat": kind, "name": name, "ts": start, "dur": long, "args": more}

    found = read_trace(
        [
            event("kernel", "pack", 0, 10),
            event("kernel", "gemm", 5, 10),
            event("gpu_memcpy", "Memcpy DtoH", 100, 5, bytes=64),
            event("cuda_runtime", "cudaMemcpyAsync", 1, 1),
            event("cuda_runtime", "cudaStreamSynchronize", 1, 1),
            {"ph": "M", "name": "process_name"},
        ]
    )
    assert found["kernels"] == 2
    assert found["busy_ms"] == pytest.approx(0.020)
    assert found["waits"] == 1
    assert found["copies"] == {"count": 1, "bytes": 64}


def test_split_in_three_is_exact() -> None:
    X = np.random.default_rng(0).standard_normal((5, 7)).astype(np.float32)
    parts = (parts_of(X, "hml").astype(np.uint32) << 16).view(np.float32)
    h, m, low = np.split(parts.astype(np.float64), 3, axis=1)
    np.testing.assert_allclose(h + m + low, X, rtol=2**-23)
    assert as_bfloat16(np.float32([1, -2.5])).tolist() == [0x3F80, 0xC020]
    pairs = set(zip(*SPLIT, strict=True))
    assert pairs == {("h", "h"), ("h", "m"), ("m", "h"), ("m", "m"), ("h", "l"), ("l", "h")}


def test_interop_reports_a_failure(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "test_planted.py"
    place.write_text(TESTS, encoding="utf-8")
    monkeypatch.setattr(interop, "PLACE", str(place))
    monkeypatch.setattr(interop, "Step", lambda description: step)
    assert interop.main() == 1
    assert step.problems == ["only 2 passed", "3 failed"]


TOOL = """#!/bin/sh
while [ "$1" != --log-file ]; do shift; done
echo '========= ERROR SUMMARY: 3 errors' > "$2"
exit 99
"""


def test_sanitize_reports_an_error(
    step: Step, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / sanitize.TOOL
    tool.write_text(TOOL, encoding="utf-8")
    tool.chmod(0o755)
    monkeypatch.setattr(sanitize, "find", lambda: str(tool))
    monkeypatch.setattr(sanitize, "kernel_filter", lambda tool: ())
    monkeypatch.setattr(sanitize, "Step", lambda description: step)
    assert sanitize.main() == 1
    assert len(step.problems) == len(sanitize.RUNS)
    assert step.problems[0] == "memcheck, kernels: errors, ERROR SUMMARY: 3 errors"


@pytest.mark.parametrize("name", JOBS)
def test_floors_of_the_jobs(name: str) -> None:
    """They count what the floor of the benchmarks does."""
    job = JOBS[name]
    widths = [job.width] * job.layers
    if job.measure == "cka":
        assert job.flops == cheaper_space(job.n, widths, widths, job.kernel)[1]
    else:
        feature = cheaper_space(1 << 40, widths, widths, "linear")[1] >> 40  # flops a sample
        assert job.flops == feature * job.n + job.cubes * job.layers**2 * job.width**3
