"""CCA, SVCCA, PWCCA and Procrustes against their peers: `python -m bench.canonical [CASE ...]`.

Contestants live in processes of their own and take turns, as in `runner.py`; `--threads` threads
each, best and median of `--repeat`, ratios of best times. The floor is one triangle of X'X, one of
Y'Y and X'Y by sequential GEMM on 256-wide tiles (for maps, of every layer and every pair). Peers
that take one pair at a time are timed on three of a map's pairs, and their times scaled up. A line
under each case has the share of every step in the time of one more call of ours.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.runner import Child, clean_environment


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


LOOP = 3  # pairs of a map that are timed for peers, which take pair after pair and share nothing

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


def contestant(name: str, case: Case, threads: int) -> Callable[[], Any]:
    """Return what is timed."""
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = str(threads)
    A, B = layers(case)
    if name == "floor":
        from bench.floor import Floor

        return Floor(A, B, "linear", threads)
    if name in ("gramian", "steps"):
        import gramian as gm

        gm.set_num_threads(threads)
        call = lambda: gm.compare(A, B, measure=case.measure).values  # noqa: E731
        return call if name == "gramian" else lambda: steps(call)
    from bench import peers_cca

    if name.startswith("anatome"):
        import torch

        torch.set_num_threads(threads)
        A, B = ([torch.from_numpy(X) for X in model] for model in (A, B))
    function = getattr(peers_cca, name)
    return lambda: [function(X, Y) for X, Y in zip(A[:LOOP], B[:LOOP], strict=True)]


def steps(call: Callable[[], Any]) -> dict[str, float]:
    """Return the seconds of every step of the fastest of three calls; "rest" is what is left."""
    from gramian import _cpu  # type: ignore[attr-defined]

    found: list[tuple[float, dict[str, float]]] = []
    for _ in range(4):
        _cpu.steps()
        start = time.perf_counter()
        call()
        seconds = time.perf_counter() - start
        taken = _cpu.steps()
        found.append((seconds, taken | {"rest": seconds - sum(taken.values())}))
    return min(found[1:], key=lambda pair: pair[0])[1]


def race(name: str, options: argparse.Namespace) -> None:
    """Print the rows of one case."""
    case = CASES[name]
    limits = {"gramian": None, "floor": case.floor, **case.peers}
    names = [rival for rival in limits if rival not in options.without]
    children = {rival: Child(case, rival, options.threads, contestant) for rival in names}
    for _ in range(options.repeat):
        for child in children.values():
            if not child.timing.first > options.long:
                child.turn()
    ours = children["gramian"].timing.best
    for rival, child in children.items():
        child.close()
        timing, limit = child.timing, limits[rival]
        timing.seconds = timing.seconds or [timing.first]
        if case.layers > 1 and rival in case.peers:
            timing.seconds = [case.layers**2 / LOOP * seconds for seconds in timing.seconds]
        if timing.error:
            print(f"| {name} | {rival} | {timing.error} | | | |")
            continue
        ratio = ours / timing.best if rival == "floor" else timing.best / ours
        unit, sign = ("x floor", "<=") if rival == "floor" else ("x ours", ">=")
        verdict = "" if rival == "gramian" else f"{ratio:.2f} {unit}"
        bound = f"{sign} {limit:g}" if limit else "" if rival == "gramian" else "report"
        times = f"{timing.best * 1e3:.1f} | {timing.median * 1e3:.1f}"
        print(f"| {name} | {rival} | {times} | {verdict} | {bound} |", flush=True)
    child = Child(case, "steps", options.threads, contestant)
    child.close()
    taken = child.timing.value or {}
    total = sum(taken.values())
    shares = ", ".join(
        f"{step} {seconds / total:.0%}"
        for step, seconds in sorted(taken.items(), key=lambda item: -item[1])
        if seconds >= 0.005 * total
    )
    print(f"| {name} | steps | {total * 1e3:.1f} | | {shares or child.timing.error} | |")


def main() -> None:
    """Print one row a contestant."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument(
        "--long", type=float, default=10, help="seconds; longer calls: only the first"
    )
    parser.add_argument("--without", nargs="*", default=[], metavar="PEER")
    options = parser.parse_args()
    if unknown := set(options.cases) - set(CASES):
        parser.error(f"unknown cases: {', '.join(sorted(unknown))}")
    print(clean_environment())
    print("| case | contestant | best ms | median ms | ratio | limit |\n|---|---|---|---|---|---|")
    for name in options.cases or CASES:
        race(name, options)


if __name__ == "__main__":
    main()
