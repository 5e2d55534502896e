"""The rows of the unit-level methods in the table of measures."""

from __future__ import annotations

from ..gathered import by_rows
from ..measure import Measure
from . import functions, gathered, pairs, plan, reference, sparse
from .checks import needed_samples

_INVARIANCES = frozenset({"permutation", "translation", "scaling"})

ROWS = (
    Measure(
        "match_one_to_one",
        title="correlation of units matched one to one",
        function=functions.match_units,
        reference=reference.match_units,
        pairs=pairs.match_pairs,
        plan=plan.plan_matching,
        gathers=gathered.matching,
        options=pairs.MATCH_OPTIONS,
        invariances=_INVARIANCES,
        citation="Li et al. 2015",
        range=(-1, 1),
        samples=needed_samples,
        fixed={"method": "one-to-one"},
        attribute="mean",
    ),
    Measure(
        "match_semi",
        title="correlation of units with their best match",
        function=functions.match_units,
        reference=reference.match_units,
        pairs=pairs.match_pairs,
        plan=plan.plan_matching,
        gathers=gathered.matching,
        options=pairs.MATCH_OPTIONS,
        invariances=_INVARIANCES,
        citation="Li et al. 2015",
        range=(-1, 1),
        samples=needed_samples,
        symmetric=False,
        fixed={"method": "semi"},
        attribute="mean",
    ),
    Measure(
        "sparse_prediction",
        title="R² of sparse prediction",
        function=sparse.sparse_prediction,
        reference=reference.sparse_prediction,
        pairs=pairs.sparse_prediction_pairs,
        plan=plan.plan_sparse_prediction,
        gathers=by_rows,
        options=pairs.SPARSE_OPTIONS,
        invariances=_INVARIANCES,
        citation="Li et al. 2015",
        range=(0, 1),
        samples=needed_samples,
        symmetric=False,
        attribute="score",
        record=pairs.record_sparse,
    ),
)
