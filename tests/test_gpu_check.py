"""`python -m gramian.gpu_check` without a device: what it says, how it runs steps, its peers."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gramian import RBF, reference
from gramian._core import modules
from gramian.gpu_check import data, driver, peers
from gramian.gpu_check.__main__ import STAGES, main
from gramian.gpu_check.jobs import JOBS, Job
from gramian.gpu_check.products import error

# Steps that go wrong, each in its own way, and how the report calls it.
PLANTED = {
    "fails": ("import sys; sys.exit(1)", "failed (exit code 1)"),
    "raises": ("raise ValueError('planted')", "failed (exit code 1)"),
    "crashes": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "died of SIGSEGV"),
    "hangs": ("import time; time.sleep(60)", "out of time"),
    "passes": ("pass", "done"),
}


def stages(folder: Path) -> dict[str, driver.Stage]:
    for name, (script, _) in PLANTED.items():
        (folder / f"{name}.py").write_text(script, encoding="utf-8")
    return {name: driver.Stage(name, 2, str) for name in PLANTED}


def options(folder: Path, *arguments: str, steps: Any = STAGES) -> Any:
    given = [f"--output={folder / 'out'}", *arguments]
    return driver.parser("gramian.gpu_check", None, steps, budget=270, arguments=given)


def test_without_a_device(tmp_path: Path) -> None:
    """It ends at once, with one line and a code of its own, and leaves nothing behind."""
    done = subprocess.run(
        [sys.executable, "-m", "gramian.gpu_check", "--output", str(tmp_path / "out")],
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("gpu_check: nothing to check: ")
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def no_driver() -> Any:
    return SimpleNamespace(device_count=lambda: (0, "the driver is too old"))


def not_loaded() -> Any:
    raise RuntimeError("gramian's CUDA backend cannot be loaded (libcublas.so.13)")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("find_spec", lambda name: None, "build it with -Ccmake.define.GRAMIAN_CUDA=ON"),
        ("cuda", no_driver, "the driver is too old.*nvidia-smi.*driver is version 580"),
        ("cuda", not_loaded, "cannot be loaded .libcublas"),
    ],
    ids=["backend", "driver", "libraries"],
)
def test_what_is_missing(
    name: str,
    value: Callable[..., Any],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if name == "find_spec":
        monkeypatch.setattr(modules, "cuda", modules.cuda.__wrapped__)  # without its cache
    monkeypatch.setattr(modules, name, value)
    assert driver.check(options(tmp_path), STAGES) == driver.NOTHING_TO_CHECK == 2
    message = capsys.readouterr().err
    assert re.search(said, message), message


def test_stand_ins_that_are_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["gpu_check", f"--standins={tmp_path}", f"--output={tmp_path / 'out'}"]
    monkeypatch.setattr(sys, "argv", words)
    assert main() == 2
    assert "libcudart.so.13" in capsys.readouterr().err


def test_steps_that_go_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each costs itself alone, and the report says which."""
    monkeypatch.chdir(tmp_path)
    planted = stages(tmp_path)
    assert not driver.Driver(options(tmp_path, steps=planted), planted).run()
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert set(report) == {"gramian", "standins", "scale", "budget", "steps"}
    assert all(set(step) == {"state", "seconds", "data"} for step in report["steps"].values())
    states = {name: step["state"] for name, step in report["steps"].items()}
    assert states == {name: state for name, (_, state) in PLANTED.items()}
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    assert all(f"| {name} | {state} |" in text for name, (_, state) in PLANTED.items())
    assert text in capsys.readouterr().out


def test_steps_that_are_not_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    planted = stages(tmp_path)
    asked = options(tmp_path, "--budget=1", "--steps=passes,fails", steps=planted)
    assert not driver.Driver(asked, planted).run()
    text = (tmp_path / "out" / "report.md").read_text(encoding="utf-8")
    for name, state in (("passes", "not reached"), ("hangs", "not asked for")):
        assert f"| {name} | {state} | 0.0 |" in text


def test_a_step_that_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options(tmp_path, "--steps=fact")
    assert (
        "there is no step fact: facts, solvers, products, smoke, arrays, jobs"
        in capsys.readouterr().err
    )


def test_data() -> None:
    """Distances that a kernel of width 2 suits, and two models that are alike, not equal."""
    (A, *_), (_, B) = data.models(200, (40, 40), "float64")
    for X in (A, B):
        squares = ((X[:100] - X[100:]) ** 2).sum(axis=1)
        assert 1.8 < np.sqrt(squares).mean() < 3.5
    assert 0.1 < reference.cka(A, B) < 0.95


A, B = data.models(60, (7, 5), "float64")


PEERS: dict[str, tuple[Callable[..., Any], Callable[..., float]]] = {
    "linear": (peers.linear, reference.cka),
    "median": (lambda xp, X, Y: peers.rbf(xp, X, Y, None), lambda X, Y: rbf(X, Y, None)),
    "rbf": (lambda xp, X, Y: peers.rbf(xp, X, Y, 2.0), lambda X, Y: rbf(X, Y, 2.0)),
    "cca": (peers.cca, lambda X, Y: reference.cca(X, Y).mean),
    "procrustes": (peers.procrustes, reference.procrustes),
    "map": (lambda xp, X, Y: peers.linear_map(xp, [X], [Y])[0][0], reference.cka),
    "rbf-map": (
        lambda xp, X, Y: peers.rbf_map(xp, [X], [Y], 2.0)[0][0],
        lambda X, Y: rbf(X, Y, 2.0),
    ),
    "pwcca": (lambda xp, X, Y: peers.pwcca_map(xp, [X], [Y])[0][0], reference.pwcca),
}


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_peers(name: str, library: str) -> None:
    """What ours are held against has the same definition."""
    xp = pytest.importorskip(library)
    peer, exact = PEERS[name]
    X, Y = A[0], B[1]
    # torch's median of an even number is the lower of the middle two.
    tolerance = 1e-4 if (name, library) == ("median", "torch") else 1e-12
    assert peer(xp, xp.asarray(X), xp.asarray(Y)) == pytest.approx(exact(X, Y), abs=tolerance)


def rbf(X: Any, Y: Any, sigma: float | None) -> float:
    kernel = RBF() if sigma is None else RBF(sigma=sigma)
    return reference.cka(X, Y, kernel=kernel)


def test_flops() -> None:
    """2 n p² for X'Y and n p² for one triangle each of X'X and Y'Y; n² (2 p + 4) with kernels."""
    assert Job(10, 3, peers.linear).flops == 180 + 180
    assert Job(10, 3, peers.rbf, kernel="rbf").flops == 100 * (6 + 4)
    assert Job(10, 3, peers.cca, measure="cca", cubes=6).flops == 360 + 6 * 27
    assert Job(3, 3, peers.linear_map, layers=2).flops == 9 * (12 + 16)  # less than 216 + 108
    assert len(JOBS) == 8


def test_a_wrong_product_is_seen() -> None:
    noise = np.random.default_rng(0).standard_normal(1000)
    m, n, k = 7, 5, 11
    left = np.resize(noise, m * k).reshape(m, k)  # of "TN", in rows of k
    right = np.resize(noise[::-1], n * k).reshape(n, k)
    C = left @ right.T
    assert error(C, (noise, noise[::-1]), "TN", k) < 10
    nothing = np.full_like(C, np.nan)
    assert np.isnan(error(nothing, (noise, noise[::-1]), "TN", k))
    C[-1, -1] += 1e-9
    assert error(C, (noise, noise[::-1]), "TN", k) > 1e4
    by_columns = np.resize(noise, m * k).reshape(k, m)
    C = by_columns.T @ np.resize(noise, n * k).reshape(k, n)
    assert error(C, (noise, noise), "NT", k) < 10
