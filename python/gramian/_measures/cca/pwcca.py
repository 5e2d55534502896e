"""PWCCA of a pair of representations, and of many layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np

from ..._core import calls
from ..._core.calls import Measure, WeightSide
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer
from ..._input.layout import Layouts, Positions, takes_layout
from ..._input.options import check_flag
from .. import ranks
from ..gathered import Gathering, by_rows
from ..grid import PREPARED, Array, Grid, one_pair
from ..measure import Option, complete, falls_back_on, value_of_pair
from ..orders import Orders, orders_of
from ..resampled import Request
from . import checks
from . import reference_variants as reference
from .google import google_pwcca
from .options import RANK_TOLERANCE
from .results import PWCCA

__all__ = ["OPTIONS", "gathered", "pwcca", "pwcca_pairs"]

Progress = Callable[[int, int], object]

OPTIONS = (
    Option(
        "side",
        "x",
        checks.check_side,
        choices=checks.SIDES,
        help="whose units weigh the correlations",
    ),
    Option(
        "variant",
        "paper",
        checks.check_variant,
        choices=checks.VARIANTS,
        help="google: the value of google/svcca",
    ),
    RANK_TOLERANCE,
)


def gathered(options: Mapping[str, Any]) -> Gathering:
    """Return how samples that come in batches are kept."""
    if options.get("variant") == "google":
        raise ValueError(
            "variant must be 'paper' for samples that come in batches, got 'google', which weighs "
            "by units that are not centered. Use compare on all samples."
        )
    return by_rows(options)


@overload
def pwcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    side: checks.Side = ...,
    variant: checks.Variant = ...,
    rank_tolerance: float | None = ...,
    full_output: Literal[False] = ...,
    layout: Layouts = ...,
    positions: Positions = ...,
    nan_policy: NanPolicy = ...,
    device: str | None = ...,
) -> float: ...
@overload
def pwcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    side: checks.Side = ...,
    variant: checks.Variant = ...,
    rank_tolerance: float | None = ...,
    full_output: Literal[True],
    layout: Layouts = ...,
    positions: Positions = ...,
    nan_policy: NanPolicy = ...,
    device: str | None = ...,
) -> PWCCA: ...
@overload
def pwcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    side: checks.Side = ...,
    variant: checks.Variant = ...,
    rank_tolerance: float | None = ...,
    full_output: bool,
    layout: Layouts = ...,
    positions: Positions = ...,
    nan_policy: NanPolicy = ...,
    device: str | None = ...,
) -> float | PWCCA: ...
@takes_layout
@falls_back_on(reference.pwcca)
def pwcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    side: checks.Side = "x",
    variant: checks.Variant = "paper",
    rank_tolerance: float | None = None,
    full_output: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> float | PWCCA:
    """Projection-weighted canonical correlation.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples.
    side : {"x", "y", "mean"}, default "x"
        Whose canonical variates and units weigh the correlations; "mean" is the mean of both.
    variant : {"paper", "google"}, default "paper"
        "google" gives the value of google/svcca's ``compute_pwcca``, with which most published
        numbers were made; it differs from the paper's text and chooses the side itself (that of
        fewer units).
    rank_tolerance : float, optional
        As in `cca`.
    full_output : bool, default False
        Return the correlations, and whether the value is ambiguous, too.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.

    Returns
    -------
    float or PWCCA
        In [0, 1]. With ``full_output=True`` an object with ``.value``, ``.correlations`` and
        ``.ambiguous``.

    Raises
    ------
    ValueError, TypeError
        As `cca` does.

    Warns
    -----
    RuntimeWarning
        As `cca` does; and, without `full_output`, if correlations tie (to within the square root
        of the rounding unit) in a way that leaves the value undetermined.

    Notes
    -----
    sum(a_i rho_i) / sum(a_i), where ``a_i = sum_j |<h_i, x_j>|`` over the centered units of X and
    h_i is the i-th canonical variate on X's side, of unit norm [1]_. Where correlations tie, a
    rotation of their variates changes the a_i. Cost: that of `cca`, and one SVD with vectors.

    References
    ----------
    .. [1] Morcos, Raghu, Bengio. Insights on representational similarity in neural networks with
       canonical correlation. NeurIPS 2018.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> Y = [[2, 1], [3, 0], [0, 1], [8, 2], [-1, 1]]
    >>> round(gm.pwcca(X, Y), 9)
    0.831533191
    """
    options: dict[str, Any] = {"side": side, "variant": variant, "rank_tolerance": rank_tolerance}
    if check_flag("full_output", full_output):
        return _in_full(one_pair(X, Y, nan_policy, device), complete(OPTIONS, options))
    return value_of_pair(pwcca_pairs, X, Y, nan_policy=nan_policy, device=device, **options)


def pwcca_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return PWCCA of every a with every b; among the a without b."""
    chosen = complete(OPTIONS, options)
    grid = Grid(a, b, nan_policy, device)
    if grid.empty:
        return np.full(grid.shape, np.nan)
    stages = calls.Stages(progress)
    prepared = _prepared(grid, chosen, stages(0, PREPARED))
    values, marks, _ = calls.compare(
        *grid.sides(prepared), **_weighing(grid, chosen), progress=stages(PREPARED, 1)
    )
    if chosen["variant"] == "google":
        values = google_pwcca(grid)
    else:
        grid.warn_ambiguous(marks.ravel().tolist())
    return grid.place(values)


def pwcca_orders(request: Request) -> Orders | None:
    """Prepare bases for PWCCA with reordered samples."""
    chosen = complete(OPTIONS, request.options)
    if chosen["variant"] == "google":
        return None
    weighing: dict[str, Any] = {}

    def prepare(grid: Grid) -> Any:
        weighing.update(_weighing(grid, chosen))
        return grid.sides(_prepared(grid, chosen, None))

    return orders_of(request, prepare, lambda xs, ys: calls.compare(xs, ys, **weighing)[0])


def _prepared(
    grid: Grid, options: Mapping[str, Any], progress: Progress | None
) -> list[calls.PreparedLayer]:
    """Prepare bases, and warn of what is wrong with them."""
    prepared = grid.bases(options["rank_tolerance"], coordinates=True, progress=progress)
    grid.warn_if_constant(prepared)
    grid.warn_saturated([one.rank for one in prepared])
    if options["variant"] == "google":
        for layer, one in zip((*grid.xs, *grid.ys), prepared, strict=True):
            checks.check_full_rank(layer, one.rank)
    return prepared


def _weighing(grid: Grid, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return how the core weighs correlations, and which of them it takes to tie."""
    largest = max(ranks.epsilon(layer) for layer in (*grid.xs, *grid.others))
    return {
        "measure": Measure.pwcca,
        "side": getattr(WeightSide, options["side"]),
        "tie_tolerance": float(np.sqrt(largest)),
    }


def _in_full(grid: Grid, options: Mapping[str, Any]) -> PWCCA:
    """Return PWCCA of one pair with what it was computed from."""
    if grid.empty:
        return PWCCA(np.nan, np.empty(0), False)
    x, y = _prepared(grid, options, None)
    value, marked, rho = calls.pair(x, y, **_weighing(grid, options))
    if options["variant"] == "google":
        return PWCCA(float(google_pwcca(grid)[0, 0]), rho, False)
    return PWCCA(value, rho, marked)
