"""Peaks of memory: run as a program, with cases as JSON, it prints those of each, in bytes.

Every case runs in a fork of one process, which leaves it nothing to reuse. Its peaks are that of
the first call, with two threads, or with --again of calls that follow it with one thread and with
two: BLAS has its buffers then, which it keeps, and of which the number of pages, and of threads
that have one, are up to the machine.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import gramian as gm

Case = dict[str, Any]  # measure, options, n, x and y (widths; no y: the x alone), dtype, condition


def layers(case: Case) -> list[list[np.ndarray]]:
    """Layers of falling spectrum, in general position: of every side."""
    rng = np.random.default_rng(0)
    sides = []
    for widths in (case["x"], case["y"]):
        sides.append([])
        for p in widths:
            X = rng.standard_normal((case["n"], p), dtype=case["dtype"])
            if case["condition"] > 1:
                rotation = np.linalg.qr(rng.standard_normal((p, p)))[0].astype(case["dtype"])
                rotation *= np.geomspace(1, 1 / case["condition"], p, dtype=case["dtype"])[:, None]
                for start in range(0, case["n"], 500):
                    X[start : start + 500] = X[start : start + 500] @ rotation
            sides[-1].append(X)
    if case["copies"]:
        sides[1] = [X.copy() for X in sides[0]]
    return sides


def memory(name: str) -> int:
    """Return a number of bytes of this process that the kernel knows."""
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found
    return 1024 * int(found[1])


def peaks(case: Case, *, again: bool) -> list[int]:
    """Return what comparisons took at most, above their inputs."""
    warnings.simplefilter("ignore", RuntimeWarning)
    gm.set_num_threads(2)
    A, B = layers(case)
    small = [X[:50, :5].copy() for X in A]
    options = {"measure": case["measure"], **case["options"]}
    gm.compare(small, **{**options, **({"components": 3} if "components" in options else {})})
    if again:
        gm.compare(A, B or None, **options)
    found = []
    for threads in (1, 2) if again else (2,):
        gm.set_num_threads(threads)
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # the peak is now what there is
        before = memory("VmRSS")
        gm.compare(A, B or None, **options)
        found.append(memory("VmHWM") - before)
    return found


def in_a_fork(case: Case, *, again: bool) -> list[int]:
    """Measure in a child."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, json.dumps(peaks(case, again=again)).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        found: list[int] = json.loads(answer.read())
    os.waitpid(child, 0)
    return found


if __name__ == "__main__":
    again = "--again" in sys.argv
    print(json.dumps([in_a_fork(case, again=again) for case in json.loads(sys.argv[1])]))
