"""Keeps tests of writing from replacing a device of the machine, should the code be wrong."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def devices_are_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be moved within the folder of the test alone. As root, others could be."""
    replace, rename = os.replace, os.rename

    def within(move: Any) -> Any:
        def checked(source: Any, target: Any, **options: Any) -> None:
            for path in (source, target):
                assert Path(os.path.realpath(path)).is_relative_to(tmp_path.resolve()), path
            move(source, target, **options)

        return checked

    monkeypatch.setattr(os, "replace", within(replace))
    monkeypatch.setattr(os, "rename", within(rename))
