"""Layers that are dask arrays, on the schedulers that dask has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inputs import pair

import gramian as gm

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")

X, Y = pair(330, 5, 4)


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with (
        dask.config.set({"distributed.worker.daemon": True, "distributed.admin.tick.limit": "1h"}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as connected,
    ):
        yield connected


def chunked(array: np.ndarray, rows: int = 100, columns: int = -1) -> Any:
    return da.from_array(array, chunks=(rows, columns))


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize(
    ("measure", "options"),
    [("cka", {}), ("cka", {"debiased": True}), ("cca", {}), ("procrustes", {}), ("match_semi", {})],
)
def test_chunks_make_the_whole(scheduler: str, measure: str, options: dict[str, Any]) -> None:
    A, B = {"x": chunked(X, 90, 2), "y": chunked(Y)}, [chunked(Y, 70)]
    with dask.config.set(scheduler=scheduler):
        found = gm.compare(A, B, measure=measure, **options)
    expected = gm.compare({"x": X, "y": Y}, [Y], measure=measure, **options)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-13)
    assert (found.x_names, found.y_names) == (expected.x_names, expected.y_names)
    assert (found.options, found.n_samples) == (expected.options, expected.n_samples)


def test_among_themselves_and_with_other_arrays() -> None:
    with dask.config.set(scheduler="synchronous"):
        found = gm.compare({"x": chunked(X), "y": Y})
    np.testing.assert_allclose(found.values, gm.compare({"x": X, "y": Y}).values, atol=1e-13)


@pytest.mark.parametrize("n", [330, 2300])
def test_widths_are_those_of_the_first_samples(n: int) -> None:
    """As an accumulator finds them that takes the chunks one after the other."""
    a, b = pair(n, 5, 4)
    options = {"kernel": "rbf", "bandwidth": 0.5}
    accumulator = gm.Accumulator("cka", **options)
    for start in range(0, n, 300):
        accumulator.update({"x": a[start : start + 300]}, {"y": b[start : start + 300]})
    with dask.config.set(scheduler="synchronous"):
        found = gm.compare({"x": chunked(a, 300)}, {"y": chunked(b, 300)}, **options)
    expected = accumulator.compute()
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-13)
    assert found.options["estimator"] == "minibatch"


def test_a_chunk_with_nan_is_named(client: Any) -> None:
    """On the cluster, whose exceptions have come a long way."""
    holed = X.copy()
    holed[217, 3] = np.nan
    with pytest.raises(ValueError, match=r"^chunk 2, samples 200 to 299: A\['x'\] must be finite"):
        gm.compare({"x": chunked(holed)}, {"y": chunked(Y)})
    with pytest.warns(RuntimeWarning, match=r"A\['x'\] holds values that cannot be used"):
        found = gm.compare(
            {"x": chunked(holed), "z": chunked(X)}, {"y": chunked(Y)}, nan_policy="propagate"
        )
    assert np.isnan(found.values).ravel().tolist() == [True, False]


def test_processes(client: Any) -> None:
    found = gm.compare({"x": chunked(X)}, {"y": chunked(Y)}, measure="cca")
    expected = gm.compare({"x": X}, {"y": Y}, measure="cca")
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-13)


@pytest.mark.parametrize("method", ["permutation", "bootstrap", "jackknife"])
def test_resamples_are_shared_among_workers(client: Any, method: str) -> None:
    options: dict[str, Any] = {"inference": method}
    if method != "jackknife":
        options |= {"n_resamples": 40, "rng": 1}
    found = gm.compare({"x": chunked(X)}, {"y": chunked(Y)}, **options).inference
    expected = gm.compare({"x": X}, {"y": Y}, **options).inference
    assert found is not None
    assert expected is not None
    for name, values in expected.arrays.items():
        np.testing.assert_allclose(found.arrays[name], values, rtol=0, atol=1e-12)


@pytest.mark.parametrize("options", [{"kernel": "rbf"}, {"measure": "distance_correlation"}])
def test_intervals_are_about_the_value_of_all_samples(options: dict[str, Any]) -> None:
    """Without inference it would be an estimate from chunks, which draws do not vary about."""
    dask = pytest.importorskip("dask")
    options = {**options, "inference": "jackknife"}
    expected = gm.compare({"x": X}, {"y": Y}, **options)
    with dask.config.set(scheduler="synchronous"):
        found = gm.compare({"x": chunked(X)}, {"y": chunked(Y)}, **options)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=1e-12)
    assert found.options == expected.options
    assert found.inference is not None
    assert expected.inference is not None
    for name, values in expected.inference.arrays.items():
        np.testing.assert_allclose(found.inference.arrays[name], values, rtol=0, atol=1e-10)


KILLED = """
import contextlib, json, os, signal, sys
from pathlib import Path
import dask.array as da, distributed, gramian as gm, numpy as np

def dies_once(block, mark):
    "Kill the worker that comes first, and no other: one must be left to do the work."
    if block.size > 1:
        with contextlib.suppress(FileExistsError):
            Path(mark).touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
    return block

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    X, Y = (da.from_array(np.load(folder / f"{k}.npy"), chunks=(100, -1)) for k in "XY")
    mark = str(folder / "killed")
    dying = X.map_blocks(dies_once, mark, dtype=X.dtype, meta=np.empty((0, 0)))
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        found = gm.compare({"x": dying}, {"y": Y})
    print(json.dumps([found.values.tolist(), Path(mark).exists()]))
"""


def test_a_killed_worker_changes_nothing(tmp_path: Path) -> None:
    """In a process of its own, which ends whatever becomes of the cluster."""
    pytest.importorskip("distributed")
    script = tmp_path / "killed.py"
    script.write_text(KILLED, encoding="utf-8")
    np.save(tmp_path / "X.npy", X)
    np.save(tmp_path / "Y.npy", Y)
    done = subprocess.run(
        [sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    values, killed = json.loads(done.stdout)
    assert killed
    expected = gm.compare({"x": X}, {"y": Y}).values
    np.testing.assert_allclose(values, expected, rtol=0, atol=1e-13)


def test_what_is_refused() -> None:
    with pytest.raises(ValueError, match=r"A\['x'\] has 300, another has 330"):
        gm.compare({"x": chunked(X[:300])}, {"y": chunked(Y)})
    with pytest.raises(ValueError, match="must be 2-D"):
        gm.compare({"x": chunked(X)[:, 0]})
    with pytest.raises(ValueError, match=r"compute_chunk_sizes\(\) first"):
        gm.compare({"x": chunked(X)[chunked(X)[:, 0] > 0]})
    with pytest.raises(ValueError, match="cross_validate must be None"):
        gm.compare({"x": chunked(X)}, {"y": chunked(Y)}, measure="cca", cross_validate=5)
