"""The interpreter ends while threads compute: quietly, with the code that was asked for."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from children import child

import gramian as gm

# Daemon threads that compute without end, of which each has begun when the script goes on.
THREADS = """
import sys, threading, time, warnings
import numpy as np, gramian as gm

warnings.simplefilter("ignore")
X, Y = np.random.default_rng(0).standard_normal((2, 120, 30))
begun = threading.Barrier(3)

def work():
    begun.wait()
    while True:
        {call}

for _ in range(2):
    threading.Thread(target=work, daemon=True).start()
begun.wait()
time.sleep(0.15)
"""
COMPARE = "gm.compare([X, Y], measure={!r}, progress=lambda *step: None)"
ENDS = {
    "end": ("", 0),
    "exit": ("sys.exit(3)", 3),
    "atexit": ("import atexit; atexit.register(lambda: print(gm.cka(X, Y)))", 0),
    "executor": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(2)\n"
        "for _ in range(20): pool.submit(gm.svcca, X, Y)\n"
        "pool.submit(lambda: print(gm.cka(X, Y)))",
        0,
    ),
}


@pytest.mark.parametrize("measure", gm.measures())
def test_daemon_threads(measure: str) -> None:
    """They are inside a call, or in Python code that one calls, when the interpreter ends."""
    assert child(THREADS.format(call=COMPARE.format(measure))) == ""


@pytest.mark.parametrize("end", ENDS)
def test_ways_to_end(end: str) -> None:
    script, code = ENDS[end]
    shown = child(THREADS.format(call="gm.cka(X, Y, kernel='rbf')") + script, code=code)
    X, Y = np.random.default_rng(0).standard_normal((2, 120, 30))
    assert shown in ("", str(gm.cka(X, Y)))
    assert bool(shown) == (end in ("atexit", "executor"))


def test_prepared_layers_outlive_the_interpreter() -> None:
    """A thread at a factorisation of seconds, and workers at tiles, are left where they are."""
    long = THREADS.replace("(2, 120, 30)", "(2, 1500, 1200)").replace("sleep(0.15)", "sleep(0.5)")
    assert child(long.format(call="gm.svcca(X, Y)")) == ""


def test_the_gil_is_taken_in_one_place() -> None:
    """With what a thread needs that asks for it too late, see gil.hpp."""
    asks = re.compile(r"gil_scoped_|PyGILState_|PyEval_")
    sources = (Path(__file__).resolve().parents[1] / "cpp").rglob("*.[hc]pp")
    assert {path.name for path in sources if asks.search(path.read_text("utf-8"))} == {"gil.hpp"}
