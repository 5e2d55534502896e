"""What cannot be recorded, and what compilers leave of hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from networks import Returns, hooks_of, network

import gramian as gm

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


REFUSED: dict[str, tuple[Callable[[Any], Any], str]] = {
    "nothing": (lambda x: None, r"layer '0' returns NoneType, in which there is no tensor"),
    "numbers": (lambda x: (1, x.mean()), r"layer '0' returns tuple, in which there is no tensor"),
    "sparse": (lambda x: x.to_sparse(), r"layer '0' returns a tensor that is sparse"),
    "complex": (lambda x: x + 1j, r"layer '0' must be real, got torch\.complex64"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_outputs_without_a_tensor(case: str) -> None:
    make, message = REFUSED[case]
    model = nn.Sequential(Returns(make))
    with gm.record(model, "0"), pytest.raises(TypeError, match=f"^{message}"):
        model(torch.randn(5, 3))
    assert hooks_of(model) == 0


@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_compiled_models(backend: str) -> None:
    """A compiled model is refused with the reason; a function that is compiled is recorded."""
    model, x = network(), torch.randn(6, 3, 8, 8)
    expected = model(x)
    with pytest.raises(ValueError, match=r"^model is compiled by torch\.compile, .*_orig_mod\.$"):
        gm.record(torch.compile(model, backend=backend), "*")
    in_place = network()
    in_place.compile(backend=backend)
    with pytest.raises(ValueError, match=r"^model is compiled by torch\.compile"):
        gm.record(in_place, "*")
    inner = nn.Sequential(torch.compile(nn.Sequential(nn.Linear(3, 3)), backend=backend))
    with pytest.raises(ValueError, match=r"^layer '0\._orig_mod' of model is in '0', which is"):
        gm.record(inner, "0.*")
    step = torch.compile(lambda x: model(x), backend=backend)
    with torch.no_grad():
        step(x)  # before there are hooks
        with gm.record(model, ["0", "5"]) as activations:
            found = step(x)
    torch.testing.assert_close(found, expected)
    assert (activations["0"] < 0).any()
    torch.testing.assert_close(activations["5"], expected.detach())
    torch._dynamo.reset()


def test_what_cannot_be_recorded() -> None:
    model = network()
    with pytest.raises(ValueError, match=r"^model is a DataParallel, .* record model\.module"):
        gm.record(nn.DataParallel(model), "*")
    with pytest.raises(ValueError, match=r"^layer '0\.module' of model is in '0', which is a"):
        gm.record(nn.Sequential(nn.DataParallel(model)), "0.module")
    with pytest.raises(TypeError, match=r"^model must be a torch\.nn\.Module, got function\.$"):
        gm.record(lambda x: x, "*")
    with pytest.raises(ValueError, match=r"^layers must match a layer of model, got 'x\*'"):
        gm.record(model, ["0", "x*"])
    with pytest.raises(TypeError, match=r"^layers must be .*, got int\.$"):
        gm.record(model, 3)
    for reduce, kind in (("avg", ValueError), (3, TypeError)):
        with pytest.raises(kind, match=r"^reduce must be 'flatten', "):
            gm.record(model, "0", reduce=reduce)
    for to, kind in (("disk", ValueError), (3, TypeError), ("/nowhere/a.zarr", ValueError)):
        with pytest.raises(kind, match=r"^to must be "):
            gm.record(model, "0", to=to)
    for dtype, kind in (("float3", ValueError), ("int64", ValueError), (3, TypeError)):
        with pytest.raises(kind, match=r"^dtype must be "):
            gm.record(model, "0", dtype=dtype)
    with pytest.raises(TypeError, match=r"^mask must be a name, "):
        gm.record(model, "0", mask=True)


def test_nothing_recorded_warns() -> None:
    model = network()
    silence = pytest.warns(RuntimeWarning, match="nothing was recorded: the model was not called")
    with silence, gm.record(model, "0"):
        model[0](torch.randn(1, 3, 8, 8))  # a part of it
