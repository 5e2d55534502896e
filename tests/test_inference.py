"""Permutation tests, the bootstrap and the jackknife of one pair, against calls of their own."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from inputs import pair
from variants import EXACT, KERNELS, Variant, tolerance

import gramian as gm
from gramian._inference.draws import Draws, check_groups, check_rng
from gramian._inference.methods import calibrate
from gramian._measures.registry import MEASURES

MEASURED = [
    Variant(name, row, EXACT.get(name, {}))
    for name, row in MEASURES.items()
    if name != "sparse_prediction"  # whose iterations take long
]
OF_GRAMS = [
    Variant(
        f"{name}-{kernel}{switch}",
        MEASURES[name],
        {**options, **({switch: True} if switch else {})},
    )
    for name, switches in (("cka", ("", "debiased")), ("hsic", ("", "unbiased")))
    for kernel, options in KERNELS.items()
    for switch in switches
] + [
    Variant(
        f"distance_correlation{switch}",
        MEASURES["distance_correlation"],
        {switch: True} if switch else {},
    )
    for switch in ("", "unbiased")
]


def each(variants: list[Variant]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("variant", variants, ids=lambda variant: variant.name)


def draws_of(n: int, rng: int, groups: Any = None) -> Draws:
    return Draws(n, check_groups(groups, n), check_rng(rng))


def held(variant: Variant, X: np.ndarray, Y: np.ndarray, samples: np.ndarray) -> float:
    """The measure of some samples by a call of its own, widths as all samples have them."""
    options = dict(variant.options)
    kernel = options.get("kernel")
    named = {"rbf": gm.RBF(), "laplacian": gm.Laplacian()}
    kernel = named.get(kernel, kernel)
    if getattr(kernel, "bandwidth", None) is not None or "bandwidth" in options:
        width = options.pop("bandwidth", None) or kernel.bandwidth
        X, Y = (array / (width * median(array, type(kernel))) for array in (X, Y))
        options["kernel"] = type(kernel)(sigma=1.0)
    return variant.measure.call(X[samples], Y[samples], **options)


def median(X: np.ndarray, kernel: type) -> float:
    """The median distance as a kernel takes it: of squares and their root, or of distances."""
    squares = np.sum((X[:, None] - X) ** 2, axis=2)
    if kernel is gm.RBF:
        return float(np.sqrt(np.median(squares)))
    return float(np.median(np.sqrt(squares)))


@pytest.mark.parametrize("size", [(31, 4, 6), (20, 3, 1), (12, 5, 15)])
def test_jackknife_of_regression_is_n_recomputations(size: tuple[int, int, int]) -> None:
    """By residuals and leverages; the last pair has more units than samples, and R² 1."""
    X, Y = pair(*size)
    Y[:, 0] += 3 * X[:, 0]
    n = len(X)
    for groups in (None, np.arange(n) // 4):
        labels = np.arange(n) if groups is None else groups
        found = gm.jackknife(X, Y, measure="linear_regression", groups=groups)
        expected = [gm.linear_regression(X[labels != k], Y[labels != k]) for k in np.unique(labels)]
        np.testing.assert_allclose(found.replicates, expected, rtol=0, atol=1e-10)
        assert found.left_out == ("samples" if groups is None else "groups")
    one_hot = np.eye(3)[np.arange(n) % 3]
    one_hot[0] = 0  # a sample that decides a direction alone
    found = gm.jackknife(X, one_hot, measure="linear_regression")
    every = np.arange(n)
    expected = [gm.linear_regression(X[every != k], one_hot[every != k]) for k in range(n)]
    np.testing.assert_allclose(found.replicates, expected, rtol=0, atol=1e-10)
    held_out = gm.jackknife(X, Y, measure="linear_regression", cross_validate=3)
    assert held_out.left_out == ("blocks" if n > 50 else "samples")


def test_svcca_keeps_as_many_directions_as_all_samples_have() -> None:
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 8)) * np.linspace(3, 0.3, 8)
    Y = X[:, ::-1] + rng.standard_normal((40, 8))
    whole = gm.svcca(X, Y, variance=0.9, full_output=True)
    x, y = whole.x_components, whole.y_components
    assert x < y
    found = gm.bootstrap(X, Y, measure="svcca", variance=0.9, n_resamples=6, rng=2)
    changed = 0
    for k in range(6):
        half = draws_of(40, 2).chosen(k, "half")
        A, B = X[half] - X[half].mean(0), Y[half] - Y[half].mean(0)
        directions = [np.linalg.svd(Z)[0][:, :kept] for Z, kept in ((A, x), (B, y))]
        rho = np.linalg.svd(directions[0].T @ directions[1], compute_uv=False)
        assert found.replicates[k] == pytest.approx(rho.sum() / x, rel=0, abs=1e-12)
        own = gm.svcca(X[half], Y[half], variance=0.9, full_output=True)
        changed += (own.x_components, own.y_components) != (x, y)
    assert changed > 0


def test_a_line_with_itself() -> None:
    X = np.arange(25.0)[:, None]
    assert gm.permutation_test(X, X, n_permutations=100, rng=0).pvalue == 1 / 101


@each(MEASURED)
def test_the_null_is_that_of_separate_calls(variant: Variant, dtype: str, device: str) -> None:
    X, Y = (array.astype(dtype) for array in pair(23, 3, 4))
    options = {**variant.options, "measure": variant.measure.name, "device": device}
    found = gm.permutation_test(X, Y, n_permutations=9, rng=3, **options)
    orders = draws_of(23, 3).orders(0, 9)
    expected = [variant(X, Y[order], device) for order in orders]
    atol = tolerance(dtype, variant.scale(X, Y))
    np.testing.assert_allclose(found.null, expected, rtol=0, atol=atol)
    compared = gm.compare([X], [Y], **options)
    assert found.statistic == compared.values[0, 0]
    extreme = np.less_equal if variant.measure.distance else np.greater_equal
    assert found.pvalue == (1 + np.sum(extreme(expected, found.statistic))) / 10


@each(OF_GRAMS)
def test_jackknife_is_n_recomputations(variant: Variant) -> None:
    """Of samples, and of groups of several sizes, to 1e-10."""
    n = 31
    X, Y = pair(n, 4, 6)
    scale = variant.scale(X, Y)
    for groups in (None, np.arange(n) // 4):
        found = gm.jackknife(X, Y, measure=variant.measure.name, groups=groups, **variant.options)
        labels = np.arange(n) if groups is None else groups
        expected = [
            held(variant, X, Y, np.flatnonzero(labels != label)) for label in np.unique(labels)
        ]
        np.testing.assert_allclose(found.replicates, expected, rtol=0, atol=1e-10 * scale)
        assert found.left_out == ("samples" if groups is None else "groups")
        if groups is None:  # the textbook's formula
            error = math.sqrt((n - 1) / n * np.sum((expected - np.mean(expected)) ** 2))
            bias = (n - 1) * (np.mean(expected) - found.statistic)
            assert found.standard_error == pytest.approx(error)
            assert found.bias == pytest.approx(bias, rel=1e-7, abs=1e-12 * n * scale)


@each(OF_GRAMS)
def test_halves_are_those_of_separate_calls(variant: Variant) -> None:
    X, Y = pair(30, 4, 6)
    found = gm.bootstrap(
        X, Y, measure=variant.measure.name, n_resamples=6, rng=5, **variant.options
    )
    draws = draws_of(30, 5)
    expected = [held(variant, X, Y, draws.chosen(k, "half")) for k in range(6)]
    atol = 1e-10 * variant.scale(X, Y)
    np.testing.assert_allclose(found.replicates, expected, rtol=0, atol=atol)


@each(MEASURED)
def test_blocks_are_left_out_where_samples_would_cost_too_much(variant: Variant) -> None:
    X, Y = pair(120, 3, 4)
    found = gm.jackknife(X, Y, measure=variant.measure.name, **variant.options)
    name = variant.measure.name
    alone = variant.of_kernels or name in ("distance_correlation", "linear_regression")
    assert (len(found.replicates), found.left_out) == (
        (120, "samples") if alone else (50, "blocks")
    )
    if not alone:
        expected = variant(X[np.arange(120) % 50 != 7], Y[np.arange(120) % 50 != 7], "cpu")
        assert found.replicates[7] == pytest.approx(expected, rel=0, abs=1e-12)
    assert found.standard_error > 0
    low, high = found.interval
    assert found.statistic - low == pytest.approx(1.959963984540054 * found.standard_error)
    assert high - found.statistic == pytest.approx(1.959963984540054 * found.standard_error)


@pytest.mark.parametrize(
    ("groups", "reason"),
    [
        (np.zeros(12), "there is only one group"),
        (np.repeat([0, 1, 2], [3, 4, 5]), "all groups have different sizes"),
    ],
)
def test_no_order_is_nan_with_a_reason(groups: np.ndarray, reason: str) -> None:
    with pytest.warns(RuntimeWarning, match=reason):
        found = gm.permutation_test(*pair(12, 2, 3), groups=groups)
    assert np.isnan([found.pvalue, found.threshold, found.calibrated]).all()
    assert reason in found.reason
    assert np.isfinite(found.statistic)


@pytest.mark.parametrize(
    ("function", "n", "options", "reason"),
    [
        (gm.jackknife, 12, {"groups": np.zeros(12)}, "there is only one group"),
        (gm.bootstrap, 12, {"groups": np.zeros(12)}, "there is only one group"),
        (gm.jackknife, 4, {"debiased": True}, "no more than 3 samples, and cka needs 4"),
        (gm.bootstrap, 7, {"debiased": True}, "no more than 3 samples, and cka needs 4"),
        (gm.jackknife, 2, {"measure": "procrustes"}, "1 samples, and procrustes needs 2"),
    ],
)
def test_too_few_samples_are_nan_with_a_reason(
    function: Any, n: int, options: dict[str, Any], reason: str
) -> None:
    with pytest.warns(RuntimeWarning, match=reason):
        found = function(*pair(n, 1, 1), **options)
    assert np.isnan([found.standard_error, *found.interval, found.bias]).all()
    assert reason in found.reason


@pytest.mark.parametrize("measure", ["cka", "cca", "procrustes"])
def test_the_same_bits_on_any_number_of_threads(measure: str) -> None:
    X, Y = pair(100, 5, 6)
    before = gm.get_num_threads()
    found = []
    try:
        for threads in (1, 2, 5):
            gm.set_num_threads(threads)
            options = {"measure": measure, "rng": 7}
            test = gm.permutation_test(X, Y, n_permutations=50, **options)
            spread = gm.bootstrap(X, Y, n_resamples=20, **options)
            left = gm.jackknife(X, Y, measure=measure)
            found.append((*test.null, *spread.replicates, *left.replicates))
    finally:
        gm.set_num_threads(before)
    assert found[0] == found[1] == found[2]


def test_seeds() -> None:
    X, Y = pair(40, 3, 4)
    first = gm.permutation_test(X, Y, n_permutations=20, rng=1).null
    np.testing.assert_array_equal(gm.permutation_test(X, Y, n_permutations=20, rng=1).null, first)
    more = gm.permutation_test(X, Y, n_permutations=99, rng=1).null
    np.testing.assert_allclose(more[:20], first, rtol=0, atol=1e-15)
    generator = np.random.default_rng(1)
    np.testing.assert_array_equal(
        gm.permutation_test(X, Y, n_permutations=20, rng=generator).null, first
    )
    again = gm.permutation_test(X, Y, n_permutations=20, rng=generator).null
    assert not np.array_equal(again, first)  # the generator has gone on
    assert not np.array_equal(gm.permutation_test(X, Y, n_permutations=20).null, first)
    with pytest.raises(ValueError, match="rng must be an integer of at least 0, got -1"):
        gm.permutation_test(X, Y, rng=-1)


def test_groups_move_as_a_whole() -> None:
    labels = np.array(list("abcabdacbd"))  # sizes 3, 3, 2, 2
    draws = draws_of(10, 0, labels)
    assert draws.n_orders() == pytest.approx(4)
    for order in draws.orders(0, 20):
        assert sorted(order) == list(range(10))
        for label in "abcd":
            (target,) = {labels[k] for k in order[labels == label]}
            np.testing.assert_array_equal(order[labels == label], np.flatnonzero(labels == target))
    assert len({tuple(order) for order in draws.orders(0, 50)}) == 4


def test_calibrated() -> None:
    """Gröger et al. 2026, and `calibrate` of calibrated-similarity 0.1.1 on the same null."""
    X, Y = pair(60, 4, 5)
    found = gm.permutation_test(X, Y, n_permutations=200, rng=0, level=0.9)
    together = sorted([found.statistic, *found.null])
    threshold = together[math.ceil(0.9 * 201) - 1]
    assert found.threshold == pytest.approx(threshold, rel=0, abs=1e-14)
    expected = max(0, (found.statistic - threshold) / (1 - threshold))
    assert found.calibrated == pytest.approx(expected, rel=0, abs=1e-12)
    score, _ = calibrate(np.array([[0.1]]), np.array([[[0.2]], [[0.3]]]), 0.5, 1e-16)
    assert score[0, 0] == 0
    assert np.isnan(gm.permutation_test(X, Y, measure="hsic", n_permutations=5).calibrated)
