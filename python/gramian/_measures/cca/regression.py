"""Linear regression of one representation on another, and of many layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..._core import calls
from ..._core.calls import Measure
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer
from ..._input.layout import Layouts, Positions, takes_layout
from ..chance import Chance, of_regression, says_chance
from ..grid import PREPARED, Array, Grid
from ..measure import complete, falls_back_on, value_of_pair
from ..orders import Orders, orders_of
from ..resampled import Request
from ..splits import folds_of
from ..wide import in_coordinates
from . import checks, folds, reference
from .direction import turned_pairs
from .options import CROSS_VALIDATE, DIRECTION, GROUPS, RANK_TOLERANCE

__all__ = ["OPTIONS", "linear_regression", "regression_pairs"]

Progress = Callable[[int, int], object]

OPTIONS = (DIRECTION, CROSS_VALIDATE, GROUPS, RANK_TOLERANCE)


@takes_layout
@falls_back_on(reference.linear_regression)
def linear_regression(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    direction: checks.Direction = checks.DIRECTIONS[0],
    cross_validate: Any = None,
    groups: Any = None,
    rank_tolerance: float | None = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> float:
    """R² of X predicted from Y by linear regression, or of Y from X.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations to predict; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples, to predict from.
    direction : {"x from y", "y from x"}, default "x from y"
        Which is predicted from which; "y from x" is `linear_regression(Y, X)`.
    cross_validate : int, array_like, iterable of pairs, or splitter, optional
        Number of folds: R² of held-out samples (i mod k), pooled, which may be negative. The
        in-sample R² goes to 1 as q goes to n - 1. Or folds of one's own: a fold label for each
        sample; pairs (train, test) of indices, as the splitters of scikit-learn give them; or such
        a splitter.
    groups : array_like, shape (n_samples,), optional
        With `cross_validate`: a label for each sample. Groups, in the order in which they come,
        are shared out among the folds, and splitters are told of them; folds of one's own that
        divide a group are refused. Positions that a layout makes samples have their example as
        group.
    rank_tolerance : float, optional
        As in `cca`, for what is predicted from.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.

    Returns
    -------
    float
        In [0, 1]; not symmetric. NaN, with a warning, if X or Y is constant.

    Raises
    ------
    ValueError, TypeError
        As `cca` does.

    Warns
    -----
    RuntimeWarning
        If X or Y is constant.

    Notes
    -----
    ``|Qy'X|² / |X|²`` with Qy an orthonormal basis of Y's centered columns [1]_. No regression is
    solved, and no SVD needed: n (q² + 2 p q) flops for a well-conditioned Y.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019, section 3.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> round(gm.linear_regression(X, [[2], [3], [0], [8], [-1]]), 9)
    0.803361724

    Of samples that are held out, in folds of one's own, little of that is left here:

    >>> folds = [0, 0, 1, 1, 1]
    >>> round(gm.linear_regression(X, [[2], [3], [0], [8], [-1]], cross_validate=folds), 6)
    -2.076449
    """
    return value_of_pair(
        regression_pairs,
        X,
        Y,
        direction=direction,
        cross_validate=CROSS_VALIDATE.check(cross_validate),
        groups=groups,
        rank_tolerance=rank_tolerance,
        nan_policy=nan_policy,
        device=device,
    )


@turned_pairs
@says_chance(
    Chance(of_regression, "cross_validate=5 says how much holds for other samples"),
    lambda options: options.get("cross_validate") is None,
)
def regression_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return R² of every a from every b; among the a without b."""
    chosen = complete(OPTIONS, options)
    asked = folds_of(chosen, (*a, *b))
    grid = Grid(a, b, nan_policy, device)
    if grid.empty:
        return np.full(grid.shape, np.nan)
    if asked is not None:
        return grid.place(folds.held_out_r2(grid, chosen, asked, progress))
    stages = calls.Stages(progress)
    xs, ys = _prepared(grid, chosen["rank_tolerance"], stages(0, PREPARED))
    values, _, _ = calls.compare(
        xs, ys, measure=Measure.linear_regression, progress=stages(PREPARED, 1)
    )
    flags = [
        [calls.has(one.status, calls.Status.constant) for one in side] for side in (xs, ys or ())
    ]
    among = not grid.ys and ys is not None  # the same layers, twice
    either = [x or y for x, y in zip(*flags, strict=True)] if among else [*flags[0], *flags[1]]
    grid.warn_constant(either)
    return grid.place(values)


def regression_orders(request: Request) -> Orders | None:
    """Prepare layers for R² with reordered samples of what is predicted from."""
    chosen = complete(OPTIONS, request.options)
    if chosen["cross_validate"] is not None:
        return None
    turned = checks.is_turned(chosen["direction"])

    def evaluate(xs: Sequence[calls.PreparedLayer], ys: Sequence[calls.PreparedLayer]) -> Array:
        predicted, others = (ys, xs) if turned else (xs, ys)
        values = calls.compare(predicted, others, measure=Measure.linear_regression)[0]
        return values.T if turned else values

    return orders_of(
        request,
        lambda grid: _prepared(grid, chosen["rank_tolerance"], None, turned=turned),
        evaluate,
    )


def _prepared(
    grid: Grid, tolerance: float | None, progress: Progress | None, *, turned: bool = False
) -> tuple[list[calls.PreparedLayer], list[calls.PreparedLayer] | None]:
    """Prepare bases of the layers that are predicted from; those only predicted need none.

    Of wide ones that are predicted the coordinates take their place. Those of the columns are
    predicted if it is `turned`.
    """
    if not grid.ys and not grid.has_wide:
        return grid.bases(tolerance, progress=progress), None
    first = len(grid.xs) if grid.ys else 0
    from_these = slice(None, first or None) if turned else slice(first, None)
    bases = calls.prepare_bases(
        grid.cores[from_these],
        tolerances=grid.tolerances(tolerance)[from_these],
        double=grid.double,
        progress=progress,
    )
    predicted = grid.others if turned else grid.xs
    centred = calls.prepare_centred(in_coordinates(predicted), double=grid.double)
    return (bases, centred) if turned else (centred, bases)
