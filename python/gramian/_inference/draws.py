"""Which samples a resample has: orders, halves, draws with replacement, and what is left out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .._input.groups import check_kind, group_numbers, members
from .._input.options import generator_of

__all__ = ["BLOCKS", "Draws", "check_groups", "check_rng"]

Samples = npt.NDArray[np.int64]

BLOCKS = 50  # that a jackknife leaves out one of, where single samples would cost too much


def check_rng(rng: Any) -> tuple[int, ...]:
    """Return what seeds the draws: the same ones for an integer, others every time for None.

    Every draw has a generator of its own, so that they do not depend on who makes which of them.
    """
    return tuple(generator_of(rng).integers(2**64, size=2, dtype=np.uint64).tolist())


def check_groups(groups: Any, n: int) -> list[Samples] | None:
    """Return the samples of every group, which is a label of each sample."""
    check_kind(groups)
    return None if groups is None else members(group_numbers(groups, n))


class Draws:
    """The resamples of n samples, or of groups of them, each by its number."""

    def __init__(self, n: int, groups: Sequence[Samples] | None, seed: Sequence[int]) -> None:
        self.n = n
        self._key = np.array(seed, dtype=np.uint64)
        self.grouped = groups is not None
        self.units: list[Samples] = (
            list(np.arange(n, dtype=np.int64)[:, None]) if groups is None else list(groups)
        )
        sizes = np.array([len(unit) for unit in self.units])
        # Groups change places with those of the same size: under the null hypothesis their
        # contents are exchangeable, given the sizes.
        self._classes = (
            [np.arange(n, dtype=np.int64)[:, None]]
            if groups is None
            else [
                np.stack([self.units[k] for k in np.flatnonzero(sizes == size)])
                for size in np.unique(sizes)
            ]
        )

    @property
    def why_no_order(self) -> str:
        """Why there is no order but one; "" where there are others."""
        if any(len(of_size) > 1 for of_size in self._classes):
            return ""
        if len(self.units) == 1:
            return "there is only one group" if self.grouped else "there is only one sample"
        return "all groups have different sizes, and only groups of one size change places"

    def n_orders(self) -> float:
        """Return how many orders there are, infinity for very many."""
        logarithm = sum(math.lgamma(len(of_size) + 1) for of_size in self._classes)
        return math.exp(logarithm) if logarithm < 700 else math.inf

    def order(self, number: int) -> Samples:
        """Return the samples in an order that is drawn, all being equally likely."""
        generator = self._generator(number)
        if not self.grouped:
            return generator.permutation(self.n)
        order = np.arange(self.n, dtype=np.int64)
        for of_size in self._classes:
            order[of_size] = of_size[generator.permutation(len(of_size))]
        return order

    def orders(self, first: int, count: int) -> Samples:
        """Return several of them, (count, n)."""
        return np.stack([self.order(k) for k in range(first, first + count)])

    def chosen(self, number: int, scheme: str) -> Samples:
        """Return half of the units, without replacement, or as many as there are, with it.

        Halves come in pairs that have no unit in common.
        """
        count = len(self.units)
        if scheme == "half":
            half = count // 2
            first = half * (number % 2)
            order = self._generator(number // 2).permutation(count)
            units = np.sort(order[first : first + half])
        else:
            units = np.sort(self._generator(number).integers(count, size=count))
        if not self.grouped:
            return units.astype(np.int64)
        return np.concatenate([self.units[k] for k in units])

    def blocks(self, count: int = BLOCKS) -> list[Samples]:
        """Return the units shared out among blocks, neighbors to different ones."""
        count = min(count, len(self.units))
        return [np.concatenate(self.units[k::count]) for k in range(count)]

    def _generator(self, number: int) -> np.random.Generator:
        # A counter-based one: others take twice as long to seed.
        return np.random.Generator(np.random.Philox(key=self._key, counter=[0, 0, 0, number]))
