"""The table of measures: one row drives the API, the tests, the benchmark and the docs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

KERNEL_OPTIONS = ("kernel", "bandwidth", "bandwidth_sample")


@dataclass(frozen=True)
class Measure:
    """What the library knows of a measure besides its formula."""

    name: str
    family: str  # the module whose `all_pairs` computes it for many layers at once
    options: tuple[str, ...]  # keywords of the measure's own function
    invariances: frozenset[str]  # transformations of X alone that leave the value as it is
    citation: str
    symmetric: bool = True
    distance: bool = False  # smaller is more similar
    function: str = ""  # public function that computes it, if not of the same name
    fixed: dict[str, Any] = field(default_factory=dict)  # options that the name implies
    attribute: str = ""  # of the function's result, if that is no number

    def call(self, X: Any, Y: Any, **options: Any) -> float:
        """Evaluate the compiled measure."""
        return self._value(self._function(""), X, Y, options)

    def call_reference(self, X: Any, Y: Any, **options: Any) -> float:
        """Evaluate the numpy reference."""
        return self._value(self._function(".reference"), X, Y, options)

    def all_pairs(self, a: Any, b: Any, **arguments: Any) -> npt.NDArray[np.float64]:
        """Evaluate the compiled measure for every a with every b, or among the a without b."""
        pairs: Callable[..., npt.NDArray[np.float64]] = self._module(f".{self.family}").all_pairs
        return pairs(self.name, a, b, **arguments)

    def recorded(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options in force, as JSON can hold them."""
        record: dict[str, Any] = self._module(f".{self.family}").recorded(self.name, options)
        return record

    def _value(
        self, function: Callable[..., Any], X: Any, Y: Any, options: dict[str, Any]
    ) -> float:
        result = function(X, Y, **(self.fixed | options))
        return float(getattr(result, self.attribute) if self.attribute else result)

    def _function(self, module: str) -> Callable[..., Any]:
        function: Callable[..., Any] = getattr(self._module(module), self.function or self.name)
        return function

    def _module(self, module: str) -> ModuleType:
        # Imported at the first use: the functions' modules import this one.
        return import_module(f"gramian{module}")


_UNITS = frozenset({"permutation", "translation", "scaling"})
CCA_OPTIONS = ("denominator", "regularization", "cross_validate", "rank_tolerance")
SVCCA_OPTIONS = ("variance", "components")
_RIGID = frozenset({"orthogonal", "permutation", "translation"})
_LINEAR = _RIGID | {"scaling", "invertible_linear"}

MEASURES = {
    measure.name: measure
    for measure in (
        Measure(
            "cka",
            family="_hsic",
            options=(*KERNEL_OPTIONS, "debiased"),
            invariances=_RIGID | {"scaling"},
            citation="Kornblith et al. 2019, eq. 3-4",
        ),
        Measure(
            "hsic",
            family="_hsic",
            options=(*KERNEL_OPTIONS, "unbiased"),
            invariances=_RIGID,
            citation="Gretton et al. 2005; Song et al. 2012",
        ),
        Measure(
            "cka_distance",
            family="_hsic",
            options=(*KERNEL_OPTIONS, "debiased"),
            invariances=_RIGID | {"scaling"},
            citation="Williams et al. 2021",
            distance=True,
        ),
        Measure(
            "cca",
            family="_cca",
            options=CCA_OPTIONS,
            invariances=_LINEAR,
            citation="Kornblith et al. 2019, section 3",
            attribute="mean",
        ),
        Measure(
            "cca_squared",
            family="_cca",
            options=CCA_OPTIONS,
            invariances=_LINEAR,
            citation="Kornblith et al. 2019, section 3",
            function="cca",
            attribute="mean_squared",
        ),
        Measure(
            "svcca",
            family="_cca",
            options=SVCCA_OPTIONS,
            invariances=_RIGID | {"scaling"},
            citation="Raghu et al. 2017",
        ),
        Measure(
            "svcca_squared",
            family="_cca",
            options=SVCCA_OPTIONS,
            invariances=_RIGID | {"scaling"},
            citation="Raghu et al. 2017",
            function="svcca",
            fixed={"squared": True},
        ),
        Measure(
            "pwcca",
            family="_cca",
            options=("side", "variant", "rank_tolerance"),
            invariances=frozenset({"permutation", "translation", "scaling"}),
            citation="Morcos et al. 2018",
            symmetric=False,
        ),
        Measure(
            "linear_regression",
            family="_cca",
            options=("cross_validate", "rank_tolerance"),
            invariances=_RIGID | {"scaling"},
            citation="Kornblith et al. 2019, eq. 10",
            symmetric=False,
        ),
        Measure(
            "procrustes",
            family="_cca",
            options=(),
            invariances=_RIGID | {"scaling"},
            citation="Schönemann 1966",
        ),
        Measure(
            "procrustes_distance",
            family="_cca",
            options=(),
            invariances=_RIGID | {"scaling"},
            citation="Williams et al. 2021",
            distance=True,
        ),
        Measure(
            "match_one_to_one",
            family="_units",
            options=("absolute",),
            invariances=_UNITS,
            citation="Li et al. 2015",
            function="match_units",
            fixed={"method": "one-to-one"},
            attribute="mean",
        ),
        Measure(
            "match_semi",
            family="_units",
            options=("absolute",),
            invariances=_UNITS,
            citation="Li et al. 2015",
            symmetric=False,
            function="match_units",
            fixed={"method": "semi"},
            attribute="mean",
        ),
        Measure(
            "sparse_prediction",
            family="_units",
            options=("alphas", "tol", "max_sweeps"),
            invariances=_UNITS,
            citation="Li et al. 2015",
            symmetric=False,
            fixed={"alphas": 0.1},
            attribute="score",
        ),
    )
}
