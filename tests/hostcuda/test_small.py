"""Every kernel on a few rows: small enough for ThreadSanitizer.

With HOSTCUDA_THREADS set, each CUDA thread is a thread of the system, and a race is seen.
"""

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

pytestmark = pytest.mark.cuda

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "linear": ("cka", {"debiased": True}),
    "rbf": ("cka", {"kernel": "rbf"}),
    "cosine": ("cka", {"kernel": "cosine"}),
    "cca": ("svcca", {}),
    "regression": ("linear_regression", {}),
    "procrustes": ("procrustes", {}),
}


@pytest.mark.parametrize("call", CALLS)
def test_small(standin: StandIn, call: str) -> None:
    name, options = CALLS[call]
    X, Y = inputs.pair(9, 3, 2, "float32")
    got = getattr(gm, name)(*(DeviceArray(standin, array) for array in (X, Y)), **options)
    expected = getattr(reference, name)(X, Y, **options)
    assert got == pytest.approx(expected, rel=0, abs=tolerance("float32"))


def test_gram(standin: StandIn) -> None:
    X, _ = inputs.pair(9, 3, 1, "float32")
    got = gm.gram(DeviceArray(standin, X), kernel="laplacian").numpy()
    expected = reference.gram(X, kernel="laplacian")
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance("float32"))
