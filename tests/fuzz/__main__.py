"""Call every public function with what it must refuse, and see that it does, by name.

    python tests/fuzz [--seed N] [--seconds T] [--patience T] [--case NAME]

First the tables, every option with every bad value and every array argument with every bad array,
in an order that the seed decides; then combinations of them. All runs in children: what takes one
down, or keeps it for too long, is found by the case that was running, and `--case` repeats it.
What counts as a fault: a crash, a hang, an exception of a type that is not documented, a message
that does not name its argument or shows the compiled core's own, and anything printed.
"""

from __future__ import annotations

import argparse
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

STARTING = 120.0  # seconds until the first, with torch to import on a busy machine


class Child:
    """A process that runs cases, its messages, and what it prints."""

    def __init__(self, *arguments: str) -> None:
        self.printed = tempfile.TemporaryFile()  # noqa: SIM115, closed by `end`
        read, write = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).parent / "child.py"), str(write), *arguments],
            pass_fds=[write],
            stdin=subprocess.DEVNULL,
            stdout=self.printed,
            stderr=self.printed,
        )
        os.close(write)
        self.pipe, self.buffer, self.folder = read, b"", ""

    def message(self, patience: float) -> dict[str, Any] | None:
        """Return the next message; None at the end, TimeoutError where none comes."""
        while b"\n" not in self.buffer:
            if not select.select([self.pipe], [], [], patience)[0]:
                raise TimeoutError
            content = os.read(self.pipe, 2**16)
            if not content:
                return None
            self.buffer += content
        line, _, self.buffer = self.buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        self.folder = message.get("folder", self.folder)
        return message

    def end(self) -> str:
        """Stop it and say how it ended."""
        if self.process.poll() is None:
            try:
                self.process.wait(1)
            except subprocess.TimeoutExpired:
                self.process.kill()
        code = self.process.wait()
        os.close(self.pipe)
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        self.printed.seek(0)
        said = self.printed.read()[-300:].decode(errors="replace")
        self.printed.close()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{how}; printed {said!r}" if said else how


def run(
    arguments: list[str], start: int, until: float, patience: float
) -> tuple[int, list[tuple[str, str]], bool]:
    """Run one child; return where the next goes on, the faults, and whether it had no more."""
    child = Child(*arguments)
    faults: list[tuple[str, str]] = []
    running, number, done = "", start, False
    try:
        while time.monotonic() < until:
            message = child.message(patience if running else STARTING)
            if message is None:
                how = child.process.wait()
                if running or how != 0:
                    faults.append((running or "before the first case", f"dies: {child.end()}"))
                    return number + 1, faults, not running
                done = True
                break
            if "begins" in message:
                running, number = message["case"], message["begins"]
            elif "ends" in message:
                if message["fault"]:
                    faults.append((running, message["fault"]))
                number, running = message["ends"] + 1, ""
    except TimeoutError:
        child.process.kill()
        faults.append((running or "before the first case", f"takes more than {patience:g} s"))
        number, done = number + 1, not running
    finally:
        if child.process.poll() is None:
            child.process.kill()
        if not child.printed.closed:
            child.end()
    return number, faults, done


def main() -> int:
    parser = argparse.ArgumentParser(prog="python tests/fuzz", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--seed", type=int, help="order of the cases (drawn by chance, and said)")
    parser.add_argument("--seconds", type=float, default=60.0, help="for all of it (60)")
    parser.add_argument("--patience", type=float, default=30.0, help="seconds for a case (30)")
    parser.add_argument("--case", help="run this case alone")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else int.from_bytes(os.urandom(3), "big")
    until = time.monotonic() + given.seconds
    number, faults, done = 0, [], False
    while not done and time.monotonic() < until:
        arguments = [given.case] if given.case else [str(seed), str(number)]
        number, found, done = run(arguments, number, until, given.patience)
        done = done or bool(given.case)
        for name, fault in found:
            print(f"{name}: {fault}", flush=True)
        faults += found
    print(f"seed {seed}: {number} cases, {len(faults)} faults")
    for kind, count in Counter(fault[:60] for _, fault in faults).most_common(20):
        print(f"{count:6} {kind}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
