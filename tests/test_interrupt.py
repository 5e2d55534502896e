"""Ctrl-C within a second, also while LAPACK is at a factorisation that nothing can stop."""

from __future__ import annotations

import pytest
from children import child

INTERRUPT = """
import os, signal, threading, time, warnings
import numpy as np, gramian as gm

warnings.simplefilter("ignore")
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell has none
rng = np.random.default_rng(0)

def latency(call, after):
    "Seconds from Ctrl-C to its KeyboardInterrupt, of a call or, where it is quick, a later one."
    def interrupt():
        time.sleep(after)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)
    sent = []
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        while True:
            call()
    except KeyboardInterrupt:
        passed = time.monotonic() - sent[0]
    thread.join()
    return passed

X = rng.standard_normal((1700, 1500))
x, y = X[:100, :10], X[100:200, :10]
expected = gm.svcca(x, y)
"""


@pytest.mark.parametrize(
    "call", ["svcca(X, X[::-1])", "procrustes(X, X[::-1])", "compare([X, X[::-1]], measure='cca')"]
)
def test_factorisations(call: str) -> None:
    """Each takes 0.5 to 10 s; what is left to itself disturbs neither later calls nor the end."""
    shown = child(
        f"""{INTERRUPT}
for after in (0.6, 1.2):
    print(latency(lambda: gm.{call}, after) < 1)
print(gm.svcca(x, y) == expected)
"""
    )
    assert shown.split() == ["True"] * 3


def test_a_million_units() -> None:
    shown = child(
        f"""{INTERRUPT}
Z = rng.standard_normal((60, 10**6), dtype="float32")
print(latency(lambda: gm.procrustes(Z, Z[::-1]), 0.5) < 1)
"""
    )
    assert shown == "True"


def test_fork_after_an_interrupt() -> None:
    """A child of a process in which a factorisation was left to itself computes."""
    shown = child(
        f"""{INTERRUPT}
print(latency(lambda: gm.svcca(X, X[::-1]), 0.6) < 1)
process = os.fork()
if process == 0:
    signal.alarm(20)
    os._exit(0 if gm.svcca(x, y) == expected else 3)
print(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""
    )
    assert shown.split() == ["True", "0"]
