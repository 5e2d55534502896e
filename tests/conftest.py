"""Fixtures that run one test body for every device, dtype and measure."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator

import hypothesis
import numpy as np
import pytest
from variants import Variant, variants

from gramian import reference
from gramian._validate import Representation, as_float64

DEVICES = ["cpu"]

hypothesis.settings.register_profile(
    "gramian", derandomize=True, database=None, deadline=None, max_examples=10
)
hypothesis.settings.load_profile("gramian")


@pytest.fixture(params=DEVICES, scope="session")
def device(request: pytest.FixtureRequest) -> str:
    """Where the compiled core runs."""
    return request.param


@pytest.fixture(params=["reference", *DEVICES], scope="session")
def implementation(request: pytest.FixtureRequest) -> str:
    """Every device, and the reference."""
    return request.param


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
