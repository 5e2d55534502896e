"""`python -m bench.wide`: wide layers, each case in a process under a limit of memory.

One pair of n = 512, p = 100,000 and q = 50,000; a narrower one; and two maps, of 19 and 24 layers
of n = 300 with up to 73,728 units, as the flattened convolutions of two networks have.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

Case = tuple[str, dict[str, Any]]

MEASURES: tuple[Case, ...] = (
    ("linear_regression", {}),
    ("linear_regression", {"cross_validate": 5}),
    ("cca", {}),
    ("svcca", {}),
    ("pwcca", {}),
    ("procrustes", {}),
    ("procrustes_distance", {}),
    ("shape_distance", {}),
    ("shape_distance", {"alpha": 0.5}),
)
OF_MAPS: tuple[Case, ...] = (
    ("cka", {}),
    ("procrustes", {}),
    ("linear_regression", {"cross_validate": 5}),
    ("cca", {}),
    ("svcca", {}),
)
PAIRS = {"pair": (512, 100_000, 50_000), "narrower pair": (300, 20_000, 8_000)}
WIDTHS = [73_728, 36_864, 36_864, 18_432, 18_432, 9_216, 9_216, 4_608, 4_608, 2_304, 512, 100]


def layers(n: int, widths: list[int]) -> list[np.ndarray]:
    """Layers of common factors and noise, in float32."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((n, 40), dtype="float32")
    found = []
    for p in widths:
        X = rng.standard_normal((n, p), dtype="float32")
        X += factors @ rng.standard_normal((40, p), dtype="float32")
        found.append(X)
    return found


def memory(name: str) -> int:
    """Return a number of bytes of this process that the kernel knows."""
    for row in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if row.startswith(name):
            return 1024 * int(row.split()[1])
    raise KeyError(name)


def child(what: str, measure: str, options: dict[str, Any]) -> None:
    """Measure one case, and print it as JSON."""
    import gramian as gm

    warnings.simplefilter("ignore", RuntimeWarning)
    gm.set_num_threads(2)
    if what in PAIRS:
        n, *widths = PAIRS[what]
        X, Y = layers(n, widths)
        A, B = [X], [Y]
    else:
        A = layers(300, [*WIDTHS, *WIDTHS[5:]])
        B = layers(300, [*WIDTHS, *WIDTHS])
    small = [X[:50, :5].copy() for X in A[:1]]
    gm.compare(small, measure=measure, **options)
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    before = memory("VmRSS")
    start = time.perf_counter()
    gm.compare(A, B, measure=measure, **options)
    seconds = time.perf_counter() - start
    planned = gm.plan(A, B, measure=measure, **options).memory
    taken = memory("VmHWM") - before
    print(json.dumps({"seconds": seconds, "taken": taken, "inputs": before, "planned": planned}))


def main() -> int:
    """Run all cases, or one of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.wide", description=__doc__)
    parser.add_argument("--of", choices=[*PAIRS, "maps"], help="these cases alone")
    parser.add_argument("--limit", type=float, default=4.0, help="GB of address space (default 4)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        what, measure, more = options.child
        child(what, measure, json.loads(more))
        return 0
    limit = int(options.limit * 1e9)
    right = True
    for what in [options.of] if options.of else [*PAIRS, "maps"]:
        for measure, more in OF_MAPS if what == "maps" else MEASURES:
            arguments = ["--child", what, measure, json.dumps(more)]
            command = [sys.executable, "-m", "bench.wide", *arguments]
            done = subprocess.run(
                command,
                check=False,
                capture_output=True,
                text=True,
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
            )
            name = f"{what:13}  {measure} {more or ''}"
            if done.returncode != 0:
                print(f"{name:60} {done.stderr.strip().splitlines()[-1:]}", flush=True)
                right = False
                continue
            found = json.loads(done.stdout)
            print(
                f"{name:60} {found['seconds']:7.2f} s {found['taken'] / 1e6:7.0f} MB above "
                f"{found['inputs'] / 1e6:.0f} MB (planned {found['planned'] / 1e6:.0f} MB)",
                flush=True,
            )
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
