"""What a notebook shows of a map: a caption and one SVG, without scripts."""

from __future__ import annotations

from hashlib import sha256
from html import escape

from .maps import Map
from .names import printable
from .svg import map_svg

__all__ = ["figure"]


def figure(shown: Map) -> str:
    """Return HTML of a map, small, and whole in itself."""
    # Names in an SVG are those of the whole notebook.
    key = f"gm{sha256(shown.values.tobytes()).hexdigest()[:10]}"
    caption = "<br>".join(escape(printable(line)) for line in shown.title.split("\n"))
    return (
        f'<figure style="margin:0"><figcaption style="font-size:90%">{caption}</figcaption>'
        f"{map_svg(shown, key, hover=True)}</figure>"
    )
