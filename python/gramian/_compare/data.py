"""A comparison as data: its values by name, tables of them, and arithmetic on them."""

from __future__ import annotations

import dataclasses
import numbers
import operator
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, overload

import numpy as np
import numpy.typing as npt

from .._extras import require
from .._inference.results import Inference
from .._input.options import check_flag
from .._measures.registry import MEASURES
from .._measures.results import Result
from .done import DONE
from .picked import picked

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["Data", "Pair"]

One = str | int
Some = str | int | slice | list[Any] | npt.NDArray[Any]


class Pair(NamedTuple):
    """A layer of A, a layer of B, and the value of the two."""

    x: str
    y: str
    value: float


class Data(Result):
    """What `Comparison` can do besides pictures and files."""

    values: npt.NDArray[np.float64]
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    measure: str
    options: dict[str, Any]
    n_samples: int
    inference: Inference | None
    _said: ClassVar[tuple[str, ...]] = ()  # of `compare`: what it warned of, on the result itself

    @overload
    def __getitem__(self, key: tuple[One, One]) -> float: ...  # type: ignore[overload-overlap]
    @overload
    def __getitem__(self, key: tuple[Some, Some] | Some) -> Self: ...
    def __getitem__(self, key: Any) -> Any:
        """Return the value of two layers, or the comparison of some.

        Parameters
        ----------
        key : pair of layers of A and of B, or layers of A alone
            Each a name, a pattern such as "blocks.*", a position, a slice of positions or names
            (whose last name is included), or a list of these.

        Returns
        -------
        float or Comparison
            A number where both are one name or one position.

        Raises
        ------
        KeyError, IndexError, TypeError
            If there is no such layer, or the key is something else.

        Examples
        --------
        >>> import gramian as gm
        >>> names = ["conv1", "conv2", "fc"]
        >>> S = gm.Comparison([[1, 0.5, 0], [0.5, 1, 0.2], [0, 0.2, 1]], names, names, "cka", {}, 9)
        >>> S["conv1", "fc"]
        0.0
        >>> S["conv*", -1].values.tolist()
        [[0.0], [0.2]]
        >>> S["conv2":"fc"].x_names
        ('conv2', 'fc')
        """
        rows, columns = key if isinstance(key, tuple) and len(key) == 2 else (key, slice(None))
        i, j = picked(self.x_names, rows, "A"), picked(self.y_names, columns, "B")
        if isinstance(i, int) and isinstance(j, int) and isinstance(key, tuple):
            return float(self.values[i, j])
        i, j = ([k] if isinstance(k, int) else k for k in (i, j))
        return self._with(
            lambda array: array[np.ix_(i, j)],
            x_names=tuple(self.x_names[k] for k in i),
            y_names=tuple(self.y_names[k] for k in j),
        )

    def __iter__(self) -> Iterator[Pair]:
        """Yield every pair: the name of a layer of A, that of a layer of B, and the value."""
        for name, row in zip(self.x_names, self.values.tolist(), strict=True):
            for other, value in zip(self.y_names, row, strict=True):
                yield Pair(name, other, value)

    def __len__(self) -> int:
        """Return the number of pairs."""
        return int(self.values.size)

    def __float__(self) -> float:
        if self.values.size != 1:
            rows, columns = self.values.shape
            raise TypeError(f"float needs a comparison of one pair, got {rows} x {columns}.")
        return float(self.values[0, 0])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the values, read-only unless they are copied."""
        if copy is None or not copy:
            return np.asarray(self.values, dtype=dtype)
        return np.array(self.values, dtype=dtype)

    @property
    def T(self) -> Self:  # noqa: N802
        """The comparison with B's layers as rows and A's as columns.

        Of an asymmetric measure the values stay what they were, measures of a layer of A and a
        layer of B in this order: `options` and captions say "transposed", and that they are to be
        read as measure(column, row).
        """
        options = dict(self.options)
        known = MEASURES.get(self.measure)
        if known is not None and not known.symmetric and not options.pop("transposed", False):
            options["transposed"] = True
        names = {"x_names": self.y_names, "y_names": self.x_names}
        return self._with(lambda array: array.T, options=options, **names)

    def best(self) -> Pair:
        """Return the most similar pair: the largest value, or the smallest of a distance.

        Returns
        -------
        Pair
            ``.x``, ``.y`` and ``.value``. Of ties the first; NaN is never the best. Of many layers
            against one brain area, the layer that does best: ``S.best().x``.

        Raises
        ------
        ValueError
            If no value is a number.

        Examples
        --------
        >>> import gramian as gm
        >>> S = gm.Comparison([[0.9, 0.4], [0.3, 0.8]], ["a1", "a2"], ["b1", "b2"], "cka", {}, 100)
        >>> S.best()
        Pair(x='a1', y='b1', value=0.9)
        """
        if not np.isfinite(self.values).any():
            raise ValueError("best needs a value that is a number, got none.")
        i, j = np.unravel_index(int(np.nanargmax(self._similarity())), self.values.shape)
        return Pair(self.x_names[i], self.y_names[j], float(self.values[i, j]))

    def matches(self) -> dict[str, Pair]:
        """Return the most similar layer of B for each layer of A.

        Returns
        -------
        dict of str to Pair
            By the names of A's layers, without those that are undefined with all of B.

        Examples
        --------
        >>> import gramian as gm
        >>> S = gm.Comparison([[0.9, 0.4], [0.3, 0.8]], ["a1", "a2"], ["b1", "b2"], "cka", {}, 100)
        >>> S.matches()["a2"].y
        'b2'
        """
        return {
            name: self[[i], :].best()
            for i, name in enumerate(self.x_names)
            if np.isfinite(self.values[i]).any()
        }

    def _call(self) -> str:
        """Return the measure with its options, as it would be called."""
        options = ", ".join(
            f"{name}={value!r}" for name, value in self.options.items() if name not in DONE
        )
        return f"{self.measure}({options})" if options else self.measure

    def _among(self) -> bool:
        """Return whether it is of layers among themselves, by what only such values are.

        These are symmetric to the bit, or the layers' own values exactly those of what is the same:
        of two models with the same names of layers, however near each other, they are neither.
        """
        if self.x_names != self.y_names:
            return False
        if len(self.x_names) > 1 and np.array_equal(self.values, self.values.T, equal_nan=True):
            return True
        known = MEASURES.get(self.measure)
        own = self.values.diagonal()
        own = own[np.isfinite(own)]
        same = None if known is None or not known.normalized else known.range[not known.distance]
        return same is not None and bool(own.size) and bool((own == same).all())

    def _similarity(self) -> npt.NDArray[np.float64]:
        """Return the values with the larger ones more similar."""
        known = MEASURES.get(self.measure)
        return -self.values if known is not None and known.distance else self.values

    def _with(self, change: Callable[[Any], Any], **others: Any) -> Self:
        """Return the comparison with changed values, and intervals changed in the same way."""
        inference = self.inference
        if inference is not None:
            arrays = {name: change(array) for name, array in inference.arrays.items()}
            inference = dataclasses.replace(inference, **arrays)
        changed: dict[str, Any] = {"values": change(self.values), "inference": inference, **others}
        return dataclasses.replace(self, **changed)  # type: ignore[type-var]

    def _columns(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a long table has, a row for each pair."""
        rows, columns = self.values.shape
        found: dict[str, npt.NDArray[Any]] = {
            "x": np.repeat(np.array(self.x_names, dtype=object), columns),
            "y": np.tile(np.array(self.y_names, dtype=object), rows),
            "value": self.values.ravel(),
        }
        if self.inference is not None:
            found |= {name: array.ravel() for name, array in self.inference.arrays.items()}
        return found

    def to_pandas(self, *, long: bool = False) -> pandas.DataFrame:
        """Return the values as a `pandas.DataFrame`, rows A, columns B.

        Parameters
        ----------
        long : bool, default False
            Return a row for each pair instead, with columns "x", "y" and "value", and where there
            is inference "low", "high", "standard_error", "bias", or "pvalues" and "pointwise".

        Returns
        -------
        pandas.DataFrame of shape (n_x, n_y), or (n_x * n_y, 3 or more)
            A copy, indexed by `x_names`, with `y_names` as columns; a long one by numbers.

        Raises
        ------
        ImportError
            If pandas is missing; ``pip install "gramian[pandas]"``.

        Examples
        --------
        >>> import gramian as gm
        >>> S = gm.Comparison([[0.5, 0.25]], ["a"], ["b", "c"], "cka", {}, 9)
        >>> S.to_pandas(long=True)["value"].tolist()
        [0.5, 0.25]
        """
        frame = require("pandas", "pandas").DataFrame
        table: pandas.DataFrame
        if check_flag("long", long):
            table = frame({name: column.copy() for name, column in self._columns().items()})
        else:
            table = frame(self.values.copy(), index=self.x_names, columns=self.y_names)
        return table

    def to_xarray(self) -> xarray.DataArray:
        """Return the values as an `xarray.DataArray` with dimensions "x" and "y".

        Returns
        -------
        xarray.DataArray of shape (n_x, n_y)
            A copy, whose coordinates are the names; ends of intervals and p-values are
            coordinates too. Its name is the measure's, its attributes are the options and
            `n_samples`.

        Raises
        ------
        ImportError
            If xarray is missing; ``pip install "gramian[xarray]"``.

        Examples
        --------
        >>> import gramian as gm
        >>> S = gm.Comparison([[0.5, 0.25]], ["a"], ["b", "c"], "cka", {}, 9)
        >>> float(S.to_xarray().sel(x="a", y="c"))
        0.25
        """
        package = require("xarray", "xarray")
        coordinates: dict[str, Any] = {"x": list(self.x_names), "y": list(self.y_names)}
        if self.inference is not None:
            arrays = self.inference.arrays
            coordinates |= {name: (("x", "y"), array.copy()) for name, array in arrays.items()}
        found: xarray.DataArray = package.DataArray(
            self.values.copy(),
            coords=coordinates,
            dims=("x", "y"),
            name=self.measure,
            attrs={**self.options, "n_samples": self.n_samples},
        )
        return found

    # Arithmetic: what comes out is no longer on the scale of the measure, and says so by its name.

    def _computed(self, operation: Callable[[Any, Any], Any], sign: str, other: Any) -> Self:
        if isinstance(other, Data):
            return self._of_both(operation, sign, other)
        if isinstance(other, numbers.Real) and not isinstance(other, bool):
            values = operation(self.values, float(other))
            return self._made(values, f"{_term(self)} {sign} {other:g}")
        return NotImplemented  # type: ignore[no-any-return]

    def _reversed(self, operation: Callable[[Any, Any], Any], sign: str, other: Any) -> Self:
        if isinstance(other, numbers.Real) and not isinstance(other, bool):
            values = operation(float(other), self.values)
            return self._made(values, f"{other:g} {sign} {_term(self)}")
        return NotImplemented  # type: ignore[no-any-return]

    def _of_both(self, operation: Callable[[Any, Any], Any], sign: str, other: Data) -> Self:
        for side in ("x_names", "y_names"):
            mine, theirs = getattr(self, side), getattr(other, side)
            if sorted(mine) != sorted(theirs):
                lacking = [*(set(mine) ^ set(theirs))] or [min(mine)]
                raise ValueError(
                    f"both comparisons must have the same {side}: {min(lacking)!r} is in one alone."
                )
        where = [
            [side.index(name) for name in names]
            for side, names in ((other.x_names, self.x_names), (other.y_names, self.y_names))
        ]
        values = operation(self.values, other.values[np.ix_(*where)])
        one, two = _term(self), _term(other)
        if one != two:
            name = f"{one} {sign} {two}"
        else:
            name = f"difference of {one}" if sign == "-" else f"{one} {sign} the same of others"
        counts = self.n_samples, other.n_samples
        options = {} if counts[0] == counts[1] else {"samples": list(counts)}
        return self._made(values, name, min(counts), options)

    def _made(
        self,
        values: npt.NDArray[np.float64],
        measure: str,
        n_samples: int | None = None,
        options: dict[str, Any] | None = None,
    ) -> Self:
        """Return values that are no longer those of the measure, under a name that says so."""
        return dataclasses.replace(  # type: ignore[type-var]
            self,
            values=values,
            measure=measure,
            options=options or {},
            n_samples=n_samples or self.n_samples,
            inference=None,
        )

    def __sub__(self, other: Any) -> Self:
        """Return the difference from another comparison of the same layers, or from a number.

        Layers are matched by name. The result's `measure` says what was computed: it is on no
        measure's scale, and has no intervals.
        """
        return self._computed(operator.sub, "-", other)

    def __add__(self, other: Any) -> Self:
        return self._computed(operator.add, "+", other)

    def __mul__(self, other: Any) -> Self:
        return self._computed(operator.mul, "*", other)

    def __truediv__(self, other: Any) -> Self:
        with np.errstate(divide="ignore", invalid="ignore"):
            return self._computed(operator.truediv, "/", other)

    def __rsub__(self, other: Any) -> Self:
        return self._reversed(operator.sub, "-", other)

    def __radd__(self, other: Any) -> Self:
        return self._reversed(operator.add, "+", other)

    def __rmul__(self, other: Any) -> Self:
        return self._reversed(operator.mul, "*", other)

    def __neg__(self) -> Self:
        return self._made(-self.values, f"-{_term(self)}", options=None)

    def __abs__(self) -> Self:
        return self._made(np.abs(self.values), f"|{self._call()}|")


def _term(part: Data) -> str:
    """Return how a comparison is called in an expression."""
    name = part._call() + (" transposed" if part.options.get("transposed") else "")
    computed = part.measure not in MEASURES and any(sign in name for sign in (" - ", " + ", " * "))
    return f"({name})" if computed else name
