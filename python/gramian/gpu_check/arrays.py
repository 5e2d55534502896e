"""Arrays of CuPy, torch and jax on the device: results as large as a layer are of the same kind.

On a stream of the library's own and on its default one, with work queued that makes the input.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

import gramian as gm

from .._core import modules
from . import standins
from .data import pair
from .step import Step
from .variants import BOUND


@dataclass(frozen=True)
class Library:
    """A library of arrays: how it takes one from the host and gives it back, and its streams."""

    name: str
    asarray: Callable[[Any], Any]
    numpy: Callable[[Any], Any]
    stream: Callable[[], AbstractContextManager[Any]] = contextlib.nullcontext


def main() -> int:
    """Run the step; its data are one row for each library and type."""
    step = Step(__doc__)
    standins.use(step.standins)
    rows: dict[str, Any] = {}
    for library in libraries(on_standins=step.standins is not None):
        for dtype in ("float32", "float64"):
            name = f"{library.name} {dtype}"
            rows[name] = found = checked(library, step.size(300, 40), dtype)
            step.put("arrays", rows)
            for what, row in found.items():
                if "error" in row or not row["eps"] <= BOUND:
                    said = row.get("error") or f"wrong by {row['eps']:.3g} eps"
                    step.problem(f"{name}, {what}: {said}")
    if not rows:
        return step.unavailable("none of CuPy, torch and jax is installed for this device")
    return step.finish()


def libraries(*, on_standins: bool) -> Iterator[Library]:
    """Return those that are installed and reach the device; on the stand-ins our own arrays."""
    if on_standins:
        own = modules.cuda()
        yield Library("gramian", lambda X: own.upload(X, X.dtype.name, 0), lambda x: x.numpy())
        return
    with contextlib.suppress(ImportError):
        torch = import_module("torch")

        if torch.cuda.is_available():
            yield Library(
                "torch",
                lambda X: torch.as_tensor(X, device="cuda") + 0,
                lambda x: x.cpu().numpy(),
                lambda: torch.cuda.stream(torch.cuda.Stream()),
            )
    with contextlib.suppress(ImportError):
        cupy = import_module("cupy")

        yield Library(
            "cupy",
            lambda X: cupy.asarray(X) + 0,
            cupy.asnumpy,
            lambda: cupy.cuda.Stream(non_blocking=True),
        )
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    with contextlib.suppress(ImportError, RuntimeError):  # the latter without a device
        jax = import_module("jax")

        there = jax.devices("cuda")[0]
        yield Library("jax", lambda X: jax.device_put(X, there) + 0, np.asarray)


def checked(library: Library, n: int, dtype: str) -> dict[str, dict[str, Any]]:
    """Return, of each result, its largest error in eps, or what is wrong with it."""
    X, Y = pair(n, n // 7, n // 10, dtype)
    rows: dict[str, dict[str, Any]] = {}
    for place, stream in (("", contextlib.nullcontext), (", own stream", library.stream)):
        for what, (function, error) in RESULTS.items():
            try:
                with stream():
                    x, y = library.asarray(X), library.asarray(Y)
                    found = function(x, y)
                    _check_kind(found, x)
                    values = [library.numpy(one) for one in found]
                rows[what + place] = {"eps": error(X, Y, *values) / float(np.finfo(dtype).eps)}
            except Exception as problem:
                rows[what + place] = {"error": f"{type(problem).__name__}: {problem}"}
    return rows


def _check_kind(found: Sequence[Any], like: Any) -> None:
    for one in found:
        if type(one) is not type(like):
            raise TypeError(f"of {type(one).__name__}, not of {type(like).__name__}")


def _off(got: Any, expected: Any) -> float:
    return float(np.abs(got - expected).max())


def _weights_off(X: Any, Y: Any, x_weights: Any, y_weights: Any) -> float:
    """Return how far variates are from being orthonormal."""
    off = 0.0
    for Z, weights in ((X, x_weights), (Y, y_weights)):
        variates = (Z - Z.mean(axis=0, dtype="float64")) @ weights
        off = max(off, _off(variates.T @ variates, np.eye(variates.shape[1])))
    return off


KERNEL = gm.RBF(sigma=2.0)
RESULTS: dict[str, tuple[Callable[..., tuple[Any, ...]], Callable[..., float]]] = {
    "gram": (
        lambda x, y: (gm.gram(x, kernel=KERNEL),),
        lambda X, Y, got: _off(got, gm.reference.gram(X, kernel=KERNEL)),
    ),
    "correlation": (
        lambda x, y: (gm.correlation(x, y),),
        lambda X, Y, got: _off(got, gm.reference.correlation(X, Y)),
    ),
    "weights": (
        lambda x, y: ((c := gm.cca(x, y)).x_weights, c.y_weights),
        _weights_off,
    ),
}


if __name__ == "__main__":
    sys.exit(main())
