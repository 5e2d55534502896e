"""Import of the packages that are not needed at run time, each an extra of pyproject.toml."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def require(module: str, extra: str) -> Any:
    """Import `module`, or say which extra installs it."""
    try:
        return import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise ImportError(
            f'{package} is missing or broken ({error}); pip install "gramian[{extra}]"'
        ) from error
