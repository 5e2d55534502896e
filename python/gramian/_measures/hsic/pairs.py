"""HSIC and what follows from it, of many layers at once, by the compiled core."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.calls import Estimator, KernelKind, KernelSpec, Measure, Status
from ..._input import checks
from ..._input.arrays import Layer
from ..._input.checks import Samples
from ..._input.options import check_memory
from ..._input.read import Placed, ReadLayer, read, read_sides
from ..chance import Chance, of_cka, says_chance
from .checks import is_unbiased, needed_samples
from .kernels import (
    RBF,
    Cosine,
    Distance,
    Kernel,
    Laplacian,
    Linear,
    Polynomial,
    Precomputed,
    kernel_of,
)
from .narrow import warn_of_narrow

Progress = Callable[[int, int], object]
Compared = tuple[npt.NDArray[np.float64], list[Status]]  # values of a map, and what layers are


@dataclass(frozen=True)
class Given:
    """Layers that are read, and how to compare them: xs with ys or, without these, with xs."""

    xs: Sequence[ReadLayer]
    ys: Sequence[ReadLayer]
    spec: KernelSpec
    unbiased: bool
    max_memory: float
    progress: Progress | None
    double: bool = False  # whether float64 is asked for in any case


# What layers that have nothing in common score by the biased estimator; a Gram matrix that is given
# has no units to count.
CHANCE = Chance(
    of_cka,
    "the unbiased estimator (debiased=True, of distance correlation unbiased=True) does not rise",
)


def _is_biased(options: Mapping[str, Any]) -> bool:
    return not (is_unbiased(options) or isinstance(kernel_of(options)[0], Precomputed))


says_chance_of_kernels = says_chance(CHANCE, _is_biased, first=warn_of_narrow)
says_chance_of_angles = says_chance(
    CHANCE, _is_biased, first=functools.partial(warn_of_narrow, similarity=np.cos)
)


def given_by(
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    nan_policy: str,
    device: str | None,
    progress: Progress | None,
    max_memory: float | None,
    options: Mapping[str, Any],
) -> Given:
    """Read the layers of a comparison, and its options."""
    kernel, sample = kernel_of(options)
    needed = needed_samples(options)
    xs, ys = read_sides(
        a,
        b,
        device,
        lambda layer, placed: read_layer(layer, kernel, nan_policy, device, needed, placed),
    )
    memory = check_memory(max_memory) or calls.default_memory(xs[0].target)
    return Given(xs, ys, spec_of(kernel, sample), is_unbiased(options), memory, progress)


def hsic_pairs(
    a: Sequence[Layer], b: Sequence[Layer], *, measure: Measure = Measure.hsic, **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return HSIC, or what follows from it, of every a with every b; among the a without b."""
    return compared(given_by(a, b, **arguments), measure)


@says_chance_of_kernels
def cka_pairs(a: Sequence[Layer], b: Sequence[Layer], **arguments: Any) -> npt.NDArray[np.float64]:
    """Return CKA; see `hsic_pairs`."""
    return hsic_pairs(a, b, measure=Measure.cka, **arguments)


@says_chance_of_kernels
def distance_correlation_pairs(
    a: Sequence[Layer], b: Sequence[Layer], *, options: Mapping[str, Any], **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return the distance correlation; see `hsic_pairs`."""
    return hsic_pairs(
        a,
        b,
        measure=Measure.distance_correlation,
        options={**options, "kernel": Distance()},
        **arguments,
    )


def gram(
    layer: Layer,
    *,
    nan_policy: str,
    device: str | None,
    centered: bool,
    options: Mapping[str, Any],
) -> Any:
    """Return the Gram matrix of a layer, as an array of its library, where it lives."""
    kernel, sample = kernel_of(options)
    x = read_layer(layer, kernel, nan_policy, device, Samples(1, "a Gram matrix"))
    n, dtype = len(layer.array), layer.compute_dtype
    if not x.finite:
        return x.given_back(np.full((n, n), np.nan, dtype=dtype))
    for double in (x.double, True):  # no kernel is too narrow for float64
        prepared = calls.prepare_matrix(
            x.core, kernel=spec_of(kernel, sample), centered=centered, double=double
        )
        check_status(prepared.status, layer)
        if not calls.has(prepared.status, Status.imprecise):
            break
    return x.given_back(calls.gram_matrix(prepared, single=dtype == "float32"))


def check_status(status: Status, layer: Layer) -> None:
    """Refuse a layer whose median leaves it without a kernel."""
    if calls.has(status, Status.zero_median):
        checks.refuse_zero_median(layer)
    if calls.has(status, Status.changed):
        raise ValueError(f"{layer.name} changed while it was compared: give the call a copy.")


def median_distance(layer: Layer, kernel: RBF | Laplacian, sample: int | None) -> float:
    """Return the root of the median squared distance, as a width is a fraction of it."""
    x = read_layer(layer, kernel, "raise", None, Samples(2, "a median distance"))
    prepared = calls.prepare_matrix(
        x.core, kernel=spec_of(kernel, sample), centered=False, double=True
    )
    check_status(prepared.status, layer)
    if not prepared.median:
        checks.refuse_zero_median(layer)
    return float(np.sqrt(prepared.median)) / x.statistics.scale


def spec_of(kernel: Kernel, sample: int | None) -> KernelSpec:
    """Return a kernel as the core takes it."""
    match kernel:
        case RBF() | Laplacian():
            return KernelSpec(
                KernelKind.rbf if isinstance(kernel, RBF) else KernelKind.laplacian,
                sigma=kernel.sigma or 0.0,
                bandwidth=kernel.bandwidth or 0.0,
                sample=sample or 0,
            )
        case Polynomial():
            return KernelSpec(KernelKind.polynomial, constant=kernel.constant, degree=kernel.degree)
        case Cosine():
            return KernelSpec(KernelKind.cosine)
        case Precomputed():
            return KernelSpec(KernelKind.precomputed)
        case Distance():
            return KernelSpec(KernelKind.distance)
        case Linear():
            return KernelSpec(KernelKind.linear)


def read_layer(
    layer: Layer,
    kernel: Kernel,
    nan_policy: str,
    device: str | None,
    needed: Samples,
    placed: Placed | None = None,
) -> ReadLayer:
    if isinstance(kernel, Precomputed):
        checks.check_square(layer)
    x = read(layer, nan_policy, device, needed, placed)
    if not isinstance(kernel, Precomputed):
        return x
    if x.finite:
        checks.check_symmetric(layer)
        checks.check_no_distances(layer)
    return replace(x, constant=False)  # as a Gram matrix that is given never is


def compared(given: Given, measure: Measure) -> npt.NDArray[np.float64]:
    """Compare the layers that are finite and vary.

    All layers are computed in the widest precision that any of them needs. Layers with NaN or
    infinity (under nan_policy="propagate") give NaN.
    """
    xs, ys = given.xs, given.ys
    others = ys or xs
    values = np.full((len(xs), len(others)), np.nan)
    if measure is Measure.hsic:  # 0 with a constant layer, whatever the width of a kernel
        finite = [[layer.finite for layer in side] for side in (xs, others)]
        values[np.ix_(*finite)] = 0
    else:
        checks.warn_constant(layer.name for layer in (*xs, *ys) if layer.finite and layer.constant)
    rows, columns = (
        [k for k, layer in enumerate(side) if layer.finite and not layer.constant]
        for side in (xs, others)
    )
    if not rows or not columns:
        return values
    layers = [xs[i] for i in rows] + ([ys[j] for j in columns] if ys else [])
    found, statuses = _precisely(given, layers, len(rows), measure)
    if measure is not Measure.hsic:
        named = [(layer.name, status) for layer, status in zip(layers, statuses, strict=True)]
        unsound = [pair for pair in named if not calls.has(pair[1], Status.sound)]
        constant = [name for name, status in unsound if calls.has(status, Status.constant)]
        checks.warn_constant(constant)
        checks.warn_degenerate(name for name, _ in unsound if name not in constant)
    if found.shape == values.shape:
        values = found
    else:
        values[np.ix_(rows, columns)] = found
    if measure is Measure.hsic and np.isinf(values).any():
        i, j = (int(k) for k in np.argwhere(np.isinf(values))[0])
        checks.warn(
            f"the HSIC of {xs[i].name} and {others[j].name} is beyond float64's range: divide "
            "them, or take CKA, which does not depend on their scale."
        )
    return values


def _precisely(given: Given, layers: Sequence[ReadLayer], rows: int, measure: Measure) -> Compared:
    """Compare layers in the widest precision of theirs, or better where that loses too much.

    Better than single precision is double, and then, for the linear kernel, sample space.
    """
    stages = calls.Stages(given.progress)
    share = 0.5 if given.spec.by_median else 0.1  # of the time, for what precedes the pairs

    def attempt(double: bool, by_samples: bool) -> tuple[Compared | None, bool, bool]:
        """Return what is found, whether by features, and whether too many digits were lost."""
        prepared = prepared_grams(given, layers, rows, double, by_samples, stages(0, share))
        # It stops at the first layer without a kernel.
        last = prepared[-1].status
        check_status(last, layers[len(prepared) - 1])
        if calls.has(last, Status.imprecise):
            return None, False, True
        by_features = prepared[0].feature_space
        values, _, statuses = calls.compare(
            prepared[:rows],
            prepared[rows:] or None,
            measure=measure,
            progress=stages(0 if by_features else share, 1),
        )
        lost = any(calls.has(status, Status.imprecise) for status in statuses)
        return (values, statuses), by_features, lost

    double = given.double or any(layer.double for layer in layers)
    compared, by_features, lost = attempt(double, False)
    if lost and not double:
        compared, by_features, lost = attempt(True, False)
    if lost and by_features and is_affordable(layers):
        compared, _, _ = attempt(True, True)
    assert compared is not None  # in double every layer has a kernel, or none at all
    return compared


def prepared_grams(
    given: Given,
    layers: Sequence[ReadLayer],
    rows: int,
    double: bool,
    by_samples: bool,
    progress: Progress | None,
) -> list[calls.PreparedLayer]:
    """Prepare layers, the first `rows` being those of the map."""
    return calls.prepare_grams(
        [layer.core for layer in layers],
        rows=rows,
        kernel=given.spec,
        estimator=Estimator.unbiased if given.unbiased else Estimator.biased,
        double=double,
        max_memory=given.max_memory,
        by_samples=by_samples,
        progress=progress,
    )


def is_affordable(layers: Sequence[ReadLayer]) -> bool:
    """Return whether Gram matrices in double take no more than some ten seconds on two cores."""
    n = layers[0].n
    return n * n * sum(layer.array.shape[1] for layer in layers) <= 1e12
