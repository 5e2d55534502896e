"""What the canonical correlation functions return besides a number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..results import Result

__all__ = ["CCA", "PWCCA", "SVCCA", "RidgeRegression", "undefined_ridge"]

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
    x_weights : array of shape (p, r), float64
        ``(X - X.mean(0)) @ x_weights`` has orthonormal columns, the canonical variates. It lives
        where X does: for an array of CuPy, torch or jax on a GPU it is one of these too.
    y_weights : array of shape (q, r), float64
        Those of Y, where Y lives; the i-th variates of X and Y are correlated by
        ``correlations[i]``.
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
    x_weights: Any
    y_weights: Any
    x_rank: int
    y_rank: int
    rank_tolerance: tuple[float, float]
    n_saturated: int

    _number = "mean"

    def __repr__(self) -> str:
        one = f", {self.n_saturated} of them 1 by construction" if self.n_saturated else ""
        return f"<CCA: mean {self.mean:.4f}, {_range(self.correlations)}{one}>"


@dataclass(frozen=True, eq=False, repr=False)
class RidgeRegression(Result):
    """Ridge regression and how well it predicts held-out samples, as `ridge_regression` returns it.

    Attributes
    ----------
    score : float
        R² of all predicted units together, 1 - residual / total, as `linear_regression` gives it.
        NaN if X or Y is constant.
    r2 : ndarray of shape (n_units,)
        That of each predicted unit; NaN for those that are constant.
    correlation : ndarray of shape (n_units,)
        Pearson's r of each unit with its prediction, both less the mean of the samples that were
        fitted, over all held-out samples; NaN where one of the two does not vary.
    alpha : ndarray of shape (n_folds,) or (n_folds, n_units)
        The penalty that each fold chose, or chose for each unit.
    alphas : ndarray of shape (n_alphas,)
        Those that were tried.
    predictions : ndarray of shape (n_samples, n_units)
        Each sample predicted by the folds that hold it out (their mean, where there are several);
        NaN where none does.
    direction : {"x from y", "y from x"}
        What was predicted from what.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> layer = rng.standard_normal((100, 6))
    >>> voxels = layer[:, :2] + rng.standard_normal((100, 2))
    >>> found = gm.ridge_regression(voxels, layer, alphas=[1, 10, 100])
    >>> found.alpha.shape, found.r2.shape, found.predictions.shape
    ((5,), (2,), (100, 2))
    """

    __module__ = "gramian"

    score: float
    r2: Array
    correlation: Array
    alpha: Array
    alphas: Array
    predictions: Array
    direction: str

    _number = "score"

    def __repr__(self) -> str:
        units = self.r2[~np.isnan(self.r2)]
        median = float(np.median(units)) if len(units) else float("nan")
        chosen = f"{self.alpha.min():.3g}" if self.alpha.size else "nan"
        if self.alpha.size and self.alpha.max() > self.alpha.min():
            chosen = f"{chosen} to {self.alpha.max():.3g}"
        return (
            f"<RidgeRegression {self.direction}: {len(self.r2)} units, R² {self.score:.3f}, "
            f"median {median:.3f}, alpha {chosen}>"
        )

    def ceiled(self, ceiling: Any) -> RidgeRegression:
        """Return the same with its scores as shares of what is left of them by noise.

        Parameters
        ----------
        ceiling : NoiseCeiling
            Of the responses whose mean over repeats was predicted, unit by unit.

        Returns
        -------
        RidgeRegression
            R² divided by the reliability of its unit, r by the root of it, and the score by that
            of all units together. NaN where the ceiling is; above 1 by chance.

        Raises
        ------
        ValueError
            If the ceiling is of another number of units.

        Examples
        --------
        >>> import gramian as gm
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> X = rng.standard_normal((300, 4))
        >>> signal = X @ rng.standard_normal((4, 2))
        >>> responses = signal + 3 * rng.standard_normal((6, 300, 2))
        >>> found = gm.ridge_regression(responses.mean(axis=0), X)
        >>> ceiling = gm.noise_ceiling(responses, rng=0)
        >>> round(found.score, 2), round(found.ceiled(ceiling).score, 2)
        (0.77, 1.0)
        """
        if len(ceiling.reliability) != len(self.r2):
            raise ValueError(
                f"ceiling must be of {len(self.r2)} units, got {len(ceiling.reliability)}."
            )
        return replace(
            self,
            score=float(self.score / ceiling.pooled),
            r2=self.r2 / ceiling.r2,
            correlation=self.correlation / ceiling.correlation,
        )


def undefined_ridge(n: int, q: int, alphas: Any, direction: str) -> RidgeRegression:
    """Return what there is to say of layers that do not vary or are not finite."""
    units = np.full(q, np.nan)
    tried = np.full(1, np.nan) if alphas is None else np.array(alphas)
    nothing = np.empty(0)
    return RidgeRegression(np.nan, units, units, nothing, tried, np.full((n, q), np.nan), direction)


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
