"""Units predicted from few units of another representation: the LASSO of convergent learning."""

from __future__ import annotations

from typing import Any

from ..._input import layers, options
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.layout import Layouts, Positions, units_take_layout
from ..._input.progress import Progress, shows_progress, tell_of
from ..measure import falls_back_on
from . import analysis, pairs, reference
from .results import SparsePrediction

__all__ = ["sparse_prediction"]


@units_take_layout
@shows_progress
@falls_back_on(reference.sparse_prediction)
def sparse_prediction(
    X: ArrayLike,
    Y: ArrayLike,
    alphas: Any = None,
    *,
    tol: float = 1e-6,
    max_sweeps: int = 10_000,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress = None,
) -> SparsePrediction:
    """Predict each unit of Y as a sparse combination of units of X.

    Parameters
    ----------
    X, Y : array_like, shapes (n_samples, p) and (n_samples, q)
        Activations of the same examples; see `cka` for what is accepted.
    alphas : float or sequence of float, optional
        Penalties, in any order; solved from the largest down. By default 30, in equal ratios,
        from the largest correlation of X and Y, where no unit has a partner, to 1e-3 of it.
    tol : float, default 1e-6
        Duality gap of every solution, as a share of the predicted unit's variance.
    max_sweeps : int, default 10000
        Rounds of coordinate descent for one unit and one alpha.
    layout, positions, nan_policy, device
        As in `correlation`.
    progress : bool, callable or bar of tqdm, optional
        True shows a bar, by tqdm where that is installed. A function is called now and then as
        ``progress(done, total)``, and a bar of tqdm moved; the units are those of the work.

    Returns
    -------
    SparsePrediction
        ``.alphas``, ``.coefficients (n_alphas, p, q)`` on standardized units, ``.r2`` and
        ``.n_partners (n_alphas, q)``, and the ``.gaps`` that were reached.

    Raises
    ------
    ValueError, TypeError
        As `correlation` does, and for an option out of range.
    KeyboardInterrupt
        Ctrl-C stops the computation.

    Warns
    -----
    RuntimeWarning
        If units are constant: they predict nothing, and their R2 is NaN. If solutions are not
        within `tol` after `max_sweeps`.

    Notes
    -----
    For each unit y of Y, the w that minimizes ``|y - Xw|² / (2n) + alpha |w|_1`` [1]_, which is
    scikit-learn's `Lasso`, on units of mean 0 and variance 1 (ddof = 0). Of units of X that are
    equal up to sign, scale and offset only the first can be a partner, since their weights are
    not determined. As a measure, `sparse_prediction` is the mean R2 at ``alphas=0.1``.

    All units of Y share one covariance of X, so the data are read once: n p² + 2 n p q flops in
    float64, whatever the input. Then coordinate descent on p x p numbers, on the CPU: every
    solution starts from the line through the last two, since the path is piecewise linear in
    alpha, and is accelerated by extrapolation [2]_. Units of Y run in parallel, with the same bits
    for any number of threads. Memory: the result, and O(p² + p q).

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson, Hopcroft. Convergent learning: do different neural
       networks learn the same representations? 2015 (ICLR 2016), section 4.
    .. [2] Bertrand, Massias. Anderson acceleration of coordinate descent. AISTATS 2021.

    Examples
    --------
    >>> import gramian as gm
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[0], [2], [-2]]
    >>> found = gm.sparse_prediction(X, Y, 0.25)
    >>> found.coefficients.round(9).tolist(), found.r2.round(9).tolist()
    ([[[0.0], [0.75]]], [[0.9375]])
    """
    options.check_nan_policy(nan_policy)
    settings = pairs.settings(alphas, tol, max_sweeps)
    found = layers.pair(X, Y, nan_policy)
    x, y = (pairs.read_units(layer, nan_policy, device) for layer in found)
    C = pairs.between(x, y, double=True)
    for layer, varies in zip(found, (C.x_varies, C.y_varies), strict=True):
        analysis.warn_constant(layer, ~varies)
    gram = pairs.between(x, x, double=True).values
    finite = x.layer.finite and y.layer.finite
    return pairs.predicted(C, gram, **settings, finite=finite, progress=tell_of(progress))
