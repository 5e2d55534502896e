"""`python -m bench.gpu`, from the repository's root: what a CUDA device is needed for, in steps.

Each step is a process of its own with a limit of time, and writes its part of the report as it
goes: what crashes or hangs costs one step. OUTPUT/report.json and report.md are made from whatever
exists, every few seconds. The exit code is 1 if a step failed or was not reached.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.gpu.report import markdown
from bench.gpu.step import ROOT, Fragment

# In this order; seconds for each at most. What they do is said at the top of their modules.
STEPS = {
    "facts": 30,
    "solvers": 60,
    "products": 60,
    "smoke": 45,
    "suite": 270,
    "interop": 60,
    "sanitize": 95,
    "jobs": 200,
}
LEAST = 5  # seconds with which a step is still begun
RESERVE = 3  # seconds for the report
STATES_OF_SUCCESS = ("done", "not available", "not asked for")


class Driver:
    """Runs steps one after the other, and keeps the report up to date."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.deadline = time.monotonic() + options.budget
        self.output: Path = options.output
        self.fragments: Path = options.fragments or self.output / "fragments"
        for folder in (self.output, self.fragments):
            folder.mkdir(parents=True, exist_ok=True)
        self.states = {name: self._read(f"{name}.state") or {} for name in STEPS}

    def run(self) -> bool:
        """Run what was asked for; whether all of it succeeded."""
        for name in self.options.steps:
            self.states[name] = {"state": "not reached", "seconds": 0.0}
        for name in self.options.steps:
            if self.left >= LEAST:
                self._step(name)
            Fragment(self.fragments / f"{name}.state").put("step", self.states[name])
            self.report()
        print((self.output / "report.md").read_text(encoding="utf-8"), flush=True)
        return all(self.states[n]["state"] in STATES_OF_SUCCESS for n in self.options.steps)

    @property
    def left(self) -> float:
        """Seconds that a step may take now."""
        return self.deadline - RESERVE - time.monotonic()

    def report(self) -> None:
        """Write the report of what there is."""
        steps: dict[str, Any] = {}
        for name in STEPS:
            state = self.states[name]
            state = state.get("step", state)
            steps[name] = {"state": "not asked for", "seconds": 0.0} | state
            steps[name]["data"] = self._read(f"{name}.json") or {}
        whole = {"standins": bool(self.options.standins), "scale": self.options.scale}
        fragment = Fragment(self.output / "report.json")
        fragment.data = whole
        fragment.put("steps", steps)
        (self.output / "report.md").write_text(markdown(fragment.data), encoding="utf-8")

    def _step(self, name: str) -> None:
        limit = min(STEPS[name], self.left)
        fragment = self.fragments / f"{name}.json"
        fragment.unlink(missing_ok=True)
        command = [sys.executable, "-m", f"bench.gpu.{name}", f"--fragment={fragment}"]
        command += [f"--seconds={limit - 2:.1f}"]
        if self.options.standins:
            command += [f"--standins={self.options.standins}", f"--scale={self.options.scale}"]
        if name == "facts" and self.options.commit:
            command += [f"--commit={self.options.commit}"]
        if name in ("smoke", "suite") and self.options.rerun:
            command += [f"--rerun={self.options.rerun}"]
        print(f"== {name}, at most {limit:.0f} s", flush=True)
        state = self.states[name] = {"state": "running", "seconds": 0.0}
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        while process.poll() is None and time.monotonic() - started < limit:
            try:
                process.wait(min(5, max(0.1, limit - (time.monotonic() - started))))
            except subprocess.TimeoutExpired:
                state["seconds"] = round(time.monotonic() - started, 1)
                self.report()
        state["state"] = _end(process, fragment)
        state["seconds"] = round(time.monotonic() - started, 1)
        print(f"== {name}: {state['state']}, {state['seconds']} s", flush=True)

    def _read(self, name: str) -> Any:
        try:
            return json.loads((self.fragments / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None


def _end(process: subprocess.Popen[bytes], fragment: Path) -> str:
    """End a process with all that it has started, if it has not ended; say how it went."""
    code = process.poll()
    if code is None:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(1)
    with contextlib.suppress(ProcessLookupError):  # also what a step that has ended left behind
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if code is None:
        return "out of time"
    if code < 0:
        return f"died of {signal.Signals(-code).name}"
    if code:
        return f"failed (exit code {code})"
    known = fragment.exists() and "unavailable" in json.loads(fragment.read_text(encoding="utf-8"))
    return "not available" if known else "done"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description=__doc__)
    parser.add_argument("--budget", type=float, default=900, help="seconds for all of it")
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="of the report")
    parser.add_argument("--fragments", type=Path, metavar="DIR", help="default: OUTPUT/fragments")
    parser.add_argument("--steps", default=",".join(STEPS), help="default: %(default)s")
    parser.add_argument("--commit", help="what is measured, where there is no git")
    parser.add_argument(
        "--rerun", type=Path, metavar="REPORT", help="of smoke and suite only what failed there"
    )
    parser.add_argument(
        "--standins", type=Path, metavar="BUILD_DIR", help="no card: tests/hostcuda built there"
    )
    parser.add_argument(
        "--scale", type=int, default=1, help="divides the sizes (with --standins; default 1)"
    )
    options = parser.parse_args()
    options.steps = options.steps.split(",")
    if unknown := set(options.steps) - set(STEPS):
        parser.error(f"there is no step {', '.join(sorted(unknown))}")
    for name in ("output", "fragments", "standins", "rerun"):
        if getattr(options, name):
            setattr(options, name, getattr(options, name).resolve())
    return options


if __name__ == "__main__":
    sys.exit(0 if Driver(parse()).run() else 1)
