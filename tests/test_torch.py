"""Tensors of torch, in every element type, are read where they are."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from variants import Variant, tolerance

import gramian as gm

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("remarks_of_cca")


@pytest.mark.parametrize("element", ["float32", "float64", "float16", "bfloat16", "int32"])
def test_torch(measure: Variant, implementation: str, element: str) -> None:
    X, Y = inputs.pair(65, 7, 9)
    tensors = [torch.from_numpy(3 * array).to(getattr(torch, element)) for array in (X, Y)]
    values = [tensor.to(torch.float64).numpy() for tensor in tensors]
    expected = measure.score(measure(*values, "reference"))
    atol = tolerance(
        "float64" if element in ("float64", "int32") else "float32", measure.scale(*values)
    )
    tensors[0] = tensors[0].t().contiguous().t()
    if tensors[1].is_floating_point():
        tensors[1].requires_grad_()
    assert measure.score(measure(*tensors, implementation)) == pytest.approx(
        expected, rel=0, abs=atol
    )


@pytest.mark.parametrize("element", ["int8", "uint8", "int16", "uint16", "int32", "int64"])
def test_integers(element: str) -> None:
    """Their names begin like those of types of a bit, which are refused."""
    X = np.random.default_rng(0).integers(0, 100, (30, 4)).astype(element)
    expected = gm.cka(X, X[:, :2], kernel="rbf")
    assert gm.cka(torch.from_numpy(X), torch.from_numpy(X[:, :2]), kernel="rbf") == expected
