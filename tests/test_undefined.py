"""Values that are undefined, or NaN by request: which, and with which warning."""

from __future__ import annotations

import warnings

import calls
import inputs
import numpy as np
import pytest
from calls import GOOD, NORMALIZED, OF_KERNELS, Call, each, holed, value_of
from variants import Variant

import gramian as gm
from gramian._input import arrays, checks
from gramian._measures.hsic.kernels import kernel_of

KERNELS = ("linear", gm.RBF(sigma=1.0), gm.Laplacian(sigma=1.0), "polynomial", "cosine")


@each(OF_KERNELS)
@pytest.mark.parametrize("kernel", ["rbf", "laplacian"])
@pytest.mark.parametrize("scale", [1, 1e4])
def test_zero_median(call: Call, scale: float, kernel: str) -> None:
    """Eight of ten samples are the same: 64 of 100 distances are 0, exactly, at any scale."""
    repeated = scale * GOOD / 3
    repeated[2:] = repeated[2]
    for dtype in ("float32", "float64"):
        for position, argument in enumerate(call.names):
            with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
                call(**{"XY"[position]: repeated.astype(dtype)}, kernel=kernel)
            assert str(caught.value) == (
                f"{argument} has a zero median distance (at least half of its sample pairs are "
                "identical): give the kernel a sigma, e.g. gramian.RBF(sigma=1.0)."
            )
    assert np.isfinite(np.asarray(value_of(call(repeated, kernel=gm.RBF(sigma=scale))))).all()


@each(NORMALIZED)
@pytest.mark.parametrize("level", [0.0, 0.1, 1e4 / 3])
def test_constant(call: Call, level: float) -> None:
    for dtype in ("float32", "float64", "float16"):
        constant = np.full((10, 3), level, dtype)
        for kernel in KERNELS:
            for debiased in (False, True):
                for position, argument in enumerate(call.names):
                    with pytest.warns(RuntimeWarning) as caught:
                        result = call(
                            **{"XY"[position]: constant}, kernel=kernel, debiased=debiased
                        )
                    assert np.isnan(value_of(result)).all()
                    assert [str(warning.message) for warning in caught] == [
                        f"{argument} is constant: its similarity is undefined (NaN)."
                    ]
                    assert (
                        caught[0].filename == calls.__file__
                    )  # the caller's line, not the package's


@each([call for call in OF_KERNELS if call.function == "hsic"])
def test_hsic_of_a_constant_is_zero(call: Call) -> None:
    for dtype in ("float32", "float64"):
        for kernel in KERNELS:
            for unbiased in (False, True):
                assert call(np.full((10, 3), 0.1, dtype), kernel=kernel, unbiased=unbiased) == 0


@each(NORMALIZED)
@pytest.mark.parametrize("shape", [(10, 3), (240, 200)])
def test_degenerate(call: Call, shape: tuple[int, int]) -> None:
    """All samples but one are the same: not constant, yet U-centering leaves only rounding."""
    rng = np.random.default_rng(1)
    spike = np.tile(rng.standard_normal(shape[1]), (shape[0], 1))
    spike[4] = rng.standard_normal(shape[1])
    other = rng.standard_normal((shape[0], 2))
    for dtype in ("float32", "float64"):
        for kernel in ("linear", gm.RBF(sigma=np.sqrt(shape[1]))):
            with pytest.warns(RuntimeWarning, match=r"has an HSIC of 0 with itself \(all samples"):
                result = call(spike.astype(dtype), other, kernel=kernel, debiased=True)
            assert np.isnan(value_of(result)).all()


@each(NORMALIZED)
def test_kernel_too_narrow(call: Call) -> None:
    """The Gram matrix is the identity: its unbiased HSIC is 0, its biased CKA 1."""
    options = {"kernel": gm.RBF(sigma=1e-3)}
    with pytest.warns(RuntimeWarning, match=r"sigma is far too small\): its similarity is undefin"):
        assert np.isnan(value_of(call(**options, debiased=True))).all()
    expected = 0 if call.function == "cka_distance" else 1
    assert np.asarray(value_of(call(**options))) == pytest.approx(expected, abs=1e-7)


@each(OF_KERNELS)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_propagate_in_kernels(call: Call, value: float) -> None:
    """NaN comes out; of a map, a warning says of which layer."""
    for kernel in ("rbf", "laplacian", *KERNELS):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = call(holed(value), kernel=kernel, nan_policy="propagate")
        assert np.isnan(value_of(result)).all()
        names = [str(one.message).split()[0] for one in caught]
        assert names == (["A['x']"] if call.function == "compare" else [])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_propagate(measure: Variant, implementation: str, dtype: str, value: float) -> None:
    """One element of either layer that is not finite makes the value NaN, without a warning."""
    X, Y = inputs.pair(20, 3, 4, dtype)
    for array in (X, Y):
        bad = array.copy()
        bad[7, 1] = value
        arrays = (bad, Y) if array is X else (X, bad)
        assert np.isnan(measure(*arrays, implementation, nan_policy="propagate"))


def test_propagate_spares_other_layers(measure: Variant, implementation: str) -> None:
    """In a map, and every other value is what it is without the bad layers."""
    arrays = [inputs.pair(20, p, 1)[0] for p in (3, 4, 5)]
    bad = arrays[0].copy()
    bad[7, 1] = np.nan
    options = measure.options | {"measure": measure.measure.name, "device": implementation}
    with pytest.warns(RuntimeWarning, match=r"^A\['0'\] holds NaN or infinity: its similarity is"):
        values = gm.compare([bad, *arrays], nan_policy="propagate", **options).values
    assert np.isnan(values[0]).all()
    assert np.isnan(values[:, 0]).all()
    np.testing.assert_array_equal(values[1:, 1:], gm.compare(arrays, **options).values)


def test_maps_survive_a_layer_without_a_width(kernel_measure: Variant, implementation: str) -> None:
    """Refused of a pair, and of a map by default; otherwise NaN, and a warning that names it."""
    arrays = {name: inputs.pair(20, p, 1)[0] for name, p in (("one", 3), ("two", 4))}
    arrays["dull"] = np.zeros((20, 3))  # but for 5 of 20 samples
    arrays["dull"][::4] = arrays["one"][::4]
    options = kernel_measure.options | {"device": implementation}
    if getattr(kernel_of(kernel_measure.options)[0], "bandwidth", None) is None:
        gm.compare(arrays, measure=kernel_measure.measure.name, **options)
        return
    with pytest.raises(ValueError, match=r"dull.*zero median"):
        gm.compare(arrays, measure=kernel_measure.measure.name, **options)
    with pytest.warns(RuntimeWarning, match=r"^A\['dull'\] has a zero median distance: its"):
        found = gm.compare(
            arrays, measure=kernel_measure.measure.name, nan_policy="propagate", **options
        ).values
    assert np.isfinite(found[:2, :2]).all()
    assert np.isnan(found[2]).all()
    assert np.isnan(found[:, 2]).all()


def test_maps_survive_a_constant_layer(measure: Variant, implementation: str) -> None:
    """Under every kernel, whatever the layer is filled with."""
    arrays = [inputs.pair(20, p, 1)[0] for p in (3, 4)]
    constant = np.tile([0.1, -3.3, 77.7], (20, 1))
    options = measure.options | {"measure": measure.measure.name, "device": implementation}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = gm.compare([*arrays, constant], **options).values
    assert np.isfinite(found[:2, :2]).all()
    undefined = found[2], found[:, 2]
    if measure.measure.name == "hsic":
        assert np.array_equal(undefined, np.zeros((2, 3)))
    else:
        assert np.isnan(undefined).all()
        assert any("A['2']" in str(warning.message) for warning in caught)


def test_hsic_that_overflows(device: str) -> None:
    """An infinite value, with a warning; CKA of the same layers is what it is at any scale."""
    X, Y = inputs.pair(30, 4, 5)
    with pytest.warns(RuntimeWarning, match=r"^the HSIC of X and Y is beyond float64's range: div"):
        assert gm.hsic(1e200 * X, 1e200 * Y, device=device) == np.inf
    assert gm.cka(1e200 * X, 1e200 * Y, device=device) == pytest.approx(gm.cka(X, Y), abs=1e-14)


def test_overflowing_sums_are_no_error() -> None:
    layer = arrays.as_layer(np.full((4, 2), 1e308), "X")
    checks.check_finite(layer, np.array([np.inf, 1.0]))
