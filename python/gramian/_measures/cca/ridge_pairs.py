"""Ridge regression of many layers from many: penalties chosen and tested, fold by fold."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..._input.arrays import Layer, as_float64
from ..._input.groups import members
from ..._input.read import ReadLayer
from .. import ranks, splits, wide
from ..grid import Grid
from ..measure import Option, complete, flag
from ..penalties import penalties_option
from ..splits import Fold
from . import checks, ridge_fit
from .direction import turned_pairs
from .folds import Steps, varying_of
from .options import CROSS_VALIDATE, DIRECTION, GROUPS

__all__ = ["OPTIONS", "Found", "Sums", "fit_pairs", "ridge_pairs"]

Array = npt.NDArray[np.float64]
Samples = npt.NDArray[np.int64]
Progress = Callable[[int, int], object]

OPTIONS = (
    penalties_option(None, checks.check_alphas),
    DIRECTION,
    Option(
        CROSS_VALIDATE.name,
        5,
        CROSS_VALIDATE.check,
        kind=CROSS_VALIDATE.kind,
        metavar=CROSS_VALIDATE.metavar,
        help=CROSS_VALIDATE.help,
    ),
    GROUPS,
    Option(
        "inner_folds",
        None,
        splits.check_folds("inner_folds"),
        kind=int,
        metavar="K",
        help="penalties are chosen by K folds of what is fitted, and not by leaving one out",
    ),
    Option(
        "alpha_per_target",
        False,
        flag("alpha_per_target"),
        kind=bool,
        help="choose a penalty for each unit",
    ),
)


@dataclass(frozen=True)
class Side:
    """A layer in double, centered, in units in which its largest entry is about 1."""

    values: Array
    exponent: int  # its unit is 2 to this power
    double: bool
    tolerance: float  # what decides on the ranks of its training sets

    def penalties(self, alphas: Array) -> Array:
        """Return penalties on predictors of these values."""
        with np.errstate(over="ignore", under="ignore"):
            return np.ldexp(alphas, -2 * self.exponent)


class Sums:
    """What scores are made of: sums over the tested samples, for each target."""

    def __init__(self, q: int) -> None:
        self.count = 0
        self.residual, self.total = np.zeros(q), np.zeros(q)
        self.first, self.second = np.zeros((2, q)), np.zeros((3, q))

    def add(self, actual: Array, predicted: Array) -> None:
        """Add samples, both less the means of those fitted."""
        self.count += len(actual)
        self.first += actual.sum(axis=0), predicted.sum(axis=0)
        pairs = (actual, actual), (predicted, predicted), (actual, predicted)
        products = [np.einsum("ij,ij->j", *pair) for pair in pairs]
        self.second += products
        self.total += products[0]
        errors = actual - predicted
        self.residual += np.einsum("ij,ij->j", errors, errors)

    @property
    def score(self) -> float:
        """R² of all targets together."""
        total = float(self.total.sum())
        return 1 - float(self.residual.sum()) / total if total > 0 else float("nan")

    @property
    def r2(self) -> Array:
        """R² of each, NaN where it does not vary."""
        varies = self.total > 0
        shares = self.residual / np.where(varies, self.total, 1)
        return np.where(varies, 1 - shares, np.nan)

    @property
    def correlation(self) -> Array:
        """Pearson's r of each, NaN where it or its prediction does not vary."""
        n = self.count
        squares = self.second[:2] - self.first**2 / n
        product = self.second[2] - self.first[0] * self.first[1] / n
        varies = (squares > n * np.finfo(np.float64).eps * self.second[:2]).all(axis=0)
        norms = np.sqrt(np.where(varies, squares[0], 1)) * np.sqrt(np.where(varies, squares[1], 1))
        return np.where(varies, np.clip(product / norms, -1, 1), np.nan)


@dataclass
class Found:
    """What is known of a pair."""

    sums: Sums
    tried: Array
    alphas: list[Array] = field(default_factory=list)  # chosen in each fold, of all or of each
    tests: Array | None = None  # sums of predictions (n, q), and how many of each
    exponent: int = 0  # of their unit

    @property
    def predictions(self) -> Array:
        """The mean of the predictions of each sample, less the means of units; NaN without any."""
        if self.tests is None:
            raise RuntimeError("No predictions were kept.")
        with np.errstate(invalid="ignore"):
            mean = self.tests[0] / self.tests[1]
        return _times_power(mean, self.exponent)


def as_predictor(layer: ReadLayer) -> Side:
    """Return what predicts: a rotation of the units changes nothing."""
    tolerance = ranks.default_tolerance(layer)
    if wide.is_wide(layer):
        return _of_coordinates(layer, wide.wide_coordinates(layer, tolerance), tolerance)
    varies = ~ranks.constant_columns(layer)
    return _side(layer, _about_the_first(layer)[:, varies], tolerance)


def as_target(layer: ReadLayer, *, rotates: bool) -> Side:
    """Return what is predicted; of many units their coordinates, if no unit is looked at."""
    tolerance = ranks.default_tolerance(layer)
    if rotates and wide.is_wide(layer):
        return _of_coordinates(layer, wide.wide_coordinates(layer), tolerance)
    values = _about_the_first(layer)
    values[:, ranks.constant_columns(layer)] = 0  # but for rounding
    return _side(layer, values, tolerance)


def _of_coordinates(layer: ReadLayer, values: Array, tolerance: float) -> Side:
    """Take coordinates, which are in units of the layer's scale, a power of two."""
    return _side(layer, values, tolerance, 1 - int(np.frexp(layer.statistics.scale)[1]))


def _side(layer: ReadLayer, values: Array, tolerance: float, unit: int = 0) -> Side:
    """Take values in units of a power of two."""
    exponent = int(np.frexp(np.abs(values).max(initial=0))[1])
    scaled = _times_power(values, -exponent)
    scaled -= scaled.mean(axis=0)  # now that a mean has all its digits, also of denormal numbers
    return Side(scaled, exponent + unit, layer.double, tolerance)


def _about_the_first(layer: ReadLayer) -> Array:
    """Return the values less those of the first sample: exact where an offset is large."""
    values = as_float64(layer)
    values -= values[0].copy()
    return values


def _times_power(values: Array, exponent: int) -> Array:
    half = exponent // 2  # in two steps: the power itself may be out of range
    found: Array = np.ldexp(np.ldexp(values, half), exponent - half)
    return found


def penalties(layer: Layer, predictor: Side, given: tuple[float, ...] | None) -> Array:
    """Return the penalties that are tried, in the units of the predictor's values."""
    if given is not None:
        return predictor.penalties(np.array(given))
    unit = float(np.sum(predictor.values**2)) / min(layer.n_samples, layer.array.shape[1])
    return unit * checks.RELATIVE_ALPHAS


def fit_pairs(
    grid: Grid,
    options: Mapping[str, Any],
    layers: Sequence[Layer],
    progress: Progress | None = None,
    *,
    units: bool = False,
) -> dict[tuple[int, int], Found]:
    """Fit and test every pair whose layers vary; with `units`, each unit of what is predicted."""
    groups = splits.groups_of(options, layers)
    given, every = options["cross_validate"], np.arange(grid.n)
    asked = [Fold(every, every)]
    if given is not None:
        asked = splits.folds("cross_validate", given, grid.n, groups)
    constant = [layer.constant for layer in (*grid.xs, *grid.ys)]
    grid.warn_constant(constant)
    varying, pairs = varying_of(grid, constant)
    each, inner = options["alpha_per_target"], options["inner_folds"]
    rotates = not (units or each or inner is not None)
    targets = {k: as_target(varying[k], rotates=rotates) for k in {k for _, k, _ in pairs}}
    predictors = {m: as_predictor(varying[m]) for m in {m for _, _, m in pairs}}
    tried = {m: penalties(varying[m], one, options["alphas"]) for m, one in predictors.items()}
    found = {}
    for place, k, m in pairs:
        in_units = _in_units(tried[m], predictors[m])
        found[place] = Found(Sums(targets[k].values.shape[1]), in_units)
        if units:
            found[place].tests = np.zeros((2, *targets[k].values.shape))
            found[place].exponent = targets[k].exponent
    tell = Steps(progress, len(asked) * len(pairs))
    for fold in asked:
        nested = _nested(inner, fold.fit, groups, grid.n)
        for m, predictor in predictors.items():
            choose = _Choice(predictor, fold, nested, tried[m], each=each)
            for place, k, _ in (pair for pair in pairs if pair[2] == m):
                _fit(found[place], choose, targets[k], fold)
                tell()
    return found


def _in_units(alphas: Array, predictor: Side) -> Array:
    with np.errstate(over="ignore", under="ignore"):
        found: Array = np.ldexp(alphas, 2 * predictor.exponent)
    return found


def _fit(found: Found, choose: _Choice, target: Side, fold: Fold) -> None:
    """Choose penalties of a target in a fold, and test them."""
    fitted, tested = _centered(target.values, fold)
    best = choose.of(fitted, target.values)
    alphas = choose.alphas[best]
    found.alphas.append(_in_units(alphas, choose.predictor))
    predictions = ridge_fit.predicted(choose.spectrum, fitted, alphas)
    found.sums.add(tested, predictions)
    if found.tests is not None:
        found.tests[0, fold.test] += predictions + target.values[fold.fit].mean(axis=0)
        found.tests[1, fold.test] += 1


class Nested(NamedTuple):
    """How a penalty is chosen within a training set: by folds of it, or by leaving out parts."""

    folds: Sequence[Fold] = ()
    groups: Sequence[Samples] | None = None  # what is left out; None: each sample


class _Choice:
    """A training set of a predictor, and how its penalty is chosen."""

    def __init__(
        self, predictor: Side, fold: Fold, nested: Nested, alphas: Array, *, each: bool
    ) -> None:
        self.predictor, self.alphas, self.each = predictor, alphas, each
        self.spectrum = _decomposed(predictor, fold)
        self._groups = nested.groups
        one = len(alphas) == 1
        self._folds = [] if one else [(f, _decomposed(predictor, f)) for f in nested.folds]

    def of(self, fitted: Array, values: Array) -> Samples:
        """Return the numbers of the best penalties, for all targets together or for each."""
        if len(self.alphas) == 1:
            return np.zeros(values.shape[1] if self.each else 1, dtype=np.int64)
        if not self._folds:
            losses = ridge_fit.left_out_errors(self.spectrum, fitted, self.alphas, self._groups)
            return ridge_fit.best_of(losses, each=self.each)
        losses = np.zeros((len(self.alphas), values.shape[1]))
        for fold, spectrum in self._folds:
            losses += ridge_fit.tested_losses(spectrum, *_centered(values, fold), self.alphas)
        return ridge_fit.best_of(losses, each=self.each)


def _nested(given: Any, fit: Samples, groups: Samples | None, n: int) -> Nested:
    own = None if groups is None else groups[fit]
    if given is None:
        parts = None if own is None else members(np.unique(own, return_inverse=True)[1])
        return Nested(groups=parts)
    kept = given if isinstance(given, int) else given.of(splits.INNER, n).taken(fit)
    nested = splits.folds(splits.INNER, kept, len(fit), own, least=2)
    return Nested([Fold(fit[one.fit], fit[one.test]) for one in nested])


def _centered(values: Array, fold: Fold) -> tuple[Array, Array]:
    fitted = values[fold.fit]
    mean = fitted.mean(axis=0)
    return fitted - mean, values[fold.test] - mean


def _decomposed(predictor: Side, fold: Fold) -> ridge_fit.Spectrum:
    fitted, tested = _centered(predictor.values, fold)
    return ridge_fit.decomposed(fitted, tested, predictor.tolerance, double=predictor.double)


@turned_pairs
def ridge_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: nothing here grows with n²
    options: Mapping[str, Any],
) -> Array:
    """Return held-out R² of every a from every b; among the a without b."""
    chosen = complete(OPTIONS, options)
    grid = Grid(a, b, nan_policy, device)
    values = np.full((len(grid.xs), len(grid.others)), np.nan)
    if not grid.empty:
        for place, found in fit_pairs(grid, chosen, (*a, *b), progress).items():
            values[place] = found.sums.score
    return grid.place(values)
