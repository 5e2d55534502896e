"""Contestants of one job in one process, timed in turns; what a profiler sees of one call."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["Call", "profile", "race", "read_trace"]

Call = Callable[[], Any]
ROUNDS = 9
CAP = 4.0  # seconds of warm calls, a contestant
WAITS = ("Synchronize", "cudaMemcpy", "cudaFree")  # calls that wait, or may
QUEUED = ("Async", "cudaFreeHost")


def race(contestants: dict[str, Call], synchronize: Call) -> dict[str, dict[str, Any]]:
    """Call each once, then in turns: seconds of the first, the median and the best; the value."""
    found: dict[str, dict[str, Any]] = {}
    for name, call in contestants.items():
        try:
            synchronize()
            first = _seconds(call, synchronize)
            found[name] = {"first": first, "value": call(), "times": []}
        except Exception as error:
            found[name] = {"error": f"{type(error).__name__}: {str(error)[:400]}"}
            print(f"{name}: {found[name]['error']}", flush=True)
    for _ in range(ROUNDS):
        for name, row in found.items():
            if "times" in row and (not row["times"] or sum(row["times"]) < CAP):
                row["times"].append(_seconds(contestants[name], synchronize))
    for row in found.values():
        if times := row.pop("times", None):
            row |= {"median": statistics.median(times), "min": min(times), "calls": len(times)}
    return found


def _seconds(call: Call, synchronize: Call) -> float:
    start = time.perf_counter()
    call()
    synchronize()
    return time.perf_counter() - start


def profile(call: Call, synchronize: Call) -> dict[str, Any]:
    """Count what one call does on the device, by torch's profiler, which sees our work too.

    Nothing, where torch is not installed.
    """
    try:
        import torch
    except ImportError:
        return {}
    activities = [torch.profiler.ProfilerActivity.CPU]
    if torch.cuda.is_available():
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    seconds = _seconds(call, synchronize)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "trace.json")
        with torch.profiler.profile(activities=activities) as profiler:
            call()
            synchronize()
        profiler.export_chrome_trace(str(path))
        found = read_trace(json.loads(path.read_text(encoding="utf-8"))["traceEvents"])
    return found | {"busy": found["busy_ms"] / 1e3 / seconds}


def read_trace(events: list[dict[str, Any]]) -> dict[str, Any]:
    """Count kernels, copies and waits of a trace; milliseconds in which the device was busy."""
    spans: list[tuple[float, float]] = []
    kernels: dict[str, list[float]] = defaultdict(list)
    calls: Counter[str] = Counter()
    copies = {"count": 0, "bytes": 0}
    for event in events:
        kind, name = event.get("cat", ""), event.get("name", "")
        if event.get("ph") != "X":
            continue
        if kind in ("kernel", "gpu_memcpy", "gpu_memset"):
            spans.append((event["ts"], event["ts"] + event["dur"]))
        if kind == "kernel":
            kernels[name].append(event["dur"])
        elif kind == "gpu_memcpy":
            copies["count"] += 1
            copies["bytes"] += int(event.get("args", {}).get("bytes", 0))
        elif kind in ("cuda_runtime", "cuda_driver"):
            calls[name] += 1
    longest = sorted(kernels.items(), key=lambda item: -sum(item[1]))[:8]
    waits = sum(
        count
        for name, count in calls.items()
        if any(word in name for word in WAITS) and not any(word in name for word in QUEUED)
    )
    return {
        "kernels": sum(map(len, kernels.values())),
        "copies": copies,
        "waits": waits,
        "busy_ms": _union(spans) / 1e3,
        "longest": [[name[:90], len(times), sum(times) / 1e3] for name, times in longest],
        "calls": dict(calls.most_common(12)),
    }


def _union(spans: list[tuple[float, float]]) -> float:
    total, end = 0.0, float("-inf")
    for start, stop in sorted(spans):
        total += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return total
