"""CUDA in a process of its own: its first use, its threads, and what a fork may not do."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from hostcuda.standin import StandIn

pytestmark = pytest.mark.cuda


def run(standin: StandIn, script: str) -> str:
    """Run a script in a process of its own, which has the stand-ins."""
    start = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from pathlib import Path
import numpy as np
import gramian as gm
from hostcuda.standin import UNKNOWN, load
standin = load(Path({str(standin.folder)!r}))
X, Y = np.random.default_rng(0).standard_normal((2, 50, 4))
"""
    done = subprocess.run(
        [sys.executable, "-c", start + textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_first_use(standin: StandIn) -> None:
    """Streams, pools and handles are made by the first call, and go if it fails half-way."""
    output = run(
        standin,
        """
        import os
        for number in range(1, 40):
            if os.fork() == 0:  # from a process that has not used CUDA
                standin.fail_at(number, UNKNOWN)
                try:
                    gm.cka(X, Y, device="cuda")
                except RuntimeError:
                    print(standin.call_names()[number - 1], flush=True)
                standin.reset()
                assert standin.live_bytes() in (0, 32 << 20)  # a workspace
                assert 0 < gm.cka(X, Y, device="cuda") < 1
                os._exit(0)
            assert os.wait()[1] == 0
        """,
    )
    made = {
        "cudaGetDeviceCount",
        "cudaMemPoolCreate",
        "cudaMemPoolSetAttribute",
        "cudaStreamCreateWithFlags",
        "cublasCreate_v2",
        "cublasSetStream_v2",
        "cublasSetMathMode",
        "cublasSetWorkspace_v2",
        "cusolverDnCreate",
        "cusolverDnSetStream",
        "cusolverDnCreateParams",
    }
    assert made <= set(output.split())


@pytest.mark.parametrize(
    "setting",
    [
        "NVIDIA_TF32_OVERRIDE",
        "CUBLAS_EMULATE_SINGLE_PRECISION",
        "CUBLAS_EMULATE_DOUBLE_PRECISION",
    ],
)
def test_environment(standin: StandIn, setting: str) -> None:
    """What would make NVIDIA's products less exact is refused, and may be switched off."""
    output = run(
        standin,
        f"""
        import os
        os.environ["{setting}"] = "1"
        try:
            gm.cka(X, Y, device="cuda")
        except RuntimeError as error:
            print(error)
        os.environ["{setting}"] = "0"
        assert gm.cka(X, Y, device="cuda") > 0
        """,
    )
    assert f"{setting}=1" in output


def test_untouched_device(standin: StandIn) -> None:
    """Work on one device makes no context on another, which would take its memory."""
    output = run(
        standin,
        """
        standin.set_devices(2)
        gm.cka(X, Y, device="cuda:1")
        print(standin.has_context(0), standin.has_context(1))
        gm.cka(X, Y, device="cuda:0")
        gm.cka(X, Y, device="cuda:1")
        """,
    )
    assert output.split() == ["0", "1"]


def test_no_pools(standin: StandIn) -> None:
    """Devices without memory pools work as well, and give everything back."""
    output = run(
        standin,
        """
        standin.set_pools(False)
        for call in (gm.cka, gm.procrustes, gm.svcca):
            assert abs(call(X, Y, device="cuda") - call(X, Y)) < 1e-12
            print(standin.live_bytes() >> 20)
        standin.fail_allocations(1)
        try:
            gm.cka(X, Y, device="cuda")
        except MemoryError as error:
            print("cuda:0" in str(error))
        """,
    )
    assert output.split() == ["32", "32", "32", "True"]  # a workspace


def test_threads(standin: StandIn) -> None:
    """Each has a stream of its own; those that end leave theirs to others."""
    output = run(
        standin,
        """
        from concurrent.futures import ThreadPoolExecutor
        expected = [gm.cka(X[:, :k], Y, kernel="rbf", device="cuda") for k in range(1, 5)]
        for _ in range(5):
            with ThreadPoolExecutor(4) as pool:
                calls = [
                    pool.submit(gm.cka, X[:, :k], Y, kernel="rbf", device="cuda")
                    for k in range(1, 5)
                ]
            assert [call.result() for call in calls] == expected
        standin.drain()
        print(standin.live_bytes() >> 20)
        """,
    )
    assert int(output) <= 5 * 32  # workspaces, of five threads at most


def test_layers_of_another_thread(standin: StandIn) -> None:
    """The call that prepared them may have left the device busy with them."""
    output = run(
        standin,
        """
        from concurrent.futures import ThreadPoolExecutor
        from gramian._core import calls
        from test_prepared import WAYS, core_layers
        def prepare(way):
            return WAYS[way][0](core_layers("cuda", X, Y))
        with ThreadPoolExecutor(1) as other:
            for way, (_, measure) in WAYS.items():
                expected = calls.compare(prepare(way), measure=measure)[0]
                of_other = other.submit(prepare, way).result()
                standin.fail_at(0, 0)
                found = calls.compare(of_other, measure=measure)[0]
                assert (found == expected).all(), (way, found, expected)
                print("cudaStreamWaitEvent" in standin.call_names())
        """,
    )
    assert "True" in output.split()  # a measure that leaves the device busy


def test_sums_of_another_thread_that_go(standin: StandIn) -> None:
    """Once they are merged, their thread may let them go and do other things on its stream."""
    output = run(
        standin,
        """
        from concurrent.futures import ThreadPoolExecutor
        def part(rows):
            acc = gm.Accumulator("cka", device="cuda")
            acc.update(X[rows], Y[rows])
            return acc
        with ThreadPoolExecutor(1) as other:
            parts = [other.submit(part, slice(25, 50)).result()]
            whole = part(slice(25))
            whole = whole.merge(parts[0])
            def let_go():
                parts.clear()
                gm.cka(X, Y, device="cuda")
            other.submit(let_go).result()
            assert abs(float(whole.compute()) - gm.cka(X, Y)) < 1e-13
        """,
    )
    assert output == ""


@pytest.mark.parametrize("who", ["the package", "another library"])
def test_fork(standin: StandIn, who: str) -> None:
    """A child cannot use CUDA after its parent did, and is told what can be done."""
    output = run(
        standin,
        f"""
        import ctypes, os
        if {who == "the package"}:
            gm.cka(X, Y, device="cuda")
        else:
            standin.cudart.cudaGetDeviceCount(ctypes.byref(ctypes.c_int()))
        if os.fork() == 0:
            try:
                gm.cka(X, Y, device="cuda")
            except RuntimeError as error:
                print(error, gm.cka(X, Y) > 0, flush=True)
            os._exit(0)
        os.wait()
        assert gm.cka(X, Y, device="cuda") > 0
        """,
    )
    assert "spawn" in output
    assert output.strip().endswith("True")


def test_results_outlive_their_thread(standin: StandIn) -> None:
    """What a thread has left queued is complete for others, and goes when the result is dropped."""
    output = run(
        standin,
        """
        import gc, threading
        from hostcuda.consumer import Library
        library = Library("cupy", standin)
        sys.modules["cupy"] = library
        x, found = library.asarray(X), []

        def make(sigma):
            found.append(gm.gram(x, kernel=gm.RBF(sigma=sigma)))

        for sigma in (1.0, 2.0):  # the second thread takes over the stream of the first
            thread = threading.Thread(target=make, args=(sigma,))
            thread.start()
            thread.join()
        standin.drain()
        live = standin.live_bytes()
        for one, sigma in zip(found, (1.0, 2.0)):
            wanted = gm.reference.gram(X, kernel=gm.RBF(sigma=sigma))
            assert abs(one.numpy() - wanted).max() < 1e-13
        del one
        found.clear()
        gc.collect()
        standin.drain()
        print(live - standin.live_bytes())
        """,
    )
    assert int(output) == 2 * 50 * 50 * 8
