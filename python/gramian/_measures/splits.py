"""Which samples are fitted and which are held out: by a number of folds, or as the user says.

Sample i is held out in fold i mod k, so that samples sorted by class fall into all folds; where
samples have groups, it is the groups, in the order in which they come, that are shared out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from .._input import groups as grouping
from .._input.arrays import Layer
from .._input.options import check_integer, refuse_type, shown

__all__ = [
    "INNER",
    "Fold",
    "Labels",
    "Own",
    "check_count",
    "check_folds",
    "check_groups",
    "fold_sizes",
    "folds",
    "folds_of",
    "groups_of",
    "in_force",
    "taken",
]

Samples = npt.NDArray[np.int64]
INNER = "inner_folds"


class Fold(NamedTuple):
    """The samples that are fitted, and those that are held out."""

    fit: Samples
    test: Samples


@dataclass(frozen=True, eq=False)
class Labels:
    """A label for each sample: of its group, or of the fold that holds it out."""

    values: npt.NDArray[Any]

    def of(self, argument: str, n: int) -> Labels:
        """Return them, if there is one for each of n samples."""
        if self.values.shape != (n,):
            raise ValueError(
                f"{argument} must hold a fold label for each of the {n} samples, got shape "
                f"{self.values.shape}."
            )
        return self

    def taken(self, samples: Samples) -> Labels:
        """Return those of some samples."""
        return Labels(self.values[samples])

    def recorded(self) -> str:
        """Return what a result says of them."""
        return f"{len(np.unique(self.values))} labels"


@dataclass(frozen=True, eq=False)
class Own:
    """Folds of the user's: pairs of samples to fit and to test, or what makes these of n samples.

    A splitter of scikit-learn makes them.
    """

    pairs: tuple[tuple[npt.NDArray[Any], npt.NDArray[Any]], ...] = ()
    splitter: Any = None

    def of(self, argument: str, n: int) -> Own:
        """Return them, if no sample is beyond the n that there are."""
        for pair in self.pairs:
            for one in pair:
                _indices(argument, one, n)
        return self

    def taken(self, samples: Samples) -> Own:
        """Return what is left of the folds for some of the samples, which a splitter splits anew.

        A sample that is drawn twice is tested twice.
        """
        if self.splitter is not None:
            return self
        size = 1 + max(int(np.max(one)) for pair in self.pairs for one in pair)
        n = max(size, 1 + int(samples.max()))

        def places(wanted: npt.NDArray[Any]) -> Samples:
            is_wanted = np.zeros(n, dtype=bool)
            is_wanted[wanted] = True
            return np.flatnonzero(is_wanted[samples])

        left = tuple((places(fit), places(test)) for fit, test in self.pairs)
        return Own(tuple(pair for pair in left if all(map(len, pair))))

    def recorded(self) -> str:
        """Return what a result says of them."""
        if self.splitter is not None:
            return type(self.splitter).__name__
        return f"{len(self.pairs)} own folds"


def check_folds(argument: str) -> Callable[[Any], int | Labels | Own | None]:
    """Return the check of an option that says how samples are held out, if they are.

    What depends on the samples is looked at by `folds`.
    """
    rule = "a number of folds, a fold label for each sample, or pairs (train, test) of indices"

    def check(value: Any) -> int | Labels | Own | None:
        if value is None or isinstance(value, (Labels, Own)):
            return value
        if hasattr(value, "split") and hasattr(value, "get_n_splits"):
            return Own(splitter=value)
        if (
            isinstance(value, (str, bytes, bytearray, memoryview, Mapping, np.ma.MaskedArray))
            or not isinstance(value, Iterable)
            or getattr(value, "ndim", 1) == 0
        ):
            if isinstance(value, (bool, np.bool_)) or not hasattr(type(value), "__index__"):
                raise refuse_type(argument, rule, value)
            return check_integer(argument, value)
        values = value if isinstance(value, np.ndarray) else list(value)
        if len(values) and not isinstance(values, np.ndarray) and _is_pair(values[0]):
            return Own(tuple(_pair(argument, one) for one in values))
        try:
            labels = np.asarray(values)
        except ValueError:
            raise ValueError(f"{argument} must be {rule}, got nested sequences.") from None
        if labels.dtype.kind not in "iuSU":
            elements = f"elements of type {labels.dtype}"
            raise TypeError(f"{argument} must be {rule}, got {elements}.")
        if labels.ndim != 1 or len(labels) == 0:
            raise ValueError(f"{argument} must be {rule}, got an array of shape {labels.shape}.")
        return Labels(labels)

    return check


def check_groups(value: Any) -> Labels | None:
    """Return labels of samples."""
    if value is None or isinstance(value, Labels):
        return value
    grouping.check_kind(value)
    return Labels(np.asarray(value))


def groups_of(options: Mapping[str, Any], layers: Sequence[Layer]) -> Samples | None:
    """Return the number of each sample's group: as given or, of positions, its example."""
    given = options.get("groups")
    if given is not None:
        return grouping.group_numbers(given.values, len(layers[0].array))
    return next((one for one in (layer.groups for layer in layers) if one is not None), None)


def folds_of(
    options: Mapping[str, Any], layers: Sequence[Layer], least: int = 1
) -> list[Fold] | None:
    """Return the folds of layers under the option cross_validate, None without it.

    Each holds out `least` samples at least.
    """
    given = options["cross_validate"]
    if given is None:
        if options.get("groups") is not None:
            raise ValueError("groups must be None without cross_validate.")
        return None
    groups = groups_of(options, layers)
    return folds("cross_validate", given, len(layers[0].array), groups, least)


def fold_sizes(options: Mapping[str, Any], layers: Sequence[Layer]) -> tuple[int, int, int] | None:
    """Return how many folds there are, and the most samples that one fits, and holds out."""
    found = folds_of(options, layers)
    if found is None:
        return None
    return len(found), max(len(one.fit) for one in found), max(len(one.test) for one in found)


def folds(
    argument: str,
    given: int | Labels | Own,
    n: int,
    groups: Samples | None = None,
    least: int = 1,
) -> list[Fold]:
    """Return the folds of n samples; those of a group are in one of them."""
    if isinstance(given, Own):
        return _checked(argument, _own(argument, given, n, groups), least)
    if isinstance(given, Labels):
        numbers = np.unique(given.of(argument, n).values, return_inverse=True)[1]
        if numbers.max() == 0:
            raise ValueError(f"{argument} must hold at least 2 different fold labels, got 1.")
        _check_together(argument, numbers, groups)
    else:
        numbers = _shared_out(argument, given, n, groups)
    found = []
    for number in range(int(numbers.max()) + 1):
        held_out = numbers == number
        found.append(Fold(np.flatnonzero(~held_out), np.flatnonzero(held_out)))
    return _checked(argument, found, least)


def taken(options: Mapping[str, Any], samples: Samples) -> dict[str, Any]:
    """Return options for some of the samples."""
    return {
        name: value.taken(samples) if isinstance(value, (Labels, Own)) else value
        for name, value in options.items()
    }


def in_force(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options as JSON can hold them: those that say something."""
    return {
        name: value.recorded() if isinstance(value, (Labels, Own)) else value
        for name, value in options.items()
        if value is not None
    }


def check_count(argument: str, count: int, n: int, groups: int | None = None) -> None:
    """Check a number of folds of n samples, in so many groups if there are any."""
    most, of_what = n // 2, "half the number of samples"
    if groups is not None:
        most, of_what = groups, "the number of groups"
    if not 2 <= count <= most:
        raise ValueError(f"{argument} must be between 2 and {of_what}, {most}, got {shown(count)}.")


def _shared_out(argument: str, count: int, n: int, groups: Samples | None) -> Samples:
    """Return each sample's fold, of a number of them."""
    if groups is None:
        check_count(argument, count, n)
        return np.arange(n) % count
    _, first, numbers = np.unique(groups, return_index=True, return_inverse=True)
    check_count(argument, count, n, len(first))
    place = np.empty(len(first), dtype=np.int64)  # of a group in the order in which they come
    place[np.argsort(first)] = np.arange(len(first))
    return place[numbers] % count


def _check_together(argument: str, numbers: Samples, groups: Samples | None) -> None:
    if groups is None:
        return
    pairs = np.unique(np.stack([groups, numbers]), axis=1)[0]
    if len(pairs) > len(np.unique(pairs)):
        raise ValueError(f"{argument} must keep the samples of a group in one fold.")


def _own(argument: str, given: Own, n: int, groups: Samples | None) -> list[Fold]:
    pairs: Sequence[Any] = given.pairs
    if given.splitter is not None:
        made = given.splitter.split(np.empty((n, 1)), None, groups)
        pairs = [_pair(argument, one) for one in made]
    found = []
    for pair in pairs:
        fit, test = (_indices(argument, one, n) for one in pair)
        both = np.intersect1d(fit, test)
        if len(both):
            raise ValueError(
                f"{argument} must not fit what it tests: sample {both[0]} is in both of a pair."
            )
        if groups is not None and len(np.intersect1d(groups[fit], groups[test])):
            raise ValueError(f"{argument} must keep the samples of a group in one fold.")
        found.append(Fold(fit, test))
    return found


def _checked(argument: str, found: list[Fold], least: int) -> list[Fold]:
    if not found:
        raise ValueError(f"{argument} must make at least one fold, got none.")
    for number, fold in enumerate(found):
        if len(fold.fit) < 2 or len(fold.test) < least:
            raise ValueError(
                f"{argument} must leave at least 2 samples to fit and {least} to test: fold "
                f"{number} fits {len(fold.fit)} and tests {len(fold.test)}."
            )
    return found


def _is_pair(value: Any) -> bool:
    return (
        not isinstance(value, (str, bytes))
        and isinstance(value, Sized)
        and isinstance(value, Iterable)
    )


def _pair(argument: str, value: Any) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    rule = "pairs (train, test) of indices of samples"
    if not _is_pair(value) or len(value) != 2:
        raise ValueError(f"{argument} must be {rule}, got {shown(value)}.")
    try:
        fit, test = (np.asarray(one) for one in value)
    except ValueError:
        raise ValueError(f"{argument} must be {rule}, got {shown(value)}.") from None
    for one in (fit, test):
        if one.dtype.kind not in "iub" and one.size:
            raise TypeError(f"{argument} must be {rule}, got elements of type {one.dtype}.")
        if one.ndim != 1:
            raise ValueError(f"{argument} must be {rule}, got an array of shape {one.shape}.")
    return fit, test


def _indices(argument: str, given: npt.NDArray[Any], n: int) -> Samples:
    """Return indices, which a mask may give, in the range of the samples."""
    if given.dtype.kind == "b":
        if given.shape != (n,):
            raise ValueError(
                f"{argument} must hold masks of the {n} samples, got one of shape {given.shape}."
            )
        return np.flatnonzero(given)
    if given.size == 0:
        return np.empty(0, dtype=np.int64)
    if given.min() < 0 or given.max() >= n:
        bad = int(given.min() if given.min() < 0 else given.max())
        raise ValueError(f"{argument} must hold indices from 0 to {n - 1}, got {bad}.")
    return np.asarray(given, dtype=np.int64)
