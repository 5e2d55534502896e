"""Other libraries that can do the jobs: torch and CuPy, on the same arrays of the device."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Place", "places"]

Models = tuple[list[Any], list[Any]]


@dataclass(frozen=True)
class Place:
    """A library: its name and module, the layers of two models, how it turns one into double."""

    name: str
    xp: Any
    models: Models
    double: Callable[[Any], Any]
    release: Callable[[], object]  # gives back the memory that it keeps


def places(standins: bool, host: Any, resident: Any) -> Iterator[Place]:
    """Return the libraries that are installed and reach the device, sharing its arrays.

    On the stand-ins, whose memory nobody else can read, numpy takes their part.
    """
    if standins:
        yield Place("numpy", np, host, _numpy_double, _nothing)
        return
    with contextlib.suppress(ImportError):
        import torch

        if torch.cuda.is_available():
            shared = _converted(lambda X: torch.as_tensor(X, device="cuda"), resident)
            yield Place("torch", torch, shared, lambda X: X.double(), torch.cuda.empty_cache)
    with contextlib.suppress(ImportError):
        import cupy

        shared = _converted(cupy.asarray, resident)
        pool = cupy.get_default_memory_pool()
        yield Place("cupy", cupy, shared, _numpy_double, pool.free_all_blocks)


def _converted(convert: Callable[[Any], Any], models: Any) -> Models:
    A, B = ([convert(X) for X in model] for model in models)
    return A, B


def _numpy_double(X: Any) -> Any:
    return X.astype("float64")


def _nothing() -> None:
    return None
