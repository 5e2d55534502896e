"""Inference for one pair of representations."""

from __future__ import annotations

from typing import Any, Unpack

import numpy as np

from .._input import layers
from .._input.annotations import ArrayLike, NanPolicy
from .._input.checks import warn
from .._input.layout import Layouts, Positions, takes_layout
from .._input.options import check_device, check_memory, check_nan_policy
from .._input.progress import Progress, shows_progress, tell_of
from .._measures.names import MeasureName, Options
from .._measures.registry import find
from .._measures.resampled import Request
from .infer import Found, infer
from .results import Bootstrap, Jackknife, PermutationTest
from .settings import Scheme, Settings, can_be_calibrated, check_settings

__all__ = ["bootstrap", "jackknife", "permutation_test"]


@takes_layout
@shows_progress
def permutation_test(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    measure: MeasureName = "cka",
    layout: Layouts = None,
    positions: Positions = None,
    n_permutations: int = 999,
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress = None,
    max_memory: float | None = None,
    **options: Unpack[Options],
) -> PermutationTest:
    """How often Y would be as similar to X if its samples came in any order.

    Parameters
    ----------
    X : array_like, shape (n_samples, n_features)
        Activations; rows are examples. See `cka` for what is accepted.
    Y : array_like, shape (n_samples, n_other_features)
        Activations of the same examples.
    measure : str, default "cka"
        One of `measures()`.
    layout, positions
        What arrays of more than two axes are; see `cka`. Of positions that are samples, those of
        one example are a group by default.
    n_permutations : int, default 999
        How many orders are drawn, at most ten million; the smallest p-value is
        1 / (n_permutations + 1).
    groups : array_like, shape (n_samples,), optional
        A label for each sample: whole groups change places with groups of the same size, their
        samples in order. For samples that are not independent of one another, such as the tokens
        of a sentence or the positions of an image.
    rng : int or numpy Generator, optional
        Seeds the orders, which do not depend on the number of threads; others every time by
        default.
    level : float, default 0.95
        1 - alpha of `threshold` and `calibrated`.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. Sums over the Gram matrices of kernels
        are formed on the host in any case.
    progress : bool, callable or bar of tqdm, optional
        True shows a bar, by tqdm where that is installed. A function is called now and then as
        ``progress(done, total)``, and a bar of tqdm moved; the units are those of the work.
    max_memory : float, optional
        Working memory in bytes; Gram matrices that would take more are not kept.
    **options
        The measure's own.

    Returns
    -------
    PermutationTest
        ``.pvalue`` in [1 / (n_permutations + 1), 1], or NaN with a ``.reason``.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `compare` does, and for options that are not as above.

    Warns
    -----
    RuntimeWarning
        As the measure does, and where there is no order but one.

    Notes
    -----
    p = (1 + #{null >= observed}) / (1 + n_permutations) [1]_: uniform or larger where X and Y are
    independent. Values that differ by rounding alone count as equal. For a distance, small values
    are the extreme ones. ``calibrated`` is the statistic on the scale on which what chance reaches
    is 0 [2]_.

    HSIC, CKA and distance correlation take each layer's centered Gram matrix once and n² sums an
    order, with 8 n² bytes a layer, 4 in float32. CCA and its relatives, regression and Procrustes
    keep bases, and form the products of every order. Other measures are compared anew every time.

    References
    ----------
    .. [1] Phipson, Smyth. Permutation p-values should never be zero. Statistical Applications in
       Genetics and Molecular Biology 9, 2010.
    .. [2] Gröger, Wen, Brbić. Revisiting the Platonic representation hypothesis. 2026.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> X = np.arange(25.0)[:, None]
    >>> gm.permutation_test(X, X, n_permutations=100, rng=0).pvalue == 1 / 101
    True
    """
    settings = check_settings(
        "permutation",
        n_resamples=n_permutations,
        count_name="n_permutations",
        level=level,
        groups=groups,
        rng=rng,
    )
    row, found = _found(X, Y, measure, settings, nan_policy, device, progress, max_memory, options)
    inference = found.inference
    assert inference.pointwise is not None
    assert found.threshold is not None
    assert found.calibrated is not None
    return PermutationTest(
        statistic=float(found.values[0, 0]),
        pvalue=float(inference.pointwise[0, 0]),
        null=found.replicates[:, 0, 0],
        calibrated=float(found.calibrated[0, 0]) if can_be_calibrated(row) else float("nan"),
        threshold=float(found.threshold[0, 0]),
        level=settings.level,
        reason=found.reason,
    )


@takes_layout
@shows_progress
def bootstrap(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    measure: MeasureName = "cka",
    layout: Layouts = None,
    positions: Positions = None,
    n_resamples: int = 1000,
    scheme: Scheme = "half",
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress = None,
    max_memory: float | None = None,
    **options: Unpack[Options],
) -> Bootstrap:
    """Interval and standard error of a measure from samples that are drawn again.

    Parameters
    ----------
    X, Y, measure, layout, positions, rng, nan_policy, device, progress, max_memory, **options
        As for `permutation_test`.
    n_resamples : int, default 1000
        How often samples are drawn.
    scheme : {"half", "replacement"}, default "half"
        Half of the samples without replacement, or as many as there are with replacement. The
        latter is for comparison: a sample that is there twice is similar to itself, so that
        independent layers look alike; it warns.
    groups : array_like, shape (n_samples,), optional
        A label for each sample: whole groups are drawn.
    level : float, default 0.95
        How often intervals are to cover what is estimated.

    Returns
    -------
    Bootstrap
        ``.standard_error``, ``.interval``, ``.bias``; NaN with a ``.reason`` where half of the
        samples are too few for the measure.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `compare` does, and for options that are not as above.

    Warns
    -----
    RuntimeWarning
        As the measure does; of ``scheme="replacement"``; where there is no result.

    Notes
    -----
    Half of n samples vary as much about the value of all n as that does about what it estimates,
    for a smooth statistic [1]_. Of debiased estimators the interval is from percentiles of the
    replicates, of others the statistic plus and minus normal quantiles of the standard error:
    their replicates are shifted, by about ``bias``, which is the statistic's own bias too where it
    falls with 1 / n.

    The width of a kernel stays what all samples made it. Cost as for `permutation_test`, at a
    quarter of the samples' pairs and with sums of each layer with itself.

    References
    ----------
    .. [1] Politis, Romano, Wolf. Subsampling. Springer 1999.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 5))
    >>> found = gm.bootstrap(X, X + rng.standard_normal((100, 5)), debiased=True, rng=0)
    >>> bool(found.interval[0] < found.statistic < found.interval[1])
    True
    """
    settings = check_settings(
        "bootstrap", n_resamples=n_resamples, level=level, scheme=scheme, groups=groups, rng=rng
    )
    if settings.scheme == "replacement":
        warn(
            "scheme='replacement' repeats samples, which makes independent layers look alike: use "
            "scheme='half'."
        )
    _, found = _found(X, Y, measure, settings, nan_policy, device, progress, max_memory, options)
    error, interval, bias = _numbers(found)
    return Bootstrap(
        statistic=float(found.values[0, 0]),
        standard_error=error,
        interval=interval,
        bias=bias,
        replicates=found.replicates[:, 0, 0],
        level=settings.level,
        scheme=settings.scheme,
        reason=found.reason,
    )


@takes_layout
@shows_progress
def jackknife(
    X: ArrayLike,
    Y: ArrayLike,
    *,
    measure: MeasureName = "cka",
    layout: Layouts = None,
    positions: Positions = None,
    groups: Any = None,
    level: float = 0.95,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress = None,
    max_memory: float | None = None,
    **options: Unpack[Options],
) -> Jackknife:
    """Interval and standard error of a measure from leaving out each sample in turn.

    Parameters
    ----------
    X, Y, measure, layout, positions, nan_policy, device, progress, max_memory, **options
        As for `permutation_test`.
    groups : array_like, shape (n_samples,), optional
        A label for each sample: whole groups are left out.
    level : float, default 0.95
        How often intervals are to cover what is estimated.

    Returns
    -------
    Jackknife
        ``.standard_error``, ``.interval``, ``.bias``; NaN with a ``.reason`` where there is but one
        group, or too few samples are left for the measure.

    Raises
    ------
    TypeError, ValueError, MemoryError
        As `compare` does, and for options that are not as above.

    Warns
    -----
    RuntimeWarning
        As the measure does, and where there is no result.

    Notes
    -----
    HSIC, CKA and distance correlation without a sample follow from the row of that sample in the
    centered Gram matrices, in n² multiplications a pair for all samples together: the cost of six
    to some twenty calls. The width of a kernel stays what all samples made it. Regression follows
    from its residuals. For other measures 50 blocks of samples are left out, one after the other,
    and ``left_out`` says so. Groups of different sizes are weighted [1]_.

    References
    ----------
    .. [1] Busing, Meijer, van der Leeden. Delete-m jackknife for unequal m. Statistics and
       Computing 9, 1999.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((100, 5))
    >>> found = gm.jackknife(X, X + rng.standard_normal((100, 5)), debiased=True)
    >>> found.replicates.shape, found.left_out
    ((100,), 'samples')
    """
    settings = check_settings("jackknife", level=level, groups=groups, rng=0)
    _, found = _found(X, Y, measure, settings, nan_policy, device, progress, max_memory, options)
    error, interval, bias = _numbers(found)
    return Jackknife(
        statistic=float(found.values[0, 0]),
        standard_error=error,
        interval=interval,
        bias=bias,
        replicates=found.replicates[:, 0, 0],
        level=settings.level,
        left_out=found.inference.details.get("left_out", "samples"),
        reason=found.reason,
    )


def _found(
    X: ArrayLike,
    Y: ArrayLike,
    measure: str,
    settings: Settings,
    nan_policy: str,
    device: str | None,
    progress: Progress,
    max_memory: float | None,
    given: Options,
) -> tuple[Any, Found]:
    """Compare a pair, and infer."""
    row = find(measure, given)
    options = row.with_groups(row.checked(given), settings.groups)
    nan_policy, device = check_nan_policy(nan_policy), check_device(device)
    max_memory = check_memory(max_memory)
    x, y = layers.pair(X, Y, nan_policy)
    settings.draws(len(x.array))  # a refusal comes before the work
    if device == "reference":
        value = row.call_reference(x, y, nan_policy=nan_policy, **options)
    else:
        value = row.all_pairs(
            [x],
            [y],
            options=options,
            nan_policy=nan_policy,
            device=device,
            progress=None,
            max_memory=max_memory,
        )[0, 0]
    values = np.array([[value]], dtype=np.float64)
    request = Request([x], [y], options, device, max_memory)
    return row, infer(row, request, values, settings, tell_of(progress))


def _numbers(found: Found) -> tuple[float, tuple[float, float], float]:
    """Return standard error, interval and bias of the one pair."""
    inference = found.inference
    error, low, high, bias = (
        float(np.asarray(part)[0, 0])
        for part in (inference.standard_error, inference.low, inference.high, inference.bias)
    )
    return error, (low, high), bias
