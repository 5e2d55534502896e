"""The table of measures: one row drives the API, the tests, the benchmark and the docs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

KERNEL_OPTIONS = ("kernel", "bandwidth")


@dataclass(frozen=True)
class Measure:
    """What the library knows of a measure besides its formula."""

    name: str
    options: tuple[str, ...]  # keywords of the measure's own function
    invariances: frozenset[str]  # transformations of X alone that leave the value as it is
    citation: str
    symmetric: bool = True
    distance: bool = False  # smaller is more similar
    fixed: dict[str, Any] = field(default_factory=dict)  # options that the name implies

    def call(self, X: Any, Y: Any, **options: Any) -> float:
        """Evaluate the compiled measure."""
        return float(self._function("gramian")(X, Y, **self.fixed, **options))

    def call_reference(self, X: Any, Y: Any, **options: Any) -> float:
        """Evaluate the numpy reference."""
        return float(self._function("gramian.reference")(X, Y, **self.fixed, **options))

    def _function(self, module: str) -> Callable[..., float]:
        function: Callable[..., float] = getattr(import_module(module), self.name)
        return function


_RIGID = frozenset({"orthogonal", "permutation", "translation"})

MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "cka",
            options=(*KERNEL_OPTIONS, "debiased"),
            invariances=_RIGID | {"scaling"},
            citation="Kornblith et al. 2019, eq. 3-4",
        ),
        Measure(
            "hsic",
            options=(*KERNEL_OPTIONS, "unbiased"),
            invariances=_RIGID,
            citation="Gretton et al. 2005; Song et al. 2012",
        ),
        Measure(
            "cka_distance",
            options=(*KERNEL_OPTIONS, "debiased"),
            invariances=_RIGID | {"scaling"},
            citation="Williams et al. 2021",
            distance=True,
        ),
    )
}
