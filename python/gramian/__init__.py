"""Compare neural-network representations: CKA, HSIC and their relatives.

>>> import gramian as gm
>>> import numpy as np
>>> X = np.random.default_rng(0).standard_normal((100, 16))
>>> round(gm.cka(X, 2 * X + 1), 9)
1.0
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import _distributed as _distributed
from ._compare.compare import compare
from ._compare.loading import load
from ._compare.models import plot_models
from ._compare.plan import Plan, plan
from ._compare.report import report
from ._compare.results import Comparison
from ._compare.runs import Runs, concat
from ._core.threads import get_num_threads, set_num_threads
from ._extras import on_demand as _on_demand
from ._inference.functions import bootstrap, jackknife, permutation_test
from ._inference.results import Bootstrap, Inference, Jackknife, PermutationTest
from ._measures.cca.cca import cca
from ._measures.cca.pwcca import pwcca
from ._measures.cca.regression import linear_regression
from ._measures.cca.results import CCA, PWCCA, SVCCA, RidgeRegression
from ._measures.cca.ridge import ridge_regression
from ._measures.cca.svcca import svcca
from ._measures.ceiling import NoiseCeiling, noise_ceiling
from ._measures.hsic.functions import cka, cka_distance, distance_correlation, hsic
from ._measures.hsic.gram import gram
from ._measures.hsic.kernels import RBF, Cosine, Laplacian, Linear, Polynomial
from ._measures.procrustes.functions import procrustes, procrustes_distance, shape_distance
from ._measures.registry import measures
from ._measures.units.functions import cluster_units, correlation, match_units
from ._measures.units.results import Clusters, Matching, SparsePrediction
from ._measures.units.sparse import sparse_prediction
from ._recording.models import compare_models
from ._recording.recording import Recording, record
from ._streaming.accumulator import Accumulator
from ._streaming.opening import LayersOnDisk
from ._streaming.opening import open_layers as open
from ._version import __version__

if TYPE_CHECKING:
    from . import reference as reference
    from . import typing as typing

__all__ = [
    "CCA",
    "PWCCA",
    "RBF",
    "SVCCA",
    "Accumulator",
    "Bootstrap",
    "Clusters",
    "Comparison",
    "Cosine",
    "Inference",
    "Jackknife",
    "Laplacian",
    "LayersOnDisk",
    "Linear",
    "Matching",
    "NoiseCeiling",
    "PermutationTest",
    "Plan",
    "Polynomial",
    "Recording",
    "RidgeRegression",
    "Runs",
    "SparsePrediction",
    "__version__",
    "bootstrap",
    "cca",
    "cka",
    "cka_distance",
    "cluster_units",
    "compare",
    "compare_models",
    "concat",
    "correlation",
    "distance_correlation",
    "get_num_threads",
    "gram",
    "hsic",
    "jackknife",
    "linear_regression",
    "load",
    "match_units",
    "measures",
    "noise_ceiling",
    "open",
    "permutation_test",
    "plan",
    "plot_models",
    "procrustes",
    "procrustes_distance",
    "pwcca",
    "record",
    "report",
    "ridge_regression",
    "set_num_threads",
    "shape_distance",
    "sparse_prediction",
    "svcca",
]

# Modules that `import gramian` leaves for when they are used, and what completion offers.
_MODULES = ("compat", "reference", "typing")
__getattr__ = _on_demand(__name__, _MODULES)
__dir__ = [*__all__, *_MODULES].copy
