"""The named sizes, the limits they are held to, and the data they run on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

__all__ = ["CASES", "Case", "all_cases", "layers"]

ROWS = 1024  # layers are filled a block at a time, so that no temporary as large as a layer exists
LATENTS = 16


@dataclass(frozen=True)
class Case:
    """One size: `widths` of the first model's layers and, unless it is a pair, of the second's."""

    name: str
    n: int
    widths: tuple[int, ...]
    measure: str = "cka"
    kernel: str = "linear"
    sigma: float | None = None  # None with an RBF kernel: the exact median
    options: dict[str, Any] = field(default_factory=dict)  # further ones of ours
    dtype: str = "float32"
    peers: tuple[str, ...] = ("numpy", "torch")
    reference: bool = True  # False where the float64 reference takes more than a few seconds
    floor: bool = True  # False where starting threads from Python takes longer than the products
    limits: dict[str, float] = field(default_factory=dict)  # "floor": at most; a peer: at least
    seed: int = 0
    condition: float | None = None  # of a layer, if the data have a falling spectrum

    @property
    def pair(self) -> bool:
        """Whether it is one layer against one, rather than one model against another."""
        return len(self.widths) == 1

    @property
    def contestants(self) -> tuple[str, ...]:
        """Everything that is timed, in the order of the table."""
        reference = ("reference",) if self.reference else ()
        return ("gramian", *reference, *self.peers, *(("floor",) if self.floor else ()))

    def __str__(self) -> str:
        count = "one pair" if self.pair else f"{len(self.widths)} x {len(self.widths)}"
        kernel = self.kernel if self.measure == "cka" else self.measure
        if self.kernel == "rbf":
            kernel += ", median" if self.sigma is None else f", sigma={self.sigma:g}"
        words = [kernel, count, f"n={self.n:,}", f"p={self.widths[0]:,}", self.dtype]
        if self.condition is not None:
            words.append(f"condition {self.condition:g}")
        words += [
            name if value is True else f"{name}={value}" for name, value in self.options.items()
        ]
        return ", ".join(words)


def layers(case: Case) -> tuple[list[Any], list[Any]]:
    """Return the layers of the two models, C-ordered, made from the case's seed.

    Each unit is one of 16 shared latent variables plus noise, so that no similarity is near 0 or 1.
    Deeper layers carry more noise. No BLAS is called: a pool that has run once would disturb
    the contestant that follows.
    """
    rng = np.random.default_rng(case.seed)
    dtype = np.dtype(case.dtype)
    if case.condition is not None:
        return _conditioned(case, rng, dtype, case.condition)
    latent = rng.standard_normal((case.n, LATENTS)).astype(dtype)
    models: tuple[list[Any], list[Any]] = ([], [])
    for model in models:
        for depth, width in enumerate(case.widths, start=1):
            layer = np.empty((case.n, width), dtype)
            units = rng.integers(0, LATENTS, width)
            noise = dtype.type(1 + depth / len(case.widths))
            for start in range(0, case.n, ROWS):
                block = layer[start : start + ROWS]
                rng.standard_normal(dtype=dtype.type, out=block)
                block *= noise
                block += latent[start : start + ROWS, units]
            model.append(layer)
    return models


def _conditioned(case: Case, rng: Any, dtype: Any, condition: float) -> tuple[list[Any], list[Any]]:
    """Return layers of this condition number, rotated, with 64 factors in common.

    By Hartley transforms of columns of random sign, which are rotations without a BLAS.
    """
    factors = rng.standard_normal((case.n, 64), dtype=dtype.type)
    models: tuple[list[Any], list[Any]] = ([], [])
    for model in models:
        for width in case.widths:
            layer = rng.standard_normal((case.n, width), dtype=dtype.type)
            common = min(64, width)
            layer[:, :common] += factors[:, :common]
            # Half of what is asked for is in the factors, whose variance is doubled.
            layer *= np.geomspace(1, 2 / condition, width).astype(dtype)
            layer *= rng.choice([-1, 1], width).astype(dtype)
            for start in range(0, case.n, ROWS):
                waves = np.fft.fft(layer[start : start + ROWS], axis=1, norm="ortho")
                layer[start : start + ROWS] = waves.real - waves.imag
            model.append(layer)
    return models


def all_cases() -> dict[str, Case]:
    """Return the cases below, and a small one for every measure that is in none of them.

    A function, since whatever imports this file is timed, and must not have to load gramian.
    """
    from gramian._measures.registry import MEASURES

    timed = {case.measure for case in CASES.values()}
    small = Case("", n=1000, widths=(64,), peers=(), floor=False)
    rest = [name for name in MEASURES if name not in timed]
    return CASES | {name: replace(small, name=name, measure=name) for name in rest}


# A fixed sigma is about 0.6 of the median distance here, where no entry of K is negligible.
_RBF_PAIR = Case(
    "rbf-pair",
    n=5000,
    widths=(512,),
    kernel="rbf",
    sigma=45.0,
    peers=("numpy demo", "numpy rbf", "torch rbf"),
    limits={"floor": 1.4, "numpy demo": 12.0},
)
_LINEAR_MAP = Case(
    "linear-map",
    n=2048,
    widths=(768,) * 12,
    peers=("numpy pairwise", "numpy grams", "torch grams", "pytorch-cka"),
    reference=False,
    limits={"floor": 1.25, "pytorch-cka": 1.8, "numpy pairwise": 9.0},
)
_SMALL = Case("small-linear", n=500, widths=(64,), floor=False)
_CCA = Case(
    "cca",
    n=10_000,
    widths=(512,),
    measure="cca",
    condition=20,
    peers=("anatome", "google cca", "numpy qr"),
    reference=False,
    limits={"anatome": 2.5, "google cca": 4, "numpy qr": 8},
)
_SVCCA_MAP = replace(
    _CCA,
    name="svcca-map",
    n=5000,
    widths=(256,) * 12,
    measure="svcca",
    peers=("google svcca",),
    limits={"google svcca": 20},
)

CASES = {
    case.name: case
    for case in (
        Case(
            "linear-pair",
            n=10_000,
            widths=(512,),
            limits={"floor": 1.35, "torch": 1.1, "numpy": 1.25},
        ),
        _LINEAR_MAP,
        _RBF_PAIR,
        replace(
            _RBF_PAIR,
            name="rbf-pair-median",
            sigma=None,
            limits={"floor": 2.6, "numpy demo": 8.0},
        ),
        replace(
            _LINEAR_MAP,
            name="rbf-map",
            n=4000,
            widths=(512,) * 12,
            kernel="rbf",
            sigma=45.0,
            peers=("numpy rbf grams", "torch rbf grams"),
            limits={"floor": 1.4},
        ),
        Case(
            "debiased", n=5000, widths=(512,), options={"debiased": True}, peers=("numpy debiased",)
        ),
        Case("wide", n=1000, widths=(4096,), peers=("numpy gram", "torch")),
        Case("float64", n=5000, widths=(512,), dtype="float64"),
        replace(_RBF_PAIR, name="float64-rbf", n=2000, dtype="float64", limits={}),
        Case(
            "sparse-path",
            n=20_000,
            widths=(512,),
            measure="sparse_prediction",
            dtype="float64",
            peers=("lasso_path",),
            reference=False,
            floor=False,
            limits={"lasso_path": 10.0},
        ),
        _SMALL,
        replace(_SMALL, name="small-rbf", kernel="rbf", peers=("numpy demo", "torch rbf")),
        replace(_SMALL, name="overhead", n=100, widths=(10,)),
        _CCA,
        replace(
            _CCA,
            name="cca-1e3",
            condition=1e3,
            limits={"anatome": 1.9, "google cca": 3, "numpy qr": 7.5},
        ),
        replace(
            _CCA,
            name="r2-cca",
            measure="cca_squared",
            peers=("numpy qr squared",),
            # One pass, 2.0 of the floor, leaves 400 eps at this condition.
            limits={"floor": 3, "numpy qr squared": 10},
        ),
        replace(
            _CCA,
            name="pwcca",
            measure="pwcca",
            peers=("google pwcca",),
            limits={"google pwcca": 6},
        ),
        replace(
            _CCA,
            name="shape-distance",
            n=5000,
            widths=(1024,),
            measure="shape_distance",
            peers=("netrep",),
            limits={"netrep": 2.5},
        ),
        _SVCCA_MAP,
        replace(
            _SVCCA_MAP,
            name="pwcca-map",
            measure="pwcca",
            peers=("google pwcca",),
            limits={"google pwcca": 20},
        ),
    )
}
