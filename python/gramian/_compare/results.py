"""What `compare` returns: a value for every pair of layers, with their names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .._inference.results import Inference
from .._input import write
from .._input.options import check_integer
from .._measures.registry import MEASURES
from . import document, fields
from .pictures import Pictures

__all__ = ["Comparison"]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Pictures):
    """Every layer of A against every layer of B, as `compare` returns it.

    Attributes
    ----------
    values : ndarray of shape (n_x, n_y), float64, read-only
        ``values[i, j]`` is the measure of layer i of A and layer j of B.
    x_names, y_names : tuple of str
        Names of A's and of B's layers, in their order.
    measure : str
        Name of the measure, one of `measures()`.
    options : dict
        Options of the measure, as JSON can hold them, and what was done to the layers: "centering"
        of "columns" or of the "kernel" alone, the "dtype" of arithmetic and, where it is another,
        the "input_dtype"; the "layers", "layout" and "positions" that were asked for; of recorded
        layers their "reduce" and "mask". Captions of plots and files have it all.
    n_samples : int
        Number of examples.
    inference : Inference, optional
        P-values or intervals, and how they were found.

    Raises
    ------
    TypeError
        If one of them is of another type.
    ValueError
        If `values` is not of shape ``(len(x_names), len(y_names))``.

    Examples
    --------
    >>> import gramian as gm
    >>> S = gm.Comparison([[0.9, 0.4], [0.3, 0.8]], ["a1", "a2"], ["b1", "b2"], "cka", {}, 100)
    >>> S
    <Comparison cka: 2 x 2 layers, 100 samples>
    >>> S.accuracy()
    1.0
    """

    __module__ = "gramian"

    values: npt.NDArray[np.float64]
    x_names: tuple[str, ...]
    y_names: tuple[str, ...]
    measure: str
    options: dict[str, Any]
    n_samples: int
    inference: Inference | None = None

    def __post_init__(self) -> None:
        values = fields.numbers(self.values)
        x_names = fields.names("x_names", self.x_names)
        y_names = fields.names("y_names", self.y_names)
        if values.shape != (len(x_names), len(y_names)):
            raise ValueError(
                f"values must have a row for each of {len(x_names)} x_names and a column for each "
                f"of {len(y_names)} y_names, got shape {values.shape}."
            )
        values.flags.writeable = False
        for name, value in (
            ("values", values),
            ("x_names", x_names),
            ("y_names", y_names),
            ("measure", fields.word("measure", self.measure)),
            ("options", fields.options(self.options)),
            ("n_samples", check_integer("n_samples", self.n_samples, least=1)),
            ("inference", fields.inference(self.inference, values.shape)),
        ):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return (
            f"<Comparison {self._call()}: {len(self.x_names)} x {len(self.y_names)} layers, "
            f"{self.n_samples} samples{', transposed' if self.options.get('transposed') else ''}"
            f"{'' if self.inference is None else f', {self.inference.method}'}>"
        )

    @property
    def low(self) -> npt.NDArray[np.float64] | None:
        """Lower ends of the intervals, if there are any."""
        return None if self.inference is None else self.inference.low

    @property
    def high(self) -> npt.NDArray[np.float64] | None:
        """Upper ends of the intervals, if there are any."""
        return None if self.inference is None else self.inference.high

    @property
    def standard_error(self) -> npt.NDArray[np.float64] | None:
        """Standard errors of the values, if there are any."""
        return None if self.inference is None else self.inference.standard_error

    @property
    def pvalues(self) -> npt.NDArray[np.float64] | None:
        """Family-wise p-values, if there are any: one order of samples serves all pairs."""
        return None if self.inference is None else self.inference.pvalues

    def accuracy(self) -> float:
        """Layer-correspondence accuracy: how often the most similar layer is the same layer.

        Returns
        -------
        float
            Share, in [0, 1], of the layers of both A and B whose most similar layer in the other
            is the same: the one of the same name where A and B have the same names, in whatever
            order, and otherwise the one at the same place.

        Raises
        ------
        ValueError
            If A and B have different numbers of layers, or the measure is unknown.

        Notes
        -----
        A tie for the most similar layer is a miss, and NaN is never the most similar. A distance
        looks for its minimum. An asymmetric measure S is replaced by S + S'.

        References
        ----------
        Kornblith et al. 2019, Similarity of neural network representations revisited, section 6.1.

        Examples
        --------
        >>> import gramian as gm
        >>> S = gm.Comparison([[0.9, 0.4], [0.9, 0.8]], ["a1", "a2"], ["b1", "b2"], "cka", {}, 100)
        >>> S.accuracy()
        0.5
        """
        n = len(self.x_names)
        if n != len(self.y_names):
            both = [name for name in self.x_names if name in self.y_names]
            raise ValueError(
                f"accuracy needs as many layers in A as in B: A has {n}, B has "
                f"{len(self.y_names)}. {_cure(both)}"
            )
        if self.measure not in MEASURES:  # in a file of a later version
            raise ValueError(f"accuracy is not defined for an unknown measure, {self.measure!r}.")
        scores = self._similarity()
        if set(self.x_names) == set(self.y_names):
            scores = scores[:, [self.y_names.index(name) for name in self.x_names]]
        if not MEASURES[self.measure].symmetric:
            scores = scores + scores.T
        scores = np.where(np.isnan(scores), -np.inf, scores)
        same = scores.diagonal()
        others = scores.copy()
        np.fill_diagonal(others, -np.inf)
        hits = np.sum(same > others.max(axis=1)) + np.sum(same > others.max(axis=0))
        return float(hits / (2 * n))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the comparison as JSON, for `load`, or as a table for other programs.

        Parameters
        ----------
        path : str or path-like
            File to write: a long table, as of `to_pandas`, where its name ends in ".csv", JSON
            where it ends in ".json" or has no ending. An old one is replaced in one step, so that
            no reader sees half of it, and keeps its mode; what is no regular file is written into.

        Raises
        ------
        ValueError
            If the name has another ending, such as that of a picture or a page.
        OSError
            If the file cannot be written; it has its name. An old file is left as it is.

        Notes
        -----
        Every float64 is written with the digits that bring back the same bits. NaN is null, and
        infinities are the strings "Infinity" and "-Infinity", since JSON has no numbers for them;
        in a table they are "nan", "inf" and "-inf".
        """
        write.write(path, self._content(write.check_path(path)))

    def _content(self, name: str) -> bytes:
        """Return what a file of this name holds."""
        return document.content(name, vars(self), self._columns())

    def __str__(self) -> str:
        """Return the map in characters, at most 80 wide, under what was computed."""
        return "\n".join([*self._caption(), self._text_map()])


def _cure(both: list[str]) -> str:
    """Return what can be done about maps that are not square."""
    if both:
        return (
            f"S[names, names] has the {len(both)} layers that both have; S.matches() the most "
            "similar layer of each."
        )
    return "S.matches() has the most similar layer of each."
