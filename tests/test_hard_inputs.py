"""Every measure meets every kind of layer that float arithmetic finds hard."""

from __future__ import annotations

import dataclasses
import warnings
from fractions import Fraction
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
# the layers what is all but equal. A polynomial kernel of a fill is a test of its own.
CASES = [
    (variant, kind)
    for variant in variants()
    for kind in KINDS
    if KINDS[kind].invariances <= variant.invariances
    and not (kind == "fill" and isinstance(variant.options.get("kernel"), gm.Polynomial))
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


@pytest.mark.xfail(strict=True, reason="inner products of 1e18 leave double no digit of the rest")
@pytest.mark.parametrize("unbiased", [False, True])
def test_polynomial_of_a_fill(unbiased: bool, implementation: str, dtype: str) -> None:
    """Exactly, in whole numbers; engine and reference were compared, and lost the same digits."""
    X, Y = hard_inputs.make("fill", dtype, 0)
    n = len(X)
    K, L = (whole_polynomial(Z) for Z in (X, Y))
    if unbiased:
        np.fill_diagonal(K, 0)
        np.fill_diagonal(L, 0)
    rows, total = int(K.sum(0) @ L.sum(0)), int(K.sum()) * int(L.sum())
    if unbiased:
        exact = Fraction(int((K * L).sum())) - Fraction(2 * rows, n - 2)
        exact = (exact + Fraction(total, (n - 1) * (n - 2))) / (n * (n - 3))
    else:
        exact = Fraction(int((K * L).sum())) - Fraction(2 * rows, n) + Fraction(total, n * n)
        exact /= (n - 1) ** 2
    units = [Fraction(1, (Z.shape[1] * 2**SHIFT) ** 2) for Z in (X, Y)]
    expected = float(exact * units[0] * units[1])
    kernel = gm.Polynomial(2, constant=0.5)
    found = gm.hsic(X, Y, kernel=kernel, unbiased=unbiased, device=implementation)
    assert found == pytest.approx(expected, rel=1e-3)


SHIFT = 120  # bits behind the point of a product: 60 of an element


def whole_polynomial(Z: Any) -> Any:
    """(x'y / p + 1/2)^2 in units of (p 2^SHIFT)^-2."""
    whole = [[int(Fraction(float(z)) * 2 ** (SHIFT // 2)) for z in row] for row in Z]
    products = np.array(whole, dtype=object) @ np.array(whole, dtype=object).T
    return (products + Z.shape[1] * 2 ** (SHIFT - 1)) ** 2
