"""Which routines do the work, and how often the device is called and waited for."""

from __future__ import annotations

from typing import Any

import inputs
import numpy as np
import pytest
from hostcuda.device_array import DeviceArray
from hostcuda.standin import StandIn
from variants import tolerance

import gramian as gm
from gramian import reference
from gramian._core import calls

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("remarks_of_cca")]

LAUNCH, WAIT = "cudaLaunchKernelExC", "cudaStreamSynchronize"
SOLVERS = {"Xsyevd": "eigenvalues", "Xgesvdp": "polar", "Xgesvd": "QR"}


def solvers(standin: StandIn) -> list[str]:
    """Who was asked for singular values, in order."""
    names = (name.removeprefix("cusolverDn") for name in standin.call_names())
    return [SOLVERS[name] for name in names if name in SOLVERS]


def spread(decades: float) -> tuple[Any, Any]:
    """Layers of canonical correlations over so many decades."""
    X, Y = inputs.pair(80, 30, 30, "float64")
    both = np.linalg.qr(np.hstack([X - X.mean(axis=0), Y - Y.mean(axis=0)]))[0]
    rho = np.geomspace(1, 10.0**-decades, 30)
    Y = both[:, :30] * rho + both[:, 30:] * np.sqrt(1 - rho * rho)
    return both[:, :30].astype("float32"), Y.astype("float32")


def test_float32_by_squares(standin: StandIn) -> None:
    """Eigenvalues of M'M in double: two to three times as fast as gesvdp on an H200."""
    X, Y = inputs.pair(60, 9, 12, "float32")
    standin.fail_at(0, 0)
    got = gm.compare([X], [Y], measure="pwcca", device="cuda").values
    assert solvers(standin) == ["eigenvalues"]
    expected = reference.compare([X], [Y], measure="pwcca").values
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance("float32"))


@pytest.mark.parametrize("measure", ["procrustes", "svcca", "cca", "shape_distance"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums_of_singular_values(standin: StandIn, measure: str, dtype: str) -> None:
    """By products alone of what came in float, for all pairs of a row together."""
    widths = (9, 12, 12, 5)
    X, *Y = (inputs.pair(60, p, 1, dtype, seed=k)[0] for k, p in enumerate(widths))
    standin.fail_at(0, 0)
    got = gm.compare([X], Y, measure=measure, device="cuda").values
    of_bases = len(widths) if measure == "svcca" else 0
    assert len(solvers(standin)) - of_bases == (0 if dtype == "float32" else len(Y))
    expected = reference.compare([X], Y, measure=measure).values
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


@pytest.mark.parametrize("p", [1, 30, 200])
@pytest.mark.parametrize("q", [3, 30, 45])
@pytest.mark.parametrize("kind", ["falls", "rank_1", "one_large", "equal"])
def test_polar_factors(standin: StandIn, p: int, q: int, kind: str) -> None:
    """Of spectra that a polar factor takes long for, has no part of, or hits at once."""
    k = min(p, q)
    values = {
        "falls": np.geomspace(1, 1e-12, k),
        "rank_1": np.r_[1, np.zeros(k - 1)],
        "one_large": np.r_[1, np.full(k - 1, 1e-7)],
        "equal": np.ones(k),
    }[kind]
    rng = np.random.default_rng(3)
    basis = np.linalg.qr(rng.standard_normal((300, p + 1)))[0]
    basis = np.linalg.qr(basis - basis.mean(axis=0))[0][:, :p]
    left, right = (np.linalg.qr(rng.standard_normal((size, k)))[0] for size in (p, q))
    X, Y = basis.astype("float32"), (basis @ (left * values) @ right.T).astype("float32")
    got = gm.procrustes(X, Y, device="cuda")
    assert solvers(standin) == []
    assert got == pytest.approx(reference.procrustes(X, Y), rel=0, abs=2e-6)


def test_both_sides_by_squares(standin: StandIn) -> None:
    X, Y = inputs.pair(400, 9, 9, "float32")
    for names, sides in ((["polar"], "float64"), (["eigenvalues"], "float32")):
        standin.fail_at(0, 0)
        found = gm.cca(X.astype(sides), Y.astype(sides), device="cuda")
        assert solvers(standin) == names
        for weights, layer in ((found.x_weights, X), (found.y_weights, Y)):
            variates = (layer - layer.mean(axis=0, dtype="float64")) @ np.asarray(
                weights, "float64"
            )
            product = variates.T @ variates
            product /= np.abs(product).max()
            np.testing.assert_allclose(product, np.eye(9), rtol=0, atol=tolerance(sides))


@pytest.mark.parametrize(
    ("decades", "error", "expected"),
    [
        (1, 0, ["eigenvalues"]),
        (12, 0, ["eigenvalues", "polar"]),
        (12, 1.0, ["eigenvalues", "polar", "QR"]),
    ],
)
def test_values_that_squares_lose(
    standin: StandIn, decades: float, error: float, expected: list[str]
) -> None:
    X, Y = spread(decades)
    standin.fail_at(0, 0)
    standin.gesvdp_error(error)
    got = gm.compare([X], [Y], measure="pwcca", device="cuda").values
    assert solvers(standin) == expected
    right = reference.compare([X], [Y], measure="pwcca").values
    np.testing.assert_allclose(got, right, rtol=0, atol=tolerance("float32"))


def test_eigenvalues_that_do_not_converge(standin: StandIn) -> None:
    X, Y = inputs.pair(60, 9, 12, "float32")
    standin.fail_at(0, 0)
    standin.solver_info(1, 1)
    standin.skip_solvers(4)  # Cholesky factors and their inverses, of two layers
    got = gm.compare([X], [Y], measure="pwcca", device="cuda").values
    assert solvers(standin) == ["eigenvalues", "polar"]
    expected = reference.compare([X], [Y], measure="pwcca").values
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance("float32"))


def test_float64_keeps_its_digits(standin: StandIn) -> None:
    X, Y = inputs.pair(60, 9, 12)
    standin.fail_at(0, 0)
    gm.procrustes(X, Y, device="cuda")
    assert solvers(standin) == ["polar"]


def test_a_pair_of_layers(standin: StandIn) -> None:
    """Three products, those of layers with themselves in one call. Each layer is packed once, and
    what is waited for is what the host needs.
    """
    X, Y = inputs.pair(10_000, 8, 8, "float32")
    layers = [DeviceArray(standin, array) for array in (X, Y)]
    standin.fail_at(0, 0)
    gm.cka(*layers)
    names = standin.call_names()
    assert names.count("cublasDgemmStridedBatched_64") == 2
    assert names.count(LAUNCH) <= 12  # of which two a layer are for column statistics
    assert names.count(WAIT) <= 3  # for column statistics, for the products, at the end


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("n", [30, 1024, 2500, 16_400])
@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_products(standin: StandIn, dtype: str, device: str, n: int, order: Any) -> None:
    """On the first device in double, on the second, where that is slow, by slices of float."""
    standin.set_devices(2)
    X, Y = (np.asarray(layer + 3, order=order) for layer in inputs.pair(n, 3, 2, dtype))
    standin.fail_at(0, 0)
    got = gm.correlation(X, Y, device=device)
    sliced = "cublasSgemmStridedBatched_64" in standin.call_names()
    assert sliced == (device == "cuda:1" and dtype == "float32")
    np.testing.assert_allclose(got, reference.correlation(X, Y), rtol=0, atol=tolerance(dtype))
    own = gm.correlation(X, device=device)
    np.testing.assert_allclose(own, reference.correlation(X), rtol=0, atol=tolerance(dtype))


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_wide_self_products(standin: StandIn, device: str) -> None:
    """One triangle alone is formed, or copied from."""
    standin.set_devices(2)
    X, _ = inputs.pair(20, 1030, 1, "float32")
    got = gm.correlation(X, device=device)
    np.testing.assert_array_equal(got, got.T)
    np.testing.assert_allclose(got, reference.correlation(X), rtol=0, atol=tolerance("float32"))


# What is waited for: 16 us each on an H200. All of a pair, and maps of 3 x 4 and 12 x 12 layers.
WAITS = {
    "cca": (5, 5, 7),
    "cca_squared": (5, 5, 7),
    "svcca": (4, 4, 4),
    "pwcca": (6, 6, 8),
    "procrustes": (3, 3, 3),
    "procrustes_distance": (3, 3, 3),
    "shape_distance": (3, 3, 3),
    "linear_regression": (6, 6, 8),
}
# Of 3 x 4 layers in float64, and of such as need bases in double, two for each of them.
OTHER_WAITS = {
    "cca": (5, 23),
    "cca_squared": (5, 23),
    "svcca": (5, 4),
    "pwcca": (6, 24),
    "procrustes": (3, 3),
    "procrustes_distance": (3, 3),
    "shape_distance": (3, 3),
    "linear_regression": (6, 18),
}


def waits(standin: StandIn, layers: list[Any], rows: int, measure: str, **options: Any) -> int:
    """How often the host waits in a map of so many of the layers with the others."""
    A, B = layers[:rows], layers[rows:]
    gm.compare(A, B, measure=measure, **options)  # for what is done once
    standin.fail_at(0, 0)
    gm.compare(A, B, measure=measure, **options)
    return standin.call_names().count(WAIT)


@pytest.mark.parametrize("measure", WAITS)
def test_waits(standin: StandIn, measure: str) -> None:
    """For bases, for what is found of them and for weights, all layers and all pairs together.
    A Gram matrix of 600 samples of 20 units needs a second factor.
    """
    counts = []
    for rows, count, n, p in ((1, 2, 400, 12), (3, 7, 400, 12), (12, 24, 600, 20)):
        layers = [inputs.pair(n, p, 1, "float32", seed=k)[0] for k in range(count)]
        arrays = [DeviceArray(standin, layer) for layer in layers]
        counts.append(waits(standin, arrays, rows, measure))
    assert all(np.less_equal(counts, WAITS[measure]))


@pytest.mark.parametrize("measure", OTHER_WAITS)
def test_waits_in_double(standin: StandIn, measure: str) -> None:
    counts = []
    for ill, dtype in ((False, "float64"), (True, "float32")):
        layers = []
        for k in range(7):
            layer = inputs.pair(400, 12, 1, seed=k)[0]
            turn = np.random.default_rng(k).standard_normal((12, 12))
            layers.append(layer * np.geomspace(1, 1e-6, 12) @ turn if ill else layer)
        arrays = [DeviceArray(standin, layer.astype(dtype)) for layer in layers]
        counts.append(waits(standin, arrays, 3, measure))
    assert all(np.less_equal(counts, OTHER_WAITS[measure]))


def test_waits_for_weights_of_both_sides(standin: StandIn) -> None:
    layers = [inputs.pair(400, 12, 1, "float32", seed=k)[0] for k in range(7)]
    arrays = [DeviceArray(standin, layer) for layer in layers]
    assert waits(standin, arrays, 3, "pwcca", side="mean") <= WAITS["pwcca"][1]


def test_waits_of_a_large_map(standin: StandIn) -> None:
    layers = [inputs.pair(600, 20, 1, "float32", seed=k)[0] for k in range(24)]
    arrays = [DeviceArray(standin, layer) for layer in layers]
    standin.fail_at(0, 0)
    gm.compare(arrays[:12], arrays[12:])
    assert standin.call_names().count(WAIT) <= 12


@pytest.mark.parametrize(
    ("kernel", "of_all", "of_each"),
    [
        ("linear", 4, 0),
        (gm.RBF(sigma=3.0), 4, 0),
        ("rbf", 4, 1),
        ("cosine", 4, 0),
        ("polynomial", 4, 3),
    ],
    ids=["linear", "width", "median", "cosine", "polynomial"],
)
@pytest.mark.parametrize("p", [20, 60])
def test_a_map(standin: StandIn, p: int, kernel: Any, of_all: int, of_each: int) -> None:
    """What the host waits for once for all layers: column statistics, norms, landmarks and how much
    of a kernel is lost to rounding, and what tiles leave in sums. Of each layer: by the median,
    distances of some rows; of a polynomial kernel, where the layer lies.
    """
    layers = [inputs.pair(50, p + k, 1, "float32")[0] for k in range(4)]
    X, Y = ([DeviceArray(standin, layer) for layer in half] for half in (layers[:2], layers[2:]))
    standin.fail_at(0, 0)
    gm.compare(X, Y, kernel=kernel)
    assert standin.call_names().count(WAIT) <= of_all + of_each * len(layers)


@pytest.mark.parametrize(("memory", "tiles", "waits"), [(None, 3, 4), (1e7, 28, 4), (5e5, 1431, 5)])
def test_tiles(standin: StandIn, memory: float | None, tiles: int, waits: int) -> None:
    """Nobody waits for one of them, as long as all that they sum up fits in 4 MB."""
    X, Y = inputs.pair(5000, 2, 2, "float32")
    kernel = gm.RBF(sigma=2.0)
    arrays = [DeviceArray(standin, layer) for layer in (X, Y)]
    standin.fail_at(0, 0)
    got = gm.cka(*arrays, kernel=kernel, max_memory=memory)
    names = standin.call_names()
    assert names.count(WAIT) <= waits
    landmarks = 2  # products with these, of a layer
    assert names.count("cublasSgemm_v2_64") == 2 * (landmarks + tiles)
    assert got == pytest.approx(gm.cka(X, Y, kernel=kernel), abs=tolerance("float32"))


def test_distances_are_kept_for_the_tiles(standin: StandIn) -> None:
    """Memory allows it by default: a layer's rows are multiplied for a sample of distances, for its
    tile and for landmarks, and not once more for the kernel.
    """
    layers = inputs.pair(300, 8, 8, "float32")
    counts = []
    for memory in (None, 3e6):
        standin.fail_at(0, 0)
        gm.cka(*layers, kernel="rbf", device="cuda", max_memory=memory)
        counts.append(standin.call_names().count("cublasSgemm_v2_64"))
    assert counts[0] == 2 * 3 < counts[1]


@pytest.mark.parametrize(("limit", "expected"), [(40e9, 10e9), (200e9, 16e9), (1e9, 512 * 2**20)])
def test_memory_that_follows_the_card(standin: StandIn, limit: float, expected: float) -> None:
    assert calls.default_memory(None) == 512 * 2**20
    calls.default_memory.cache_clear()
    standin.set_memory_limit(int(limit) + standin.live_bytes())
    assert calls.default_memory(0) == expected
    calls.default_memory.cache_clear()
