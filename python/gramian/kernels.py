"""Kernels for HSIC and CKA, as small immutable values."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["RBF", "Kernel", "Linear", "resolve"]


def _positive(name: str, value: float) -> float:
    """Return `value` as a float, or say which rule it breaks."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        try:
            value = float(value)  # numpy scalars; strings of digits are not numbers here
        except (TypeError, ValueError):
            raise TypeError(f"{name} must be a number, got {type(value).__name__}.") from None
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{name} must be finite and > 0, got {value:g}.")
    return float(value)


@dataclass(frozen=True)
class Linear:
    """Linear kernel, k(x, y) = x'y on centered features."""


@dataclass(frozen=True)
class RBF:
    """Gaussian kernel, k(x, y) = exp(-|x - y|² / (2 sigma²)).

    Parameters
    ----------
    sigma : float, optional
        Width, in the units of the features. Used for every representation.
    bandwidth : float, optional
        Width as a fraction of the median distance between samples, each
        representation by its own median (Kornblith et al. 2019). The default
        is 1.0 when `sigma` is not given.

    Raises
    ------
    ValueError
        If both are given, or one is not finite and positive.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.RBF(sigma=3.0)
    RBF(sigma=3.0, bandwidth=None)
    >>> gm.RBF(bandwidth=0.5)
    RBF(sigma=None, bandwidth=0.5)
    """

    sigma: float | None = None
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        if self.sigma is not None and self.bandwidth is not None:
            raise ValueError(
                f"give RBF either sigma or bandwidth, got sigma={self.sigma:g} and "
                f"bandwidth={self.bandwidth:g}."
            )
        if self.sigma is not None:
            object.__setattr__(self, "sigma", _positive("sigma", self.sigma))
        else:
            width = 1.0 if self.bandwidth is None else self.bandwidth
            object.__setattr__(self, "bandwidth", _positive("bandwidth", width))


Kernel = Linear | RBF


def resolve(kernel: str | Kernel, bandwidth: float | None = None) -> Kernel:
    """Turn the `kernel` and `bandwidth` arguments of a public function into a kernel."""
    if isinstance(kernel, str) and kernel == "rbf":
        return RBF(bandwidth=1.0 if bandwidth is None else bandwidth)
    if isinstance(kernel, str) and kernel == "linear":
        kernel = Linear()
    if not isinstance(kernel, (Linear, RBF)):
        raise ValueError(f"kernel must be 'linear', 'rbf' or a kernel object, got {kernel!r}.")
    if bandwidth is not None:
        raise ValueError(
            f"bandwidth is an option of kernel='rbf' only, got bandwidth={bandwidth!r} with {kernel!r}."
        )
    return kernel
