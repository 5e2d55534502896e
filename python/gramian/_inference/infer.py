"""Inference for a map of values, by any method: what all faces of it call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input.checks import warn
from .._measures.measure import Measure
from .._measures.resampled import Request, Road
from . import methods
from .draws import BLOCKS, Draws
from .results import Inference
from .settings import Settings

__all__ = ["Found", "infer"]

Array = npt.NDArray[np.float64]
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Found:
    """An inference, and what it was made of: a map for each resample."""

    inference: Inference
    values: Array  # those of the comparison, calibrated where that was asked for
    replicates: Array
    threshold: Array | None = None
    calibrated: Array | None = None  # as means something where the largest value is 1
    reason: str = ""


def infer(
    row: Measure,
    request: Request,
    values: Array,
    settings: Settings,
    progress: Progress | None = None,
    make_road: Callable[[Request], Road] | None = None,
) -> Found:
    """Return intervals or p-values of a map that was computed by a request."""
    n = len(request.a[0].array)
    settings = settings.of(request)
    draws = settings.draws(n)
    usable = ~np.isnan(values)
    reason = _why_not(row, request, draws, settings)
    if not usable.any():  # which the comparison has said
        return _nothing(values, settings, "no pair has a value")
    if reason:
        warn(f"inference={settings.method!r} has no result (NaN): {reason}.")
        return _nothing(values, settings, reason)
    rows, columns = (np.atleast_1d(usable.any(axis=axis)) for axis in (1, 0))
    kept = replace(
        request,
        a=[layer for layer, yes in zip(request.a, rows, strict=True) if yes],
        b=[layer for layer, yes in zip(request.b, columns, strict=True) if yes]
        if request.b
        else [],
    )
    place = np.ix_(rows, columns if request.b else rows)
    road = (make_road or row.road_for)(kept)
    work = _Work(row, kept, road, values[place], draws, settings, progress)
    return _placed(_METHODS[settings.method](work), values, place)


@dataclass(frozen=True)
class _Work:
    """A map whose every layer can be used, and what is to be done."""

    row: Measure
    request: Request
    road: Road
    values: Array
    draws: Draws
    settings: Settings
    progress: Progress | None

    def tell(self, done: int, total: int) -> None:
        """Report progress."""
        if self.progress is not None:
            self.progress(1000 * done // total, 1000)  # as the core does

    def resampled(self, draw: Callable[[int, int], Array], count: int, chunk: int = 0) -> Array:
        """Return the maps of all draws, made some at a time; NaN where there is no value."""
        found = []
        chunk = chunk or self.road.chunk
        for first in range(0, count, chunk):
            some = min(chunk, count - first)
            found.append(draw(first, some))
            self.tell(first + some, count)
        maps = np.concatenate(found)
        maps[:, np.isnan(self.values)] = np.nan
        return maps

    def observed(self) -> Array:
        """Return the map of all samples, by the arithmetic of the draws."""
        observed = self.road.observed()
        observed[np.isnan(self.values)] = np.nan
        return observed


def _why_not(row: Measure, request: Request, draws: Draws, settings: Settings) -> str:
    """Return why resamples are impossible, or too small for the measure; "" if they are not."""
    if settings.method == "permutation":
        return draws.why_no_order
    word = "group" if draws.grouped else "sample"
    if len(draws.units) < 2:
        return f"there is only one {word}"
    sizes = sorted(len(unit) for unit in draws.units)
    if settings.method == "jackknife":
        left = draws.n - sizes[-1]
    else:
        left = sum(sizes[: len(sizes) // 2]) if settings.scheme == "half" else draws.n
    least = row.least_samples(request.options)
    if left < least:
        return f"resamples may have no more than {left} samples, and {row.name} needs {least}"
    return ""


def _permutation(work: _Work) -> Found:
    settings, count = work.settings, work.settings.n_resamples
    null = work.resampled(
        lambda first, some: work.road.reordered(work.draws.orders(first, some)), count
    )
    if not work.request.b and work.row.symmetric:  # one value for both orders of a pair
        lower = np.tril(np.ones(work.values.shape, dtype=bool))
        null = np.where(lower, null, null.transpose(0, 2, 1))
    observed = work.observed()
    sign = -1 if work.row.distance else 1
    eps = float(np.finfo(work.road.dtype).eps)
    calibrated, threshold = methods.calibrate(sign * observed, sign * null, settings.level, eps)
    inference = Inference(
        "permutation",
        count,
        settings.level,
        pvalues=methods.family_wise(sign * observed, sign * null, eps),
        pointwise=methods.pointwise(sign * observed, sign * null, eps),
        details={"calibrated": True} if settings.calibrated else {},
    )
    values = calibrated if settings.calibrated else work.values
    return Found(inference, values, null, sign * threshold, calibrated)


def _bootstrap(work: _Work) -> Found:
    count, scheme = work.settings.n_resamples, work.settings.scheme
    if scheme == "replacement":  # a sample with itself is not on the diagonal any more
        work = replace(work, road=work.row.recomputed(work.request))

    def draw(first: int, some: int) -> Array:
        chosen = [work.draws.chosen(k, scheme) for k in range(first, first + some)]
        return work.road.drawn(chosen)

    replicates = work.resampled(draw, count)
    unbiased = work.row.unbiased(work.request.options)
    values, scaled, exponents = methods.of_size_one(work.values, replicates)
    scaled = methods.as_of_all(scaled) if scheme == "half" else scaled
    spread = methods.bootstrap_spread(values, scaled, work.settings.level, unbiased)
    spread = methods.Spread(*(np.ldexp(part, exponents) for part in spread))
    inference = _of_spread("bootstrap", count, work.settings, spread, {"scheme": scheme})
    return Found(inference, work.values, replicates)


def _jackknife(work: _Work) -> Found:
    draws = work.draws
    blocks = not work.road.leaves_out_each and len(draws.units) > BLOCKS
    units = draws.blocks() if blocks else draws.units
    replicates = work.resampled(
        lambda first, some: work.road.without(units[first : first + some]),
        len(units),
        # What all samples say serves every group.
        len(units) if work.road.leaves_out_each else 0,
    )
    observed = work.observed()
    sizes = [len(unit) for unit in units]
    unit, scaled, exponents = methods.of_size_one(observed, replicates)
    spread = methods.jackknife_spread(unit, scaled, sizes, work.settings.level)
    spread = methods.Spread(*(np.ldexp(part, exponents) for part in spread))
    shift = work.values - observed  # by rounding
    spread = spread._replace(low=spread.low + shift, high=spread.high + shift)
    word = "blocks" if blocks else ("groups" if draws.grouped else "samples")
    details, reason = {"left_out": word}, ""
    if (np.isnan(replicates).any(axis=0) & ~np.isnan(work.values)).any():
        reason = f"without some of the {word} there is no value"
        warn(f"inference='jackknife' lacks results (NaN): {reason}.")
        details["reason"] = reason
    inference = _of_spread("jackknife", len(units), work.settings, spread, details)
    return Found(inference, work.values, replicates, reason=reason)


def _of_spread(
    method: str, count: int, settings: Settings, spread: methods.Spread, details: Mapping[str, Any]
) -> Inference:
    return Inference(
        method,
        count,
        settings.level,
        low=spread.low,
        high=spread.high,
        standard_error=spread.standard_error,
        bias=spread.bias,
        details=dict(details),
    )


def _nothing(values: Array, settings: Settings, reason: str) -> Found:
    """Return NaN for everything."""
    none = np.full(values.shape, np.nan)
    names: tuple[str, ...] = ("pvalues", "pointwise")
    if settings.method != "permutation":
        names = ("low", "high", "standard_error", "bias")
    arrays: dict[str, Any] = dict.fromkeys(names, none)
    inference = Inference(
        settings.method,
        settings.n_resamples,
        settings.level,
        **arrays,
        details={"reason": reason},
    )
    return Found(
        inference,
        none if settings.calibrated else values,
        np.full((settings.n_resamples, *values.shape), np.nan),
        none,
        none,
        reason,
    )


def _placed(found: Found, values: Array, place: Any) -> Found:
    """Return what was found of some layers in the place that they have among all."""

    def whole(part: Array) -> Array:
        out = np.full((*part.shape[:-2], *values.shape), np.nan)
        out[(..., *place)] = part
        return out

    arrays: dict[str, Any] = {name: whole(value) for name, value in found.inference.arrays.items()}
    return replace(
        found,
        inference=replace(found.inference, **arrays),
        values=whole(found.values),
        replicates=whole(found.replicates),
        threshold=None if found.threshold is None else whole(found.threshold),
        calibrated=None if found.calibrated is None else whole(found.calibrated),
    )


_METHODS: dict[str, Callable[[_Work], Found]] = {
    "permutation": _permutation,
    "bootstrap": _bootstrap,
    "jackknife": _jackknife,
}
