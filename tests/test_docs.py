"""The pages of docs/: their examples run, and they name all that is public."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

import gramian as gm

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGES = {path.stem: path.read_text("utf-8") for path in sorted(DOCS.glob("*.md"))}
WITH_EXAMPLES = [name for name, text in PAGES.items() if ">>> " in text]


def test_there_are_pages() -> None:
    assert {"start", "choosing", "models", "files", "exact"} <= set(WITH_EXAMPLES)


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples(name: str) -> None:
    if "import torch" in PAGES[name]:
        pytest.importorskip("torch")
    done = doctest.testfile(str(DOCS / f"{name}.md"), module_relative=False)
    assert done.failed == 0
    assert done.attempted > 0


def test_all_that_is_public_has_a_page() -> None:
    listed = re.findall(r"^   (\w+)$", PAGES["api"], re.M)
    assert sorted(listed) == sorted(set(gm.__all__) - {"__version__"})


def test_all_pages_are_reached() -> None:
    tree = re.search(r"```\{toctree\}\n:hidden:\n\n(.*?)```", PAGES["index"], re.S)
    assert tree
    assert {*re.findall(r"(\w+)>?$", tree[1], re.M)} >= {*PAGES} - {"index"}


@pytest.mark.parametrize("name", sorted(set(gm.__all__) - {"__version__"}))
def test_public_names_have_an_example(name: str) -> None:
    assert ">>> " in (getattr(gm, name).__doc__ or "")
