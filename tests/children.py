"""Scripts in processes of their own, for what may take a process down or leave it hanging."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="limits and forks as on Linux")


def child(
    script: str, *, timeout: float = 60, code: int = 0, environment: dict[str, str] | None = None
) -> str:
    """Return what a script printed; it must end with this code and write nothing to stderr."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert (done.returncode, done.stderr) == (code, "")
    return done.stdout.strip()
