"""Types for annotations: the names of measures and kernels, and what arrays and layers may be.

>>> from gramian.typing import MeasureName
>>> measure: MeasureName = "cka"
"""

from ._input.annotations import ArrayLike, Layers, NanPolicy
from ._measures.hsic.kernels import KernelName
from ._measures.names import MeasureName, Options

__all__ = ["ArrayLike", "KernelName", "Layers", "MeasureName", "NanPolicy", "Options"]
