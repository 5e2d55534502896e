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

__all__ = [
    "RBF",
    "Comparison",
    "Cosine",
    "Laplacian",
    "Linear",
    "Plan",
    "Polynomial",
    "__version__",
    "cka",
    "cka_distance",
    "compare",
    "get_num_threads",
    "gram",
    "hsic",
    "load",
    "measures",
    "plan",
    "set_num_threads",
]


def measures() -> list[str]:
    """Return the names that `compare` takes as its measure.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.measures()
    ['cka', 'hsic', 'cka_distance']
    """
    return list(_MEASURES)
