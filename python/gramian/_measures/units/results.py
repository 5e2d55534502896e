"""What the unit-level methods return: matches, sparse predictions and clusters of units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..._extras import require
from ..._input.arrays import as_numpy
from ..._show import units as pictures
from ..results import Result

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

__all__ = ["Clusters", "Matching", "SparsePrediction"]

Floats = npt.NDArray[np.floating[Any]]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Matching(Result):
    """Units of one representation paired with units of another, as `match_units` returns it.

    Attributes
    ----------
    pairs : ndarray of shape (k, 2), int64
        Index of a unit of X and of its partner in Y, in the order of X's units.
    correlations : ndarray of shape (k,)
        Their correlations, signed.
    mean : float
        Mean of what was maximized: of `correlations`, or of their absolute values. NaN without
        pairs, and where ``nan_policy="propagate"`` met NaN or infinity.
    method : {"one-to-one", "semi"}
        Whether a unit of Y may be the partner of several.
    absolute : bool
        Whether a negative correlation counts as much as a positive one.
    correlation : array of shape (p, q)
        Between every unit of X and every unit of Y; where X lives, as `gramian.correlation`
        returns it.
    x_left_out, y_left_out : ndarray, int64
        Units without correlations, constant ones as a rule.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.match_units(X, Y)
    >>> found.pairs
    array([[1, 0],
           [2, 1],
           [3, 2]])
    >>> found.correlations.round(3)
    array([0.734, 0.603, 0.649])
    """

    __module__ = "gramian"

    pairs: Integers
    correlations: Floats
    mean: float
    method: str
    absolute: bool
    correlation: Any
    x_left_out: Integers
    y_left_out: Integers

    _number = "mean"

    def __repr__(self) -> str:
        p, q = self.correlation.shape
        pairs = f"{len(self.pairs)} pairs of {p} x {q} units"
        return f"<Matching {self.method}: {pairs}, mean {self.mean:.3f}>"

    def curve(self) -> Floats:
        """Return what was maximized for every pair, falling: the paper's sorted match curve."""
        values = np.abs(self.correlations) if self.absolute else self.correlations
        return -np.sort(-values)

    def order(self) -> tuple[Integers, Integers]:
        """Return an order of X's units and one of Y's that brings the pairs to the diagonal.

        Returns
        -------
        rows, columns : ndarray, int64
            ``correlation[np.ix_(rows, columns)]`` has the matched correlations on its diagonal,
            best first. Units without a partner follow, then those left out. With
            ``method="semi"`` a partner of several units is repeated.

        Examples
        --------
        >>> import gramian as gm
        >>> X, Y = [[1, 0], [0, 1], [-1, -1]], [[0, 3], [1, 1], [-1, -4]]
        >>> rows, columns = gm.match_units(X, Y).order()
        >>> rows.tolist(), columns.tolist()
        ([1, 0], [0, 1])
        """
        values = np.abs(self.correlations) if self.absolute else self.correlations
        best = self.pairs[np.argsort(-values, kind="stable")]
        p, q = self.correlation.shape
        rows = np.concatenate([best[:, 0], _rest(p, best[:, 0], self.x_left_out)])
        if self.method == "semi":
            return rows[: len(best)], best[:, 1]
        return rows, np.concatenate([best[:, 1], _rest(q, best[:, 1], self.y_left_out)])

    def to_pandas(self) -> pandas.DataFrame:
        """Return the pairs as a `pandas.DataFrame` with columns x, y and correlation."""
        frame = require("pandas", "pandas").DataFrame
        columns = {"x": self.pairs[:, 0], "y": self.pairs[:, 1], "correlation": self.correlations}
        table: pandas.DataFrame = frame(columns)
        return table

    def plot(self, ax: Axes | None = None, *, label: str | None = None) -> Axes:
        """Draw the sorted match curve with matplotlib, and return the axes.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw, several curves one after the other; a new figure by default.
        label : str, optional
            The curve's name in a legend; by default the method and the mean.
        """
        name = f"{self.method}, mean {self.mean:.2f}" if label is None else label
        drawn: Axes = pictures.match_curve(self.curve(), ax, name, absolute=self.absolute)
        return drawn

    def plot_correlation(self, ax: Axes | None = None) -> Axes:
        """Draw the correlation matrix, permuted so that the pairs are on the diagonal."""
        title = f"permuted by {self.method} matching"
        drawn: Axes = pictures.correlation_map(as_numpy(self.correlation), *self.order(), ax, title)
        return drawn


@dataclass(frozen=True, eq=False, repr=False)
class SparsePrediction(Result):
    """Units of Y predicted from few units of X, as `sparse_prediction` returns it.

    Attributes
    ----------
    alphas : ndarray of shape (n_alphas,)
        Penalties, falling.
    coefficients : ndarray of shape (n_alphas, p, q)
        Weight of each unit of X in the prediction of each unit of Y, both standardized.
    r2 : ndarray of shape (n_alphas, q)
        Share of each unit's variance that is predicted. NaN for units left out.
    n_partners : ndarray of shape (n_alphas, q), int64
        Number of coefficients that are not 0.
    gaps : ndarray of shape (n_alphas, q)
        Duality gap of each solution, as a share of the unit's variance.
    x_left_out, y_left_out : ndarray, int64
        Units without correlations, constant ones as a rule.
    finite : bool
        False where ``nan_policy="propagate"`` met NaN or infinity: `score` is NaN then.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.sparse_prediction(X, Y, alphas=[0.5, 0.1])
    >>> found.n_partners
    array([[1, 2, 2],
           [3, 3, 4]])
    >>> found.r2.round(2)
    array([[0.29, 0.19, 0.19],
           [0.79, 0.71, 0.82]])
    """

    __module__ = "gramian"

    alphas: Floats
    coefficients: Floats
    r2: Floats
    n_partners: Integers
    gaps: Floats
    x_left_out: Integers
    y_left_out: Integers
    finite: bool = True

    _number = "score"

    def __repr__(self) -> str:
        count, p, q = self.coefficients.shape
        return f"<SparsePrediction of {q} units from {p}, {count} alphas, R2 {self.score:.3f}>"

    @property
    def mean_r2(self) -> Floats:
        """Mean of `r2` over the predicted units, shape (n_alphas,)."""
        return _mean(self.r2, self._targets())

    @property
    def mean_partners(self) -> Floats:
        """Mean of `n_partners` over the predicted units, shape (n_alphas,)."""
        return _mean(self.n_partners, self._targets())

    @property
    def score(self) -> float:
        """Mean R2 over the predicted units at the smallest alpha: the value as a measure."""
        return float(self.mean_r2[-1]) if self.finite else float("nan")

    def _targets(self) -> npt.NDArray[np.bool_]:
        predicted = np.ones(self.r2.shape[1], dtype=bool)
        predicted[self.y_left_out] = False
        return predicted

    def to_pandas(self) -> pandas.DataFrame:
        """Return the path as a `pandas.DataFrame`: alpha, mean partners, mean R2, mean error."""
        frame = require("pandas", "pandas").DataFrame
        columns = {"alpha": self.alphas, "partners": self.mean_partners, "r2": self.mean_r2}
        table: pandas.DataFrame = frame(columns | {"error": 1 - self.mean_r2})
        return table

    def plot(self, ax: Axes | None = None, *, label: str | None = None) -> Axes:
        """Draw the prediction error against the number of partners along the path.

        The line is the mean over the predicted units, the band holds the middle half of them.

        Parameters
        ----------
        ax : matplotlib.axes.Axes, optional
            Where to draw, several curves one after the other; a new figure by default.
        label : str, optional
            The curve's name in a legend.

        Returns
        -------
        matplotlib.axes.Axes
            The axes drawn on.
        """
        drawn: Axes = pictures.error_curve(
            self.mean_partners, 1 - self.mean_r2, 1 - self.r2, ax, label
        )
        return drawn


@dataclass(frozen=True, eq=False, repr=False)
class Clusters(Result):
    """Groups of units that span both representations, as `cluster_units` returns it.

    Attributes
    ----------
    x_labels, y_labels : ndarray of shape (p,) and (q,), int64
        Cluster of each unit, the largest cluster 0; -1 for units in none.
    sizes : ndarray of shape (n_clusters, 2), int64
        Number of units of X and of Y in each cluster.
    cluster_correlation : ndarray of shape (n_clusters, n_clusters)
        Mean correlation of the units of X in one cluster with those of Y in another; NaN where
        one of the two has no such units.
    correlation : array of shape (p, q)
        Between every unit of X and every unit of Y; where X lives, as `gramian.correlation`
        returns it.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.cluster_units(X, Y, n_clusters=2, seed=0)
    >>> found.x_labels.shape, found.y_labels.shape
    ((4,), (3,))
    >>> int(found.sizes.sum())
    7
    """

    __module__ = "gramian"

    x_labels: Integers
    y_labels: Integers
    sizes: Integers
    cluster_correlation: Floats
    correlation: Any

    def __repr__(self) -> str:
        p, q = self.correlation.shape
        left = int(np.sum(self.x_labels < 0) + np.sum(self.y_labels < 0))
        return f"<Clusters: {len(self.sizes)} of {p} + {q} units, {left} in none>"

    def order(self) -> tuple[Integers, Integers]:
        """Return an order of X's units and one of Y's that makes the clusters blocks."""
        r = as_numpy(self.correlation)
        x, y = (
            np.lexsort((-np.nan_to_num(most), np.where(labels < 0, len(self.sizes), labels)))
            for labels, most in (
                (self.x_labels, r.max(axis=1)),
                (self.y_labels, r.max(axis=0)),
            )
        )
        return x, y

    def to_pandas(self) -> pandas.DataFrame:
        """Return a `pandas.DataFrame` with a row per cluster: its units and their correlation."""
        frame = require("pandas", "pandas").DataFrame
        columns = {"x": self.sizes[:, 0], "y": self.sizes[:, 1]}
        within = self.cluster_correlation.diagonal()
        others = _others(self.cluster_correlation)
        table: pandas.DataFrame = frame(columns | {"correlation": within, "with_others": others})
        return table

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the correlation between the clusters of the two representations, with sizes."""
        drawn: Axes = pictures.cluster_map(self.cluster_correlation, self.sizes, ax)
        return drawn

    def plot_correlation(self, ax: Axes | None = None) -> Axes:
        """Draw the correlation matrix of all units, sorted and framed by cluster."""
        drawn: Axes = pictures.clustered_correlation(
            as_numpy(self.correlation), *self.order(), self.sizes, ax
        )
        return drawn


def _rest(count: int, used: Integers, left_out: Integers) -> Integers:
    """Return the indices that are not in use, those left out last."""
    others = np.setdiff1d(np.arange(count), np.concatenate([used, left_out]))
    return np.concatenate([others, left_out])


def _mean(values: npt.NDArray[Any], kept: npt.NDArray[np.bool_]) -> Floats:
    if not kept.any():
        return np.full(len(values), np.nan)
    return np.asarray(values[:, kept].mean(axis=1), dtype=np.float64)


def _others(matrix: Floats) -> Floats:
    """Return the mean of each row off the diagonal, of the entries that are not NaN."""
    off = matrix.copy()
    np.fill_diagonal(off, np.nan)
    known = np.isfinite(off)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, off, 0).sum(axis=1) / known.sum(axis=1))
