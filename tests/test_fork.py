"""A process forks while its threads compute; the children compute too."""

from __future__ import annotations

import pytest
from children import child, linux_only

FORK = """
import os, signal, sys, threading, time, warnings
import numpy as np, gramian as gm

warnings.simplefilter("ignore")
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((2, 60, 8))
expected = gm.svcca(X, Y)

def fork(seconds=20):
    "A child that computes, and is ended where it hangs."
    process = os.fork()
    if process == 0:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)
        os._exit(0 if gm.svcca(X, Y) == expected else 3)
    return process

def outcome(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

def load(call):
    def work():
        while True:
            call()
    threading.Thread(target=work, daemon=True).start()

def end():
    sys.stdout.flush()
    os._exit(0)
"""


@linux_only
def test_under_load() -> None:
    """500 forks between calls of the BLAS that take microseconds and take its locks."""
    shown = child(
        f"""{FORK}
sys.setswitchinterval(1e-4)
A = list(rng.standard_normal((40, 30, 4)))
for _ in range(2):
    load(lambda: gm.compare(A, measure="svcca"))
failed = 0
for _ in range(50):
    children = [fork() for _ in range(10)]
    failed += sum(outcome(one) != 0 for one in children)
print(failed)
end()
""",
        timeout=120,
    )
    assert shown == "0"


@linux_only
def test_during_a_long_factorisation() -> None:
    """A fork does not wait for LAPACK, which computes for seconds here."""
    shown = child(
        f"""{FORK}
Z = rng.standard_normal((1400, 1200))
load(lambda: gm.svcca(Z, Z[::-1]))
time.sleep(0.3)
slowest, outcomes = 0, set()
for _ in range(4):
    start = time.monotonic()
    one = fork()
    slowest = max(slowest, time.monotonic() - start)
    outcomes.add(outcome(one))
    time.sleep(0.1)
print(outcomes, slowest < 1)
end()
"""
    )
    assert shown == "{0} True"


@linux_only
@pytest.mark.parametrize(("shape", "least"), [((3, 12_000, 10), 0.6), ((3, 6000, 300), 0.35)])
def test_inside_a_call(shape: tuple[int, ...], least: float) -> None:
    """A child that goes on with a call whose threads are in the parent is told so.

    From `least` on Gram matrices are formed.
    """
    shown = child(
        f"""{FORK}
gm.set_num_threads(2)
children = []
def progress(done, total):
    if not children and {least} < done / total < 0.95:
        children.append(os.fork())
        if children == [0]:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(20)
A = list(rng.standard_normal({shape}))
try:
    while not children:  # progress is told 20 times a second
        gm.compare(A, kernel="rbf", progress=progress)
except RuntimeError as error:
    os._exit(0 if children == [0] and "forked inside a call" in str(error) else 3)
if children == [0]:  # between two steps, of which the next has threads of the child
    os._exit(0)
print(children != [0], outcome(children[0]))
end()
"""
    )
    assert shown == "True 0"
