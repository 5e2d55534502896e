"""Held-out canonical correlations and held-out R²: fits by the core, tests in numpy.

Sample i is held out in fold i mod k, so that samples sorted by class fall into all folds. A fold
prepares every layer once, for all pairs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._input.arrays import Layer, as_float64
from ..._input.read import ReadLayer, read
from .. import ranks
from ..grid import Grid

Array = npt.NDArray[np.float64]
Place = tuple[int, int]


class Fold:
    """What one fold fits of a layer, and what it tests."""

    def __init__(self, layer: ReadLayer, k: int, folds: int) -> None:
        held_out = np.arange(layer.n) % folds == k
        fit = Layer(layer.name, layer.host[~held_out], layer.dtype)
        held = Layer(layer.name, layer.host[held_out], layer.dtype)
        self.fit = read(fit, "raise", layer.computed_on)
        self.test = as_float64(held)
        self.test -= self.fit.means

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


def _bases(
    folds: Sequence[Fold], options: Mapping[str, Any], *, double: bool
) -> list[calls.PreparedLayer]:
    """Prepare bases with weights, or those that a ridge shrinks."""
    fits = [fold.fit for fold in folds]
    tolerance = options["rank_tolerance"]
    tolerances = [ranks.default_tolerance(fit) if tolerance is None else tolerance for fit in fits]
    cores = [fit.core for fit in fits]
    regularization = options.get("regularization", 0.0)
    if regularization == 0:
        return calls.prepare_bases(cores, tolerances=tolerances, double=double, weights=True)
    return calls.prepare_ridge(
        cores, tolerances=tolerances, regularization=regularization, weights=True
    )


def _varying(
    grid: Grid, prepared: Sequence[calls.PreparedLayer] | None
) -> tuple[list[ReadLayer], list[tuple[Place, int, int]]]:
    """Return the layers that vary, and of each two of them the place and the two numbers."""
    every = [*grid.xs, *grid.ys]
    constant = calls.Status.constant
    kept = [
        index
        for index in range(len(every))
        if prepared is None or not calls.has(prepared[index].status, constant)
    ]
    number = {index: k for k, index in enumerate(kept)}
    first = len(grid.xs) if grid.ys else 0
    pairs = [
        ((i, j), number[i], number[first + j])
        for i in range(len(grid.xs))
        for j in range(len(grid.others))
        if i in number and first + j in number
    ]
    return [every[index] for index in kept], pairs


def _folds(varying: Sequence[ReadLayer], folds: int) -> Iterator[list[Fold]]:
    for k in range(folds):
        yield [Fold(layer, k, folds) for layer in varying]


def correlations(
    grid: Grid,
    options: Mapping[str, Any],
    prepared: Sequence[calls.PreparedLayer] | None = None,
) -> dict[Place, Array]:
    """Return correlations of held-out variates under the weights of the rest, mean over folds.

    By place, of the pairs of layers that vary, as what was prepared of them says.
    """
    varying, pairs = _varying(grid, prepared)
    found: dict[Place, list[Array]] = {place: [] for place, _, _ in pairs}
    for folds in _folds(varying, options["cross_validate"]):
        bases = _bases(folds, options, double=grid.double)
        for place, k, m in pairs:
            _, x_weights, y_weights = calls.canonical_pair(bases[k], bases[m])
            variates = folds[k].variates(x_weights.T), folds[m].variates(y_weights.T)
            found[place].append(np.einsum("ij,ij->j", *variates))
            del variates
        del folds, bases  # before those of the next fold are made
    return {place: _mean(of_folds) for place, of_folds in found.items()}


def _mean(of_folds: Sequence[Array]) -> Array:
    r = min(len(rho) for rho in of_folds)
    mean: Array = np.mean([rho[:r] for rho in of_folds], axis=0)
    return mean


def held_out_r2(grid: Grid, options: Mapping[str, Any]) -> Array:
    """Return 1 - residual / total of held-out samples, pooled over folds, of every pair.

    Regression on Qy = Y W: the coefficients are W Qy'X, where Qy'X = W'Y'X.
    """
    centred = calls.prepare_centred(grid.cores, double=grid.double)
    grid.warn_if_constant(centred)
    varying, pairs = _varying(grid, centred)
    targets = sorted({m for _, _, m in pairs})
    residual = {place: 0.0 for place, _, _ in pairs}
    total = dict(residual)
    for folds in _folds(varying, options["cross_validate"]):
        bases = _bases([folds[m] for m in targets], options, double=grid.double)
        weights = {
            m: calls.canonical_pair(basis, basis)[2].T
            for m, basis in zip(targets, bases, strict=True)
        }
        own = calls.prepare_centred([fold.fit.core for fold in folds], double=True)
        for place, k, m in pairs:
            fitted = weights[m].T @ calls.cross(own[m], own[k])
            total[place] += float(np.vdot(folds[k].test, folds[k].test))
            residual[place] += folds[k].residual(folds[m].test @ weights[m] @ fitted)
        del folds, bases, own  # before those of the next fold are made
    values = np.full((len(grid.xs), len(grid.others)), np.nan)
    for place in residual:
        values[place] = 1 - residual[place] / total[place]
    return values
