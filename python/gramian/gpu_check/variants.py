"""Every measure with every kernel and estimator, on a device or in the reference."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from gramian import RBF, Polynomial

from .._measures.registry import MEASURES

if TYPE_CHECKING:
    from .._measures.measure import Measure

__all__ = ["BOUND", "EXACT", "KERNELS", "Variant", "variants"]

BOUND = 100  # eps of the type, an error at most, against a reference that was fed the same values

_NAMED = next(o.choices for o in MEASURES["cka"].options if o.name == "kernel")
KERNELS: dict[str, dict[str, Any]] = {
    **{name: {"kernel": name} for name in _NAMED if name != "precomputed"},
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
        """Return the value that a device, or the "reference", gives."""
        if device == "reference":
            return self.measure.call_reference(X, Y, **self.options, **more)
        return self.measure.call(X, Y, **self.options, device=device, **more)

    def scale(self, X: Any, Y: Any) -> float:
        """Return what errors are relative to.

        1 for a score, sqrt(HSIC(K, K) HSIC(L, L)) for HSIC.
        """
        if self.measure.name == "sparse_prediction":
            return 100.0  # where the iteration ends
        if self.measure.normalized:
            return 1.0
        return float(np.sqrt(self(X, X, "reference") * self(Y, Y, "reference")))

    def score(self, value: float) -> float:
        """Return a value whose error is uniform: an angle near 0 has half its cosine's digits."""
        is_angle = self.measure.range == (0, np.pi / 2)
        return float(np.cos(value)) if is_angle else value


def variants() -> list[Variant]:
    """Return every row of the table with every kernel it takes, and each option on or off.

    Options with other values need inputs of their own.
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
    return found
