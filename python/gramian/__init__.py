"""Compare neural-network representations: CKA, HSIC and their relatives.

>>> import gramian as gm
>>> import numpy as np
>>> X = np.random.default_rng(0).standard_normal((100, 16))
>>> round(gm.cka(X, 2 * X + 1), 9)
1.0
"""

from __future__ import annotations

from ._backend import get_num_threads, set_num_threads
from ._registry import MEASURES as _MEASURES
from ._version import __version__
from .compare import compare
from .kernels import RBF, Cosine, Laplacian, Linear, Polynomial
from .plan import Plan, plan
from .results import Comparison, load
from .similarity import cka, cka_distance, gram, hsic
from .sparse import sparse_prediction
from .unit_results import Clusters, Matching, SparsePrediction
from .units import cluster_units, correlation, match_units

__all__ = [
    "RBF",
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
    "cka",
    "cka_distance",
    "cluster_units",
    "compare",
    "correlation",
    "get_num_threads",
    "gram",
    "hsic",
    "load",
    "match_units",
    "measures",
    "plan",
    "set_num_threads",
    "sparse_prediction",
]


def measures() -> list[str]:
    """Return the names that `compare` takes as its measure.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.measures()[:3]
    ['cka', 'hsic', 'cka_distance']
    """
    return list(_MEASURES)
