"""Every measure meets every kind of layer that float arithmetic finds hard."""

from __future__ import annotations

import dataclasses
import warnings
from typing import Any

import hard_inputs
import numpy as np
import pytest
from hard_inputs import KINDS
from hypothesis import given, settings
from hypothesis import strategies as st
from ids import plain
from variants import Variant, tolerance, variants

import gramian as gm

# What a kind says of a value, and rightly.
REMARKS = (
    ".* by construction",
    ".* tied ",
    ".* constant unit",
    ".* is constant: ",
    ".* has an HSIC of 0 with itself",
    ".* are not within tol",
)
# What decides on float64 inputs is the reference, whose own arithmetic is float64.
OF_REFERENCE = 1e-9


def value(variant: Variant, X: Any, Y: Any, device: str) -> float:
    """A score, NaN where it is undefined or hangs on a choice that nothing decides."""
    if variant.measure.name == "sparse_prediction":  # to fewer digits: some kinds take it long
        variant = dataclasses.replace(variant, options=variant.options | {"tol": 1e-6})
    with warnings.catch_warnings(record=True) as caught:
        for remark in REMARKS:
            warnings.filterwarnings("always", remark, RuntimeWarning)
        found = variant.score(variant(X, Y, device))
    undecided = any(" tied " in str(one.message) for one in caught)
    return float("nan") if undecided else found


def error_scale(variant: Variant, X: Any, Y: Any) -> float:
    """What errors are relative to: for HSIC, the biased value of each with itself."""
    if variant.measure.normalized:
        return variant.scale(X, Y)
    options = {name: v for name, v in variant.options.items() if name != "unbiased"}
    own = [gm.hsic(Z, Z, device="reference", **options) for Z in (X, Y)]
    return float(np.sqrt(own[0]) * np.sqrt(own[1]))


def check(variant: Variant, kind: str, device: str, dtype: str, seed: int = 0) -> None:
    """Hold a value against the reference's, or against that of a pair that scores the same."""
    X, Y = hard_inputs.make(kind, dtype, seed)
    easy = KINDS[kind].easy
    got = value(variant, X, Y, device)
    if easy is not None:
        X, Y = easy(X, Y)
    expected = value(variant, X, Y, "reference")
    atol = tolerance(dtype, error_scale(variant, X, Y))
    if variant.measure.name == "sparse_prediction":
        atol = max(atol, 1e-5)  # a gap of 1e-6 of the variance; its square root for coefficients
    if dtype == "float64" and easy is None:
        atol = max(atol, OF_REFERENCE * error_scale(variant, X, Y))
    assert got == pytest.approx(expected, rel=0, abs=atol, nan_ok=True)


# Where a kind has an equal that is easy, the others have values beyond float64's range, or take of
# the layers what is all but equal.
CASES = [
    (variant, kind)
    for variant in variants()
    for kind in KINDS
    if KINDS[kind].invariances <= variant.invariances
]


@pytest.mark.parametrize(
    ("variant", "kind"),
    [pytest.param(*case, id=plain(f"{case[0].name}-{case[1]}")) for case in CASES],
)
def test_hard_inputs(variant: Variant, kind: str, device: str, dtype: str) -> None:
    check(variant, kind, device, dtype)


@settings(max_examples=60, deadline=None)
@given(
    case=st.sampled_from(CASES),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(1, 10_000),
)
def test_drawn_inputs(case: tuple[Variant, str], dtype: str, seed: int) -> None:
    """Others of the same kinds."""
    check(*case, "cpu", dtype, seed)
