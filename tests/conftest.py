"""Fixtures that run one test body for every device, dtype and measure."""

from __future__ import annotations

import hashlib
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import numpy as np
import pytest
from devices import PRESENT, choose, libraries, marks
from hostcuda.standin import StandIn, load
from ids import plain
from variants import Variant, variants

import gramian as gm
from gramian._input.arrays import Layer, as_float64
from gramian._measures.hsic import reference

ROOT = Path(__file__).resolve().parents[1]
HOSTCUDA = ROOT / "tests" / "hostcuda"
STANDIN = pytest.StashKey[StandIn]()
HEADER = pytest.StashKey[list[str]]()

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
    parser.addoption(
        "--devices",
        type=lambda names: names.split(","),
        metavar="NAMES",
        help="run on these devices, such as cpu,cuda; an error if one of them is absent "
        "(default: on those that are present)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "numprocesses", None):
        # Workers of xdist share the processors; they, and what they start, inherit this.
        for library in ("GRAMIAN", "OPENBLAS", "OMP", "MKL"):
            os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if folder := config.getoption("--hostcuda"):
        standin = config.stash[STANDIN] = load(folder.resolve())
        standin.set_devices(2)
        for device in ("cuda:0", "cuda:1"):  # what the first call leaves stays for good
            gm.cka(np.eye(3), np.eye(3), device=device)
        standin.reset()
    present, absent = choose(config.getoption("--devices"))
    config.stash[PRESENT] = present
    config.stash[HEADER] = [f"devices: {', '.join(present)}"]
    config.stash[HEADER] += [f"without {name}: {reason}" for name, reason in absent.items()]
    here = {name for device in present for name in libraries(device)}
    config.stash[HEADER].append(f"arrays of other libraries: {', '.join(sorted(here)) or 'none'}")
    if folder is None:
        config.stash[HEADER].append("without tests/hostcuda: they need --hostcuda BUILD_DIR")


def pytest_report_header(config: pytest.Config) -> list[str]:
    return config.stash[HEADER]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out what is about the stand-ins where there are none, and what cannot run on them."""
    if STANDIN in config.stash:
        return True if collection_path.name == "test_device_arrays.py" else None
    return True if HOSTCUDA in (collection_path, *collection_path.parents) else None


def pytest_pycollect_makeitem(collector: pytest.Collector, obj: object) -> list[pytest.Item] | None:
    """Leave out a test that is marked as one of CUDA where there is none."""
    if "cuda" in collector.config.stash[PRESENT]:
        return None
    marks = [*getattr(obj, "pytestmark", ()), *collector.iter_markers()]
    return [] if any(mark.name == "cuda" for mark in marks) else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run `device` and `implementation` on what is present; what is absent is not collected."""
    filled = metafunc.definition.iter_markers("parametrize")
    of_its_own = {name for mark in filled for name in re.findall(r"\w+", str(mark.args[0]))}
    devices = [pytest.param(name, marks=marks(name)) for name in metafunc.config.stash[PRESENT]]
    for name, values in (("device", devices), ("implementation", ["reference", *devices])):
        if name in metafunc.fixturenames and name not in of_its_own:
            metafunc.parametrize(name, values, indirect=True, scope="session")


def pytest_make_parametrize_id(val: object) -> str | None:
    if isinstance(val, Path) and val.is_relative_to(ROOT):
        val = val.relative_to(ROOT)
    return plain(str(val)) if isinstance(val, (str, float, Path)) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if re.search(r"[\s.]", item.name):
            raise pytest.UsageError(f"spaces or dots in {item.nodeid}: see tests/ids.py")


@pytest.fixture(scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """Where the compiled core runs: every device that is present."""
    return request.param


@pytest.fixture(scope="session")
def implementation(request: pytest.FixtureRequest) -> str:
    """Every device, and the reference."""
    return request.param


@pytest.fixture
def standin(request: pytest.FixtureRequest) -> Iterator[StandIn]:
    """The stand-ins for NVIDIA's libraries, left as they were found."""
    loaded = request.config.stash.get(STANDIN, None)
    if loaded is None:  # a file of tests/hostcuda that was named
        pytest.fail("needs the stand-ins: --hostcuda BUILD_DIR, see tests/hostcuda/README.md")
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
    """Let CCA say that there are more features than samples, ties, or units without a score."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* by construction", RuntimeWarning)
        warnings.filterwarnings("ignore", ".* tied canonical correlations", RuntimeWarning)
        warnings.filterwarnings("ignore", ".* constant unit", RuntimeWarning)
        yield


@pytest.fixture(scope="session", autouse=True)
def _gram_matrices_once() -> Iterator[None]:
    """Keep the reference's Gram matrices, its slow step: many measures want the same ones."""
    kept: dict[tuple[object, ...], np.ndarray] = {}
    compute = reference.shifted_kernel_matrix

    def shifted_kernel_matrix(layer: Layer, *kernel: object) -> np.ndarray:
        values = as_float64(layer)
        key = (layer.name, values.shape, hashlib.sha256(values.tobytes()).digest(), *kernel)
        if key not in kept:
            kept[key] = compute(layer, *kernel)
        return kept[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reference, "shifted_kernel_matrix", shifted_kernel_matrix)
        yield
