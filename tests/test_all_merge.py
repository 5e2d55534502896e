"""Accumulators of several processes of torch.distributed, and as a metric of torchmetrics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from inputs import pair

import gramian as gm

# What each of two processes does with its half of the samples.
SCRIPT = """
import json, sys
import torch
import torch.distributed as distributed
import gramian as gm
from gramian.compat.torchmetrics import RepresentationSimilarity
from inputs import pair

rank, meeting = int(sys.argv[1]), sys.argv[2]
distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=2)
X, Y = pair(90, 4, 3)
mine = slice(0, 50) if rank == 0 else slice(50, 90)
found = {}
for measure in ("cka", "cca"):
    accumulator = gm.Accumulator(measure)
    accumulator.update({"x": X[mine]}, {"y": Y[mine]})
    merged = accumulator.all_merge()
    assert merged is accumulator
    found[measure] = [merged.n_samples, merged.compute().values[0, 0]]
metric = RepresentationSimilarity("cka", debiased=True)
for start in range(mine.start, mine.stop, 20):
    rows = slice(start, min(start + 20, mine.stop))
    metric.update(torch.from_numpy(X[rows]), torch.from_numpy(Y[rows]))
found["metric"] = float(metric.compute())
found["own"] = metric.accumulator().n_samples
refused = gm.Accumulator("cka", debiased=rank == 0)
refused.update(X, Y)
try:
    refused.all_merge()
except ValueError as error:
    found["refused"] = str(error)
distributed.destroy_process_group()
print(json.dumps(found))
"""


def test_two_processes(tmp_path: Path) -> None:
    """Both have the whole's answer, with the same bits."""
    pytest.importorskip("torch")
    pytest.importorskip("torchmetrics")
    meeting = f"file://{tmp_path / 'meeting'}"
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", SCRIPT, str(rank), meeting],
            cwd=Path(__file__).parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in (0, 1)
    ]
    ended = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0, 0], ended
    first, second = (json.loads(output.splitlines()[-1]) for output, _ in ended)
    X, Y = pair(90, 4, 3)
    for measure in ("cka", "cca"):
        assert first[measure] == second[measure]
        expected = gm.compare([X], [Y], measure=measure).values[0, 0]
        assert first[measure] == [90, pytest.approx(expected, rel=0, abs=1e-13)]
    expected = gm.cka(X, Y, debiased=True)
    assert first["metric"] == second["metric"] == pytest.approx(expected, rel=0, abs=1e-13)
    assert (first["own"], second["own"]) == (50, 40)  # each has its own samples again
    assert "must have the same options" in first["refused"] == second["refused"]


def test_no_process_group() -> None:
    pytest.importorskip("torch")
    with pytest.raises(RuntimeError, match="call init_process_group"):
        gm.Accumulator("cka").all_merge()


def test_metric_of_one_process() -> None:
    """Its value of a batch, and of all; it is reset, and pickled."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("torchmetrics")
    import pickle

    from gramian.compat.torchmetrics import RepresentationSimilarity

    X, Y = (torch.from_numpy(array) for array in pair(60, 4, 3))
    metric = RepresentationSimilarity("cka")
    batch = metric(X[:20], Y[:20])  # `forward`
    assert float(batch) == pytest.approx(gm.cka(X[:20], Y[:20]), abs=1e-13)
    metric.update(X[20:], Y[20:])
    expected = gm.cka(X, Y)
    assert float(metric.compute()) == pytest.approx(expected, abs=1e-13)
    again = pickle.loads(pickle.dumps(metric))
    assert float(again.compute()) == pytest.approx(expected, abs=1e-13)
    metric.reset()
    metric.update({"a": X, "b": Y})
    np.testing.assert_allclose(metric.compute().numpy(), gm.compare({"a": X, "b": Y}).values)
