"""Recording the layers of a PyTorch model while it runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from .._extras import require
from .._input import checks
from .._input.arrays import Examples
from .._input.layers import Described, checked_patterns
from .._input.layout import Layouts
from .._input.options import refuse_type, shown
from . import batches
from .modules import check_model, found_layers, uncompiled
from .outputs import MaskSource, inputs_of, mask_of, tensor_in
from .reduce import Reduction, Rows
from .targets import InMemory, LastPass, Target, ToAccumulator, target_of

__all__ = ["Recording", "as_dtype", "check_mask", "record"]


class Recording(Described):
    """The layers of a model that `record` records, by name: a context manager, and a mapping.

    Names are those of the modules; what is called more than once in a pass of the model has
    "name:0", "name:1", ... In memory, each layer is a `torch.Tensor` (n_rows, n_units) on the CPU;
    recorded into an accumulator or a file, the mapping is empty.

    Attributes
    ----------
    n_passes : int
        How often the model has been called.
    groups : dict of str to ndarray
        For each layer in memory the number of the example that each of its rows comes from, which
        permutations and resampling have to keep together where positions are samples.

    See Also
    --------
    record : Makes one.

    Examples
    --------
    >>> import gramian as gm
    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> with gm.record(model, ["0", "2"]) as layers:
    ...     _ = model(torch.randn(10, 4))
    >>> list(layers), layers["0"].shape, layers.n_passes
    (['0', '2'], torch.Size([10, 8]), 1)
    """

    __module__ = "gramian"

    def __init__(
        self,
        model: Any,
        patterns: Sequence[str],
        reduction: Reduction,
        mask: MaskSource,
        dtype: Any,
        target: Target,
        called: str = "model",
    ) -> None:
        self._model, self._patterns = model, patterns
        self._layers = found_layers(model, patterns, called)
        self._reduction, self._mask_source = reduction, mask
        self._dtype, self._target = dtype, target
        self._handles: list[Any] = []
        self._depth = 0  # of calls of the model that are going on: some call themselves
        self._mask: Any = None
        self._pass: dict[str, list[Rows]] = {}
        self._names: list[str] | None = None  # of the first pass
        self._masked = False
        self.listening = True
        self.n_passes = 0
        self._was_called = False

    # The mapping.

    def __getitem__(self, name: str) -> Any:
        if name in self._target.arrays and isinstance(self._target, InMemory):
            return self._target.array(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._target.arrays)

    def __len__(self) -> int:
        return len(self._target.arrays)

    def __repr__(self) -> str:
        return f"<Recording: {len(self._names or self._layers)} layers, {self.n_passes} passes>"

    @property
    def notes(self) -> dict[str, Any]:
        """What was done, which results repeat."""
        return self._reduction.notes(
            self._patterns, self._mask_source if self._masked else False, self._dtype
        )

    @property
    def groups(self) -> dict[str, npt.NDArray[np.int64]]:
        """The number of the example that each row comes from, by layer."""
        target = self._target
        return {n: target.groups(n) for n in self} if isinstance(target, InMemory) else {}

    def examples(self, name: str) -> Examples | None:
        """Return what the samples of a layer are, if they are positions."""
        groups = self.groups[name] if self._reduction.how in ("positions", "tokens") else None
        if groups is None or len(groups) == 0 or groups[-1] + 1 == len(groups):
            return None
        return Examples(int(groups[-1]) + 1, (), "reduce")

    # The hooks.

    def __enter__(self) -> Self:
        if self._handles:
            raise RuntimeError("this recording is going on already.")
        if self._target.over:
            raise RuntimeError("this recording is over, and its file written: make another.")
        self._own_forward = vars(self._model).get("forward")
        forward = self._model.forward

        @functools.wraps(forward)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            return self._passing(forward, args, kwargs)

        try:
            for name, module in self._layers.items():
                hook = uncompiled(functools.partial(self._take, name))
                self._handles.append(module.register_forward_hook(hook))
            # Around `forward`, which some packages call without `__call__` and its hooks.
            self._model.forward = recorded
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._remove()
        if kind is not None:
            self._target.abandon()
            return
        try:
            self._target.close(self.notes)
        except BaseException:
            self._target.abandon()
            raise
        if not isinstance(self._target, LastPass):
            self._warn_of_silence()

    def _remove(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles = []
        if self._own_forward is None:
            vars(self._model).pop("forward", None)
        else:
            self._model.forward = self._own_forward

    def _passing(self, forward: Callable[..., Any], args: Any, kwargs: Any) -> Any:
        """Call the model, and keep what its layers gave if it returns."""
        if self._depth or not self.listening:
            return forward(*args, **kwargs)
        self._pass, self._mask, self._was_called = {}, None, True
        if self._mask_source is not False:
            self._mask = mask_of(self._mask_source, inputs_of(forward, args, kwargs))
            self._masked = self._masked or self._mask is not None
        self._depth = 1
        try:
            output = forward(*args, **kwargs)
        finally:
            self._depth = 0
        self._commit()
        return output

    def _take(self, name: str, module: Any, args: Any, output: Any) -> None:
        """Reduce what a layer returned; outside of a call of the model nothing is recorded."""
        if not self._depth:
            return
        with require("torch", "torch").no_grad():
            tensor = tensor_in(output, name, self._mask)
            rows = self._reduction.rows(tensor, self._mask, name, self._dtype)
        self._pass.setdefault(name, []).append(rows)

    def _commit(self) -> None:
        """Hand over the rows of a pass, in the order of the model's modules."""
        batch: dict[str, Rows] = {}
        for name in self._layers:
            found = self._pass.get(name, [])
            for k, rows in enumerate(found):
                batch[name if len(found) == 1 else f"{name}:{k}"] = rows
        self._pass, self._mask = {}, None
        if self._names is None and batch:
            self._names = list(batch)
            if isinstance(self._target, ToAccumulator):
                self._target.describe(self.notes)
        if self._names is not None and list(batch) != self._names:
            odd = sorted({*batch} ^ {*self._names})[0]
            now, then = ("is", "was not") if odd in batch else ("is not", "was")
            raise RuntimeError(
                f"layer {odd!r} {now} called in pass {self.n_passes} of the model, and {then} in "
                "the first one: record layers that are called alike in each."
            )
        if batch:
            self._target.add(batch)
        self.n_passes += 1

    def _warn_of_silence(self) -> None:
        if not self._was_called:
            checks.warn(
                "nothing was recorded: the model was not called, or by code that torch.compile had "
                "compiled before."
            )
            return
        if self.n_passes and not self._names:
            first = next(iter(self._layers))
            checks.warn(f"nothing was recorded: no layer was called, not {first!r} either.")

    def run(self, loader: Iterable[Any], *, progress: Any = None) -> Self:
        """Record the model on every batch of a loader, in evaluation mode and without gradients.

        Parameters
        ----------
        loader : iterable
            Batches: mappings, whose entries that the model has parameters for are passed to it
            by name; tuples and lists, of which the first element is the input; or inputs.
        progress : bool, optional
            Whether to show a bar, by tqdm; by default if it is installed and stderr is a terminal.

        Returns
        -------
        Recording
            This one; the modes of the model's modules are what they were.

        Examples
        --------
        >>> import gramian as gm
        >>> import torch
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU())
        >>> activations = gm.record(model, "*").run([torch.ones(4, 3), torch.zeros(2, 3)])
        >>> {name: tuple(layer.shape) for name, layer in activations.items()}
        {'0': (6, 8), '1': (6, 8)}
        """
        with self, batches.evaluating(self._model):
            for batch in batches.shown(loader, progress):
                batches.call(self._model, batch)
        return self


def record(
    model: Any,
    layers: str | Sequence[str],
    *,
    reduce: str | Callable[..., Any] = "flatten",
    layout: Layouts = None,
    mask: MaskSource = None,
    dtype: Any = None,
    to: Any = "memory",
) -> Recording:
    """Record what layers of a PyTorch model return while it runs.

    Parameters
    ----------
    model : torch.nn.Module
        It is not changed, nor is what it returns; hooks are removed at the end of the ``with``, in
        whatever way that comes.
    layers : str or sequence of str
        Patterns of the names of modules, as ``model.named_modules()`` has them; `*` also matches
        dots. Every pattern must match. Nothing else is kept.
    reduce : str or callable, default "flatten"
        What becomes of outputs of more than two axes, at once, so that nothing that is done to
        them in place afterwards is seen:

        - "flatten": every entry is a unit;
        - "mean", "max": over positions (of images, or valid tokens); means in float32 at least;
        - "cls", "last": the first token, or the last valid one;
        - "positions": every position is a sample, with the channels as its units;
        - "tokens": every valid token is a sample;
        - a function that takes the output, and the mask if one is named, and returns a tensor
          (n_samples, n_units).
    layout : str or sequence of str, optional
        What the axes of outputs are, where they are not "ntd", "nchw" or "ncdhw": see `compare`.
    mask : str, callable, array or False, optional
        Which tokens are valid, 1 or 0, (n, tokens): the name of an input of the model, a function
        of all inputs by name, or an array. By default the input "attention_mask", if the model gets
        one; False takes none.
    dtype : torch.dtype or str, optional
        Type to keep what is recorded in, such as "float16". By default the layer's own.
    to : {"memory"}, Accumulator or path, default "memory"
        Where it goes. An `Accumulator` compares the layers among themselves, in memory that does
        not grow; a path that ends in .safetensors or .zarr is a file for `open`, which takes the
        place of an old one when all is recorded.

    Returns
    -------
    Recording
        A context manager, and a mapping of names to layers, for `compare`. Every call of the model
        adds its samples; one that raises adds nothing.

    Raises
    ------
    TypeError, ValueError
        If the model is no module, or one whose modules do not call hooks as they should (compiled,
        scripted, DataParallel); a pattern matches nothing; an option is wrong. While the model
        runs: if a layer returns no tensor, a mask does not fit, or padding would be kept.
    RuntimeError
        If a layer is called in some passes and not in others.
    ImportError
        If torch is missing; ``pip install "gramian[torch]"``.

    Warns
    -----
    RuntimeWarning
        If nothing was recorded.

    Notes
    -----
    Of what a module returns, the first tensor of floating-point numbers with at least two axes is
    taken, in tuples and dataclasses in their order, in mappings first what is named
    "sentence_embedding", "last_hidden_state", "token_embeddings" or "logits". A module that is
    called more than once in a pass of the model has the layers "name:0", "name:1", ..., and one
    with several names the first that matches. Cost: one pass over the outputs. Calls of parts of
    the model outside of a call of the model itself are not recorded.

    Examples
    --------
    >>> import gramian as gm
    >>> import torch
    >>> conv = torch.nn.Conv2d(1, 4, 3)
    >>> model = torch.nn.Sequential(conv, torch.nn.ReLU(inplace=True))
    >>> with gm.record(model, layers="0", reduce="mean") as activations:
    ...     _ = model(torch.randn(5, 1, 8, 8))
    >>> activations["0"].shape
    torch.Size([5, 4])
    """
    check_model(model)
    if layers is None:
        raise refuse_type("layers", "a pattern of names or a list of them", layers)
    patterns = checked_patterns(layers)
    check_mask(mask)
    kept = as_dtype(dtype)
    reduction = Reduction(reduce, layout)
    return Recording(model, patterns, reduction, mask, kept, target_of(to))


def check_mask(mask: Any) -> None:
    """Refuse what cannot say which tokens are valid."""
    if mask is not False and isinstance(mask, (int, float, bytes)):
        raise refuse_type("mask", "a name, a function, an array or False", mask)


def as_dtype(dtype: Any) -> Any:
    """Return a type of torch."""
    torch = require("torch", "torch")
    if dtype is None or isinstance(dtype, torch.dtype):
        return dtype
    name = dtype if isinstance(dtype, str) else getattr(dtype, "__name__", None)
    if name is None:
        raise refuse_type("dtype", "a torch.dtype or its name", dtype)
    found = getattr(torch, name, None)
    if not isinstance(found, torch.dtype) or not found.is_floating_point:
        raise ValueError(f"dtype must be a floating-point type of torch, got {shown(dtype)}.")
    return found
