"""Every layer of one model against every layer of another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from .._core.calls import Stages
from .._inference.infer import infer
from .._inference.settings import Method, check_inference
from .._input import checks
from .._input.annotations import Layers, NanPolicy
from .._input.arrays import Layer
from .._input.heard import keeps_warnings
from .._input.layers import checked_patterns, named_layers
from .._input.layout import Layouts, Positions, chosen_layout
from .._input.opened import Opened
from .._input.options import check_device, check_memory, check_nan_policy
from .._input.progress import Progress, Tell, shows_progress, tell_of
from .._measures.measure import Measure
from .._measures.names import MeasureName, Options
from .._measures.registry import find
from .._measures.resampled import Request
from . import done
from .elsewhere import taker_of
from .results import Comparison

__all__ = ["compare"]

VALUES = 0.05  # of the progress of a call with inference, once the values are there


@keeps_warnings
@shows_progress
def compare(
    A: Layers,
    B: Layers | None = None,
    *,
    measure: MeasureName = "cka",
    layers: str | Sequence[str] | None = None,
    layout: Layouts = None,
    positions: Positions = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: Progress = None,
    max_memory: float | None = None,
    inference: Method | None = None,
    n_resamples: int | None = None,
    groups: Any = None,
    rng: Any = None,
    level: float = 0.95,
    calibrated: bool = False,
    **options: Unpack[Options],
) -> Comparison:
    """Compare every layer of A with every layer of B.

    Parameters
    ----------
    A : mapping of str to array_like, or sequence of array_like
        Layers by name, each of shape (n_samples, n_features); the layers of a sequence are named
        "0", "1", ... Row i is the same example in all of them; widths, element types and memory
        orders may differ. See `cka` for what an array may be. Anything with ``keys`` will do, such
        as a cache of activations, and so will a tuple of hidden states. Of dask arrays, an
        `Accumulator` takes each chunk of samples where it is.
    B : mapping or sequence, optional
        The layers to compare with. By default A's own, at half the cost.
    measure : str, default "cka"
        One of `measures()`.
    layers : str or sequence of str, optional
        Compare those alone whose name matches a pattern, such as "blocks.*.hook_resid_post"; `*`
        also matches dots.
    layout : str or sequence of str, optional
        What the axes of arrays of more than two are: a letter each, "n" for samples, "c" or "d" for
        units, others for positions, such as "nchw" and "nhwc" for images, "ntd" for tokens. Of
        several, an array takes the one of as many axes. "flatten" makes a unit of every entry of
        all axes but the first, and takes no `positions`.
    positions : {"samples", "features", "mean"}, int or sequence of int
        What becomes of positions: each is a sample, with the channels as its units; each channel at
        each position is a unit; or the mean over positions is taken, in float64. With a number,
        so many positions, drawn once for all examples, are samples, or those at the given flat
        indices. Must be given with a layout other than "flatten".
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about a layer that its values make unusable, because it holds NaN or infinity,
        or half of its samples are the same, which leaves a kernel without a width: refuse it, or
        return NaN for it with a warning that names it.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64, pair by pair.
    progress : bool, callable or bar of tqdm, optional
        True shows a bar, by tqdm where that is installed. A function is called now and then as
        ``progress(done, total)``, and a bar of tqdm moved; the units are those of the work.
    max_memory : float, optional
        Working memory in bytes that the call may take beyond its inputs. By default kernels, which
        have the choice, take 512 MiB where they can do with that (on a GPU up to a quarter of what
        is free at the first call, at most 16 GB), and the others what they need.
    inference : {"permutation", "bootstrap", "jackknife"}, optional
        Let the result carry p-values or intervals; see `permutation_test`, `bootstrap` and
        `jackknife`, which do the same for one pair. One order, or one draw, of the samples serves
        all pairs, and p-values are those of the whole map.
    n_resamples : int, optional
        How many; 999 orders or 1,000 draws by default, and not to be given for the jackknife.
    groups : array_like, shape (n_samples,), optional
        A label for each sample: whole groups are reordered, drawn or left out, and in one fold
        where the measure holds samples out.
    rng : int or numpy Generator, optional
        Seeds orders and draws.
    level : float, default 0.95
        How often intervals are to cover what they are about; of calibrated values, 1 - alpha.
    calibrated : bool, default False
        With ``inference="permutation"``: give values on the scale on which what chance reaches,
        for each pair, is 0.
    **options
        The measure's own, such as ``kernel="rbf"`` or ``debiased=True`` for "cka".

    Returns
    -------
    Comparison
        ``.values[i, j]`` is the measure of layer i of A and layer j of B; with inference,
        ``.pvalues`` or ``.low``, ``.high`` and ``.standard_error`` are of the same shape.

    Raises
    ------
    TypeError
        A or B is a bare array or not a collection, an option is not the measure's or of a wrong
        type, or a layer is
        complex, object, string or masked.
    ValueError
        An unknown measure, or a layer that the measure refuses; the message names the layer.
    MemoryError
        Before anything is computed, if `plan` finds more memory than `max_memory`, or than the
        machine has left.
    KeyboardInterrupt
        Ctrl-C stops the computation within a second.

    Warns
    -----
    RuntimeWarning
        For layers whose similarity is undefined, because they are constant or cannot be used.

    Notes
    -----
    What belongs to a layer is computed once, whatever the number of pairs: for a kernel measure
    the Gram matrices of all layers are formed together, tile by tile, and all inner products of
    a tile follow from one small matrix product. n² p flops a layer and 2 n² a pair; memory a few
    MB a thread, and no n x n matrix. With n > p the linear kernel may cost less as X'Y, at
    2 n p q flops a pair; the cheaper way is taken.

    All layers are computed in float32 if all are of at most that precision, otherwise in float64.

    Arrays that a layout rearranges are not copied where their strides allow a view: "features" of
    contiguous arrays, "samples" of arrays whose units are last in memory.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> first = rng.standard_normal((50, 4))
    >>> A = {"conv1": first, "conv2": first[:, :2] ** 2}
    >>> S = gm.compare(A, measure="cka")
    >>> S
    <Comparison cka(kernel='linear', debiased=False): 2 x 2 layers, 50 samples>
    >>> bool(S.values[0, 1] == gm.cka(A["conv1"], A["conv2"]))
    True
    """
    if (elsewhere := taker_of(A, B)) is not None:
        return elsewhere.compare(  # type: ignore[no-any-return]
            A,
            B,
            measure=measure,
            layers=layers,
            layout=layout,
            positions=positions,
            nan_policy=nan_policy,
            device=device,
            progress=progress,
            max_memory=max_memory,
            inference=inference,
            n_resamples=n_resamples,
            groups=groups,
            rng=rng,
            level=level,
            calibrated=calibrated,
            **options,
        )
    row = find(measure, options)
    chosen = row.with_groups(row.checked(options), groups)
    settings = check_inference(
        inference,
        n_resamples=n_resamples,
        groups=None if inference is None and "groups" in chosen else groups,
        rng=rng,
        level=level,
        calibrated=calibrated,
    )
    for side in (A, B):
        if isinstance(side, Opened) and settings is None:
            return side.compared(  # type: ignore[no-any-return]
                A,
                B,
                measure=measure,
                layers=layers,
                layout=layout,
                positions=positions,
                nan_policy=nan_policy,
                device=device,
                progress=progress,
                max_memory=max_memory,
                **chosen,
            )
    nan_policy, device = check_nan_policy(nan_policy), check_device(device)
    max_memory = check_memory(max_memory)
    arranged, patterns = chosen_layout(layout, positions), checked_patterns(layers)
    a = named_layers(A, "A", arranged, patterns)
    b = [] if B is None else named_layers(B, "B", arranged, patterns)
    both = [layer for _, layer in (*a, *b)]
    checks.check_same_samples(both)
    request = Request(
        [layer for _, layer in a], [layer for _, layer in b], chosen, device, max_memory
    )
    if settings is not None:
        settings.check_for(row, request)  # a refusal comes before the work
    stages = Stages(tell_of(progress))  # does not go back when a layer is left out
    values = _values(
        row,
        request.a,
        request.b,
        propagates=nan_policy == "propagate",
        device=device,
        progress=stages(0, 1 if settings is None else VALUES),
        max_memory=max_memory,
        options=chosen,
    )
    found = None
    if settings is not None:
        found = infer(row, request, values, settings, stages(VALUES, 1))
        values = found.values
    return Comparison(
        values=values,
        x_names=tuple(name for name, _ in a),
        y_names=tuple(name for name, _ in b or a),
        measure=row.name,
        options=done.with_what_was_done(
            row.recorded(chosen),
            [(layer.dtype, layer.compute_dtype) for layer in both],
            done.given(patterns, arranged),
            A,
            B,
        ),
        n_samples=len(both[0].array),
        inference=None if found is None else found.inference,
    )


def _values(
    row: Measure,
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    propagates: bool,
    device: str | None,
    **arguments: Any,
) -> npt.NDArray[np.float64]:
    """Return the values of all pairs: NaN for layers that cannot be used, if that is wanted."""
    evaluate = _by_reference if device == "reference" else _by_core
    values = np.full((len(a), len(b or a)), np.nan)
    rows, columns = list(range(len(a))), list(range(len(b)))
    while rows and (columns or not b):
        try:
            found = evaluate(
                row, [a[i] for i in rows], [b[j] for j in columns], device=device, **arguments
            )
        except checks.UnusableLayerError as refused:
            if not propagates:
                raise
            refused.warn()
            rows = [i for i in rows if a[i].name != refused.layer.name]
            columns = [j for j in columns if b[j].name != refused.layer.name]
        else:
            values[np.ix_(rows, columns if b else rows)] = found
            break
    return values


def _by_core(
    row: Measure, a: Sequence[Layer], b: Sequence[Layer], **arguments: Any
) -> npt.NDArray[np.float64]:
    return row.all_pairs(a, b, nan_policy="raise", **arguments)


def _by_reference(
    row: Measure,
    a: Sequence[Layer],
    b: Sequence[Layer],
    *,
    device: str | None,
    progress: Tell | None,
    max_memory: float | None,  # not used: whole matrices are formed
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    others = b or a
    values = np.empty((len(a), len(others)))
    for i, x in enumerate(a):
        for j, y in enumerate(others):
            values[i, j] = row.call_reference(x, y, **options)
            if progress is not None:
                progress(i * len(others) + j + 1, values.size)
    return values
