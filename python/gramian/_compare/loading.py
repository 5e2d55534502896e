"""Reading what results have written."""

from __future__ import annotations

import os
from typing import Any, TypeVar, overload

from .._input.options import refuse_type
from . import document
from .results import Comparison

__all__ = ["load"]

Kind = TypeVar("Kind")


@overload
def load(path: str | os.PathLike[str]) -> Comparison: ...
@overload
def load(path: str | os.PathLike[str], kind: type[Kind]) -> Kind: ...
def load(path: str | os.PathLike[str], kind: type[Any] | None = None) -> Any:
    """Read a comparison, or another result, that its method `save` wrote.

    Parameters
    ----------
    path : str or path-like
        The file.
    kind : class, optional
        What it must hold, such as `CCA`; anything by default, which checkers of types take for a
        Comparison.

    Returns
    -------
    Comparison, or whatever was saved
        With the same values, bit for bit.

    Raises
    ------
    ValueError
        If the file is something else, damaged, or from a version that this one cannot read.
    TypeError
        If it holds another kind of result.
    OSError
        If the file cannot be read.

    Examples
    --------
    >>> import gramian as gm
    >>> from tempfile import TemporaryDirectory
    >>> S = gm.compare({"a": [[1.0], [2.0], [4.0]]})
    >>> with TemporaryDirectory() as directory:
    ...     S.save(f"{directory}/s.json")
    ...     gm.load(f"{directory}/s.json") == S
    True
    """
    found = document.read(path)
    result = Comparison(**found) if isinstance(found, dict) else found
    if kind is not None:
        if not isinstance(kind, type):
            raise refuse_type("kind", "a class", kind)
        if not isinstance(result, kind):
            raise TypeError(
                f"{os.fspath(path)} must hold a {kind.__name__}, got {type(result).__name__}."
            )
    return result
