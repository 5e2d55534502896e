"""CCA, its relatives, regression and Procrustes for many layers: between the API and the core."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _backend, _cca_folds, _validate, _validate_cca
from ._cca_google import google_pwcca
from ._cca_layers import Layers
from ._validate import Representation
from .cca_results import PWCCA, SVCCA

Progress = Callable[[int, int], object]
Array = npt.NDArray[np.float64]

DEFAULTS: dict[str, dict[str, Any]] = {
    "cca": {
        "denominator": "features",
        "regularization": 0.0,
        "cross_validate": None,
        "rank_tolerance": None,
    },
    "svcca": {"variance": 0.99, "components": None},
    "pwcca": {"side": "x", "variant": "paper", "rank_tolerance": None},
    "linear_regression": {"cross_validate": None, "rank_tolerance": None},
    "procrustes": {},
    "procrustes_distance": {},
    "shape_distance": {"alpha": 1.0},
}


def all_pairs(
    measure: str,
    a: Sequence[Representation],
    b: Sequence[Representation],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None = None,  # of kernel measures: nothing here grows with n squared
    options: Mapping[str, Any],
) -> Array:
    """Return a measure of every a with every b; among the a without b."""
    base = measure.removesuffix("_squared")
    chosen = DEFAULTS[base] | {name: options[name] for name in options if name in DEFAULTS[base]}
    check_options(base, chosen)
    _validate_cca.check_folds(chosen.get("cross_validate"), len(a[0].array))
    layers = Layers(a, b, nan_policy, device)
    if layers.empty:
        return np.full(layers.shape, np.nan)
    squared = measure.endswith("_squared")
    function = {
        "cca": _cca,
        "svcca": _svcca,
        "pwcca": _pwcca,
        "linear_regression": _regression,
        "procrustes": _procrustes,
        "procrustes_distance": _procrustes,
        "shape_distance": _shape,
    }[base]
    values = function(layers, measure, squared, chosen, progress)
    return layers.place(values)


def one_value(
    measure: str,
    X: Any,
    Y: Any,
    nan_policy: str,
    device: str | None,
    options: Mapping[str, Any],
) -> float:
    """Return a measure of one pair."""
    _validate.check_nan_policy(nan_policy)
    x, y = _validate.representation(X, "X"), _validate.representation(Y, "Y")
    _validate.check_same_samples((x, y))
    values = all_pairs(
        measure, [x], [y], nan_policy=nan_policy, device=device, progress=None, options=options
    )
    return float(values[0, 0])


def check_options(measure: str, options: Mapping[str, Any]) -> None:
    """Refuse options out of range."""
    if "rank_tolerance" in options:
        _validate_cca.check_rank_tolerance(options["rank_tolerance"])
    if measure == "cca":
        _validate_cca.check_choice("denominator", options["denominator"], ("features", "rank"))
        _validate_cca.check_regularization(options["regularization"])
    elif measure == "svcca":
        _validate_cca.check_variance(options["variance"])
        _validate_cca.check_components(options["components"])
    elif measure == "pwcca":
        _validate_cca.check_choice("side", options["side"], _validate_cca.SIDES)
        _validate_cca.check_choice("variant", options["variant"], ("paper", "google"))
    elif measure == "shape_distance":
        _validate_cca.check_alpha(options["alpha"])


def recorded(measure: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options in force, defaults included, as JSON can hold them."""
    defaults = DEFAULTS[measure.removesuffix("_squared")]
    in_force = defaults | dict(options)
    return {name: value for name, value in in_force.items() if value is not None}


def _cca(
    layers: Layers,
    measure: str,
    squared: bool,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Array:
    if options["cross_validate"] is not None:
        return _cca_folds.mean_correlations(layers, squared, options)
    widths = [layer.rep.array.shape[1] for layer in (*layers.xs, *layers.ys)]
    tolerance = options["rank_tolerance"]
    if options["regularization"] > 0:
        sums, _, ranks, _ = _backend.spectral(
            *layers.core(tolerance),
            double=layers.double,
            kind="ridge",
            parameter=options["regularization"],
            squares=squared,
            progress=progress,
        )
    else:
        kind = "squares" if squared else "sum"
        sums, _, ranks = _backend.bases(
            kind, *layers.core(tolerance), double=layers.double, progress=progress
        )
        layers.warn_saturated(ranks)
    layers.warn_constant([rank == 0 for rank in ranks])
    counts = ranks if options["denominator"] == "rank" else widths
    return sums / np.maximum(_smaller(counts, len(layers.xs)), 1)


def _smaller(counts: Sequence[int], x: int) -> npt.NDArray[np.int64]:
    """Return the smaller of two layers' counts, for every pair."""
    of_x = np.array(counts[:x])
    of_y = np.array(counts[x:]) if len(counts) > x else of_x
    smaller: npt.NDArray[np.int64] = np.minimum.outer(of_x, of_y)
    return smaller


def _svcca(
    layers: Layers,
    measure: str,
    squared: bool,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Array:
    sums, ranks, kept, _ = _backend.spectral(
        *layers.core(None),
        double=layers.double,
        kind="variance",
        parameter=options["variance"],
        components=options["components"] or 0,
        squares=squared,
        progress=progress,
    )
    for layer, rank in zip((*layers.xs, *layers.ys), ranks, strict=True):
        _validate_cca.check_enough_rank(layer.rep, rank, options["components"])
    layers.warn_constant([rank == 0 for rank in ranks])
    layers.warn_saturated(kept)
    return sums / np.maximum(_smaller(kept, len(layers.xs)), 1)


def _pwcca(
    layers: Layers,
    measure: str,
    squared: bool,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Array:
    values, marks = _pwcca_marked(layers, options, progress)
    layers.warn_ambiguous(marks)
    return values


def _pwcca_marked(
    layers: Layers, options: Mapping[str, Any], progress: Progress | None
) -> tuple[Array, Sequence[bool]]:
    """Return the values, and which are ambiguous."""
    tie = np.sqrt(max(_validate_cca.epsilon(layer.rep) for layer in (*layers.xs, *layers.others)))
    values, marks, ranks = _backend.bases(
        f"pwcca_{options['side']}",
        *layers.core(options["rank_tolerance"]),
        double=layers.double,
        tie_tolerance=float(tie),
        progress=progress,
    )
    layers.warn_constant([rank == 0 for rank in ranks])
    layers.warn_saturated(ranks)
    if options["variant"] == "google":
        for layer, rank in zip((*layers.xs, *layers.ys), ranks, strict=True):
            _validate_cca.check_full_rank(layer.rep, rank)
        values = np.array([[google_pwcca(x, y) for y in layers.others] for x in layers.xs])
        marks = [False] * values.size
    return values, marks


def svcca_pair(layers: Layers, *, squared: bool, options: Mapping[str, Any]) -> SVCCA:
    """Return SVCCA of one pair in full."""
    if layers.empty:
        return SVCCA(np.nan, np.empty(0), 0, 0)
    components = options["components"] or 0
    (x,), (y,) = layers.core(None)
    value = _svcca(layers, "svcca", squared, options, None)[0, 0]
    rho, _, _, x_kept, y_kept = _backend.spectral_pair(
        x, y, kind="variance", parameter=options["variance"], components=components
    )
    return SVCCA(float(value), rho, x_kept, y_kept)


def pwcca_pair(layers: Layers, options: Mapping[str, Any]) -> PWCCA:
    """Return PWCCA of one pair in full."""
    if layers.empty:
        return PWCCA(np.nan, np.empty(0), False)
    (x,), (y,) = layers.core(options["rank_tolerance"])
    values, marks = _pwcca_marked(layers, options, None)
    rho, *_ = _backend.canonical_pair(x, y, double=layers.double)
    return PWCCA(float(values[0, 0]), rho, bool(marks[0]))


def _regression(
    layers: Layers,
    measure: str,
    squared: bool,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Array:
    if options["cross_validate"] is not None:
        return _cca_folds.held_out_r2(layers, options)
    values, _, ranks = _backend.bases(
        "linear_regression",
        *layers.core(options["rank_tolerance"]),
        double=layers.double,
        progress=progress,
    )
    layers.warn_constant([rank == 0 for rank in ranks])
    values[[rank == 0 for rank in ranks[: len(layers.xs)]]] = np.nan
    return values


def _procrustes(
    layers: Layers,
    measure: str,
    squared: bool,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Array:
    values, constant = _backend.procrustes(
        *layers.core(None),
        double=layers.double,
        distance=measure == "procrustes_distance",
        progress=progress,
    )
    layers.warn_constant(constant)
    return values


def _shape(
    layers: Layers,
    measure: str,
    squared: bool,
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Array:
    alpha = options["alpha"]
    if alpha == 1:
        similarity = _procrustes(layers, "procrustes", squared, options, progress)
    else:
        sums, ranks, _, norms = _backend.spectral(
            *layers.core(None),
            double=layers.double,
            kind="shape",
            parameter=alpha,
            progress=progress,
        )
        layers.warn_constant([rank == 0 for rank in ranks])
        of_x = np.array(norms[: len(layers.xs)])
        of_y = np.array(norms[len(layers.xs) :]) if layers.ys else of_x
        with np.errstate(invalid="ignore", divide="ignore"):
            similarity = sums / np.outer(of_x, of_y)
    return np.arccos(np.clip(similarity, 0, 1))
