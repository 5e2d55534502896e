"""SVCCA of a pair of representations, and of many layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, overload

import numpy as np

from ..._core import calls
from ..._core.calls import Measure
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer
from ..._input.heard import silence
from ..._input.layout import Layouts, Positions, takes_layout
from ..._input.options import check_flag
from .. import ranks
from ..grid import PREPARED, Array, Grid, one_pair
from ..measure import Option, complete, falls_back_on, flag, value_of_pair
from ..orders import Orders, orders_of
from ..resampled import Again, Request, Samples
from . import checks
from . import reference_variants as reference
from .results import SVCCA

__all__ = ["OPTIONS", "svcca", "svcca_pairs"]

Progress = Callable[[int, int], object]

OPTIONS = (
    Option(
        "variance",
        0.99,
        checks.check_variance,
        kind=float,
        metavar="V",
        help="share of the variance that the kept directions hold",
    ),
    Option(
        "components",
        None,
        checks.check_components,
        kind=int,
        metavar="N",
        help="keep N directions instead",
    ),
)
SQUARED = Option("squared", False, flag("squared"))


@overload
def svcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    variance: float = ...,
    components: int | None = ...,
    squared: bool = ...,
    full_output: Literal[False] = ...,
    layout: Layouts = ...,
    positions: Positions = ...,
    nan_policy: NanPolicy = ...,
    device: str | None = ...,
) -> float: ...
@overload
def svcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    variance: float = ...,
    components: int | None = ...,
    squared: bool = ...,
    full_output: Literal[True],
    layout: Layouts = ...,
    positions: Positions = ...,
    nan_policy: NanPolicy = ...,
    device: str | None = ...,
) -> SVCCA: ...
@overload
def svcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    variance: float = ...,
    components: int | None = ...,
    squared: bool = ...,
    full_output: bool,
    layout: Layouts = ...,
    positions: Positions = ...,
    nan_policy: NanPolicy = ...,
    device: str | None = ...,
) -> float | SVCCA: ...
@takes_layout
@falls_back_on(reference.svcca)
def svcca(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    variance: float = 0.99,
    components: int | None = None,
    squared: bool = False,
    full_output: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> float | SVCCA:
    """Singular vector canonical correlation analysis.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples.
    variance : float, default 0.99
        Share of the variance to keep, of each: the leading singular directions of the centered
        columns up to and including the one that reaches it. 1 keeps all there are.
    components : int, optional
        Keep this number of directions instead.
    squared : bool, default False
        Return the mean of the squared correlations.
    full_output : bool, default False
        Return the correlations and the numbers of directions too.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.

    Returns
    -------
    float or SVCCA
        The mean canonical correlation of the kept directions, in [0, 1]: over as many as the
        smaller number of them. With ``full_output=True`` an object with ``.value``,
        ``.correlations``, ``.x_components`` and ``.y_components``.

    Raises
    ------
    ValueError
        As `cca` does, and for more components than a layer has rank.
    TypeError
        As `cca` does.

    Warns
    -----
    RuntimeWarning
        As `cca` does, and if singular values tie that are kept and left out.

    Notes
    -----
    The units are centered and not scaled, so that variance means something; the result does not
    depend on offsets, nor on the scale of X or Y as a whole [1]_. Computed in float64 whatever the
    input: where the share is cut, and the subspace that is left, are sensitive to rounding.
    Cost: 2 n p² flops a layer by Householder QR, 2 n p q a pair.

    References
    ----------
    .. [1] Raghu, Gilmer, Yosinski, Sohl-Dickstein. SVCCA: singular vector canonical correlation
       analysis for deep learning dynamics and interpretability. NeurIPS 2017.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1], [2, 3], [1, -3]]
    >>> round(gm.svcca(X, [[2], [3], [0], [8], [-1]], components=1), 9)
    0.979308335
    """
    options = {"variance": variance, "components": components, "squared": squared}
    if check_flag("full_output", full_output):
        chosen = complete((*OPTIONS, SQUARED), options)
        return _in_full(one_pair(X, Y, nan_policy, device), chosen)
    return value_of_pair(svcca_pairs, X, Y, nan_policy=nan_policy, device=device, **options)


def svcca_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return the mean correlation, or squared one, of every a with every b; among the a."""
    chosen = complete((*OPTIONS, SQUARED), options)
    grid = Grid(a, b, nan_policy, device)
    if grid.empty:
        return np.full(grid.shape, np.nan)
    return grid.place(_means(grid, chosen, progress))


def svcca_orders(request: Request, squared: bool = False) -> Orders | None:
    """Prepare directions for the mean correlations with reordered samples."""
    chosen = complete((*OPTIONS, SQUARED), {"squared": squared, **request.options})
    return orders_of(
        request,
        lambda grid: grid.sides(_prepared(grid, chosen, None)),
        lambda xs, ys: calls.compare(xs, ys, measure=_measure(chosen))[0],
    )


def hold_components(
    request: Request,
    again: Callable[[Mapping[str, Any]], Again],
    squared: bool = False,
) -> Again:
    """Let draws keep as many directions of each layer as all samples made it."""
    chosen = complete((*OPTIONS, SQUARED), {"squared": squared, **request.options})
    if chosen["components"] is not None or request.device == "reference":
        return again(request.options)
    device = request.where
    with silence():  # the comparison of all samples has said what there is
        whole = Grid(request.a, request.b, "raise", device)
        kept = [one.rank for one in _prepared(whole, chosen, None)]
    names = [layer.name for layer in (*whole.xs, *whole.ys)]
    counts = dict(zip(names, kept, strict=True))

    def compare(a: Sequence[Layer], b: Sequence[Layer], _drawn: Samples | None = None) -> Array:
        grid = Grid(a, b, "raise", device)
        prepared = [
            calls.prepare_directions(
                [layer.core],
                tolerances=[ranks.default_tolerance(layer)],
                variance=chosen["variance"],
                components=counts[layer.name],
                double=grid.double,
            )[0]
            for layer in (*grid.xs, *grid.ys)
        ]
        values, _, _ = calls.compare(*grid.sides(prepared), measure=_measure(chosen))
        return grid.place(values)

    return compare


def _prepared(
    grid: Grid, options: Mapping[str, Any], progress: Progress | None
) -> list[calls.PreparedLayer]:
    """Prepare the directions that are kept, and warn of what is left of them."""
    prepared = calls.prepare_directions(
        grid.cores,
        tolerances=grid.tolerances(None),
        variance=options["variance"],
        components=options["components"] or 0,
        double=grid.double,
        progress=progress,
    )
    for layer, one in zip((*grid.xs, *grid.ys), prepared, strict=True):
        checks.check_enough_rank(layer, one.directions, options["components"])
    grid.warn_if_constant(prepared)
    grid.warn_saturated([one.rank for one in prepared])
    ranks.warn_straddled(
        [
            layer.name
            for layer, one in zip((*grid.xs, *grid.ys), prepared, strict=True)
            if one.gap <= ranks.TIE_UNITS * ranks.epsilon(layer)
        ]
    )
    return prepared


def _measure(options: Mapping[str, Any]) -> Measure:
    return Measure.svcca_squared if options["squared"] else Measure.svcca


def _means(grid: Grid, options: Mapping[str, Any], progress: Progress | None) -> Array:
    stages = calls.Stages(progress)
    values, _, _ = calls.compare(
        *grid.sides(_prepared(grid, options, stages(0, PREPARED))),
        measure=_measure(options),
        progress=stages(PREPARED, 1),
    )
    return values


def _in_full(grid: Grid, options: Mapping[str, Any]) -> SVCCA:
    """Return SVCCA of one pair with what it was computed from."""
    if grid.empty:
        return SVCCA(np.nan, np.empty(0), 0, 0)
    x, y = _prepared(grid, options, None)
    value, _, rho = calls.pair(x, y, measure=_measure(options))
    return SVCCA(value, rho, x.rank, y.rank)
