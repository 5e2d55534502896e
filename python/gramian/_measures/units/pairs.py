"""Unit-level methods of many layers: correlation by the compiled core, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._input.arrays import Layer
from ..._input.read import ReadLayer, read
from ..measure import Option, complete, flag
from ..penalties import penalties_option
from . import checks
from .analysis import (
    Correlations,
    Floats,
    Mask,
    distinct,
    matched,
    penalties,
    tolerance,
    warn_constant,
)
from .results import SparsePrediction

__all__ = [
    "MATCH_OPTIONS",
    "SPARSE_OPTIONS",
    "between",
    "match_pairs",
    "predicted",
    "read_units",
    "settings",
    "sparse_prediction_pairs",
]

Progress = Callable[[int, int], object]
Array = npt.NDArray[np.float64]

# Mean products of two units, in the units in which the largest activation is about 1: above ten
# times tiny / eps of float32 (1.2e-38 / 1.2e-7), what is eps of them is still a normal number.
TINY_PRODUCT = 1e-30


MATCH_OPTIONS = (
    Option(
        "absolute",
        False,
        flag("absolute"),
        kind=bool,
        help="match by absolute correlations",
    ),
)
METHOD = Option("method", "one-to-one", checks.check_method)
SPARSE_OPTIONS = (  # as a measure, which has one alpha by default
    penalties_option(0.1, checks.check_alphas),
    Option(
        "tol",
        1e-6,
        checks.check_tol,
        kind=float,
        metavar="T",
        help="duality gap, as a share of the variance",
    ),
    Option(
        "max_sweeps",
        10_000,
        checks.check_max_sweeps,
        kind=int,
        metavar="N",
        help="rounds of coordinate descent at most",
    ),
)


def match_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: memory is p x p and p x q numbers
    options: Mapping[str, Any],
) -> Array:
    """Return the mean correlation of matched units of every a with every b, or among the a."""
    chosen = complete((*MATCH_OPTIONS, METHOD), options)
    method, absolute = chosen["method"], chosen["absolute"]
    xs, ys = ([read_units(x, nan_policy, device) for x in side] for side in (a, b))
    grid = UnitGrid(xs, ys, progress)
    for i, j, x, y in grid:
        if method == "one-to-one" and not ys and j < i:
            grid.values[i, j] = grid.values[j, i]
            continue
        C = between(x, y)
        grid.values[i, j] = matched(C, method, absolute, x.layer.finite and y.layer.finite).mean
        grid.note(x, y, C)
    grid.warn()
    return grid.values


def sparse_prediction_pairs(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,  # not used: memory is p x p and p x q numbers
    options: Mapping[str, Any],
) -> Array:
    """Return the mean R² of the units of every b predicted from every a, or among the a."""
    chosen = complete(SPARSE_OPTIONS, options)
    chosen["alphas"] = checks.check_alphas(chosen["alphas"])
    xs, ys = ([read_units(x, nan_policy, device) for x in side] for side in (a, b))
    grid = UnitGrid(xs, ys, progress)
    own: dict[int, Floats] = {}  # the correlation of a row's units with one another
    for i, j, x, y in grid:
        if i not in own:
            own = {i: between(x, x, double=True).values}
        C = between(x, y, double=True)
        finite = x.layer.finite and y.layer.finite
        grid.values[i, j] = predicted(C, own[i], **chosen, finite=finite, keep=False).score
        grid.note(x, y, C)
    grid.warn()
    return grid.values


class UnitGrid:
    """The pairs of a comparison, one after the other, and the warnings about their units."""

    def __init__(self, xs: Sequence[Units], ys: Sequence[Units], progress: Progress | None) -> None:
        self.xs, self.others = xs, ys or xs
        self.progress = progress
        self.values: Array = np.empty((len(xs), len(self.others)))
        self._constant: dict[str, tuple[Layer, Mask]] = {}

    def __iter__(self) -> Iterator[tuple[int, int, Units, Units]]:
        for i, x in enumerate(self.xs):
            for j, y in enumerate(self.others):
                yield i, j, x, y
                if self.progress is not None:
                    self.progress(i * len(self.others) + j + 1, self.values.size)

    def note(self, x: Units, y: Units, C: Correlations) -> None:
        """Remember which units are constant."""
        for known, varies in ((x, C.x_varies), (y, C.y_varies)):
            self._constant[known.layer.name] = known.layer, ~varies

    def warn(self) -> None:
        """Warn of constant units, once a layer."""
        for layer, units in self._constant.values():
            warn_constant(layer, units)


def record_sparse(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force, as JSON can hold them."""
    alphas = checks.check_alphas(options["alphas"])
    return {**options, "alphas": None if alphas is None else alphas.tolist()}


def settings(alphas: Any, tol: float, max_sweeps: int) -> dict[str, Any]:
    """Check the options of sparse prediction."""
    return {
        "tol": checks.check_tol(tol),
        "alphas": checks.check_alphas(alphas),
        "max_sweeps": checks.check_max_sweeps(max_sweeps),
    }


class Units:
    """A layer, and what is prepared of its units in either precision, once each."""

    def __init__(self, layer: ReadLayer) -> None:
        self.layer = layer
        self._prepared: dict[bool, calls.PreparedLayer] = {}

    def prepared(self, double: bool) -> calls.PreparedLayer:
        """Return the units in a precision."""
        if double not in self._prepared:
            (self._prepared[double],) = calls.prepare_units(
                [self.layer.core], tolerances=[tolerance(self.layer)], double=double
            )
        return self._prepared[double]


def read_units(layer: Layer, nan_policy: str, device: str | None) -> Units:
    """Check and read a layer."""
    return Units(read(layer, nan_policy, device, checks.needed_samples()))


def between(x: Units, y: Units, *, double: bool = False) -> Correlations:
    """Return the correlations of the units of x and y, which may be one layer."""
    double = double or x.layer.double or y.layer.double
    of_x, of_y = x.prepared(double), y.prepared(double)
    if not double and calls.smallest_product(of_x, of_y) < TINY_PRODUCT:
        return between(x, y, double=True)
    return Correlations(calls.correlation(of_x, of_y), of_x.varies, of_y.varies)


def predicted(
    C: Correlations,
    gram: Floats,
    alphas: npt.NDArray[np.float64] | None,
    tol: float,
    max_sweeps: int,
    *,
    finite: bool,
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
        found = calls.lasso_path(
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
    checks.warn_unfinished(gaps, tol, max_sweeps)
    return SparsePrediction(
        alphas=grid,
        coefficients=weights.transpose(0, 2, 1),
        r2=r2,
        n_partners=partners,
        gaps=gaps,
        x_left_out=np.flatnonzero(~C.x_varies),
        y_left_out=np.flatnonzero(~C.y_varies),
        finite=finite,
    )
