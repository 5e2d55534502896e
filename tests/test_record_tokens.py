"""Reductions of recorded layers: tokens and their masks, images, layouts and functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import gramian as gm

torch = pytest.importorskip("torch")
nn = torch.nn


class Encoder(nn.Module):  # type: ignore[misc, name-defined]
    """A layer of tokens that are embeddings as they come, and a pooled output."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Identity()
        self.pooler = nn.Identity()

    def forward(self, hidden: Any, attention_mask: Any = None) -> Any:
        return self.pooler(self.layer(hidden)[:, 0])


def padded(
    n: int = 32, tokens: int = 512, units: int = 64, left: bool = False, garbage: float = math.nan
) -> Any:
    """Sentences of 5 to 20 tokens, their mask, and garbage in the padding."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, 21, n)
    hidden = torch.full((n, tokens, units), garbage)
    hidden[:, ::2] = 1e30
    mask = torch.zeros(n, tokens, dtype=torch.int64)
    sentences = []
    for i, length in enumerate(lengths.tolist()):
        at = slice(tokens - length, tokens) if left else slice(0, length)
        sentences.append(torch.from_numpy(rng.standard_normal((length, units)).astype("f4")))
        hidden[i, at] = sentences[-1]
        mask[i, at] = 1
    return hidden, mask, sentences


@pytest.mark.parametrize("left", [False, True])
@pytest.mark.parametrize("garbage", [math.nan, math.inf, -1e30])
@pytest.mark.parametrize("name", [None, "attention_mask", "function", "array"])
def test_padding_is_left_out(name: str | None, garbage: float, left: bool) -> None:
    hidden, mask, sentences = padded(left=left, garbage=garbage)
    given: Any = {"function": lambda inputs: inputs["attention_mask"], "array": mask}.get(
        name or "", name
    )
    expected = {
        "tokens": torch.cat(sentences),
        "mean": torch.stack([s.double().mean(0) for s in sentences]).float(),
        "max": torch.stack([s.amax(0) for s in sentences]),
        "last": torch.stack([s[-1] for s in sentences]),
    }
    if not left:
        expected["cls"] = torch.stack([s[0] for s in sentences])
    for reduce, rows in expected.items():
        model = Encoder()
        with gm.record(model, "layer", reduce=reduce, mask=given) as activations:
            model(hidden, attention_mask=mask)
        torch.testing.assert_close(activations["layer"], rows, rtol=1e-6, atol=1e-6)
        assert activations.notes["mask"] in ("attention_mask", "<lambda>", "given")


def test_tokens_have_groups() -> None:
    hidden, mask, sentences = padded(8, 32, 4)
    model = Encoder()
    with gm.record(model, ["layer", "pooler"], reduce="tokens") as activations:
        model(hidden[:3], mask[:3])
        model(hidden[3:, :25], mask[3:, :25])  # of another length
    expected = np.repeat(np.arange(8), [len(s) for s in sentences])
    np.testing.assert_array_equal(activations.groups["layer"], expected)
    np.testing.assert_array_equal(activations.groups["pooler"], np.arange(8))
    torch.testing.assert_close(activations["layer"], torch.cat(sentences))
    with pytest.raises(ValueError, match=r"of 8 examples each: reduce='mean' makes one sample"):
        gm.compare(activations)


def test_padding_is_not_kept_by_mistake() -> None:
    hidden, mask, _ = padded(4, 32, 4)
    model = Encoder()
    for reduce in ("flatten", "positions"):
        message = rf"^layer 'layer' has {128 - int(mask.sum())} padded positions.*mask=False"
        with gm.record(model, "layer", reduce=reduce), pytest.raises(ValueError, match=message):
            model(hidden, mask)
        with gm.record(model, "layer", reduce=reduce, mask=False) as activations:
            model(hidden, mask)
        assert activations["layer"].numel() == hidden.numel()
        with gm.record(model, "layer", reduce=reduce) as activations:
            model(hidden, torch.ones_like(mask))  # no padding
        assert activations["layer"].numel() == hidden.numel()


def test_masks_that_do_not_fit() -> None:
    hidden, mask, _ = padded(4, 32, 4)
    model = Encoder()
    none = mask.clone()
    none[2] = 0
    for source, given, message in (
        (
            None,
            mask[:, :30],
            r"^mask must have the positions of layer 'layer', \(4, 32\), got",
        ),
        (None, none, r"^mask must leave a position of every example, got none of 2\."),
        (None, (mask - 1) * 1e9, r"^mask must hold 1 for valid positions and 0 for padding"),
        ("masks", mask, r"^mask must name an input .* got 'masks' of 'hidden', 'attention_mask'\."),
        (torch.ones(4), mask, r"^mask must be \(n, positions\), got shape \(4,\)\."),
    ):
        recording = gm.record(model, "layer", reduce="mean", mask=source)
        with recording, pytest.raises(ValueError, match=message):
            model(hidden, given)


def test_a_mapping_as_the_input() -> None:
    """As modules of sentence embeddings take it, and pass it on."""

    class Pooling(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, features: Any) -> Any:
            hidden, mask = features["token_embeddings"], features["attention_mask"]
            total = hidden.masked_fill(mask.unsqueeze(-1) == 0, 0).sum(1)
            features["sentence_embedding"] = total / mask.sum(1, keepdim=True)
            return features

    class Words(nn.Module):  # type: ignore[misc, name-defined]
        def forward(self, features: Any) -> Any:
            return {**features, "token_embeddings": features["hidden"] * 1}

    hidden, mask, sentences = padded(6, 24, 3)
    model = nn.Sequential(Words(), Pooling())
    ids = torch.zeros(6, 24, dtype=torch.int64)
    activations = gm.record(model, "*", reduce="mean").run(
        [{"input_ids": ids, "hidden": hidden, "attention_mask": mask}]
    )
    expected = torch.stack([s.mean(0) for s in sentences])
    torch.testing.assert_close(activations["1"], expected)


def test_images() -> None:
    model, x = nn.Sequential(nn.Identity()), torch.randn(5, 3, 4, 6)
    places = [(i, a, b) for i in range(5) for a in range(4) for b in range(6)]
    expected = {
        "flatten": x.flatten(1),
        "mean": x.mean(dim=(2, 3)),
        "max": x.amax(dim=(2, 3)),
        "positions": torch.stack([x[i, :, a, b] for i, a, b in places]),
    }
    for reduce, rows in expected.items():
        with gm.record(model, "0", reduce=reduce) as activations:
            model(x)
        torch.testing.assert_close(activations["0"], rows)
        with gm.record(model, "0", reduce=reduce, layout="nhwc") as last:
            model(x.permute(0, 2, 3, 1))
        if reduce != "flatten":
            torch.testing.assert_close(last["0"], rows)
    assert last.notes["layout"] == ["nhwc"]
    np.testing.assert_array_equal(last.groups["0"], np.repeat(np.arange(5), 24))
    for reduce in ("cls", "last"):
        with gm.record(model, "0", reduce=reduce), pytest.raises(ValueError, match=r"no tokens"):
            model(x)
    with gm.record(model, "0"), pytest.raises(ValueError, match=r"^layer '0' has 6 axes, shape"):
        model(x[None, None])


def test_functions() -> None:
    model, x = nn.Sequential(nn.Identity()), torch.randn(5, 3, 4)

    def middle(output: Any) -> Any:
        return output[:, 1]

    with gm.record(model, "0", reduce=middle) as activations:
        model(x)
    assert torch.equal(activations["0"], x[:, 1])
    assert activations.notes["reduce"] == "middle"
    hidden, mask, sentences = padded(4, 32, 4)
    encoder = Encoder()
    with gm.record(
        encoder, "layer", mask="attention_mask", reduce=lambda output, valid: output[valid]
    ) as tokens:
        encoder(hidden, mask)
    assert torch.equal(tokens["layer"], torch.cat(sentences))
    with (
        gm.record(model, "0", reduce=lambda output: output),
        pytest.raises(
            ValueError, match=r"^reduce must return a tensor \(n_samples, n_units\) of layer '0'"
        ),
    ):
        model(x)


def test_lengths_that_differ() -> None:
    model = nn.Sequential(nn.Identity())
    with gm.record(model, "0") as activations:
        model(torch.randn(2, 3, 4))
        model(torch.randn(2, 5, 4))
    with pytest.raises(ValueError, match=r"^layer '0' has had 12 units in one pass and 20 in"):
        activations["0"]


def test_many_layers_of_tokens_into_an_accumulator() -> None:
    """33 layers of 10⁵ tokens: what is alive does not grow with them."""
    import gc

    model = nn.Sequential(*(nn.Linear(4, 4) for _ in range(33)))
    for layer in model:
        nn.init.orthogonal_(layer.weight)  # so that what comes in is not lost on the way
    accumulator, sizes = gm.Accumulator("cka"), []
    mask = torch.ones(250, 40, dtype=torch.int64)
    mask[:, 20:] = 0
    with (
        torch.no_grad(),
        gm.record(model, "*", reduce="tokens", mask=lambda _: mask, to=accumulator),
    ):
        for number in range(20):
            model(torch.randn(250, 40, 4))
            if number in (1, 19):
                gc.collect()
                sizes.append(sum(x.nbytes for x in gc.get_objects() if type(x) is torch.Tensor))
    assert accumulator.n_samples == 100_000
    assert sizes[0] == sizes[1]
    found = accumulator.compute()
    assert found.values.shape == (33, 33)
    assert found.options["reduce"] == "tokens"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_means_of_tokens_of_other_types(dtype: Any) -> None:
    hidden, mask, _ = padded(6, 40, 8, garbage=7.0)
    model = Encoder()
    with gm.record(model, "layer", reduce="mean") as activations:
        model(hidden.to(dtype), mask)
    lengths = mask.sum(dim=1).tolist()
    pairs = zip(hidden.to(dtype).double(), lengths, strict=True)
    expected = torch.stack([one[:length].mean(dim=0) for one, length in pairs])
    found = activations["layer"]
    assert found.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-6)


def test_means_under_autocast() -> None:
    """Which would multiply a mask in half precision."""
    hidden, mask, sentences = padded(6, 40, 8, garbage=7.0)
    model = Encoder()
    with torch.autocast("cpu", torch.bfloat16), gm.record(model, "layer", reduce="mean") as means:
        model(hidden, mask)
    expected = torch.stack([s.mean(dim=0) for s in sentences])
    torch.testing.assert_close(means["layer"], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
@pytest.mark.parametrize("reduce", ["tokens", "mean", "last"])
def test_encoders_that_leave_padding_out(reduce: str) -> None:
    """PyTorch's own, in evaluation mode, hand nested tensors from layer to layer."""

    class Model(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self, nested: bool) -> None:
            super().__init__()
            layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
            self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=nested)

        def forward(self, x: Any, attention_mask: Any) -> Any:
            return self.encoder(x, src_key_padding_mask=attention_mask == 0)

    torch.manual_seed(0)
    nested, plain = Model(True), Model(False)
    plain.load_state_dict(nested.state_dict())
    mask = (torch.arange(7) < torch.tensor([[4], [6], [2]])).long()
    batch = {"x": torch.randn(3, 7, 8), "attention_mask": mask}
    found, expected = (
        gm.record(model, "encoder.layers.?", reduce=reduce).run([batch])
        for model in (nested, plain)
    )
    for name in ("encoder.layers.0", "encoder.layers.1"):
        torch.testing.assert_close(found[name], expected[name])
    with pytest.raises(TypeError, match=r"nested tensor.*enable_nested_tensor=False"):
        gm.record(nested, "encoder.layers.?", reduce=reduce, mask=False).run([batch])
