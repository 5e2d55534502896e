"""The tests of every measure on the device: `pytest -m cuda`, several processes at once.

A process that dies is started again behind the test that it died of. A device that is not there, or
fewer passed tests than expected, are failures: a broken card would else look green.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gramian.gpu_check.step import Fragment, Step

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = 14
RESTARTS = 12  # of one shard
LEAST_PASSED = 8500  # of 9,700
# Files of more than a hundred tests on a device, in parts that take alike long.
SHARDS = {
    "test_measures.py": 24,
    "test_hard_inputs.py": 12,
    "test_invariances.py": 6,
    "test_undefined.py": 3,
    "test_polynomial.py": 3,
    "test_symmetry.py": 3,
    "test_wide.py": 3,
    "test_tight_clusters.py": 2,
    "test_accumulator.py": 2,
}
OTHERS = ("test_device_arrays.py",)  # a step of its own


@dataclass(frozen=True)
class Work:
    """Some tests for one process: arguments of pytest, and which part of what they select."""

    arguments: tuple[str, ...]
    shard: str = "1/1"


def main() -> int:
    """Run the step."""
    more: list[tuple[str, dict[str, Any]]] = [
        ("--rerun", {"type": Path}),
        ("--only", {"nargs": "+", "help": "places of tests"}),
    ]
    step = Step(__doc__, *more)
    if step.options.rerun:
        names = failed_before(step.options.rerun)
        return run(step, [Work(tuple(names[i::AT_ONCE])) for i in range(AT_ONCE)], least=len(names))
    if step.options.only:
        return run(step, [Work(tuple(step.options.only))], least=1)
    work = [
        Work((str(path.relative_to(ROOT)),), f"{i}/{count}")
        for path in places()
        for count in (SHARDS.get(path.name, 1),)
        for i in range(1, count + 1)
    ]
    work.sort(key=lambda w: w.shard == "1/1")  # the large files first
    if step.standins:  # a sample
        return run(step, work[-1 :: -step.scale], least=1)
    return run(step, work, least=LEAST_PASSED)


def places() -> list[Path]:
    """Return the files with tests that run on a device."""
    words = re.compile(r"\b(device|implementation): str|mark\.cuda\b")
    files = sorted((ROOT / "tests").glob("test_*.py"))
    return [f for f in files if f.name not in OTHERS and words.search(f.read_text("utf-8"))]


def run(step: Step, work: list[Work], least: int) -> int:
    """Run pytest on all of it, and put counts, failures and reasons of skips into the report."""
    work = [w for w in work if w.arguments]
    with tempfile.TemporaryDirectory() as folder:
        records = [Path(folder, f"{i}.jsonl") for i in range(len(work))]
        says = [""] * len(work)
        ended = threading.Event()

        def one(i: int) -> None:
            says[i] = persist(step, work[i], records[i])

        def watch() -> None:
            while not ended.wait(5):
                step.fragment.put("so far", summary(records)["counts"])

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        with ThreadPoolExecutor(2 if step.standins else AT_ONCE) as pool:
            list(pool.map(one, range(len(work))))
        ended.set()
        watcher.join()
        found = summary(records)
    step.fragment.data.pop("so far", None)
    told = zip(work, says, strict=True)
    unfinished = {f"{' '.join(w.arguments)[:200]} {w.shard}": said for w, said in told if said}
    for key, value in found.items():
        step.put(key, value)
    step.put("unfinished", unfinished)
    step.put("least passed", least)
    if found["counts"].get("passed", 0) < least:
        step.problem(f"only {found['counts'].get('passed', 0)} passed")
    if found["failures"]:
        step.problem(f"{len(found['failures'])} failed")
    if unfinished:
        step.problem(f"{len(unfinished)} processes did not finish")
    return step.finish()


def persist(step: Step, work: Work, record: Path) -> str:
    """Run pytest until all of the work is done; say why it is not."""
    for _ in range(RESTARTS):
        if step.left < 6:
            return "not reached"
        code, said = pytest_once(step, work, record)
        lines = read(record)
        if (lines and "finished" in lines[-1]) or code == 5:  # 5: nothing was collected
            return ""
        if not any("test" in line for line in lines):
            return f"exit code {code}: {said}"
        if step.left < 6:
            return "out of time"
        close(record, f"the process ended here (exit code {code}): {said}")
    return f"{RESTARTS} restarts were not enough"


def pytest_once(step: Step, work: Work, record: Path) -> tuple[int, str]:
    """Run pytest once; return its exit code and the end of what it said."""
    command = [sys.executable, "-m", "pytest", "-q", "-m", "cuda", "-p", "bench.gpu.record"]
    command += [f"--record={record}", f"--shard={work.shard}", "-W", "default"]
    command += ["-p", "no:cacheprovider", "--tb=short"]
    if find_spec("pytest_timeout"):
        command += ["--timeout=60", "--timeout-method=thread"]  # by a signal, C++ would go on
    if step.standins:
        command.append(f"--hostcuda={step.standins}")
    elif not Path(work.arguments[0]).is_absolute():  # the project's own tests
        # A device that is named and absent is an error; one that is not named would be left out.
        command.append("--devices=cuda")
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            [*command, *work.arguments],
            cwd=ROOT,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=environment,
        )
        try:
            process.wait(max(1, step.left - 5))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
        said.seek(0)
        return process.returncode, " ".join(said.read()[-600:].split())


def read(record: Path) -> list[dict[str, Any]]:
    """Return the lines of a record."""
    if not record.exists():
        return []
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def close(record: Path, text: str) -> None:
    """Let the test that was begun and has not ended be a failure."""
    lines = [line for line in read(record) if "test" in line]
    if lines and lines[-1]["outcome"] == "started":
        line = {"test": lines[-1]["test"], "outcome": "failed", "text": text}
        with record.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def summary(records: list[Path]) -> dict[str, Any]:
    """Return counts of outcomes, reasons of skips, failures with their messages, slow tests."""
    outcomes: dict[str, dict[str, Any]] = {}
    for record in records:
        for line in read(record):
            if "test" in line and outcomes.get(line["test"], {}).get("outcome") != "failed":
                outcomes[line["test"]] = line
    lines = list(outcomes.values())
    failures = {line["test"]: line.get("text", "") for line in lines if line["outcome"] == "failed"}
    slow = sorted(lines, key=lambda line: -line.get("seconds", 0))[:10]
    return {
        "counts": dict(Counter(line["outcome"] for line in lines)),
        "skipped": dict(Counter(line["text"] for line in lines if line["outcome"] == "skipped")),
        "failures": failures,
        "slowest": {line["test"]: line.get("seconds", 0) for line in slow},
    }


def failed_before(report: Path) -> list[str]:
    """Return the tests that failed in an earlier report."""
    earlier = Fragment(report).read()["steps"]["suite"]["data"]
    return list(earlier.get("failures", {}))


if __name__ == "__main__":
    sys.exit(main())
