"""cuBLAS and copies alone: the ceilings that everything else is held against.

Also: what PEDANTIC_MATH costs (S/DGEMM of the shapes that gramian has), and what a product of
float32 split into three bfloat16 parts would give, in time and in error.
"""

from __future__ import annotations

import ctypes
import sys
from ctypes import byref, c_byte, c_float, c_void_p
from functools import partial
from typing import Any

import numpy as np

from .libraries import DEFAULT, PEDANTIC, TYPES, Libraries
from .step import Step

# Names, types, (m, n, k), operations: in row-major words, X'Y is NT and X X' is TN; one triangle of
# X'X has one operation, and the rate of the whole product that it stands for.
GEMMS = [
    ("square", "float32", (8192, 8192, 8192), "TN"),
    ("square", "float64", (8192, 8192, 8192), "TN"),
    ("tile", "float32", (4000, 4000, 1000), "TN"),
    ("small tile", "float32", (1344, 1344, 512), "TN"),
    ("cross slice", "float32", (512, 512, 1024), "NT"),
    ("cross", "float32", (512, 512, 10000), "NT"),
    ("cross", "float64", (512, 512, 10000), "NT"),
    ("cross", "float64", (1024, 1024, 5000), "NT"),
    ("cross", "float64", (2048, 2048, 5000), "NT"),
    ("triangle", "float64", (512, 512, 10000), "N"),
    ("triangle", "float64", (1024, 1024, 5000), "N"),
    ("triangle", "float64", (2048, 2048, 5000), "N"),
]
BATCHES = [
    ("float32", (1024, 1024, 768), 24),
    ("float64", (512, 512, 512), 144),
    ("float64", (512, 512, 2048), 12),
    ("float64", (768, 768, 2048), 12),
    ("float32", (512, 512, 1024), 10),
]
SPLIT = ("lmhmhh", "hmlhmh")  # parts of A and of B that meet, the small products first
BFLOAT16X9 = 78  # cublasComputeType_t
BOUND = 100  # eps of the product of the norms; 5 were seen on an H200


def main() -> int:
    """Run the step; its data are products, batches, split, copies and latencies."""
    step = Step(__doc__)
    lib = Libraries(step.standins)
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(step.size(1 << 22, 1 << 12)).astype(np.float32)
    step.put("copies", copies(lib, step))
    step.put("latencies", latencies(lib))
    step.put("products", [product(lib, step, noise, *row) for row in GEMMS])
    step.put("batches", [batch(lib, step, noise, *row) for row in BATCHES])
    for row in (*step.fragment.data["products"], *step.fragment.data["batches"]):
        if not row["error_in_eps"] <= BOUND:
            shape = "x".join(map(str, row["shape"]))
            what = row.get("name", "batch")
            step.problem(f"{what} {row['dtype']} {shape}: wrong by {row['error_in_eps']:.3g} eps")
    if not lib.has("cublas", "cublasGemmEx_64"):
        step.put("split", "not available")
        return step.finish()
    step.put("bfloat16", bfloat16(lib, noise))
    step.put("split", [split(lib, rng, k) for k in (512, 1024, 4096)])
    return step.finish()


def filled(lib: Libraries, pointer: int, size: int, noise: Any, dtype: str) -> None:
    """Fill device memory with random numbers: zeros are faster than data."""
    lib.upload(pointer, np.resize(noise, size).astype(dtype))


def product(
    lib: Libraries, step: Step, noise: Any, name: str, dtype: str, shape: Any, form: str
) -> dict[str, Any]:
    """Time one product in both modes, and compare their bits."""
    m, n, k = (step.size(x) for x in shape)
    row: dict[str, Any] = {"name": name, "dtype": dtype, "shape": [m, n, k]}
    size = np.dtype(dtype).itemsize
    with lib.memory(m * k * size, n * k * size, m * n * size) as (a, b, c):
        filled(lib, a, m * k, noise, dtype)
        filled(lib, b, n * k, noise[::-1], dtype)
        bits = {}

        def run() -> None:
            if form == "N":
                lib.syrk((m, n, k), a, c)
            else:
                lib.gemm(dtype, (m, n, k), a, b, c, form=form)

        for mode, number in (("default", DEFAULT), ("pedantic", PEDANTIC)):
            lib.call("cublas", "cublasSetMathMode", lib.blas, number)
            count = 1 if m * n * k > 1e10 else 10
            seconds = lib.seconds(run, count)
            row[mode] = {"seconds": seconds, "tflops": 2e-12 * m * n * k / seconds}
            bits[mode] = lib.download(c, m * n, dtype)
        lib.call("cublas", "cublasSetMathMode", lib.blas, DEFAULT)
    row["same_bits"] = bool(np.array_equal(bits["default"], bits["pedantic"], equal_nan=True))
    found = bits["default"].reshape(n, m).T
    if form == "N":  # its upper triangle
        row["error_in_eps"] = error(found, (noise, noise), "NT", k)
    else:
        row["error_in_eps"] = error(found, (noise, noise[::-1]), form, k)
    return row


def error(C: Any, noises: tuple[Any, Any], form: str, k: int) -> float:
    """Return the largest error of some entries on and above the diagonal, in eps of the norms."""
    m, n = C.shape
    found = []
    for i, j in ((0, 0), (m // 3, n // 2), (m - 1, n - 1)):
        x = line(noises[0], i, m, k, together=form[0] == "T")
        y = line(noises[1], j, n, k, together=form[1] == "N")
        off = abs(float(C[i, j]) - x @ y) / (np.linalg.norm(x) * np.linalg.norm(y))
        found.append(off / np.finfo(C.dtype).eps)
    return float(np.max(found))  # NaN if one is


def line(noise: Any, i: int, count: int, k: int, *, together: bool) -> Any:
    """Return the i-th of `count` lines of k numbers that `filled` has made of the noise."""
    places = i * k + np.arange(k) if together else i + np.arange(k) * count
    return noise[places % noise.size].astype(np.float64)


def batch(
    lib: Libraries, step: Step, noise: Any, dtype: str, shape: Any, count: int
) -> dict[str, Any]:
    """Time as many products in one call as in a loop, and compare the bits of the first."""
    m, n, k = (step.size(x) for x in shape)
    size = np.dtype(dtype).itemsize
    scalar = ctypes.c_double if dtype == "float64" else c_float
    name = f"cublas{'D' if dtype == 'float64' else 'S'}gemmStridedBatched_64"
    one, zero = scalar(1), scalar(0)
    with lib.memory(count * m * k * size, count * n * k * size, count * m * n * size) as (a, b, c):
        filled(lib, a, count * m * k, noise, dtype)
        filled(lib, b, count * n * k, noise, dtype)

        def together() -> None:
            A, B, C = c_void_p(a), c_void_p(b), c_void_p(c)
            lib.call(
                "cublas", name, lib.blas, 1, 0, m, n, k, byref(one), A, k, m * k, B, k, n * k,
                byref(zero), C, m, m * n, count,
            )  # fmt: skip

        def looped() -> None:
            for i in range(count):
                places = (a + i * m * k * size, b + i * n * k * size, c + i * m * n * size)
                lib.gemm(dtype, (m, n, k), *places)

        row: dict[str, Any] = {"dtype": dtype, "shape": [m, n, k], "count": count}
        errors: list[float] = []
        found: list[Any] = []
        for way, call in (("batched", together), ("looped", looped)):
            seconds = lib.seconds(call)
            row[way] = {"seconds": seconds, "tflops": 2e-12 * count * m * n * k / seconds}
            found.append(lib.download(c, (n, m), dtype).T)
            errors.append(error(found[-1], (noise, noise), "TN", k))
        row["same_bits"] = bool(np.array_equal(found[0], found[1], equal_nan=True))
        row["error_in_eps"] = float(np.max(errors))
    return row


def gemm_ex(lib: Libraries, dtype: str, compute: int, shape: Any, a: int, b: int, c: int) -> int:
    """C = A'B in float32 of operands of a type; returns cuBLAS's status."""
    m, n, k = shape
    one, zero = c_float(1), c_float(0)
    t = TYPES[dtype]
    return lib.status(
        "cublas", "cublasGemmEx_64", lib.blas, 1, 0, m, n, k, byref(one), c_void_p(a), t, k,
        c_void_p(b), t, k, byref(zero), c_void_p(c), TYPES["float32"], m, compute, -1,
    )  # fmt: skip


def bfloat16(lib: Libraries, noise: Any) -> dict[str, Any]:
    """Time products of bfloat16: a square one, and of the split's form; try cuBLAS's own split."""
    found: dict[str, Any] = {}
    bits = np.resize(as_bfloat16(noise), 8192 * 8192)
    for name, shape in (("square", (8192, 8192, 8192)), ("split tile", (4000, 4000, 6000))):
        m, n, k = shape
        with lib.memory(m * k * 2, n * k * 2, m * n * 4) as (a, b, c):
            lib.upload(a, bits[: m * k])
            lib.upload(b, bits[: n * k])
            arguments = (lib, "bfloat16", 68, shape, a, b, c)
            found[name] = {"status": gemm_ex(*arguments)}
            if not found[name]["status"]:
                seconds = lib.seconds(partial(gemm_ex, *arguments))
                found[name] |= {"seconds": seconds, "tflops": 2e-12 * m * n * k / seconds}
    with lib.memory(*[4 * 1024 * 1024] * 3) as (a, b, c):
        for pointer in (a, b):
            filled(lib, pointer, 1 << 20, noise, "float32")
        status = gemm_ex(lib, "float32", BFLOAT16X9, (1024, 1024, 1024), a, b, c)
    found["cuBLAS's own split (BF16X9)"] = {"status": status}
    return found


def split(lib: Libraries, rng: Any, k: int, m: int = 1024) -> dict[str, Any]:
    """Errors of A'B in float32 and by the split into three, relative to the norms of columns."""
    A, B = (rng.standard_normal((m, k)).astype(np.float32) + np.float32(0.5) for _ in range(2))
    exact = A.astype(np.float64) @ B.T.astype(np.float64)
    norms = np.outer(*(np.linalg.norm(X.astype(np.float64), axis=1) for X in (A, B)))
    row: dict[str, Any] = {"k": k}
    with lib.memory(6 * m * k * 2, 6 * m * k * 2, m * m * 4) as (a, b, c):
        for pointer, X, order in zip((a, b), (A, B), SPLIT, strict=True):
            lib.upload(pointer, parts_of(X, order))
        status = gemm_ex(lib, "bfloat16", 68, (m, m, 6 * k), a, b, c)
        ways = {"split": lib.download(c, (m, m), np.float32).T}
        lib.upload(a, A)
        lib.upload(b, B)
        lib.gemm("float32", (m, m, k), a, b, c)
        ways["float32"] = lib.download(c, (m, m), np.float32).T
    for way, C in ways.items():
        error = (C - exact) / norms / np.finfo(np.float32).eps
        row[way] = {"largest": float(np.abs(error).max()), "mean": float(error.mean())}
    return row | {"status": status}


def parts_of(X: Any, order: str) -> Any:
    """Write X as high + middle + low in bfloat16, side by side in the given order."""
    parts, rest = {}, X
    for name in "hml":
        bits = parts[name] = as_bfloat16(rest)
        rest = rest - (bits.astype(np.uint32) << 16).view(np.float32)
    return np.hstack([parts[name] for name in order])


def as_bfloat16(X: Any) -> Any:
    """Round to nearest even; the upper halves of the bits."""
    bits = np.ascontiguousarray(X, np.float32).view(np.uint32)
    return ((bits + (((bits >> 16) & 1) + 0x7FFF)) >> 16).astype(np.uint16)


def copies(lib: Libraries, step: Step) -> dict[str, float]:
    """Rates in GB/s: on the device (read and written), and uploads of 20 MB from three places."""
    large, small = step.size(1 << 30, 1 << 20), step.size(20 << 20, 1 << 16)
    rates = {}
    with lib.memory(large, large) as (a, b):
        pointers = (c_void_p(b), c_void_p(a), large, 3, c_void_p())
        seconds = lib.seconds(lambda: lib.call("cudart", "cudaMemcpyAsync", *pointers))
        rates["device to device"] = 2e-9 * large / seconds
        host = np.ones(small, np.uint8)
        flat = (c_void_p(a), c_void_p(host.ctypes.data), small, 1, c_void_p())
        width = 2048  # bytes a row
        rows = (c_void_p(a), width, c_void_p(host.ctypes.data), width, width, small // width, 1)
        calls: dict[str, Any] = {
            "upload, pageable": lambda: lib.call("cudart", "cudaMemcpyAsync", *flat),
            "upload, pageable, by rows": lambda: lib.call(
                "cudart", "cudaMemcpy2DAsync", *rows, c_void_p()
            ),
        }
        if lib.has("cudart", "cudaMallocHost"):
            pinned = c_void_p()
            lib.call("cudart", "cudaMallocHost", byref(pinned), small)
            ctypes.memset(pinned, 1, small)
            held = (c_void_p(a), pinned, small, 1, c_void_p())
            calls["upload, pinned"] = lambda: lib.call("cudart", "cudaMemcpyAsync", *held)
        for name, call in calls.items():
            rates[name] = 1e-9 * small / lib.seconds(call)
    return rates


def latencies(lib: Libraries) -> dict[str, float]:
    """Microseconds of a launch, of a tiny product, of a download with its wait, of memory."""
    found = {}
    with lib.memory(1 << 16, 1 << 16, 1 << 16) as (a, b, c):
        for pointer in (a, b):
            lib.upload(pointer, np.ones(1 << 14, np.float32))
        clear = (c_void_p(c), c_byte(0), 4096, c_void_p())
        found["memset, queued"] = 1e6 * lib.seconds(
            lambda: lib.call("cudart", "cudaMemsetAsync", *clear), 200
        )
        found["gemm 16x16x16, queued"] = 1e6 * lib.seconds(
            lambda: lib.gemm("float32", (16, 16, 16), a, b, c), 200
        )
        host = np.empty(1 << 16, np.uint8)
        for size in (8, 4096, 1 << 16):
            down = (c_void_p(host.ctypes.data), c_void_p(a), size, 2, c_void_p())
            found[f"download of {size} bytes and wait"] = 1e6 * lib.seconds(
                partial(lib.call, "cudart", "cudaMemcpyAsync", *down)
            )
    return found


if __name__ == "__main__":
    sys.exit(main())
