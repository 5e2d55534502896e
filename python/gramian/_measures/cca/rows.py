"""The rows of CCA and its relatives in the table of measures."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any

from ..gathered import by_rows
from ..measure import Measure
from ..ranks import needed_samples
from . import (
    cca,
    left_out,
    plan,
    plan_ridge,
    pwcca,
    reference,
    reference_ridge,
    reference_variants,
    regression,
    ridge,
    ridge_pairs,
    ridge_row,
    svcca,
)

_RIGID = frozenset({"orthogonal", "permutation", "translation"})
_LINEAR = _RIGID | {"scaling", "invertible_linear"}


def _holds_out(options: Mapping[str, Any]) -> bool:
    return options["cross_validate"] is not None


ROWS = (
    Measure(
        "cca",
        title="mean CCA correlation",
        function=cca.cca,
        reference=reference.cca,
        pairs=cca.cca_pairs,
        plan=plan.plan_cca,
        gathers=by_rows,
        orders=cca.cca_orders,
        holds_out=_holds_out,
        options=cca.OPTIONS,
        invariances=_LINEAR,
        citation="Kornblith et al. 2019, section 3",
        range=(0, 1),
        samples=needed_samples,
        attribute="mean",
    ),
    Measure(
        "cca_squared",
        title="mean squared CCA correlation",
        function=cca.cca,
        reference=reference.cca,
        pairs=cca.cca_squared_pairs,
        plan=plan.plan_cca_squared,
        gathers=by_rows,
        orders=functools.partial(cca.cca_orders, squared=True),
        holds_out=_holds_out,
        options=cca.OPTIONS,
        invariances=_LINEAR,
        citation="Kornblith et al. 2019, section 3",
        range=(0, 1),
        samples=needed_samples,
        attribute="mean_squared",
    ),
    Measure(
        "svcca",
        title="SVCCA",
        function=svcca.svcca,
        reference=reference_variants.svcca,
        pairs=svcca.svcca_pairs,
        plan=plan.plan_svcca,
        gathers=by_rows,
        orders=svcca.svcca_orders,
        holds=svcca.hold_components,
        options=svcca.OPTIONS,
        invariances=_RIGID | {"scaling"},
        citation="Raghu et al. 2017",
        range=(0, 1),
        samples=needed_samples,
    ),
    Measure(
        "svcca_squared",
        title="SVCCA, squared correlations",
        function=svcca.svcca,
        reference=reference_variants.svcca,
        pairs=svcca.svcca_pairs,
        plan=plan.plan_svcca,
        gathers=by_rows,
        orders=functools.partial(svcca.svcca_orders, squared=True),
        holds=functools.partial(svcca.hold_components, squared=True),
        options=svcca.OPTIONS,
        invariances=_RIGID | {"scaling"},
        citation="Raghu et al. 2017",
        range=(0, 1),
        samples=needed_samples,
        fixed={"squared": True},
    ),
    Measure(
        "pwcca",
        title="PWCCA",
        function=pwcca.pwcca,
        reference=reference_variants.pwcca,
        pairs=pwcca.pwcca_pairs,
        plan=plan.plan_pwcca,
        gathers=pwcca.gathered,
        orders=pwcca.pwcca_orders,
        options=pwcca.OPTIONS,
        invariances=frozenset({"permutation", "translation", "scaling"}),
        citation="Morcos et al. 2018",
        range=(0, 1),
        samples=needed_samples,
        symmetric=False,
    ),
    Measure(
        "linear_regression",
        title="R² of linear regression",
        function=regression.linear_regression,
        reference=reference.linear_regression,
        pairs=regression.regression_pairs,
        plan=plan.plan_regression,
        gathers=by_rows,
        orders=regression.regression_orders,
        left_out=left_out.r2_without,
        plan_draws=left_out.plan_without,
        leaves_out_each=left_out.is_of_all_samples,
        holds_out=_holds_out,
        options=regression.OPTIONS,
        invariances=_RIGID | {"scaling"},
        citation="Kornblith et al. 2019, eq. 10",
        range=(0, 1),
        samples=needed_samples,
        symmetric=False,
    ),
    Measure(
        "ridge_regression",
        title="R² of ridge regression",
        function=ridge.ridge_regression,
        reference=reference_ridge.ridge_regression,
        pairs=ridge_pairs.ridge_pairs,
        plan=plan_ridge.plan_ridge,
        gathers=ridge_row.gathered,
        holds_out=ridge_row.chooses_or_holds_out,
        options=ridge_pairs.OPTIONS,
        invariances=_RIGID | {"scaling"},
        lost=ridge_row.lost,
        citation="Hoerl and Kennard 1970",
        range=(-math.inf, 1),
        samples=ridge_row.needed_samples,
        symmetric=False,
        attribute="score",
        record=ridge_row.recorded,
    ),
)
