"""Run the check as ``python -m gramian.gpu_check``."""

from __future__ import annotations

import sys

from .driver import Stage, check, parser
from .report import arrays, facts, jobs, products, smoke, solvers

__all__ = ["STAGES", "main"]

# In this order. On an H200 they take 2, 20, 15, 12 and 60 seconds.
STAGES = {
    "facts": Stage("gramian.gpu_check.facts", 30, facts, takes=("commit",)),
    "solvers": Stage("gramian.gpu_check.solvers", 60, solvers),
    "products": Stage("gramian.gpu_check.products", 60, products),
    "smoke": Stage("gramian.gpu_check.smoke", 100, smoke, takes=("rerun",)),
    "arrays": Stage("gramian.gpu_check.arrays", 60, arrays),
    "jobs": Stage("gramian.gpu_check.jobs", 150, jobs),
}


def main() -> int:
    """Run the steps that the command line asks for; return the exit code."""
    options = parser("gramian.gpu_check", __doc__, STAGES, budget=270)
    return check(options, STAGES)


if __name__ == "__main__":
    sys.exit(main())
