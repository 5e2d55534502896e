"""What all results have in common: equality, a number where they are one, a file."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, ClassVar, Self

import numpy as np

from .._input import write
from .._input.arrays import as_numpy
from . import written

__all__ = ["Result"]


class Result:
    """A frozen dataclass that a function returns.

    It is equal to one with the same content, NaN included, can be saved, and is the number that its
    attribute `_number` has, where a number is wanted.
    """

    _number: ClassVar[str] = ""

    def __init_subclass__(cls) -> None:
        written.KINDS[cls.__name__] = cls

    def __new__(cls, *args: Any, **fields: Any) -> Self:
        """Refuse fields that there are not, as those of another library's class of this name."""
        if unknown := set(fields) - {field.name for field in dataclasses.fields(cls)}:  # type: ignore[arg-type]
            raise TypeError(
                f"{cls.__name__} is a result that a function of gramian returns, and nothing to "
                f"fit: it has no {min(unknown)!r}."
            )
        return super().__new__(cls)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        one, two = self._on_host(), other._on_host()
        return all(
            same(getattr(one, field.name), getattr(two, field.name))
            for field in dataclasses.fields(self)  # type: ignore[arg-type]
        )

    def _on_host(self) -> Self:
        """Return the same with arrays of other libraries, which may be on a device, as numpy's."""
        found = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]
        others = {
            name: as_numpy(one)
            for name, one in found.items()
            if hasattr(one, "__dlpack__") and not isinstance(one, np.ndarray)
        }
        return dataclasses.replace(self, **others) if others else self  # type: ignore[type-var]

    def __hash__(self) -> int:
        """Return what equal results have in common: the words and whole numbers that they hold."""
        values = (getattr(self, field.name) for field in dataclasses.fields(self))  # type: ignore[arg-type]
        return hash((type(self).__name__, *(v for v in values if isinstance(v, (str, int)))))

    def __float__(self) -> float:
        if not self._number:
            raise TypeError(f"{type(self).__name__} is no single number.")
        return float(getattr(self, self._number))

    def __format__(self, style: str) -> str:
        return format(float(self), style) if style else str(self)

    def __str__(self) -> str:
        """Return a line for each thing that is known."""
        lines = [repr(self)[1:-1] if repr(self)[0] == "<" else repr(self)]
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            lines.append(f"  {field.name}: {_brief(getattr(self, field.name))}")
        return "\n".join(lines)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the result as JSON, for `load`.

        Parameters
        ----------
        path : str or path-like
            File to write, whose name ends in ".json" or has no ending. An old one is replaced in
            one step, and keeps its mode.

        Raises
        ------
        ValueError
            If the name has another ending.
        OSError
            If the file cannot be written; it has its name. An old file is left as it is.

        Notes
        -----
        Every number is written with the digits that bring back the same bits.
        """
        write.check_ending(
            write.check_path(path), (".json",), f"a {type(self).__name__} is written as JSON"
        )
        write.write(path, written.written(self._on_host()))


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal, NaN with NaN too."""
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        floats = one.dtype.kind == "f" and other.dtype.kind == "f"
        return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=floats)
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (one != one and other != other)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


def _brief(value: Any) -> str:
    """Return what a line can show of a value."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if not hasattr(value, "shape"):
        return str(value)
    shape = " x ".join(map(str, value.shape))
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.size == 0:
        return f"{shape} {value.dtype}"
    shown = [f"{number:.4g}" for number in value[:6].tolist()]
    return f"{', '.join(shown)}{', ...' if len(value) > 6 else ''} ({shape})"
