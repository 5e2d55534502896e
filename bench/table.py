"""The table: what every contestant took, as ratios, beside the limits that we hold ourselves to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.floor import cheaper_space
from bench.peers import PEERS
from bench.runner import SAMPLED, Child, Timing, race

if TYPE_CHECKING:
    from bench.cases import Case

__all__ = ["Printer", "duration", "megabytes", "print_case", "verdict"]

TOLERANCE = 1e-4  # of a peer's value against ours: float32 sums over n² entries
COLUMNS = {
    "case": 19,
    "contestant": 15,
    "best": 8,
    "median": 8,
    "ratio": 19,
    "limit": 7,
    "": 5,
    "peak MB": 7,
    "BLAS and its kernel": 30,
}
Printer = Callable[[str], None]


def line(cells: list[str], widths: list[int]) -> str:
    """Return a row that is aligned on a screen and valid Markdown."""
    return "| " + " | ".join(f"{c:{w}}" for c, w in zip(cells, widths, strict=True)) + " |"


def heading(columns: dict[str, int]) -> str:
    """Return the two lines above a table's rows."""
    widths = list(columns.values())
    return "\n".join((line(list(columns), widths), line(["-" * w for w in widths], widths)))


def duration(seconds: float) -> str:
    """Return seconds in a readable unit."""
    unit, scale = "us", 1e6
    if seconds >= 1e-3:
        unit, scale = ("s", 1.0) if seconds >= 1 else ("ms", 1e3)
    value = seconds * scale
    return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def megabytes(size: int) -> str:
    """Return bytes in MB."""
    return f"{size / 1e6:,.0f}"


def verdict(ratio: float, limit: float, *, at_most: bool) -> list[str]:
    """Return the limit and whether a ratio keeps it."""
    met = ratio <= limit if at_most else ratio >= limit
    return [f"{'<=' if at_most else '>='} {limit:g}", "met" if met else "short"]


def print_case(case: Case, write: Printer, *, repeat: int, threads: int) -> bool:
    """Race one case and write its rows; return whether every contestant gave our value."""
    contestants = [(name, threads) for name in case.contestants]
    timings = {timing.name: timing for timing in race(case, contestants, repeat)}
    ours = timings["gramian"]
    expected = dict.fromkeys(timings, ours.value)
    for name in case.peers:
        if PEERS[name].options != case.options:  # another estimator, or variant, than what is timed
            child = Child(replace(case, options=PEERS[name].options), "gramian", threads)
            child.close()
            expected[name] = child.timing.value
    for timing in timings.values():
        if _sampled(timing.name, case):
            timing.seconds = [len(case.widths) ** 2 / SAMPLED * s for s in timing.seconds]
        timing.error = timing.error or _mismatch(timing, case, expected[timing.name])
        cells = [case.name if timing is ours else "", timing.name]
        if timing.error:
            cells += [f"ERROR {timing.error}", *[""] * (len(COLUMNS) - 3)]
            write(line(cells, list(COLUMNS.values())))
            continue
        cells += [duration(timing.best), duration(timing.median)]
        cells += _ratio(case, timing, timings)
        write(line([*cells, megabytes(timing.peak), timing.blas], list(COLUMNS.values())))
    return not any(timing.error for timing in timings.values())


def _mismatch(timing: Timing, case: Case, ours: Any) -> str:
    """Say by how much a contestant's value differs from ours, if it does."""
    if timing.name == "floor":
        return ""
    if ours is None:
        return "no value of ours to check against"
    if _sampled(timing.name, case):
        ours = np.diagonal(ours)[:SAMPLED]
    if np.shape(timing.value) != np.shape(ours):
        return f"value of shape {np.shape(timing.value)}"
    error = np.abs(np.subtract(timing.value, ours)).max()
    return "" if error <= TOLERANCE else f"value differs from ours by {error:.1e}"


def _sampled(name: str, case: Case) -> bool:
    """Whether a contestant did a few of a map's pairs, on the diagonal."""
    return name in PEERS and not PEERS[name].maps and not case.pair


def _ratio(case: Case, timing: Timing, timings: dict[str, Timing]) -> list[str]:
    """Return the cells for ratio, limit and verdict, all by the best times."""
    if timing.name == "floor":
        space, flops = cheaper_space(case.n, case.widths, case.widths, case.kernel)
        return [f"{flops / timing.best / 1e9:.0f} GF/s ({space})", "", ""]
    if timing.name == "gramian":
        if "floor" not in timings:
            return ["", "", ""]
        rival, unit, ratio = "floor", "x floor", timing.best / timings["floor"].best
    else:
        rival, unit, ratio = timing.name, "x ours", timing.best / timings["gramian"].best
    if math.isnan(ratio):
        return ["-", "", ""]
    limit = case.limits.get(rival)
    checked = verdict(ratio, limit, at_most=rival == "floor") if limit else ["", ""]
    return [f"{ratio:.2f} {unit}", *checked]
