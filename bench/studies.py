"""Studies beside the table: growth with n and L, a busy neighbor, peak memory, steps of a call."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.cases import CASES, Case
from bench.runner import Child, Timing, race
from bench.table import Printer, duration, heading, line, megabytes, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["busy", "growth", "memory", "steps"]

SAMPLES = (1_000, 2_000, 4_000, 8_000, 16_000)
LAYERS = (1, 4, 12, 24, 150)
MEMORY = ((Case("", n=50_000, widths=(256,), kernel="rbf"), 600), (CASES["rbf-map"], 500))  # MB
SPIN = """
import os
if hasattr(os, "sched_setaffinity"):
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
print(flush=True)
while True:
    pass
"""
PATIENCE = 60.0  # seconds; a cell of the growth table expected to take longer is left out


def growth(write: Printer, *, repeat: int, threads: int) -> None:
    """Print the time of one model of L layers against itself, and the exponents of n and L.

    Long calls are timed once. The exponents are slopes of log time, over each row and column.
    """
    times = np.full((len(LAYERS), len(SAMPLES)), np.nan)
    columns = {"L": 13, **{f"n={n:,}": 9 for n in SAMPLES}, "exponent of n": 13}
    write(
        "Growth: RBF CKA, fixed sigma, a model of L layers against itself, p=64, float32, best.\n"
    )
    write(heading(columns))
    for i, count in enumerate(LAYERS):
        for j, n in enumerate(SAMPLES):
            if j and not times[i, j - 1] * (n / SAMPLES[j - 1]) ** 2 <= PATIENCE:
                break
            case = Case("", n=n, widths=(64,) * count, kernel="rbf", sigma=16.0)
            times[i, j] = _best(case, "gramian self", repeat, threads)
        cells = [duration(t) if t == t else "-" for t in times[i]]
        write(line([str(count), *cells, _exponent(SAMPLES, times[i])], list(columns.values())))
    fits = [_exponent(LAYERS, times[:, j]) for j in range(len(SAMPLES))]
    write(line(["exponent of L", *fits, ""], list(columns.values())))


def _best(case: Case, name: str, repeat: int, threads: int) -> float:
    """Time one contestant alone, once if a call takes seconds."""
    child = Child(case, name, threads)
    for _ in range(repeat):
        if child.turn() > 2:
            break
    child.close()
    if child.timing.error:
        raise RuntimeError(f"{name}, {case}: {child.timing.error}")
    return child.timing.best


def _exponent(sizes: tuple[int, ...], times: Any) -> str:
    known = np.isfinite(times)
    if known.sum() < 2:
        return "-"
    return f"{np.polyfit(np.log(np.asarray(sizes)[known]), np.log(times[known]), 1)[0]:.2f}"


def busy(cases: list[Case], write: Printer, *, repeat: int, threads: int) -> None:
    """Print how much each contestant slows down beside a busy loop, and ours with one thread."""
    texts = {"case": 15, "contestant": 15, "quiet": 8, "busy": 8}
    columns = {**texts, "slowdown": 8, "limit": 7, "": 5, "of medians": 10}
    widths = list(columns.values())
    write(f"A busy loop pinned to one core; best of {repeat}. Last, one thread beside {threads}.\n")
    write(heading(columns))
    for case in cases:
        contestants = [(name, threads) for name in ("gramian", *case.peers)]
        quiet = race(case, contestants, repeat)
        with busy_loop():
            loaded = race(case, contestants, repeat)
        for calm, late in zip(quiet, loaded, strict=True):
            label = [case.name if calm is quiet[0] else "", calm.name]
            limit = (1.7, True) if calm is quiet[0] else None
            write(line([*label, *_compared(late, calm, limit)], widths))
        one, many = race(case, [("gramian", 1), ("gramian", threads)], repeat)
        limit = (1.8, False) if threads == 2 else None
        write(line(["", f"1 to {threads} threads", *_compared(one, many, limit)], widths))


def _compared(late: Timing, calm: Timing, limit: tuple[float, bool] | None) -> list[str]:
    """Return the cells of two timings: both, their ratio, its limit, the ratio of medians."""
    if error := late.error or calm.error:
        return [f"ERROR {error}", "", "", "", "", ""]
    ratio = late.best / calm.best
    checked = verdict(ratio, limit[0], at_most=limit[1]) if limit else ["", ""]
    medians = f"{late.median / calm.median:.2f} x"
    return [duration(calm.best), duration(late.best), f"{ratio:.2f} x", *checked, medians]


@contextmanager
def busy_loop() -> Iterator[None]:
    """Keep one core busy, the last one where a process can be pinned."""
    with subprocess.Popen([sys.executable, "-c", SPIN], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it has started
        try:
            yield
        finally:
            process.kill()


def memory(write: Printer, *, threads: int) -> None:
    """Print the peak above the inputs of the two cases that have a limit on it."""
    columns = {"case": 60, "first call": 10, "inputs MB": 9, "peak MB": 7, "limit": 6, "": 5}
    write("Peak memory above the inputs, first call in a fresh process (buffers included).\n")
    write(heading(columns))
    for case, limit in MEMORY:
        child = Child(case, "gramian", threads)
        child.close()
        timing: Timing = child.timing
        if timing.error or not np.all(np.isfinite(timing.value)):
            cells = [f"ERROR {timing.error or 'value is not finite'}", "", "", "", ""]
            write(line([str(case), *cells], list(columns.values())))
            continue
        inputs = 2 * case.n * sum(case.widths) * np.dtype(case.dtype).itemsize
        checked = verdict(timing.peak / 1e6, limit, at_most=True)
        cells = [duration(timing.first), megabytes(inputs), megabytes(timing.peak), *checked]
        write(line([str(case), *cells], list(columns.values())))


def steps(cases: list[Case], write: Printer, *, threads: int) -> None:
    """Print the share of each step in one call of ours, as far as the measure tells them."""
    columns = {"case": 15, "call": 8, "steps": 80}
    write("Shares of the steps in the fastest of three calls.\n")
    write(heading(columns))
    for case in cases:
        child = Child(case, "steps", threads)
        child.close()
        taken = child.timing.value or {}
        total = sum(taken.values())
        falling = sorted(taken.items(), key=lambda item: -item[1])
        told = ", ".join(f"{step} {t / total:.0%}" for step, t in falling if t >= 0.005 * total)
        text = f"ERROR {child.timing.error}" if child.timing.error else told
        write(line([case.name, duration(total), text], list(columns.values())))
