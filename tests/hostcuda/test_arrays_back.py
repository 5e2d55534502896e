"""Results that stay on the device, as arrays of the library that the input comes from."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.consumer import Library, Taken
from hostcuda.standin import UNKNOWN, StandIn
from variants import tolerance

import gramian as gm
from gramian import reference

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("remarks_of_cca")]

X, Y = inputs.pair(300, 7, 9, "float32")
FEW, OTHERS = inputs.pair(40, 200, 150, "float32")


@pytest.fixture(params=["cupy", "torch", "jax.numpy"])
def library(
    request: pytest.FixtureRequest, standin: StandIn, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Library]:
    """A library by this name: torch's stream is the default one, the others have their own."""
    made = Library(request.param, standin, on_default=request.param == "torch")
    monkeypatch.setitem(sys.modules, request.param, made)
    yield made
    gc.collect()
    made.close()


# Results as large as a layer or as its units, and who says what they are.
RESULTS: dict[str, tuple[Callable[..., Any], Callable[..., Any], Any, Any]] = {
    "gram": (lambda x, _: gm.gram(x), lambda x, _: reference.gram(x), X, Y),
    "gram_rbf": (
        lambda x, _: gm.gram(x, kernel=gm.RBF(sigma=3.0)),
        lambda x, _: reference.gram(x, kernel=gm.RBF(sigma=3.0)),
        *inputs.pair(1200, 3, 2, "float32"),
    ),
    "gram_as_it_is": (
        lambda x, _: gm.gram(x, kernel=gm.Laplacian(sigma=3.0), centered=False),
        lambda x, _: reference.gram(x, kernel=gm.Laplacian(sigma=3.0), centered=False),
        X,
        Y,
    ),
    "correlation": (gm.correlation, reference.correlation, FEW, OTHERS),
    "own_correlation": (
        lambda x, _: gm.correlation(x),
        lambda x, _: reference.correlation(x),
        FEW,
        OTHERS,
    ),
    "matching": (
        lambda x, y: gm.match_units(x, y, method="semi").correlation,
        reference.correlation,
        FEW,
        OTHERS,
    ),
}
each_result = pytest.mark.parametrize("name", RESULTS)


@each_result
def test_kind_and_values(library: Library, name: str) -> None:
    """They come back as the library's own, without a copy to the host and while work is queued."""
    function, expected, x, y = RESULTS[name]
    arrays = library.asarray(x), library.asarray(y)
    library.standin.drain()
    library.standin.copied_out(), library.standin.copied_bytes()
    found = function(*arrays)
    assert isinstance(found, Taken)
    assert library.standin.pending() > 0
    size = found.shape[0] * found.shape[1] * 4
    assert library.standin.copied_out() < size / 5
    assert library.standin.copied_bytes() < size / 2  # the host's numbers for the device among them
    got, wanted = found.numpy(), np.asarray(expected(x, y))
    assert got.dtype == np.float32
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance("float32", scale))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(300, 7, 9), (40, 60, 9)])
def test_weights(library: Library, shape: tuple[int, int, int], dtype: str) -> None:
    x, y = inputs.pair(*shape, dtype)
    found = gm.cca(library.asarray(x), library.asarray(y))
    variates = []
    for weights, layer in ((found.x_weights, x), (found.y_weights, y)):
        assert isinstance(weights, Taken)
        assert weights.dtype == np.float64
        centered = layer - layer.mean(axis=0, dtype="float64")
        variates.append(centered @ weights.numpy())
    eye = np.eye(len(found.correlations))
    for one in variates:
        np.testing.assert_allclose(one.T @ one, eye, rtol=0, atol=tolerance(dtype))
    np.testing.assert_allclose(
        variates[0].T @ variates[1], np.diag(found.correlations), rtol=0, atol=tolerance(dtype)
    )
    assert isinstance(found.correlations, np.ndarray)


def test_no_weights(library: Library) -> None:
    """Of a constant layer there are none."""
    with pytest.warns(RuntimeWarning, match="X is constant"):
        found = gm.cca(library.asarray(np.ones_like(X)), library.asarray(Y))
    assert isinstance(found.x_weights, Taken)
    assert (found.x_weights.shape, found.y_weights.shape) == ((7, 0), (9, 0))


def test_several_tiles(standin: StandIn) -> None:
    """More rows than a tile has at most, of which the last one is small."""
    x = inputs.pair(4100, 2, 1, "float32")[0]
    got = gm.gram(x, kernel=gm.RBF(sigma=2.0), device="cuda")
    np.testing.assert_array_equal(got, got.T)
    np.testing.assert_allclose(got, gm.gram(x, kernel=gm.RBF(sigma=2.0)), rtol=0, atol=2e-5)


@pytest.mark.parametrize("n", [2, 31, 33, 100])
@pytest.mark.parametrize("kernel", ["linear", "rbf", "cosine", "polynomial"])
def test_sizes(standin: StandIn, n: int, kernel: Any, dtype: str) -> None:
    x = inputs.pair(n, 3, 1, dtype)[0]
    for centered in (True, False):
        got = gm.gram(x, kernel=kernel, centered=centered, device="cuda")
        wanted = reference.gram(x, kernel=kernel, centered=centered)
        assert isinstance(got, np.ndarray)
        assert got.dtype == dtype
        scale = max(1.0, float(np.abs(wanted).max()))
        np.testing.assert_allclose(got, wanted, rtol=0, atol=tolerance(dtype, scale))


def test_double_for_single(library: Library) -> None:
    """What takes float64 to find, of float32 input, is float32."""
    x = inputs.pair(200, 4, 1, "float32")[0]
    kernel = gm.RBF(sigma=1e5)
    found = gm.gram(library.asarray(x), kernel=kernel)
    got, wanted = found.numpy(), reference.gram(x, kernel=kernel)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-4 * np.abs(wanted).max())


def test_not_finite(library: Library) -> None:
    """NaN throughout, and NaN weights, are there as well."""
    x = X.copy()
    x[3, 2] = np.nan
    found = gm.gram(library.asarray(x), nan_policy="propagate")
    assert isinstance(found, Taken)
    assert np.isnan(found.numpy()).all()
    weights = gm.cca(library.asarray(x), library.asarray(Y), nan_policy="propagate").y_weights
    assert np.isnan(weights.numpy()).all()


def test_two_libraries(standin: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights go to the library of their side, correlations to that of X."""
    both = [Library("cupy", standin), Library("torch", standin)]
    for one in both:
        monkeypatch.setitem(sys.modules, one.__name__, one)
    x, y = both[0].asarray(X), both[1].asarray(Y)
    found = gm.cca(x, y)
    assert found.x_weights.library is both[0]
    assert found.y_weights.library is both[1]
    assert gm.correlation(y, x).library is both[1]
    del found
    gc.collect()
    for one in both:
        one.close()


def test_host_input_gives_host_arrays(standin: StandIn) -> None:
    for found in (
        gm.gram(X, device="cuda"),
        gm.correlation(X, Y, device="cuda"),
        gm.cca(X, Y, device="cuda").x_weights,
        gm.match_units(X, Y, device="cuda").correlation,
    ):
        assert isinstance(found, np.ndarray)
        assert found.flags.writeable


def test_read_when_let_go(library: Library) -> None:
    """What a library has queued to read is there although the array is dropped."""
    found = gm.gram(library.asarray(X))
    out = found.queue_read()
    library.standin.drain()
    found = gm.gram(library.asarray(X))
    out = found.queue_read()
    del found
    gm.gram(library.asarray(X[::-1]), kernel="rbf")  # may take the same memory
    library.standin.drain()
    np.testing.assert_allclose(out, reference.gram(X), rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["gram_rbf", "own_correlation", "matching"])
def test_failures(library: Library, name: str) -> None:
    """Every call fails in turn: an exception or the right result, and nothing is left behind."""
    if library.__name__ == "jax.numpy" or (library.__name__, name) == ("torch", "matching"):
        pytest.skip("as CuPy")
    function, expected, x, y = RESULTS[name]
    x, y = x[:33, :8], y[:33, :6]
    wanted = np.asarray(expected(x, y))
    standin = library.standin

    def attempt(number: int) -> None:
        arrays = library.asarray(x), library.asarray(y)
        standin.fail_at(number, UNKNOWN)
        try:
            got = function(*arrays)
        except (RuntimeError, ValueError, TypeError, AssertionError) as problem:
            for one in (problem, problem.__cause__, problem.__context__):
                if one is not None:
                    one.__traceback__ = None
            return
        standin.fail_at(0, 0)
        np.testing.assert_allclose(got.numpy(), wanted, rtol=0, atol=1e-3)
        del got

    attempt(0)
    standin.drain()
    live = standin.live_bytes()
    attempt(0)
    standin.fail_at(0, 0)
    arrays = library.asarray(x), library.asarray(y)
    standin.fail_at(0, 0)
    function(*arrays)
    total = standin.calls()
    del arrays
    for number in range(1, total + 1):
        attempt(number)
        standin.fail_at(0, 0)
        gc.collect()
        standin.drain()
        assert standin.live_bytes() == live, f"call {number}"
