"""Kernels for HSIC and CKA, as small immutable values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..._input.options import check_choice, check_integer, check_number, plain, shown

__all__ = [
    "RBF",
    "Cosine",
    "Distance",
    "Kernel",
    "KernelName",
    "Laplacian",
    "Linear",
    "Polynomial",
    "Precomputed",
    "check_bandwidth",
    "check_kernel",
    "check_sample",
    "check_sigma",
    "kernel_of",
    "name_of",
    "resolve",
]


def _positive(name: str, value: Any) -> float:
    number = check_number(name, value)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be finite and > 0, got {plain(number)}.")
    return number


def _set_width(kernel: RBF | Laplacian) -> None:
    """Check that a kernel has one of `sigma` and `bandwidth`, the latter 1 by default."""
    if kernel.sigma is not None and kernel.bandwidth is not None:
        raise ValueError(
            f"give {type(kernel).__name__} either sigma or bandwidth, got "
            f"sigma={shown(kernel.sigma)} and bandwidth={shown(kernel.bandwidth)}."
        )
    if kernel.sigma is not None:
        object.__setattr__(kernel, "sigma", _positive("sigma", kernel.sigma))
    else:
        width = 1.0 if kernel.bandwidth is None else kernel.bandwidth
        object.__setattr__(kernel, "bandwidth", _positive("bandwidth", width))


@dataclass(frozen=True)
class Linear:
    """Linear kernel, k(x, y) = x'y on centered features.

    Examples
    --------
    >>> import gramian as gm
    >>> X, Y = [[1.0, 2.0], [3.0, 1.0], [0.0, 1.0]], [[1.0], [2.0], [4.0]]
    >>> gm.hsic(X, Y, kernel=gm.Linear()) == gm.hsic(X, Y)
    True
    """

    __module__ = "gramian"


@dataclass(frozen=True)
class RBF:
    """Gaussian kernel, ``k(x, y) = exp(-|x - y|² / (2 sigma²))``.

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

    __module__ = "gramian"

    sigma: float | None = None
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        _set_width(self)


@dataclass(frozen=True)
class Laplacian:
    """Laplacian kernel, ``k(x, y) = exp(-|x - y| / sigma)``, with the Euclidean norm.

    Parameters
    ----------
    sigma, bandwidth : float, optional
        As for `RBF`.

    Raises
    ------
    ValueError
        If both are given, or one is not finite and positive.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.Laplacian(sigma=2)
    Laplacian(sigma=2.0, bandwidth=None)
    """

    __module__ = "gramian"

    sigma: float | None = None
    bandwidth: float | None = None

    def __post_init__(self) -> None:
        _set_width(self)


@dataclass(frozen=True)
class Distance:
    """Negative distance, k(x, y) = -|x - y|: the kernel of distance correlation."""


@dataclass(frozen=True)
class Polynomial:
    """Polynomial kernel, k(x, y) = (x'y / p + constant)^degree of p features, not centered.

    Parameters
    ----------
    degree : int, default 3
        From 1 to 16.
    constant : float, default 1.0
        At least 0, so that the kernel is positive semidefinite.

    Raises
    ------
    TypeError, ValueError
        If one is no number, or out of range.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.Polynomial(2)
    Polynomial(degree=2, constant=1.0)
    """

    __module__ = "gramian"

    degree: int = 3
    constant: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", check_integer("degree", self.degree))
        object.__setattr__(self, "constant", check_number("constant", self.constant))
        if not 1 <= self.degree <= 16:
            raise ValueError(f"degree must be between 1 and 16, got {self.degree}.")
        if not (math.isfinite(self.constant) and self.constant >= 0):
            raise ValueError(f"constant must be finite and >= 0, got {plain(self.constant)}.")


@dataclass(frozen=True)
class Cosine:
    """Cosine kernel, ``k(x, y) = x'y / (|x| |y|)`` of features that are not centered.

    It is 0 where x or y is 0.

    Examples
    --------
    >>> import gramian as gm
    >>> gm.gram([[2.0, 0.0], [3.0, 3.0], [0.0, 0.5]], kernel=gm.Cosine()).round(3)
    array([[ 0.51 , -0.019, -0.49 ],
           [-0.019,  0.038, -0.019],
           [-0.49 , -0.019,  0.51 ]])
    """

    __module__ = "gramian"


@dataclass(frozen=True)
class Precomputed:
    """The representation is its own Gram matrix, (n_samples, n_samples) and symmetric."""


Kernel = Linear | RBF | Laplacian | Distance | Polynomial | Cosine | Precomputed

KernelName = Literal["linear", "rbf", "laplacian", "polynomial", "cosine", "precomputed"]
NAMED: dict[str, type[Kernel]] = {
    "linear": Linear,
    "rbf": RBF,
    "laplacian": Laplacian,
    "polynomial": Polynomial,
    "cosine": Cosine,
    "precomputed": Precomputed,
}


def check_kernel(kernel: Any) -> str | Kernel:
    """Refuse what names no kernel, and is none."""
    if isinstance(kernel, Kernel) or (isinstance(kernel, str) and kernel in NAMED):
        return kernel
    rule = f"one of {', '.join(map(repr, NAMED))} or a kernel object"
    return check_choice("kernel", kernel, tuple(NAMED), rule)


def check_bandwidth(bandwidth: Any) -> float | None:
    """Refuse a width that no kernel can have."""
    return None if bandwidth is None else _positive("bandwidth", bandwidth)


def check_sigma(sigma: Any) -> float | None:
    """Refuse a width that no kernel can have."""
    return None if sigma is None else _positive("sigma", sigma)


def check_sample(sample: Any) -> int | None:
    """Refuse numbers of samples that have no distance."""
    return None if sample is None else check_integer("bandwidth_sample", sample, least=2)


def resolve(
    kernel: str | Kernel, bandwidth: float | None = None, sigma: float | None = None
) -> Kernel:
    """Turn `kernel`, `bandwidth` and `sigma` of a public function into a kernel."""
    kernel = check_kernel(kernel)
    width = {"sigma": check_sigma(sigma), "bandwidth": check_bandwidth(bandwidth)}
    if isinstance(kernel, str):
        kind = NAMED[kernel]
        if kind is RBF or kind is Laplacian:
            return kind(**width)
        kernel = kind()
    for name, value in width.items():
        if value is not None:
            raise ValueError(
                f"{name} is an option of kernel='rbf' and kernel='laplacian' only, got "
                f"{name}={plain(value)} with {kernel!r}."
            )
    return kernel


def lost_invariances(options: Mapping[str, Any]) -> frozenset[str]:
    """Return which invariances of the linear kernel the chosen one does not have."""
    kernel, _ = kernel_of(options)
    match kernel:
        case RBF() | Laplacian():
            return frozenset() if kernel.sigma is None else frozenset({"scaling"})
        case Polynomial():
            return frozenset({"scaling", "translation"})
        case Cosine():
            return frozenset({"translation"})
        case Precomputed():
            return frozenset({"orthogonal", "permutation", "translation"})
        case Linear() | Distance():
            return frozenset()


def name_of(kernel: Kernel) -> str:
    """Return the word for a kernel in `kernel=`."""
    return next(name for name, kind in NAMED.items() if isinstance(kernel, kind))


def kernel_of(options: Mapping[str, Any]) -> tuple[Kernel, int | None]:
    """Return the kernel, and the number of samples that its median distance is taken of."""
    kernel = resolve(
        options.get("kernel", "linear"), options.get("bandwidth"), options.get("sigma")
    )
    sample = check_sample(options.get("bandwidth_sample"))
    if sample is None:
        return kernel, None
    if getattr(kernel, "bandwidth", None) is None:
        raise ValueError(
            "bandwidth_sample is for kernels whose width is a fraction of the median distance, "
            f"got bandwidth_sample={sample} with {kernel!r}."
        )
    return kernel, sample
