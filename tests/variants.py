"""Every measure with every kernel and estimator, and how close to the reference it has to be."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from gramian._measures.hsic.checks import is_unbiased
from gramian._measures.hsic.kernels import NAMED, RBF, Polynomial
from gramian._measures.measure import complete
from gramian._measures.registry import MEASURES, Measure

KERNELS: dict[str, dict[str, Any]] = {
    **{name: {"kernel": name} for name in NAMED if name != "precomputed"},
    "linear": {},
    "rbf_at_0p2": {"kernel": "rbf", "bandwidth": 0.2},
    "rbf_at_10": {"kernel": RBF(bandwidth=10)},
    "rbf_sigma": {"kernel": RBF(sigma=3.0)},
    "polynomial": {"kernel": Polynomial(2, constant=0.5)},
}
FEW_KERNELS = ("linear", "rbf")  # for a distance, which is a function of another measure
# Options that take an iteration to the digits that are compared.
EXACT: dict[str, dict[str, Any]] = {"sparse_prediction": {"tol": 1e-13}}


@dataclass(frozen=True)
class Variant:
    """A measure with some of its options."""

    name: str
    measure: Measure
    options: dict[str, Any] = field(default_factory=dict)

    def __call__(self, X: Any, Y: Any, device: str, **more: Any) -> float:
        if device == "reference":
            return self.measure.call_reference(X, Y, **self.options, **more)
        return self.measure.call(X, Y, **self.options, device=device, **more)

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

    def scale(self, X: Any, Y: Any) -> float:
        """What errors are relative to: 1 for a score, sqrt(HSIC(K, K) HSIC(L, L)) for HSIC."""
        if self.measure.name == "sparse_prediction":
            return 100.0  # where the iteration ends
        if self.measure.normalized:
            return 1.0
        return float(np.sqrt(self(X, X, "reference") * self(Y, Y, "reference")))

    def score(self, value: float) -> float:
        """A value whose error is uniform: an angle near 0 has half the digits of its cosine."""
        is_angle = self.measure.range == (0, np.pi / 2)
        return float(np.cos(value)) if is_angle else value


def variants() -> list[Variant]:
    """Every row of the table with every kernel it takes, and every option that is on or off.

    Options with other values need inputs of their own, and are in the tests of their family.
    """
    found = []
    for measure in MEASURES.values():
        of_kernels = "kernel" in measure.option_names
        kernels = KERNELS if of_kernels else {"": EXACT.get(measure.name, {})}
        if of_kernels and measure.distance:
            kernels = {name: kernels[name] for name in FEW_KERNELS}
        switches = [option.name for option in measure.options if option.kind is bool]
        for kernel, options in kernels.items():
            for switch in ("", *switches):
                name = "-".join(filter(None, (measure.name, kernel, switch)))
                on = {switch: True} if switch else {}
                found.append(Variant(name, measure, options | on))
    assert {variant.measure.name for variant in found} == set(MEASURES)
    return found


def tolerance(dtype: Any, scale: float = 1.0) -> float:
    """The bound on the error against a reference that was fed the same values."""
    return 100 * float(np.finfo(dtype).eps) * scale


def assert_agrees(
    variant: Variant, X: Any, Y: Any, device: str, dtype: Any, slack: float = 1.0
) -> None:
    """Hold a device's value against the reference's."""
    expected = variant.score(variant(X, Y, "reference"))
    atol = slack * tolerance(dtype, variant.scale(X, Y))
    assert variant.score(variant(X, Y, device)) == pytest.approx(expected, rel=0, abs=atol)
