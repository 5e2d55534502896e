"""The measures in plain numpy: float64, straight from the formulas, nothing shared with the core.

Same names and signatures as the public functions, without `device`. It is what results are checked
against, and what ``device="reference"`` runs.
"""

from ._compare.reference import compare
from ._measures.cca.reference import cca, linear_regression
from ._measures.cca.reference_variants import pwcca, svcca
from ._measures.hsic.reference import cka, cka_distance, distance_correlation, gram, hsic
from ._measures.procrustes.reference import procrustes, procrustes_distance, shape_distance
from ._measures.units.reference import (
    cluster_units,
    correlation,
    match_units,
    sparse_prediction,
)

__all__ = [
    "cca",
    "cka",
    "cka_distance",
    "cluster_units",
    "compare",
    "correlation",
    "distance_correlation",
    "gram",
    "hsic",
    "linear_regression",
    "match_units",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "shape_distance",
    "sparse_prediction",
    "svcca",
]
