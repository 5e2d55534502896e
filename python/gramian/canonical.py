"""Canonical correlations of one pair of representations: CCA, SVCCA, PWCCA, and regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, overload

import numpy as np

from . import _cca, _cca_folds, _validate, _validate_cca
from .cca_results import CCA, PWCCA, SVCCA

__all__ = ["cca", "linear_regression", "pwcca", "svcca"]


def cca(
    X: Any,
    Y: Any,
    *,
    denominator: str = "features",
    regularization: float = 0.0,
    cross_validate: int | None = None,
    rank_tolerance: float | None = None,
    nan_policy: str = "raise",
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
        What the means divide by: min(p, q), or the smaller rank.
    regularization : float, default 0.0
        Ridge: this times the mean squared norm of the centered columns is added to the diagonals of
        X'X and Y'Y. Correlations then shrink with it.
    cross_validate : int, optional
        Number of folds. The correlations are then those of held-out samples (i mod k) under
        weights fitted to the rest, averaged over folds; in-sample ones go to 1 as p + q goes to n.
    rank_tolerance : float, optional
        Singular values of the representation, its columns centered and scaled to norm 1, count when
        larger than this times the largest. Default min(n, p) eps, eps of the input's precision.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "reference"}, optional
        Where to compute. "reference" is plain numpy in float64.

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
        Complex, object, string or masked input.

    Warns
    -----
    RuntimeWarning
        If X or Y is constant, which leaves the means undefined (NaN); and with the number of
        correlations that are 1 by construction, because the ranks add up to more than n - 1.

    See Also
    --------
    svcca, pwcca : Summaries that weigh directions by how much of the representation they are.

    Notes
    -----
    With Qx and Qy orthonormal bases of the centered columns, the correlations are the singular
    values of Qx'Qy; the mean of their squares is R²_CCA [1]_. Columns that are constant are left
    out. The result does not depend on the scale of a unit, nor on any invertible linear map.

    Well-conditioned layers cost n (p² + q² + 2 p q) flops in matrix products, since no basis is
    formed; at a condition above 50 twice that and memory for the bases; rank-deficient layers, and
    those with p >= n, are decomposed in float64.

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
    array([0.875996643])
    >>> result.x_rank, result.y_rank
    (2, 1)
    """
    if _validate.check_device(device) == "reference":
        from . import reference

        return reference.cca(
            X,
            Y,
            denominator=denominator,
            regularization=regularization,
            cross_validate=cross_validate,
            rank_tolerance=rank_tolerance,
            nan_policy=nan_policy,
        )
    options = {
        "denominator": denominator,
        "regularization": regularization,
        "cross_validate": cross_validate,
        "rank_tolerance": rank_tolerance,
    }
    layers = _layers("cca", X, Y, nan_policy, device, options)
    p, q = layers.widths
    if layers.empty:
        nothing = np.full(min(p, q), np.nan), np.nan, np.nan
        weights = np.full((p, min(p, q)), np.nan), np.full((q, min(p, q)), np.nan)
        return CCA(*nothing, *weights, 0, 0, (np.nan, np.nan), 0)
    x, y = layers.xs[0], layers.ys[0]
    core = _cca.ranked(x, rank_tolerance), _cca.ranked(y, rank_tolerance)
    rho, x_weights, y_weights, x_rank, y_rank = _cca_folds.canonical_pair(
        *core, regularization, double=layers.double
    )
    layers.warn_constant([x_rank == 0, y_rank == 0])
    r = min(x_rank, y_rank)
    saturated = 0
    if regularization == 0 and r > 0:
        layers.warn_saturated([x_rank, y_rank])
        saturated = _validate_cca.saturated(x_rank, y_rank, layers.n)
    if cross_validate is not None and r > 0:
        rho = _cca_folds.correlations(x, y, options)
    count = max(r, 1) if denominator == "rank" else min(p, q)
    return CCA(
        correlations=rho,
        mean=float(rho.sum() / count) if r > 0 else np.nan,
        mean_squared=float(np.sum(rho**2) / count) if r > 0 else np.nan,
        x_weights=x_weights,
        y_weights=y_weights,
        x_rank=x_rank,
        y_rank=y_rank,
        rank_tolerance=(core[0][2], core[1][2]),
        n_saturated=saturated,
    )


@overload
def svcca(
    X: Any,
    Y: Any,
    *,
    variance: float = ...,
    components: int | None = ...,
    squared: bool = ...,
    full_output: Literal[False] = ...,
    nan_policy: str = ...,
    device: str | None = ...,
) -> float: ...
@overload
def svcca(
    X: Any,
    Y: Any,
    *,
    variance: float = ...,
    components: int | None = ...,
    squared: bool = ...,
    full_output: bool,
    nan_policy: str = ...,
    device: str | None = ...,
) -> float | SVCCA: ...
def svcca(
    X: Any,
    Y: Any,
    *,
    variance: float = 0.99,
    components: int | None = None,
    squared: bool = False,
    full_output: bool = False,
    nan_policy: str = "raise",
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
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "reference"}, optional
        Where to compute. "reference" is plain numpy in float64.

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
        As `cca` does.

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
    0.853892907
    """
    if _validate.check_device(device) == "reference":
        from . import reference

        return reference.svcca(
            X,
            Y,
            variance=variance,
            components=components,
            squared=squared,
            full_output=full_output,
            nan_policy=nan_policy,
        )
    options = {"variance": variance, "components": components}
    if not full_output:
        measure = "svcca_squared" if squared else "svcca"
        return _value(measure, X, Y, nan_policy, device, options)
    layers = _layers("svcca", X, Y, nan_policy, device, options)
    return _cca.svcca_pair(layers, squared=squared, options=options)


@overload
def pwcca(
    X: Any,
    Y: Any,
    *,
    side: str = ...,
    variant: str = ...,
    rank_tolerance: float | None = ...,
    full_output: Literal[False] = ...,
    nan_policy: str = ...,
    device: str | None = ...,
) -> float: ...
@overload
def pwcca(
    X: Any,
    Y: Any,
    *,
    side: str = ...,
    variant: str = ...,
    rank_tolerance: float | None = ...,
    full_output: bool,
    nan_policy: str = ...,
    device: str | None = ...,
) -> float | PWCCA: ...
def pwcca(
    X: Any,
    Y: Any,
    *,
    side: str = "x",
    variant: str = "paper",
    rank_tolerance: float | None = None,
    full_output: bool = False,
    nan_policy: str = "raise",
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
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "reference"}, optional
        Where to compute. "reference" is plain numpy in float64.

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
    sum(a_i rho_i) / sum(a_i), where a_i = sum_j |<h_i, x_j>| over the centered units of X and h_i
    is the i-th canonical variate on X's side, of unit norm [1]_. Tied correlations leave their
    variates free to turn, and a_i with them. Cost: that of `cca`, and one SVD with vectors.

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
    0.815264399
    """
    if _validate.check_device(device) == "reference":
        from . import reference

        return reference.pwcca(
            X,
            Y,
            side=side,
            variant=variant,
            rank_tolerance=rank_tolerance,
            full_output=full_output,
            nan_policy=nan_policy,
        )
    options = {"side": side, "variant": variant, "rank_tolerance": rank_tolerance}
    if not full_output:
        return _value("pwcca", X, Y, nan_policy, device, options)
    layers = _layers("pwcca", X, Y, nan_policy, device, options)
    return _cca.pwcca_pair(layers, options)


def linear_regression(
    X: Any,
    Y: Any,
    *,
    cross_validate: int | None = None,
    rank_tolerance: float | None = None,
    nan_policy: str = "raise",
    device: str | None = None,
) -> float:
    """Share of X's variance that a linear regression on Y explains, R².

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations to predict; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples, to predict from.
    cross_validate : int, optional
        Number of folds: R² of held-out samples (i mod k), pooled, which may be negative. The
        in-sample R² goes to 1 as q goes to n - 1.
    rank_tolerance : float, optional
        As in `cca`, for Y.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "reference"}, optional
        Where to compute. "reference" is plain numpy in float64.

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
    |Qy'X|² / |X|² with Qy an orthonormal basis of Y's centered columns [1]_. No regression is
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
    0.698484848
    """
    if _validate.check_device(device) == "reference":
        from . import reference

        return reference.linear_regression(
            X,
            Y,
            cross_validate=cross_validate,
            rank_tolerance=rank_tolerance,
            nan_policy=nan_policy,
        )
    options = {"cross_validate": cross_validate, "rank_tolerance": rank_tolerance}
    return _value("linear_regression", X, Y, nan_policy, device, options)


def _value(
    measure: str,
    X: Any,
    Y: Any,
    nan_policy: str,
    device: str | None,
    options: Mapping[str, Any],
) -> float:
    """Return a measure of one pair."""
    _validate.check_nan_policy(nan_policy)
    x, y = _validate.representation(X, "X"), _validate.representation(Y, "Y")
    _validate.check_same_samples((x, y))
    values = _cca.all_pairs(
        measure, [x], [y], nan_policy=nan_policy, device=device, progress=None, options=options
    )
    return float(values[0, 0])


def _layers(
    measure: str,
    X: Any,
    Y: Any,
    nan_policy: str,
    device: str | None,
    options: Mapping[str, Any],
) -> _cca.Layers:
    """Check the inputs of one pair."""
    _validate.check_nan_policy(nan_policy)
    x, y = _validate.representation(X, "X"), _validate.representation(Y, "Y")
    _validate.check_same_samples((x, y))
    _cca.check(measure, options, len(x.array))
    return _cca.Layers([x], [y], nan_policy, device)
