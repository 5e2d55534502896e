"""Two models and a loader: every layer of one against every layer of the other."""

from __future__ import annotations

import contextlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Unpack

from .._compare import done
from .._compare.results import Comparison
from .._extras import require
from .._input.annotations import NanPolicy
from .._input.arrays import Layer
from .._input.layers import checked_patterns, matching
from .._input.layout import Layouts
from .._input.options import refuse_type
from .._measures.names import MeasureName, Options
from .._streaming.accumulator import Accumulator
from . import batches
from .modules import check_model
from .outputs import MaskSource, mask_of
from .recording import Recording, as_dtype, check_mask
from .reduce import Reduction, Rows
from .targets import LastPass, layer_of

__all__ = ["compare_models"]


def compare_models(
    model_a: Any,
    model_b: Any,
    loader: Iterable[Any],
    *,
    layers: str | Sequence[str] | None = None,
    layers_b: str | Sequence[str] | None = None,
    loader_b: Iterable[Any] | None = None,
    measure: MeasureName = "cka",
    reduce: str | Callable[..., Any] = "mean",
    layout: Layouts = None,
    mask: MaskSource = None,
    dtype: Any = None,
    nan_policy: NanPolicy = "raise",
    device: str | None = None,
    progress: bool | None = None,
    max_memory: float | None = None,
    **options: Unpack[Options],
) -> Comparison:
    """Compare every layer of a model with every layer of another, on the batches of a loader.

    Parameters
    ----------
    model_a, model_b : torch.nn.Module or callable
        Models, each on its own device. A callable takes a batch and returns layers: a mapping of
        names to arrays, such as a cache of activations, or a tuple of hidden states. Without
        `model_b` (None), the layers of `model_a` are compared among themselves.
    loader : iterable
        Batches of the same examples for both, as `Recording.run` takes them.
    layers : str or sequence of str
        Patterns of the names of the layers to compare, as for `record`; must be given for a module.
    layers_b : str or sequence of str, optional
        Those of `model_b`, if they are others.
    loader_b : iterable, optional
        Batches for `model_b`: the same examples in the same order, otherwise prepared.
    measure : str, default "cka"
        One of `measures()`.
    reduce, layout, mask, dtype
        What becomes of outputs of more than two axes, as for `record`; by default the mean over
        positions, of valid tokens alone where the model gets an "attention_mask".
    nan_policy, device, max_memory, **options
        As for `Accumulator`. By default the computation is where the activations of `model_a` are.
    progress : bool, optional
        Whether to show a bar, by tqdm; by default if it is installed and stderr is a terminal.

    Returns
    -------
    Comparison
        As `compare` returns it for all samples at once; for kernels other than the linear one,
        and for distance correlation, an estimate by batches. Its options say which, what was
        recorded, and how.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        As `record` and `Accumulator` do.
    ImportError
        If torch is missing; ``pip install "gramian[torch]"``.

    Notes
    -----
    The models run in evaluation mode and without gradients; their modes come back. No activation
    outlives its batch, and what is kept does not grow with the number of batches: see
    `Accumulator` for what it is for each measure, and for what an estimate is. Inference needs all
    samples at once: `record` into memory, then `compare` with ``inference=``.

    Examples
    --------
    >>> import gramian as gm
    >>> import torch
    >>> _ = torch.manual_seed(0)
    >>> a, b = (torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU()) for _ in "ab")
    >>> loader = torch.utils.data.DataLoader(torch.randn(60, 1, 8, 8), batch_size=16)
    >>> gm.compare_models(a, b, loader, layers="*")
    <Comparison cka(kernel='linear', debiased=False): 2 x 2 layers, 60 samples>
    """
    check_mask(mask)
    how = _How(Reduction(reduce, layout), mask, as_dtype(dtype))
    patterns = checked_patterns(layers)
    own = patterns if layers_b is None else checked_patterns(layers_b, "layers_b")
    a = _side(model_a, "model_a", patterns, how)
    b = None if model_b is None else _side(model_b, "model_b", own, how)
    accumulator = Accumulator(
        measure, nan_policy=nan_policy, device=device, max_memory=max_memory, **options
    )
    with contextlib.ExitStack() as stack:
        stack.enter_context(batches.evaluating(model_a, model_b))
        for side in (a, b):
            if side is not None:
                stack.enter_context(side.listening())
        for batch, batch_b in _paired(batches.shown(loader, progress), loader_b):
            of_a = a.layers(batch)
            of_b = None if b is None else b.layers(batch_b)
            where = next(iter(of_a.values())).tensor.device
            accumulator.update(
                _as_layers("model_a", of_a, where),
                None if of_b is None else _as_layers("model_b", of_b, where),
            )
            accumulator._notes = done.noted({}, a, b)
    return accumulator.compute()


def _paired(loader: Iterable[Any], loader_b: Iterable[Any] | None) -> Iterator[tuple[Any, Any]]:
    if loader_b is None:
        yield from ((batch, batch) for batch in loader)
        return
    ended = object()
    both = itertools.zip_longest(loader, loader_b, fillvalue=ended)
    for count, (batch, batch_b) in enumerate(both):
        if batch is ended or batch_b is ended:
            shorter, longer = ("loader", "loader_b") if batch is ended else ("loader_b", "loader")
            raise ValueError(
                f"{shorter} must have as many batches as {longer}: it ended after {count}."
            )
        yield batch, batch_b


def _as_layers(argument: str, found: Mapping[str, Rows], where: Any) -> dict[str, Layer]:
    return {
        name: layer_of(f"layer {name!r} of {argument}", rows, where) for name, rows in found.items()
    }


class _How:
    """What becomes of the outputs of either model."""

    def __init__(self, reduction: Reduction, mask: MaskSource, dtype: Any) -> None:
        self.reduction, self.mask, self.dtype = reduction, mask, dtype


class _Side(ABC):
    """A model as a source of layers."""

    @abstractmethod
    def layers(self, batch: Any) -> dict[str, Rows]:
        """Return the layers of a batch."""

    @property
    @abstractmethod
    def notes(self) -> dict[str, Any]:
        """What was done."""

    def listening(self) -> contextlib.AbstractContextManager[Any]:
        """Return what to enter before the first batch."""
        return contextlib.nullcontext()


def _side(model: Any, argument: str, patterns: Sequence[str], how: _How) -> _Side:
    torch = require("torch", "torch")
    if isinstance(model, torch.nn.Module):
        return _Module(check_model(model, argument), argument, patterns, how)
    if not callable(model):
        raise refuse_type(argument, "a torch.nn.Module or a function of a batch", model)
    return _Function(model, argument, patterns, how)


class _Module(_Side):
    """A module with hooks."""

    def __init__(self, model: Any, argument: str, patterns: Sequence[str], how: _How) -> None:
        self._model, self._last = model, LastPass()
        self._recording = Recording(
            model, patterns, how.reduction, how.mask, how.dtype, self._last, argument
        )
        self._recording.listening = False

    def listening(self) -> contextlib.AbstractContextManager[Any]:
        return self._recording

    def layers(self, batch: Any) -> dict[str, Rows]:
        self._recording.listening = True  # and not while the other model, or the same, runs
        try:
            batches.call(self._model, batch)
        finally:
            self._recording.listening = False
        return self._last.taken()

    @property
    def notes(self) -> dict[str, Any]:
        return self._recording.notes


class _Function(_Side):
    """A function that returns layers."""

    def __init__(self, function: Any, argument: str, patterns: Sequence[str], how: _How) -> None:
        self._function, self._argument = function, argument
        self._patterns, self._how = patterns, how
        self._masked = False

    def layers(self, batch: Any) -> dict[str, Rows]:
        torch = require("torch", "torch")
        output = batches.call(self._function, batch)
        if getattr(output, "hidden_states", None) is not None:
            output = output.hidden_states
        named = _named(output, self._argument)
        inputs = batch if isinstance(batch, Mapping) else {}
        mask = mask_of(self._how.mask, inputs)
        self._masked = self._masked or mask is not None
        names = matching([*named], self._patterns, self._argument) if self._patterns else [*named]
        return {
            name: self._how.reduction.rows(
                torch.as_tensor(named[name]).detach(), mask, name, self._how.dtype
            )
            for name in names
        }

    @property
    def notes(self) -> dict[str, Any]:
        return self._how.reduction.notes(
            self._patterns, self._how.mask if self._masked else False, self._how.dtype
        )


def _named(output: Any, argument: str) -> dict[str, Any]:
    """Return what a function of a batch returned as layers by name."""
    if hasattr(output, "keys") and hasattr(output, "__getitem__"):
        return {str(key): output[key] for key in output.keys()}  # noqa: SIM118
    if isinstance(output, (tuple, list)):
        return {str(number): one for number, one in enumerate(output)}
    raise TypeError(
        f"{argument} must return a mapping or a tuple of layers, got {type(output).__name__}."
    )
