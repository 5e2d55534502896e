"""Held-out canonical correlations and held-out R²: fits by the core, tests in numpy.

A fold prepares every layer once, for all pairs. A layer with no fewer units than a fit has samples
is fitted by its coordinates, made once of all samples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._input.arrays import Layer, as_float64
from ..._input.read import ReadLayer, read
from .. import ranks
from ..grid import Grid
from ..splits import Fold
from ..wide import is_wide, scaled_coordinates, wide_coordinates

Array = npt.NDArray[np.float64]
Place = tuple[int, int]
Progress = Callable[[int, int], object]


class Part:
    """What one fold fits of a layer, and what it tests; of its coordinates, where it has such."""

    def __init__(self, layer: ReadLayer, coordinates: Array | None, fold: Fold) -> None:
        array = layer.host if coordinates is None else coordinates
        dtype = layer.dtype if coordinates is None else "float64"
        fit = Layer(layer.name, array[fold.fit], dtype)
        held = Layer(layer.name, array[fold.test], dtype)
        self.layer = layer
        self.by_coordinates = coordinates is not None
        self.fit = read(fit, "raise", layer.computed_on)
        self.test = as_float64(held)
        self.test -= self.fit.means

    def tolerance(self, given: float | None) -> float:
        """Return what decides on the rank of the fit."""
        if given is not None:
            return given
        return ranks.tolerance_for(self.layer, self.fit.n, self.layer.array.shape[1])

    def basis(self, options: Mapping[str, Any], *, double: bool) -> calls.PreparedLayer:
        """Prepare a basis with weights, or one that a ridge shrinks."""
        tolerances = [self.tolerance(options["rank_tolerance"])]
        regularization = options.get("regularization", 0.0)
        if regularization == 0 and not self.by_coordinates:
            return calls.prepare_bases(
                [self.fit.core], tolerances=tolerances, double=double, weights=True
            )[0]
        # A ridge is relative to the mean over units, of which there are more than coordinates.
        units = self.fit.array.shape[1] / self.layer.array.shape[1]
        return calls.prepare_ridge(
            [self.fit.core],
            tolerances=tolerances,
            regularization=regularization * units,
            weights=True,
        )[0]

    def residual(self, predicted: Array) -> float:
        """Return the squared error of a prediction of the held-out samples, which it overwrites."""
        predicted -= self.test
        return float(np.vdot(predicted, predicted))

    def variates(self, weights: Array) -> Array:
        """Return what weights make of the held-out samples, centered and of unit norm."""
        found: Array = self.test @ weights
        found -= found.mean(axis=0)
        norms = np.sqrt(np.einsum("ij,ij->j", found, found))  # no copy, as of np.linalg.norm
        found /= np.where(norms > 0, norms, 1)
        return found


def varying_of(
    grid: Grid, constant: Sequence[bool] | None
) -> tuple[list[ReadLayer], list[tuple[Place, int, int]]]:
    """Return the layers that vary, and of each two of them the place and the two numbers."""
    every = [*grid.xs, *grid.ys]
    kept = [index for index in range(len(every)) if constant is None or not constant[index]]
    number = {index: k for k, index in enumerate(kept)}
    first = len(grid.xs) if grid.ys else 0
    pairs = [
        ((i, j), number[i], number[first + j])
        for i in range(len(grid.xs))
        for j in range(len(grid.others))
        if i in number and first + j in number
    ]
    return [every[index] for index in kept], pairs


def _to_fit(layer: ReadLayer, options: Mapping[str, Any], folds: Sequence[Fold]) -> Array | None:
    """Return what stands for a layer that is fitted, if that is not the layer itself."""
    given = options["rank_tolerance"]
    tolerance = ranks.default_tolerance(layer) if given is None else given
    if options.get("regularization", 0.0) > 0:
        return wide_coordinates(layer, tolerance) if is_wide(layer) else None
    if not ranks.is_wide_in_folds(layer, folds):
        return None
    return scaled_coordinates(layer, tolerance)


def correlations(
    grid: Grid,
    options: Mapping[str, Any],
    folds: Sequence[Fold],
    constant: Sequence[bool] | None = None,
    progress: Progress | None = None,
) -> dict[Place, Array]:
    """Return correlations of held-out variates under the weights of the rest, mean over folds.

    By place, of the pairs of layers that vary.
    """
    varying, pairs = varying_of(grid, constant)
    given = [_to_fit(layer, options, folds) for layer in varying]
    double = grid.double or any(array is not None for array in given)
    found: dict[Place, list[Array]] = {place: [] for place, _, _ in pairs}
    saturated: dict[tuple[int, int], tuple[str, str]] = {}
    tell = Steps(progress, len(folds) * len(pairs))
    for fold in folds:
        parts = [Part(layer, z, fold) for layer, z in zip(varying, given, strict=True)]
        bases = [part.basis(options, double=double) for part in parts]
        for place, k, m in pairs:
            _, x_weights, y_weights = calls.canonical_pair(bases[k], bases[m])
            variates = (
                parts[k].variates(calls.on_host(x_weights)),
                parts[m].variates(calls.on_host(y_weights)),
            )
            found[place].append(np.einsum("ij,ij->j", *variates))
            if ranks.saturated(bases[k].rank, bases[m].rank, parts[k].fit.n):
                names = varying[k].name, varying[m].name
                saturated[min(k, m), max(k, m)] = names
            del variates
            tell()
        del parts, bases  # before those of the next fold are made
    if options.get("regularization", 0.0) == 0:
        fitted = ranks.fitted_samples(folds)
        ranks.warn_saturated_folds([*saturated.values()], fitted)
    return {place: _mean(of_folds) for place, of_folds in found.items()}


def _mean(of_folds: Sequence[Array]) -> Array:
    r = min(len(rho) for rho in of_folds)
    mean: Array = np.mean([rho[:r] for rho in of_folds], axis=0)
    return mean


class Steps:
    """Tells the progress of a call, one step after the other."""

    def __init__(self, progress: Progress | None, total: int) -> None:
        self.progress, self.done, self.total = progress, 0, total

    def __call__(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def held_out_r2(
    grid: Grid,
    options: Mapping[str, Any],
    folds: Sequence[Fold],
    progress: Progress | None = None,
) -> Array:
    """Return 1 - residual / total of held-out samples, pooled over folds, of every pair.

    Regression on Qy = Y W: the coefficients are W Qy'X, where Qy'X = W'Y'X.
    """
    constant = [layer.constant for layer in (*grid.xs, *grid.ys)]
    grid.warn_constant(constant)
    varying, pairs = varying_of(grid, constant)
    to_predict = {
        k: wide_coordinates(varying[k]) if is_wide(varying[k]) else None
        for k in sorted({k for _, k, _ in pairs})
    }
    to_fit = {m: _to_fit(varying[m], options, folds) for m in sorted({m for _, _, m in pairs})}
    residual = {place: 0.0 for place, _, _ in pairs}
    total = dict(residual)
    tell = Steps(progress, len(folds) * len(pairs))
    for fold in folds:
        targets = {k: Part(varying[k], z, fold) for k, z in to_predict.items()}
        predictors = {
            m: Part(varying[m], z, fold)
            if z is not None or to_predict.get(m) is not None or m not in targets
            else targets[m]
            for m, z in to_fit.items()
        }
        weights = {}
        for m, part in predictors.items():
            basis = part.basis(options, double=grid.double)
            weights[m] = calls.on_host(calls.canonical_pair(basis, basis)[2])
        own, others = (
            {k: calls.prepare_centred([part.fit.core], double=True)[0] for k, part in of.items()}
            for of in (targets, predictors)
        )
        for place, k, m in pairs:
            fitted = weights[m].T @ calls.cross(others[m], own[k])
            total[place] += float(np.vdot(targets[k].test, targets[k].test))
            residual[place] += targets[k].residual(predictors[m].test @ weights[m] @ fitted)
            tell()
        del targets, predictors, own, others  # before those of the next fold are made
    values = np.full((len(grid.xs), len(grid.others)), np.nan)
    for place in residual:
        values[place] = 1 - residual[place] / total[place]
    return values
