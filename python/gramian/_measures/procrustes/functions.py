"""Procrustes similarity and the shape distances of one pair of representations."""

from __future__ import annotations

from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.layout import Layouts, Positions, takes_layout
from ..measure import falls_back_on, value_of_pair
from . import pairs, reference

__all__ = ["procrustes", "procrustes_distance", "shape_distance"]


@takes_layout
@falls_back_on(reference.procrustes)
def procrustes(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> float:
    """Orthogonal Procrustes similarity.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples.
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
        In [0, 1]: 1 for representations that are equal up to rotation, translation and scale. NaN,
        with a warning, if X or Y is constant.

    Raises
    ------
    ValueError, TypeError
        As `cca` does.

    Warns
    -----
    RuntimeWarning
        If X or Y is constant.

    See Also
    --------
    procrustes_distance, shape_distance

    Notes
    -----
    ``s = |X'Y|_* / (|X|_F |Y|_F)`` with centered columns: the largest correlation that a rotation
    of Y can have with X [1]_. 2 n p q flops and the singular values of a p x q matrix.

    References
    ----------
    .. [1] Schönemann. A generalized solution of the orthogonal Procrustes problem.
       Psychometrika 1966.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> round(gm.procrustes(X, [[1, 1], [-1, 0], [0, -1]]), 9)
    0.901387819
    """
    return value_of_pair(pairs.procrustes_pairs, X, Y, nan_policy=nan_policy, device=device)


@takes_layout
@falls_back_on(reference.procrustes_distance)
def procrustes_distance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> float:
    """Orthogonal Procrustes distance of representations scaled to unit norm.

    Parameters
    ----------
    X, Y, layout, positions, nan_policy, device
        As in `procrustes`.

    Returns
    -------
    float
        In [0, sqrt(2)]; a metric. 0 for representations that are equal up to rotation, translation
        and scale. NaN, with a warning, if X or Y is constant.

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
    The least ``|X - Y Q|_F`` over orthogonal Q, sqrt(2 - 2 s) with s that of `procrustes` [1]_.
    Where 1 - s < 1e-3 that formula loses half the digits, and the distance is found from X - Y Q
    itself. The narrower representation is padded with zeros.

    References
    ----------
    .. [1] Williams, Kunz, Kornblith, Linderman. Generalized shape metrics on neural
       representations. NeurIPS 2021.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> round(gm.procrustes_distance(X, [[1, 1], [-1, 0], [0, -1]]), 9)
    0.444099496
    """
    return value_of_pair(
        pairs.procrustes_distance_pairs, X, Y, nan_policy=nan_policy, device=device
    )


@takes_layout
@falls_back_on(reference.shape_distance)
def shape_distance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    alpha: float = 1.0,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> float:
    """Angular shape distance, from CCA to Procrustes.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q)
        Activations of the same examples.
    alpha : float, default 1.0
        0 whitens both (CCA), 1 leaves them as they are (Procrustes). In between the distance
        depends on the scale of X and Y.
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
        In radians, in [0, pi/2]; a metric for each alpha. NaN, with a warning, if X or Y is
        constant.

    Raises
    ------
    ValueError
        As `cca` does, and for alpha outside [0, 1].
    TypeError
        As `cca` does.

    Warns
    -----
    RuntimeWarning
        If X or Y is constant.

    Notes
    -----
    ``arccos(|X~'Y~|_* / (|X~|_F |Y~|_F))``, ``X~ = X (alpha I + (1 - alpha) (X'X)^(-1/2))`` with X
    centered [1]_. For alpha < 1 computed in float64, from the singular values of X and Y.

    References
    ----------
    .. [1] Williams, Kunz, Kornblith, Linderman. Generalized shape metrics on neural
       representations. NeurIPS 2021.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [0, 1], [-1, -1]]
    >>> round(gm.shape_distance(X, [[1, 1], [-1, 0], [0, -1]]), 9)
    0.447832397
    """
    return value_of_pair(
        pairs.shape_distance_pairs, X, Y, alpha=alpha, nan_policy=nan_policy, device=device
    )
