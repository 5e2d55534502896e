"""What the canonical correlation functions return besides a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["CCA", "PWCCA", "SVCCA"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CCA:
    """Canonical correlations and weights, as `cca` returns them.

    Attributes
    ----------
    correlations : ndarray of shape (r,)
        In descending order, in [0, 1]; r is the smaller rank. Held-out ones, in [-1, 1], under
        ``cross_validate``.
    mean, mean_squared : float
        Sums of the correlations, and of their squares, over min(p, q), or over r under
        ``denominator="rank"``. NaN if X or Y is constant.
    x_weights : ndarray of shape (p, r)
        ``(X - X.mean(0)) @ x_weights`` has orthonormal columns, the canonical variates.
    y_weights : ndarray of shape (q, r)
        Those of Y; the i-th variates of X and Y are correlated by ``correlations[i]``.
    x_rank, y_rank : int
        Numerical ranks of the centered representations.
    rank_tolerance : tuple of two floats
        What they were decided with, for X and Y: singular values of the representation with
        columns of unit norm count when larger than this times the largest.
    n_saturated : int
        The number of correlations that are 1 by construction, for lack of samples.
    """

    __module__ = "gramian"

    correlations: Array
    mean: float
    mean_squared: float
    x_weights: Array
    y_weights: Array
    x_rank: int
    y_rank: int
    rank_tolerance: tuple[float, float]
    n_saturated: int


@dataclass(frozen=True, eq=False)
class SVCCA:
    """SVCCA and what it was computed from, as `svcca` returns it under ``full_output=True``.

    Attributes
    ----------
    value : float
        What `svcca` returns otherwise.
    correlations : ndarray
        The canonical correlations of the kept directions, descending.
    x_components, y_components : int
        The numbers of singular directions that were kept.
    """

    __module__ = "gramian"

    value: float
    correlations: Array
    x_components: int
    y_components: int


@dataclass(frozen=True, eq=False)
class PWCCA:
    """PWCCA and what it was computed from, as `pwcca` returns it under ``full_output=True``.

    Attributes
    ----------
    value : float
        What `pwcca` returns otherwise.
    correlations : ndarray
        The canonical correlations, descending.
    ambiguous : bool
        Whether correlations tie in a way that leaves the value undetermined.
    """

    __module__ = "gramian"

    value: float
    correlations: Array
    ambiguous: bool
