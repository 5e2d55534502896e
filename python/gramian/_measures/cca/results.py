"""What the canonical correlation functions return besides a number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..results import Result

__all__ = ["CCA", "PWCCA", "SVCCA"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class CCA(Result):
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

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.cca(X, Y)
    >>> found.correlations.round(3)
    array([0.959, 0.841, 0.273])
    >>> round(found.mean, 3), found.x_rank, found.y_rank
    (0.691, 4, 3)
    >>> variates = (X - X.mean(0)) @ found.x_weights
    >>> bool(np.allclose(variates.T @ variates, np.eye(3)))
    True
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

    _number = "mean"

    def __repr__(self) -> str:
        one = f", {self.n_saturated} of them 1 by construction" if self.n_saturated else ""
        return f"<CCA: mean {self.mean:.4f}, {_range(self.correlations)}{one}>"


@dataclass(frozen=True, eq=False, repr=False)
class SVCCA(Result):
    """SVCCA and what it was computed from, as `svcca` returns it under ``full_output=True``.

    Attributes
    ----------
    value : float
        What `svcca` returns otherwise.
    correlations : ndarray
        The canonical correlations of the kept directions, descending.
    x_components, y_components : int
        The numbers of singular directions that were kept.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.svcca(X, Y, variance=0.9, full_output=True)
    >>> found.x_components, found.y_components
    (4, 2)
    >>> found.correlations.round(3)
    array([0.959, 0.84 ])
    """

    __module__ = "gramian"

    value: float
    correlations: Array
    x_components: int
    y_components: int

    _number = "value"

    def __repr__(self) -> str:
        kept = f"of {self.x_components} and {self.y_components} directions"
        return f"<SVCCA: {self.value:.4f}, {_range(self.correlations)} {kept}>"


@dataclass(frozen=True, eq=False, repr=False)
class PWCCA(Result):
    """PWCCA and what it was computed from, as `pwcca` returns it under ``full_output=True``.

    Attributes
    ----------
    value : float
        What `pwcca` returns otherwise.
    correlations : ndarray
        The canonical correlations, descending.
    ambiguous : bool
        Whether correlations tie in a way that leaves the value undetermined.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.pwcca(X, Y, full_output=True)
    >>> round(found.value, 3), found.ambiguous
    (0.701, False)
    """

    __module__ = "gramian"

    value: float
    correlations: Array
    ambiguous: bool

    _number = "value"

    def __repr__(self) -> str:
        tied = ", ambiguous" if self.ambiguous else ""
        return f"<PWCCA: {self.value:.4f}, {_range(self.correlations)}{tied}>"


def _range(correlations: Array) -> str:
    """Return how many there are, and the largest and the smallest."""
    count = len(correlations)
    if count < 2:
        return f"{count} correlation{'s' * (count == 0)}"
    return f"{count} correlations from {correlations[0]:.3f} to {correlations[-1]:.3f}"
