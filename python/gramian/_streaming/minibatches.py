"""Means of the unbiased HSIC of batches, for kernels of which no sum has all that is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input import checks
from .._input.arrays import Layer, as_float64
from .._measures.gathered import FIRST, ByBatches, Three
from .batches import Names, whole_or_not_at_all

__all__ = ["Minibatches"]

Array = npt.NDArray[np.float64]

LEAST = 4  # samples that the unbiased estimator needs


class Minibatches:
    """Sums of n times the HSIC of batches of n samples, of all layers with one another.

    Batches wait until there are samples enough: for the estimator, and for the widths of a kernel.
    """

    def __init__(self, names: Names, how: ByBatches, max_memory: float | None) -> None:
        self.names, self.how, self.max_memory = names, how, max_memory
        layers = len(names.widths)
        self.n = 0  # in the sums
        self.sums = np.zeros((layers, layers))
        self.widths: list[float] | None = None
        self.waiting: list[list[Array]] = []
        self.n_waiting = 0

    @property
    def needs_widths(self) -> bool:
        """Whether a median distance is still to be found."""
        return self.how.widths is not None and self.widths is None

    def update(self, layers: Sequence[Layer]) -> None:
        """Add a batch."""
        batch = [self._as_array(layer) for layer in layers]
        n = len(batch[0])
        if self.n_waiting + n < (FIRST if self.needs_widths else LEAST):
            self.waiting.append([array.copy() for array in batch])
            self.n_waiting += n
            return
        batches = [*self.waiting, batch]
        with whole_or_not_at_all(self):
            if self.needs_widths:
                self.widths = self._found(_joined(batches, FIRST))
            # What waits for the widths is taken by batches as it came, what is too small with the
            # next.
            for joined in _large_enough(batches):
                self._add(joined)
            self.waiting, self.n_waiting = [], 0

    def _as_array(self, layer: Layer) -> Array:
        array: Array = as_float64(layer)
        return array if layer.compute_dtype == "float64" else array.astype(np.float32)

    def _found(self, arrays: Sequence[Array]) -> list[float]:
        assert self.how.widths is not None
        return self.how.widths(self._layers(arrays))

    def _layers(self, arrays: Sequence[Array]) -> list[Layer]:
        return [
            Layer(label, array, array.dtype.name)
            for label, array in zip(self.names.labels, arrays, strict=True)
        ]

    def _add(self, batch: Sequence[Array]) -> None:
        n = len(batch[0])
        if self.widths is not None:
            with np.errstate(over="ignore"):
                batch = [
                    (X / width).astype(X.dtype) for X, width in zip(batch, self.widths, strict=True)
                ]
            if not all(np.isfinite(X).all() for X in batch):  # they were, before
                raise ValueError(
                    "bandwidth must leave widths by which layers can be divided, got widths of "
                    f"{', '.join(f'{width:.3g}' for width in self.widths)}."
                )
        found = self.how.hsic(
            self._layers(batch),
            [],
            nan_policy="raise",
            device="cpu",
            progress=None,
            max_memory=self.max_memory,
            options={"kernel": self.how.kernel, "unbiased": True},
        )
        self.sums = self.sums + n * found
        self.n += n

    def merge(self, other: Minibatches) -> None:
        """Add what another has gathered with the same widths."""
        if self.widths is None and other.widths is not None and self.n_waiting:
            self.widths = other.widths
        if self.widths is not None and other.widths is not None and self.widths != other.widths:
            raise ValueError(
                "the accumulators must have kernels of the same widths, which they took from "
                "different samples: give the kernel a sigma, e.g. gramian.RBF(sigma=1.0)."
            )
        self.widths = self.widths or other.widths
        self.sums = self.sums + other.sums
        self.n += other.n
        for batch in other.waiting:
            self.update(self._layers(batch))

    def values(self, lost: frozenset[int]) -> Array:
        """Return the value of every pair, NaN for layers that are lost."""
        ended = self._ended()
        names, sums, n = self.names, ended.sums, ended.n
        own: Array = np.diag(sums) / n
        labels = names.labels
        checks.warn_degenerate(labels[k] for k in np.flatnonzero(own <= 0) if k not in lost)
        values = np.full(names.shape, np.nan)
        for i, j in np.ndindex(*values.shape):
            x, y = i, names.column(j)
            if not {x, y} & lost:
                values[i, j] = self.how.value(
                    Three(float(sums[x, y]) / n, float(own[x]), float(own[y]))
                )
        return values

    def _ended(self) -> Minibatches:
        """Return the sums with all that waits, but for what is too little for the estimator."""
        if not self.n_waiting:
            return self
        ended = Minibatches(self.names, self.how, self.max_memory)
        ended.n, ended.sums, ended.widths = self.n, self.sums, self.widths
        if ended.needs_widths:
            ended.widths = ended._found(_joined(self.waiting, FIRST))
        if self.n_waiting >= LEAST:
            for joined in _large_enough(self.waiting):
                ended._add(joined)
        else:
            checks.warn(
                f"the last {self.n_waiting} samples are left out: a batch needs {LEAST} for the "
                "unbiased estimator."
            )
        return ended

    def state(self) -> dict[str, Any]:
        """Return what is gathered, as arrays."""
        kept = ("n", "sums", "widths", "waiting", "n_waiting")
        return {name: getattr(self, name) for name in kept}

    def restore(self, state: dict[str, Any]) -> None:
        """Take what another has gathered in the place of one's own."""
        self.__dict__.update(state)


def _joined(batches: Sequence[Sequence[Array]], most: int | None = None) -> list[Array]:
    """Return the layers of several batches as those of one, of so many samples at most."""
    return [np.concatenate(parts)[:most] for parts in zip(*batches, strict=True)]


def _large_enough(batches: Sequence[Sequence[Array]]) -> list[list[Array]]:
    """Join batches that are too small with the next ones, or the last with the one before."""
    found: list[list[Array]] = []
    small: list[Sequence[Array]] = []
    for batch in batches:
        small.append(batch)
        if sum(len(part[0]) for part in small) >= LEAST:
            found.append(_joined(small))
            small = []
    if small and found:
        found[-1] = _joined([found[-1], *small])
    return found
