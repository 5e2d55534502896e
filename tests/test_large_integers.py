"""Integers of 64 bits, of which float64 does not have all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gramian as gm

LARGE = np.random.default_rng(8).integers(0, 50, (40, 5)) + 2**56
SMALL = np.random.default_rng(9).integers(0, 50, (40, 4))


@pytest.mark.parametrize("measure", gm.measures())
def test_integers_that_float64_does_not_have(measure: str, device: str) -> None:
    """They were told to be constant, or lost digits without a word."""
    options: Any = {"alphas": 3.0} if measure == "ridge_regression" else {}
    message = (
        r"^A\['0'\] must not hold integers of 2\*\*53 or more in size, .*, got 720575940379\d+: "
        r"subtract an integer first, as in A\['0'\] - A\['0'\]\.min\(axis=0\)\.$"
    )
    for where in (device, "reference"):
        with pytest.raises(ValueError, match=message):
            gm.compare([LARGE], [SMALL], measure=measure, device=where, **options)


@pytest.mark.parametrize(
    "call",
    [
        lambda X: gm.correlation(X, SMALL),
        lambda X: gm.correlation(X, SMALL, device="reference"),
        lambda X: gm.cka(X[:, :, None], SMALL, layout="ntd", positions="mean"),
        lambda X: gm.noise_ceiling(np.stack([X, X])),
        lambda X: gm.Accumulator("cka").update(X, SMALL),
        lambda X: gm.gram(X),
    ],
    ids=["correlation", "correlation_reference", "mean", "ceiling", "accumulator", "gram"],
)
def test_integers_elsewhere(call: Callable[[Any], Any]) -> None:
    for X in (LARGE, LARGE.astype(np.uint64), -LARGE, np.where(LARGE % 7, 0, 2**53)):
        with pytest.raises(ValueError, match=r"must not hold integers of 2\*\*53 or more"):
            call(X)


def test_integers_that_float64_has() -> None:
    centered = LARGE - LARGE.min(axis=0)
    for X in (centered, centered + 2**52, (centered + 2**52).astype(np.uint64)):
        assert gm.cka(X, SMALL) == pytest.approx(gm.cka(centered.astype(float), SMALL), abs=1e-12)
