"""Ridge regression of one representation on another, penalties chosen by folds within folds."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..._input import layers
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.layout import Layouts, Positions, takes_layout_in_order
from ..._input.options import check_memory
from .. import memory, ranks
from ..grid import Grid
from ..measure import complete, falls_back_on
from . import checks, plan_ridge, reference_ridge, ridge_pairs
from .results import RidgeRegression, undefined_ridge

__all__ = ["ridge_regression"]


@takes_layout_in_order
@falls_back_on(reference_ridge.ridge_regression)
def ridge_regression(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    alphas: Any = None,
    direction: checks.Direction = checks.DIRECTIONS[0],
    cross_validate: Any = 5,
    groups: Any = None,
    inner_folds: Any = None,
    alpha_per_target: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    max_memory: float | None = None,
) -> RidgeRegression:
    """Held-out R² of X predicted from Y by ridge regression, or of Y from X: an encoding model.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        What is predicted, responses of neurons or voxels for example. See `cka` for what is
        accepted.
    Y : array_like, shape (n_samples, q)
        What it is predicted from, a layer's activations to the same examples for example.
    alphas : float or sequence of float, optional
        Penalties to choose from. By default 13, from 1e-8 to 1e4 times the mean squared singular
        value of the centered predictors, ``|Y|² / min(n, q)``, so that no scale matters.
    direction : {"x from y", "y from x"}, default "x from y"
        Which is predicted from which.
    cross_validate : int, array_like, iterable of pairs, or splitter, default 5
        Folds that are held out, for scores, as in `linear_regression`. None: the samples that are
        fitted are scored, which says little.
    groups : array_like, shape (n_samples,), optional
        A label for each sample: those of a group are held out, and left out, together.
    inner_folds : int, array_like or splitter, optional
        How penalties are chosen among the samples that a fold fits: by so many folds of them, or
        by such as `cross_validate` takes, and the R² of units, averaged over units and folds. By
        default by the squared error of all units together, each sample (or group) predicted from
        all others that are fitted, which costs no more fits.
    alpha_per_target : bool, default False
        Choose a penalty for each predicted unit.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where coordinates of wide layers are found; by default where the arrays live. The rest is
        done by the host. "reference" is plain numpy in float64.
    max_memory : float, optional
        Working memory in bytes that the call may take beyond its inputs.

    Returns
    -------
    RidgeRegression
        ``.score``, and by unit ``.r2`` and ``.correlation``; ``.alpha``, ``.alphas`` and
        ``.predictions``. As a measure, "ridge_regression" is the score.

    Raises
    ------
    ValueError, TypeError
        As `linear_regression` does, and for penalties that are not above 0.
    MemoryError
        Before anything is computed, if it does not fit into `max_memory`, or what there is.

    Warns
    -----
    RuntimeWarning
        If X or Y is constant, which leaves everything undefined (NaN), or some of the predicted
        units are.

    Notes
    -----
    For every fold the W and the intercept that minimize ``|X - YW|² + alpha |W|²`` on the rest
    [1]_; the penalty is on centered predictors that are not scaled, as in scikit-learn's `Ridge`.
    Within the rest, penalties are chosen as its `RidgeCV` does with `cv=None` [2]_, and with folds
    under `inner_folds`; the first of several that are equally good.

    All is in float64, from one decomposition of a training set for all penalties and all layers
    that are predicted from it: O(n q²) flops, of a layer with q > n, by its coordinates, n² q once
    and O(n³) a fold, and no q x q matrix; and 2 n min(n, q) flops a penalty and predicted unit.

    References
    ----------
    .. [1] Hoerl, Kennard. Ridge regression: biased estimation for nonorthogonal problems.
       Technometrics 12, 1970.
    .. [2] Golub, Heath, Wahba. Generalized cross-validation as a method for choosing a good ridge
       parameter. Technometrics 21, 1979.

    See Also
    --------
    linear_regression : Without a penalty.
    noise_ceiling : What repeats say of the best that any model could do.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.standard_normal((200, 300))
    >>> voxels = layer[:, :20] @ rng.standard_normal((20, 4)) + rng.standard_normal((200, 4))
    >>> found = gm.ridge_regression(voxels, layer)
    >>> found
    <RidgeRegression x from y: 4 units, R² 0.527, median 0.536, alpha 2.99 to 29.9>
    >>> found.correlation.round(2)
    array([0.76, 0.68, 0.75, 0.71])
    """
    given = {
        "alphas": alphas,
        "direction": direction,
        "cross_validate": cross_validate,
        "groups": groups,
        "inner_folds": inner_folds,
        "alpha_per_target": alpha_per_target,
    }
    options = complete(ridge_pairs.OPTIONS, given)
    turned = checks.is_turned(options["direction"])
    x, y = layers.pair(X, Y, nan_policy)
    memory.check_fits(
        plan_ridge.plan_ridge,
        [x],
        [y],
        device=device,
        max_memory=check_memory(max_memory),
        options=options,
    )
    predicted, others = (y, x) if turned else (x, y)
    grid = Grid([predicted], [others], nan_policy, device)
    q = predicted.array.shape[1]
    found = None
    if not grid.empty:
        found = ridge_pairs.fit_pairs(grid, options, [x, y], units=True).get((0, 0))
    if found is None:
        n = len(predicted.array)
        return undefined_ridge(n, q, options["alphas"], options["direction"])
    target = grid.xs[0]
    checks.warn_constant_units(target.name, int(ranks.constant_columns(target).sum()))
    chosen = np.array(found.alphas)
    return RidgeRegression(
        score=found.sums.score,
        r2=found.sums.r2,
        correlation=found.sums.correlation,
        alpha=chosen if options["alpha_per_target"] else chosen[:, 0],
        alphas=found.tried,
        predictions=found.predictions + target.means,
        direction=options["direction"],
    )
