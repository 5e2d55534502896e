"""How reliable responses are, from repeats: what noise leaves of the score of the best model."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input.annotations import ArrayLike
from .._input.arrays import as_array
from .._input.checks import check_integer_array, warn
from .._input.dtypes import check_dtype, values
from .._input.options import check_integer, generator_of
from .results import Result

__all__ = ["NoiseCeiling", "noise_ceiling"]

Array = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int64]

_MOST = 10_000_000  # splits, as resamples
# Deviations up to so many rounding units of the values are those of a constant.
_CONSTANT = 100


@dataclass(frozen=True, eq=False, repr=False)
class NoiseCeiling(Result):
    """How reliable the mean of repeated responses is, as `noise_ceiling` returns it.

    Attributes
    ----------
    reliability : ndarray of shape (n_units,)
        What the mean over all repeats would correlate with that of as many new ones, by split
        halves and the Spearman-Brown formula: the share of its variance that is signal. NaN where
        halves of the repeats do not vary, or correlate so negatively that the formula has none.
    pooled : float
        That of all units together: the mean of `reliability`, weighted by the variance of the mean
        responses, as the R² of all units weighs them.
    halves : ndarray of shape (n_units,)
        The correlation of the means of two halves, averaged over splits.
    n_repeats, n_splits : int
        The number of repeats, and of splits that were made.

    Examples
    --------
    >>> import gramian as gm
    >>> found = gm.noise_ceiling([[[1.0], [2], [3]], [[1], [3], [2]]])
    >>> found.halves.round(9).tolist(), round(found.pooled, 9)
    ([0.5], 0.666666667)
    """

    __module__ = "gramian"

    reliability: Array
    pooled: float
    halves: Array
    n_repeats: int
    n_splits: int

    _number = "pooled"

    @property
    def r2(self) -> Array:
        """The largest R² that a model of the mean responses can be expected to have: reliability.

        NaN where it is not above 0, which leaves nothing to explain.
        """
        return np.where(self.reliability > 0, self.reliability, np.nan)

    @property
    def correlation(self) -> Array:
        """The largest correlation, the root of the reliability; NaN where that is not above 0."""
        return np.sqrt(self.r2)

    def __repr__(self) -> str:
        known = self.reliability[~np.isnan(self.reliability)]
        median = float(np.median(known)) if len(known) else float("nan")
        return (
            f"<NoiseCeiling {len(self.reliability)} units, {self.n_repeats} repeats: reliability "
            f"{self.pooled:.3f} pooled, median {median:.3f}>"
        )


def noise_ceiling(
    responses: ArrayLike | Sequence[Any], *, axis: int = 0, n_splits: int = 100, rng: Any = None
) -> NoiseCeiling:
    """Reliability of responses by split halves of their repeats, and the scores that it allows.

    Parameters
    ----------
    responses : array_like, shape (n_repeats, n_samples, n_units)
        Responses to the same samples, repeated at least twice.
    axis : int, default 0
        The axis of the repeats; of the others the first has the samples.
    n_splits : int, default 100
        How many times repeats are divided at random. Where there are no more ways than that to
        divide them, each is taken once, and `rng` is of no use.
    rng : int or numpy Generator, optional
        Seeds the splits.

    Returns
    -------
    NoiseCeiling
        ``.reliability`` of each unit's mean response, and of all units ``.pooled``; ``.r2`` and
        ``.correlation`` are the largest scores that noise allows. `RidgeRegression.ceiled` takes
        it.

    Raises
    ------
    TypeError
        Responses that are no array of numbers, or options of a wrong type.
    ValueError
        Responses of other than three axes, fewer than two repeats or samples, or an option out of
        range.

    Warns
    -----
    RuntimeWarning
        With the number of units that have no reliability (NaN), because a half of the repeats does
        not vary or holds NaN or infinity; and of those whose reliability is not above 0.

    Notes
    -----
    With m = n_repeats // 2, the means of m repeats and of m others correlate by r over samples,
    averaged over splits. The mean over all N repeats then has the reliability
    k r / (1 + (k - 1) r), k = N / m [1]_ [2]_: with signal variance S and noise variance V of one
    repeat, S / (S + V / N).

    That is the largest R² that a model can be expected to have for the mean responses, and its
    root the largest correlation. So R² / reliability, and r / sqrt(reliability), the normalized
    correlation coefficient [3]_, estimate the scores of the model for responses without noise. An
    estimate may be above 1. What the model is tested on must be the mean of the same repeats, and
    noise must be independent of one repeat to another; a response that drifts, or depends on what
    came before, looks like signal.

    References
    ----------
    .. [1] Spearman. Correlation calculated from faulty data. British Journal of Psychology 3, 1910.
    .. [2] Brown. Some experimental results in the correlation of mental abilities. British Journal
       of Psychology 3, 1910.
    .. [3] Schoppe, Harper, Willmore, King, Schnupp. Measuring the performance of neural models.
       Frontiers in Computational Neuroscience 10, 2016.

    See Also
    --------
    ridge_regression : Scores of models of responses.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> signal = rng.standard_normal((500, 1))
    >>> found = gm.noise_ceiling(signal + 2 * rng.standard_normal((8, 500, 1)))
    >>> round(found.pooled, 1), round(1 / (1 + 2**2 / 8), 1)
    (0.7, 0.7)
    """
    data = _checked(responses, axis)
    n_splits = check_integer("n_splits", n_splits, least=1, most=_MOST)
    generator = generator_of(rng)
    repeats, _, units = data.shape
    usable = np.isfinite(data).all(axis=(0, 1))
    total = np.zeros(units)
    count = 0
    kept = data[:, :, usable]
    kept -= kept[0, 0].copy()  # exactly 0 in a unit of one value
    for one, other in _splits(repeats, n_splits, generator):
        total[usable] += _correlations(kept[one].mean(axis=0), kept[other].mean(axis=0))
        count += 1
    halves = np.where(usable, total / count, np.nan)
    k = repeats / (repeats // 2)
    denominator = 1 + (k - 1) * halves
    defined = denominator > 0
    reliability = np.where(defined, k * halves / np.where(defined, denominator, 1), np.nan)
    _warn(reliability)
    variances = np.zeros(units)
    variances[usable] = kept.mean(axis=0).var(axis=0)
    known = ~np.isnan(reliability) & (variances > 0)
    weights = variances[known]
    pooled = float(reliability[known] @ weights / weights.sum()) if known.any() else math.nan
    return NoiseCeiling(reliability, pooled, halves, repeats, count)


def _checked(responses: Any, axis: Any) -> Array:
    """Return a copy in float64, repeats first."""
    array, dtype = as_array(responses, "responses")
    data = array if isinstance(array, np.ndarray) else array.numpy()
    check_dtype(data.dtype, dtype, "responses")
    if data.ndim != 3:
        raise ValueError(
            "responses must be 3-D (n_repeats, n_samples, n_units), "
            f"got {data.ndim}-D with shape {data.shape}."
        )
    axis = check_integer("axis", axis)
    if not -3 <= axis < 3:
        raise ValueError(f"axis must be one of the three axes of responses, got {axis}.")
    moved = np.moveaxis(data, axis, 0)
    n, samples, units = moved.shape
    if n < 2 or samples < 2 or units == 0:
        raise ValueError(
            "responses must have at least 2 repeats, 2 samples and 1 unit, "
            f"got {n}, {samples} and {units}."
        )
    check_integer_array(moved, dtype, "responses")
    return values(moved, dtype).astype(np.float64)


def _splits(
    repeats: int, n_splits: int, generator: np.random.Generator
) -> Iterator[tuple[Samples, Samples]]:
    """Yield two halves of the repeats, all there are or as many as are wanted, drawn.

    Of an odd number of repeats, one is left out.
    """
    half = repeats // 2
    ways = math.comb(repeats, half) * math.comb(repeats - half, half) // 2
    if ways <= n_splits:
        every = range(repeats)
        for one in itertools.combinations(every, half):
            for other in itertools.combinations(sorted({*every} - {*one}), half):
                if one < other:  # each way once
                    yield np.array(one), np.array(other)
        return
    for _ in range(n_splits):
        order = generator.permutation(repeats)
        yield order[:half], order[half : 2 * half]


def _correlations(A: Array, B: Array) -> Array:
    """Return Pearson's r of every two columns, NaN where one does not vary."""
    eps, squares = np.finfo(np.float64).eps, []
    for Z in (A, B):
        raw = np.einsum("ij,ij->j", Z, Z)
        Z -= Z.mean(axis=0)
        own = np.einsum("ij,ij->j", Z, Z)
        squares.append(np.where(own > (_CONSTANT * eps) ** 2 * raw, own, np.nan))
    found: Array = np.einsum("ij,ij->j", A, B) / np.sqrt(squares[0]) / np.sqrt(squares[1])
    return found


def _warn(reliability: Array) -> None:
    undefined = int(np.isnan(reliability).sum())
    if undefined:
        warn(
            f"responses have no reliability (NaN) for {undefined} of {len(reliability)} units: a "
            "half of their repeats does not vary, holds NaN or infinity, or is opposed to the "
            "other."
        )
    with np.errstate(invalid="ignore"):
        without = int((reliability <= 0).sum())
    if without:
        warn(
            f"responses have a reliability of 0 or less for {without} of {len(reliability)} "
            "units: nothing in them repeats, and their ceilings are undefined (NaN)."
        )
