"""HSIC and CKA of one pair of representations."""

from __future__ import annotations

from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.layout import Layouts, Positions, takes_layout
from ..measure import falls_back_on, value_of_pair
from . import angles, pairs, reference
from .kernels import Kernel, KernelName

__all__ = ["cka", "cka_distance", "distance_correlation", "hsic"]


@takes_layout
@falls_back_on(reference.hsic)
def hsic(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    unbiased: bool = False,
    debiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    max_memory: float | None = None,
) -> float:
    """Hilbert-Schmidt independence criterion of two representations.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features_x)
        Activations; rows are examples. numpy arrays, and anything with DLPack,
        ``__cuda_array_interface__`` or ``__array__``; float16, bfloat16, float32, float64,
        integers (below 2**53 in size) or bool, of any strides. Copied as a whole only when a GPU
        is asked for. A tensor that requires a gradient is read without it: the result is a number,
        and no loss.
    Y : array_like, shape (n_samples, n_features_y)
        Activations of the same examples.
    kernel : str or kernel object, default "linear"
        Compares two examples; the same kernel for X and Y. "linear", "rbf", "laplacian",
        "polynomial", "cosine", or "precomputed" if X and Y are Gram matrices; or a kernel with
        parameters, such as `RBF`.
    bandwidth : float, optional
        Width of the "rbf" or "laplacian" kernel as a fraction of the median distance between
        examples; X and Y each have their own median. Default 1.0.
    sigma : float, optional
        The width in the units of the features instead, the same for X and Y.
    bandwidth_sample : int, optional
        Take the median distance of this many examples only, evenly spread over the rows.
    unbiased : bool, default False
        Use the unbiased estimator, which may be negative.
    debiased : bool, default False
        The same under the name that `cka` has for it.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.
    max_memory : float, optional
        Working memory in bytes that the call may take beyond its inputs, or MemoryError. Default
        512 MiB, or more if nothing works with that; on a GPU a quarter of what is free at the
        first call, at most 16 GB.

    Returns
    -------
    float
        In units of the squared product of the kernels' values.

    Raises
    ------
    ValueError
        Different numbers of samples, fewer than 2 (unbiased: 4), not two-dimensional, empty, NaN
        or infinity, unaligned memory, a median distance of zero, or an option out of range.
    TypeError
        Complex, object, string or masked input, or an option of a wrong type.

    See Also
    --------
    cka : The same, normalized to be independent of scale.

    Notes
    -----
    With Gram matrices K and L, and H = I - 11'/n,

    - biased: tr(KHLH) / (n - 1)² [1]_;
    - unbiased, with K~ and L~ the Gram matrices with zero diagonal:
      [tr(K~L~) + 1'K~1 1'L~1 / ((n-1)(n-2)) - 2/(n-2) 1'K~L~1] / (n(n-3)) [2]_.

    The linear kernel costs 2 n p q flops for X'Y when that is less than n² (p + q) for two Gram
    matrices; the RBF kernel costs n² (p + q), tile by tile. No n x n matrix is formed: memory is a
    few MB a thread. Arithmetic is in float32 if both inputs are of at most that precision, with
    sums in float64, and otherwise in float64.

    References
    ----------
    .. [1] Gretton, Bousquet, Smola, Schölkopf. Measuring statistical dependence with
       Hilbert-Schmidt norms. ALT 2005.
    .. [2] Song, Smola, Gretton, Bedo, Borgwardt. Feature selection via dependence
       maximization. JMLR 2012, eq. 5.

    Examples
    --------
    >>> import gramian as gm
    >>> round(gm.hsic([[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]), 12)
    1.75
    """
    return value_of_pair(
        pairs.hsic_pairs,
        X,
        Y,
        kernel=kernel,
        bandwidth=bandwidth,
        sigma=sigma,
        bandwidth_sample=bandwidth_sample,
        unbiased=unbiased,
        debiased=debiased,
        nan_policy=nan_policy,
        device=device,
        max_memory=max_memory,
    )


@takes_layout
@falls_back_on(reference.cka)
def cka(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    debiased: bool = False,
    unbiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    max_memory: float | None = None,
) -> float:
    """Centered kernel alignment of two representations.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features_x)
        Activations; rows are examples. numpy arrays, and anything with DLPack,
        ``__cuda_array_interface__`` or ``__array__``; float16, bfloat16, float32, float64,
        integers (below 2**53 in size) or bool, of any strides. Copied as a whole only when a GPU
        is asked for. A tensor that requires a gradient is read without it: the result is a number,
        and no loss.
    Y : array_like, shape (n_samples, n_features_y)
        Activations of the same examples.
    kernel : str or kernel object, default "linear"
        Compares two examples; the same kernel for X and Y. "linear", "rbf", "laplacian",
        "polynomial", "cosine", or "precomputed" if X and Y are Gram matrices; or a kernel with
        parameters, such as `RBF`.
    bandwidth : float, optional
        Width of the "rbf" or "laplacian" kernel as a fraction of the median distance between
        examples; X and Y each have their own median. Default 1.0.
    sigma : float, optional
        The width in the units of the features instead, the same for X and Y.
    bandwidth_sample : int, optional
        Take the median distance of this many examples only, evenly spread over the rows.
    debiased : bool, default False
        Use the unbiased HSIC in all three places. Recommended when the number of features is not
        small against the number of samples: the biased value of independent data with n = 64 and
        2,000 features is 0.97, the debiased one 0.01. It may be negative, and is not clamped.
    unbiased : bool, default False
        The same under the name that `hsic` has for it.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.
    max_memory : float, optional
        Working memory in bytes that the call may take beyond its inputs, or MemoryError. Default
        512 MiB, or more if nothing works with that; on a GPU a quarter of what is free at the
        first call, at most 16 GB.

    Returns
    -------
    float
        In [0, 1] for the biased estimator, up to rounding; 1 for representations that are equal
        up to rotation, translation and scale. NaN, with a warning, if X or Y is constant.

    Raises
    ------
    ValueError
        Different numbers of samples, fewer than 2 (debiased: 4), not two-dimensional, empty, NaN
        or infinity, unaligned memory, a median distance of zero, or an option out of range.
    TypeError
        Complex, object, string or masked input, or an option of a wrong type.

    Warns
    -----
    RuntimeWarning
        If the similarity is undefined, because X or Y is constant.

    See Also
    --------
    compare : Every layer of one model against every layer of another, at a fraction of the cost
        of calling this for each pair.

    Notes
    -----
    CKA = HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)) [1]_, eq. 4. For the linear kernel that is
    ``|X'Y|_F² / (|X'X|_F |Y'Y|_F)``, columns centered. Cost and memory are those of `hsic`, with
    three terms in place of one.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 8))
    >>> rotation = np.linalg.qr(rng.standard_normal((8, 8)))[0]
    >>> round(gm.cka(X, 3 * X @ rotation + 1), 12)
    1.0
    >>> round(gm.cka([[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]), 12)
    0.7
    """
    return value_of_pair(
        pairs.cka_pairs,
        X,
        Y,
        kernel=kernel,
        bandwidth=bandwidth,
        sigma=sigma,
        bandwidth_sample=bandwidth_sample,
        debiased=debiased,
        unbiased=unbiased,
        nan_policy=nan_policy,
        device=device,
        max_memory=max_memory,
    )


@takes_layout
@falls_back_on(reference.cka_distance)
def cka_distance(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    debiased: bool = False,
    unbiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    max_memory: float | None = None,
) -> float:
    """Angle between centered Gram matrices, arccos(CKA).

    Parameters
    ----------
    X, Y, kernel, bandwidth, sigma, bandwidth_sample, debiased, unbiased, nan_policy, device, \
max_memory
        As in `cka`.
    layout, positions
        As in `compare`, for arrays of more axes.

    Returns
    -------
    float
        In radians: 0 for equal representations (up to rotation, translation and scale), pi/2 for
        unrelated ones; above pi/2 where a debiased CKA is negative. For the biased estimator and
        the linear kernel it is a metric [1]_.

    Raises
    ------
    ValueError, TypeError
        As `cka` does.

    Warns
    -----
    RuntimeWarning
        If the distance is undefined (NaN), because X or Y is constant.

    Notes
    -----
    Near 0, where an angle has half the digits of its cosine, it is 2 arcsin(d/2), with d the
    distance of the two centered Gram matrices scaled to norm 1, entry by entry and in float64.
    Cost: that of `cka`, and for pairs whose CKA is above .99 that of their Gram matrices twice, if
    it is at most 1e12 flops; beyond, such an angle is off by up to 2e-8.

    References
    ----------
    .. [1] Williams, Kunz, Kornblith, Linderman. Generalized shape metrics on neural
       representations. NeurIPS 2021.

    Examples
    --------
    >>> import gramian as gm
    >>> round(gm.cka_distance([[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]), 12)
    0.795398830184
    """
    return value_of_pair(
        angles.cka_distance_pairs,
        X,
        Y,
        kernel=kernel,
        bandwidth=bandwidth,
        sigma=sigma,
        bandwidth_sample=bandwidth_sample,
        debiased=debiased,
        unbiased=unbiased,
        nan_policy=nan_policy,
        device=device,
        max_memory=max_memory,
    )


@takes_layout
@falls_back_on(reference.distance_correlation)
def distance_correlation(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    unbiased: bool = False,
    debiased: bool = False,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    max_memory: float | None = None,
) -> float:
    """Distance correlation of two representations.

    Parameters
    ----------
    X, Y : array_like, shapes (n_samples, p) and (n_samples, q)
        Activations of the same examples; see `cka` for what is accepted.
    unbiased : bool, default False
        Use the unbiased distance covariances, without the root; it may be negative. The biased
        value of independent data goes to 1 as the number of features grows.
    debiased : bool, default False
        The same under the name that `cka` has for it.
    layout, positions, nan_policy, device, max_memory
        As in `cka`.

    Returns
    -------
    float
        In [0, 1] for the biased version: 0 for independent representations, as n grows, and 1 for
        those that are equal up to rotation, translation and scale. NaN, with a warning, if X or Y
        is constant.

    Raises
    ------
    ValueError, TypeError
        As `cka` does.

    Warns
    -----
    RuntimeWarning
        If the correlation is undefined, because X or Y is constant.

    See Also
    --------
    cka : The same with other kernels, and without the root.

    Notes
    -----
    dCor = sqrt(dCov²(X, Y) / sqrt(dVar²(X) dVar²(Y))), where dCov² is the mean product of the
    doubly centered matrices of Euclidean distances ``|x_i - x_j|`` and ``|y_i - y_j|`` [1]_. The
    unbiased version centers them so that the diagonal does not count, and takes no root [2]_. Both
    are CKA of the kernel ``-|x - y|`` [3]_, and cost as much as RBF CKA with a given width:
    n² (p + q) flops, tile by tile; no n x n matrix is formed.

    References
    ----------
    .. [1] Székely, Rizzo, Bakirov. Measuring and testing dependence by correlation of distances.
       Annals of Statistics 2007.
    .. [2] Székely, Rizzo. Partial distance correlation with methods for dissimilarities. Annals of
       Statistics 2014.
    .. [3] Sejdinovic, Sriperumbudur, Gretton, Fukumizu. Equivalence of distance-based and
       RKHS-based statistics in hypothesis testing. Annals of Statistics 2013.

    Examples
    --------
    >>> import gramian as gm
    >>> round(gm.distance_correlation([[1], [2], [3]], [[10], [20], [5]]), 12)
    0.762199122232
    """
    return value_of_pair(
        pairs.distance_correlation_pairs,
        X,
        Y,
        unbiased=unbiased,
        debiased=debiased,
        nan_policy=nan_policy,
        device=device,
        max_memory=max_memory,
    )
