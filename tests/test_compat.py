"""The drop-in modules: what all have in common. `test_docs.py` runs the page that leads to them."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from children import child

ROOT = Path(__file__).resolve().parents[1]
DROP_INS = ("kornblith", "netrep", "platonic", "svcca", "torch_cka")


def public() -> Iterator[tuple[str, Any]]:
    """Functions, classes and their methods."""
    for name in DROP_INS:
        module = import_module(f"gramian.compat.{name}")
        for member in module.__all__:
            value = getattr(module, member)
            yield f"{name}.{member}", value
            if inspect.isclass(value):
                for method, function in inspect.getmembers(value, inspect.isfunction):
                    if not method.startswith("_"):
                        yield f"{name}.{member}.{method}", function


PUBLIC = dict(public())


def test_all_are_there() -> None:
    files = {path.stem for path in (ROOT / "python/gramian/compat").glob("[!_]*.py")}
    assert files - {"torchmetrics"} == set(DROP_INS)
    assert len(PUBLIC) > 30


@pytest.mark.parametrize("name", PUBLIC)
def test_they_are_documented(name: str) -> None:
    """Numpydoc: every parameter, and an example."""
    doc = inspect.getdoc(PUBLIC[name]) or ""
    for parameter in inspect.signature(PUBLIC[name]).parameters:
        if parameter != "self":
            assert re.search(rf"^Parameters\n-+\n(.*\n)*.*\b{parameter}\b", doc, re.M), parameter
    assert re.search(r"^Examples\n-+\n(.*\n)*>>> ", doc, re.M)


def test_they_say_what_differs() -> None:
    for name in DROP_INS:
        assert "On purpose otherwise:" in (import_module(f"gramian.compat.{name}").__doc__ or "")


def test_importing_them_loads_numpy_only() -> None:
    loaded = child(
        f"""
        import sys
        before = set(sys.modules)
        for name in {DROP_INS}:
            __import__("gramian.compat." + name)
        new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
        print(*(new - sys.stdlib_module_names))
        """
    )
    assert set(loaded.split()) == {"gramian", "numpy"}


def test_all_stand_on_the_page_of_functions() -> None:
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    listed = re.findall(r"^   compat\.(\S+)$", page, re.M)
    assert sorted(listed) == sorted(name for name in PUBLIC if name.count(".") == 1)


@pytest.mark.parametrize("name", ["kornblith.cca", "svcca.compute_pwcca", "netrep.LinearMetric"])
def test_messages_name_the_arguments(name: str) -> None:
    called = PUBLIC[name]
    called = called().fit if inspect.isclass(called) else called
    arrays = np.ones((4, 2)), np.ones((5, 3))
    names = [*inspect.signature(called).parameters][:2]
    with pytest.raises(ValueError, match=f"{names[0]} and {names[1]} must have the same number"):
        called(*arrays)
    with pytest.raises(ValueError, match=rf"{names[0]} must be two-dimensional, got shape \(3,\)"):
        called(np.ones(3), arrays[1])
    with pytest.raises(TypeError, match=f"{names[1]} must be numeric, got complex128"):
        called(arrays[0], arrays[1] * 1j)
    with pytest.raises(ValueError, match=f"{names[0]} must be finite: it holds NaN or infinity"):
        called(arrays[0] * np.nan, arrays[1])
    with pytest.raises(TypeError, match=f"{names[0]} must not be masked"):
        called(np.ma.MaskedArray(arrays[0], mask=True), arrays[1])


def test_a_line_is_warned_of_once() -> None:
    """In a loop over layers with other values too."""
    X = np.random.default_rng(0).standard_normal((20, 3)) + 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for k in range(3):
            PUBLIC["svcca.compute_pwcca"](X.T, X.T**2 + k)
            PUBLIC["kornblith.cca"](X, X**2 + k)
            PUBLIC["platonic.AlignmentMetrics"].cka(X / 1e4, X**2 / 1e4 + k)
    assert len({(one.lineno, one.filename) for one in caught}) == len(caught) == 3
    assert {one.filename for one in caught} == {__file__}


def test_tensors_are_read() -> None:
    """Detached, and of types that numpy lacks or that would overflow."""
    torch = pytest.importorskip("torch")
    cka, linear = PUBLIC["kornblith.feature_space_linear_cka"], PUBLIC["kornblith.gram_linear"]
    X = torch.randn((20, 3), generator=torch.Generator().manual_seed(0))
    for dtype in (torch.float32, torch.float64, torch.float16, torch.bfloat16):
        Y = (100 * X).to(dtype).requires_grad_()
        assert cka(Y, Y.double()) == pytest.approx(1, rel=0, abs=1e-6)
        assert linear(3 * Y).dtype == ("float64" if dtype == torch.float64 else "float32")
        assert np.isfinite(linear(3 * Y)).all()
