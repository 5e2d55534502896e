"""What resamples say of a map of values: p-values, intervals, standard errors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "Spread",
    "as_of_all",
    "bootstrap_spread",
    "calibrate",
    "family_wise",
    "jackknife_spread",
    "of_size_one",
    "pointwise",
]

Array = npt.NDArray[np.float64]


class Spread(NamedTuple):
    """How far values are from what they estimate, for every pair."""

    standard_error: Array
    bias: Array
    low: Array
    high: Array


def of_size_one(values: Array, maps: Array) -> tuple[Array, Array, Any]:
    """Return values of every pair over a power of two, so that the largest is about 1, and those.

    HSIC may be as large as the largest number, or as small as the smallest: squares are neither.
    """
    sizes = np.concatenate([np.abs(maps), np.abs(values)[None]])
    exponents = np.frexp(np.where(np.isfinite(sizes), sizes, 0).max(axis=0))[1]
    return np.ldexp(values, -exponents), np.ldexp(maps, -exponents), exponents


def _tie(observed: Array, null: Array, eps: float) -> Array:
    """Return by how much values differ that are the same but for rounding.

    Of discrete data many orders have one value: it must not be rounding that decides which of them
    counts as large. 100 eps are what a value may be off by.
    """
    sizes = np.concatenate([np.abs(null), np.abs(observed)[None]])
    largest = np.where(np.isfinite(sizes), sizes, 0).max(axis=0)
    return np.asarray(100 * eps * largest)


def pointwise(observed: Array, null: Array, eps: float) -> Array:
    """Return (1 + #{null >= observed}) / (1 + K) of every pair; what is undefined counts."""
    reached = ~(null < observed - _tie(observed, null, eps))
    p = (1 + reached.sum(axis=0)) / (1 + len(null))
    return np.where(np.isnan(observed), np.nan, p)


def family_wise(observed: Array, null: Array, eps: float) -> Array:
    """Return how often the most extreme pair of a map is as extreme as each one.

    In units of the spread of each pair, observed and null together: by their values the pair of
    widest layers, whose values are largest by chance, would decide alone. All orders are treated
    alike, so that the test stays exact.
    """
    observed, null, _ = of_size_one(observed, null)
    together = np.concatenate([observed[None], null])
    usable = np.isfinite(together).all(axis=0)
    if not usable.any():
        return np.where(np.isnan(observed), np.nan, 1.0)
    tie = _tie(observed, null, eps)[usable]
    mine = together[:, usable]
    spread = np.maximum(mine.std(axis=0), np.finfo(float).tiny)
    scaled = np.where(mine.std(axis=0) > tie, (mine - mine.mean(axis=0)) / spread, 0.0)
    largest = scaled[1:].max(axis=1)
    slack = np.minimum(tie / spread, 1e-6)
    reached = largest[:, None] >= scaled[0] - slack
    p = np.where(np.isnan(observed), np.nan, 1.0)
    p[usable] = (1 + reached.sum(axis=0)) / (1 + len(null))
    return p


def calibrate(observed: Array, null: Array, level: float, eps: float) -> tuple[Array, Array]:
    """Return max(0, (s - t) / (1 - t)) and t, an order statistic of null and observed.

    Gröger, Wen, Brbić 2026. A value that is t but for rounding is not above it, however near 1
    both are.
    """
    together = np.sort(np.concatenate([observed[None], null]), axis=0)
    place = min(max(math.ceil(level * len(together)), 1), len(together)) - 1
    threshold = together[place]
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = observed - threshold
        above = excess > _tie(observed, null, eps)
        score = np.where(above & (threshold < 1), excess / (1 - threshold), 0.0)
    score = np.where(np.isnan(observed), np.nan, np.clip(score, 0, 1))
    return score, np.where(np.isnan(observed), np.nan, threshold)


def bootstrap_spread(values: Array, replicates: Array, level: float, unbiased: bool) -> Spread:
    """Return the spread of replicates, and intervals from it.

    Percentiles where the estimator has no bias to speak of; otherwise replicates, which are of
    fewer samples, are off by more than the value is, and only their spread is used.
    """
    count = np.isfinite(replicates).sum(axis=0)
    enough = count > 1
    kept = np.where(np.isfinite(replicates), replicates, np.nan)
    kept[:, ~enough] = 0
    spread = np.nanstd(kept, axis=0, ddof=1)
    error = np.where(enough, spread, np.nan)
    bias = np.where(enough, np.nanmean(kept, axis=0) - values, np.nan)
    if not unbiased:
        return Spread(error, bias, *_normal(values, error, level))
    low, high = np.nanquantile(kept, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Spread(error, bias, np.where(enough, low, np.nan), np.where(enough, high, np.nan))


def as_of_all(replicates: Array) -> Array:
    """Return replicates of half of the samples, drawn in disjoint pairs, with the spread of all.

    A statistic varies as A / n + B / n²: by what single samples add to it and by what pairs do,
    which is all there is of HSIC where layers are independent. Halves without replacement vary as
    A / n + 3 B / n². In the mean of two halves that share no sample the first part cancels, and
    B / n² is left (a pair of samples is in one half or in two, at even odds): so the excess is
    known, and taken from the distances to the mean.
    """
    pairs = len(replicates) // 2
    means = (replicates[0 : 2 * pairs : 2] + replicates[1 : 2 * pairs : 2]) / 2
    of_pairs = _variance(means)
    of_halves = _variance(replicates)
    wanted = np.maximum(of_halves - 2 * of_pairs, of_pairs)
    shrink = np.sqrt(np.where(of_halves > 0, wanted / np.where(of_halves > 0, of_halves, 1), 1))
    center = np.nanmean(np.where(np.isfinite(replicates), replicates, np.nan), axis=0)
    return np.asarray(center + np.minimum(shrink, 1) * (replicates - center))


def _variance(maps: Array) -> Array:
    """Return the variance of what is finite, 0 where there are not two."""
    usable = np.isfinite(maps)
    count = usable.sum(axis=0)
    kept = np.where(usable, maps, 0)
    mean = kept.sum(axis=0) / np.maximum(count, 1)
    squares = np.where(usable, (kept - mean) ** 2, 0).sum(axis=0)
    return np.asarray(squares / np.maximum(count - 1, 1))


def jackknife_spread(
    values: Array, replicates: Array, sizes: Sequence[int], level: float
) -> Spread:
    """Return the standard error of values that groups of samples were left out of.

    For groups of any size (Busing, Meijer, van der Leeden 1999); with h = n / size,
    pseudo-values are h value - (h - 1) replicate, and with equal sizes the error is the usual one,
    sqrt((g - 1) / g Σ (replicate - mean)²).
    """
    h = (sum(sizes) / np.asarray(sizes, dtype=float))[:, None, None]
    g = len(sizes)
    estimate = g * values - ((1 - 1 / h) * replicates).sum(axis=0)
    pseudo = h * values - (h - 1) * replicates
    error = np.sqrt(((pseudo - estimate) ** 2 / (h - 1)).sum(axis=0) / g)
    return Spread(error, values - estimate, *_normal(values, error, level))


def _normal(values: Array, error: Array, level: float) -> tuple[Array, Array]:
    from statistics import NormalDist  # which takes long to import

    reach = NormalDist().inv_cdf((1 + level) / 2) * error
    return values - reach, values + reach
