"""Bad parameters of kernels, and matrices that are not Gram matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from calls import OF_KERNELS, Call, each

import gramian as gm


@pytest.mark.parametrize("name", ["sigma", "bandwidth"])
@pytest.mark.parametrize("value", [0, -1.0, np.inf, np.nan])
def test_kernel_widths(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name} must be finite and > 0, got {value:g}\.$"):
        gm.RBF(**{name: value})


@pytest.mark.parametrize("kind", [gm.RBF, gm.Laplacian])
def test_two_kernel_widths(kind: type) -> None:
    with pytest.raises(ValueError, match=r"^give \w+ either sigma or bandwidth, got sigma=1 and "):
        kind(sigma=1, bandwidth=2)


@pytest.mark.parametrize(
    ("arguments", "exception", "message"),
    [
        ({"degree": 0}, ValueError, "degree must be between 1 and 16, got 0."),
        ({"degree": 17}, ValueError, "degree must be between 1 and 16, got 17."),
        ({"degree": 2.0}, TypeError, "degree must be an integer, got float."),
        ({"constant": -1}, ValueError, "constant must be finite and >= 0, got -1."),
        ({"constant": "1"}, TypeError, "constant must be a number, got str."),
    ],
)
def test_polynomial(arguments: dict[str, Any], exception: type, message: str) -> None:
    with pytest.raises(exception) as caught:
        gm.Polynomial(**arguments)
    assert str(caught.value) == message


@each(OF_KERNELS)
def test_precomputed(call: Call) -> None:
    name = call.names[0]
    skew = np.eye(10)
    skew[2, 7] = 0.5
    for bad, message in (
        (
            np.ones((10, 4)),
            f"{name} must be a Gram matrix (n_samples, n_samples) for kernel='precomputed', "
            "got shape (10, 4).",
        ),
        (
            skew,
            f"{name} must be symmetric for kernel='precomputed', "
            "got 0.5 at [2, 7] and 0 at [7, 2].",
        ),
    ):
        with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
            call(bad, np.eye(10), kernel="precomputed")
        assert str(caught.value) == message
