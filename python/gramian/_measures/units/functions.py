"""Single units of two representations: correlation, matching and clustering."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..._input import layers, options
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import Layer, as_layer
from ..._input.layout import Layouts, Positions, units_take_layout
from ..measure import falls_back_on
from . import analysis, checks, pairs, reference
from .checks import Method
from .results import Clusters, Matching

__all__ = ["cluster_units", "correlation", "match_units"]


@units_take_layout
@falls_back_on(reference.correlation)
def correlation(
    X: ArrayLike,
    Y: ArrayLike | None = None,
    *,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> Any:
    """Pearson correlation of every unit of X with every unit of Y.

    Parameters
    ----------
    X : array_like, shape (n_samples, p)
        Activations; rows are examples, columns are units. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, q), optional
        Activations of the same examples. By default X's own: the correlation within a net.
    layout, positions
        As in `compare`, for arrays of more axes; with a layout, `positions` is "samples" unless
        given: units are channels then, and each position of each image is a sample.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN for the units they are in.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.

    Returns
    -------
    array, shape (p, q)
        In [-1, 1], signed; NaN in the rows and columns of constant units. float32 if both inputs
        are of at most that precision, otherwise float64. It lives where X does: for an array on a
        GPU it is one of CuPy, torch or jax, as X is, and of numpy otherwise.

    Raises
    ------
    ValueError, TypeError
        As `cka` does, and for fewer than 2 samples, with a layout an array that is not 4-D, or
        different positions of X and Y.

    Warns
    -----
    RuntimeWarning
        If a unit is constant: its centered norm is at most 10 eps of its norm.

    See Also
    --------
    match_units, sparse_prediction, cluster_units : What follows from it.

    Notes
    -----
    ``r_ij = x_i'y_j / (|x_i| |y_j|)``, columns centered. Cost: 2 n p q flops, half without Y, as
    one matrix product; memory: the result, and a few MB a thread. Channels-first activations
    are copied as (n * height * width, channels), unless `positions` takes a part of them or is
    "features".

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson, Hopcroft. Convergent learning: do different neural
       networks learn the same representations? 2015 (ICLR 2016).

    Examples
    --------
    >>> import gramian as gm
    >>> gm.correlation([[1, 0], [0, 1], [-1, -1]])
    array([[1. , 0.5],
           [0.5, 1. ]])
    """
    x, C, _ = _correlations(X, Y, nan_policy, device, alone=Y is None)
    return x.given_back(C.found)


@units_take_layout
@falls_back_on(reference.match_units)
def match_units(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    method: Method = "one-to-one",
    absolute: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> Matching:
    """Find the partners of X's units among the units of Y, by correlation.

    Parameters
    ----------
    X, Y : array_like, shapes (n_samples, p) and (n_samples, q)
        Activations of the same examples; see `cka` for what is accepted.
    method : {"one-to-one", "semi"}, default "one-to-one"
        The assignment that maximizes the summed correlation, of min(p, q) pairs; or, for each
        unit of X, the unit of Y with the largest, which may serve several.
    absolute : bool, default False
        Maximize absolute correlations: an opposite unit is as good a partner.
    layout, positions, nan_policy, device
        As in `correlation`. Under "propagate" the mean is NaN if anything is not finite.

    Returns
    -------
    Matching
        ``.pairs (k, 2)``, ``.correlations (k,)`` and their ``.mean``.

    Raises
    ------
    ValueError, TypeError
        As `correlation` does, and for an unknown method.
    ImportError
        If scipy is missing; ``pip install "gramian[units]"``.

    Warns
    -----
    RuntimeWarning
        If units are constant; they have no partner.

    Notes
    -----
    A tie goes to the unit of Y with the lowest index when semi-matching; among assignments of
    equal sum, scipy's `linear_sum_assignment` chooses. Cost: `correlation`, then O(p q) for
    semi-matching and O(min(p, q)² max(p, q)) at worst for the assignment, on the CPU.
    Of arrays on a GPU semi-matching copies the pairs to the host, the assignment all correlations.

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson, Hopcroft. Convergent learning: do different neural
       networks learn the same representations? 2015 (ICLR 2016), section 3.

    Examples
    --------
    >>> import gramian as gm
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[0, 3], [1, 1], [-1, -4]]
    >>> matching = gm.match_units(X, Y)
    >>> matching.pairs.tolist()
    [[0, 1], [1, 0]]
    >>> round(matching.mean, 6)
    0.985363
    """
    method, absolute = checks.check_method(method), options.check_flag("absolute", absolute)
    x, C, finite = _correlations(X, Y, nan_policy, device)
    found = analysis.matched(C, method, absolute, finite)
    return replace(found, correlation=_given_back(x, C))


@units_take_layout
@falls_back_on(reference.cluster_units)
def cluster_units(
    X: ArrayLike,
    Y: ArrayLike,
    n_clusters: int,
    *,
    seed: int = 0,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> Clusters:
    """Cluster the units of X and Y together, by the correlation between the two.

    Parameters
    ----------
    X, Y : array_like, shapes (n_samples, p) and (n_samples, q)
        Activations of the same examples; see `cka` for what is accepted.
    n_clusters : int
        Number of clusters, at most the number of units that correlate with one of the other side.
    seed : int, default 0
        Seed of k-means++; the best of its 10 starts is kept.
    layout, positions, nan_policy, device
        As in `correlation`.

    Returns
    -------
    Clusters
        ``.x_labels (p,)`` and ``.y_labels (q,)``: the largest cluster is 0, units in none -1.

    Raises
    ------
    ValueError, TypeError
        As `correlation` does, and for an `n_clusters` out of range.
    ImportError
        If scipy or scikit-learn is missing; ``pip install "gramian[units]"``.

    Warns
    -----
    RuntimeWarning
        If units are constant; they are in no cluster.

    Notes
    -----
    The graph has an edge from every unit of X to every unit of Y, weighted by their correlation,
    or 0 where that is negative: W = [[0, C], [C', 0]]. Of D^-1/2 W D^-1/2, D the degrees, the
    eigenvectors of the `n_clusters` largest eigenvalues are taken, their rows normalized, and
    clustered by k-means [2]_. The graph of [1]_ is not published; this one is our choice. A unit
    of degree 0 has the label -1. Cost: `correlation`, and about (p + q)³ flops on the CPU.

    References
    ----------
    .. [1] Li, Yosinski, Clune, Lipson, Hopcroft. Convergent learning: do different neural
       networks learn the same representations? 2015 (ICLR 2016), section 5.
    .. [2] Ng, Jordan, Weiss. On spectral clustering: analysis and an algorithm. NIPS 2001.

    Examples
    --------
    >>> import gramian as gm
    >>> X = [[1, 0], [-1, 0], [0, 1], [0, -1]]
    >>> Y = [[0, 2, 0], [0, -2, 0], [1, 0, 3], [-1, 0, -3]]
    >>> clusters = gm.cluster_units(X, Y, 2)
    >>> clusters.x_labels.tolist(), clusters.y_labels.tolist()
    ([1, 0], [0, 1, 0])
    """
    seed = checks.check_seed(seed)
    x, C, _ = _correlations(X, Y, nan_policy, device)
    found = analysis.clustered(C, n_clusters, seed)
    return replace(found, correlation=_given_back(x, C))


def _correlations(
    X: ArrayLike,
    Y: ArrayLike | None,
    nan_policy: str,
    device: str | None,
    *,
    alone: bool = False,
) -> tuple[Layer, analysis.Correlations, bool]:
    """Return X, the correlations, of X alone or with Y, and whether all elements are finite."""
    if alone:
        options.check_nan_policy(nan_policy)
        found = [as_layer(X, "X")]
    else:
        found = [*layers.pair(X, Y, nan_policy)]
    units = [pairs.read_units(layer, nan_policy, device) for layer in found]
    C = pairs.between(units[0], units[-1])
    for layer, varies in zip(found, (C.x_varies, C.y_varies), strict=False):
        analysis.warn_constant(layer, ~varies)
    return found[0], C, all(one.layer.finite for one in units)


def _given_back(x: Layer, C: analysis.Correlations) -> Any:
    """Return all correlations where X lives; those that are in host memory already as they are."""
    return C.values if x.device is None else x.given_back(C.found)
