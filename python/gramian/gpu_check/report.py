"""The report that people read, from the one that programs do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["arrays", "facts", "jobs", "markdown", "products", "smoke", "solvers", "table"]

Data = dict[str, Any]
Writer = Callable[[Data], str]


def markdown(report: Data, writers: Mapping[str, Writer]) -> str:
    """Return the report; a step that was not reached says so."""
    steps: Data = report["steps"]
    known = steps.get("facts", {}).get("data", {})
    card = known.get("card", {}).get("name", "no card")
    version = f"gramian {report['gramian']}"
    if known.get("commit"):
        version += f", commit {known['commit']}"
    parts = [f"# {version} on {card}, {known.get('date', 'without a date')}"]
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
        if data := step["data"]:
            parts.append(f"## {name}")
            parts += [f"- **Problem:** {flat(problem)}" for problem in data.get("problems", ())]
            parts.append(_written(data, writers[name]))
    return "\n\n".join(parts) + "\n"


def _written(data: Data, write: Writer) -> str:
    try:
        return str(data.get("unavailable") or write(data))
    except Exception as error:  # of a step that was cut short
        return f"(not readable: {type(error).__name__} {error}; see report.json)"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(flat, line)) + " |" for line in lines)


def flat(value: Any) -> str:
    """Return text that fits into a cell."""
    return " ".join(str(value).replace("|", "/").split())[:500]


def facts(data: Data) -> str:
    """Return one line a fact."""
    rows = [[key, value] for key, value in data.items() if key != "problems"]
    return table(["fact", "value"], rows)


def solvers(data: Data) -> str:
    """Return times of factorisations, and how far gesvdp is off."""
    lines = [f"gesvdp without vectors, U and V {k}: {v}" for k, v in data["null_vectors"].items()]
    rows = [
        [name, way, duration(row.get("seconds")), number(row.get("h_err_sigma_in_eps")),
         number(row.get("error_in_eps")), row.get("error", row.get("info"))]
        for name, ways in data.items() if name not in ("null_vectors", "problems")
        for way, row in ways.items()
    ]  # fmt: skip
    head = ["matrix", "routine", "time", "h_err_sigma / eps", "error / eps", "info"]
    return "\n".join(f"- {line}" for line in lines) + "\n\n" + table(head, rows)


def products(data: Data) -> str:
    """Return rates and errors of cuBLAS, rates of copies."""
    rows = [
        [row["name"], row["dtype"], shape(row), rate(row["default"]), rate(row["pedantic"]),
         row["same_bits"], number(row["error_in_eps"])]
        for row in data.get("products", [])
    ]  # fmt: skip
    head = ["product", "type", "shape", "default, TF/s", "pedantic, TF/s", "same", "error / eps"]
    parts = [table(head, rows)]
    rows = [
        [row["count"], row["dtype"], shape(row), rate(row["batched"]), rate(row["looped"]),
         row["same_bits"], number(row["error_in_eps"])]
        for row in data.get("batches", [])
    ]  # fmt: skip
    head = ["products", "type", "shape", "batched, TF/s", "looped, TF/s", "same", "error / eps"]
    parts.append(table(head, rows))
    parts += [f"{key}: {data[key]}" for key in ("copies", "latencies", "bfloat16", "split")
              if key in data]  # fmt: skip
    return "\n\n".join(parts)


def smoke(data: Data) -> str:
    """Return the largest error of every measure."""
    rows = [
        [name, number(row["eps"]), row["error"][:160]] for name, row in data["measures"].items()
    ]
    return table(["measure", "largest error / eps", "errors"], rows)


def arrays(data: Data) -> str:
    """Return the largest error of every result, or what is wrong with it."""
    rows = [
        [name, what, number(row.get("eps")), row.get("error", "")]
        for name, results in data["arrays"].items() for what, row in results.items()
    ]  # fmt: skip
    return table(["arrays", "result", "largest error / eps", "errors"], rows)


def jobs(data: Data) -> str:
    """Return times of ours and of the others, beside the floor."""
    ceilings = ", ".join(f"{name} {value:.3g}" for name, value in data["ceilings"].items())
    rows = []
    for name, row in data.items():
        if name in ("ceilings", "problems"):
            continue
        if "error" in row:
            rows.append([name, row["error"][:200]])
            continue
        for who, timing in row["contestants"].items():
            if "error" in timing:
                rows.append([name, who, timing["error"][:200]])
                continue
            best, seen = timing["min"], timing.get("profile", {})
            rows.append([
                name, who, duration(timing["first"]), duration(timing["median"]), duration(best),
                number(best / mine) if (mine := row["contestants"]["gramian"].get("min")) else "",
                f"{row['floor'] / best:.1%}", number(timing["difference"]),
                number(seen.get("busy")), seen.get("kernels", ""), seen.get("waits", ""),
            ])  # fmt: skip
    head = ["job", "who", "first", "median", "best", "x ours", "share of the floor", "difference",
            "GPU busy", "kernels", "waits"]  # fmt: skip
    return f"Ceilings: {ceilings}.\n\n" + table(head, rows)


def duration(seconds: float | None) -> str:
    """Return a time in milliseconds."""
    return "" if seconds is None else f"{1e3 * seconds:.3g} ms"


def shape(row: Data) -> str:
    """Return the three sizes of a product."""
    return "x".join(map(str, row["shape"]))


def rate(row: Data) -> str:
    """Return a time and what it is in TFLOP/s."""
    return f"{duration(row['seconds'])}, {row['tflops']:.1f}"


def number(value: float | None) -> str:
    """Return a number in three digits."""
    return "" if value is None else f"{value:.3g}"
