"""Compare neural-network representations: CKA, HSIC and their relatives.

>>> import gramian as gm
>>> import numpy as np
>>> X = np.random.default_rng(0).standard_normal((100, 16))
>>> round(gm.cka(X, 2 * X + 1), 9)
1.0
"""

from __future__ import annotations

from ._registry import MEASURES as _MEASURES
from ._version import __version__
from .canonical import cca, linear_regression
from .cca_results import CCA, PWCCA, SVCCA
from .cca_variants import pwcca, svcca
from .compare import compare
from .gram import gram
from .kernels import RBF, Cosine, Laplacian, Linear, Polynomial
from .plan import Plan, plan
from .results import Comparison, load
from .shapes import procrustes, procrustes_distance, shape_distance
from .similarity import cka, cka_distance, hsic
from .sparse import sparse_prediction
from .threads import get_num_threads, set_num_threads
from .unit_results import Clusters, Matching, SparsePrediction
from .units import cluster_units, correlation, match_units

__all__ = [
    "CCA",
    "PWCCA",
    "RBF",
    "SVCCA",
    "Clusters",
    "Comparison",
    "Cosine",
    "Laplacian",
    "Linear",
    "Matching",
    "Plan",
    "Polynomial",
    "SparsePrediction",
    "__version__",
    "cca",
    "cka",
    "cka_distance",
    "cluster_units",
    "compare",
    "correlation",
    "get_num_threads",
    "gram",
    "hsic",
    "linear_regression",
    "load",
    "match_units",
    "measures",
    "plan",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "set_num_threads",
    "shape_distance",
    "sparse_prediction",
    "svcca",
]


def measures() -> list[str]:
    """Return the names that `compare` takes as its measure.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.measures()[:5]
    ['cka', 'hsic', 'cka_distance', 'cca', 'cca_squared']
    """
    return list(_MEASURES)
