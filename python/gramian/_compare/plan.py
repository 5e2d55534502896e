"""What a comparison would do, and what it would cost, without doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core import calls
from .._input import checks
from .._input.layers import layers
from .._measures.hsic import pairs as hsic
from .._measures.hsic.kernels import kernel_of
from .._measures.registry import find

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """The planner's decision for a comparison of kernels, as `plan` returns it.

    Attributes
    ----------
    space : {"features", "samples"}
        Whether pairs are compared by X'Y (features) or by tiles of their Gram matrices (samples).
    dtype : {"float32", "float64"}
        Precision of the arithmetic.
    tile : int
        Rows of a tile of the Gram matrices; 0 in feature space.
    passes : int
        How often the inner products are formed: twice where a median distance is wanted and they
        are too many to keep.
    threads : int
        At most so many threads, fewer than allowed where memory is short.
    flops : float
        Floating-point operations.
    memory : float
        Working memory above the inputs, in bytes.
    seconds : float
        Estimated time on this many threads of the machine that the model was fitted to. Its ratios
        between plans mean more than its value.
    """

    __module__ = "gramian"

    space: str
    dtype: str
    tile: int
    passes: int
    threads: int
    flops: float
    memory: float
    seconds: float

    def __str__(self) -> str:
        how = "X'Y" if self.space == "features" else f"Gram tiles of {self.tile} rows"
        return (
            f"{how} in {self.dtype}, {self.passes} pass{'es' if self.passes > 1 else ''}, "
            f"{self.threads} threads: {self.flops / 1e9:.3g} Gflop, "
            f"{self.memory / 2**20:.3g} MiB, about {self.seconds:.2g} s"
        )


def plan(
    A: Mapping[str, Any] | Sequence[Any],
    B: Mapping[str, Any] | Sequence[Any] | None = None,
    *,
    measure: str = "cka",
    max_memory: float | None = None,
    **options: Any,
) -> Plan:
    """Say what `compare` would do with the same arguments, its cost and its memory.

    Parameters
    ----------
    A, B, measure, max_memory, **options
        As for `compare`. Only shapes and types are looked at, so that arrays on disk are not read.

    Returns
    -------
    Plan
        The decision. It depends on the threads that are available only in `threads`, `memory` and
        `seconds`.

    Raises
    ------
    TypeError, ValueError
        As `compare` does, except for what the values would tell.

    Notes
    -----
    With n samples and layers of p features, sample space takes n² p flops a layer and 2 n² a pair,
    feature space n p² a layer and 2 n p q a pair; the model adds what reading, kernels and sums
    cost, fitted to measurements. Only the linear kernel has the choice.

    References
    ----------
    .. [1] Kornblith, Norouzi, Lee, Hinton. Similarity of neural network representations
       revisited. ICML 2019.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> wide = np.zeros((200, 3000), np.float32)
    >>> gm.plan([wide, wide]).space
    'samples'
    >>> gm.plan([wide.T, wide.T]).space
    'features'
    """
    find(measure, options)
    a = [rep for _, rep in layers(A, "A")]
    b = [] if B is None else [rep for _, rep in layers(B, "B")]
    reps = [*a, *b]
    checks.check_same_samples(reps)
    kernel, sample = kernel_of(options)
    double = any(rep.compute_dtype == "float64" for rep in reps)
    decision = calls.plan(
        device=reps[0].device,
        n=len(reps[0].array),
        rows=len(a),
        widths=[rep.array.shape[1] for rep in reps],
        kernel=hsic.spec_of(kernel, sample),
        double=double,
        max_memory=checks.check_memory(max_memory, hsic.DEFAULT_MEMORY),
    )
    return Plan(
        space="features" if decision.feature_space else "samples",
        dtype="float64" if double else "float32",
        tile=decision.tile,
        passes=decision.passes,
        threads=decision.threads,
        flops=decision.flops,
        memory=decision.bytes,
        seconds=decision.seconds,
    )
