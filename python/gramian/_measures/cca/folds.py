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
from ..._input.arrays import Representation, as_float64
from ..._input.prepare import Prepared
from .. import ranks
from ..ranked_layers import Layers

Array = npt.NDArray[np.float64]
Place = tuple[int, int]


class Fold:
    """What one fold fits of a layer, and what it tests."""

    def __init__(self, layer: Prepared, k: int, folds: int) -> None:
        held_out = np.arange(layer.n) % folds == k
        rep = layer.rep
        self.fit = Prepared(
            Representation(rep.name, rep.host[~held_out], rep.dtype), "raise", layer.device
        )
        held = Representation(rep.name, rep.host[held_out], rep.dtype)
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
    tolerances = [
        ranks.default_tolerance(fit.rep) if tolerance is None else tolerance for fit in fits
    ]
    cores = [fit.core for fit in fits]
    regularization = options.get("regularization", 0.0)
    if regularization == 0:
        return calls.prepare_bases(cores, tolerances=tolerances, double=double, weights=True)
    return calls.prepare_ridge(
        cores, tolerances=tolerances, regularization=regularization, weights=True
    )


def _varying(
    layers: Layers, prepared: Sequence[calls.PreparedLayer] | None
) -> tuple[list[Prepared], list[tuple[Place, int, int]]]:
    """Return the layers that vary, and of each two of them the place and the two numbers."""
    every = [*layers.xs, *layers.ys]
    constant = calls.Status.constant
    kept = [
        index
        for index in range(len(every))
        if prepared is None or not calls.has(prepared[index].status, constant)
    ]
    number = {index: k for k, index in enumerate(kept)}
    first = len(layers.xs) if layers.ys else 0
    pairs = [
        ((i, j), number[i], number[first + j])
        for i in range(len(layers.xs))
        for j in range(len(layers.others))
        if i in number and first + j in number
    ]
    return [every[index] for index in kept], pairs


def _folds(varying: Sequence[Prepared], folds: int) -> Iterator[list[Fold]]:
    for k in range(folds):
        yield [Fold(layer, k, folds) for layer in varying]


def correlations(
    layers: Layers,
    options: Mapping[str, Any],
    prepared: Sequence[calls.PreparedLayer] | None = None,
) -> dict[Place, Array]:
    """Return correlations of held-out variates under the weights of the rest, mean over folds.

    By place, of the pairs of layers that vary, as what was prepared of them says.
    """
    varying, pairs = _varying(layers, prepared)
    found: dict[Place, list[Array]] = {place: [] for place, _, _ in pairs}
    for folds in _folds(varying, options["cross_validate"]):
        bases = _bases(folds, options, double=layers.double)
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


def held_out_r2(layers: Layers, options: Mapping[str, Any]) -> Array:
    """Return 1 - residual / total of held-out samples, pooled over folds, of every pair.

    Regression on Qy = Y W: the coefficients are W Qy'X, where Qy'X = W'Y'X.
    """
    centred = calls.prepare_centred(layers.cores, double=layers.double)
    layers.warn_if_constant(centred)
    varying, pairs = _varying(layers, centred)
    targets = sorted({m for _, _, m in pairs})
    residual = {place: 0.0 for place, _, _ in pairs}
    total = dict(residual)
    for folds in _folds(varying, options["cross_validate"]):
        bases = _bases([folds[m] for m in targets], options, double=layers.double)
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
    values = np.full((len(layers.xs), len(layers.others)), np.nan)
    for place in residual:
        values[place] = 1 - residual[place] / total[place]
    return values
