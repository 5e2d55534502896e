"""Unit-level methods between the public API and the core: correlation, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from . import _backend, _validate, _validate_units
from ._extras import require
from ._prepare import Prepared, prepare
from ._validate import Representation
from .unit_results import Clusters, Matching, SparsePrediction

Progress = Callable[[int, int], object]
Floats = npt.NDArray[np.floating[Any]]
Mask = npt.NDArray[np.bool_]

N_ALPHAS, SMALLEST_ALPHA = 30, 1e-3  # of the default grid
ALIKE = 1e-13  # between correlations of units that are the same, up to rounding
TINY_PRODUCT = 1e-30  # smaller products lose digits in float32


def all_pairs(
    measure: str,
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # no matter: p x p and p x q are all it takes
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    """Return the measure of every a with every b; among the a without b."""
    xs, ys = ([layer(rep, nan_policy, device) for rep in reps] for reps in (a, b))
    others = ys or xs
    values = np.empty((len(xs), len(others)))
    constant: dict[str, tuple[Representation, Mask]] = {}
    sparse = measure == "sparse_prediction"
    for i, x in enumerate(xs):
        gram = between(x, x, double=True).values if sparse else None
        for j, y in enumerate(others):
            if measure == "match_one_to_one" and not ys and j < i:
                values[i, j] = values[j, i]
                continue
            C = between(x, y, double=sparse)
            if gram is None:
                method = "semi" if measure == "match_semi" else "one-to-one"
                absolute = bool(options.get("absolute", False))
                values[i, j] = matched(C, method, absolute, x.finite and y.finite).mean
            else:
                result = predicted(C, gram, **_settings(options), keep=False)
                values[i, j] = result.score if x.finite and y.finite else np.nan
            for known, varies in ((x, C.x_varies), (y, C.y_varies)):
                constant[known.rep.name] = known.rep, ~varies
            if progress is not None:
                progress(i * len(others) + j + 1, values.size)
    for rep, units in constant.values():
        warn_constant(rep, units)
    return values


def recorded(measure: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force, defaults included, as JSON can hold them."""
    if measure != "sparse_prediction":
        return {"absolute": bool(options.get("absolute", False))}
    settings = _settings(options)
    alphas = settings["alphas"]
    return settings | {"alphas": None if alphas is None else alphas.tolist()}


def _settings(options: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options of sparse prediction as a measure, which has one alpha by default."""
    return settings(**({"alphas": 0.1, "tol": 1e-6, "max_sweeps": 10_000} | dict(options)))


def settings(alphas: Any, tol: float, max_sweeps: int) -> dict[str, Any]:
    """Check the options of sparse prediction."""
    _validate_units.check_tol(tol)
    return {
        "alphas": _validate_units.check_alphas(alphas),
        "tol": float(tol),
        "max_sweeps": _validate_units.check_count(max_sweeps, "max_sweeps", 1),
    }


class Correlations(NamedTuple):
    """The correlation of every unit with every other, and which units have one."""

    values: Floats
    x_varies: Mask
    y_varies: Mask


def layer(rep: Representation, nan_policy: str, device: str | None) -> Prepared:
    """Check and read a layer."""
    return prepare(rep, nan_policy, device, 2, "a correlation")


def tolerance(rep: Representation) -> float:
    """Return the share of a column's norm up to which what varies is rounding."""
    return 10 * float(np.finfo(rep.compute_dtype).eps)


def between(x: Prepared, y: Prepared, *, double: bool = False) -> Correlations:
    """Return the correlations of the units of x and y, which may be one layer."""
    double = double or x.double or y.double
    second = None if y is x else y.core
    arguments = x.core, tolerance(x.rep), second, tolerance(y.rep)
    values, x_varies, y_varies, smallest = _backend.correlation(*arguments, double=double)
    if smallest < TINY_PRODUCT and not double:
        return between(x, y, double=True)
    return Correlations(values, x_varies, y_varies)


def warn_constant(rep: Representation, left_out: Mask) -> None:
    """Warn of the units that are constant; under "propagate" others are left out too."""
    units = np.flatnonzero(left_out)
    if len(units):
        some = Representation(rep.name, rep.host[:, units], rep.dtype)
        finite = np.isfinite(_validate.as_float64(some)).all(axis=0)
        _validate_units.warn_left_out(rep, units[finite])


def matched(C: Correlations, method: str, absolute: bool, finite: bool) -> Matching:
    """Match the units of X with those of Y."""
    rows, columns = np.flatnonzero(C.x_varies), np.flatnonzero(C.y_varies)
    r = C.values[np.ix_(rows, columns)]
    value = np.abs(r) if absolute else r
    if r.size == 0:
        x = y = np.zeros(0, dtype=np.int64)
    elif method == "semi":
        x, y = np.arange(len(rows)), value.argmax(axis=1)
    else:
        x, y = require("scipy.optimize", "units").linear_sum_assignment(value, maximize=True)
    mean = float(value[x, y].mean(dtype=np.float64)) if finite and len(x) else float("nan")
    return Matching(
        pairs=np.stack([rows[x], columns[y]], axis=1).astype(np.int64),
        correlations=r[x, y],
        mean=mean,
        method=method,
        absolute=bool(absolute),
        correlation=C.values,
        x_left_out=np.flatnonzero(~C.x_varies),
        y_left_out=np.flatnonzero(~C.y_varies),
    )


def penalties(alphas: npt.NDArray[np.float64] | None, C: Correlations) -> npt.NDArray[np.float64]:
    """Return the alphas, or the default grid: down from the one that leaves no partners."""
    if alphas is not None:
        return alphas
    r = np.abs(C.values[np.ix_(C.x_varies, C.y_varies)])
    largest = float(r.max(initial=0)) or 1.0  # without any correlation, any grid will do
    return np.geomspace(largest, SMALLEST_ALPHA * largest, N_ALPHAS)


def predicted(
    C: Correlations,
    gram: Floats,
    alphas: npt.NDArray[np.float64] | None,
    tol: float,
    max_sweeps: int,
    *,
    keep: bool = True,
    progress: Progress | None = None,
) -> SparsePrediction:
    """Predict the units of Y from those of X, whose correlations among themselves are `gram`."""
    grid = penalties(alphas, C)
    rows, columns = np.flatnonzero(C.x_varies), np.flatnonzero(C.y_varies)
    p, q = C.values.shape
    shape = len(grid), q
    weights = np.zeros((*shape, p if keep else 0))
    r2, gaps = np.full(shape, np.nan), np.full(shape, np.nan)
    partners = np.zeros(shape, dtype=np.int64)
    if len(rows) and len(columns):
        rows = rows[distinct(gram[np.ix_(rows, rows)], C.values[np.ix_(rows, columns)])]
        found = _backend.lasso_path(
            gram[np.ix_(rows, rows)],
            C.values[np.ix_(rows, columns)].T,
            grid,
            tol=tol,
            max_sweeps=max_sweeps,
            keep=keep,
            progress=progress,
        )
        whole = len(rows) == p and len(columns) == q
        if whole and found[0] is not None:
            weights = found[0]
        elif found[0] is not None:
            weights[np.ix_(np.arange(len(grid)), columns, rows)] = found[0]
        r2[:, columns], gaps[:, columns], partners[:, columns] = found[1:]
    _validate_units.warn_unfinished(gaps, tol, max_sweeps)
    return SparsePrediction(
        alphas=grid,
        coefficients=weights.transpose(0, 2, 1),
        r2=r2,
        n_partners=partners,
        gaps=gaps,
        x_left_out=np.flatnonzero(~C.x_varies),
        y_left_out=np.flatnonzero(~C.y_varies),
    )


def distinct(gram: Floats, cross: Floats) -> npt.NDArray[np.int64]:
    """Return the units without those that equal an earlier one up to sign, scale and offset.

    Which of two equal units takes the weight is undetermined. They have the same correlations
    with everything; a correlation of 1 alone says less, since it is a cosine.
    """
    earlier = np.tril(np.abs(gram), -1)
    first = earlier.argmax(axis=1)
    alike = np.flatnonzero(earlier.max(axis=1) > 1 - ALIKE)
    sign = np.sign(gram[alike, first[alike]])[:, None]
    equal = [np.abs(m[alike] - sign * m[first[alike]]).max(axis=1) <= ALIKE for m in (gram, cross)]
    return np.setdiff1d(np.arange(len(gram)), alike[equal[0] & equal[1]])


def clustered(C: Correlations, n_clusters: int, seed: int) -> Clusters:
    """Cluster the units of both sides by the spectrum of their bipartite graph."""
    r = np.nan_to_num(C.values.astype(np.float64))
    W = np.maximum(r, 0)
    rows, columns = np.flatnonzero(W.any(axis=1)), np.flatnonzero(W.any(axis=0))
    k = _validate_units.check_clusters(n_clusters, len(rows) + len(columns))
    labels = np.full(sum(W.shape), -1, dtype=np.int64)
    nodes = np.concatenate([rows, len(W) + columns])
    if len(nodes):
        labels[nodes] = _spectral(W[np.ix_(rows, columns)], k, seed)
    x_labels, y_labels = labels[: len(W)], labels[len(W) :]
    members = [(side[:, None] == np.arange(k)).astype(np.float64) for side in (x_labels, y_labels)]
    sizes = np.stack([m.sum(axis=0) for m in members], axis=1)
    with np.errstate(invalid="ignore"):
        means = members[0].T @ r @ members[1] / np.outer(sizes[:, 0], sizes[:, 1])
    return Clusters(x_labels, y_labels, sizes.astype(np.int64), means, C.values)


def _spectral(W: Floats, k: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the cluster of every node of the bipartite graph [[0, W], [W', 0]], largest first."""
    linalg, cluster = require("scipy.linalg", "units"), require("sklearn.cluster", "units")
    p, n = len(W), sum(W.shape)
    A = np.zeros((n, n))
    A[:p, p:] = W / np.sqrt(W.sum(axis=1))[:, None] / np.sqrt(W.sum(axis=0))
    A += A.T
    vectors = linalg.eigh(A, subset_by_index=[n - k, n - 1])[1]
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1), np.finfo(float).tiny)[:, None]
    means = cluster.KMeans(k, init="k-means++", n_init=10, random_state=seed)
    found = means.fit_predict(vectors)
    rank = np.argsort(np.argsort(-np.bincount(found, minlength=k), kind="stable"))
    return np.asarray(rank[found], dtype=np.int64)
