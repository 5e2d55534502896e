"""torch, CuPy and jax as tests of arrays on a device use them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np


class Torch:
    """What the tests ask of a library."""

    reverses = False  # whether a view may have negative strides

    def __init__(self, module: Any, device: str) -> None:
        self.module, self.device = module, device

    def array(self, X: np.ndarray) -> Any:
        return self.module.from_numpy(X.copy()).to(self.device)

    def cast(self, x: Any, name: str) -> Any:
        return x.to(getattr(self.module, name))

    def columns_first(self, x: Any) -> Any:
        return x.T.contiguous().T

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x.cpu())

    def wait(self) -> None:
        if self.device == "cuda":
            self.module.cuda.synchronize()

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        if self.device == "cpu":
            yield
            return
        with self.module.cuda.stream(self.module.cuda.Stream()):
            yield


class CuPy(Torch):
    reverses = True

    def array(self, X: np.ndarray) -> Any:
        return self.module.asarray(X)

    def cast(self, x: Any, name: str) -> Any:
        return x.astype(name)

    def columns_first(self, x: Any) -> Any:
        return self.module.asfortranarray(x)

    def numpy(self, x: Any) -> np.ndarray:
        return self.module.asnumpy(x)

    def wait(self) -> None:
        self.module.cuda.Device().synchronize()

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        with self.module.cuda.Stream(non_blocking=True):
            yield


class Jax(Torch):
    """Its streams are its own; its arrays have one layout."""

    def array(self, X: np.ndarray) -> Any:
        import jax

        return jax.device_put(X, jax.devices(self.device)[0])

    def cast(self, x: Any, name: str) -> Any:
        return x.astype(name)

    def columns_first(self, x: Any) -> Any:
        return self.module.copy(x.T).T

    def numpy(self, x: Any) -> np.ndarray:
        return np.asarray(x)

    def wait(self) -> None:
        pass

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        yield


CLASSES = {"torch": Torch, "cupy": CuPy, "jax": Jax}
