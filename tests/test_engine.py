"""What a long computation must stand: interruption, progress, little memory; and the planner."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import Any

import numpy as np
import pytest

import gramian as gm


def layers(count: int, n: int, p: int, dtype: str = "float32") -> list[np.ndarray]:
    rng = np.random.default_rng(count)
    return [rng.standard_normal((n, p)).astype(dtype) for _ in range(count)]


def run(script: str) -> str:
    """Run a script in a process of its own; it must not write to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, timeout=120
    )
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_interrupt(kernel: str) -> None:
    """Ctrl-C ends a computation of a minute within a second, and the next one is right."""
    output = run(
        f"""
        import os, signal, threading, time
        import numpy as np, gramian as gm
        # A background job of a shell has none.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        X = np.random.default_rng(0).standard_normal((40_000, 300), dtype="float32")
        wide = [X[:, i:] for i in range(100)] if {kernel == "linear"} else [X, X[:, 1:]]
        expected = gm.cka(X[:500], X[500:1000], kernel="{kernel}")
        def interrupt():
            time.sleep(0.5)
            global sent
            sent = time.monotonic()
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt).start()
        try:
            gm.compare(wide, kernel="{kernel}")
        except KeyboardInterrupt:
            print(time.monotonic() - sent < 1)
        print(gm.cka(X[:500], X[500:1000], kernel="{kernel}") == expected)
        """
    )
    assert output.split() == ["True", "True"]


HELD_OUT = [
    {"measure": measure, "cross_validate": 3} | more
    for measure in ("cca", "cca_squared", "linear_regression")
    for more in ({}, {"device": "reference"})
]


@pytest.mark.parametrize("among", [True, False], ids=["among", "between"])
@pytest.mark.parametrize("options", HELD_OUT, ids=lambda o: "-".join(map(str, o.values())))
def test_progress_of_folds(options: dict[str, Any], among: bool) -> None:
    told: list[tuple[int, int]] = []
    A = layers(3, 30, 4)
    gm.compare(A, None if among else A[:2], progress=lambda *step: told.append(step), **options)
    pairs = 9 if among else 6
    folds = 1 if "device" in options else 3
    assert told == [(k + 1, pairs * folds) for k in range(pairs * folds)]


@pytest.mark.parametrize("options", [{}, {"kernel": "rbf"}, {"device": "reference"}])
def test_progress(options: dict[str, str]) -> None:
    """It starts at more than nothing, never goes back, and ends at the end."""
    told: list[tuple[int, int]] = []
    gm.compare(layers(3, 300, 20), progress=lambda *step: told.append(step), **options)
    totals = {total for _, total in told}
    assert len(totals) == 1
    done = [done for done, _ in told]
    assert done == sorted(done)
    assert done[-1] == totals.pop()


def test_progress_that_raises() -> None:
    def stop(done: int, total: int) -> None:
        raise RuntimeError("enough")

    A = layers(2, 400, 30)
    with pytest.raises(RuntimeError, match="enough"):
        gm.compare(A, kernel="rbf", progress=stop)
    assert gm.compare(A, kernel="rbf").values[0, 1] == gm.cka(*A, kernel="rbf")


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian", "polynomial", "cosine"])
@pytest.mark.parametrize("n", [100, 1100])
def test_mixed_layers(n: int, kernel: str) -> None:
    """Widths, dtypes and orders mix; every value is that of the pair, up to rounding."""
    rng = np.random.default_rng(0)
    base = rng.standard_normal((n, 30))
    A = {
        "float32": base[:, :20].astype("float32"),
        "float64, F order": np.asfortranarray(base + 0.1 * rng.standard_normal((n, 30))),
        "int8": (30 * base[:, 5:12]).astype("int8"),
        "float16, strided": base.astype("float16")[:, ::3],
        "one feature": base[:, :1],
    }
    S = gm.compare(A, {"bool": base > 0, **A}, kernel=kernel)
    for i, x in enumerate(A.values()):
        for j, y in enumerate(({"bool": base > 0} | A).values()):
            pair = gm.cka(x.astype("float64"), y.astype("float64"), kernel=kernel)
            assert S.values[i, j] == pytest.approx(pair, abs=1e-12)


def test_forty_layers() -> None:
    """More than fit a cache at the usual tile, and enough for GEMM to make the products."""
    A = layers(40, 130, 6, "float64")
    S = gm.compare(A, kernel="rbf", debiased=True)
    for i, j in [(0, 0), (0, 39), (17, 23), (39, 1)]:
        expected = gm.cka(A[i], A[j], kernel="rbf", debiased=True, device="reference")
        assert S.values[i, j] == pytest.approx(expected, abs=1e-13)


def test_memory_with_the_median() -> None:
    """n = 20,000: 1.6 GB for one Gram matrix; kept distances and tiles stay within max_memory."""
    output = run(
        """
        import numpy as np, gramian as gm
        def peak():
            with open("/proc/self/status") as status:
                return next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        X = np.random.default_rng(0).standard_normal((20_000, 8), dtype="float32")
        gm.cka(X[:300], X[:300], kernel="rbf")
        before = peak()
        gm.cka(X, X[::-1], kernel="rbf", max_memory=100e6)
        print((peak() - before) * 1024 < 150e6)
        """
    )
    assert output.split() == ["True"]


def test_plan() -> None:
    tall, wide = np.zeros((5000, 40), "float32"), np.zeros((300, 4000), "float32")
    assert gm.plan([tall], [tall]).space == "features"
    assert gm.plan([wide], [wide]).space == "samples"
    assert gm.plan([wide[:, :40]], [wide[:, :40]], kernel="rbf").space == "samples"
    one = gm.plan([tall], [tall], kernel="rbf")
    assert (one.passes, one.dtype) == (1, "float32")
    assert gm.plan([tall], [tall], kernel="rbf", max_memory=1e6).passes == 2
    assert gm.plan([tall.astype("float64")], [tall]).dtype == "float64"
    assert gm.plan([tall] * 3).flops == pytest.approx((3 * 40**2 + 3 * 2 * 40**2) * 5000)
    assert "Gram tiles of 256 rows in float32" in str(one)
    with pytest.raises(TypeError, match="bare array"):
        gm.plan(tall)


def test_plan_does_not_read() -> None:
    """Values are not looked at, so that arrays on disk stay there."""
    assert gm.plan([np.full((10, 3), np.nan)]).space == "features"


def test_both_spaces_agree(dtype: str) -> None:
    """The same pair by X'Y and by tiles, on both sides of where the planner turns."""
    rng = np.random.default_rng(0)
    for n, p in [(200, 150), (200, 260)]:
        X, Y = rng.standard_normal((2, n, p)).astype(dtype)
        K, L = (gm.gram(Z.astype("float64")) for Z in (X, Y))
        for debiased in (False, True):
            assert gm.cka(X, Y, debiased=debiased) == pytest.approx(
                gm.cka(K, L, kernel="precomputed", debiased=debiased),
                abs=100 * float(np.finfo(dtype).eps),
            )
