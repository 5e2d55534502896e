"""A comparison of layers in files: run as a program, it prints what that takes, as JSON.

The arguments are two .npy files, and a limit of the address space in bytes, or 0.
"""

from __future__ import annotations

import json
import re
import resource
import sys
import threading
import time
from pathlib import Path

import gramian as gm


def anonymous() -> int:
    """Return the bytes of memory of this process that are not of a file."""
    found = re.search(r"^RssAnon:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.M)
    assert found
    return 1024 * int(found[1])


class Watch(threading.Thread):
    """Looks at the memory all the time."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.peak, self.ended = 0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(0.01):
            self.peak = max(self.peak, anonymous())


def main(a: str, b: str, limit: int) -> None:
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    gm.set_num_threads(2)
    before, watch = anonymous(), Watch()
    A, B = gm.open(a), gm.open(b)
    watch.start()
    start = time.perf_counter()
    value = float(gm.compare(A, B).values[0, 0])
    seconds = time.perf_counter() - start
    watch.ended.set()
    tensors = [tensor for side in (A, B) for tensor in side.tables[0].tensors.values()]  # type: ignore[attr-defined]
    read = [tensor.bytes_read for tensor in tensors]
    print(json.dumps([value, seconds, watch.peak - before, read]))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
