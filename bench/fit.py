"""The fit that made the cost model: seconds of one thread against the work that the planner counts.

Prints the rates that `CostModel` (cpp/gramian/hardware.hpp) and `Cpu<T>::costs` hold.
"""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np

from bench.table import Printer, duration, heading, line

__all__ = ["fit"]

SHORT = 2e-3  # seconds; a shorter call is mostly overhead
RATES = ("flop", "paired", "packed", "transformed", "counted", "task")
KERNELS = ("linear", "rbf", "median")
SIZES = tuple(
    (n, p, layers)
    for n, p, layers in itertools.product((1_000, 4_000), (16, 64, 512), (2, 12, 24))
    if n * n * layers * (p + layers) < 1.5e10
)
TALL = ((20_000, 64, 2), (20_000, 64, 12), (10_000, 512, 2), (50_000, 128, 2))


def fit(write: Printer, *, repeat: int) -> None:
    """Time a grid of self-comparisons and print the fitted rates of float32 and float64."""
    columns = {"dtype": 8, **dict.fromkeys(RATES, 12), "median error": 12, "largest": 8}
    write("Cost model: seconds a unit of work on one thread, by non-negative least squares.\n")
    write(heading(columns))
    for dtype in ("float32", "float64"):
        cases = [*itertools.product(SIZES, KERNELS), *((size, "linear") for size in TALL)]
        rows = [_measure(*size, kernel, dtype, repeat) for size, kernel in cases]
        work, seconds = (np.array(column) for column in zip(*rows, strict=True))
        kept = np.flatnonzero(seconds > SHORT)
        work, seconds = work[kept], seconds[kept]
        rates, errors = solve(work, seconds)
        cells = [f"{rate:.3g}" for rate in rates]
        spread = [f"{np.median(errors):.0%}", f"{errors.max():.0%}"]
        write(line([dtype, *cells, *spread], list(columns.values())))
        worst = int(errors.argmax())
        write(f"\nworst: {cases[kept[worst]]}, {duration(float(seconds[worst]))}\n")


def solve(work: Any, seconds: Any) -> tuple[Any, Any]:
    """Return non-negative rates for the least relative error, and these errors."""
    from scipy.optimize import nnls

    relative = work / seconds[:, None]
    sizes = relative.max(axis=0)  # so that all columns are alike
    rates = nnls(relative / sizes, np.ones(len(seconds)))[0] / sizes
    return rates, np.abs(relative @ rates - 1)


def _measure(
    n: int, p: int, layers: int, kernel: str, dtype: str, repeat: int
) -> tuple[list[float], float]:
    """Return the planned work of a model compared with itself, and the best time."""
    import gramian as gm
    from gramian._core import calls
    from gramian._measures.hsic import pairs

    rng = np.random.default_rng(0)
    A = [rng.standard_normal((n, p), dtype=dtype) for _ in range(layers)]
    chosen = {"linear": gm.Linear(), "rbf": gm.RBF(sigma=(2.0 * p) ** 0.5), "median": gm.RBF()}
    gm.set_num_threads(1)
    decision = calls.plan(
        device=None,
        n=n,
        rows=layers,
        widths=[p] * layers,
        kernel=pairs.spec_of(chosen[kernel], None),
        double=dtype == "float64",
        max_memory=calls.default_memory(None),
    )
    times = []
    for _ in range(repeat):
        start = time.process_time()
        gm.compare(A, kernel=chosen[kernel])
        times.append(time.process_time() - start)
    return decision.work, min(times)
