"""The tensor in what a module returned, and the mask in what a model was given."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from .._extras import require
from .._input.options import refuse_type

__all__ = ["Mask", "MaskSource", "inputs_of", "mask_of", "tensor_in"]

Tensor = Any  # torch is not installed where types are checked
MaskSource = str | Callable[[Mapping[str, Any]], Any] | Tensor | bool | None

# What a mapping that a module returns is asked for first: packages of sentence embeddings pass on
# everything that earlier modules have made, and models their losses.
_FIRST = ("sentence_embedding", "last_hidden_state", "token_embeddings", "logits")


def tensor_in(output: Any, name: str, mask: Mask | None = None) -> Tensor:
    """Return the first tensor of numbers, of at least two axes, in what a module returned.

    PyTorch's own encoders leave padding out, where they do not train: it is put back as 0, in the
    places that the mask knows.
    """
    torch = require("torch", "torch")
    found = _search(output, torch)
    if isinstance(found, torch.nn.utils.rnn.PackedSequence):
        raise TypeError(
            f"layer {name!r} returns a PackedSequence, whose rows are ordered by time: record a "
            "layer after pad_packed_sequence."
        )
    if found is None:
        raise TypeError(
            f"layer {name!r} returns {type(output).__name__}, in which there is no tensor of at "
            "least two axes."
        )
    if found.is_nested and mask is not None and found.dim() == 3:
        shape = (*mask.valid.shape, found.size(-1))
        if shape[0] == found.size(0) and [len(one) for one in found.unbind()] == mask.lengths:
            found = torch.nested.to_padded_tensor(found, 0.0, shape)
    if found.is_nested:
        raise TypeError(
            f"layer {name!r} returns a nested tensor, whose lengths are not those of the mask: "
            "pass mask=, or make the nn.TransformerEncoder with enable_nested_tensor=False."
        )
    if found.layout is not torch.strided or found.is_quantized:
        raise TypeError(f"layer {name!r} returns a tensor that is sparse or quantized.")
    if found.is_complex():
        raise TypeError(f"layer {name!r} must be real, got {found.dtype}.")
    return found.detach()


def _search(output: Any, torch: Any) -> Tensor | None:
    if isinstance(output, torch.nn.utils.rnn.PackedSequence):  # a tuple, which looks like others
        return output
    if isinstance(output, torch.Tensor):
        # Of less than two axes are losses; integers are inputs that are passed on.
        return output if output.dim() >= 2 and not _is_integer(output) else None
    if isinstance(output, Mapping):
        for key in (*_FIRST, *output):
            found = _search(output[key], torch) if key in output else None
            if found is not None:
                return found
    elif isinstance(output, (tuple, list)):
        for one in output:
            found = _search(one, torch)
            if found is not None:
                return found
    elif hasattr(output, "__dataclass_fields__"):
        return _search(tuple(getattr(output, name) for name in output.__dataclass_fields__), torch)
    return None


def _is_integer(tensor: Tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex())


def inputs_of(forward: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model was called with by name, and what is in a mapping among that."""
    try:
        named = dict(inspect.signature(forward).bind_partial(*args, **kwargs).arguments)
    except (TypeError, ValueError):  # the model says what is wrong with the call
        named = dict(kwargs)
    found: dict[str, Any] = {}
    for name, value in named.items():
        if isinstance(value, Mapping):
            found |= {str(key): one for key, one in value.items()}
        else:
            found[name] = value
    return found


class Mask:
    """Which positions of every example are valid, on whichever device they are asked for."""

    def __init__(self, valid: Tensor, *, given: bool) -> None:
        self.valid, self.given = valid, given
        self.counts = valid.sum(dim=1).cpu()
        self.whole = int(self.counts.sum()) == valid.numel()
        self._on: dict[Any, Tensor] = {valid.device: valid}

    @property
    def lengths(self) -> list[int]:
        """How many valid positions each example has, if these come first; else an empty list."""
        lengths: list[int] = self.counts.tolist()
        come_first = all(bool(row[:n].all()) for row, n in zip(self.valid, lengths, strict=True))
        return lengths if come_first else []

    def on(self, device: Any) -> Tensor:
        """Return it there, (n, positions)."""
        if device not in self._on:
            self._on[device] = self.valid.to(device)
        return self._on[device]


def mask_of(source: MaskSource, inputs: Mapping[str, Any]) -> Mask | None:
    """Return the mask of a pass of the model: an input of it, or what a function makes of all."""
    if source is False:
        return None
    if source is None:
        found = inputs.get("attention_mask")
        if found is None or getattr(found, "dim", int)() != 2:
            return None
    elif isinstance(source, str):
        found = inputs.get(source)
        if found is None:
            listed = ", ".join(map(repr, inputs)) or "none"
            raise ValueError(f"mask must name an input of the model, got {source!r} of {listed}.")
    else:
        found = source(inputs) if callable(source) else source
    return Mask(_as_truths(found), given=source is not None)


def _as_truths(mask: Any) -> Tensor:
    torch = require("torch", "torch")
    try:
        tensor = torch.as_tensor(mask).detach()
    except (TypeError, ValueError, RuntimeError):
        raise refuse_type("mask", "an array (n, positions)", mask) from None
    if tensor.dim() < 2:
        raise ValueError(f"mask must be (n, positions), got shape {tuple(tensor.shape)}.")
    tensor = tensor.reshape(len(tensor), -1)
    if tensor.dtype is not torch.bool:
        valid = tensor != 0
        if not bool((valid == tensor).all()):
            raise ValueError(
                "mask must hold 1 for valid positions and 0 for padding, got other numbers."
            )
        tensor = valid
    return tensor
