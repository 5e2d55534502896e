"""What is known to go wrong elsewhere, and must not here."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import extended
import inputs
import numpy as np
import pytest
from variants import tolerance

import gramian as gm
from gramian import reference

KERNELS: list[Any] = ["linear", "rbf"]


def independent(n: int, p: int, seed: int = 0) -> inputs.Pair:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, p)), rng.standard_normal((n, p))


def test_biased_cka_of_wide_independent_data(implementation: str) -> None:
    """Biased says .97 for independent data; the debiased estimator is what to use there."""
    X, Y = independent(64, 2000)
    assert gm.cka(X, Y, device=implementation) == pytest.approx(0.97, abs=0.005)
    assert gm.cka(X, Y, debiased=True, device=implementation) == pytest.approx(0, abs=0.03)


def test_debiased_is_not_clamped(implementation: str) -> None:
    values = [
        gm.cka(*independent(20, 30, seed), debiased=True, device=implementation)
        for seed in range(20)
    ]
    assert min(values) < -0.01
    assert abs(np.mean(values)) < 0.03


@pytest.mark.parametrize("kernel", KERNELS)
def test_offset_in_float32(kernel: str, implementation: str) -> None:
    """A float32 Gram matrix of features around 1000 has no correct digit if not centered."""
    X, Y = (array + np.float32(1000) for array in inputs.pair(200, 20, 30, "float32"))
    assert X.dtype == np.float32
    expected = reference.cka(X.astype(np.float64), Y.astype(np.float64), kernel=kernel)
    assert gm.cka(X, Y, kernel=kernel, device=implementation) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("debiased", [False, True], ids=["biased", "debiased"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("power", [-1, 1])
def test_scale(kernel: str, debiased: bool, power: int, implementation: str, dtype: str) -> None:
    """No epsilon, no overflow: CKA does not depend on scale, of either or both."""
    factor = np.float64(1e30 if dtype == "float64" else 1e20) ** power
    for p, q in ((5, 7), (80, 90)):  # feature space and sample space
        X, Y = inputs.pair(60, p, q, dtype)
        big_x, big_y = ((factor * array.astype(np.float64)).astype(dtype) for array in (X, Y))
        options = {"kernel": kernel, "debiased": debiased, "device": implementation}
        expected = gm.cka(X, Y, **options)
        for arrays in ((big_x, Y), (X, big_y), (big_x, big_y)):
            assert gm.cka(*arrays, **options) == pytest.approx(expected, abs=tolerance(dtype))


@pytest.mark.parametrize("factor", [1e-9, 1e9])
def test_scale_of_hsic(factor: float, implementation: str, dtype: str) -> None:
    X, Y = inputs.pair(60, 5, 70, dtype)
    expected = reference.hsic(X, Y) * factor**2
    scaled = (X.astype(np.float64) * factor).astype(dtype)
    scale = factor**2 * np.sqrt(reference.hsic(X, X) * reference.hsic(Y, Y))
    got = gm.hsic(scaled, Y, device=implementation)
    assert got == pytest.approx(expected, rel=0, abs=tolerance(dtype, scale))


def test_each_representation_has_its_own_bandwidth(implementation: str) -> None:
    X, Y = inputs.pair(50, 6, 8)
    own = gm.cka(X, 40 * Y, kernel="rbf", device=implementation)
    assert own == pytest.approx(gm.cka(X, Y, kernel="rbf", device=implementation), abs=1e-12)
    sigma = np.sqrt(np.median(extended.squared_distances(X)))
    shared = gm.cka(X, 40 * Y, kernel=gm.RBF(sigma=sigma), device=implementation)
    assert abs(own - shared) > 0.1


def test_default_width_is_not_one(implementation: str) -> None:
    """With sigma = 1, unnormalised data have the identity as Gram matrix, and CKA is 1."""
    X, Y = (50 * array for array in independent(100, 10))
    assert gm.cka(X, Y, kernel=gm.RBF(sigma=1.0), device=implementation) == pytest.approx(1)
    assert gm.cka(X, Y, kernel="rbf", device=implementation) < 0.5


@pytest.mark.parametrize("debiased", [False, True], ids=["biased", "debiased"])
@pytest.mark.parametrize("bandwidth", [0.1, 0.15, 0.2, 1, 3, 10, 100, 1000])
def test_digits_at_every_bandwidth(
    bandwidth: float, debiased: bool, device: str, dtype: str
) -> None:
    """K near 1 (wide) and K near 0 (narrow) both hide their differences in rounding."""
    # A narrow kernel multiplies the error of d² by 1 / (2 bandwidth²), 50 at 0.1.
    slack = max(1, 0.1 / (2 * bandwidth**2))
    for p in (16, 200):
        X, Y = inputs.pair(200, p, p, dtype)
        options = {"kernel": "rbf", "bandwidth": bandwidth, "debiased": debiased}
        expected = reference.cka(X, Y, **options)
        got = gm.cka(X, Y, **options, device=device)
        assert got == pytest.approx(expected, rel=0, abs=slack * tolerance(dtype))


def test_gram_matrix_that_would_not_fit(device: str) -> None:
    """335 GiB as a float32 Gram matrix, 0 as X'Y."""
    X, Y = inputs.pair(300_000, 3, 2, "float32")
    for debiased in (False, True):
        assert 0.1 < gm.cka(X, Y, debiased=debiased, device=device) < 1


def run(code: str) -> str:
    """Run a script in a fresh interpreter; it must print nothing to stderr."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.stderr == ""
    assert result.returncode == 0
    return result.stdout


SETUP = """
import numpy as np, gramian as gm
rng = np.random.default_rng(0)
X = rng.standard_normal((400, 30))
Y = X[:, :20] + rng.standard_normal((400, 20))
cases = [{}, {"kernel": "rbf"}, {"kernel": "rbf", "debiased": True}, {"debiased": True}]
"""


def test_memory_does_not_hold_a_gram_matrix() -> None:
    """12,000 samples: 0.5 GiB a matrix in float32."""
    growth = run(
        SETUP
        + """
import resource
X = rng.standard_normal((12000, 8), dtype=np.float32)
Y = rng.standard_normal((12000, 8), dtype=np.float32)
gm.cka(X[:600], Y[:600], kernel="rbf")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
gm.cka(X, Y, kernel="rbf", max_memory=2**25)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""
    )
    assert int(growth) < 100 * 1024  # KiB


def test_two_hundred_threads() -> None:
    """Right values, and a silent BLAS: OpenBLAS prints when too many threads call it."""
    out = run(
        SETUP
        + """
import threading
expected = [gm.cka(X, Y, **case) for case in cases]
barrier, right = threading.Barrier(200), []
def work(i):
    barrier.wait()
    right.append(gm.cka(X, Y, **cases[i % 4]) == expected[i % 4])
threads = [threading.Thread(target=work, args=(i,)) for i in range(200)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(len(right), all(right))
"""
    )
    assert out == "200 True\n"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
def test_fork_after_use() -> None:
    out = run(
        SETUP
        + """
import os
gm.set_num_threads(4)
expected = [gm.cka(X, Y, **case) for case in cases]
def same():
    return [gm.cka(X, Y, **case) for case in cases] == expected
children = []
for _ in range(3):
    child = os.fork()
    if child == 0:
        os._exit(0 if same() and same() else 1)
    children.append(child)
print(same(), [os.waitpid(child, 0)[1] for child in children])
"""
    )
    assert out == "True [0, 0, 0]\n"


def test_import_is_quiet_and_light() -> None:
    """numpy is the only dependency that importing pulls in."""
    out = run(
        "import sys, gramian; print(*sorted({'torch', 'scipy', 'matplotlib', 'pandas', "
        "'gramian.reference'} & set(sys.modules)))"
    )
    assert out == "\n"
