"""Layers in files, opened by the face of the package, and compared without being held."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from .._compare.results import Comparison
from .._input.opened import Opened
from .._input.options import (
    check_choice,
    check_integer,
    did_you_mean,
    refuse_type,
    same_word,
    shown,
)
from . import out_of_core

__all__ = ["LayersOnDisk", "open_layers"]

_LAYOUTS = ("flatten",)

Source = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class LayersOnDisk(Opened):
    """Layers that stay in files, as `open` returns them: a mapping of names to layers.

    Attributes
    ----------
    n_samples : int
        Number of samples of every layer.
    ids : ndarray or None
        The ids of the samples, if `open` was told where they are.

    See Also
    --------
    open : Opens files.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     np.savez(f"{folder}/a.npz", conv1=np.ones((10, 3)), conv2=np.ones((10, 5)))
    ...     layers = gm.open(f"{folder}/a.npz")
    ...     list(layers), layers.n_samples
    (['conv1', 'conv2'], 10)
    """

    __module__ = "gramian"

    def compared(self, A: Any, B: Any, **arguments: Any) -> Comparison:
        """Compare layers of which some stay in files, as `compare` does."""
        return out_of_core.compare(A, B, **arguments)


def open_layers(
    source: Source,
    *,
    layers: str | Sequence[str] | None = None,
    split_axis: int | None = None,
    layout: str | None = None,
    ids: str | None = None,
) -> LayersOnDisk:
    """Open layers that are in files, without reading them.

    Parameters
    ----------
    source : path, pattern with ``*`` or ``**``, folder, or list of paths
        Files of activations: .npy, .npz, .safetensors, .h5, .hdf5, .mat, .zarr, .pt. Of several,
        in natural order of their names ("p9" before "p10"), the samples follow one another if all
        have the same layers; a vector is the one sample of its file then. Several files of one
        array each are one layer each, named by the file.
    layers : str or sequence of str, optional
        Patterns of the names to take. By default all.
    split_axis : {1}, optional
        Arrays are (n_samples, n_layers, n_features): each entry of axis 1 is a layer, named "0",
        "1", ..., or "name.0", ... where a file holds several arrays.
    layout : {"flatten"}, optional
        What is done to arrays of more axes: every entry of all axes but the first is a unit. Other
        layouts are for arrays in memory, or mapped by numpy, which `compare` takes.
    ids : str, optional
        Name of an array of each file that identifies its samples. `compare` refuses layers whose
        ids differ, or are in another order.

    Returns
    -------
    LayersOnDisk
        A mapping of names to layers, for `compare`, `plan` and everything that takes arrays.

    Raises
    ------
    OSError
        If a file cannot be opened.
    ValueError, TypeError
        If a file is not what its suffix says, is cut off, holds layers of different numbers of
        samples or other layers than the first one, or an argument is out of range.
    ImportError
        If a format needs a package that is missing; the message names the extra.

    Notes
    -----
    Nothing is unpickled and no code of a file is run: .pt files are read with ``weights_only``.
    `compare` reads every file once, by blocks of rows, where the measure allows it; see
    `Accumulator`. A file that has changed in between is refused.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     for k in range(12):
    ...         np.save(f"{folder}/prompt{k}.npy", np.full((3 + k, 2, 4), k, "f4"))
    ...     opened = gm.open(f"{folder}/*.npy", split_axis=1)
    >>> dict(opened)
    {'0': <LayerOnDisk '0': 102 x 4, float32>, '1': <LayerOnDisk '1': 102 x 4, float32>}
    """
    if layout is not None:
        layout = _checked_layout(layout)
    if split_axis is not None and check_integer("split_axis", split_axis) != 1:
        raise ValueError(f"split_axis must be None or 1, got {split_axis}.")
    if ids is not None and not isinstance(ids, str):
        raise refuse_type("ids", "None or the name of an array", ids)
    patterns = [layers] if isinstance(layers, str) else list(layers or ())
    if not all(isinstance(pattern, str) for pattern in patterns):
        raise refuse_type("layers", "a pattern or patterns", layers)
    from .._input.joining import tables_of  # which takes long to import
    from .._input.notes import notes_of

    tables, called = tables_of(source, patterns, split_axis, ids, flatten=layout == "flatten")
    opened = LayersOnDisk(tables, called)
    notes = notes_of(tables[0].path)
    if all(notes_of(table.path) == notes for table in tables[1:]):
        opened._notes = notes
    return opened


def _checked_layout(layout: Any) -> str:
    """Return the only layout that rows of files can have, and say who takes others."""
    rule = "None or 'flatten'"
    if isinstance(layout, str) and same_word(layout, _LAYOUTS) is None:
        meant = did_you_mean(layout, _LAYOUTS)
        raise ValueError(
            f"layout must be {rule} for files, got {shown(layout)}.{meant} "
            "gramian.compare takes layouts of letters, of arrays: numpy.load(path, mmap_mode='r') "
            "is one without reading it."
        )
    return check_choice("layout", layout, _LAYOUTS, rule)
