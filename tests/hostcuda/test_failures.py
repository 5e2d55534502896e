"""Every call of NVIDIA's libraries fails in turn, in every operation: an exception, and no harm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.device_array import DeviceArray
from hostcuda.standin import ILLEGAL_ADDRESS, MEMORY_ALLOCATION, UNKNOWN, StandIn
from ids import plain

import gramian as gm

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("remarks_of_cca")]

X, Y = inputs.pair(40, 6, 5, "float32")
WIDE, WIDER = inputs.pair(12, 15, 20)
PRECISE = inputs.rotated(X.astype("float64"), 1e6, 0)

OPERATIONS: dict[str, Callable[[], Any]] = {
    "cka": lambda: gm.cka(X, Y, device="cuda"),
    "cka, samples": lambda: gm.cka(WIDE, WIDER, device="cuda"),
    "cka rbf": lambda: gm.cka(X, Y, kernel="rbf", device="cuda"),
    "hsic laplacian": lambda: gm.hsic(
        X, Y, kernel=gm.Laplacian(sigma=2.0), unbiased=True, device="cuda"
    ),
    "cka polynomial": lambda: gm.cka(X, Y, kernel="polynomial", device="cuda"),
    "cka cosine": lambda: gm.cka_distance(X, Y, kernel="cosine", device="cuda"),
    "cka precomputed": lambda: gm.cka(X @ X.T, Y @ Y.T, kernel="precomputed", device="cuda"),
    "gram": lambda: gm.gram(X, kernel="rbf", device="cuda"),
    "cca": lambda: gm.cca(X, Y, device="cuda").correlations,
    "cca, ill-conditioned": lambda: gm.cca(PRECISE, Y, device="cuda").correlations,
    "cca, few samples": lambda: gm.cca(WIDE, WIDER, device="cuda").correlations,
    "svcca": lambda: gm.svcca(X, Y, device="cuda"),
    "pwcca": lambda: gm.pwcca(X, Y, side="mean", device="cuda"),
    "linear_regression": lambda: gm.linear_regression(X, Y, device="cuda"),
    "procrustes": lambda: gm.procrustes(X, Y, device="cuda"),
    "procrustes_distance": lambda: gm.procrustes_distance(X, 2 * X, device="cuda"),
    "correlation": lambda: gm.correlation(X, Y, device="cuda"),
    "match_units": lambda: gm.match_units(X, Y, device="cuda").correlations,
    "sparse_prediction": lambda: gm.sparse_prediction(X, Y, device="cuda").r2,
    "compare": lambda: gm.compare([X, Y], measure="cca_squared", device="cuda").values,
}
each_operation = pytest.mark.parametrize(
    "operation", OPERATIONS.values(), ids=[*map(plain, OPERATIONS)]
)

# What may fail without a word, so long as the result is right: who called it was cleaning up.
CLEANING = {
    "cudaDeviceSynchronize",  # before memory is let go that another library has read
    "cudaFreeAsync",
    "cudaGetDevice",  # which a prepared layer asks for before it frees its memory on its own
    "cudaEventDestroy",
    "cudaMemGetInfo",
    "cudaMemPoolTrimTo",
    "cudaStreamQuery",  # which an object that goes asks first
    "cudaStreamSynchronize",
}


def failed_calls(
    standin: StandIn, operation: Callable[[], Any], error: int, *, all_calls: bool = False
) -> list[Exception]:
    """Let the first call of every function fail, or every call; return what was raised.

    Nothing may be left behind, and the next run must be right.
    """
    expected = operation()
    standin.reset()
    live = standin.live_bytes()
    operation()
    names = standin.call_names()
    raised = []
    for number, name in enumerate(names, start=1):
        first = name not in names[: number - 1]
        if not first and not all_calls:
            continue
        standin.fail_at(number, error)
        try:
            got = operation()
        except (RuntimeError, MemoryError) as problem:
            problem.__traceback__ = None  # which holds what it was about
            raised.append(problem)
        else:
            # An allocation is tried again after what is cached was freed.
            again = error == MEMORY_ALLOCATION and name == "cudaMallocFromPoolAsync"
            assert again or name in CLEANING, f"call {number}, {name}, failed unnoticed"
            np.testing.assert_array_equal(got, expected)
        standin.reset()
        assert standin.live_bytes() == live, f"call {number}, {name}: memory is lost"
        if first:
            np.testing.assert_array_equal(operation(), expected)
    np.testing.assert_array_equal(operation(), expected)
    return raised


@each_operation
def test_calls(standin: StandIn, operation: Callable[[], Any]) -> None:
    for problem in failed_calls(standin, operation, UNKNOWN, all_calls=True):
        assert type(problem) is RuntimeError
        assert any(
            status in str(problem)
            for status in ("cudaErrorUnknown", "CUBLAS_STATUS_EXECUTION_FAILED", "cuSOLVER status")
        )


@each_operation
def test_lost_device(standin: StandIn, operation: Callable[[], Any]) -> None:
    """After an illegal address nothing works any more, and the message says what helps."""
    for problem in failed_calls(standin, operation, ILLEGAL_ADDRESS):
        assert type(problem) is RuntimeError
        assert "restart" in str(problem)


@each_operation
def test_no_memory_in_a_library(standin: StandIn, operation: Callable[[], Any]) -> None:
    for problem in failed_calls(standin, operation, MEMORY_ALLOCATION):
        # A call that finds no devices asks why.
        assert isinstance(problem, MemoryError) or "no usable CUDA device" in str(problem)


@each_operation
def test_every_allocation(standin: StandIn, operation: Callable[[], Any]) -> None:
    """From the n-th on all are refused."""
    expected = operation()
    standin.reset()
    live = standin.live_bytes()
    operation()
    total = standin.allocations()
    assert total > 0
    for number in range(1, total + 1):
        standin.fail_allocations(number)
        with pytest.raises(MemoryError, match=r"\d+ MiB .* cuda:0"):
            operation()
        standin.reset()
        assert standin.live_bytes() == live
    np.testing.assert_array_equal(operation(), expected)


def test_sizes_in_the_message(standin: StandIn) -> None:
    layer = inputs.pair(3000, 500, 1, "float32")[0]
    standin.set_memory_limit(standin.live_bytes() + (4 << 20))
    with pytest.raises(MemoryError, match=r"no 6 MiB on cuda:0, where 4 MiB of \d+ MiB are free"):
        gm.cka(layer, layer, device="cuda")


def test_producer_is_released(standin: StandIn) -> None:
    """An array of another library is let go, however far the call came."""
    operation = lambda: gm.cka(DeviceArray(standin, X), DeviceArray(standin, Y))  # noqa: E731
    operation()
    standin.reset()
    live = standin.live_bytes()
    arrays = [DeviceArray(standin, array) for array in (X, Y)]
    standin.fail_at(0, 0)
    gm.cka(*arrays)
    total = standin.calls()
    for number in range(1, total + 1):
        arrays = [DeviceArray(standin, array) for array in (X, Y)]
        standin.fail_at(number, UNKNOWN)
        try:
            gm.cka(*arrays)
        except (RuntimeError, ValueError, TypeError) as problem:  # the producer's is the last
            for one in (problem, problem.__cause__, problem.__context__):
                if one is not None:
                    one.__traceback__ = None
        standin.reset()
        arrays.clear()
        standin.drain()
        assert standin.live_bytes() == live, f"call {number}"


@pytest.mark.parametrize("measure", ["svcca", "procrustes", "pwcca", "cca"])
def test_inexact_svd(standin: StandIn, measure: str) -> None:
    """gesvdp that admits a large error, or does not converge, gives way to gesvd."""
    expected = gm.compare([PRECISE], [Y], measure=measure, device="cuda").values
    for spoil in (lambda: standin.gesvdp_error(1.0), lambda: standin.solver_info(2, 1)):
        standin.reset()
        spoil()
        got = gm.compare([PRECISE], [Y], measure=measure, device="cuda").values
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-11)  # at condition 1e6


def test_no_convergence(standin: StandIn) -> None:
    def pwcca(device: str) -> Any:
        return gm.compare([X], [Y], measure="pwcca", device=device).values

    standin.solver_info(3, 100)
    with pytest.raises(np.linalg.LinAlgError, match="did not converge"):
        pwcca("cuda")
    standin.reset()
    np.testing.assert_allclose(pwcca("cuda"), pwcca("cpu"), rtol=0, atol=1e-5)


def test_interruption(standin: StandIn) -> None:
    """A progress function that raises ends the work, and what is queued ends with it."""

    def stop(*_: int) -> None:
        raise KeyboardInterrupt

    for options in ({"measure": "cka", "kernel": "rbf"}, {"measure": "cca"}):
        with pytest.raises(KeyboardInterrupt):
            gm.compare([X, Y], **options, device="cuda", progress=stop)
    assert gm.cka(X, Y, device="cuda") == pytest.approx(gm.cka(X, Y), abs=1e-5)
