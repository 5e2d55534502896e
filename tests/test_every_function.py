"""What every function that reads arrays has in common; test_bad_input.py has their messages."""

from __future__ import annotations

import inspect
import warnings
from typing import Any

import inputs
import numpy as np
import pytest
from calls import ALL, COMPARES, GOOD, OTHER, PUBLIC, Call, each, numbers
from variants import EXACT, tolerance

import gramian as gm
from gramian._measures.registry import MEASURES


def test_every_function_that_reads_arrays_is_called() -> None:
    """The tables of calls.py hold every public function but these."""
    readers = {call.function for call in PUBLIC}
    functions = {name for name in gm.__all__ if inspect.isfunction(getattr(gm, name))}
    others = {"compare_models", "concat", "get_num_threads", "load", "measures", "open", "plan"}
    others |= {"noise_ceiling", "plot_models", "record", "report", "set_num_threads"}
    assert functions - readers == others
    assert all(call.takes("device") for call in PUBLIC)
    assert {row.function.__name__ for row in MEASURES.values()} <= readers


@each(PUBLIC)
@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:-1", "CPU", "cuda:99999"])
def test_device(call: Call, device: Any) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        call(device=device)
    assert str(caught.value) == (
        f"device must be None, 'cpu', 'cuda', 'cuda:N' or 'reference', got {device!r}."
    )


@each(ALL)
def test_nan_policy(call: Call) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        call(nan_policy="omit")
    assert str(caught.value) == "nan_policy must be 'raise' or 'propagate', got 'omit'."


@each(ALL)
def test_good_input_does_not_warn(call: Call) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call()


@each(ALL)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inputs_are_left_alone(call: Call, dtype: str) -> None:
    """They may be read-only, and of any order; what is written over would be seen."""
    arrays = GOOD.astype(dtype), OTHER.astype(dtype)
    for make in (np.ascontiguousarray, np.asfortranarray):
        given = [make(array) for array in arrays]
        for array in given:
            array.flags.writeable = False
        call(*given)
        writeable = [array.copy(order="K") for array in given]
        result = numbers(call(*writeable))
        np.testing.assert_array_equal(result, numbers(call(*given)))
        for array, before in zip(writeable, arrays, strict=True):
            np.testing.assert_array_equal(array, before)


@each(PUBLIC)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_reference_by_device(call: Call, dtype: str) -> None:
    """device="reference" is the function of that name in gramian.reference, to the bit."""
    arrays = GOOD.astype(dtype), OTHER.astype(dtype)
    options = EXACT.get(call.function, {})
    expected = numbers(Call("gramian.reference", call.function)(*arrays, **options))
    got = numbers(call(*arrays, device="reference", **options))
    np.testing.assert_array_equal(got, expected)
    atol = tolerance(dtype, 100 if options else 1)  # where an iteration ends
    np.testing.assert_allclose(numbers(call(*arrays, **options)), expected, rtol=0, atol=atol)


@each([call for call in ALL if call not in COMPARES])
def test_propagate_in_results(call: Call) -> None:
    """Functions whose results are no numbers: the units 0 and 1 of X are not finite."""
    X, Y = inputs.pair(20, 3, 4)
    X[7, :2] = np.nan, np.inf
    result = call(X, Y, nan_policy="propagate")
    match call.function:
        case "correlation":
            np.testing.assert_array_equal(np.isnan(result), [[True] * 4, [True] * 4, [False] * 4])
        case "cluster_units":
            assert result.x_labels.tolist()[:2] == [-1, -1]
            assert result.x_labels[2] >= 0
        case "match_units":
            assert np.isnan(result.mean)
            assert result.x_left_out.tolist() == [0, 1]
        case "ridge_regression":
            assert np.isnan([result.score, *result.r2, *result.correlation]).all()
            assert np.isnan(result.predictions).all()
        case "sparse_prediction":
            assert np.isnan(result.score)
            assert result.x_left_out.tolist() == [0, 1]
        case "permutation_test" | "bootstrap" | "jackknife":
            assert np.isnan(result.statistic)
            assert result.reason == "no pair has a value"
        case "cca":
            assert np.isnan([result.mean, result.mean_squared, *result.correlations]).all()
        case _:
            assert np.isnan(result).all()
