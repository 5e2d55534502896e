"""SVCCA and PWCCA of one pair of representations."""

from __future__ import annotations

from typing import Any, Literal, overload

from . import _cca, _validate
from ._cca_layers import one_pair
from .cca_results import PWCCA, SVCCA

__all__ = ["pwcca", "svcca"]


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
    0.979308335
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
        return _cca.one_value(measure, X, Y, nan_policy, device, options)
    _cca.check_options("svcca", options)
    layers = one_pair(X, Y, nan_policy, device)
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
    0.831533191
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
        return _cca.one_value("pwcca", X, Y, nan_policy, device, options)
    _cca.check_options("pwcca", options)
    layers = one_pair(X, Y, nan_policy, device)
    return _cca.pwcca_pair(layers, options)
