"""Names of parametrised tests that a shell and a report take as they are."""

from __future__ import annotations

import re


def plain(text: str) -> str:
    """Write a text without spaces, dots and quotes: "rbf at 0.2" as rbf_at_0p2."""
    text = re.sub(r"(?<=\d)\.(?=\d)", "p", text)
    return re.sub(r"[^\w/+=-]+", "_", text).strip("_")[:80]
