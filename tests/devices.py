"""The devices that tests run on: those that are present, or those that the command line names."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

import gramian as gm

DEVICES = ("cpu", "cuda")
# What gramian says of a machine without CUDA: nothing built, no libraries, no device or no driver.
NO_CUDA = (
    r"has no CUDA backend|cannot be loaded \(lib\S+: cannot open"
    r"|cudaErrorNoDevice|cudaErrorInsufficientDriver"
)


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
