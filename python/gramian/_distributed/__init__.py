"""Comparisons of layers that are on many machines."""

from .._compare.elsewhere import takes
from . import dask_arrays

takes(dask_arrays.is_dask, dask_arrays.compare)
