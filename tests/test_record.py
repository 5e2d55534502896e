"""Recording of PyTorch models: what hooks see, and that nothing stays behind."""

from __future__ import annotations

import copy
import gc
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from networks import Module, Returns, hooks_of, network

import gramian as gm

torch = pytest.importorskip("torch")
nn = torch.nn


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_a_convolution_before_an_activation_in_place() -> None:
    model, x = network(), torch.randn(6, 3, 8, 8)
    with gm.record(model, ["0", "1", "5"]) as activations:
        output = model(x)
    conv = model[0](x).detach()
    assert (activations["0"] < 0).any()
    assert torch.equal(activations["0"], conv.flatten(1))
    assert torch.equal(activations["1"], conv.relu().flatten(1))
    assert torch.equal(activations["5"], output.detach())
    assert list(activations) == ["0", "1", "5"]


@pytest.mark.parametrize("reduce", ["flatten", "mean", "max", "positions"])
def test_what_is_recorded_is_a_copy(reduce: str) -> None:
    """Of a linear layer's own output too, which has two axes and needs no reduction."""
    for layer, x in (
        (nn.Conv2d(3, 4, 1), torch.randn(5, 3, 2, 1)),
        (nn.Linear(3, 4), torch.ones(5, 3)),
    ):
        model = nn.Sequential(layer)
        with gm.record(model, "0", reduce=reduce) as activations:
            output = model(x)
        before = activations["0"].clone()
        output.detach().fill_(7)
        assert torch.equal(activations["0"], before)
        assert not activations["0"].requires_grad


def test_outputs_are_the_same_to_the_bit_and_no_hook_stays() -> None:
    model, x = network(), torch.randn(6, 3, 8, 8)
    expected, before = model(x), hooks_of(model)
    with gm.record(model, "*", reduce="mean"):
        assert hooks_of(model) == before + 7  # of six modules, and around the model
        assert torch.equal(model(x), expected)
    assert hooks_of(model) == before
    assert torch.equal(model(x), expected)


def test_after_an_exception() -> None:
    """The pass that raises leaves no rows of some layers, and the body's exception no hook."""
    model, x = network(), torch.randn(6, 3, 8, 8)
    expected, before = model(x), hooks_of(model)
    recording = gm.record(model, "*")

    def body() -> None:
        with recording:
            model(x)
            with pytest.raises(RuntimeError):
                model(torch.randn(6, 3, 9, 9))  # the head refuses it, after the convolutions
            model(x[:2])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        body()
    assert hooks_of(model) == before
    assert {len(layer) for layer in recording.values()} == {8}
    assert recording.n_passes == 2
    assert torch.equal(model(x), expected)


def test_a_forward_of_its_own_comes_back() -> None:
    """Some packages put one on the instance."""
    model = network()
    own = model.forward = lambda x: x + 1
    with pytest.warns(RuntimeWarning, match="no layer was called"), gm.record(model, "0"):
        model(torch.ones(1))
    assert vars(model)["forward"] is own
    twin = copy.deepcopy(network())
    with gm.record(twin, "5") as activations:
        twin.forward(torch.randn(2, 3, 8, 8))  # without __call__
    assert activations["5"].shape == (2, 5)


def test_gradients_and_modes_are_left_alone() -> None:
    model, x = network().train(), torch.randn(6, 3, 8, 8)
    with gm.record(model, "*", reduce="mean"):
        model(x).sum().backward()
    assert model.training
    own = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    model(x).sum().backward()
    assert all(torch.equal(g, p.grad) for g, p in zip(own, model.parameters(), strict=True))


def test_a_module_that_is_called_twice() -> None:
    shared = nn.Linear(4, 4)
    model = Module(lambda self, x: self.b(self.a(self.a(x)).relu()), a=shared, b=nn.Linear(4, 2))
    x = torch.randn(9, 4)
    with gm.record(model, "*") as activations:
        model(x)
        model(x[:3])
    once = shared(x).detach()
    assert list(activations) == ["a:0", "a:1", "b"]
    assert torch.equal(activations["a:0"][:9], once)
    torch.testing.assert_close(activations["a:1"][:9], shared(once).detach())
    assert len(activations["b"]) == 12


def test_a_module_with_two_names() -> None:
    """It is one module, called twice, under the name that is asked for."""
    layer = nn.Linear(4, 4)
    model = Module(lambda self, x: self.second(self.first(x)), first=layer, second=layer)
    for pattern, name in (("*", "first"), ("second", "second")):
        with gm.record(model, pattern) as activations:
            model(torch.randn(3, 4))
        assert list(activations) == [f"{name}:0", f"{name}:1"]


def test_layers_that_come_and_go() -> None:
    model = Module(lambda self, x, deep: self.b(self.a(x)) if deep else self.a(x),
                   a=nn.Linear(4, 4), b=nn.Linear(4, 4))  # fmt: skip
    x = torch.randn(3, 4)
    with gm.record(model, "*") as activations:
        model(x, deep=True)
        with pytest.raises(RuntimeError, match=r"^layer 'b' is not called in pass 1 .* was in the"):
            model(x, deep=False)
    assert {len(layer) for layer in activations.values()} == {3}


@dataclass
class Output:
    """As packages of transformers return it."""

    loss: Any
    hidden: Any


OUTPUTS: dict[str, Callable[[Any], Any]] = {
    "tuple": lambda x: (x, x.mean()),
    "nested": lambda x: [(None, {"a": x})],
    "loss_first": lambda x: (x.mean(), x),
    "mapping": lambda x: {"input_ids": torch.ones(len(x), 2, dtype=torch.int64), "h": x},
    "known_name": lambda x: {"other": x + 1, "last_hidden_state": x},
    "dataclass": lambda x: Output(x.mean(), x),
}


@pytest.mark.parametrize("make", OUTPUTS.values(), ids=OUTPUTS)
def test_outputs_are_unwrapped(make: Callable[[Any], Any]) -> None:
    model, x = nn.Sequential(Returns(make)), torch.randn(5, 3)
    with gm.record(model, "0") as activations:
        model(x)
    assert torch.equal(activations["0"], x)


def test_outputs_of_recurrent_layers() -> None:
    model, x = nn.Sequential(nn.LSTM(3, 4)), torch.randn(7, 5, 3)  # tokens first
    with gm.record(model, "0", layout="tnd", reduce="last") as activations:
        output, _ = model(x)
    assert torch.equal(activations["0"], output[-1].detach())
    packed = nn.utils.rnn.pack_padded_sequence(x, [7, 6, 5, 4, 3])
    with gm.record(model, "0"), pytest.raises(TypeError, match=r"^layer '0' returns a PackedSeq"):
        model(packed)


def test_500_batches_leave_memory_flat() -> None:
    """Into an accumulator: what is alive after 500 passes is what was after 20."""
    model, accumulator = network(), gm.Accumulator("cka")

    def tensors() -> int:
        gc.collect()
        return sum(
            x.untyped_storage().nbytes() for x in gc.get_objects() if type(x) is torch.Tensor
        )

    counts = []
    with torch.no_grad(), gm.record(model, "*", reduce="mean", to=accumulator):
        for number in range(500):
            model(torch.randn(8, 3, 8, 8))
            if number in (19, 499):
                counts.append(tensors())
    assert counts[0] == counts[1]
    assert accumulator.n_samples == 4000
    assert hooks_of(model) == 0


def test_types() -> None:
    model, x = network(), torch.randn(6, 3, 8, 8)
    with gm.record(model, "0", reduce="mean", dtype="float16") as activations:
        model(x)
    assert activations["0"].dtype == torch.float16
    half = network().to(torch.bfloat16)
    with gm.record(half, ["0", "2"], reduce="mean") as means:
        half(x.to(torch.bfloat16))
    assert means["0"].dtype == torch.float32  # of many numbers of eight bits
    expected = half[0](x.to(torch.bfloat16)).detach().double().mean(dim=(2, 3))
    np.testing.assert_allclose(means["0"].numpy(), expected.numpy(), rtol=1e-5, atol=1e-6)
    with gm.record(half, ["0", "2"]) as kept:
        half(x.to(torch.bfloat16))
    assert kept["0"].dtype == torch.bfloat16
    assert gm.compare(kept).options["input_dtype"] == "bfloat16"


def test_more_than_one_block_of_calls() -> None:
    """In memory a recording may go on; not twice at once."""
    model, x = network(), torch.randn(6, 3, 8, 8)
    recording = gm.record(model, "5")
    for _ in range(2):
        with recording:
            model(x)
            with pytest.raises(RuntimeError, match="going on already"):
                recording.__enter__()
    assert recording["5"].shape == (12, 5)
    assert hooks_of(model) == 0


def test_inference_mode_and_half_precision() -> None:
    model, x = network(), torch.randn(20, 3, 8, 8)
    accumulator = gm.Accumulator("cka")
    with torch.inference_mode(), gm.record(model, ["0", "2"], reduce="mean", to=accumulator):
        model(x)
    with torch.no_grad():
        conv = model[0](x)
        layers = [conv.mean(dim=(2, 3)), model[2](conv.relu()).mean(dim=(2, 3))]
    expected = gm.compare(layers).values
    np.testing.assert_allclose(accumulator.compute().values, expected, rtol=0, atol=1e-5)
    with torch.autocast("cpu", torch.bfloat16), gm.record(model, ["0"]) as activations:
        model(x)
    assert activations["0"].dtype == torch.bfloat16
