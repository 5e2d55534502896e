"""Canonical correlation analysis of a pair of representations, and of many layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import calls
from ..._core.calls import Denominator, Measure
from ..._input import layers
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer
from ..._input.layout import Layouts, Positions, takes_layout_in_order
from .. import ranks
from ..grid import PREPARED, Array, Grid
from ..measure import Option, complete, falls_back_on
from ..orders import Orders, orders_of
from ..resampled import Request
from ..splits import Fold, folds_of
from . import checks, folds, reference
from .options import CROSS_VALIDATE, GROUPS, RANK_TOLERANCE
from .results import CCA

__all__ = ["OPTIONS", "cca", "cca_pairs", "cca_squared_pairs"]

Progress = Callable[[int, int], object]

OPTIONS = (
    Option(
        "denominator",
        "features",
        checks.check_denominator,
        choices=checks.DENOMINATORS,
        help="the mean divides by the smaller number of features, or the smaller rank",
    ),
    Option(
        "regularization",
        0.0,
        checks.check_regularization,
        kind=float,
        metavar="R",
        help="ridge, in mean squared norms of the centered features",
    ),
    CROSS_VALIDATE,
    GROUPS,
    RANK_TOLERANCE,
)


@takes_layout_in_order
@falls_back_on(reference.cca)
def cca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    denominator: checks.Denominator = "features",
    regularization: float = 0.0,
    cross_validate: Any = None,
    groups: Any = None,
    rank_tolerance: float | None = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> CCA:
    """Canonical correlation analysis of two representations.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples.
    denominator : {"features", "rank"}, default "features"
        What the means divide by: min(p, q), or the smaller rank. It is that of all samples under
        `cross_validate` too: correlations that the folds lack count as 0, as they do otherwise.
    regularization : float, default 0.0
        Ridge: this times the mean squared norm of the centered columns is added to the diagonals of
        X'X and Y'Y. Correlations then shrink with it.
    cross_validate : int, array_like, iterable of pairs, or splitter, optional
        Number of folds. The correlations are then those of held-out samples (i mod k) under
        weights fitted to the rest, averaged over folds; in-sample ones go to 1 as p + q goes to n.
        Or folds of one's own, as in `linear_regression`.
    groups : array_like, shape (n_samples,), optional
        With `cross_validate`: a label for each sample; those of a group are in one fold.
    rank_tolerance : float, optional
        Singular values of the representation, its columns centered and scaled to norm 1, count when
        larger than this times the largest. Default max(64, min(n, p)) eps, eps that of the input's
        precision.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.

    Returns
    -------
    CCA
        ``.correlations``, ``.mean``, ``.mean_squared``, ``.x_weights``, ``.y_weights``,
        ``.x_rank``, ``.y_rank``, ``.rank_tolerance``, ``.n_saturated``.

    Raises
    ------
    ValueError
        Different numbers of samples, fewer than 2, not two-dimensional, empty, NaN or infinity,
        unaligned memory, or an option out of range.
    TypeError
        Complex, object, string or masked input, or an option of a wrong type.

    Warns
    -----
    RuntimeWarning
        If X or Y is constant, which leaves the means undefined (NaN); and with the number of
        correlations that are 1 by construction, because the ranks add up to more than n - 1; under
        `cross_validate` likewise of the samples that a fold fits.

    See Also
    --------
    svcca, pwcca : Summaries that weigh directions by their share of the representation.

    Notes
    -----
    With Qx and Qy orthonormal bases of the centered columns, the correlations are the singular
    values of Qx'Qy; the mean of their squares is R²_CCA [1]_. Columns that are constant are left
    out. The result does not depend on the scale of a unit, nor on any invertible linear map.

    Well-conditioned layers cost n (p² + q² + 2 p q) flops in matrix products, since no basis is
    formed; at a condition above 8 up to twice that, and memory for the bases; rank-deficient
    layers, and those with p >= n, are decomposed in float64.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> result = gm.cca(X, [[2], [3], [0], [8], [-1]])
    >>> result.correlations.round(9)
    array([0.99062494])
    >>> result.x_rank, result.y_rank
    (2, 1)
    """
    given = {
        "denominator": denominator,
        "regularization": regularization,
        "cross_validate": cross_validate,
        "groups": groups,
        "rank_tolerance": rank_tolerance,
    }
    options = complete(OPTIONS, given)
    both = layers.pair(X, Y, nan_policy)
    grid = Grid(both[:1], both[1:], nan_policy, device)
    asked = folds_of(options, both, least=2)
    p, q = grid.widths
    if grid.empty:
        nothing = np.full(min(p, q), np.nan), np.nan, np.nan
        x_weights, y_weights = (
            layer.given_back(np.full((units, min(p, q)), np.nan))
            for layer, units in zip(both, (p, q), strict=True)
        )
        return CCA(*nothing, x_weights, y_weights, 0, 0, (np.nan, np.nan), 0)
    x, y = _bases(grid, options, weights=True)
    rho, x_weights, y_weights = calls.canonical_pair(x, y)
    x_rank, y_rank = x.rank, y.rank
    grid.warn_constant([x_rank == 0, y_rank == 0])
    tolerances = grid.tolerances(options["rank_tolerance"])
    r = min(x_rank, y_rank)
    saturated = 0
    if options["regularization"] == 0 and r > 0:
        grid.warn_saturated([x_rank, y_rank])
        saturated = ranks.saturated(x_rank, y_rank, grid.n)
    if asked is not None and r > 0:
        rho = folds.correlations(grid, options, asked)[0, 0]
    count = max(r, 1) if options["denominator"] == "rank" else min(p, q)
    return CCA(
        correlations=rho,
        mean=float(rho.sum() / count) if r > 0 else np.nan,
        mean_squared=float(np.sum(rho**2) / count) if r > 0 else np.nan,
        x_weights=both[0].given_back(x_weights),
        y_weights=both[1].given_back(y_weights),
        x_rank=x_rank,
        y_rank=y_rank,
        rank_tolerance=(tolerances[0], tolerances[1]),
        n_saturated=saturated,
    )


def cca_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    squared: bool = False,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return the mean correlation of every a with every b; among the a without b."""
    chosen = complete(OPTIONS, options)
    asked = folds_of(chosen, (*a, *b), least=2)
    grid = Grid(a, b, nan_policy, device)
    if grid.empty:
        return np.full(grid.shape, np.nan)
    if asked is not None:
        return grid.place(_held_out_means(grid, squared, chosen, asked, progress))
    return grid.place(_means(grid, squared, chosen, progress))


def cca_squared_pairs(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> Array:
    """Return the mean of the squared correlations; see `cca_pairs`."""
    return cca_pairs(a, b, squared=True, **arguments)


def cca_orders(request: Request, squared: bool = False) -> Orders | None:
    """Prepare bases for the means of correlations with reordered samples."""
    chosen = complete(OPTIONS, request.options)
    if chosen["cross_validate"] is not None:
        return None
    denominator = getattr(Denominator, chosen["denominator"])
    measure = Measure.cca_squared if squared else Measure.cca
    return orders_of(
        request,
        lambda grid: grid.sides(_bases(grid, chosen)),
        lambda xs, ys: calls.compare(xs, ys, measure=measure, denominator=denominator)[0],
    )


def _bases(
    grid: Grid,
    options: Mapping[str, Any],
    *,
    weights: bool = False,
    progress: Progress | None = None,
) -> list[calls.PreparedLayer]:
    """Prepare orthonormal bases, or those that a ridge shrinks."""
    tolerance, regularization = options["rank_tolerance"], options["regularization"]
    if regularization == 0:
        return grid.bases(tolerance, weights=weights, progress=progress)
    return calls.prepare_ridge(
        grid.cores,
        tolerances=grid.tolerances(tolerance),
        regularization=regularization,
        weights=weights,
        progress=progress,
    )


def _means(
    grid: Grid, squared: bool, options: Mapping[str, Any], progress: Progress | None
) -> Array:
    stages = calls.Stages(progress)
    prepared = _bases(grid, options, progress=stages(0, PREPARED))
    values, _, _ = calls.compare(
        *grid.sides(prepared),
        measure=Measure.cca_squared if squared else Measure.cca,
        denominator=getattr(Denominator, options["denominator"]),
        progress=stages(PREPARED, 1),
    )
    if options["regularization"] == 0:
        grid.warn_saturated([one.rank for one in prepared])
    grid.warn_if_constant(prepared)
    return values


def _held_out_means(
    grid: Grid,
    squared: bool,
    options: Mapping[str, Any],
    asked: Sequence[Fold],
    progress: Progress | None,
) -> Array:
    if options["denominator"] == "rank":
        prepared = _bases(grid, options)
        counts = [one.rank for one in prepared]
        constant = [calls.has(one.status, calls.Status.constant) for one in prepared]
    else:
        counts = [layer.array.shape[1] for layer in (*grid.xs, *grid.ys)]
        constant = [layer.constant for layer in (*grid.xs, *grid.ys)]
    grid.warn_constant(constant)
    values = np.full(grid.smaller(counts).shape, np.nan)
    for place, rho in folds.correlations(grid, options, asked, constant, progress).items():
        values[place] = np.sum(rho**2 if squared else rho)
    return values / np.maximum(grid.smaller(counts), 1)
