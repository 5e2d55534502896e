"""What the steps that need the repository put into the report."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from gramian.gpu_check.report import table

__all__ = ["sanitize", "suite"]

Data = dict[str, Any]


def suite(data: Data) -> str:
    """Return counts, reasons of skips, the failures' last lines."""
    lines = [f"counts: {data.get('counts', data.get('so far'))}"]
    lines += [f"skipped {count}: {reason}" for reason, count in data.get("skipped", {}).items()]
    unfinished = defaultdict(list)
    for place, reason in data.get("unfinished", {}).items():
        unfinished[reason].append(place.removeprefix("tests/"))
    lines += [f"{reason}: {', '.join(places)}" for reason, places in unfinished.items()]
    failures = list(data.get("failures", {}).items())
    lines += [f"`{name}`: {' '.join(text.split())[-300:]}" for name, text in failures[:60]]
    if len(failures) > 60:
        lines.append(f"and {len(failures) - 60} more failures, in report.json")
    return "\n".join(f"- {line}" for line in lines)


def sanitize(data: Data) -> str:
    """Return what each tool said of each call."""
    rows = [[name, row["state"], row["summary"]] for name, row in data["calls"].items()]
    return table(["call", "state", "summary"], rows)
