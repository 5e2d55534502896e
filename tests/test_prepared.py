"""Layers that are prepared once: they outlive a call, and are not prepared again."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian._core import calls
from gramian._core.calls import Estimator, KernelKind, KernelSpec, Measure, PreparedLayer
from gramian._input.arrays import as_layer
from gramian._input.read import read

Prepare = Callable[[list[calls.CoreLayer]], list[PreparedLayer]]

LINEAR = KernelSpec(KernelKind.linear)
RBF = KernelSpec(KernelKind.rbf, bandwidth=1.0)


def grams(kernel: KernelSpec, estimator: Estimator = Estimator.biased, **given: Any) -> Prepare:
    options = {"double": True, "max_memory": 1e9, **given}
    return lambda of: calls.prepare_grams(
        of, rows=len(of), kernel=kernel, estimator=estimator, **options
    )


def bases(**options: Any) -> Prepare:
    return lambda of: calls.prepare_bases(
        of, tolerances=[1e-13] * len(of), **{"double": True, **options}
    )


def centred(of: list[calls.CoreLayer]) -> list[PreparedLayer]:
    return calls.prepare_centred(of, double=True)


def shapes(of: list[calls.CoreLayer]) -> list[PreparedLayer]:
    return calls.prepare_shape(of, tolerances=[1e-13] * len(of), alpha=0.5)


WAYS: dict[str, tuple[Prepare, Measure]] = {
    "samples": (grams(RBF), Measure.cka),
    "features": (grams(LINEAR, Estimator.unbiased), Measure.hsic),
    "cca": (bases(), Measure.cca),
    "pwcca": (bases(coordinates=True), Measure.pwcca),
    "regression": (bases(), Measure.linear_regression),
    "procrustes": (centred, Measure.procrustes_distance),
    "shape": (shapes, Measure.shape),
}


def core_layers(device: str, *arrays: Any) -> list[calls.CoreLayer]:
    """Return layers, each of an array that nobody else holds."""
    given = [as_layer(np.array(array), "X") for array in arrays]
    return [read(layer, "raise", device).core for layer in given]


@pytest.fixture
def some() -> list[Any]:
    rng = np.random.default_rng(0)
    z = rng.standard_normal((400, 4))
    return [z @ rng.standard_normal((4, p)) + rng.standard_normal((400, p)) for p in (5, 9, 7)]


@pytest.mark.parametrize("way", WAYS)
def test_prepared_layers_outlive_calls_and_arrays(way: str, device: str, some: list[Any]) -> None:
    """A map among three layers holds what pairs and rows of them give, in any order."""
    prepare, measure = WAYS[way]
    prepared = prepare(core_layers(device, *some))
    gc.collect()
    whole, _, _ = calls.compare(prepared, measure=measure)
    assert np.isfinite(whole).all()
    rest = [*some[:1], *some]  # other arrays take the place of what was let go
    for i in (2, 0, 1):
        row, marks, _ = calls.compare([prepared[i]], [prepared[1], prepared[2]], measure=measure)
        np.testing.assert_allclose(row[0], whole[i, 1:], rtol=0, atol=1e-12 * np.abs(whole).max())
        assert not marks.any()
    assert len(rest) == 4
    for one, array in zip(prepared, some, strict=True):
        assert (one.n_samples, one.width, one.double) == (*array.shape, True)
        assert one.device == device.replace("cuda", "cuda:0").replace(":0:0", ":0")
        assert 0 < one.nbytes < 400 * 400 * 8 * 2
        assert one.status.name == "sound"


@pytest.mark.parametrize("way", WAYS)
def test_threads_share_and_drop_layers(way: str, some: list[Any]) -> None:
    """On the CPU: a thread that uses a device keeps a stream, whose workspace counts as memory."""
    prepare, measure = WAYS[way]
    prepared = prepare(core_layers("cpu", *some))
    expected, _, _ = calls.compare(prepared, measure=measure)
    found: list[Any] = []

    def work(own: list[PreparedLayer]) -> None:
        found.append(calls.compare(own, measure=measure)[0])
        del own[:]  # the last to do so lets the memory go

    threads = [threading.Thread(target=work, args=(list(prepared),)) for _ in range(4)]
    del prepared
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for values in found:
        np.testing.assert_array_equal(values, expected)


def test_kept_products_serve_their_own_tiles_alone(device: str) -> None:
    """Inner products that a median left are those of one tiling; other maps may have another."""
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((700, 6)) for _ in range(3)]
    together = grams(RBF)(core_layers(device, *arrays))
    alone = [grams(RBF, max_memory=1.5e7)(core_layers(device, array))[0] for array in arrays]
    for some in (together, alone):
        values, _, _ = calls.compare(some, measure=Measure.cka)
        single, _, _ = calls.compare(some[:1], some[1:], measure=Measure.cka)
        np.testing.assert_allclose(single[0], values[0, 1:], rtol=0, atol=1e-12)
        np.testing.assert_allclose(values[0, 1], gm.cka(arrays[0], arrays[1], kernel="rbf"), 1e-9)


def test_layers_that_do_not_fit_are_refused(device: str, some: list[Any]) -> None:
    x, y, z = core_layers(device, *some)
    short = core_layers(device, some[0][:-1])
    basis = bases()([x, y])
    centre = centred([x, y])
    with pytest.raises(ValueError, match=r"same number of samples: got 400 and 399"):
        calls.compare(bases()([x]), bases()(short), measure=Measure.cca)
    with pytest.raises(ValueError, match="same number of samples"):
        bases()([x, *short])
    with pytest.raises(ValueError, match="prepared as basis with one prepared as centred"):
        calls.compare(basis, centre, measure=Measure.cca)
    with pytest.raises(ValueError, match="cannot compare a layer prepared as basis"):
        calls.compare(basis, measure=Measure.procrustes)
    with pytest.raises(ValueError, match="one precision"):
        calls.compare(basis, bases(double=False)([z]), measure=Measure.cca)
    with pytest.raises(ValueError, match="one kernel and estimator"):
        calls.compare(grams(LINEAR)([x]), grams(RBF)([y]), measure=Measure.cka)
    with pytest.raises(ValueError, match="coordinates=True"):
        calls.compare(basis, measure=Measure.pwcca)
    with pytest.raises(ValueError, match="weights=True"):
        calls.canonical_pair(*basis)
    with pytest.raises(ValueError, match="only bases have a rank"):
        _ = centre[0].rank
    with pytest.raises(ValueError, match="a tolerance for every layer"):
        calls.prepare_bases([x, y], tolerances=[0.1], double=True)
    for nothing in ([], [x]):
        with pytest.raises((TypeError, ValueError)):
            calls.compare(nothing, measure=Measure.cca)  # type: ignore[arg-type]


@pytest.mark.cuda
def test_layers_of_two_devices_are_refused(some: list[Any]) -> None:
    here = bases()(core_layers("cpu", some[0]))
    there = bases()(core_layers("cuda", some[1]))
    with pytest.raises(TypeError):
        calls.compare(here, there, measure=Measure.cca)
    with pytest.raises(TypeError):
        calls.compare(there, here, measure=Measure.cca)


def test_statuses(device: str, some: list[Any]) -> None:
    flat, x = core_layers(device, np.full((400, 3), 2.5), some[0])
    for prepare in (bases(), centred, shapes, grams(KernelSpec(KernelKind.rbf, sigma=1.0))):
        assert [one.status.name for one in prepare([flat, x])] == ["constant", "sound"]
    stopped = grams(RBF)([x, flat, x])  # where a layer has no kernel, those after it are left out
    assert [one.status.name for one in stopped] == ["sound", "zero_median"]
    with pytest.raises(ValueError, match="has no kernel"):
        calls.compare(stopped, measure=Measure.cka)
    narrow = KernelSpec(KernelKind.rbf, sigma=1e-4)
    assert [one.status.name for one in grams(narrow, double=False)([x])] == ["too_narrow"]


def in_child(call: Callable[[], bool]) -> bool:
    """Whether a call in a forked process returns True."""
    child = os.fork()
    if child == 0:
        os._exit(0 if call() else 1)
    return os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("way", WAYS)
def test_fork(way: str, device: str, some: list[Any]) -> None:
    """On the CPU, what the parent prepared serves its children; on a device they are told."""
    prepare, measure = WAYS[way]
    prepared = prepare(core_layers(device, *some))
    expected, _, _ = calls.compare(prepared, measure=measure)

    def same() -> bool:
        if device == "cpu":
            return bool(np.array_equal(calls.compare(prepared, measure=measure)[0], expected))
        with pytest.raises(RuntimeError, match=r"before this process was forked.*prepare it again"):
            calls.compare(prepared, measure=measure)
        prepared.clear()  # and may let it go
        return True

    assert in_child(same)
    np.testing.assert_array_equal(calls.compare(prepared, measure=measure)[0], expected)


class Counter:
    """How many layers a function of the core has prepared."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.layers = self.calls = 0
        function = getattr(calls, name)

        def counted(of: list[calls.CoreLayer], **options: Any) -> Any:
            self.calls += 1
            self.layers += len(of)
            return function(of, **options)

        monkeypatch.setattr(calls, name, counted)


@pytest.mark.parametrize(("measure", "targets"), [("cca", 5), ("linear_regression", 3)])
def test_folds_prepare_every_layer_once(
    measure: str, targets: int, monkeypatch: pytest.MonkeyPatch, some: list[Any]
) -> None:
    """L k bases, not two for every pair; a regression predicts from the columns alone."""
    bases = Counter(monkeypatch, "prepare_bases")
    gm.compare(some[:2], some, measure=measure, cross_validate=5)
    assert bases.layers == 5 * targets
    bases.layers = 0
    gm.compare(some, measure=measure, cross_validate=5)
    assert bases.layers == 5 * 3


def test_full_output_prepares_once(monkeypatch: pytest.MonkeyPatch, some: list[Any]) -> None:
    directions = Counter(monkeypatch, "prepare_directions")
    full = gm.svcca(some[0], some[1], full_output=True)
    assert (directions.calls, directions.layers) == (1, 2)
    assert full.value == gm.svcca(some[0], some[1]) == pytest.approx(full.correlations.mean())
    bases = Counter(monkeypatch, "prepare_bases")
    weighted = gm.pwcca(some[0], some[1], full_output=True)
    assert (bases.calls, bases.layers) == (1, 2)
    assert weighted.value == gm.pwcca(some[0], some[1])
