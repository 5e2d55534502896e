"""The report that people read, from the one that programs do."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

__all__ = ["markdown"]

Data = dict[str, Any]


def markdown(report: Data) -> str:
    """Return the report; a step that was not reached says so."""
    steps: Data = report["steps"]
    facts = steps["facts"]["data"]
    card = facts.get("card", {}).get("name", "no card")
    title = f"# gramian on {card}, commit {facts.get('commit', '?')}, {facts.get('date', '?')}"
    parts = [title]
    if report["standins"]:
        parts.append(
            f"On the stand-ins for CUDA, sizes divided by {report['scale']}: times say nothing."
        )
    parts.append(
        table(
            ["step", "state", "seconds"],
            [[name, step["state"], f"{step['seconds']:.1f}"] for name, step in steps.items()],
        )
    )
    for name, step in steps.items():
        data = step["data"]
        if not data:
            continue
        try:
            text = data.get("unavailable") or WRITERS[name](data)
        except Exception as error:  # of a step that was cut short
            text = f"(not readable: {type(error).__name__} {error}; see report.json)"
        parts.append(f"## {name}\n\n{text}")
    return "\n\n".join(parts) + "\n"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def facts(data: Data) -> str:
    """Return one line a fact."""
    return table(
        ["fact", "value"],
        [
            [key, str(value).replace("\n", "; ").replace("|", "/")[:500]]
            for key, value in data.items()
        ],
    )


def solvers(data: Data) -> str:
    """Return times of factorisations, and how far gesvdp is off."""
    lines = [f"gesvdp without vectors, U and V {k}: {v}" for k, v in data["null_vectors"].items()]
    rows = [
        [name, way, duration(row.get("seconds")), number(row.get("h_err_sigma_in_eps")),
         number(row.get("error_in_eps")), row.get("error", row.get("info"))]
        for name, ways in data.items() if name != "null_vectors"
        for way, row in ways.items()
    ]  # fmt: skip
    head = ["matrix", "routine", "time", "h_err_sigma / eps", "error / eps", "info"]
    return "\n".join(f"- {line}" for line in lines) + "\n\n" + table(head, rows)


def products(data: Data) -> str:
    """Return rates of cuBLAS and of copies."""
    rows = [
        [row["name"], row["dtype"], "x".join(map(str, row["shape"])),
         rate(row["default"]), rate(row["pedantic"]),
         row["same_bits"]]
        for row in data.get("products", [])
    ]  # fmt: skip
    parts = [table(["product", "type", "shape", "default, TF/s", "pedantic, TF/s", "same"], rows)]
    rows = [
        [row["count"], row["dtype"], "x".join(map(str, row["shape"])),
         rate(row["batched"]), rate(row["looped"])]
        for row in data.get("batches", [])
    ]  # fmt: skip
    parts.append(table(["products", "type", "shape", "batched, TF/s", "looped, TF/s"], rows))
    parts += [f"{key}: {data[key]}" for key in ("copies", "latencies", "bfloat16", "split")
              if key in data]  # fmt: skip
    return "\n\n".join(parts)


def smoke(data: Data) -> str:
    """Return the largest error of every measure."""
    rows = [
        [name, number(row["eps"]), row["error"][:160]] for name, row in data["measures"].items()
    ]
    return table(["measure", "largest error / eps", "errors"], rows)


def suite(data: Data) -> str:
    """Return counts, reasons of skips, the failures' last lines."""
    lines = [
        f"counts: {data.get('counts', data.get('so far'))}",
        f"problems: {data.get('problems')}",
    ]
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


def jobs(data: Data) -> str:
    """Return times of ours and of the others, beside the floor."""
    ceilings = ", ".join(f"{name} {value:.3g}" for name, value in data["ceilings"].items())
    rows = []
    for name, row in data.items():
        if name == "ceilings":
            continue
        if "error" in row:
            rows.append([name, row["error"][:200]])
            continue
        for who, timing in row["contestants"].items():
            if "error" in timing:
                rows.append([name, who, timing["error"][:200]])
                continue
            best, profile = timing["min"], timing.get("profile", {})
            rows.append([
                name, who, duration(timing["first"]), duration(timing["median"]), duration(best),
                number(best / mine) if (mine := row["contestants"]["gramian"].get("min")) else "",
                f"{row['floor'] / best:.1%}", number(timing["difference"]),
                number(profile.get("busy")), profile.get("kernels", ""), profile.get("waits", ""),
            ])  # fmt: skip
    head = ["job", "who", "first", "median", "best", "x ours", "share of the floor", "difference",
            "GPU busy", "kernels", "waits"]  # fmt: skip
    return f"Ceilings: {ceilings}.\n\n" + table(head, rows)


WRITERS: dict[str, Callable[[Data], str]] = {
    "facts": facts, "solvers": solvers, "products": products, "smoke": smoke, "suite": suite,
    "interop": suite, "sanitize": sanitize, "jobs": jobs,
}  # fmt: skip


def duration(seconds: float | None) -> str:
    """Return a time in milliseconds."""
    return "" if seconds is None else f"{1e3 * seconds:.3g} ms"


def rate(row: Data) -> str:
    """Return a time and what it is in TFLOP/s."""
    return f"{duration(row['seconds'])}, {row['tflops']:.1f}"


def number(value: float | None) -> str:
    """Return a number in three digits."""
    return "" if value is None else f"{value:.3g}"
