"""Comparisons of the same layers in several runs, such as seeds, one upon the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._extras import require
from .._input.options import check_integer, refuse_type, shown
from .._measures.results import Result
from .._show import grids
from . import done, fields
from .picked import NoLayerError, picked
from .pictures import checked_style, limits_of
from .results import Comparison

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

__all__ = ["Runs", "concat"]


@dataclass(frozen=True, eq=False, repr=False)
class Runs(Result):
    """The same comparison in several runs, as `concat` returns it.

    Attributes
    ----------
    values : ndarray of shape (n_runs, n_x, n_y), float64, read-only
        ``values[k, i, j]`` is the measure of layer i of A and layer j of B in run k.
    names : tuple of str
        Names of the runs.
    x_names, y_names : tuple of str
        Names of A's and of B's layers, in their order.
    measure : str
        Name of the measure.
    options : dict
        As of a `Comparison`: what is the same in all runs.
    n_samples : int
        Number of examples of each run.

    Raises
    ------
    TypeError, ValueError
        If one of them is of another type, or `values` is not of the shape of the names.

    Examples
    --------
    >>> import gramian as gm
    >>> runs = gm.Runs([[[0.9]], [[0.7]]], ["seed 0", "seed 1"], ["a"], ["b"], "cka", {}, 100)
    >>> runs
    <Runs of cka: 2 runs of 1 x 1 layers, 100 samples>
    >>> round(runs.mean()["a", "b"], 12)
    0.8
    """

    __module__ = "gramian"

    values: npt.NDArray[np.float64]
    names: tuple[str, ...]
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    measure: str
    options: dict[str, Any]
    n_samples: int

    def __post_init__(self) -> None:
        values = fields.numbers(self.values)
        given = {"names": self.names, "x_names": self.x_names, "y_names": self.y_names}
        names = [fields.names(name, value) for name, value in given.items()]
        if values.shape != tuple(map(len, names)):
            raise ValueError(
                f"values must be of the shape of names, x_names and y_names, "
                f"{tuple(map(len, names))}, got shape {values.shape}."
            )
        values.flags.writeable = False
        for name, value in (
            ("values", values),
            ("names", names[0]),
            ("x_names", names[1]),
            ("y_names", names[2]),
            ("measure", fields.word("measure", self.measure)),
            ("options", fields.options(self.options)),
            ("n_samples", check_integer("n_samples", self.n_samples, least=1)),
        ):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        count, n_x, n_y = self.values.shape
        return (
            f"<Runs of {self._comparison(0)._call() if count else self.measure}: {count} runs of "
            f"{n_x} x {n_y} layers, {self.n_samples} samples>"
        )

    def __len__(self) -> int:
        """Return the number of runs."""
        return len(self.values)

    def __iter__(self) -> Iterator[Comparison]:
        """Yield the comparison of each run."""
        return map(self._comparison, range(len(self.values)))

    def __getitem__(self, run: str | int) -> Comparison:
        """Return the comparison of one run, by its name or position."""
        found = picked(self.names, run, "runs")
        if not isinstance(found, int):
            raise NoLayerError(f"runs must be the name or position of one, got {shown(run)}.")
        return self._comparison(found)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> npt.NDArray[Any]:
        """Return the values, read-only unless they are copied."""
        if copy is None or not copy:
            return np.asarray(self.values, dtype=dtype)
        return np.array(self.values, dtype=dtype)

    def _comparison(self, run: int) -> Comparison:
        return self._made(self.values[run], self.measure, {})

    def _made(self, values: Any, measure: str, added: dict[str, Any]) -> Comparison:
        options = {**self.options, **added}
        return Comparison(values, self.x_names, self.y_names, measure, options, self.n_samples)

    def mean(self) -> Comparison:
        """Return the mean over runs, which is on the scale of the measure.

        Returns
        -------
        Comparison
            NaN where it is NaN in one run. Its caption says of how many runs.
        """
        return self._made(
            self.values.mean(axis=0), self.measure, {"runs": f"mean of {len(self.values)}"}
        )

    def std(self, ddof: int = 1) -> Comparison:
        """Return the standard deviation over runs.

        Parameters
        ----------
        ddof : int, default 1
            It divides by the number of runs less this.

        Returns
        -------
        Comparison
            Of a `measure` that says so, since it is not on the scale of the measure; NaN for a
            single run.
        """
        ddof = check_integer("ddof", ddof, least=0)
        count = len(self.values)
        spread = np.full(self.values.shape[1:], np.nan)
        if count > ddof:
            spread = self.values.std(axis=0, ddof=ddof)
        name = f"standard deviation of {self._comparison(0)._call()}"
        kept = {name: value for name, value in self.options.items() if name in done.DONE}
        found = self._made(spread, name, {"runs": f"{count}"})
        return Comparison(
            spread, found.x_names, found.y_names, name, kept | {"runs": count}, self.n_samples
        )

    def plot(
        self,
        figure: Any = None,
        *,
        cmap: Any = None,
        vmin: float | None = None,
        vmax: float | None = None,
        title: str | None = None,
        figsize: tuple[float, float] | None = None,
    ) -> Figure:
        """Draw a map of each run, their mean and their spread with matplotlib.

        Parameters
        ----------
        figure : matplotlib.figure.Figure, optional
            Where to draw; a new one by default.
        cmap, vmin, vmax, title, figsize
            As in `Comparison.plot`; one scale of colors serves all runs and their mean.

        Returns
        -------
        matplotlib.figure.Figure
            The figure drawn on. Nothing is shown or saved.

        Raises
        ------
        ImportError
            If matplotlib is missing; ``pip install "gramian[plot]"``.

        Examples
        --------
        >>> import gramian as gm
        >>> from matplotlib.figure import Figure
        >>> runs = gm.Runs([[[0.9]], [[0.7]]], ["0", "1"], ["a"], ["b"], "cka", {}, 100)
        >>> sum(ax.get_title() == "mean of 2" for ax in runs.plot(Figure()).axes)
        1
        """
        style = checked_style(None, None, cmap, vmin, vmax, title, figsize)
        shown_mean = replace(self.mean()._map(), limits=limits_of(self.values, self.measure))
        drawn: Figure = grids.grid(self.values, self.names, shown_mean, style, figure)
        return drawn

    def to_pandas(self) -> pandas.DataFrame:
        """Return a `pandas.DataFrame` with a row for each run and pair: run, x, y, value.

        Raises
        ------
        ImportError
            If pandas is missing; ``pip install "gramian[pandas]"``.
        """
        frame = require("pandas", "pandas").DataFrame
        size = self.values[0].size if len(self.values) else 0
        columns = self._comparison(0)._columns() if len(self.values) else {}
        repeated = {name: np.tile(columns[name], len(self.values)) for name in ("x", "y")}
        run = np.repeat(np.array(self.names, dtype=object), size)
        table: pandas.DataFrame = frame({"run": run, **repeated, "value": self.values.ravel()})
        return table


def concat(
    runs: Mapping[str, Comparison] | Sequence[Comparison], names: Sequence[str] | None = None
) -> Runs:
    """Put comparisons of the same layers together: of several seeds, checkpoints or data sets.

    Parameters
    ----------
    runs : mapping of str to Comparison, or sequence of Comparison
        Of one measure with the same options, of as many samples. Layers are matched by name.
    names : sequence of str, optional
        Names of the runs of a sequence; "0", "1", ... by default.

    Returns
    -------
    Runs
        With the values of all, their ``mean()`` and ``std()``.

    Raises
    ------
    TypeError
        If one is no Comparison.
    ValueError
        If there is none, or they differ in their measure, its options, their layers or their
        number of samples.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((50, 4))
    >>> seeds = [gm.compare({"x": X}, {"y": X + rng.standard_normal(X.shape)}) for _ in range(3)]
    >>> gm.concat(seeds, ["a", "b", "c"]).mean()
    <Comparison cka(kernel='linear', debiased=False): 1 x 1 layers, 50 samples>
    """
    if isinstance(runs, Mapping):
        if names is not None:
            raise ValueError("names must be None where runs are a mapping, which has them.")
        names, runs = [str(name) for name in runs], list(runs.values())
    if isinstance(runs, Comparison) or not isinstance(runs, Sequence):
        raise refuse_type("runs", "a mapping or a sequence of Comparison", runs)
    for run in runs:
        if not isinstance(run, Comparison):
            raise refuse_type("runs", "a mapping or a sequence of Comparison", run)
    if not runs:
        raise ValueError("runs must hold at least one comparison, got none.")
    called = fields.names("names", range(len(runs)) if names is None else names)
    if len(called) != len(runs) or len(set(called)) < len(called):
        raise ValueError(f"names must be {len(runs)} distinct names, got {shown(list(called))}.")
    first = runs[0]
    for name, run in zip(called, runs, strict=True):
        _check_same(first, run, name)
    options = {
        name: value
        for name, value in first.options.items()
        if all(name in run.options and run.options[name] == value for run in runs)
    }
    values = [_in_order(run, first) for run in runs]
    return Runs(
        np.array(values),
        called,
        first.x_names,
        first.y_names,
        first.measure,
        options,
        first.n_samples,
    )


def _check_same(first: Comparison, run: Comparison, name: str) -> None:
    """Refuse a run of something else."""
    pairs: list[tuple[str, Any, Any]] = [
        ("measure", first.measure, run.measure),
        ("n_samples", first.n_samples, run.n_samples),
        ("x_names", sorted(first.x_names), sorted(run.x_names)),
        ("y_names", sorted(first.y_names), sorted(run.y_names)),
    ]
    options = dict.fromkeys([*first.options, *run.options])
    pairs += [
        (option, first.options.get(option), run.options.get(option))
        for option in options
        if option not in done.DONE or option == "transposed"
    ]
    for what, wanted, got in pairs:
        if wanted != got:
            raise ValueError(
                f"runs must have the same {what}: the first has {shown(wanted)}, run {name!r} has "
                f"{shown(got)}."
            )


def _in_order(run: Comparison, first: Comparison) -> npt.NDArray[np.float64]:
    rows = [run.x_names.index(name) for name in first.x_names]
    columns = [run.y_names.index(name) for name in first.y_names]
    return run.values[np.ix_(rows, columns)]
