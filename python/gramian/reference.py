"""The measures in plain numpy: float64, straight from the formulas, nothing shared with the core.

Same names and signatures as the public functions, without `device`. It is what results are checked
against, and what ``device="reference"`` runs.
"""

from ._compare.reference import compare
from ._inference.reference import bootstrap, jackknife, permutation_test
from ._measures.cca.reference import cca, linear_regression
from ._measures.cca.reference_ridge import ridge_regression
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
    "bootstrap",
    "cca",
    "cka",
    "cka_distance",
    "cluster_units",
    "compare",
    "correlation",
    "distance_correlation",
    "gram",
    "hsic",
    "jackknife",
    "linear_regression",
    "match_units",
    "permutation_test",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "ridge_regression",
    "shape_distance",
    "sparse_prediction",
    "svcca",
]
