"""The functions of the demo of Kornblith et al. 2019 (google-research/representation_similarity).

The names, arguments and values are those of its notebook. On purpose otherwise:

- the median distance of `gram_rbf` is a median of distances that cannot be negative, whatever is
  rounded, and a median of 0 is an error instead of NaN;
- `cca` of layers whose units depend linearly on one another is that of the spans that they have.
  The notebook takes an orthonormal basis by QR, in which what dependent units leave over is
  rounding error, and counts that;
- what is undefined (a constant layer) is NaN with a warning.

The number of `cca` depends on the means of units, there and here, unlike canonical correlations;
where that matters, a warning says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import gramian

from ._common import as_pair, keeping_means, matrix, warn

__all__ = ["cca", "center_gram", "cka", "feature_space_linear_cka", "gram_linear", "gram_rbf"]

Array = npt.NDArray[np.floating[Any]]
_NAMES = ("features_x", "features_y")


def gram_linear(x: Any) -> Array:
    """Gram matrix of the linear kernel, of features as they are.

    Parameters
    ----------
    x : array_like, shape (n_samples, n_features)
        Activations; rows are examples.

    Returns
    -------
    ndarray, shape (n_samples, n_samples)
        x x'. `gramian.gram` centers the features first, which makes no difference to `cka`.

    Raises
    ------
    ValueError, TypeError
        If x is not two-dimensional, or not numeric.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations revisited.
    ICML 2019.

    Examples
    --------
    >>> from gramian.compat.kornblith import gram_linear
    >>> gram_linear([[1.0, 0.0], [1.0, 1.0]])
    array([[1., 1.],
           [1., 2.]])
    """
    features = matrix("x", x)
    product: Array = features @ features.T
    return product


def gram_rbf(x: Any, threshold: float = 1.0) -> Array:
    """Gram matrix of the RBF kernel, by a fraction of the median distance.

    Parameters
    ----------
    x : array_like, shape (n_samples, n_features)
        Activations; rows are examples.
    threshold : float, default 1.0
        The width as a fraction of the median distance: `bandwidth` of `gramian.gram`.

    Returns
    -------
    ndarray, shape (n_samples, n_samples)
        exp(-d² / (2 threshold² median(d²))), not centered, with values in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As `gramian.gram` does; and if the median distance is 0.

    Notes
    -----
    n² p flops, and memory for the result. ``gramian.cka(X, Y, kernel="rbf", bandwidth=threshold)``
    has the CKA of such matrices without forming them.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations revisited.
    ICML 2019.

    Examples
    --------
    >>> from gramian.compat.kornblith import gram_rbf
    >>> gram_rbf([[0.0], [1.0], [2.0]]).round(4)
    array([[1.    , 0.6065, 0.1353],
           [0.6065, 1.    , 0.6065],
           [0.1353, 0.6065, 1.    ]])
    """
    K: Array = gramian.gram(matrix("x", x), kernel="rbf", bandwidth=threshold, centered=False)
    return K


def center_gram(gram: Any, unbiased: bool = False) -> Array:
    """Center a Gram matrix.

    Parameters
    ----------
    gram : array_like, shape (n_samples, n_samples)
        A symmetric matrix.
    unbiased : bool, default False
        Center it for the unbiased estimator of HSIC: off the diagonal, which becomes 0.

    Returns
    -------
    ndarray, shape (n_samples, n_samples)
        A centered copy: HKH, whose rows sum to 0, or the U-centered matrix of Székely and Rizzo
        [1]_, whose rows sum to 0 as well.

    Raises
    ------
    ValueError
        If the matrix is not symmetric, or unbiased and smaller than 3 x 3.

    References
    ----------
    .. [1] Székely, Rizzo. Partial distance correlation with methods for dissimilarities. Annals of
       Statistics 2014, section 3.

    Examples
    --------
    >>> from gramian.compat.kornblith import center_gram
    >>> center_gram([[1.0, 0.0], [0.0, 3.0]])
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    K = matrix("gram", gram)
    if K.shape[0] != K.shape[1] or not np.allclose(K, K.T):
        raise ValueError(
            f"gram must be a symmetric matrix, got one of shape {K.shape} that is not."
        )
    n = len(K)
    if unbiased and n < 3:
        raise ValueError(f"gram must be of 3 or more samples for unbiased=True, got {n}.")
    centered = K.copy()
    if unbiased:
        np.fill_diagonal(centered, 0)
    # A row's own mean, and half of that of all: together rows and columns take off both.
    shifts = centered.sum(axis=0, dtype=np.float64) / (n - 2 if unbiased else n)
    shifts -= shifts.sum() / (2 * (n - 1 if unbiased else n))
    centered -= shifts[:, None] + shifts
    if unbiased:
        np.fill_diagonal(centered, 0)
    return centered


def cka(gram_x: Any, gram_y: Any, debiased: bool = False) -> float:
    """Centered kernel alignment of two Gram matrices.

    Parameters
    ----------
    gram_x, gram_y : array_like, shape (n_samples, n_samples)
        Symmetric matrices of the same examples, centered or not.
    debiased : bool, default False
        Use the unbiased estimator of HSIC in all three places.

    Returns
    -------
    float
        In [0, 1]; under `debiased` it may be negative.

    Raises
    ------
    ValueError, TypeError
        As `gramian.cka` does with ``kernel="precomputed"``, which this calls.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations revisited.
    ICML 2019, eq. 4.

    Examples
    --------
    >>> from gramian.compat.kornblith import cka, gram_linear
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
    >>> round(cka(gram_linear(X), gram_linear(Y)), 9)
    0.7
    """
    K, L = as_pair(("gram_x", "gram_y"), gram_x, gram_y)
    return gramian.cka(K, L, kernel="precomputed", debiased=debiased)


def feature_space_linear_cka(features_x: Any, features_y: Any, debiased: bool = False) -> float:
    """Linear CKA of features: `gramian.cka` under the notebook's name.

    Parameters
    ----------
    features_x : array_like, shape (n_samples, p)
        Activations; rows are examples.
    features_y : array_like, shape (n_samples, q)
        Activations of the same examples.
    debiased : bool, default False
        Use the unbiased estimator of HSIC in all three places.

    Returns
    -------
    float
        In [0, 1]; under `debiased` it may be negative.

    Raises
    ------
    ValueError, TypeError
        As `gramian.cka` does.

    Notes
    -----
    Whether the products are of features or of examples is chosen by what they cost, so that wide
    features are no reason to call `cka`.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations revisited.
    ICML 2019, section 3.

    Examples
    --------
    >>> from gramian.compat.kornblith import feature_space_linear_cka
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
    >>> round(feature_space_linear_cka(X, Y), 9)
    0.7
    """
    X, Y = as_pair(_NAMES, features_x, features_y)
    return gramian.cka(X, Y, debiased=debiased)


def cca(features_x: Any, features_y: Any) -> float:
    """Mean squared cosine of the principal angles between features that are not centered.

    Parameters
    ----------
    features_x : array_like, shape (n_samples, p)
        Activations; rows are examples.
    features_y : array_like, shape (n_samples, q)
        Activations of the same examples.

    Returns
    -------
    float
        ``|Qx'Qy|² / min(p, q)``, with orthonormal bases of the features as they are; in [0, 1].

    Raises
    ------
    ValueError, TypeError
        As `gramian.cca` does.

    Warns
    -----
    RuntimeWarning
        If R²_CCA, which is of centered features, differs by more than 1e-3.
        Also with the number of cosines that are 1 for lack of samples.

    See Also
    --------
    gramian.cca : Its ``.mean_squared`` is R²_CCA.

    Notes
    -----
    Units with a common offset look correlated without centering. Costs two calls of
    `gramian.cca`, one of them of twice the samples.

    References
    ----------
    Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations revisited.
    ICML 2019, table 1.

    Examples
    --------
    >>> from gramian.compat.kornblith import cca
    >>> round(cca([[1.0], [1.0], [-2.0]], [[1.0], [-1.0], [0.0]]), 9)
    0.0
    """
    X, Y = as_pair(_NAMES, features_x, features_y)
    n = len(X)
    found = gramian.cca(keeping_means(X), keeping_means(Y))
    certain = found.x_rank + found.y_rank - n
    if certain > 0:
        warn(
            f"at least {certain} of {len(found.correlations)} cosines are 1 by construction: "
            f"{_NAMES[0]} and {_NAMES[1]} have ranks {found.x_rank} and {found.y_rank}, and there "
            f"are {n} samples."
        )
        return found.mean_squared
    centered = gramian.cca(X, Y).mean_squared
    if not abs(centered - found.mean_squared) <= 1e-3:
        warn(
            f"{_NAMES[0]} and {_NAMES[1]} are not centered by this function, as in the notebook, "
            "which changes the value: the mean squared canonical correlation is "
            "gramian.cca(X, Y).mean_squared."
        )
    return found.mean_squared
