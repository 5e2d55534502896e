"""The Gram matrix of one representation."""

from __future__ import annotations

from typing import Any

from ..._input import options
from ..._input.annotations import ArrayLike, NanPolicy
from ..._input.arrays import as_layer
from ..._input.layout import Layouts, Positions, takes_layout
from ..measure import falls_back_on
from . import pairs, reference
from .kernels import Kernel, KernelName

__all__ = ["gram"]


@takes_layout
@falls_back_on(reference.gram)
def gram(
    X: ArrayLike,
    *,
    kernel: KernelName | Kernel = "linear",
    bandwidth: float | None = None,
    sigma: float | None = None,
    bandwidth_sample: int | None = None,
    centered: bool = True,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
) -> Any:
    """Gram matrix of a representation.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        Activations; rows are examples. See `cka` for what is accepted.
    kernel : str or kernel object, default "linear"
        Compares two examples: "linear", "rbf", "laplacian", "polynomial", "cosine", or a kernel
        with parameters, such as `RBF`.
    bandwidth : float, optional
        Width of the "rbf" or "laplacian" kernel as a fraction of the median distance. Default 1.0.
    sigma : float, optional
        The width in the units of the features instead.
    bandwidth_sample : int, optional
        Take the median distance of this many examples only, evenly spread over the rows.
    centered : bool, default True
        Return HKH, whose rows and columns sum to 0, instead of K. The linear kernel takes
        centered features, so that its K is HKH already.
    layout, positions
        As in `compare`, for arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN throughout.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64.

    Returns
    -------
    array, shape (n_samples, n_samples)
        Symmetric; float32 for input of at most that precision, otherwise float64. It lives where X
        does: for an array on a GPU it is one of CuPy, torch or jax, as X is, there as soon as the
        current stream of that library gets to it, and of numpy otherwise.

    Raises
    ------
    ValueError, TypeError
        As `cka` does, for one representation.
    MemoryError
        If there is no memory for n² numbers, on the device that computes.

    Notes
    -----
    No other function needs this matrix, nor forms it. Cost: n² p flops; memory: the result.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.gram([[1.0, 0], [0, 1], [-1, -1]])
    array([[ 1.,  0., -1.],
           [ 0.,  1., -1.],
           [-1., -1.,  2.]])
    """
    options.check_nan_policy(nan_policy)
    return pairs.gram(
        as_layer(X, "X"),
        nan_policy=nan_policy,
        device=device,
        centered=options.check_flag("centered", centered),
        options={
            "kernel": kernel,
            "bandwidth": bandwidth,
            "sigma": sigma,
            "bandwidth_sample": bandwidth_sample,
        },
    )
