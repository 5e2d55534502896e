"""What CONTRIBUTING.md tells of the sources is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "gramian"
MEASURES = PACKAGE / "_measures"
CPP = ROOT / "cpp"
TEXT = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
# What its paths are relative to.
PLACES = (
    ROOT,
    ROOT / "python",
    PACKAGE,
    MEASURES,
    *(path.parent for path in MEASURES.glob("*/rows.py")),
    CPP / "gramian",
    CPP / "bindings",
)
PATHS = sorted(set(re.findall(r"`([\w./*-]+(?:/|\.(?:py|pyi|hpp|cpp|md)))`", TEXT)))
CLASSES = re.findall(r"[(a] ?`([A-Z]\w+)`", TEXT)


def test_something_is_read() -> None:
    assert len(PATHS) > 20
    assert len(CLASSES) == 4


@pytest.mark.parametrize("path", PATHS)
def test_paths(path: str) -> None:
    assert any(any(place.glob(path.replace("FAMILY", "*"))) for place in PLACES)


@pytest.mark.parametrize("name", CLASSES)
def test_classes_of_the_glossary(name: str) -> None:
    sources = (*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.pyi"))
    assert any(f"class {name}" in path.read_text("utf-8") for path in sources)
