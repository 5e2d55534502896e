"""What must not change a value: declared transformations, order, threads, and other layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import inputs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from variants import EXACT, Variant, tolerance

import gramian as gm
from gramian._measures.registry import MEASURES, Measure

pytestmark = pytest.mark.usefixtures("remarks_of_cca")

Array = np.ndarray
Transformation = Callable[[Array, np.random.Generator], Array]


def _orthogonal(X: Array, rng: np.random.Generator) -> Array:
    return X @ np.linalg.qr(rng.standard_normal((X.shape[1], X.shape[1])))[0]


def _invertible(X: Array, rng: np.random.Generator) -> Array:
    p = X.shape[1]
    left, right = (np.linalg.qr(rng.standard_normal((p, p)))[0] for _ in range(2))
    return X @ (left * np.linspace(1, 5, p)) @ right


TRANSFORMATIONS: dict[str, Transformation] = {
    "orthogonal": _orthogonal,
    "permutation": lambda X, rng: X[:, rng.permutation(X.shape[1])],
    "scaling": lambda X, rng: X * 10 ** rng.uniform(-3, 3),
    "translation": lambda X, rng: X + rng.standard_normal(X.shape[1]),
    "invertible_linear": _invertible,
}

sizes = st.tuples(st.integers(6, 40), st.integers(1, 50), st.integers(1, 50))
seeds = st.integers(0, 2**32 - 1)


def test_vocabulary() -> None:
    assert set().union(*(row.invariances for row in MEASURES.values())) <= set(TRANSFORMATIONS)


@given(size=sizes, seed=seeds)
def test_declared_hold(
    measure: Variant, device: str, size: tuple[int, int, int], seed: int
) -> None:
    n, p, q = size
    n += 0 if measure.of_kernels else max(p + q, 4)  # fewer, and CCA is saturated
    X, Y = inputs.pair(n, p, q, seed=seed)
    atol = tolerance("float64", measure.scale(X, Y))
    expected = measure.score(measure(X, Y, device))
    for name in sorted(measure.invariances):
        changed = TRANSFORMATIONS[name](X, np.random.default_rng(seed))
        got = measure.score(measure(changed, Y, device))
        assert got == pytest.approx(expected, rel=0, abs=atol), name


@pytest.mark.parametrize("name", TRANSFORMATIONS)
@pytest.mark.parametrize("row", MEASURES.values(), ids=lambda row: row.name)
def test_undeclared_are_violated(row: Measure, name: str, implementation: str) -> None:
    """With default options, on one example."""
    measure = Variant(row.name, row, EXACT.get(row.name, {}))
    X, Y = inputs.pair(30, 6, 5)
    changed = TRANSFORMATIONS[name](X, np.random.default_rng(1))
    difference = abs(measure(changed, Y, implementation) - measure(X, Y, implementation))
    assert (difference < 1e-10) == (name in row.invariances)


@given(size=sizes, seed=seeds)
def test_order_of_samples(
    measure: Variant, device: str, size: tuple[int, int, int], seed: int
) -> None:
    n, p, q = size
    n += 0 if measure.of_kernels else p + q  # fewer, and CCA is saturated
    measure = measure.of_all_samples()
    X, Y = inputs.pair(n, p, q, seed=seed)
    order = np.random.default_rng(seed).permutation(len(X))
    atol = tolerance("float64", measure.scale(X, Y))
    expected = measure.score(measure(X, Y, device))
    assert measure.score(measure(X[order], Y[order], device)) == pytest.approx(
        expected, rel=0, abs=atol
    )


@given(size=sizes, seed=seeds)
def test_symmetry_self_and_range(
    kernel_measure: Variant, implementation: str, size: tuple[int, int, int], seed: int
) -> None:
    X, Y = inputs.pair(*size, seed=seed)
    value, swapped, itself = (
        kernel_measure.score(kernel_measure(*arrays, implementation))
        for arrays in ((X, Y), (Y, X), (X, X))
    )
    scale = kernel_measure.scale(X, Y)
    atol = tolerance("float64", scale)
    if kernel_measure.measure.symmetric:
        assert swapped == pytest.approx(value, rel=0, abs=atol)
    if kernel_measure.measure.name == "hsic":
        assert itself > 0
        assert abs(value) <= scale + atol  # Cauchy and Schwarz
    else:
        assert itself == pytest.approx(1, rel=0, abs=atol)
        assert (-1 if kernel_measure.debiased else 0) - atol <= value <= 1 + atol


def test_distances_are_exactly_zero_at_most(device: str, dtype: str) -> None:
    """CKA above 1 by rounding is no NaN distance."""
    for seed in range(20):
        X, _ = inputs.pair(30, 4, 1, dtype, seed)
        assert 0 <= gm.cka_distance(X, X, device=device) < 1e-2


@pytest.fixture
def threads() -> Iterator[None]:
    """Leave the number of threads as it was."""
    before = gm.get_num_threads()
    yield
    gm.set_num_threads(before)


THREADS = (1, 2, 3, 5)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("shape", [(300, 20, 310), (350, 30, 20)])
def test_threads_do_not_change_bits(
    measure: Variant, device: str, dtype: str, shape: tuple[int, int, int]
) -> None:
    """Sample space and feature space."""
    X, Y = inputs.pair(*shape, dtype)
    A = {"x": X, "y": Y, "part": X[:, :3]}
    found = set()
    for count in THREADS:
        gm.set_num_threads(count)
        many = gm.compare(A, measure=measure.measure.name, **measure.options, device=device)
        found.add((measure(X, Y, device), many.values.tobytes()))
    assert len(found) == 1


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_threads_do_not_change_bits_of_many_tiles(kernel: str, device: str, dtype: str) -> None:
    X, Y = inputs.pair(1600, 20, 1700 if kernel == "linear" else 30, dtype)
    found = set()
    for count in THREADS:
        gm.set_num_threads(count)
        value = gm.cka(X, Y, kernel=kernel, debiased=True, device=device)
        found.add((value, gm.gram(X, kernel=kernel, device=device).tobytes()))
    assert len(found) == 1


def test_repeats_do_not_change_bits(measure: Variant, implementation: str, dtype: str) -> None:
    X, Y = inputs.pair(300, 5, 6, dtype)
    assert measure(X, Y, implementation) == measure(X, Y, implementation)
