"""`python -m bench.files`: comparisons of layers in files that memory does not hold.

Two layers of 1,000,000 x 768 in float32; two models of 24 layers of 100,000 tokens x 1,024 in
bfloat16, 200 ragged files each; an RBF kernel at n = 100,000. Each in a process of its own, under a
limit of memory, beside the bare products of the same blocks. The files take 6, 10 and 0.1 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BLOCK = 50_000  # rows that are written at once


def write_pair(folder: Path, scale: int) -> None:
    """Two layers, a file each."""
    n, p, rng = 1_000_000 // scale, 768, np.random.default_rng(0)
    for name in "ab":
        file = np.lib.format.open_memmap(folder / f"{name}.npy", "w+", "f4", (n, p))
        for start in range(0, n, BLOCK):
            rows = min(BLOCK, n - start)
            file[start : start + rows] = rng.standard_normal((rows, p), dtype="f4")


def write_models(folder: Path, scale: int) -> None:
    """Two models, a file a prompt: (tokens, layers, width) in bfloat16."""
    import torch
    from safetensors.torch import save_file

    layers, width, files = 24, 1024, 200
    tokens = 100_000 // scale
    cuts = np.sort(np.random.default_rng(1).choice(np.arange(1, tokens), files - 1, replace=False))
    generator = torch.Generator().manual_seed(0)
    for model in "ab":
        (folder / model).mkdir()
        for k, count in enumerate(np.diff([0, *cuts, tokens])):
            states = torch.randn(
                int(count), layers, width, generator=generator, dtype=torch.bfloat16
            )
            save_file({"hidden_states": states}, folder / model / f"prompt{k}.safetensors")


def write_kernel(folder: Path, scale: int) -> None:
    """Two layers for a kernel."""
    rng = np.random.default_rng(2)
    for name in "ab":
        X = rng.standard_normal((100_000 // scale, 128), dtype="f4")
        np.save(folder / f"{name}.npy", X)


CASES: dict[str, tuple[Callable[[Path, int], None], dict[str, Any], tuple[str, str], Any]] = {
    "pair": (write_pair, {}, ("a.npy", "b.npy"), 768),
    "models": (write_models, {"split_axis": 1}, ("a", "b"), None),
    "kernel": (write_kernel, {}, ("a.npy", "b.npy"), None),
}
OPTIONS: dict[str, dict[str, Any]] = {"kernel": {"kernel": "rbf"}}


def status(name: str) -> int:
    """Return a number of bytes of this process that the kernel knows."""
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s+(\d+) kB", text, re.M)
    assert found
    return 1024 * int(found[1])


def child(case: str, folder: Path, limit: float) -> None:
    """Compare, and print time, value and anonymous memory above that after import, as JSON."""
    import gramian as gm

    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (int(limit), int(limit)))
    gm.set_num_threads(2)
    _, how, names, _ = CASES[case]
    before, peak, ended = status("RssAnon"), [0], threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            peak[0] = max(peak[0], status("RssAnon"))

    threading.Thread(target=watch, daemon=True).start()
    A, B = (gm.open(folder / name, **how) for name in names)
    start = time.perf_counter()
    result = gm.compare(A, B, **OPTIONS.get(case, {}))
    seconds = time.perf_counter() - start
    ended.set()
    read = sum(
        tensor.bytes_read
        for side in (A, B)
        for table in side.tables
        for tensor in table.tensors.values()  # type: ignore[attr-defined]
    )
    total = A.nbytes + B.nbytes
    print(json.dumps([seconds, float(result.values[0, 0]), peak[0] - before, read / total]))


def floor(folder: Path) -> float:
    """Seconds of X'X, X'Y and Y'Y of the pair by this machine's BLAS alone, block by block."""
    program = (
        "import json, sys, time, numpy as np\n"
        "from scipy.linalg.blas import sgemm, ssyrk\n"
        "A, B = (np.load(f'{sys.argv[1]}/{k}.npy', mmap_mode='r') for k in 'ab')\n"
        "total = 0.0\n"
        "for s in range(0, len(A), 10_922):\n"
        "    x, y = (np.ascontiguousarray(M[s : s + 10_922]) for M in (A, B))\n"
        "    t = time.perf_counter()\n"
        "    ssyrk(1.0, x.T); ssyrk(1.0, y.T); sgemm(1.0, x.T, y.T, trans_b=True)\n"
        "    total += time.perf_counter() - t\n"
        "print(total)\n"
    )
    return float(run([sys.executable, "-c", program, str(folder)]))


def run(command: list[str]) -> str:
    """Run a child, and return what it printed."""
    threads = {f"{name}_NUM_THREADS": "2" for name in ("OPENBLAS", "OMP", "MKL")}
    return subprocess.run(
        command, check=True, capture_output=True, text=True, env={**os.environ, **threads}
    ).stdout


def main() -> None:
    """Write the files, and compare them."""
    parser = argparse.ArgumentParser(prog="python -m bench.files", description=__doc__)
    parser.add_argument("--case", nargs="+", choices=[*CASES], default=[*CASES])
    parser.add_argument("--scale", type=int, default=1, help="divide the samples by this")
    parser.add_argument("--repeat", type=int, default=4, help="of the pair, in turns (4)")
    parser.add_argument("--folder", type=Path, help="where to write (a temporary one)")
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        child(options.child[0], Path(options.child[1]), float(options.child[2]))
        return
    for case in options.case:
        with tempfile.TemporaryDirectory(dir=options.folder) as name:
            folder = Path(name)
            CASES[case][0](folder, options.scale)
            forget(folder)
            print(f"{case}, cold: {told(case, folder)}", flush=True)
            if case == "pair":
                in_turns(folder, options.repeat)


def forget(folder: Path) -> None:
    """Let the system write files out, and drop what it holds of them."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def compared(case: str, folder: Path, limit: float = 0) -> tuple[float, float, float, float]:
    """Return seconds, value, bytes and how often each byte was read, of a child."""
    command = [sys.executable, "-m", "bench.files", "--child", case, str(folder), str(limit)]
    seconds, value, peak, read = json.loads(run(command))
    return seconds, value, peak, read


def told(case: str, folder: Path, limit: float = 0) -> str:
    """Say what a child took."""
    seconds, value, peak, read = compared(case, folder, limit)
    return (
        f"{seconds:.1f} s, {peak / 1e6:.0f} MB, every byte read {read:.2f} times, value {value:.6g}"
    )


def in_turns(folder: Path, repeat: int) -> None:
    """Time the pair and its bare products, both from the page cache, and print each time."""
    ours, bare = [], []
    for _ in range(repeat):
        ours.append(compared("pair", folder)[0])
        bare.append(floor(folder))
    print(f"pair in 2 GB of address space: {told('pair', folder, 2e9)}")
    for name, seconds in (("pair, from page cache", ours), ("bare products of the pair", bare)):
        print(f"{name}: {', '.join(f'{s:.1f}' for s in seconds)} s")
    print(f"share of the bare products' speed, best of each: {min(bare) / min(ours):.0%}")


if __name__ == "__main__":
    main()
