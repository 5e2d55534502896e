"""The command line, called with files in the current directory."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gramian._cli import main as cli


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, np.ndarray]]:
    """The current directory with a.npz and b.npz of 60 samples, and what they hold."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    first = rng.standard_normal((60, 5))
    a = {"conv1": first, "conv2": np.tanh(first @ rng.standard_normal((5, 8)))}
    b = {name: layer + 0.3 * rng.standard_normal(layer.shape) for name, layer in a.items()}
    np.savez("a.npz", **a)
    np.savez("b.npz", **b)
    return {"a": a, "b": b}


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    """Return the exit code, stdout and stderr of the command."""
    try:
        code = cli.main(argv)
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, *capsys.readouterr()
