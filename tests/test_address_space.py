"""Little address space, few threads: right values or MemoryError, from the import on."""

from __future__ import annotations

import pytest
from children import child, linux_only

from gramian._core import modules

LIMIT = """
import os, resource, sys, threading

def limit(megabytes):
    "What may be mapped from now on."
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (used + (megabytes << 20), hard))
"""
bundled_only = pytest.mark.skipif(
    modules._BLAS_FILE not in modules.info()["BLAS library"], reason="GRAMIAN_BLAS=system"
)


@linux_only
@bundled_only
@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("function", ["cka", "svcca"])
def test_first_use_of_the_blas(function: str, threads: int) -> None:
    """In forks of a process that has not used it; 32 MB a thread are what it maps then.

    With nothing left at all, glibc may end the process: it has no other answer where there is no
    memory for thread-local data (4 of 36 runs).
    """
    shown = child(
        f"""{LIMIT}
import numpy as np, gramian as gm
X, Y = np.random.default_rng(0).standard_normal((2, 300, 40))
expected = gm.{function}(X, Y, device="reference")

def compute(outcomes):
    try:
        outcomes.append(abs(gm.{function}(X, Y) - expected) < 1e-12)
    except MemoryError:
        outcomes.append(None)

def compute_all(megabytes):
    outcomes = []
    workers = [threading.Thread(target=compute, args=(outcomes,)) for _ in range({threads} - 1)]
    limit(megabytes + 10 * len(workers))  # with their stacks
    started = []
    for worker in workers:
        try:
            worker.start()
            started.append(worker)
        except RuntimeError:  # no memory for a thread
            pass
    compute(outcomes)
    for worker in started:
        worker.join()
    os._exit(3 if False in outcomes else 4 if None in outcomes else 0)

codes = []
for megabytes in [2, *range(4, 64, 4), *range(64, 320, 32), 400, 800]:
    process = os.fork()
    if process == 0:
        compute_all(megabytes)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
print(*codes)
"""
    )
    codes = shown.split()
    assert set(codes) <= {"0", "4"}
    assert codes[-1] == "0"


@linux_only
@bundled_only
@pytest.mark.parametrize("megabytes", [0, 20, 50, 100, 150, 200])
def test_import(megabytes: int) -> None:
    shown = child(
        f"""{LIMIT}
import html, json, mmap, numpy
limit({megabytes})
try:
    import gramian
    print("imported")
except MemoryError as error:
    print("none", error)
"""
    )
    assert shown.split()[0] == ("imported" if megabytes >= 200 else "none")


@linux_only
def test_import_starts_no_threads() -> None:
    """Nor does it need any: a process that may have no more of them imports it and computes."""
    shown = child(
        """
        import os, resource
        import numpy as np
        def tasks():
            return len(os.listdir("/proc/self/task"))
        before = tasks(), os.environ.get("OPENBLAS_NUM_THREADS")
        hard = resource.getrlimit(resource.RLIMIT_NPROC)[1]
        resource.setrlimit(resource.RLIMIT_NPROC, (1, hard))
        import gramian as gm
        print(before == (tasks(), os.environ.get("OPENBLAS_NUM_THREADS")))
        X, Y = np.random.default_rng(0).standard_normal((2, 300, 40))
        print(gm.cka(X, Y, kernel="rbf") == gm.cka(Y, X, kernel="rbf"))
        """
    )
    assert shown.split() == ["True", "True"]


def test_subinterpreter() -> None:
    """An ImportError that says what to do, where the import used to wait for itself."""
    pytest.importorskip("_xxsubinterpreters")
    shown = child(
        """
        import _xxsubinterpreters as interpreters
        script = "import warnings; warnings.simplefilter('ignore'); import gramian"
        try:
            interpreters.run_string(interpreters.create(), script)
        except interpreters.RunFailedError as error:
            print(error)
        """,
        timeout=30,
    )
    assert "cannot be imported in a subinterpreter" in shown
