"""What measures need of samples that come in batches, and what they make of it.

There are three kinds. Sums of products are exact and fast; rows with the same inner products are
exact for everything that inner products decide, and keep the digits that a product would square
away; means over batches are an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from .chance import Chance

__all__ = [
    "FIRST",
    "ByBatches",
    "ByProducts",
    "ByRows",
    "Gathering",
    "OnePair",
    "OneSide",
    "Three",
    "block_bytes",
    "by_rows",
    "is_kept",
    "state_bytes",
]

Array = npt.NDArray[np.float64]

FIRST = 1_000  # samples that a median distance is taken of
BLOCK = 2**26  # bytes of a block of rows of layers in files, at least where memory allows


class OneSide(Protocol):
    """What is gathered of a layer, in units of its scale."""

    @property
    def squares(self) -> Array:
        """Σ (x - mean)² of every unit."""

    @property
    def varies(self) -> npt.NDArray[np.bool_]:
        """Which units do, beyond rounding."""


class OnePair(Protocol):
    """What is gathered of two layers, about the means of all samples, in units of their scales."""

    @property
    def n(self) -> int:
        """The number of samples."""

    @property
    def x(self) -> OneSide:
        """The first layer."""

    @property
    def y(self) -> OneSide:
        """The second."""

    @property
    def unit(self) -> float:
        """What a product of their activations is in these units, if it is 1."""

    def squared_product(self) -> float:
        """|XᵀY|²."""

    def singular_values(self) -> Array:
        """Those of XᵀY."""

    def product(self) -> Array:
        """XᵀY, (p, q)."""

    def fourth_moment(self) -> float:
        """Σ |xᵢ|²|yᵢ|²."""


@dataclass(frozen=True)
class ByProducts:
    """Sums of products: of the layers of a pair and, if `own`, of each with itself."""

    # The value of a pair, and what it has of x and of y with themselves.
    value: Callable[[OnePair, OnePair, OnePair], float]
    own: bool = False
    symmetric: bool = True  # of x with y as of y with x
    norms: bool = False  # the fourth moments are wanted
    diagonal: float | None = None  # of a layer with itself, where there is no need to look
    chance: Chance | None = None  # what layers that have nothing in common score


@dataclass(frozen=True)
class ByRows:
    """As many rows as there are units, with the inner products of all samples."""


class Three(NamedTuple):
    """Unbiased HSIC, or distance covariance, of x with y and of both with themselves."""

    cross: float
    x: float
    y: float


@dataclass(frozen=True)
class ByBatches:
    """Means of the unbiased HSIC of batches, weighted by their size (Nguyen et al. 2021)."""

    value: Callable[[Three], float]
    kernel: Any  # of the family's own types
    hsic: Callable[..., Array]  # evaluates pairs
    # A width in median distances, that is to be fixed by some samples; None: nothing is.
    widths: Callable[[Sequence[Any]], list[float]] | None = None
    # What the options of a result say in place of those that were asked for.
    recorded: Mapping[str, Any] = field(default_factory=dict)


Gathering = ByProducts | ByRows | ByBatches


def state_bytes(how: Gathering, x: Sequence[int], y: Sequence[int] | None) -> float:
    """Return the bytes that are kept at most of layers of such widths, however many samples come.

    Without y they are those of the x among themselves.
    """
    widths = [float(width) for width in (*x, *(y or ()))]
    total = sum(widths)
    match how:
        case ByProducts():
            squares = sum(p * p for p in widths)
            cross = (total**2 - squares) / 2 if y is None else float(sum(x)) * float(sum(y))
            own = squares if how.own or (y is None and how.diagonal is None) else 0.0
            return 8 * (cross + own + 3 * total) + (8 * len(widths) * total if how.norms else 0)
        case ByRows():
            # Rows up to twice as many as are left, and once more while a triangle is made of them.
            return 8 * total * (total + max(total, 1024)) * 2
        case ByBatches():
            return 8 * FIRST * total


def block_bytes(state: float, max_memory: float | None) -> float:
    """Return the bytes of a block of rows of layers in files, of which there are two.

    The more is kept, the more rows: adding a product of them to the sums of 24 x 24 layers of 1,024
    units takes as long as forming it of 700, and a sixth of that at a sixteenth of the state.
    """
    most = max(BLOCK, state / 16)
    return most if max_memory is None else min(most, max_memory / 8)


def is_kept(
    how: Gathering, x: Sequence[int], y: Sequence[int] | None, *, n: int, limit: float
) -> bool:
    """Return whether an exact state is kept of layers of so many samples, and is worth it.

    That of layers wider than long is larger than they are.
    """
    if isinstance(how, ByBatches) or max((*x, *(y or ()))) > n:
        return False
    return state_bytes(how, x, y) <= limit / 2


def by_rows(options: Mapping[str, Any]) -> Gathering:
    """Return what measures take that inner products decide."""
    if options.get("cross_validate") is not None:
        raise ValueError(
            "cross_validate must be None for samples that come in batches: what was not fitted is "
            "no longer there. Use compare on all samples."
        )
    return ByRows()
