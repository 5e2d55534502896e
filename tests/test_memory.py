"""Comparisons beyond the memory of the machine: refused, and not left to the kernel."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import numpy as np
import pytest

import gramian as gm
from gramian._measures import memory

LIMITED = """
    import resource
    import numpy as np, gramian as gm
    X = np.random.default_rng(0).standard_normal((3000, 3000)).astype("float32")
    gm.cca(X[:, :9], X[:, 9:20])  # what libraries take once
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**27, used + 2**27))
    try:
        gm.compare([X], [X[::-1]], measure="procrustes")
    except MemoryError as error:
        print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address spaces are limited as Linux does it")
def test_limit_of_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(LIMITED)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.startswith("A['0'] (3000, 3000) and B['0'] (3000, 3000) would take ")
    assert "more than what is available" in done.stdout


def test_a_pair_is_refused_too(monkeypatch: pytest.MonkeyPatch) -> None:
    X = np.random.default_rng(0).standard_normal((3000, 400))
    gm.procrustes(X, X)
    monkeypatch.setattr(memory, "available", lambda: 1e6)
    for call in (gm.procrustes, gm.cka, gm.linear_regression, gm.svcca, gm.pwcca):
        with pytest.raises(MemoryError, match=r"^X \(3000, 400\) and Y \(3000, 400\) would take"):
            call(X, X)


def test_few_samples_of_many_units_are_looked_at() -> None:
    """Their correlations are far more numbers than they are themselves."""
    X = np.random.default_rng(0).standard_normal((2, 900_000), dtype="float32")
    with pytest.raises(MemoryError, match="would take"):
        gm.compare([X], measure="match_one_to_one")


def test_memory_that_is_available() -> None:
    assert 2**20 < memory.available() < 2**50
