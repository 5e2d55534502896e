"""Every measure with every kernel and estimator, and how close to the reference it has to be."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

from gramian._measures.hsic.checks import is_unbiased
from gramian._measures.measure import complete
from gramian._measures.registry import MEASURES
from gramian.gpu_check import variants as shipped
from gramian.gpu_check.variants import BOUND, EXACT, KERNELS

__all__ = ["EXACT", "KERNELS", "Variant", "assert_agrees", "tolerance", "variants"]


@dataclass(frozen=True)
class Variant(shipped.Variant):
    """One that users can check too, and what the tests ask of it."""

    def of_all_samples(self) -> Variant:
        """Without folds, which the order of the samples decides."""
        if not self.measure.holds_out(complete(self.measure.options, self.options)):
            return self
        return replace(self, options=self.options | {"cross_validate": None})

    @property
    def of_kernels(self) -> bool:
        return "kernel" in self.measure.option_names

    @property
    def debiased(self) -> bool:
        return is_unbiased(self.options)

    @property
    def least_samples(self) -> int:
        return self.measure.least_samples(self.options)

    @property
    def invariances(self) -> frozenset[str]:
        """The declared ones, of which a kernel may lack some."""
        return self.measure.invariances - self.measure.lost(self.options)


def variants() -> list[Variant]:
    """Every row of the table with every kernel it takes, and every option that is on or off.

    Options with other values need inputs of their own, and are in the tests of their family.
    """
    found = [Variant(v.name, v.measure, v.options) for v in shipped.variants()]
    assert {variant.measure.name for variant in found} == set(MEASURES)
    return found


def tolerance(dtype: Any, scale: float = 1.0) -> float:
    """The bound on the error against a reference that was fed the same values."""
    return BOUND * float(np.finfo(dtype).eps) * scale


def assert_agrees(
    variant: Variant, X: Any, Y: Any, device: str, dtype: Any, slack: float = 1.0
) -> None:
    """Hold a device's value against the reference's."""
    expected = variant.score(variant(X, Y, "reference"))
    atol = slack * tolerance(dtype, variant.scale(X, Y))
    assert variant.score(variant(X, Y, device)) == pytest.approx(expected, rel=0, abs=atol)
