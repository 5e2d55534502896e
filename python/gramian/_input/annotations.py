"""What the types of arguments are called: a checker of types catches what is none of these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, Protocol

__all__ = ["ArrayLike", "Layers", "NanPolicy"]


class HasArray(Protocol):
    """Anything that numpy takes: its own arrays, those of torch and jax, data frames."""

    def __array__(self, *args: Any, **options: Any) -> Any:
        """Return an array of numpy."""


class HasDLPack(Protocol):
    """Anything that DLPack shares."""

    def __dlpack__(self, *args: Any, **options: Any) -> Any:
        """Return a capsule."""


class HasCuda(Protocol):
    """Anything that lives on a GPU of CUDA."""

    @property
    def __cuda_array_interface__(self) -> Any:
        """Where it lives, and as what."""


class HasKeys(Protocol):
    """A collection that is no `Mapping`, such as a cache of activations."""

    def keys(self) -> Iterable[Any]:
        """Return the names of layers."""

    def __getitem__(self, name: Any, /) -> Any:
        """Return a layer."""


ArrayLike = HasArray | HasDLPack | HasCuda | Sequence[Sequence[float]] | Sequence[HasArray]
Layers = Mapping[str, ArrayLike] | HasKeys | Sequence[ArrayLike]
NanPolicy = Literal["raise", "propagate"]
