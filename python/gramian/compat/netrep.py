"""`LinearMetric` and `pairwise_distances` of netrep (Williams et al. 2021).

Names, arguments and values are those of netrep.metrics and netrep.multiset. What is in-sample comes
from `gramian.shape_distance`, all pairs at once. On purpose otherwise:

- netrep replaces eigenvalues of X'X below 1e-7 by 1e-7, whatever the scale of X: its numbers for
  alpha < 1 change with the units of measurement, and held-out samples are blown up in directions in
  which the fitted ones do not vary. Here such directions are not whitened;
- the variance that whitening preserves is that of the representation; netrep also counts columns of
  zeros that pad a narrower one, which makes its Euclidean distances smaller;
- distances near 0 have all their digits;
- what is undefined (a constant representation) is NaN with a warning.

A warning says where netrep's number is another. The permutation and stochastic metrics, convolution
layers, averages and k-means are not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Self

import numpy as np
import numpy.typing as npt

import gramian

from ._common import as_pair, keeping_means, matrix, warn

__all__ = ["LinearMetric", "pairwise_distances"]

Array = npt.NDArray[np.float64]
Fitted = tuple[Array, Array, Array]  # the means, the whitened representation, what whitens it
_METHODS = ("angular", "euclidean")
_CLIPPED = 1e-7  # eigenvalues, by netrep


class LinearMetric:
    """Distance of two representations after a linear alignment, from CCA to Procrustes.

    Parameters
    ----------
    alpha : float, default 1.0
        1 allows rotations alone (Procrustes), 0 any invertible linear map (CCA).
    center_columns : bool, default True
        Whether an alignment also takes off the means of units.
    zero_pad : bool, default True
        Whether the narrower representation gets columns of zeros; otherwise different numbers of
        units are an error.
    score_method : {"angular", "euclidean"}, default "angular"
        The angle between aligned representations, in radians, or the norm of their difference, in
        the units of the activations.

    Attributes
    ----------
    mx_, my_ : ndarray of shape (p,)
        Means of the units of X and of Y, after `fit`.
    Wx_, Wy_ : ndarray of shape (p, p)
        What aligns them: ``(X - mx_) @ Wx_`` and ``(Y - my_) @ Wy_``.

    Raises
    ------
    ValueError
        If alpha is outside [0, 1], or score_method unknown.

    See Also
    --------
    gramian.shape_distance : The angular distance, in-sample.

    Notes
    -----
    With X centered, X~ = X (alpha I + (1 - alpha) (X'X)^(-1/2)) is scaled to the norm of X, and
    rotations align X~ and Y~ [1]_. It works as an estimator of scikit-learn, in `cross_validate`
    for example, without being one.

    References
    ----------
    .. [1] Williams, Kunz, Kornblith, Linderman. Generalized shape metrics on neural
       representations. NeurIPS 2021.

    Examples
    --------
    >>> import numpy as np
    >>> from gramian.compat.netrep import LinearMetric
    >>> X, Y = np.random.default_rng(0).standard_normal((2, 100, 5))
    >>> metric = LinearMetric(alpha=1.0, center_columns=True)
    >>> held_out = metric.fit(X[:50], Y[:50]).score(X[50:], Y[50:])
    >>> bool(metric.fit_score(X, Y) < held_out)
    True
    """

    def __init__(
        self,
        alpha: float = 1.0,
        center_columns: bool = True,
        zero_pad: bool = True,
        score_method: str = "angular",
    ) -> None:
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha must be between 0 and 1, got {alpha!r}.")
        if score_method not in _METHODS:
            raise ValueError(
                f"score_method must be 'angular' or 'euclidean', got {score_method!r}."
            )
        self.alpha, self.center_columns = alpha, center_columns
        self.zero_pad, self.score_method = zero_pad, score_method

    def __repr__(self) -> str:
        options = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"LinearMetric({options})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return what the metric was made with, as scikit-learn asks for it.

        Parameters
        ----------
        deep : bool, default True
            Has no effect.

        Returns
        -------
        dict

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> LinearMetric(alpha=0.5).get_params()["alpha"]
        0.5
        """
        names = ("alpha", "center_columns", "zero_pad", "score_method")
        return {name: getattr(self, name) for name in names}

    def set_params(self, **parameters: Any) -> Self:
        """Change what the metric was made with, as scikit-learn does it.

        Parameters
        ----------
        **parameters
            Those of the class.

        Returns
        -------
        LinearMetric
            This one.

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> LinearMetric().set_params(alpha=0.0)
        LinearMetric(alpha=0.0, center_columns=True, zero_pad=True, score_method='angular')
        """
        vars(self).update(vars(LinearMetric(**(self.get_params() | parameters))))
        return self

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn 1.6 and later ask of estimators."""
        utils = import_module("sklearn.utils")
        return utils.Tags(estimator_type=None, target_tags=utils.TargetTags(required=True))

    def partial_fit(self, X: Any) -> Fitted:
        """Prepare one representation, for `finalize_fit`.

        Parameters
        ----------
        X : array_like, shape (n_samples, p)
            Activations; rows are examples.

        Returns
        -------
        means : ndarray, shape (p,)
        whitened : ndarray, shape (n_samples, p)
        whitening : ndarray, shape (p, p)

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> means, whitened, whitening = LinearMetric().partial_fit([[1.0], [2.0], [6.0]])
        >>> means, whitened.ravel(), whitening
        (array([3.]), array([-2., -1.,  3.]), array([[1.]]))
        """
        return self._prepared(matrix("X", X), None)

    def finalize_fit(self, cache_X: Fitted, cache_Y: Fitted) -> Self:
        """Align two prepared representations of the same width.

        Parameters
        ----------
        cache_X, cache_Y : tuple of three ndarrays
            What `partial_fit` returned.

        Returns
        -------
        LinearMetric
            This one.

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> metric = LinearMetric()
        >>> caches = [metric.partial_fit(X) for X in ([[1.0], [2.0], [6.0]], [[0.0], [1.0], [4.0]])]
        >>> metric.finalize_fit(*caches).Wx_.shape
        (1, 1)
        """
        self.mx_, Xw, Zx = cache_X
        self.my_, Yw, Zy = cache_Y
        u, _, vt = np.linalg.svd(Xw.T @ Yw)
        self.Wx_: Array = Zx @ u
        self.Wy_: Array = Zy @ vt.T
        return self

    def fit(self, X: Any, Y: Any) -> Self:
        """Find the alignment of two representations.

        Parameters
        ----------
        X : array_like, shape (n_samples, p)
            Activations; rows are examples.
        Y : array_like, shape (n_samples, q)
            Activations of the same examples.

        Returns
        -------
        LinearMetric
            This one.

        Raises
        ------
        ValueError
            Different numbers of samples or, with ``zero_pad=False``, of units; NaN or infinity.

        Warns
        -----
        RuntimeWarning
            For alpha < 1, where netrep clips eigenvalues or counts columns of zeros, and its
            numbers are others.

        Notes
        -----
        The SVD of a p x p matrix and, for alpha < 1, of both representations, in float64.

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
        >>> metric = LinearMetric().fit(X, Y)
        >>> metric.Wx_.shape
        (2, 2)
        """
        X, Y = as_pair(("X", "Y"), X, Y)
        width = self._common_width([X, Y])
        return self.finalize_fit(self._prepared(X, width), self._prepared(Y, width))

    def transform(self, X: Any, Y: Any) -> tuple[Array, Array]:
        """Align samples, which need not be those of `fit`.

        Parameters
        ----------
        X : array_like, shape (n_samples, p)
            Activations of the units that were fitted.
        Y : array_like, shape (n_samples, q)
            Activations of the same examples.

        Returns
        -------
        tuple of two ndarrays of the same shape
            (n_samples, max(p, q)).

        Raises
        ------
        ValueError
            Before `fit`, or for other numbers of units.

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> X = [[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]]
        >>> aligned = LinearMetric().fit(X, X).transform(X, X)
        >>> bool(abs(aligned[0] - aligned[1]).max() < 1e-12)
        True
        """
        X, Y = as_pair(("X", "Y"), X, Y)
        return self.transform_X(X), self.transform_Y(Y)

    def transform_X(self, X: Any) -> Array:  # noqa: N802, netrep's name
        """Align samples of the first representation.

        Parameters
        ----------
        X : array_like, shape (n_samples, p)
            Activations of the units that were fitted.

        Returns
        -------
        ndarray, shape (n_samples, max(p, q))

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> metric = LinearMetric().fit([[1.0], [2.0], [6.0]], [[2.0], [4.0], [9.0]])
        >>> abs(metric.transform_X([[4.0]]))
        array([[1.]])
        """
        return self._aligned("X", X, "mx_", "Wx_")

    def transform_Y(self, Y: Any) -> Array:  # noqa: N802, netrep's name
        """Align samples of the second representation.

        Parameters
        ----------
        Y : array_like, shape (n_samples, q)
            Activations of the units that were fitted.

        Returns
        -------
        ndarray, shape (n_samples, max(p, q))

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> metric = LinearMetric().fit([[1.0], [2.0], [6.0]], [[2.0], [4.0], [9.0]])
        >>> abs(metric.transform_Y([[4.0]]))
        array([[1.]])
        """
        return self._aligned("Y", Y, "my_", "Wy_")

    def score(self, X: Any, Y: Any) -> float:
        """Return the distance of samples under the alignment that was fitted.

        Parameters
        ----------
        X, Y : array_like
            As for `transform`.

        Returns
        -------
        float
            An angle in [0, pi], or the Frobenius norm of the difference.

        Raises
        ------
        ValueError
            As `transform` does.

        Warns
        -----
        RuntimeWarning
            If X or Y is all 0 when aligned, which leaves the angle undefined (NaN).

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
        >>> round(LinearMetric().fit(X, Y).score(X, Y), 9)
        0.447832397
        """
        tX, tY = self.transform(X, Y)
        if self.score_method == "euclidean":
            return float(np.linalg.norm(tX - tY))
        norms = np.linalg.norm(tX), np.linalg.norm(tY)
        if 0 in norms:
            warn(f"{'XY'[norms.index(0)]} is constant: its distance is undefined (NaN).")
            return float("nan")
        tX, tY = tX / norms[0], tY / norms[1]
        # arccos of the inner product has half the digits near 0.
        return float(2 * np.arctan2(np.linalg.norm(tX - tY), np.linalg.norm(tX + tY)))

    def fit_score(self, X: Any, Y: Any) -> float:
        """Find the alignment of two representations, and return their distance.

        Parameters
        ----------
        X, Y : array_like
            As for `fit`.

        Returns
        -------
        float
            An angle in [0, pi/2], or the Frobenius norm of the difference.

        Raises
        ------
        ValueError
            As `fit` does.

        Warns
        -----
        RuntimeWarning
            As `fit` does, and if X or Y is constant.

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
        >>> round(LinearMetric().fit_score(X, Y), 9)
        0.447832397
        """
        return float(self.fit(X, Y)._in_sample([X, Y])[0, 1])

    def pairwise_distances(
        self,
        train_data: Sequence[Any],
        test_data: Sequence[Any] | None = None,
        processes: int | None = None,
        verbose: bool = True,
    ) -> tuple[Array, Array]:
        """Return the distances of all pairs, fitted to some samples, on these and on others.

        Parameters
        ----------
        train_data : sequence of K array_like, each of shape (n_samples, p_k)
            Activations of the same examples.
        test_data : sequence of K array_like, optional
            Activations of the same units for other examples.
        processes : int, optional
            Has no effect: `gramian.set_num_threads` does.
        verbose : bool, default True
            Has no effect.

        Returns
        -------
        train, test : ndarray, shape (K, K)
            Symmetric, with a diagonal of 0. Without `test_data`, infinity in the place of the
            second.

        Raises
        ------
        ValueError
            As `fit` does.

        Examples
        --------
        >>> from gramian.compat.netrep import LinearMetric
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
        >>> train, test = LinearMetric().pairwise_distances([X, Y])
        >>> train.round(4)
        array([[0.    , 0.4478],
               [0.4478, 0.    ]])
        """
        if test_data is not None:
            train, test = pairwise_distances(self, train_data, test_data)
            return train, test
        found: Array = pairwise_distances(self, train_data)
        return found, np.where(np.eye(len(found), dtype=bool), 0.0, np.inf)

    def _prepared(self, X: Any, width: int | None) -> Fitted:
        """Center, whiten and pad a representation."""
        X = X.astype(np.float64)
        p = X.shape[1]
        means = X.mean(axis=0) if self.center_columns else np.zeros(p)
        X = X - means
        whitening = np.eye(p)
        if self.alpha < 1:
            _, s, vt = np.linalg.svd(X, full_matrices=False)
            kept = s > max(X.shape) * np.finfo(np.float64).eps * s.max(initial=0)
            s, vt = s[kept], vt[kept]
            if len(s) < p or (s**2 < _CLIPPED).any():
                warn(
                    "a representation varies little or not in some directions: netrep takes "
                    f"eigenvalues below {_CLIPPED:g} for {_CLIPPED:g}, and its number may be "
                    "another."
                )
            whitening = self.alpha * whitening + (1 - self.alpha) * (vt.T / s) @ vt
            norm = np.linalg.norm(self.alpha * s + 1 - self.alpha)
            whitening *= np.linalg.norm(s) / norm if norm > 0 else 1
        missing = 0 if width is None else width - p
        around = ((0, missing), (0, missing))
        return (
            np.pad(means, (0, missing)),
            np.pad(X @ whitening, ((0, 0), (0, missing))),
            np.pad(whitening, around),
        )

    def _common_width(self, data: Sequence[Any]) -> int:
        widths: set[int] = {X.shape[1] for X in data}
        if not self.zero_pad and len(widths) > 1:
            raise ValueError(
                "representations must have the same number of units with zero_pad=False, got "
                f"{' and '.join(map(str, sorted(widths)))}."
            )
        if len(widths) > 1 and self.alpha < 1 and self.score_method == "euclidean":
            warn(
                "netrep counts the columns of zeros that pad a representation as variance, and its "
                "Euclidean distances are smaller."
            )
        return max(widths)

    def _aligned(self, name: str, values: Any, means: str, weights: str) -> Array:
        if not hasattr(self, weights):
            raise ValueError("LinearMetric must be fitted before it aligns: call fit(X, Y).")
        W = getattr(self, weights)
        found = matrix(name, values)
        missing = len(W) - found.shape[1]
        if missing < 0 or (missing and not self.zero_pad):
            raise ValueError(
                f"{name} must have the {len(W)} units that were fitted, got {found.shape[1]}."
            )
        aligned: Array = (np.pad(found, ((0, 0), (0, missing))) - getattr(self, means)) @ W
        return aligned

    def _in_sample(self, data: Sequence[Any]) -> Array:
        """Return the distances of all pairs by alignments that are fitted to the same samples."""
        arrays = [matrix("X", X).astype(np.float64) for X in data]
        given = arrays if self.center_columns else [keeping_means(X / np.sqrt(2)) for X in arrays]
        angles = gramian.compare(given, measure="shape_distance", alpha=float(self.alpha)).values
        if self.score_method == "angular":
            return angles.copy()
        # Norms are those before whitening, and so the law of cosines has all that is needed.
        centered = [X - X.mean(axis=0) for X in arrays] if self.center_columns else arrays
        norms = np.array([np.linalg.norm(X) for X in centered])
        squares = 4 * np.outer(norms, norms) * np.sin(angles / 2) ** 2
        found: Array = np.sqrt((norms[:, None] - norms) ** 2 + squares)
        return found


def pairwise_distances(
    metric: LinearMetric,
    traindata: Sequence[Any],
    testdata: Sequence[Any] | None = None,
    verbose: bool = True,
) -> Any:
    """Return the distances of all pairs of representations.

    Parameters
    ----------
    metric : LinearMetric
        How they are aligned, and what their distance is.
    traindata : sequence of K array_like, each of shape (n_samples, p_k)
        Activations of the same examples.
    testdata : sequence of K array_like, optional
        Activations of the same units for other examples, which are aligned as `traindata`.
    verbose : bool, default True
        Has no effect.

    Returns
    -------
    ndarray of shape (K, K), or two of them
        Distances of `traindata`, and of `testdata` if there are any; symmetric, with a diagonal
        of 0.

    Raises
    ------
    ValueError
        As `LinearMetric.fit` does, and for other numbers of representations.

    Notes
    -----
    Without `testdata` one call of `gramian.compare`, which prepares each representation once.
    Otherwise each is whitened once, and each pair costs the SVD of a p x p matrix.

    Examples
    --------
    >>> from gramian.compat.netrep import LinearMetric, pairwise_distances
    >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
    >>> pairwise_distances(LinearMetric(alpha=1.0), [X, Y], verbose=False).round(4)
    array([[0.    , 0.4478],
           [0.4478, 0.    ]])
    """
    train = [matrix(f"traindata[{k}]", X) for k, X in enumerate(traindata)]
    width = metric._common_width(train)
    found = metric._in_sample(train)
    if testdata is None:
        return found
    test = [matrix(f"testdata[{k}]", X) for k, X in enumerate(testdata)]
    if len(test) != len(train):
        raise ValueError(
            f"testdata must have as many representations as traindata: {len(test)}, {len(train)}."
        )
    fitted = LinearMetric(**metric.get_params())
    prepared = [fitted._prepared(X, width) for X in train]
    held_out = np.zeros_like(found)
    for i in range(len(train)):
        for j in range(i):
            fitted.finalize_fit(prepared[i], prepared[j])
            held_out[i, j] = held_out[j, i] = fitted.score(test[i], test[j])
    return found, held_out
