"""A pytest plugin: one JSON line a test as it starts and ends, so that a crash names its test.

`--record FILE` also leaves out the tests that are in FILE already: the same command goes on after a
crash. A CUDA error that stays with the process ends the session at once, for the same reason.
`--shard 2/4` takes the second quarter.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

# Of cudaError_t, in messages: after these every later call fails in this process.
STICKY = (
    "cudaErrorIllegalAddress",
    "cudaErrorLaunchFailure",
    "cudaErrorMisalignedAddress",
    "cudaErrorIllegalInstruction",
    "cudaErrorHardwareStackError",
    "cudaErrorInvalidPc",
    "cudaErrorAssert",
    "cudaErrorLaunchTimeout",
    "cudaErrorECCUncorrectable",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--record", type=Path, metavar="FILE")
    parser.addoption("--shard", default="1/1", metavar="I/N")


def pytest_configure(config: pytest.Config) -> None:
    if file := config.getoption("--record"):
        config.pluginmanager.register(Recorder(file, config.getoption("--shard")))


class Recorder:
    """Writes what happens to a file, line by line."""

    def __init__(self, path: Path, shard: str) -> None:
        self.path = path
        self.index, self.count = (int(word) for word in shard.split("/"))
        self.session: pytest.Session | None = None

    def write(self, **line: Any) -> None:
        """Add a line."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    @pytest.hookimpl(trylast=True)  # what -m selects is shared out
    def pytest_collection_modifyitems(
        self, session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Keep this shard's tests, without those that are in the file."""
        self.session = session
        seen: set[str] = set()
        if self.path.exists():
            lines = self.path.read_text(encoding="utf-8").splitlines()
            seen = {json.loads(line).get("test", "") for line in lines}
        size = -(-len(items) // self.count)
        mine = items[size * (self.index - 1) : size * self.index]
        kept = [item for item in mine if item.nodeid not in seen]
        names = {item.nodeid for item in kept}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in names])
        items[:] = kept
        self.write(collected=len(kept))

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Write which test begins."""
        self.write(test=nodeid, outcome="started")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write how a test went."""
        if report.when != "call" and report.passed:
            return
        if hasattr(report, "wasxfail"):  # a failure that was announced, or its absence
            self.write(test=report.nodeid, outcome="passed")
            return
        text = ""
        if report.skipped and isinstance(report.longrepr, tuple):
            text = report.longrepr[2]
        elif report.failed:
            text = report.longreprtext
        name = "failed" if report.failed else report.outcome
        self.write(
            test=report.nodeid, outcome=name, seconds=round(report.duration, 3), text=text[-3000:]
        )
        if self.session and report.failed and any(error in text for error in STICKY):
            self.session.shouldstop = "a CUDA error that stays with the process"

    def pytest_sessionfinish(self) -> None:
        """Write that all of the tests have run."""
        if self.session and not self.session.shouldstop:
            self.write(finished=True)
