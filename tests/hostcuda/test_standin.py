"""The stand-ins for NVIDIA's libraries are tested by a program of their own."""

from __future__ import annotations

import os
import subprocess

import pytest
from hostcuda.standin import StandIn

pytestmark = pytest.mark.cuda


@pytest.mark.parametrize("order", ["forward", "reverse", "random"])
def test_selftest(standin: StandIn, order: str) -> None:
    done = subprocess.run(
        [standin.folder / "selftest"],
        env=os.environ | {"HOSTCUDA_ORDER": order},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "")
