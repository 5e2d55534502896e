"""Arrays of CuPy, torch and jax on the device, in and back: tests/test_device_arrays.py."""

from __future__ import annotations

import sys

from bench.gpu.suite import ROOT, Work, run
from gramian.gpu_check.step import Step

PLACE = "tests/test_device_arrays.py"
SHARDS = 4
LEAST_PASSED = 360


def main() -> int:
    """Run the step."""
    step = Step(__doc__)
    if step.standins:
        return step.unavailable("CuPy, torch and jax have no arrays on the stand-ins")
    if not (ROOT / PLACE).exists():
        return step.unavailable(f"there is no {PLACE}")
    return run(step, [Work((PLACE,), f"{i}/{SHARDS}") for i in range(1, SHARDS + 1)], LEAST_PASSED)


if __name__ == "__main__":
    sys.exit(main())
