"""Eight jobs of full size: ours beside torch and CuPy, and beside what the hardware allows.

Inputs lie on the device. Values are held against the same formulas in float64. The floor is the
larger of the job's arithmetic at the speed of a large float32 product, and its bytes, each read
once, at the speed of a copy. A job that ends the process is noted, and the others go on.
"""

from __future__ import annotations

import contextlib
import functools
import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bench.cases import Case, layers
from bench.floor import cheaper_space
from bench.gpu import peers
from bench.gpu.race import profile, race
from bench.gpu.step import ROOT, Step, use_standins
from bench.peers import torch_grams, torch_linear, torch_rbf, torch_rbf_grams

LEAST = 12  # seconds with which a job is still begun
BROKEN = 3  # exit code of a process in which the device no longer answers


@dataclass(frozen=True)
class Job:
    """A case, and what it takes beside products of whole layers (p³, a pair)."""

    case: Case
    torch: Callable[..., Any]
    array: Callable[..., Any] | None = None  # for CuPy
    cubes: float = 0
    part: int = 0  # of each model, the layers that the others get: they are slow
    drivers: tuple[str, ...] = ()  # of torch's SVD

    def scaled(self, scale: int) -> Job:
        """Return a smaller one."""
        case = self.case
        widths = tuple(max(8, p // scale) for p in case.widths)
        return replace(self, case=replace(case, n=max(40, case.n // scale), widths=widths))

    @property
    def sigma(self) -> float | None:
        """About 0.6 of the distance between rows, where no entry of K is negligible."""
        return self.case.sigma and self.case.sigma * math.sqrt(self.case.widths[0])

    @property
    def flops(self) -> float:
        """Those of the products in the cheaper space, and of the factorisations."""
        case = self.case
        kernel = case.kernel if case.measure == "cka" else "linear"
        a = case.widths
        flops = cheaper_space(case.n, a, a, kernel)[1]
        if case.measure != "cka":  # which needs X'Y
            flops = 2 * case.n * sum(a) ** 2 + case.n * sum(p * p for p in a) * 2
        return flops + self.cubes * sum(p**3 for p in a) * len(a)

    @property
    def bytes(self) -> float:
        """Those of the inputs."""
        return 2 * 4 * self.case.n * sum(self.case.widths)


_SIGMA = 2.0  # times sqrt(p): see Job.sigma
_LINEAR, _MAP = Case("", 10_000, (512,)), Case("", 2048, (768,) * 12)
_RBF = replace(_LINEAR, n=20_000, widths=(1000,), kernel="rbf", sigma=_SIGMA)
_SVD = ("gesvd", "gesvdj")
JOBS = {
    "linear CKA, a pair": Job(_LINEAR, torch_linear, peers.array_linear),
    "linear CKA, 12 x 12": Job(_MAP, torch_grams),
    "RBF CKA, a pair": Job(_RBF, torch_rbf, peers.array_rbf),
    "RBF CKA by the median": Job(replace(_RBF, sigma=None), torch_rbf, peers.array_rbf),
    "RBF CKA, 12 x 12": Job(
        replace(_MAP, n=4000, widths=(512,) * 12, kernel="rbf", sigma=_SIGMA), torch_rbf_grams
    ),
    "CCA, a pair": Job(
        replace(_LINEAR, measure="cca"), peers.torch_cca, peers.array_cca, cubes=6, drivers=_SVD
    ),
    "Procrustes, a pair": Job(
        replace(_LINEAR, n=5000, widths=(1024,), measure="procrustes"),
        peers.torch_procrustes,
        peers.array_procrustes,
        cubes=3,
        drivers=_SVD,
    ),
    "PWCCA, 12 x 12": Job(
        replace(_MAP, n=5000, widths=(512,) * 12, measure="pwcca"),
        peers.torch_pwcca_map,
        cubes=10,
        part=2,
    ),
}


def main() -> int:
    """Run the jobs in a child, and go on in another if it dies."""
    more: tuple[str, dict[str, Any]] = ("--child", {"action": "store_true"})
    step = Step(__doc__, more)
    if step.options.child:
        step.fragment.data = _read(step)
        return work(step)
    step.put("ceilings", {})
    while todo := [name for name in JOBS if name not in _read(step)]:
        if step.left < LEAST:
            step.fragment.data = _read(step)
            step.put(todo[0], {"error": "not reached"})
            continue
        command = [sys.executable, "-m", "bench.gpu.jobs", "--child", *sys.argv[1:]]
        command += ["--seconds", f"{step.left - 1:.1f}"]
        code: int | str
        try:
            code = subprocess.run(command, cwd=ROOT, timeout=step.left, check=False).returncode
        except subprocess.TimeoutExpired:
            code = "of time"
        step.fragment.data = _read(step)
        left = [name for name in todo if name not in step.fragment.data]
        if left and code != BROKEN:
            step.put(left[0], {"error": f"the process died here (exit code {code})"})
    rows = [row for name, row in _read(step).items() if name != "ceilings"]
    good = all("error" not in row["contestants"]["gramian"] for row in rows if "error" not in row)
    return 0 if good and not any("error" in row for row in rows) else 1


def _read(step: Step) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(step.fragment.path.read_text(encoding="utf-8"))
    return data


def work(step: Step) -> int:
    """Run the jobs that have no row yet."""
    use_standins(step.standins)
    import torch

    place = "cpu" if step.standins else "cuda"
    synchronize = torch.cuda.synchronize if place == "cuda" else lambda: None
    if not step.fragment.data["ceilings"]:
        step.put("ceilings", ceilings(place, step.size(8192), synchronize))
    for name, job in JOBS.items():
        if name in step.fragment.data:
            continue
        if step.left < LEAST:
            step.put(name, {"error": "not reached"})
            continue
        if step.standins:
            job = job.scaled(step.scale)
        row = run(job, place, step.fragment.data["ceilings"], synchronize)
        step.put(name, row)
        print(f"   {step.left:.0f} s left", flush=True)
        try:
            release(place)
        except Exception as error:
            print(f"the device no longer answers: {error}", flush=True)
            return BROKEN
    return 0


def ceilings(place: str, size: int, synchronize: Callable[[], Any]) -> dict[str, float]:
    """Rates of this card: products in TFLOP/s, copies in GB/s (read and written)."""
    import torch

    rates = {}
    for dtype in (torch.float32, torch.float64):
        A = torch.randn(size, size, dtype=dtype, device=place)
        row = race({"": functools.partial(torch.mm, A, A)}, synchronize)[""]
        rates[f"{dtype} TFLOP/s".removeprefix("torch.")] = 2e-12 * size**3 / row["min"]
    A = torch.randn(size * size * 4, device=place)
    B = torch.empty_like(A)
    row = race({"": functools.partial(B.copy_, A)}, synchronize)[""]
    return rates | {"copy GB/s": 2e-9 * A.nbytes / row["min"]}


def run(
    job: Job, place: str, rates: dict[str, float], synchronize: Callable[[], Any]
) -> dict[str, Any]:
    """Time everyone, hold the values against float64, and profile one call of ours and torch's."""
    import torch

    host = layers(job.case)
    A, B = ([torch.from_numpy(X).to(place) for X in model] for model in host)
    theirs = others(job, A, B, place)
    found = race({**ours(job, (A, B), host, place), **theirs}, synchronize)
    part = job.part or len(A)

    def few(models: Any) -> Any:
        return [model[:part] for model in models]

    exact = np.asarray(called(job, job.torch, *([X.double() for X in M] for M in few((A, B)))))
    for name, row in found.items():
        if "error" in row:
            continue
        value = np.asarray(row.pop("value"))
        if value.ndim == 2:
            value = value[:part, :part]
        row["difference"] = float(np.abs(value - exact).max())
        if name.startswith(("torch", "cupy")) and job.part:
            for key in ("first", "median", "min"):
                row[key] *= (len(A) / part) ** 2
            row["scaled"] = f"time of {part} x {part} layers, times {(len(A) / part) ** 2:g}"
    for name, call in {**ours(job, *(few(X) for X in ((A, B), host)), place), **theirs}.items():
        if name in ("gramian", "torch") and "error" not in found[name]:
            found[name]["profile"] = profile(call, synchronize)
    case = job.case
    floor = {
        "arithmetic": job.flops / (1e12 * rates["float32 TFLOP/s"]),
        "memory": job.bytes / (1e9 * rates["copy GB/s"]),
    }
    return {
        "case": f"n={case.n}, p={case.widths[0]}, {len(case.widths)} layers a model",
        "flops": job.flops,
        "floor": max(floor.values()),
        "floors": floor,
        "contestants": found,
    }


def ours(job: Job, data: Any, host: Any, place: str) -> dict[str, Callable[[], Any]]:
    """Return our calls: on arrays of the device, from numpy, with more memory."""
    import torch

    import gramian as gm
    from gramian._measures.registry import MEASURES

    case = job.case
    options: dict[str, Any] = {"device": "cuda"}
    if case.kernel == "rbf":
        options["kernel"] = "rbf" if job.sigma is None else gm.RBF(sigma=job.sigma)

    def call(given: Any, **more: Any) -> Callable[[], Any]:
        A, B = given
        if case.pair:
            return lambda: MEASURES[case.measure].call(A[0], B[0], **options, **more)
        return lambda: gm.compare(A, B, measure=case.measure, **options, **more).values

    calls = {"gramian": call(host if place == "cpu" else data)}
    if case.pair and case.measure == "cka" and place == "cuda":
        calls["gramian, from numpy"] = call(host)
        pinned = [[torch.from_numpy(X).pin_memory().numpy() for X in model] for model in host]
        calls["gramian, from pinned numpy"] = call(pinned)
    if case.kernel == "rbf" and case.pair:
        for memory in (2e9, 8e9):
            calls[f"gramian, {memory:.0g} bytes"] = call(
                host if place == "cpu" else data, max_memory=memory
            )
    return calls


def others(job: Job, A: list[Any], B: list[Any], place: str) -> dict[str, Callable[[], Any]]:
    """Return the calls of torch and CuPy (numpy, where there is no device)."""
    part = job.part or len(A)
    calls = {"torch": functools.partial(called, job, job.torch, A[:part], B[:part])}
    if place == "cuda":
        for driver in job.drivers:
            function = functools.partial(job.torch, driver=driver)
            calls[f"torch {driver}"] = functools.partial(called, job, function, A, B)
    if job.array:
        try:
            import cupy as xp

            convert = xp.from_dlpack
        except ImportError:
            if place == "cuda":
                raise
            xp, convert = np, np.asarray
        A, B = ([convert(X) for X in model] for model in (A, B))
        function = functools.partial(job.array, xp)
        calls["cupy"] = functools.partial(called, job, function, A, B)
    return calls


def called(job: Job, function: Callable[..., Any], A: list[Any], B: list[Any]) -> Any:
    """Call a function of a pair or of two models, with sigma where there is a kernel of one."""
    more = [job.sigma] if job.case.kernel == "rbf" else []
    return function(A[0], B[0], *more) if job.case.pair else function(A, B, *more)


def release(place: str) -> None:
    """Give back the memory that torch and CuPy keep, and see whether the device answers."""
    import torch

    if place == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.synchronize()
        with contextlib.suppress(ImportError):
            import cupy

            cupy.get_default_memory_pool().free_all_blocks()


if __name__ == "__main__":
    sys.exit(main())
