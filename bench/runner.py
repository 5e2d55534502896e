"""Contestants in child processes of their own, timed in turns.

Thread pools of one process disturb each other, so each contestant lives alone. All of a case are
started and warmed up one after the other, then take turns (A B C A B C), so that drift of the
machine hits all alike. Only one works at a time, after a pause in which the last one's threads go
to sleep.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import re
import resource
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.cases import Case, layers

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["REMOVED", "Child", "Timing", "clean_environment", "race"]

REMOVED = (
    "OPENBLAS_CORETYPE",
    "OPENBLAS_L2_SIZE",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "GRAMIAN_NUM_THREADS",
)
PAUSE = 0.1  # seconds; OpenBLAS workers spin for about 0.03 s after a call
SHORT = 0.3  # seconds; shorter calls get an untimed one first, at every turn
LONG = 2.0  # seconds; longer calls are warmed up by one only
SAMPLED = 3  # pairs of a map that are timed for peers which do pair after pair and share nothing
BATCH = 0.01  # seconds; calls that take less are timed several at once


def clean_environment() -> str:
    """Remove the variables that choose a BLAS kernel or a number of threads, and say so."""
    found = [name for name in REMOVED if os.environ.pop(name, None) is not None]
    names = ", ".join(REMOVED)
    here = ", ".join(found) or "none"
    return f"Removed from the children's environment: {names} (of these, set here: {here})."


@dataclass
class Timing:
    """What one contestant did: seconds a call, the value, peak bytes above the inputs."""

    name: str
    seconds: list[float] = field(default_factory=list)
    value: Any = None
    first: float = float("nan")  # seconds of the first call
    peak: int = 0
    blas: str = ""
    error: str = ""

    @property
    def best(self) -> float:
        """Shortest time of a call."""
        return min(self.seconds, default=float("nan"))

    @property
    def median(self) -> float:
        """Middle time of a call."""
        return statistics.median(self.seconds) if self.seconds else float("nan")


def race(case: Case, contestants: list[tuple[str, int]], repeat: int) -> list[Timing]:
    """Time contestants (name, threads of ours) of a case in turns, each `repeat` times."""
    children = [Child(case, name, threads) for name, threads in contestants]
    for _ in range(repeat):
        for child in children:
            child.turn()
    for child in children:
        child.close()
    return [child.timing for child in children]


class Child:
    """One contestant in a process of its own, as seen by the parent."""

    def __init__(self, case: Case, name: str, threads: int) -> None:
        self.timing = Timing(name)
        context = multiprocessing.get_context("spawn")
        self.connection, other = context.Pipe()
        arguments = (other, case, name, threads)
        self.process = context.Process(target=_serve, args=arguments, daemon=True)
        self.process.start()
        other.close()  # a child that dies closes the last copy: EOFError here, never a hang
        if answer := self._answer():
            for key, value in answer.items():
                setattr(self.timing, key, value)

    def turn(self) -> float:
        """Let the child make one timed call; return its seconds, NaN after an error."""
        if not self.timing.error:
            time.sleep(PAUSE)
            seconds = self._answer("time")
        if self.timing.error:
            return float("nan")
        self.timing.seconds.append(seconds)
        return float(seconds)

    def close(self) -> None:
        """End the process by closing its pipe."""
        self.connection.close()
        self.process.join()

    def _answer(self, question: str = "") -> Any:
        try:
            if question:
                self.connection.send(question)
            answer, self.timing.error = self.connection.recv()
        except (EOFError, OSError):  # OSError: the pipe broke while sending
            self.process.join()
            answer, self.timing.error = None, f"died with exit code {self.process.exitcode}"
        return answer


def _serve(connection: Any, case: Case, name: str, threads: int) -> None:
    """Prepare, call once and report; then one timing a message, until the pipe closes."""
    try:
        call = contestant(name, case, threads)
        before = _reset_peak()
        start = time.perf_counter()
        value = call()
        seconds = time.perf_counter() - start
        peak = _peak() - before
        told = {"value": value, "first": seconds, "peak": peak, "blas": blas(name)}
        connection.send((told, ""))
        if seconds < LONG:  # the first call also loads and allocates
            seconds = _seconds(call, 1)
        count = max(1, int(BATCH / seconds))
        while connection.recv():
            if seconds < SHORT:
                call()
            connection.send((_seconds(call, count), ""))
    except EOFError:
        pass
    except Exception as error:
        connection.send((None, f"{type(error).__name__}: {error}"))


def _seconds(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def contestant(name: str, case: Case, threads: int) -> Callable[[], Any]:
    """Return what one contestant does of a case, with its library loaded and its data ready."""
    A, B = layers(case)
    if name == "steps":
        return steps(ours(case, A, B, threads, None))
    if name == "floor":
        from bench.floor import Floor

        return Floor(A, B, case.kernel, threads)
    if name in ("gramian", "gramian self", "reference"):
        device = "reference" if name == "reference" else None
        return ours(case, A, None if name == "gramian self" else B, threads, device)
    from bench.peers import PEERS

    peer = PEERS[name]
    if peer.library == "torch":
        import torch

        A, B = ([torch.from_numpy(X) for X in model] for model in (A, B))
    if not peer.maps and not case.pair:
        pairs = [*zip(A, B, strict=True)][:SAMPLED]
        return lambda: [peer.function(X, Y) for X, Y in pairs]
    arguments = [A[0], B[0]] if case.pair else [A, B]
    if case.kernel == "rbf":
        arguments.append(case.sigma)
    return lambda: peer.function(*arguments)


def ours(
    case: Case, A: list[Any], B: list[Any] | None, threads: int, device: str | None
) -> Callable[[], Any]:
    """Return the library's own call of a case; without B, of the first model against itself."""
    import gramian as gm
    from gramian._measures.registry import MEASURES

    gm.set_num_threads(threads)
    if case.measure == "sparse_prediction":  # the whole path, of which the measure is one point
        return lambda: gm.sparse_prediction(A[0], A[0] if B is None else B[0]).mean_r2.tolist()
    row = MEASURES[case.measure]
    kernel: Any = case.kernel if case.sigma is None else gm.RBF(sigma=case.sigma)
    options = case.options | ({"kernel": kernel} if "kernel" in row.option_names else {})
    if case.pair and B is not None:
        return lambda: row.call(A[0], B[0], **options, device=device)
    measure = {"measure": row.name, "device": device}
    return lambda: gm.compare(A, B, **measure, **options).values.tolist()


def steps(call: Callable[[], Any]) -> Callable[[], dict[str, float]]:
    """Return what tells the seconds of every step of the fastest of three calls, and the rest."""
    from gramian import _cpu

    def told() -> dict[str, float]:
        found: list[tuple[float, dict[str, float]]] = []
        for _ in range(4):  # the first also loads and allocates
            _cpu.steps()
            seconds = _seconds(call, 1)
            taken = _cpu.steps()
            found.append((seconds, taken | {"rest": seconds - sum(taken.values())}))
        return min(found[1:], key=lambda pair: pair[0])[1]

    return told


def blas(name: str) -> str:
    """Name the BLAS that a contestant calls, and the kernel that it chose on this machine."""
    from bench.peers import PEERS

    library = PEERS[name].library if name in PEERS else name
    if library == "torch":
        import torch

        version = re.search(r"Math Kernel Library Version ([\d.]+)", torch.__config__.show())
        vendor = f"MKL {version[1]}" if version else "BLAS of torch"
        return f"{vendor} {torch.backends.cpu.get_cpu_capability()}"
    from threadpoolctl import threadpool_info

    for info in threadpool_info():
        of_numpy = Path(info["filepath"]).parent.name in ("numpy.libs", "scipy.libs", ".dylibs")
        if info["user_api"] == "blas" and of_numpy == (library in ("numpy", "reference")):
            return f"{info['internal_api']} {info['version']} {info.get('architecture', '')}"
    return "unknown"


def _reset_peak() -> int:
    """Forget the peak so far, which making the data set; return the bytes in use.

    Where the system cannot forget, the peak above is an upper bound.
    """
    if sys.platform != "linux":
        return _peak()
    with contextlib.suppress(OSError), open("/proc/self/clear_refs", "w") as file:
        file.write("5")
    return _status("VmRSS")


def _peak() -> int:
    if sys.platform != "linux":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # bytes on macOS
    return _status("VmHWM")  # what ru_maxrss tells, but it can be reset


def _status(key: str) -> int:
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))
