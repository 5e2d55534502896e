"""cuSOLVER alone: is gesvdp safe without vectors, how far is it off, and what do the others cost.

gesvdp says how far it has shifted the singular values (`h_err_sigma`); gramian takes its answer
only if that is rounding. Whether it may be called without U and V is tried in a child process,
since an illegal address stays with the process that met it.
"""

from __future__ import annotations

import subprocess
import sys
import time
from ctypes import byref, c_byte, c_double, c_void_p
from itertools import product
from typing import Any

import numpy as np

from .libraries import TYPES, Libraries
from .step import Step

ILL = ("full", "half", "decades")  # ranks p and p / 2; full with singular values over 6 decades
BOUND = 1000  # eps of the largest value, beside what gesvdp admits; 32 were seen on an H200


def main() -> int:
    """Run the step; its data are null_vectors, svd and eigenvalues."""
    more: tuple[str, dict[str, Any]] = ("--vectors", {"choices": ["null", "given"]})
    step = Step(__doc__, more)
    if step.options.vectors:
        return child(step)
    # Null pointers are known to end the process on some versions: seen, not held against it.
    step.put("null_vectors", {kind: in_child(step, kind) for kind in ("given", "null")})
    said = step.fragment.data["null_vectors"]["given"]
    if not said.startswith("works"):
        step.problem(f"gesvdp without vectors, with memory for them: {said}")
    lib = Libraries(step.standins)
    for dtype, n, rank in product(("float32", "float64"), (512, 1024), ILL):
        if step.left > 10:
            n = step.size(n)
            judge(step, f"svd {dtype} {n} {rank}", singular_values(lib, matrix(n, dtype, rank)))
    for n in (512, 1024):
        if lib.has("cusolver", "cusolverDnXsyevd"):
            judge(step, f"eigenvalues float64 {n}", eigenvalues(lib, step.size(n)))
    return step.finish()


def judge(step: Step, name: str, ways: dict[str, Any]) -> None:
    """Put the routines' results into the report; wrong values and failures are problems."""
    step.put(name, ways)
    for way, row in ways.items():
        admitted = 2 * row.get("h_err_sigma_in_eps", 0)
        if "error" in row:
            step.problem(f"{name}, {way}: {row['error']}")
        elif row["info"]:
            step.problem(f"{name}, {way}: info {row['info']}")
        elif not row["error_in_eps"] <= BOUND + admitted:
            step.problem(f"{name}, {way}: wrong by {row['error_in_eps']:.3g} eps")


def matrix(n: int, dtype: str, kind: str) -> Any:
    """Return an n x n matrix of full rank, of half of it, or with a spectrum over six decades."""
    rng = np.random.default_rng(n)
    A = rng.standard_normal((n, n)) / np.sqrt(n)
    if kind == "half":
        A = A[:, : n // 2] @ rng.standard_normal((n // 2, n)) / np.sqrt(n)
    elif kind == "decades":
        A = A * np.geomspace(1, 1e-6, n) @ np.linalg.qr(rng.standard_normal((n, n)))[0]
    return np.asfortranarray(A.astype(dtype))


def singular_values(lib: Libraries, A: Any) -> dict[str, Any]:
    """Time gesvdp with and without vectors, and gesvd; errors relative to the largest value."""
    n, t, size = len(A), TYPES[A.dtype.name], A.dtype.itemsize
    exact = np.linalg.svd(A.astype(np.float64), compute_uv=False)
    found: dict[str, Any] = {}
    shift = c_double()
    with lib.memory(n * n * size, n * size, n * n * size, n * n * size) as pointers:
        a, s, u, v = (c_void_p(p) for p in pointers)
        shapes = [1, n, n, t, a, n, t, s, t, u, n, t, v, n, t]
        no = c_byte(ord("N"))
        without = [no, no, n, n, t, a, n, t, s, t, c_void_p(), n, t, c_void_p(), n, t]
        ways: dict[str, Any] = {
            "gesvdp": ("cusolverDnXgesvdp", [0, *shapes], [byref(shift)]),
            "gesvdp, vectors": ("cusolverDnXgesvdp", [1, *shapes], [byref(shift)]),
            "gesvd": ("cusolverDnXgesvd", without, []),
        }
        for way, (name, fixed, last) in ways.items():
            try:
                with lib.solution(name, *fixed, last=last) as run:
                    row = timed(lib, pointers[0], A, run, 2 if way == "gesvd" else 4)
            except RuntimeError as error:
                found[way] = {"error": str(error)}
                continue
            values = lib.download(pointers[1], n, A.dtype).astype(np.float64)
            row["error_in_eps"] = float(
                np.abs(values - exact).max() / exact[0] / np.finfo(A.dtype).eps
            )
            if last:
                row["h_err_sigma_in_eps"] = shift.value / exact[0] / float(np.finfo(A.dtype).eps)
            found[way] = row
    return found


def eigenvalues(lib: Libraries, n: int) -> dict[str, Any]:
    """Time syevd of M'M in double, with and without vectors; errors relative to the largest."""
    M = matrix(n, "float64", "half")
    A = np.asfortranarray(M.T @ M)
    exact = np.linalg.eigvalsh(A)
    t, found = TYPES["float64"], {}
    with lib.memory(A.nbytes, n * 8) as pointers:
        a, w = (c_void_p(p) for p in pointers)
        for way, vectors in (("syevd", 0), ("syevd, vectors", 1)):
            with lib.solution("cusolverDnXsyevd", vectors, 0, n, t, a, n, t, w, t) as run:
                row = found[way] = timed(lib, pointers[0], A, run, 4)
            error = np.abs(lib.download(pointers[1], n, np.float64) - exact).max() / exact[-1]
            row["error_in_eps"] = float(error / np.finfo(np.float64).eps)
    return found


def timed(lib: Libraries, pointer: int, A: Any, run: Any, count: int) -> dict[str, Any]:
    """Return the first and the shortest time of a factorisation that overwrites its input."""
    seconds, info = [], 0
    for _ in range(count):
        lib.upload(pointer, A)
        lib.synchronize()
        start = time.perf_counter()
        info = run() or info
        lib.synchronize()
        seconds.append(time.perf_counter() - start)
    return {"first": seconds[0], "seconds": min(seconds), "info": info}


def in_child(step: Step, kind: str) -> str:
    """Say what became of a process that calls gesvdp without vectors, U and V null or given."""
    command = [sys.executable, "-m", "gramian.gpu_check.solvers", "--vectors", kind]
    command += ["--fragment", str(step.fragment.path.with_suffix(f".{kind}"))]
    command += ["--standins", str(step.standins)] if step.standins else []
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=25)
    except subprocess.TimeoutExpired:
        return "hangs"
    last = (done.stdout + done.stderr).strip().splitlines()[-1:]
    return " ".join([*last, f"(exit code {done.returncode})"])


def child(step: Step) -> int:
    """Call gesvdp, job without vectors."""
    lib = Libraries(step.standins)
    A = matrix(64, "float32", "full")
    n, t, shift = len(A), TYPES["float32"], c_double()
    with lib.memory(A.nbytes, 4 * n, A.nbytes, A.nbytes) as pointers:
        a, s, u, v = (c_void_p(p) for p in pointers)
        if step.options.vectors == "null":
            u = v = c_void_p()
        lib.upload(pointers[0], A)
        fixed = [0, 1, n, n, t, a, n, t, s, t, u, n, t, v, n, t]
        with lib.solution("cusolverDnXgesvdp", *fixed, last=[byref(shift)]) as run:
            info = run()
        values = lib.download(pointers[1], n, np.float32)
    exact = np.linalg.svd(A.astype(np.float64), compute_uv=False)
    print(f"works: info {info}, error {np.abs(values - exact).max():.1e}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
