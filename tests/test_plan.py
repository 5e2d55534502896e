"""Plans: what they say of every measure, and how true it is."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian._measures.registry import MEASURES

SINGLE, DOUBLE = "float32", "float64"
SELF: list[int] = []


def case(
    measure: str,
    n: int,
    x: list[int],
    y: list[int],
    dtype: str,
    condition: float = 1,
    *,
    copies: bool = False,
    **options: Any,
) -> dict[str, Any]:
    return {
        "measure": measure,
        "n": n,
        "x": x,
        "y": y,
        "dtype": dtype,
        "condition": condition,
        "copies": copies,
        "options": options,
    }


# Layers whose conditions, 5e3 in float and 1e9 in double, are such that they take most.
CASES = {
    "linear": case("cka", 6000, [400], [500], DOUBLE),
    "kernel": case("cka", 3000, [200], [300], SINGLE, kernel="rbf"),
    "distances": case("distance_correlation", 2000, [40] * 60, SELF, DOUBLE),
    "orders of Gram matrices": case(
        "cka", 2500, [50, 60], [70], DOUBLE, inference="permutation", n_resamples=16
    ),
    "halves of Gram matrices": case(
        "cka", 3000, [50], [70], SINGLE, inference="bootstrap", n_resamples=16, debiased=True
    ),
    "orders compared anew": case(
        "procrustes", 20000, [500], [600], SINGLE, inference="permutation", n_resamples=2
    ),
    "cca": case("cca", 5000, [200], [300], DOUBLE, 1e9),
    "cca in float": case("cca", 5000, [200], [300], SINGLE, 5e3),
    "cca of wide layers": case("cca", 400, [1600], [2500], SINGLE),
    "pwcca of wide layers": case("pwcca", 400, [16000], [2500], SINGLE),
    "svcca of wide layers": case("svcca", 400, [16000], [2500], SINGLE),
    "regression of wide layers": case("linear_regression", 400, [16000], [25000], SINGLE),
    "regression of wide layers in folds": case(
        "linear_regression", 400, [16000], [25000], SINGLE, cross_validate=4
    ),
    "procrustes of wide layers": case("procrustes", 400, [16000, 25000], SELF, SINGLE),
    "distance of wide layers": case(
        "procrustes_distance", 400, [16000], [16000], SINGLE, copies=True
    ),
    "shape of wide layers": case("shape_distance", 400, [16000], [2500], SINGLE, alpha=0.5),
    "cca of very wide layers": case("cca", 512, [100_000], [50_000], SINGLE),
    "cka of wide layers": case("cka", 300, [20_000] * 10, [30_000] * 10, SINGLE),
    "cca of good condition": case("cca", 5000, [200], [300], DOUBLE),
    "cca with a ridge": case("cca", 5000, [200], [300], DOUBLE, 1e3, regularization=0.1),
    "cca in folds": case("cca", 5000, [200], [150], SINGLE, 5e3, cross_validate=2),
    "svcca": case("svcca", 5000, [200], [300], DOUBLE, 1e3, components=150),
    "pwcca": case("pwcca", 5000, [200, 250], SELF, SINGLE, 5e3),
    "regression": case("linear_regression", 5000, [200], [300], SINGLE, 5e3),
    "regression in folds": case(
        "linear_regression", 5000, [200], [150], DOUBLE, 1e9, cross_validate=2
    ),
    "ridge": case("ridge_regression", 5000, [200], [150], DOUBLE, 1e3),
    "ridge of wide layers": case("ridge_regression", 400, [16000], [25000], SINGLE),
    "ridge by inner folds": case(
        "ridge_regression", 2000, [200], [400], DOUBLE, cross_validate=2, inner_folds=3
    ),
    "procrustes": case("procrustes", 1000, [500, 600, 700], SELF, DOUBLE),
    "procrustes distance": case("procrustes_distance", 1000, [700], [700], DOUBLE, copies=True),
    "shape": case("shape_distance", 5000, [200], [300], DOUBLE, 1e3, alpha=0.5),
    "assignment": case("match_one_to_one", 500, [1500], [1500], SINGLE),
    "semi-matching": case("match_semi", 500, [1500], [1500], DOUBLE),
    "sparse prediction": case("sparse_prediction", 500, [1000], [1000], DOUBLE, alphas=0.5),
}


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many of them, two unless told otherwise."""
    before = gm.get_num_threads()
    count = getattr(request, "param", 2)
    gm.set_num_threads(count)
    yield count
    gm.set_num_threads(before)


def empty(n: int, widths: list[int], dtype: str) -> list[np.ndarray]:
    """Layers of which only the shape and the type are there."""
    return [np.broadcast_to(np.zeros((), dtype), (n, p)) for p in widths]


def planned(given: dict[str, Any]) -> gm.Plan:
    A, B = (empty(given["n"], given[side], given["dtype"]) for side in "xy")
    return gm.plan(A, B or None, measure=given["measure"], **given["options"])


def measured(*options: str, **environment: str) -> dict[str, list[int]]:
    """Bytes that the cases take at most above their inputs, as `peak.py` tells them."""
    program = Path(__file__).with_name("peak.py")
    command = [sys.executable, str(program), json.dumps([*CASES.values()]), *options]
    alone = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}  # numpy's, which makes the layers
    alone |= environment
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=alone)
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.fixture(scope="module")
def peaks() -> dict[str, list[int]]:
    """What comparisons need with one thread and with two: heaps keep nothing of what is freed."""
    return measured("--again", MALLOC_ARENA_MAX="1", MALLOC_MMAP_THRESHOLD_="100000")


@pytest.fixture(scope="module")
def usual_peaks() -> dict[str, int]:
    """What they take in the first call, with a heap for every thread, as is usual."""
    return {name: peak for name, (peak,) in measured().items()}


def test_memory_of_every_family_is_measured() -> None:
    measured = {MEASURES[given["measure"]].plan for given in CASES.values()}
    families = {row.family for row in MEASURES.values()}
    assert {MEASURES[given["measure"]].family for given in CASES.values()} == families
    assert {row.plan for row in MEASURES.values() if row.name != "cca_squared"} == measured


@pytest.mark.parametrize("threads", [1, 2], indirect=True)
@pytest.mark.parametrize("name", [name for name in CASES if "good" not in name])
def test_memory(name: str, threads: int, peaks: dict[str, list[int]]) -> None:
    assert 0.9 <= planned(CASES[name]).memory / peaks[name][threads - 1] <= 1.6


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("name", CASES)
def test_the_first_call_takes_little_more(name: str, usual_peaks: dict[str, int]) -> None:
    """For BLAS, 8 MB for each of the two threads; and as much of what is freed."""
    assert usual_peaks[name] <= 1.1 * planned(CASES[name]).memory + 4 * 8e6


def test_memory_is_an_upper_bound_for_easier_layers(
    threads: int, peaks: dict[str, list[int]]
) -> None:
    """Whose bases are not formed."""
    assert peaks["cca of good condition"][threads - 1] < planned(CASES["cca"]).memory / 2


@pytest.mark.parametrize("measure", MEASURES)
def test_a_plan_is_about_its_measure(measure: str) -> None:
    row = MEASURES[measure]
    A, B = empty(500, [40, 60], SINGLE), empty(500, [30], SINGLE)
    plan = gm.plan(A, B, measure=measure)
    assert plan.measure == measure
    assert str(plan).startswith(f"{measure} by {plan.path} in {plan.dtype}")
    assert plan.flops >= 2 * 500 * (40 + 60) * 30
    in_double = row.name in ("sparse_prediction", "ridge_regression")
    assert plan.dtype == (DOUBLE if in_double else SINGLE)
    assert min(plan.memory, plan.seconds, plan.threads) > 0
    more = gm.plan(A * 2, B, measure=measure)
    assert more.flops > plan.flops
    assert more.memory >= plan.memory
    assert more.seconds > plan.seconds
    assert gm.plan(A, measure=measure).flops <= gm.plan(A, A, measure=measure).flops
    assert gm.plan(empty(500, [40, 60], DOUBLE), B, measure=measure).dtype == DOUBLE


def test_flops() -> None:
    """Of what the formulas in the documentation say."""
    n, p, q = 500, 40, 30
    A, B = empty(n, [p], SINGLE), empty(n, [q], SINGLE)
    product, bases = 2 * n * p * q, 3 * n * (p * p + q * q)
    for measure in ("procrustes", "procrustes_distance", "shape_distance", "match_semi"):
        assert gm.plan(A, B, measure=measure).flops == product, measure
    for measure in ("cca", "pwcca", "svcca"):
        assert gm.plan(A, B, measure=measure).flops == bases + product, measure
    assert gm.plan(A, B, measure="linear_regression").flops == 3 * n * q * q + product
    assert gm.plan(A, B, measure="sparse_prediction").flops == n * p * p + product
    folds = gm.plan(A, B, measure="cca", cross_validate=5)
    assert folds.flops == pytest.approx(5 * 0.8 * (bases + product))
    assert folds.path.endswith("5 folds")


@pytest.mark.parametrize(
    ("arguments", "exception"),
    [
        ({"measure": "svcca", "variance": 2}, ValueError),
        ({"measure": "cca", "kernel": "rbf"}, TypeError),
        ({"measure": "cca", "cross_validate": 11}, ValueError),
        ({"measure": "linear_regression", "cross_validate": 1}, ValueError),
        ({"measure": "shape_distance", "alpha": 3}, ValueError),
        ({"measure": "sparse_prediction", "tol": 0}, ValueError),
        ({"measure": "pwcca", "side": "z"}, ValueError),
        ({"kernel": "precomputed"}, ValueError),
        ({"max_memory": 0}, ValueError),
        ({"device": "tpu"}, ValueError),
    ],
)
def test_a_plan_refuses_what_compare_refuses(
    arguments: dict[str, Any], exception: type[Exception]
) -> None:
    messages = []
    for function in (gm.plan, gm.compare):
        with pytest.raises(exception) as caught:
            function(empty(20, [4], SINGLE), empty(20, [3], SINGLE), **arguments)
        messages.append(str(caught.value))
    assert messages[0] == messages[1]


def test_too_few_samples() -> None:
    few = empty(3, [2], SINGLE)
    for measure, options in (("cka", {"debiased": True}), ("cka", {}), ("match_semi", {})):
        least = 4 if options else 2
        with pytest.raises(ValueError, match=f"must have at least {least} samples"):
            gm.plan([X[: least - 1] for X in few], measure=measure, **options)


def test_the_reference_has_no_plan() -> None:
    with pytest.raises(ValueError, match=r"^device='reference' has no plan"):
        gm.plan(empty(20, [4], SINGLE), device="reference")


def test_a_plan_for_a_device(device: str) -> None:
    """With what is copied there."""
    A = empty(3000, [40, 50], SINGLE)
    there, here = (gm.plan(A, measure="procrustes", device=name) for name in (device, "cpu"))
    assert there.memory - here.memory == (0 if device == "cpu" else 3000 * 90 * 4)


def test_it_takes_what_compare_takes() -> None:
    """So that a call becomes a plan by its name alone."""
    of_compare = inspect.signature(gm.compare).parameters
    of_plan = inspect.signature(gm.plan).parameters
    assert [name for name in of_plan if name != "streaming"] == list(of_compare)
    layers = [np.zeros((50, 3))]
    given: dict[str, Any] = {"nan_policy": "propagate", "progress": print, "debiased": True}
    assert gm.plan(layers, **given) == gm.plan(layers, debiased=True)
    with pytest.raises(ValueError, match=r"^nan_policy must be 'raise' or 'propagate'"):
        gm.plan(layers, nan_policy="ignore")


def test_inference_is_in_the_plan() -> None:
    """What draws take, and that Gram matrices are kept where there is room for them."""
    A, B = empty(2000, [40, 60], SINGLE), empty(2000, [30], SINGLE)
    alone = gm.plan(A, B)
    for options in (
        {"inference": "permutation", "n_resamples": 100},
        {"inference": "bootstrap", "n_resamples": 100},
        {"inference": "jackknife"},
    ):
        plan = gm.plan(A, B, **options)
        assert "centered Gram matrices" in plan.path
        assert plan.seconds > alone.seconds
        assert plan.memory > alone.memory + 4 * 2000 * 2000 * 3
        tight = gm.plan(A, B, max_memory=1e7, **options)
        draws = options.get("n_resamples", 50)
        assert f"and so for {draws} draws" in tight.path
        assert tight.memory < 1e7
    more = gm.plan(A, B, inference="permutation", n_resamples=1000)
    fewer = gm.plan(A, B, inference="permutation", n_resamples=100)
    assert 5 < more.seconds / fewer.seconds < 11
    jackknife = gm.plan(A, B, debiased=True, inference="jackknife")
    assert jackknife.seconds > 20 * gm.plan(A, B, debiased=True).seconds  # it makes n² numbers
    assert "residuals" in gm.plan(A, B, measure="linear_regression", inference="jackknife").path
    blocks = gm.plan(A, B, measure="cca", inference="jackknife")
    assert "and so for 50 draws" in blocks.path
    assert blocks.flops == 51 * gm.plan(A, B, measure="cca").flops


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"threads": 1}, ", 1 thread: "),
        ({"threads": 2}, ", 2 threads: "),
        ({"flops": 2.82e13}, ": 28.2 Tflop, "),
        ({"flops": 2.4e10}, ": 24 Gflop, "),
        ({"flops": 4.2e15}, ": 4,200 Tflop, "),
        ({"memory": 5.5 * 2**30}, ", 5.5 GiB, "),
        ({"seconds": 0.0034}, ", about 0.0034 s"),
        ({"seconds": 12.34}, ", about 12 s"),
        ({"seconds": 200.0}, ", about 3 min"),
        ({"seconds": 20_000.0}, ", about 5.6 h"),
    ],
)
def test_words(changes: dict[str, Any], words: str) -> None:
    plan = dataclasses.replace(gm.plan([np.zeros((60, 3))]), **changes)
    assert words in str(plan)
