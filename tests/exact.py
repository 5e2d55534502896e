"""HSIC and CKA of polynomial kernels in whole numbers: not a digit is lost."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

BITS = 70  # behind the point of an element


@dataclass(frozen=True)
class Whole:
    """A Gram matrix of Python's integers, in a unit."""

    values: Any
    unit: Fraction


def polynomial(X: Any, degree: int, constant: float) -> Whole:
    """(x'y / p + constant)^degree."""
    whole = np.array([[int(Fraction(float(x)) * 2**BITS) for x in row] for row in X], dtype=object)
    unit = X.shape[1] * 2 ** (2 * BITS)
    values = (whole @ whole.T + int(Fraction(constant) * unit)) ** degree
    return Whole(values, Fraction(1, unit**degree))


def hsic(K: Whole, L: Whole, unbiased: bool) -> Fraction:
    """As Gretton et al. (2005), or Song et al. (2012)."""
    k, m, n = K.values.copy(), L.values.copy(), len(K.values)
    if unbiased:
        np.fill_diagonal(k, 0)
        np.fill_diagonal(m, 0)
    products, rows = int((k * m).sum()), int(k.sum(0) @ m.sum(0))
    total = int(k.sum()) * int(m.sum())
    if unbiased:
        value = products - Fraction(2 * rows, n - 2) + Fraction(total, (n - 1) * (n - 2))
        value /= n * (n - 3)
    else:
        value = (products - Fraction(2 * rows, n) + Fraction(total, n * n)) / (n - 1) ** 2
    return value * K.unit * L.unit


def cka(K: Whole, L: Whole, debiased: bool) -> float:
    """Rounded once or twice."""
    cross = hsic(K, L, debiased)
    value = math.sqrt(cross**2 / hsic(K, K, debiased) / hsic(L, L, debiased))
    return value if cross > 0 else -value


def centered(K: Whole) -> Any:
    """HKH in double."""
    n = len(K.values)
    rows, total = K.values.sum(0), K.values.sum()
    whole = n * n * K.values - n * (rows + rows[:, None]) + total
    return np.array([[float(value * K.unit / n**2) for value in row] for row in whole])
