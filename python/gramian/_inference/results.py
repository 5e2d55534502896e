"""What inference returns: of one pair, and of a map."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from .._measures.results import Result

__all__ = ["Bootstrap", "Inference", "Jackknife", "PermutationTest"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PermutationTest(Result):
    """A similarity against what it is by chance, as `permutation_test` returns it.

    Attributes
    ----------
    statistic : float
        The measure of X and Y.
    pvalue : float
        The share of orders of Y's samples, the given one included, that make it as similar.
    null : ndarray of shape (n_permutations,)
        The measure for orders that were drawn.
    calibrated : float
        max(0, (s - t) / (1 - t)) of the statistic s and the threshold t; NaN for a measure whose
        largest value is not 1.
    threshold : float
        What the measure reaches by chance at `level`.
    level : float
        1 - alpha.
    reason : str
        Why there is no p-value, where it is NaN.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> test = gm.permutation_test(X, Y, n_permutations=199, rng=0)
    >>> test.pvalue, test.null.shape
    (0.005, (199,))
    >>> 0 < test.calibrated < test.statistic
    True
    """

    __module__ = "gramian"

    statistic: float
    pvalue: float
    null: Array = field(repr=False)
    calibrated: float
    threshold: float
    level: float
    reason: str = ""

    _number = "statistic"


@dataclass(frozen=True, eq=False)
class Bootstrap(Result):
    """The spread of a measure over samples that are drawn again, as `bootstrap` returns it.

    Attributes
    ----------
    statistic : float
        The measure of X and Y.
    standard_error : float
        The standard deviation of the replicates.
    interval : tuple of float
        Both ends.
    bias : float
        By how much the replicates, which are of fewer samples, exceed the statistic on average: an
        estimate of the statistic's own bias.
    replicates : ndarray of shape (n_resamples,)
        The measure of the samples drawn.
    level : float
        How often intervals like this one are to cover what is estimated.
    scheme : {"half", "replacement"}
        How samples were drawn.
    reason : str
        Why there is no interval, where it is NaN.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.bootstrap(X, Y, debiased=True, n_resamples=200, rng=0)
    >>> low, high = found.interval
    >>> low < found.statistic < high
    True
    """

    __module__ = "gramian"

    statistic: float
    standard_error: float
    interval: tuple[float, float]
    bias: float
    replicates: Array = field(repr=False)
    level: float
    scheme: str
    reason: str = ""

    _number = "statistic"


@dataclass(frozen=True, eq=False)
class Jackknife(Result):
    """A measure without each of its samples in turn, as `jackknife` returns it.

    Attributes
    ----------
    statistic : float
        The measure of X and Y.
    standard_error : float
        From the replicates.
    interval : tuple of float
        The statistic plus and minus so many standard errors as the level asks for.
    bias : float
        An estimate of the statistic's bias.
    replicates : ndarray of shape (n_left_out,)
        The measure of all samples but those left out.
    level : float
        How often intervals like this one are to cover what is estimated.
    left_out : {"samples", "groups", "blocks"}
        What is left out at a time. Blocks are 50 parts of the samples, or groups.
    reason : str
        Why there is no standard error, where it is NaN.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> found = gm.jackknife(X, Y, debiased=True)
    >>> found.left_out, found.replicates.shape
    ('samples', (100,))
    >>> round(found.statistic, 2), round(found.standard_error, 2)
    (0.49, 0.04)
    """

    __module__ = "gramian"

    statistic: float
    standard_error: float
    interval: tuple[float, float]
    bias: float
    replicates: Array = field(repr=False)
    level: float
    left_out: str
    reason: str = ""

    _number = "statistic"


@dataclass(frozen=True, eq=False)
class Inference(Result):
    """What a `Comparison` carries besides its values: intervals or p-values.

    Attributes
    ----------
    method : {"permutation", "bootstrap", "jackknife"}
        How they were found.
    n_resamples : int
        Of how many resamples.
    level : float
        The coverage of the intervals; of the threshold of calibrated values, 1 - alpha.
    low, high : ndarray of shape (n_x, n_y), or None
        Ends of the intervals, of the bootstrap and the jackknife.
    standard_error, bias : ndarray of shape (n_x, n_y), or None
        As these two estimate them.
    pvalues, pointwise : ndarray of shape (n_x, n_y), or None
        Of the permutation test: that any pair of the map would be as extreme by chance, and that
        the pair itself would.
    details : dict
        What else there is to say: the scheme of the bootstrap, what the jackknife left out,
        whether values are calibrated, why there is nothing.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 4))
    >>> Y = X @ rng.standard_normal((4, 3)) + rng.standard_normal((100, 3))
    >>> S = gm.compare([X], [Y], debiased=True, inference="jackknife")
    >>> S.inference.method, S.inference.level, S.inference.low.shape
    ('jackknife', 0.95, (1, 1))
    """

    __module__ = "gramian"

    method: str
    n_resamples: int
    level: float
    low: Array | None = field(default=None, repr=False)
    high: Array | None = field(default=None, repr=False)
    standard_error: Array | None = field(default=None, repr=False)
    bias: Array | None = field(default=None, repr=False)
    pvalues: Array | None = field(default=None, repr=False)
    pointwise: Array | None = field(default=None, repr=False)
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def arrays(self) -> dict[str, Any]:
        """The arrays that there are, by name."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}
