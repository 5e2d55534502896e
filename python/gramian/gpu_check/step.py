"""What the steps share: their command line, and the fragment of the report that each writes."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["Fragment", "Step"]


class Fragment:
    """A JSON object in a file, written anew at each change: what is there survives a crash."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.data: dict[str, Any] = {}

    def put(self, key: str, value: Any) -> None:
        """Set a key and write the file."""
        self.data[key] = value
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.data, indent=1, default=str) + "\n", encoding="utf-8")
        part.replace(self.path)

    def read(self) -> dict[str, Any]:
        """Return what is in the file, which another process may have written."""
        data: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return data


class Step:
    """A step as its own process sees it: its options, its fragment, its time and its problems.

    `standins` is the build folder of tests/hostcuda when there is no card: sizes are divided by
    `scale` then.
    """

    def __init__(
        self,
        description: str | None,
        *more: tuple[str, dict[str, Any]],
        arguments: Sequence[str] | None = None,
    ) -> None:
        self.started = time.monotonic()
        parser = argparse.ArgumentParser(description=description)
        parser.add_argument("--fragment", type=Path, required=True, metavar="FILE")
        parser.add_argument("--seconds", type=float, default=600, help="time for all of it")
        parser.add_argument("--standins", type=Path, metavar="BUILD_DIR")
        parser.add_argument("--scale", type=int, default=1)
        for name, settings in more:
            parser.add_argument(name, **settings)
        self.options = parser.parse_args(arguments)
        self.standins: Path | None = self.options.standins and self.options.standins.resolve()
        self.scale: int = self.options.scale
        self.fragment = Fragment(self.options.fragment)
        self.problems: list[str] = []

    @property
    def left(self) -> float:
        """Seconds until the step has to have ended."""
        seconds: float = self.options.seconds
        return seconds - (time.monotonic() - self.started)

    def put(self, key: str, value: Any) -> None:
        """Put something into the report, and say on the screen that it is there."""
        self.fragment.put(key, value)
        text = json.dumps(value, default=str)
        print(f"{key}: {text if len(text) < 200 else text[:200] + ' ...'}", flush=True)

    def problem(self, text: str) -> None:
        """Put into the report that something is wrong: the step fails, when it has ended."""
        self.problems.append(text)
        self.put("problems", self.problems)

    def finish(self) -> int:
        """Return the step's exit code, its problems being in the report."""
        self.put("problems", self.problems)
        return 1 if self.problems else 0

    def unavailable(self, reason: str) -> int:
        """Say why the step cannot be done here, which is no failure."""
        self.put("unavailable", reason)
        return 0

    def size(self, n: int, least: int = 8) -> int:
        """Return a size, on the stand-ins a smaller one."""
        return max(least, n // self.scale)
