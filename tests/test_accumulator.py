"""Samples that come in batches give what all of them give at once."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from hard_inputs import KINDS
from inputs import rotated
from variants import Variant, tolerance, variants

import gramian as gm
from gramian._measures.gathered import ByBatches, ByProducts, ByRows
from gramian._measures.registry import MEASURES

Array = np.ndarray
Layers = dict[str, Array]
OF_BATCHES: dict[str, dict[str, Any]] = {
    "ridge_regression": {"alphas": 3.0, "cross_validate": None}
}
N = 307  # a prime, so that a last batch is uneven


def layers(dtype: str, offset: float = 0, condition: float = 20) -> tuple[Layers, Layers]:
    rng = np.random.default_rng(5)
    common = rng.standard_normal((N, 4))

    def layer(p: int) -> Array:
        X = common @ rng.standard_normal((4, p)) + rng.standard_normal((N, p))
        return (rotated(X, condition, p) + offset).astype(dtype)

    shared = layer(7)
    return {"conv": layer(6), "both": shared}, {"dense": layer(9), "both": shared}


def options_of(variant: Variant) -> dict[str, Any]:
    """A sum may not be as precise as what an iteration is stopped at."""
    return {**variant.options, "tol": 1e-14} if "tol" in variant.options else variant.options


def split(data: Mapping[str, Array], rows: Any) -> Layers:
    return {name: X[rows] for name, X in data.items()}


def tree(parts: Sequence[gm.Accumulator]) -> gm.Accumulator:
    """Merge them two by two."""
    while len(parts) > 1:
        pairs = [parts[k : k + 2] for k in range(0, len(parts), 2)]
        parts = [pair[0].merge(pair[1]) if len(pair) > 1 else pair[0] for pair in pairs]
    return parts[0]


def streamed(variant: Variant) -> Variant:
    """Ridge regression takes batches with one penalty, of a fit of all samples."""
    return replace(variant, options=variant.options | OF_BATCHES.get(variant.measure.name, {}))


def is_exact(variant: Variant) -> bool:
    return not isinstance(variant.measure.gathering(variant.options), ByBatches)


@pytest.mark.parametrize(
    "variant", [*filter(is_exact, map(streamed, variants()))], ids=lambda v: v.name
)
@pytest.mark.parametrize("offset", [0, 1e4], ids=["about_0", "about_1e4"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_batches_are_the_whole(variant: Variant, device: str, dtype: str, offset: float) -> None:
    a, b = layers(dtype, offset)
    options = options_of(variant)
    acc = gm.Accumulator(variant.measure.name, device=device, **options)
    for start in range(0, N, 64):
        rows = slice(start, start + 64)
        acc.update(split(a, rows), split(b, rows))
    whole = gm.compare(a, b, measure=variant.measure.name, device=device, **options)
    found = acc.compute()
    scale = 1.0 if variant.measure.normalized else float(np.abs(whole.values).max())
    limit = tolerance(dtype, scale) if dtype == "float32" else 1e-12 * scale
    score = np.vectorize(variant.score)
    np.testing.assert_allclose(score(found.values), score(whole.values), rtol=0, atol=limit)
    for what in ("x_names", "y_names", "measure", "options", "n_samples"):
        assert getattr(found, what) == getattr(whole, what)


SEARCHED = [
    *(
        pytest.param(name, OF_BATCHES.get(name, {}), id=name)
        for name in MEASURES
        if name != "distance_correlation"
    ),
    pytest.param("cka", {"debiased": True}, id="cka-debiased"),
    pytest.param("hsic", {"unbiased": True}, id="hsic-unbiased"),
    pytest.param("cka_distance", {"debiased": True}, id="cka_distance-debiased"),
]


@pytest.mark.parametrize(("measure", "options"), SEARCHED)
@hypothesis.given(data=st.data())
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_any_split_and_order_and_tree(measure: str, options: Any, data: st.DataObject) -> None:
    a, b = layers("float64", data.draw(st.sampled_from([0, 1e4])), 50)
    order = np.random.default_rng(data.draw(st.integers(0, 99))).permutation(N)
    cuts = sorted(data.draw(st.sets(st.integers(1, N - 1), max_size=9)))
    parts = [rows for rows in np.split(order, cuts) if len(rows)]
    accumulators = [gm.Accumulator(measure, **options) for _ in range(data.draw(st.integers(1, 4)))]
    for k, rows in enumerate(parts):
        acc = accumulators[k % len(accumulators)]
        if data.draw(st.booleans()):
            acc = accumulators[k % len(accumulators)] = pickle.loads(pickle.dumps(acc, protocol=5))
        acc.update(split(a, rows), split(b, rows))
    found = tree(accumulators).compute().values
    whole = whole_value(measure, tuple(options.items()), float(a["conv"].mean() > 1e3))
    scale = 1 if MEASURES[measure].normalized else np.abs(whole).max()
    # Sums of products do not give a small angle more digits than its cosine; rows do.
    score = np.cos if (measure, options) == ("cka_distance", {"debiased": True}) else np.asarray
    # The CCA family is bound by 1e-13 times the condition, which is 50.
    limit = max(1e-12, 5e-12 * (MEASURES[measure].family == "cca"))
    np.testing.assert_allclose(score(found), score(whole), rtol=0, atol=limit * scale)


@functools.cache
def whole_value(measure: str, options: tuple[Any, ...], offset: float) -> Array:
    return gm.compare(*layers("float64", 1e4 * offset, 50), measure=measure, **dict(options)).values


@pytest.mark.parametrize("measure", [name for name in MEASURES if MEASURES[name].normalized])
def test_a_layer_with_itself(measure: str) -> None:
    """After 7 batches of 64 and one of 13."""
    X = np.random.default_rng(0).standard_normal((7 * 64 + 13, 12)) * 3 + 1
    options = OF_BATCHES.get(measure, {})
    acc = gm.Accumulator(measure, **options)
    for start in range(0, len(X), 64):
        acc.update({"X": X[start : start + 64]}, {"X": X[start : start + 64].copy()})
    expected = gm.compare([X], measure=measure, **options).values[0, 0]
    own = 0.0 if MEASURES[measure].distance else 1.0
    if measure not in ("sparse_prediction", "ridge_regression"):
        assert expected == own
    # A cosine that is right to 1e-15 is an angle that is right to its root.
    small = 1e-7 if measure == "cka_distance" else 1e-12
    assert acc.compute().values[0, 0] == pytest.approx(expected, abs=small)


@pytest.mark.parametrize("measure", ["cca", "pwcca", "svcca", "linear_regression"])
def test_digits_that_a_product_would_lose(measure: str) -> None:
    """At a condition of 1e8, by an orthonormal basis and by what inverting a covariance gives."""
    rng = np.random.default_rng(1)
    X = rotated(rng.standard_normal((600, 8)), 1e8, 3)
    Y = X @ rng.standard_normal((8, 5)) + 1e-3 * rng.standard_normal((600, 5))
    acc = gm.Accumulator(measure)
    for start in range(0, 600, 100):
        acc.update(X[start : start + 100], Y[start : start + 100])
    whole = gm.compare([X], [Y], measure=measure).values[0, 0]
    assert acc.compute().values[0, 0] == pytest.approx(whole, abs=1e-13 * 1e8)
    if measure == "cca":
        assert abs(by_covariances(X, Y) - whole) > 1e-13 * 1e8


def by_covariances(X: Array, Y: Array) -> float:
    """The mean correlation from X'X, X'Y and Y'Y."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    halves = [np.linalg.inv(np.linalg.cholesky(Z.T @ Z)) for Z in (X, Y)]
    return float(np.linalg.svd(halves[0] @ X.T @ Y @ halves[1].T)[1].clip(0, 1).mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", [ByProducts, ByRows], ids=["products", "rows"])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_hard_inputs(kind: str, how: type, dtype: str, device: str) -> None:
    X, Y = KINDS[kind].make(np.random.default_rng(0), dtype)
    for measure, options in (
        ("cka", {}),
        ("cka", {"debiased": True}),
        ("procrustes", {}),
        ("match_semi", {}),
        ("cca_squared", {}),
        ("linear_regression", {}),
        ("procrustes_distance", {}),
    ):
        if not isinstance(MEASURES[measure].gathering(options), how):
            continue
        acc = gm.Accumulator(measure, device=device, **options)
        n = len(X)
        for rows in (slice(0, 1), slice(1, n // 3), slice(n // 3, n)):
            acc.update(X[rows], Y[rows])
        whole = gm.compare([X], [Y], measure=measure, **options).values
        # A difference of fourth moments, which one sample dominates; a condition of 1e8.
        lost = {
            ("sink", "debiased"): 1e-9,
            ("clusters", "cca_squared"): 1e-13 * 1e8,
            # Of the polar factor where products are eps of the others nothing is left.
            ("clusters", "procrustes_distance"): 1e-11,
        }
        limit = max(tolerance(dtype), *(lost.get((kind, name), 0) for name in (measure, *options)))
        np.testing.assert_allclose(
            acc.compute().values,
            whole,
            rtol=0,
            atol=limit,
            err_msg=f"{measure} {options}",
        )


def test_a_minibatch_estimate() -> None:
    """Sums of n times the unbiased HSIC of batches, and one ratio."""
    rng = np.random.default_rng(2)
    X, Y = rng.standard_normal((2, 403, 5))
    Y += X
    kernel = gm.RBF(sigma=2.0)
    acc = gm.Accumulator("cka", kernel=kernel)
    sums = np.zeros(3)
    for start in range(0, 400, 100):
        x, y = X[start : start + 100], Y[start : start + 100]
        acc.update(x, y)
        pairs = ((x, y), (x, x), (y, y))
        sums += [100 * gm.hsic(*pair, kernel=kernel, unbiased=True) for pair in pairs]
    found = acc.compute()
    assert (found.options["estimator"], found.options["debiased"]) == ("minibatch", True)
    assert found.values[0, 0] == pytest.approx(sums[0] / np.sqrt(sums[1] * sums[2]), abs=1e-13)
    acc.update(X[400:], Y[400:])
    with pytest.warns(RuntimeWarning, match="the last 3 samples are left out"):
        assert acc.compute().values[0, 0] == found.values[0, 0]
    acc.update(X[:1], Y[:1])  # four: enough
    assert acc.compute().values[0, 0] != found.values[0, 0]


@pytest.mark.parametrize("asked", [{}, {"debiased": False}, {"unbiased": True}])
@pytest.mark.parametrize("measure", ["cka", "hsic", "cka_distance", "distance_correlation"])
def test_an_estimate_by_batches_says_that_it_is_unbiased(
    measure: str, asked: dict[str, bool], tmp_path: Path
) -> None:
    """Whatever was asked for: options, captions and pages say what was computed."""
    kernel = {} if measure == "distance_correlation" else {"kernel": "rbf"}
    X, Y = np.random.default_rng(5).standard_normal((2, 40, 3))
    acc = gm.Accumulator(measure, **kernel, **asked)
    acc.update(X[:20], Y[:20])
    acc.update(X[20:], Y[20:])
    found = acc.compute()
    word = "unbiased" if measure in ("hsic", "distance_correlation") else "debiased"
    assert found.options[word] is True
    rooted = measure == "distance_correlation" and not any(asked.values())
    assert found.options.get("square_root", False) is rooted
    caption = str(found).partition("\n")[0]
    assert "unbiased within batches (minibatch estimate)" in caption
    assert " biased" not in caption
    assert ("square root" in caption) is rooted
    page = found.to_html(tmp_path / "page.html")
    assert "the estimator is biased" not in page


def test_a_linear_kernel_is_as_biased_as_asked_for() -> None:
    X, Y = np.random.default_rng(6).standard_normal((2, 40, 3))
    acc = gm.Accumulator("cka")
    acc.update(X, Y)
    assert acc.compute().options == gm.compare({"x": X}, {"y": Y}).options


def test_widths_come_from_the_first_samples() -> None:
    rng = np.random.default_rng(3)
    X, Y = rng.standard_normal((2, 1500, 3))
    acc = gm.Accumulator("cka", kernel="rbf", bandwidth=0.5)
    for start in range(0, 1500, 100):
        acc.update(X[start : start + 100], Y[start : start + 100])

    def width(Z: Array) -> float:
        distances = ((Z[:1000, None] - Z[None, :1000]) ** 2).sum(axis=2)
        return float(0.5 * np.sqrt(np.median(distances)))

    given = gm.Accumulator("cka", kernel=gm.RBF(sigma=1.0))
    for start in range(0, 1500, 100):
        rows = slice(start, start + 100)
        given.update(X[rows] / width(X), Y[rows] / width(Y))
    assert acc.compute().values == pytest.approx(given.compute().values, abs=1e-12)


def test_merging_needs_the_same_widths() -> None:
    X, Y = np.random.default_rng(4).standard_normal((2, 2400, 3))
    first, second = (gm.Accumulator("cka", kernel="rbf") for _ in range(2))
    first.update(X[:1200], Y[:1200])
    second.update(X[1200:], Y[1200:])
    with pytest.raises(ValueError, match=r"kernels of the same widths.*give the kernel a sigma"):
        first.merge(second)
