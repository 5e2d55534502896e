"""Models that tests record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")
nn = torch.nn


def network() -> Any:
    """Convolutions and a head, with activations in place."""
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Conv2d(8, 4, 3), nn.ReLU(inplace=True),
        nn.Flatten(), nn.Linear(64, 5),
    )  # fmt: skip


class Module(nn.Module):  # type: ignore[misc, name-defined]
    """A model whose forward is a function of its layers."""

    def __init__(self, forward: Callable[..., Any], **layers: Any) -> None:
        super().__init__()
        self.run = forward
        for name, layer in layers.items():
            setattr(self, name, layer)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(self, *args, **kwargs)


class Returns(nn.Module):  # type: ignore[misc, name-defined]
    """A layer that returns what a function makes of its input."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Any) -> Any:
        return self.make(x)


def hooks_of(model: Any) -> int:
    """Count what recording may leave behind."""
    total = 0
    for module in model.modules():
        total += sum(len(v) for k, v in vars(module).items() if k.endswith("_hooks"))
        total += "forward" in vars(module)
    return total
