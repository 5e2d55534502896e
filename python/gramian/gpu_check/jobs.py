"""Eight jobs of full size: ours beside torch and CuPy, and beside what the hardware allows.

Inputs lie on the device, the same ones for everybody. Values are held against the same formulas in
float64, or, where neither torch nor CuPy is installed, against our own. The floor is the larger of
the job's arithmetic at the speed of a large float32 product, and its bytes, each read once, at the
speed of a copy. A job that ends the process is noted, and the others go on.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

import gramian as gm

from .._measures.registry import MEASURES
from ..typing import MeasureName
from . import data, peers
from .libraries import Libraries, OnDevice
from .places import Place, places
from .products import copies, product
from .race import Call, profile, race
from .step import Step

LEAST = 8  # seconds with which a job is still begun
BROKEN = 3  # exit code of a process in which the device no longer answers
BOUND = 100 * float(np.finfo(np.float32).eps)  # between our value and that in float64


@dataclass(frozen=True)
class Job:
    """Two models of `layers` layers of one width, or with one layer a pair, and what is asked."""

    n: int
    width: int
    peer: Callable[..., Any]
    layers: int = 1
    measure: MeasureName = "cka"
    kernel: str = "linear"
    sigma: float | None = None  # None with an RBF kernel: the exact median
    cubes: float = 0  # what it takes beside products of whole layers, in p³ a pair
    part: int = 0  # of each model, the layers that the others get: they are slow

    def __str__(self) -> str:
        return f"n={self.n}, p={self.width}, {self.layers} layers a model"

    @property
    def is_rbf(self) -> bool:
        """Whether it takes the width of a kernel."""
        return self.kernel == "rbf"

    @property
    def flops(self) -> float:
        """Those of the products in the cheaper space, and of the factorisations.

        One triangle of a symmetric product is half of it. Kernels of distances need the n x n
        matrices, and measures other than CKA need X'Y.
        """
        n, p, count = self.n, self.width, self.layers
        features = 2.0 * n * (count * p) ** 2 + 2.0 * count * n * p * p
        samples = float(n) * n * (2 * count * p + (2 * count) ** 2)
        if self.measure != "cka":
            return features + self.cubes * (count * p) ** 2 * p
        return samples if self.is_rbf else min(features, samples)

    @property
    def bytes(self) -> float:
        """Those of the inputs."""
        return 2 * 4 * self.n * self.width * self.layers

    def scaled(self, step: Step) -> Job:
        """Return it at the size of the stand-ins."""
        return replace(self, n=step.size(self.n, 40), width=step.size(self.width))


SIGMA = 2.0  # about 0.6 of the distance between samples, where no entry of K is negligible
_RBF = Job(20_000, 1000, peers.rbf, kernel="rbf", sigma=SIGMA)
JOBS = {
    "linear CKA, a pair": Job(10_000, 512, peers.linear),
    "linear CKA, 12 x 12": Job(2048, 768, peers.linear_map, layers=12),
    "RBF CKA, a pair": _RBF,
    "RBF CKA by the median": replace(_RBF, sigma=None),
    "RBF CKA, 12 x 12": Job(4000, 512, peers.rbf_map, layers=12, kernel="rbf", sigma=SIGMA),
    "CCA, a pair": Job(10_000, 512, peers.cca, measure="cca", cubes=6),
    "Procrustes, a pair": Job(5000, 1024, peers.procrustes, measure="procrustes", cubes=3),
    "PWCCA, 12 x 12": Job(5000, 512, peers.pwcca_map, layers=12, measure="pwcca", cubes=10, part=2),
}


def main() -> int:
    """Run the jobs in a child, and go on in another if it dies."""
    more: tuple[str, dict[str, Any]] = ("--child", {"action": "store_true"})
    step = Step(__doc__, more)
    if step.options.child:
        step.fragment.data = step.fragment.read()
        return work(step)
    step.put("ceilings", {})
    while todo := [name for name in JOBS if name not in step.fragment.data]:
        if step.left < LEAST:
            step.put(todo[0], {"error": "not reached"})
            continue
        command = [sys.executable, "-m", "gramian.gpu_check.jobs", "--child", *sys.argv[1:]]
        command += ["--seconds", f"{step.left - 1:.1f}"]
        code: int | str
        try:
            code = subprocess.run(command, timeout=step.left, check=False).returncode
        except subprocess.TimeoutExpired:
            code = "of time"
        step.fragment.data = step.fragment.read()
        left = [name for name in todo if name not in step.fragment.data]
        if left and code != BROKEN:
            step.put(left[0], {"error": f"the process died here (exit code {code})"})
    for name in JOBS:
        judge(step, name, step.fragment.data[name])
    return step.finish()


def judge(step: Step, name: str, row: dict[str, Any]) -> None:
    """Say what is wrong with a job; others than we may fail."""
    if "error" in row:
        step.problem(f"{name}: {row['error']}")
        return
    for who, timing in row["contestants"].items():
        if who.startswith("gramian"):
            if "error" in timing:
                step.problem(f"{name}, {who}: {timing['error']}")
            elif not timing["difference"] <= BOUND:
                step.problem(f"{name}, {who}: wrong by {timing['difference']:.3g}")


def work(step: Step) -> int:
    """Run the jobs that have no row yet."""
    lib = Libraries(step.standins)
    if not step.fragment.data["ceilings"]:
        step.put("ceilings", ceilings(lib, step))
    for name, job in JOBS.items():
        if name in step.fragment.data:
            continue
        if step.left < LEAST:
            step.put(name, {"error": "not reached"})
            continue
        step.put(name, run(job.scaled(step), lib, step))
        print(f"   {step.left:.0f} s left", flush=True)
        try:
            lib.synchronize()
        except RuntimeError as error:
            print(f"the device no longer answers: {error}", flush=True)
            return BROKEN
    return 0


def ceilings(lib: Libraries, step: Step) -> dict[str, float]:
    """Rates of this card: products in TFLOP/s, copies in GB/s (read and written)."""
    noise = np.random.default_rng(0).standard_normal(1 << 16).astype(np.float32)
    found = {}
    for dtype in ("float32", "float64"):
        row = product(lib, step, noise, "square", dtype, (8192, 8192, 8192), "TN")
        found[f"{dtype} TFLOP/s"] = row["default"]["tflops"]
    return found | {"copy GB/s": copies(lib, step)["device to device"]}


def run(job: Job, lib: Libraries, step: Step) -> dict[str, Any]:
    """Time everyone, hold the values against float64, and profile one call of ours and torch's."""
    host = data.models(job.n, (job.width,) * job.layers, "float32")
    part = job.part or job.layers
    with resident(lib, host) as models:
        theirs = list(places(step.standins is not None, host, models))
        calls = ours(job, models, host) | others(job, theirs, part)
        found = race(calls, lib.synchronize)
        exact = np.asarray(in_double(job, host, theirs, part))
        for name, row in found.items():
            if "error" not in row:
                value = np.asarray(row.pop("value"))[:part, :part]
                row["difference"] = float(np.abs(value - exact).max())
                if not name.startswith("gramian"):
                    scale(row, job.layers, part)
        small = ours(job, few(models, part), host) | others(job, theirs, part)
        for name in ("gramian", "torch"):
            if "error" not in found.get(name, {"error"}):
                found[name]["profile"] = profile(small[name], lib.synchronize)
        for place in theirs:
            place.release()
    rates = step.fragment.data["ceilings"]
    floors = {
        "arithmetic": job.flops / (1e12 * rates["float32 TFLOP/s"]),
        "memory": job.bytes / (1e9 * rates["copy GB/s"]),
    }
    return {
        "case": str(job),
        "flops": job.flops,
        "floor": max(floors.values()),
        "floors": floors,
        "contestants": found,
    }


@contextmanager
def resident(lib: Libraries, host: Any) -> Iterator[Any]:
    """Let the layers of two models lie on the device, until the block ends."""
    layers = [X for model in host for X in model]
    with lib.memory(*[X.nbytes for X in layers]) as pointers:
        for pointer, X in zip(pointers, layers, strict=True):
            lib.upload(pointer, X)
        lib.synchronize()
        there = [OnDevice(q, X.shape, X.dtype) for q, X in zip(pointers, layers, strict=True)]
        yield there[: len(host[0])], there[len(host[0]) :]


def few(models: Any, part: int) -> Any:
    """Return the first layers of both models."""
    return [model[:part] for model in models]


def ours(job: Job, models: Any, host: Any) -> dict[str, Call]:
    """Return our calls: on arrays of the device, and of a pair for CKA also from numpy."""
    calls: dict[str, Call] = {"gramian": functools.partial(called, job, models)}
    if job.layers == 1 and job.measure == "cka":
        calls["gramian, from numpy"] = functools.partial(called, job, host)
    return calls


def called(job: Job, models: Any) -> Any:
    """Call ours, on the device."""
    options: dict[str, Any] = {"device": "cuda"}
    if job.is_rbf:
        options["kernel"] = "rbf" if job.sigma is None else gm.RBF(sigma=job.sigma)
    A, B = models
    if job.layers == 1:
        return np.array([[MEASURES[job.measure].call(A[0], B[0], **options)]])
    return gm.compare(A, B, measure=job.measure, **options).values


def others(job: Job, theirs: list[Place], part: int) -> dict[str, Call]:
    """Return the calls of other libraries, on some of the layers if they are slow."""
    return {place.name: functools.partial(peer, job, place, part) for place in theirs}


def peer(job: Job, place: Place, part: int, *, double: bool = False) -> Any:
    """Call another library's function of a pair or of two models."""
    A, B = few(place.models, part)
    if double:
        A, B = ([place.double(X) for X in model] for model in (A, B))
    more = [job.sigma] if job.is_rbf else []
    if job.layers == 1:
        return np.array([[job.peer(place.xp, A[0], B[0], *more)]])
    return job.peer(place.xp, A, B, *more)


def in_double(job: Job, host: Any, theirs: list[Place], part: int) -> Any:
    """Return the value in float64: another library's, of those there are, or ours."""
    for place in theirs:
        return peer(job, place, part, double=True)
    return called(job, [[X.astype(np.float64) for X in model[:part]] for model in host])


def scale(row: dict[str, Any], layers: int, part: int) -> None:
    """Turn times of a part of the layers into those of all."""
    if part < layers:
        times = (layers / part) ** 2
        for key in ("first", "median", "min"):
            row[key] *= times
        row["scaled"] = f"time of {part} x {part} layers, times {times:g}"


if __name__ == "__main__":
    sys.exit(main())
