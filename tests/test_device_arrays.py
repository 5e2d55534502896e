"""Arrays of torch, CuPy and jax, on their own device and streams, with work still queued.

tests/hostcuda/test_interop.py has the same protocols spoken by an array of its own.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

import inputs
import numpy as np
import pytest
from device_libraries import CLASSES, CuPy, Torch
from devices import PRESENT, libraries, marks
from variants import Variant, tolerance

import gramian as gm
from gramian import reference

pytestmark = pytest.mark.usefixtures("remarks_of_cca")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run `library` for every library that is installed, on every device that is present."""
    if "library" not in metafunc.fixturenames:
        return
    here = [
        pytest.param((name, device), id=f"{name}-{device}", marks=marks(device))
        for device in metafunc.config.stash[PRESENT]
        for name in libraries(device)
        if device == "cuda" or not metafunc.definition.get_closest_marker("cuda")
    ]
    metafunc.parametrize("library", here, indirect=True, scope="session")


@pytest.fixture(scope="session")
def library(request: pytest.FixtureRequest) -> Torch:
    name, device = request.param
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    module = import_module("jax.numpy" if name == "jax" else name)
    return CLASSES[name](module, device)


def behind_work(library: Torch, X: np.ndarray) -> Any:
    """The array, at the end of a chain of products that takes the device some 20 ms."""
    x = library.array(X)
    size, count = (2048, 60) if library.device == "cuda" else (32, 2)
    chain = library.array(np.full((size, size), 1 / size, np.float32))
    for _ in range(count):
        chain = chain @ chain
    return x + library.cast(chain[:1, :1] - chain[:1, :1], str(X.dtype))


def close(got: float, expected: float, dtype: str) -> bool:
    return got == pytest.approx(expected, rel=0, abs=tolerance(dtype))


def test_every_measure(library: Torch, measure: Variant, dtype: str) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    x, y = library.array(X), library.array(Y)
    got = measure.score(measure(x, y, None))
    bound = tolerance(dtype, measure.scale(X, Y))
    assert got == pytest.approx(measure.score(measure(X, Y, "reference")), rel=0, abs=bound)
    np.testing.assert_array_equal(library.numpy(x), X)


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_work_still_queued(library: Torch, dtype: str, kernel: str) -> None:
    """On a stream of the library's own and on its default one."""
    X, Y = inputs.pair(600, 40, 30, dtype)
    expected = reference.cka(X, Y, kernel=kernel)
    for stream in (library.stream, contextlib.nullcontext):
        for _ in range(3):
            with stream():
                x, y = behind_work(library, X), behind_work(library, Y)
                got = gm.cka(x, y, kernel=kernel)
                assert gm.procrustes(x, y) == pytest.approx(reference.procrustes(X, Y), abs=1e-4)
            assert close(got, expected, dtype)
            library.wait()


def test_memory_is_ours_until_the_call_ends(library: Torch) -> None:
    """What the library writes afterwards, in the same memory, does not change a result."""
    X, Y = inputs.pair(600, 40, 30, "float32")
    expected = reference.cka(X, Y)
    for _ in range(10):
        with library.stream():
            got = gm.cka(library.array(X), library.array(Y))
            library.array(np.full_like(X, np.nan))
        assert close(got, expected, "float32")
    library.wait()


VIEWS: dict[str, Callable[[Any], Any]] = {
    "rows": lambda x: x[3:50:2],
    "columns": lambda x: x[:, 2:9:3],
    "one column": lambda x: x[:, 4:5],
    "transposed": lambda x: x[:12, :9].T,
    "reversed": lambda x: x[::-1, ::-1],
}


def test_views(library: Torch, dtype: str) -> None:
    X, _ = inputs.pair(65, 12, 9, dtype)
    for name, view in VIEWS.items():
        if name == "reversed" and not library.reverses:
            continue
        V = view(X)
        W, _ = inputs.pair(len(V), 5, 4, dtype)
        for x in (library.array(X), library.columns_first(library.array(X))):
            assert close(gm.cka(view(x), library.array(W)), reference.cka(V, W), dtype), name


ELEMENTS = ["bfloat16", "float16", "bool", "int8", "uint8", "int32", "int64"]


@pytest.mark.parametrize("element", ELEMENTS)
def test_elements(library: Torch, element: str) -> None:
    if isinstance(library, CuPy) and element == "bfloat16":
        element = "float16"  # CuPy has no bfloat16
    X, Y = inputs.pair(65, 12, 9, "float32")
    X, Y = (np.round(8 * Z) for Z in (X, Y))  # numbers that all of these have
    if element == "bool":
        X, Y = X > 0, Y > 0
    elif element == "uint8":
        X, Y = abs(X), abs(Y)
    x, y = (library.cast(library.array(Z), element) for Z in (X, Y))
    dtype = "float64" if element in ("int32", "int64") else "float32"
    X, Y = (Z.astype(np.float64) for Z in (X, Y))
    assert close(gm.cka(x, y), reference.cka(X, Y), dtype)


class OnlyInterface:
    """An array that speaks CUDA's own protocol and no DLPack."""

    def __init__(self, array: Any) -> None:
        self.__cuda_array_interface__ = array.__cuda_array_interface__
        self.array = array


@pytest.mark.cuda
def test_cuda_array_interface(library: Torch, dtype: str) -> None:
    X, Y = inputs.pair(600, 40, 30, dtype)
    with library.stream():
        x = library.array(X)
        library.wait()  # torch and jax name no stream
        got = gm.cka(OnlyInterface(x), OnlyInterface(library.array(Y)))
    assert close(got, reference.cka(X, Y), dtype)


def test_models(library: Torch, dtype: str) -> None:
    """Lists of layers, and what is shared with another library's arrays."""
    A = [inputs.pair(100, p, 4, dtype, seed=p)[0] for p in (3, 20, 120)]
    with library.stream():
        a = [library.array(X) for X in A]
        for measure in ("cka", "svcca", "procrustes"):
            got = gm.compare(a, a[:2], measure=measure).values
            expected = gm.compare(A, A[:2], measure=measure, device="reference").values
            np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


def test_gram(library: Torch, dtype: str) -> None:
    X, _ = inputs.pair(300, 40, 30, dtype)
    got = gm.gram(library.array(X), kernel="laplacian")
    assert isinstance(got, np.ndarray) == (library.device == "cpu")
    got = got if isinstance(got, np.ndarray) else library.numpy(got)
    expected = reference.gram(X, kernel="laplacian")
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


RESULTS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "gram": (
        lambda x, _: gm.gram(x, kernel="rbf"),
        lambda x, _: reference.gram(x, kernel="rbf"),
    ),
    "correlation": (gm.correlation, reference.correlation),
    "matching": (
        lambda x, y: gm.match_units(x, y, method="semi").correlation,
        reference.correlation,
    ),
}


@pytest.mark.cuda
@pytest.mark.parametrize("name", RESULTS)
def test_results_come_back(library: Torch, dtype: str, name: str) -> None:
    """As the library's own arrays, on the device, there for what its stream does next."""
    function, expected = RESULTS[name]
    X, Y = inputs.pair(600, 40, 30, dtype)
    wanted = np.asarray(expected(X, Y))
    for stream in (library.stream, contextlib.nullcontext):
        for _ in range(3):
            with stream():
                x, y = behind_work(library, X), behind_work(library, Y)
                found = function(x, y)
                assert type(found) is type(x)
                assert found.device == x.device
                assert str(found.dtype).endswith(dtype)
                twice = found + found
                del found
                function(y, x)  # may take its memory
            got = library.numpy(twice)
            np.testing.assert_allclose(got / 2, wanted, rtol=0, atol=tolerance(dtype))


@pytest.mark.cuda
def test_weights_come_back(library: Torch, dtype: str) -> None:
    X, Y = inputs.pair(600, 40, 30, dtype)
    with library.stream():
        x, y = behind_work(library, X), behind_work(library, Y)
        found = gm.cca(x, y)
        both = found.x_weights, found.y_weights
        assert all(type(weights) is type(x) for weights in both)
        assert all(weights.device == x.device for weights in both)
        library.wait()
    assert isinstance(found.correlations, np.ndarray)
    left, right = (
        (Z - Z.mean(axis=0, dtype="float64")) @ library.numpy(weights)
        for Z, weights in zip((X, Y), both, strict=True)
    )
    for product, diagonal in (
        (left.T @ left, np.ones(30)),
        (left.T @ right, found.correlations),
    ):
        np.testing.assert_allclose(product, np.diag(diagonal), rtol=0, atol=tolerance(dtype))


@pytest.mark.cuda
def test_results_go_in_again(library: Torch) -> None:
    X, Y = inputs.pair(600, 40, 30, "float32")
    with library.stream():
        K, L = (gm.gram(behind_work(library, Z), kernel="rbf") for Z in (X, Y))
        got = gm.cka(K, L, kernel="precomputed")
    assert close(got, reference.cka(X, Y, kernel="rbf"), "float32")


@pytest.mark.cuda
def test_not_on_the_cpu(library: Torch) -> None:
    """An array on the device is not taken to the CPU, nor to a device that is not there."""
    x = library.array(inputs.pair(65, 12, 9, "float32")[0])
    with pytest.raises(ValueError, match="a device that this call cannot use"):
        gm.cka(x, x, device="cpu")
    with pytest.raises(ValueError, match="does not exist"):
        gm.cka(x, x, device="cuda:99")
