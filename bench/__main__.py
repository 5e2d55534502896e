"""`python -m bench`, from the repository's root: the table, or one of the studies."""

from __future__ import annotations

import argparse
import platform
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench import studies
from bench.cases import CASES, Case, all_cases
from bench.fit import fit
from bench.peers import PEERS
from bench.runner import clean_environment
from bench.table import COLUMNS, heading, print_case

DEFAULTS = {  # cases of the studies that do not run them all
    "busy": ["linear-pair", "rbf-pair"],
    "steps": [case.name for case in CASES.values() if case.condition is not None],
}


def main() -> int:
    """Run what the command line asks for; 1 if a contestant failed or gave another value."""
    options = parse()
    if options.list:
        for case in all_cases().values():
            print(f"{case.name:19}  {case}")
        return 0
    known = all_cases()
    names = options.case or DEFAULTS.get(options.what, list(known))
    cases = [without(known[name], options.without) for name in names]
    lines: list[str] = []

    def write(text: str) -> None:
        print(text, flush=True)
        lines.append(text)

    write(preamble(options.repeat, options.threads))
    settings = {"repeat": options.repeat, "threads": options.threads}
    right = True
    if options.what == "growth":
        studies.growth(write, **settings)
    elif options.what == "busy":
        studies.busy(cases, write, **settings)
    elif options.what == "steps":
        studies.steps(cases, write, threads=options.threads)
    elif options.what == "fit":
        fit(write, repeat=options.repeat)
    elif options.what == "memory":
        studies.memory(write, threads=options.threads)
    else:
        write(heading(COLUMNS))
        for case in cases:
            right &= print_case(case, write, **settings)
        write("\nCases:\n" + "\n".join(f"- {case.name}: {case}" for case in cases))
        peers = dict.fromkeys(name for case in cases for name in case.peers)
        write("\nPeers:\n" + "\n".join(f"- {name}: {PEERS[name].statement}" for name in peers))
    if options.markdown:
        options.markdown.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0 if right else 1


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        default="table",
        choices=["table", "growth", "busy", "memory", "steps", "fit"],
    )
    parser.add_argument("--case", nargs="+", choices=all_cases(), metavar="NAME", help="see --list")
    parser.add_argument("--without", nargs="+", default=[], metavar="NAME", help="contestants")
    parser.add_argument("--repeat", type=int, default=5, help="timed calls of each (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="of ours and the floor (default 2)")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the output here too")
    parser.add_argument("--list", action="store_true", help="list the cases and end")
    options = parser.parse_args()
    if options.repeat < 1 or options.threads < 1:
        parser.error("--repeat and --threads must be at least 1")
    return options


def without(case: Case, names: list[str]) -> Case:
    """Return a case that leaves out some contestants."""
    peers = tuple(name for name in case.peers if name not in names)
    return replace(case, peers=peers, reference=case.reference and "reference" not in names)


def preamble(repeat: int, threads: int) -> str:
    """Say on what and how the figures were taken."""
    packages = ("gramian", "numpy", "torch", "pytorch-cka", "scipy-openblas64")
    found = ", ".join(f"{name} {_version(name)}" for name in packages)
    return (
        f"{_processor()}; Python {platform.python_version()}; {found}.\n"
        f"{clean_environment()}\n"
        f"Best and median of {repeat}; {threads} threads for gramian and the floor, each library's "
        "default for the others; one process a contestant, in turns; ratios of the best; peak "
        "above the inputs, first call in a fresh process.\n"
    )


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    if sys.platform == "linux":
        for row in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if row.startswith("model name"):
                return row.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
