"""Every measure with every kernel and estimator it takes, and how close to the reference it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from gramian._measures.hsic.kernels import RBF, Cosine, Polynomial, resolve
from gramian._measures.registry import MEASURES, Measure

KERNELS: dict[str, dict[str, Any]] = {
    "linear": {},
    "rbf": {"kernel": "rbf"},
    "rbf_at_0p2": {"kernel": "rbf", "bandwidth": 0.2},
    "rbf_at_10": {"kernel": RBF(bandwidth=10)},
    "rbf_sigma": {"kernel": RBF(sigma=3.0)},
    "laplacian": {"kernel": "laplacian"},
    "polynomial": {"kernel": Polynomial(2, constant=0.5)},
    "cosine": {"kernel": "cosine"},
}
FEW_KERNELS = ("linear", "rbf")  # for a distance, which is a function of another measure
ANGLES = ("cka_distance", "shape_distance")
ESTIMATORS = ("debiased", "unbiased")
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

    @property
    def of_kernels(self) -> bool:
        return "kernel" in self.measure.option_names

    @property
    def debiased(self) -> bool:
        return any(self.options.get(name, False) for name in ESTIMATORS)

    @property
    def least_samples(self) -> int:
        return 4 if self.debiased else 2

    @property
    def invariances(self) -> frozenset[str]:
        """The declared ones, of which a kernel may lack some."""
        lost: set[str] = set()
        if not self.of_kernels:
            return self.measure.invariances
        kernel = resolve(self.options.get("kernel", "linear"), self.options.get("bandwidth"))
        if isinstance(kernel, Polynomial) or getattr(kernel, "sigma", None) is not None:
            lost.add("scaling")
        if isinstance(kernel, (Polynomial, Cosine)):
            lost.add("translation")
        return self.measure.invariances - lost

    def scale(self, X: Any, Y: Any) -> float:
        """What errors are relative to: 1 for a score, sqrt(HSIC(K, K) HSIC(L, L)) for HSIC."""
        if self.measure.name == "sparse_prediction":
            return 100.0  # where the iteration ends
        if self.measure.name != "hsic":
            return 1.0
        return float(np.sqrt(self(X, X, "reference") * self(Y, Y, "reference")))

    def score(self, value: float) -> float:
        """A value whose error is uniform: an angle near 0 has half the digits of its cosine."""
        return float(np.cos(value)) if self.measure.name in ANGLES else value


def variants() -> list[Variant]:
    """Every row of the registry with every kernel and estimator it takes."""
    found = []
    for measure in MEASURES.values():
        kernels = KERNELS if "kernel" in measure.option_names else {"": EXACT.get(measure.name, {})}
        if measure.distance:
            kernels = {name: kernels[name] for name in FEW_KERNELS if name in kernels}
        estimators = [name for name in ESTIMATORS if name in measure.option_names]
        for kernel, options in kernels.items():
            for estimator in ("", *estimators):
                name = "-".join(filter(None, (measure.name, kernel, estimator)))
                flag = {estimator: True} if estimator else {}
                found.append(Variant(name, measure, options | flag))
    return found


def tolerance(dtype: Any, scale: float = 1.0) -> float:
    """The bound on the error against a reference that was fed the same values."""
    return float(100 * np.finfo(dtype).eps * scale)


def assert_agrees(
    variant: Variant, X: Any, Y: Any, device: str, dtype: Any, slack: float = 1.0
) -> None:
    """Hold a device's value against the reference's."""
    expected = variant.score(variant(X, Y, "reference"))
    atol = slack * tolerance(dtype, variant.scale(X, Y))
    assert variant.score(variant(X, Y, device)) == pytest.approx(expected, rel=0, abs=atol)
