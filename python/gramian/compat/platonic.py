"""`AlignmentMetrics` of the Platonic Representation Hypothesis (Huh et al. 2024): platonic-rep.

Names and arguments are those of its metrics.py; "lcs_knn" and "edit_distance_knn" are not here, and
say so. On purpose otherwise:

- nothing is added to the denominators of CKA and CKNNA. There 1e-6 is, so that they depend on the
  scale of features, and are nearly 0 for small ones;
- "svcca" takes the exact leading directions and correlations. There the directions are those of a
  randomized SVD, and the value is another each time;
- a constant representation is NaN with a warning.

A warning says where a number of the original was another for such a reason.
"""

from __future__ import annotations

import operator
from functools import partial
from typing import Any, ClassVar, NoReturn

import numpy as np

import gramian

from . import _neighbors
from ._common import Array, as_pair, warn

__all__ = ["AlignmentMetrics"]

_NAMES = ("feats_A", "feats_B")
_EPSILON = 1e-6  # what the original adds to the denominator of CKA
_PROBE = 200  # samples that a look at the width of the RBF kernel takes


class AlignmentMetrics:
    """Measures of alignment by name; a namespace, as in platonic-rep.

    Attributes
    ----------
    SUPPORTED_METRICS : list of str
        Those that are here.

    Examples
    --------
    >>> from gramian.compat.platonic import AlignmentMetrics
    >>> AlignmentMetrics.SUPPORTED_METRICS
    ['cycle_knn', 'mutual_knn', 'cka', 'unbiased_cka', 'cknna', 'svcca']
    """

    SUPPORTED_METRICS: ClassVar[list[str]] = [
        "cycle_knn",
        "mutual_knn",
        "cka",
        "unbiased_cka",
        "cknna",
        "svcca",
    ]

    @staticmethod
    def measure(metric: str, *args: Any, **kwargs: Any) -> float:
        """Return a metric by its name.

        Parameters
        ----------
        metric : {"cycle_knn", "mutual_knn", "cka", "unbiased_cka", "cknna", "svcca"}
            Its name.
        *args, **kwargs
            The features, and options of the method of that name.

        Returns
        -------
        float
            What that method returns.

        Raises
        ------
        NotImplementedError
            For the other metrics of platonic-rep.
        ValueError
            For anything else, and as the method does.

        Examples
        --------
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
        >>> round(AlignmentMetrics.measure("cka", X, Y), 9)
        0.7
        """
        if metric in _ABSENT:
            _refuse(metric)
        if metric not in AlignmentMetrics.SUPPORTED_METRICS:
            known = ", ".join(map(repr, AlignmentMetrics.SUPPORTED_METRICS))
            raise ValueError(f"metric must be one of {known}, got {metric!r}.")
        found: float = getattr(AlignmentMetrics, metric)(*args, **kwargs)
        return found

    @staticmethod
    def cka(
        feats_A: Any,
        feats_B: Any,
        kernel_metric: str = "ip",
        rbf_sigma: float = 1.0,
        unbiased: bool = False,
    ) -> float:
        """Centered kernel alignment.

        Parameters
        ----------
        feats_A : array_like, shape (n_samples, p)
            Features; rows are examples.
        feats_B : array_like, shape (n_samples, q)
            Features of the same examples.
        kernel_metric : {"ip", "rbf"}, default "ip"
            The linear kernel, or the RBF kernel.
        rbf_sigma : float, default 1.0
            Width of the latter, in the units of the features, of both.
        unbiased : bool, default False
            Use the unbiased estimator of HSIC in all three places.

        Returns
        -------
        float
            In [0, 1]; with `unbiased` it may be negative.

        Raises
        ------
        ValueError, TypeError
            As `gramian.cka` does, and for an unknown kernel.

        Warns
        -----
        RuntimeWarning
            If what platonic-rep adds to the denominator changes its number by more than a
            thousandth of it; if sigma is so small that no two samples are similar, and CKA is
            about 1 whatever they are; and as `gramian.cka` does.

        See Also
        --------
        gramian.cka : With a width that follows the median distance.

        Notes
        -----
        Costs two HSIC more than `gramian.cka`, for the first of the warnings.

        References
        ----------
        Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations revisited.
        ICML 2019, eq. 4.

        Examples
        --------
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[1, 1], [-1, 0], [0, -1]]
        >>> round(AlignmentMetrics.cka(X, Y), 9)
        0.7
        """
        X, Y = as_pair(_NAMES, feats_A, feats_B)
        if kernel_metric not in ("ip", "rbf"):
            raise ValueError(f"kernel_metric must be 'ip' or 'rbf', got {kernel_metric!r}.")
        kernel = gramian.Linear() if kernel_metric == "ip" else gramian.RBF(sigma=rbf_sigma)
        value = gramian.cka(X, Y, kernel=kernel, debiased=unbiased)
        if kernel_metric == "rbf":
            _warn_of_identity((X, Y), kernel, rbf_sigma)
        if not np.isnan(value):
            _warn_of_epsilon((X, Y), kernel, unbiased)
        return value

    @staticmethod
    def unbiased_cka(*args: Any, **kwargs: Any) -> float:
        """Centered kernel alignment with the unbiased estimator of HSIC.

        Parameters
        ----------
        *args, **kwargs
            Those of `cka`.

        Returns
        -------
        float
            At most 1; it may be negative.

        Examples
        --------
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1], [3, 1]], [[1, 1], [-1, 0], [0, -1], [4, 1]]
        >>> round(AlignmentMetrics.unbiased_cka(X, Y), 6)
        0.531554
        """
        return AlignmentMetrics.cka(*args, **{**kwargs, "unbiased": True})

    @staticmethod
    def svcca(feats_A: Any, feats_B: Any, cca_dim: int = 10) -> float:
        """Mean canonical correlation of the leading directions of standardized features.

        Parameters
        ----------
        feats_A : array_like, shape (n_samples, p)
            Features; rows are examples.
        feats_B : array_like, shape (n_samples, q)
            Features of the same examples.
        cca_dim : int, default 10
            How many directions to keep of each.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        ValueError, TypeError
            As `gramian.svcca` does, for more directions than there are too.

        Warns
        -----
        RuntimeWarning
            That platonic-rep's number is another each time; and as `gramian.svcca` does.

        See Also
        --------
        gramian.svcca : Of features that are not standardized, by a share of their variance.

        Notes
        -----
        Features that are constant are left out.

        References
        ----------
        Raghu, Gilmer, Yosinski, Sohl-Dickstein. SVCCA: singular vector canonical correlation
        analysis for deep learning dynamics and interpretability. NeurIPS 2017.

        Examples
        --------
        >>> import warnings
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1], [3, 1]], [[1, 1], [-1, 0], [0, -1], [4, 1]]
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     value = AlignmentMetrics.svcca(X, Y, cca_dim=1)
        >>> round(value, 6)
        0.825061
        """
        X, Y = as_pair(_NAMES, feats_A, feats_B)
        warn(
            "platonic-rep's svcca is of a randomized SVD, and another each time; this is the value "
            "of the leading directions themselves."
        )
        return gramian.svcca(_standardized(X), _standardized(Y), components=cca_dim)

    @staticmethod
    def mutual_knn(feats_A: Any, feats_B: Any, topk: int) -> float:
        """Share of nearest neighbors that both representations agree on.

        Parameters
        ----------
        feats_A : array_like, shape (n_samples, p)
            Features; rows are examples, normalized as a rule.
        feats_B : array_like, shape (n_samples, q)
            Features of the same examples.
        topk : int
            How many neighbors: the samples of the largest inner products.

        Returns
        -------
        float
            In [0, 1]; topk / (n_samples - 1) for unrelated features, on average.

        Raises
        ------
        ValueError, TypeError
            For features as `gramian.cka` does, and unless topk is at least 1 and below n_samples.

        Notes
        -----
        n_samples² (p + q) flops, and some matrices of n_samples x n_samples in float64.

        References
        ----------
        Huh, Cheung, Wang, Isola. The platonic representation hypothesis. ICML 2024.

        Examples
        --------
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1], [3, 1]], [[1, 1], [-1, 0], [0, -1], [4, 1]]
        >>> AlignmentMetrics.mutual_knn(X, Y, topk=1)
        0.5
        """
        X, Y = as_pair(_NAMES, feats_A, feats_B)
        return _neighbors.mutual_knn(X, Y, _check_topk(topk, len(X), least=1))

    @staticmethod
    def cycle_knn(feats_A: Any, feats_B: Any, topk: int) -> float:
        """Share of samples that come back by way of neighbors in B and their neighbors in A.

        Parameters
        ----------
        feats_A, feats_B, topk
            Those of `mutual_knn`.

        Returns
        -------
        float
            In [0, 1].

        Examples
        --------
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1], [3, 1]], [[1, 1], [-1, 0], [0, -1], [4, 1]]
        >>> AlignmentMetrics.cycle_knn(X, Y, topk=1)
        0.5
        """
        X, Y = as_pair(_NAMES, feats_A, feats_B)
        return _neighbors.cycle_knn(X, Y, _check_topk(topk, len(X), least=1))

    @staticmethod
    def cknna(
        feats_A: Any,
        feats_B: Any,
        topk: int | None = None,
        distance_agnostic: bool = False,
        unbiased: bool = True,
    ) -> float:
        """CKA of those entries of the Gram matrices that belong to neighbors in both.

        Parameters
        ----------
        feats_A, feats_B
            Those of `mutual_knn`.
        topk : int, optional
            How many neighbors; by default all samples, which is `unbiased_cka`.
        distance_agnostic : bool, default False
            Not to be had: platonic-rep fails under it.
        unbiased : bool, default True
            Use the unbiased estimator of HSIC, and do not count a sample as its own neighbor.

        Returns
        -------
        float
            At most about 1; NaN with a warning where it is undefined.

        Raises
        ------
        ValueError, TypeError
            As `mutual_knn` does; topk must be at least 2.

        Examples
        --------
        >>> from gramian.compat.platonic import AlignmentMetrics
        >>> X, Y = [[1, 0], [0, 1], [-1, -1], [3, 1]], [[1, 1], [-1, 0], [0, -1], [4, 1]]
        >>> round(AlignmentMetrics.cknna(X, Y), 6)
        0.531554
        """
        if distance_agnostic:
            raise ValueError("distance_agnostic must be False, got True.")
        X, Y = as_pair(_NAMES, feats_A, feats_B)
        if unbiased and len(X) < 4:
            raise ValueError(f"the unbiased estimator needs at least 4 samples, got {len(X)}.")
        if topk is None:
            topk = len(X) - 1
        return _neighbors.cknna(X, Y, _check_topk(topk, len(X), least=2), unbiased=unbiased)


_ABSENT = ("lcs_knn", "edit_distance_knn")


def _check_topk(topk: Any, n: int, least: int) -> int:
    if isinstance(topk, bool) or not hasattr(type(topk), "__index__"):
        raise TypeError(f"topk must be an integer, got {type(topk).__name__}.")
    if not least <= operator.index(topk) < n:
        raise ValueError(
            f"topk must be at least {least} and below the number of samples, {n}, got {topk}."
        )
    return operator.index(topk)


def _refuse(metric: str, *args: Any, **kwargs: Any) -> NoReturn:
    known = ", ".join(map(repr, AlignmentMetrics.SUPPORTED_METRICS))
    raise NotImplementedError(
        f"{metric!r} is a measure of the order of nearest neighbors, and gramian has none: use "
        f"platonic-rep's metrics.py for it. Here are {known}."
    )


for _name in _ABSENT:  # by attribute as well as by `measure`
    setattr(AlignmentMetrics, _name, staticmethod(partial(_refuse, _name)))


def _standardized(X: Array) -> Array:
    """Return centered features of standard deviation 1; what is constant stays 0."""
    X = X.astype(np.float64)
    deviations: Array = X - X.mean(axis=0)
    deviations[:, (X[:1] == X).all(axis=0)] = 0  # whose mean may be off by rounding
    spread = deviations.std(axis=0)
    deviations /= np.where(spread > 0, spread, 1)
    return deviations


def _warn_of_epsilon(pair: tuple[Array, Array], kernel: Any, unbiased: bool) -> None:
    n = len(pair[0])
    own = [gramian.hsic(X, X, kernel=kernel, unbiased=unbiased) for X in pair]
    scale = 1 if unbiased else (n - 1) ** 2  # the original's biased HSIC is not divided
    if scale * np.sqrt(max(own[0] * own[1], 0)) < 1e3 * _EPSILON:
        warn(
            f"platonic-rep adds {_EPSILON:g} to the denominator of CKA, which is so small here "
            "that its number is closer to 0."
        )


def _warn_of_identity(pair: tuple[Array, Array], kernel: Any, sigma: float) -> None:
    """Look at some samples; a Gram matrix that is the identity is like every other such."""
    found = []
    for name, X in zip(_NAMES, pair, strict=True):
        K = gramian.gram(X[:: max(1, len(X) // _PROBE)], kernel=kernel, centered=False)
        np.fill_diagonal(K, 0)
        if K.max() < 1e-3:
            found.append(name)
    if found:
        warn(
            f"rbf_sigma={sigma:g} is far below the distances in {' and '.join(found)}, where no "
            "two samples are similar then: CKA of two such matrices is about 1 whatever they are. "
            "Take kernel='rbf' of gramian.cka, whose width is the median distance."
        )
