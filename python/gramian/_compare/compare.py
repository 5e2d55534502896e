"""Every layer of one model against every layer of another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input import checks
from .._input.arrays import Layer
from .._input.layers import named_layers
from .._measures.measure import Measure
from .._measures.registry import find
from .results import Comparison

__all__ = ["compare"]

Progress = Callable[[int, int], object]
Named = list[tuple[str, Layer]]


def compare(
    A: Mapping[str, Any] | Sequence[Any],
    B: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    measure: str = "cka",
    nan_policy: str = "raise",
    device: str | None = None,
    progress: Progress | None = None,
    max_memory: float | None = None,
    **options: Any,
) -> Comparison:
    """Compare every layer of A with every layer of B.

    Parameters
    ----------
    A : mapping of str to array_like, or sequence of array_like
        Layers by name, each of shape (n_samples, n_features); the layers of a sequence are named
        "0", "1", ... Row i is the same example in all of them; widths, element types and memory
        orders may differ. See `cka` for what an array may be.
    B : mapping or sequence, optional
        The layers to compare with. By default A's own, at half the cost.
    measure : str, default "cka"
        One of `measures()`.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do about NaN and infinity: refuse them, or return NaN for the layers they are in.
    device : {"cpu", "cuda", "cuda:N", "reference"}, optional
        Where to compute; by default where the arrays live. "reference" is plain numpy in
        float64, pair by pair.
    progress : callable, optional
        Called now and then as ``progress(done, total)``.
    max_memory : float, optional
        Working memory in bytes that the call may take beyond its inputs, unless it needs more to
        work at all. Default 512 MiB.
    **options
        The measure's own, such as ``kernel="rbf"`` or ``debiased=True`` for "cka".

    Returns
    -------
    Comparison
        ``.values[i, j]`` is the measure of layer i of A and layer j of B.

    Raises
    ------
    TypeError
        A or B is a bare array or not a collection, an option is not the measure's, or a layer is
        complex, object, string or masked.
    ValueError
        An unknown measure, or a layer that the measure refuses; the message names the layer.
    KeyboardInterrupt
        Ctrl-C stops the computation within a second.

    Warns
    -----
    RuntimeWarning
        For layers whose similarity is undefined, because they are constant.

    Notes
    -----
    What belongs to a layer is computed once, whatever the number of pairs: for a kernel measure
    the Gram matrices of all layers are formed together, tile by tile, and all inner products of
    a tile follow from one small matrix product. n² p flops a layer and 2 n² a pair; memory a few
    MB a thread, and no n x n matrix. With n > p the linear kernel may cost less as X'Y, at
    2 n p q flops a pair; the cheaper way is taken.

    All layers are computed in float32 if all are of at most that precision, otherwise in float64.

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
    row = find(measure, options)
    checks.check_nan_policy(nan_policy)
    reference = checks.check_device(device) == "reference"
    a = named_layers(A, "A")
    b = [] if B is None else named_layers(B, "B")
    layers = [layer for _, layer in (*a, *b)]
    checks.check_same_samples(layers)
    if reference:
        values = _by_reference(row, a, b or a, nan_policy, progress, options)
    else:
        values = row.all_pairs(
            [layer for _, layer in a],
            [layer for _, layer in b],
            nan_policy=nan_policy,
            device=device,
            progress=progress,
            max_memory=max_memory,
            options=options,
        )
    return Comparison(
        values=values,
        x_names=tuple(name for name, _ in a),
        y_names=tuple(name for name, _ in b or a),
        measure=measure,
        options=row.recorded(options),
        n_samples=len(layers[0].array),
    )


def _by_reference(
    row: Measure,
    a: Named,
    b: Named,
    nan_policy: str,
    progress: Progress | None,
    options: Mapping[str, Any],
) -> npt.NDArray[np.float64]:
    values = np.empty((len(a), len(b)))
    for i, (_, x) in enumerate(a):
        for j, (_, y) in enumerate(b):
            values[i, j] = row.call_reference(x, y, nan_policy=nan_policy, **options)
            if progress is not None:
                progress(i * len(b) + j + 1, values.size)
    return values
