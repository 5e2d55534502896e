"""CCA, SVCCA, PWCCA and Procrustes against their peers: `python -m bench.canonical [CASE ...]`.

Each contestant runs in a process of its own, `--threads` threads, best of `--repeat`. The floor is
one triangle of X'X, one of Y'Y and X'Y by sequential GEMM on 256-wide tiles, as in `floor.py`.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Case:
    """A measure on layers of one size; limits: at most for the floor, at least for peers."""

    measure: str
    n: int
    p: int
    condition: float
    peers: dict[str, float]
    layers: int = 1
    floor: float | None = None


CASES = {
    "cca": Case("cca", 10_000, 512, 20, {"anatome_qr": 2.5, "google_cca": 4, "numpy_qr": 8}),
    "cca-1e3": Case("cca", 10_000, 512, 1e3, {"anatome_qr": 1.9, "google_cca": 3, "numpy_qr": 7.5}),
    "r2-cca": Case("cca_squared", 10_000, 512, 20, {"numpy_qr_squared": 10}, floor=2.2),
    "pwcca": Case("pwcca", 10_000, 512, 20, {"google_pwcca": 6}),
    "procrustes": Case("procrustes", 5_000, 1_024, 20, {"netrep": 2.5}),
    "svcca-map": Case("svcca", 5_000, 256, 20, {"google_svcca": 20}, layers=12),
    "pwcca-map": Case("pwcca", 5_000, 256, 20, {"google_pwcca": 20}, layers=12),
}


def layers(case: Case) -> tuple[list[Any], list[Any]]:
    """Return two models' layers of a given condition, rotated, with 64 factors in common."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((case.n, min(64, case.p)), dtype=np.float32)
    models: tuple[list[Any], list[Any]] = ([], [])
    for model in models:
        for _ in range(case.layers):
            X = rng.standard_normal((case.n, case.p), dtype=np.float32)
            X[:, : factors.shape[1]] += factors
            rotation = np.linalg.qr(rng.standard_normal((case.p, case.p)))[0]
            falling = np.geomspace(1, 2 / case.condition, case.p)
            model.append(X @ (falling[:, None] * rotation).astype(np.float32))
    return models


def contestant(case: Case, name: str, threads: int) -> Callable[[], Any]:
    """Return what is timed."""
    A, B = layers(case)
    if name == "floor":
        from bench.floor import Floor

        return Floor(A, B, "linear", threads)
    if name == "gramian":
        import gramian as gm

        gm.set_num_threads(threads)
        return lambda: gm.compare(A, B, measure=case.measure).values
    from bench import peers_cca

    if name.startswith("anatome"):
        import torch

        torch.set_num_threads(threads)
        A, B = ([torch.from_numpy(X) for X in model] for model in (A, B))
    function = getattr(peers_cca, name)
    return lambda: [[function(X, Y) for Y in B] for X in A]


def child(case: str, name: str, threads: int, repeat: int) -> None:
    """Print the best time of one contestant."""
    call = contestant(CASES[case], name, threads)
    times = []
    for _ in range(repeat + 1):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
        if times[-1] > 10:  # a loop over all pairs: once is enough
            break
    print(min(times[1:] or times))


def seconds(case: str, name: str, threads: int, repeat: int) -> float:
    """Time a contestant in a process of its own."""
    environment = os.environ | {
        variable: str(threads) for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS")
    }
    arguments = ["--child", name, "--threads", str(threads), "--repeat", str(repeat), case]
    command = [sys.executable, "-m", "bench.canonical", *arguments]
    return float(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)


def main() -> None:
    """Print one row a contestant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), choices=list(CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--child")
    parser.add_argument("--without", nargs="*", default=[])
    options = parser.parse_args()
    if options.child:
        child(options.cases[0], options.child, options.threads, options.repeat)
        return
    print("| case | contestant | best ms | ratio | limit |\n|---|---|---|---|---|")
    for name in options.cases:
        case = CASES[name]
        ours = seconds(name, "gramian", options.threads, options.repeat)
        print(f"| {name} | gramian | {ours * 1e3:.1f} | | |")
        for rival, limit in {"floor": case.floor, **case.peers}.items():
            if rival in options.without:
                continue
            taken = seconds(name, rival, options.threads, options.repeat)
            ratio = ours / taken if rival == "floor" else taken / ours
            unit, sign = ("x floor", "<=") if rival == "floor" else ("x ours", ">=")
            bound = f"{sign} {limit:g}" if limit else "report"
            print(f"| | {rival} | {taken * 1e3:.1f} | {ratio:.2f} {unit} | {bound} |", flush=True)


if __name__ == "__main__":
    main()
