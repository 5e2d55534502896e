"""Batches of a loader, as models take them."""

from __future__ import annotations

import contextlib
import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from .._extras import require
from .._input.options import check_flag
from .._input.progress import Line

__all__ = ["call", "evaluating", "shown"]

Module = Any  # torch is not installed where types are checked


@contextlib.contextmanager
def evaluating(*models: Any) -> Iterator[None]:
    """Turn dropout and the like off, and gradients; the modes of all modules come back."""
    torch = require("torch", "torch")
    modules = [m for model in models if isinstance(model, torch.nn.Module) for m in model.modules()]
    training = [module.training for module in modules]
    try:
        for model in models:
            if isinstance(model, torch.nn.Module):
                model.eval()
        with torch.no_grad():
            yield
    finally:
        for module, mode in zip(modules, training, strict=True):
            module.training = mode


def call(model: Any, batch: Any) -> Any:
    """Call a model with a batch, moved to where its parameters are."""
    torch = require("torch", "torch")
    if not isinstance(model, torch.nn.Module):
        return model(batch)
    batch = moved(batch, _device(model))
    if isinstance(batch, Mapping):
        named, any_name = _parameters(model)
        if any(str(key) in named for key in batch):
            return model(**{k: v for k, v in batch.items() if any_name or k in named})
        return model(batch)
    if isinstance(batch, (tuple, list)):
        return model(batch[0])  # the others are labels
    return model(batch)


def _parameters(model: Module) -> tuple[set[str], bool]:
    """Return the names of a model's parameters, and whether it takes any."""
    torch = require("torch", "torch")
    distributed = isinstance(model, torch.nn.parallel.DistributedDataParallel)
    inner: Any = model.module if distributed else model  # what is around it takes any name
    parameters = inspect.signature(inner.forward).parameters.values()
    named = {p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named, any(p.kind == p.VAR_KEYWORD for p in parameters)


def _device(model: Module) -> Any:
    for tensor in (*model.parameters(), *model.buffers()):
        return tensor.device
    return None


def moved(batch: Any, device: Any) -> Any:
    """Return a batch on a device."""
    if device is None:
        return batch
    if isinstance(batch, Mapping):
        return {key: moved(value, device) for key, value in batch.items()}
    if isinstance(batch, (tuple, list)):
        return [moved(value, device) for value in batch]
    return batch.to(device) if hasattr(batch, "to") else batch


def shown(loader: Iterable[Any], progress: Any) -> Iterable[Any]:
    """Return the batches, with a bar if there is one to show."""
    wanted = None if progress is None else check_flag("progress", progress)
    if wanted is False or (wanted is None and not (sys.stderr and sys.stderr.isatty())):
        return loader
    try:
        from tqdm import tqdm
    except ImportError:
        return _told(loader) if wanted else loader
    bar: Iterable[Any] = tqdm(loader, desc="batches", unit="")
    return bar


def _told(loader: Iterable[Any]) -> Iterator[Any]:
    """Yield the batches, and write lines where there is no tqdm; of a stream, without a share."""
    total = len(loader) if isinstance(loader, Sized) else 0
    with contextlib.closing(Line("batches")) as line:
        for done, batch in enumerate(loader, 1):
            yield batch
            line(done, total)
