"""Steps one after the other, each a process of its own with a limit of time, and their report.

A step writes its part of the report as it goes: what crashes or hangs costs one step. The report is
made from whatever exists, every few seconds.
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
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gramian import __version__

from .._core import modules
from . import standins
from .report import markdown
from .step import Fragment

__all__ = ["NOTHING_TO_CHECK", "Driver", "Stage", "check", "parser"]

LEAST = 5  # seconds with which a step is still begun
RESERVE = 3  # seconds for the report
SCALE = 64  # divides the sizes on the stand-ins
STATES_OF_SUCCESS = ("done", "not available", "not asked for")
NOTHING_TO_CHECK = 2  # exit code


@dataclass(frozen=True)
class Stage:
    """A step: its module, seconds at most, what writes its report, the options it is told."""

    module: str
    seconds: float
    write: Callable[[dict[str, Any]], str]
    takes: tuple[str, ...] = ()


def parser(
    module: str,
    description: str | None,
    stages: Mapping[str, Stage],
    budget: float,
    arguments: Sequence[str] | None = None,
) -> argparse.Namespace:
    """Read the command line of a check that has these steps."""
    reader = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    reader.add_argument(
        "--budget", type=float, default=budget, help="seconds for all of it (default: %(default)s)"
    )
    reader.add_argument(
        "--output", type=Path, default=Path("gpu_check"), metavar="DIR", help="default: %(default)s"
    )
    reader.add_argument("--fragments", type=Path, metavar="DIR", help="default: OUTPUT/fragments")
    reader.add_argument("--steps", default=",".join(stages), help="default: %(default)s")
    reader.add_argument("--commit", default="", help="what is measured, for the report")
    reader.add_argument(
        "--rerun", type=Path, metavar="REPORT", help="repeat what failed in that report.json alone"
    )
    reader.add_argument(
        "--standins", type=Path, metavar="BUILD_DIR", help="no card: tests/hostcuda built there"
    )
    reader.add_argument(
        "--scale", type=int, help=f"divides the sizes (default: {SCALE} with --standins, else 1)"
    )
    options = reader.parse_args(arguments)
    options.steps = options.steps.split(",")
    if unknown := set(options.steps) - set(stages):
        reader.error(f"there is no step {', '.join(sorted(unknown))}: {', '.join(stages)}")
    if options.scale is None:
        options.scale = SCALE if options.standins else 1
    for name in ("output", "fragments", "standins", "rerun"):
        if getattr(options, name):
            setattr(options, name, getattr(options, name).resolve())
    return options


def check(options: argparse.Namespace, stages: Mapping[str, Stage]) -> int:
    """Run the steps; return the exit code, or say what is missing where there is no device."""
    try:
        standins.use(options.standins)
        modules.cuda_devices(None)
    except (OSError, RuntimeError) as reason:  # OSError: the stand-ins
        print(f"gpu_check: nothing to check: {reason}", file=sys.stderr)
        return NOTHING_TO_CHECK
    return 0 if Driver(options, stages).run() else 1


class Driver:
    """Runs steps one after the other, and keeps the report up to date."""

    def __init__(self, options: argparse.Namespace, stages: Mapping[str, Stage]) -> None:
        self.options = options
        self.stages = stages
        self.deadline = time.monotonic() + options.budget
        self.output: Path = options.output
        self.fragments: Path = options.fragments or self.output / "fragments"
        for folder in (self.output, self.fragments):
            folder.mkdir(parents=True, exist_ok=True)
        self.states = {name: self._read(f"{name}.state").get("step", {}) for name in stages}

    def run(self) -> bool:
        """Run what was asked for; whether all of it succeeded."""
        for name in self.options.steps:
            self.states[name] = {"state": "not reached", "seconds": 0.0}
            (self.fragments / f"{name}.json").unlink(missing_ok=True)
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
        deadline: float = self.deadline
        return deadline - RESERVE - time.monotonic()

    def report(self) -> None:
        """Write the report of what there is."""
        steps: dict[str, Any] = {}
        for name in self.stages:
            steps[name] = {"state": "not asked for", "seconds": 0.0} | self.states[name]
            steps[name]["data"] = self._read(f"{name}.json")
        whole = {
            "gramian": __version__,
            "standins": bool(self.options.standins),
            "scale": self.options.scale,
            "budget": self.options.budget,
            "steps": steps,
        }
        fragment = Fragment(self.output / "report.json")
        fragment.data = whole
        fragment.put("steps", steps)
        text = markdown(whole, {name: stage.write for name, stage in self.stages.items()})
        (self.output / "report.md").write_text(text, encoding="utf-8")

    def _step(self, name: str) -> None:
        stage = self.stages[name]
        limit = min(stage.seconds, self.left)
        fragment = self.fragments / f"{name}.json"
        command = [sys.executable, "-m", stage.module, f"--fragment={fragment}"]
        command += [f"--seconds={limit - 2:.1f}"]
        if self.options.standins:
            command += [f"--standins={self.options.standins}", f"--scale={self.options.scale}"]
        for option in stage.takes:
            if value := getattr(self.options, option):
                command += [f"--{option}={value}"]
        print(f"== {name}, at most {limit:.0f} s", flush=True)
        state = self.states[name] = {"state": "running", "seconds": 0.0}
        started = time.monotonic()
        process = subprocess.Popen(command, start_new_session=True)
        try:
            while process.poll() is None and time.monotonic() - started < limit:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(min(5, max(0.1, limit - (time.monotonic() - started))))
                state["seconds"] = round(time.monotonic() - started, 1)
                self.report()
        finally:  # also when this process is interrupted
            state["state"] = _end(process, fragment)
        state["seconds"] = round(time.monotonic() - started, 1)
        print(f"== {name}: {state['state']}, {state['seconds']} s", flush=True)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            return Fragment(self.fragments / name).read()
        except (OSError, ValueError):
            return {}


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
