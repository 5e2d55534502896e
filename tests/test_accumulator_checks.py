"""Accumulators: what they refuse, what they leave out, and what they survive."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian._input.checks import UnusableLayerError

Array = np.ndarray


def split(data: dict[str, Array], rows: slice) -> dict[str, Array]:
    return {name: X[rows] for name, X in data.items()}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": "precomputed"}, r"^kernel must not be 'precomputed'"),
        ({"measure": "cca", "cross_validate": 3}, r"^cross_validate must be None"),
        ({"measure": "pwcca", "variant": "google"}, r"^variant must be 'paper'"),
        ({"measure": "ckaa"}, r"^measure must be one of"),
        ({"nan_policy": "omit"}, r"^nan_policy must be"),
        ({"device": "reference"}, r"^device='reference' has no accumulator"),
        ({"max_memory": 0}, r"^max_memory must be > 0"),
    ],
)
def test_what_has_no_state(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        gm.Accumulator(**options)


@pytest.mark.parametrize(
    ("options", "method"),
    [({"inference": "bootstrap"}, "bootstrap"), ({"rng": 0}, "jackknife"), ({"level": 0.9}, "")],
)
def test_inference_is_sent_to_compare(options: dict[str, Any], method: str) -> None:
    """It was refused with a question whether it was meant."""
    message = (
        rf"^{next(iter(options))} must not be given for samples that come in batches, got .*: "
        rf"inference needs all of them at once\. .*gramian\.record, then "
        rf"gramian\.compare\(\.\.\., inference='{method}"
    )
    for call in (gm.Accumulator, lambda **given: gm.compare_models(len, len, [], **given)):
        with pytest.raises(TypeError, match=message):
            call(**options)


def test_what_compare_takes_is_no_misspelling() -> None:
    with pytest.raises(TypeError, match=r"got 'layers'\. It is an argument of gramian\.compare"):
        gm.Accumulator("cka", layers="conv*")


def test_later_batches_are_like_the_first() -> None:
    acc = gm.Accumulator("cka")
    acc.update({"a": np.eye(4, 3), "b": np.eye(4)}, {"c": np.eye(4)})
    fine = {"a": np.eye(4, 3), "b": np.eye(4)}, {"c": np.eye(4)}
    for a, b, message in (
        ({"a": np.eye(4, 3)}, fine[1], r"^a must have the layers of the first batch: it lacks 'b'"),
        ({**fine[0], "d": np.eye(4)}, fine[1], r"^a must have .* got another, 'd'"),
        ({**fine[0], "b": np.eye(4, 5)}, fine[1], r"^a\['b'\] must have the units .* 4, got 5"),
        ({**fine[0], "b": np.eye(4, dtype="f4")}, fine[1], r"^a\['b'\] must have the dtype"),
        (fine[0], None, r"^b must be as in the first batch, which had one"),
        (fine[0], {"c": np.eye(5)}, r"must have the same number of samples"),
        ({**fine[0], "b": np.full((4, 4), np.nan)}, fine[1], r"^a\['b'\] must be finite"),
    ):
        with pytest.raises(ValueError, match=message):
            acc.update(a, b)
    assert acc.n_samples == 4
    acc.update({"b": np.eye(4), "a": np.eye(4, 3)}, fine[1])  # in any order
    assert acc.n_samples == 8


def test_what_is_missing_is_said() -> None:
    acc = gm.Accumulator("cka", debiased=True)
    with pytest.raises(ValueError, match="no batch has come yet: cka needs 4 samples"):
        acc.compute()
    acc.update(np.eye(3), np.eye(3))
    with pytest.raises(ValueError, match=r"must have seen at least 4 samples .* got 3"):
        acc.compute()
    acc.reset()
    assert acc.n_samples == 0


def test_merging_is_checked() -> None:
    acc = gm.Accumulator("cka")
    acc.update(np.eye(4), np.eye(4))
    for other, exception, message in (
        (acc, ValueError, "another accumulator"),
        (gm.Accumulator("hsic"), ValueError, "the same measure, 'cka', got 'hsic'"),
        (gm.Accumulator("cka", debiased=True), ValueError, "the same options"),
        ("acc", TypeError, "other must be an Accumulator, got str"),
    ):
        with pytest.raises(exception, match=message):
            acc.merge(other)  # type: ignore[arg-type]
    other = gm.Accumulator("cka")
    other.update(np.eye(4, 3), np.eye(4))
    with pytest.raises(ValueError, match=r"the same widths, \(4, 4\), got \(3, 4\)"):
        acc.merge(other)
    empty = gm.Accumulator("cka")
    assert acc.merge(empty).n_samples == 4
    assert empty.merge(acc).n_samples == 4
    assert empty.compute().values == acc.compute().values


@pytest.mark.parametrize("measure", ["cka", "cca", "match_semi"])
def test_a_layer_with_nan_is_left_out(measure: str, device: str) -> None:
    rng = np.random.default_rng(6)
    A = {"good": rng.standard_normal((60, 4)), "bad": rng.standard_normal((60, 3))}
    B = {"other": rng.standard_normal((60, 5))}
    A["bad"][50, 1] = np.nan
    acc = gm.Accumulator(measure, nan_policy="propagate", device=device)
    acc.update(split(A, slice(0, 30)), split(B, slice(0, 30)))
    with pytest.warns(RuntimeWarning, match=r"^a\['bad'\] holds NaN"):
        acc.update(split(A, slice(30, 60)), split(B, slice(30, 60)))
    values = acc.compute().values
    assert np.isnan(values[1, 0])
    whole = gm.compare({"good": A["good"]}, B, measure=measure).values
    assert values[0, 0] == pytest.approx(whole[0, 0], abs=1e-13)
    with pytest.raises(UnusableLayerError):
        gm.Accumulator(measure).update(A, B)


@pytest.mark.parametrize("measure", ["cka", "cca", "procrustes", "match_semi", "linear_regression"])
def test_constant_layers(measure: str) -> None:
    rng = np.random.default_rng(7)
    A = {"good": rng.standard_normal((60, 4)), "dead": np.tile([0.1, -3.3, 77.7], (60, 1))}
    acc = gm.Accumulator(measure)
    for start in range(0, 60, 20):
        acc.update(split(A, slice(start, start + 20)))
    with pytest.warns(RuntimeWarning, match=r"dead'\] (is|has 3) constant"):
        values = acc.compute().values
    assert np.isnan(values[1]).all()
    assert np.isnan(values[:, 1]).all()
    assert values[0, 0] == pytest.approx(1, abs=1e-12)


def test_memory_is_refused_before_a_batch_changes_anything() -> None:
    A = {f"layer{k}": np.zeros((2, 4096), "f4") for k in range(12)}
    for measure in ("cka", "cca"):
        acc = gm.Accumulator(measure, max_memory=1e6)
        with pytest.raises(MemoryError, match=r"more than 1,000,000\."):
            acc.update(A)
        assert acc.n_samples == 0


def test_an_interrupted_batch_is_remembered() -> None:
    rng = np.random.default_rng(8)
    X, Y = rng.standard_normal((2, 5000, 600)).astype("f4")
    acc = gm.Accumulator("cka")
    acc.update(X, Y)
    whole = pickle.loads(pickle.dumps(acc))

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        acc.update(X, Y, progress=stop)
    for use in (acc.compute, lambda: acc.update(X, Y), lambda: whole.merge(acc)):
        with pytest.raises(RuntimeError, match="reset the accumulator"):
            use()
    whole.update(X, Y)
    assert whole.compute().values[0, 0] == pytest.approx(gm.cka(X, Y), abs=1e-6)
    acc.reset()
    acc.update(X, Y)
    acc.compute()


@pytest.mark.parametrize("options", [{"measure": "cca"}, {"kernel": gm.RBF(sigma=2.0)}])
def test_a_batch_that_fails_is_not_added(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in part either, where it is so large that it is taken in parts, or joins what waits."""
    rng = np.random.default_rng(12)
    X, Y = rng.standard_normal((2, 5000, 4))
    acc = gm.Accumulator(**options)
    acc.update(X[:3], Y[:3])
    before = pickle.dumps(acc)
    state = type(acc._state)
    add, calls = state._add, []  # type: ignore[union-attr]

    def fail_late(*args: Any) -> None:
        calls.append(add(*args))
        if len(calls) == (3 if options.get("measure") == "cca" else 1):
            raise MemoryError

    monkeypatch.setattr(state, "_add", fail_late)
    with pytest.raises(MemoryError):
        acc.update(X[3:], Y[3:])
    monkeypatch.undo()
    assert pickle.dumps(acc) == before
    acc.update(X[3:], Y[3:])
    whole = gm.Accumulator(**options)
    whole.update(X, Y)
    assert acc.compute().values == pytest.approx(whole.compute().values, abs=1e-12)


def test_pickles_carry_arrays_out_of_band() -> None:
    X, Y = np.random.default_rng(9).standard_normal((2, 200, 40))
    for measure in ("cka", "cca"):
        acc = gm.Accumulator(measure)
        acc.update(X, Y)
        buffers: list[pickle.PickleBuffer] = []
        data = pickle.dumps(acc, protocol=5, buffer_callback=buffers.append)
        assert len(data) < 8000
        again = pickle.loads(data, buffers=buffers)
        assert again.compute().values == acc.compute().values


@pytest.mark.parametrize("measure", ["cka", "procrustes", "linear_regression"])
def test_the_score_of_independent_layers(measure: str) -> None:
    """Is warned of as by `compare`, and by the number of all samples."""
    rng = np.random.default_rng(11)
    X, Y = rng.standard_normal((2, 80, 90))
    acc = gm.Accumulator(measure)
    acc.update(X[:40], Y[:40])
    acc.update(X[40:], Y[40:])
    with pytest.warns(RuntimeWarning, match=r"a\['x'\] and b\['y'\] .* for 80 samples"):
        acc.compute()
    for _ in range(9):
        acc.update(X, Y)
    acc.compute()


@pytest.mark.parametrize("options", [{}, {"measure": "cca"}, {"kernel": gm.RBF(sigma=1.0)}])
def test_progress(options: dict[str, Any]) -> None:
    X, Y = np.random.default_rng(13).standard_normal((2, 300, 5))
    told: list[tuple[int, int]] = []
    gm.Accumulator(**options).update(X, Y, progress=lambda *step: told.append(step))
    assert told == sorted(told)
    assert told[-1][0] == told[-1][1]
