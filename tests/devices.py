"""The devices that tests run on: those that are present, or those that the command line names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest

import gramian as gm

DEVICES = ("cpu", "cuda")
PRESENT = pytest.StashKey[list[str]]()  # of the configuration: those that tests run on
# What gramian says of a machine without CUDA: nothing built, no libraries, no device or no driver.
NO_CUDA = (
    r"has no CUDA backend|cannot be loaded \(lib\S+: cannot open"
    r"|cudaErrorNoDevice|cudaErrorInsufficientDriver"
)
# Libraries whose arrays are read where they are, and the devices that these live on.
LIBRARIES = {"torch": ("cpu", "cuda"), "cupy": ("cuda",), "jax": ("cpu", "cuda")}


def marks(device: str) -> Any:
    """Return the mark of a test on this device, for `-m cuda`."""
    return pytest.mark.cuda if device == "cuda" else ()


def libraries(device: str) -> list[str]:
    """Return the installed libraries whose arrays live on this device."""
    return [name for name, on in LIBRARIES.items() if device in on and find_spec(name)]


def why_absent(device: str) -> str:
    """Return why a device is not there, or nothing; one that is there and fails is an error."""
    try:
        gm.cka(np.eye(3), np.eye(3), device=device)
    except RuntimeError as error:
        if not re.search(NO_CUDA, str(error)):
            raise pytest.UsageError(f"{device} is present, and fails: {error}") from error
        return str(error)
    return ""


def choose(wanted: Sequence[str] | None) -> tuple[list[str], dict[str, str]]:
    """Return the devices to run on, and why not on the others; what is wanted must be there."""
    if unknown := set(wanted or ()) - set(DEVICES):
        raise pytest.UsageError(f"--devices: {unknown.pop()!r} is none of {', '.join(DEVICES)}")
    absent = {name: reason for name in wanted or DEVICES if (reason := why_absent(name))}
    if wanted and absent:
        raise pytest.UsageError(f"--devices: {'; '.join(absent.values())}")
    return [name for name in wanted or DEVICES if name not in absent], absent
