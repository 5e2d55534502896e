"""The rows of Procrustes and the shape distances in the table of measures."""

from __future__ import annotations

import functools
import math

from ..gathered import by_rows
from ..measure import Measure
from ..ranks import needed_samples
from . import functions, gathered, pairs, plan, reference

_INVARIANCES = frozenset({"orthogonal", "permutation", "translation", "scaling"})

ROWS = (
    Measure(
        "procrustes",
        title="Procrustes similarity",
        function=functions.procrustes,
        reference=reference.procrustes,
        pairs=pairs.procrustes_pairs,
        plan=plan.plan_procrustes,
        gathers=gathered.similarity,
        orders=pairs.procrustes_orders,
        options=(),
        invariances=_INVARIANCES,
        citation="Schönemann 1966",
        range=(0, 1),
        samples=needed_samples,
    ),
    Measure(
        "procrustes_distance",
        title="Procrustes distance",
        function=functions.procrustes_distance,
        reference=reference.procrustes_distance,
        pairs=pairs.procrustes_distance_pairs,
        plan=plan.plan_distance,
        gathers=by_rows,
        orders=functools.partial(pairs.procrustes_orders, distance=True),
        options=(),
        invariances=_INVARIANCES,
        citation="Williams et al. 2021",
        range=(0, math.sqrt(2)),
        samples=needed_samples,
        distance=True,
    ),
    Measure(
        "shape_distance",
        title="shape distance",
        function=functions.shape_distance,
        reference=reference.shape_distance,
        pairs=pairs.shape_distance_pairs,
        plan=plan.plan_shape_distance,
        gathers=by_rows,
        options=pairs.SHAPE_OPTIONS,
        invariances=_INVARIANCES,
        citation="Williams et al. 2021",
        range=(0, math.pi / 2),
        samples=needed_samples,
        distance=True,
    ),
)
