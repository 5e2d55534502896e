"""What a plan says of a jackknife, against what was measured, in calls without one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import gramian as gm

# Measured on two cores, with two threads, in float32.
MEASURED: list[tuple[str, dict[str, Any], tuple[int, int, int], float]] = [
    ("cka", {"debiased": True}, (2000, 256, 6), 5.5),
    ("cka", {"debiased": True}, (2000, 64, 2), 80),
    ("cka", {"debiased": True}, (500, 64, 2), 20),
    ("cka", {"debiased": True}, (1000, 1000, 3), 2.8),
    ("cka", {"debiased": True}, (4000, 128, 3), 53),
    ("cka", {"kernel": "rbf"}, (2000, 256, 6), 4.8),
    ("cka", {"kernel": "rbf"}, (4000, 128, 3), 7),
    ("linear_regression", {}, (2000, 256, 6), 5.5),
    ("linear_regression", {}, (4000, 128, 3), 15),
    ("linear_regression", {}, (1000, 1000, 3), 5.5),
]


@pytest.mark.parametrize(("measure", "options", "sizes", "calls"), MEASURED)
def test_a_jackknife_takes_so_many_calls(
    measure: Any, options: dict[str, Any], sizes: tuple[int, int, int], calls: float
) -> None:
    n, p, layers = sizes
    before = gm.get_num_threads()
    gm.set_num_threads(2)
    try:
        A = [np.zeros((n, p), np.float32)] * layers
        given: dict[str, Any] = {"measure": measure, **options}
        alone = gm.plan(A, A, **given)
        jackknife = gm.plan(A, A, inference="jackknife", **given)
    finally:
        gm.set_num_threads(before)
    assert calls / 2.5 < jackknife.seconds / alone.seconds < 2.5 * calls


def test_groups_cost_a_step_each() -> None:
    A = [np.zeros((1000, 4))]
    given: dict[str, Any] = {"measure": "linear_regression", "inference": "jackknife"}
    groups = np.arange(1000) // 2
    assert gm.plan(A, A, groups=groups, **given).seconds > 3 * gm.plan(A, A, **given).seconds


def test_small_ones_cost_what_a_call_does() -> None:
    A = [np.zeros((20, 4))]
    assert gm.plan(A, inference="jackknife").seconds > 3e-4
    assert gm.plan(A, measure="linear_regression", inference="jackknife").seconds > 3e-4
