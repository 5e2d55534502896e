"""Fixtures that run one test body for every device, dtype and measure."""

from __future__ import annotations

import functools
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from hostcuda.standin import StandIn, load
from variants import Variant, variants

import gramian as gm
from gramian._input.arrays import Representation, as_float64
from gramian._measures.hsic import reference

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.cuda)]
STANDIN = pytest.StashKey[StandIn]()

hypothesis.settings.register_profile(
    "gramian", derandomize=True, database=None, deadline=None, max_examples=10
)
hypothesis.settings.load_profile("gramian")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--hostcuda",
        type=Path,
        metavar="BUILD_DIR",
        help="run device='cuda' on the stand-ins built there (see tests/hostcuda/README.md)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if folder := config.getoption("--hostcuda"):
        standin = config.stash[STANDIN] = load(folder.resolve())
        standin.set_devices(2)
        for device in ("cuda:0", "cuda:1"):  # what the first call leaves stays for good
            gm.cka(np.eye(3), np.eye(3), device=device)
        standin.reset()


@functools.cache
def cuda_runs() -> bool:
    """Whether there is a device, or what stands in for one."""
    try:
        return gm.cka(np.eye(3), np.eye(3), device="cuda") == pytest.approx(1)
    except RuntimeError:
        return False


def present(device: str, config: pytest.Config) -> str:
    """Skip what has no device to run on."""
    if device == "cuda" and STANDIN not in config.stash and not cuda_runs():
        pytest.skip("no CUDA device, and no stand-in (--hostcuda, tests/hostcuda/README.md)")
    return device


@pytest.fixture(params=DEVICES, scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """Where the compiled core runs."""
    return present(request.param, request.config)


@pytest.fixture(params=["reference", *DEVICES], scope="session")
def implementation(request: pytest.FixtureRequest) -> str:
    """Every device, and the reference."""
    return present(request.param, request.config)


@pytest.fixture
def standin(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """The stand-ins for NVIDIA's libraries, left as they were found."""
    if STANDIN not in request.config.stash:
        pytest.skip("needs the stand-ins for CUDA (--hostcuda, tests/hostcuda/README.md)")
    loaded = request.config.stash[STANDIN]
    loaded.reset()
    yield loaded
    loaded.reset()


@pytest.fixture(autouse=True)
def _nothing_left_on_the_device(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test takes of the stand-in's memory it gives back."""
    loaded = request.config.stash.get(STANDIN, None)
    if loaded is None:
        yield
        return
    loaded.drain()
    before = loaded.live_bytes()
    yield
    loaded.drain()
    assert loaded.live_bytes() == before


@pytest.fixture(params=["float32", "float64"], scope="session")
def dtype(request: pytest.FixtureRequest) -> str:
    """The type of the elements, and the precision of the arithmetic."""
    return request.param


@pytest.fixture(params=variants(), ids=lambda variant: variant.name, scope="session")
def measure(request: pytest.FixtureRequest) -> Variant:
    """Every measure, kernel and estimator."""
    return request.param


@pytest.fixture(
    params=[variant for variant in variants() if variant.of_kernels],
    ids=lambda variant: variant.name,
    scope="session",
)
def kernel_measure(request: pytest.FixtureRequest) -> Variant:
    """Every measure of kernels; the others have sizes, at which they are defined, of their own."""
    return request.param


@pytest.fixture
def remarks_of_cca() -> Iterator[None]:
    """Let CCA say that there are more features than samples, or tied correlations."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* by construction", RuntimeWarning)
        warnings.filterwarnings("ignore", ".* tied canonical correlations", RuntimeWarning)
        yield


@pytest.fixture(scope="session", autouse=True)
def _gram_matrices_once() -> Iterator[None]:
    """Keep the reference's Gram matrices, its slow step: many measures want the same ones."""
    kept: dict[tuple[object, ...], np.ndarray] = {}
    compute = reference.shifted_kernel_matrix

    def shifted_kernel_matrix(rep: Representation, *kernel: object) -> np.ndarray:
        values = as_float64(rep)
        key = (rep.name, values.shape, hashlib.sha256(values.tobytes()).digest(), *kernel)
        if key not in kept:
            kept[key] = compute(rep, *kernel)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "shifted_kernel_matrix", shifted_kernel_matrix)
        yield
