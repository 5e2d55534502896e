"""Unit-level methods between the public API and the core: correlation, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _backend, _validate, _validate_units
from ._extras import require
from ._prepare import Prepared, prepare
from ._validate import Representation
from .unit_results import Clusters, Matching, SparsePrediction

Progress = Callable[[int, int], object]
Floats = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

N_ALPHAS, SMALLEST_ALPHA = 30, 1e-3  # of the default grid
ALIKE = 1e-13  # between correlations of units that are the same, up to rounding
TINY_PRODUCT = 1e-30  # smaller products lose digits in float32


def all_pairs(
    measure: str,
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    """Return the measure of every a with every b; among the a without b."""
    xs, ys = ([layer(rep, nan_policy, device) for rep in reps] for reps in (a, b))
    others = ys or xs
    values = np.empty((len(xs), len(others)))
    sparse = measure == "sparse_prediction"
    method = recorded(measure, options).get("method", "")
    for i, x in enumerate(xs):
        gram = correlation(x, None, double=True) if sparse else None
        for j, y in enumerate(others):
            if gram is not None:
                settings = {"alphas": 0.1, **options}
                values[i, j] = predict(x, y, **settings, gram=gram, keep=False).score
            else:
                C = correlation(x, y)
                result = matched(C, method, bool(options.get("absolute")), x.finite and y.finite)
                values[i, j] = result.mean
            if progress is not None:
                progress(i * len(others) + j + 1, values.size)
    for known in {id(known): known for known in (*xs, *ys)}.values():
        warn_constant(known.rep, np.isnan(correlation(known, None).diagonal()))
    return values
