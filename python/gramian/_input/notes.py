"""What a recording says in its file of how its layers were made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .._extras import require
from .layers import Described

__all__ = ["KEY", "Noted", "notes_of"]

KEY = "gramian"  # of the metadata of a file
_KNOWN = ("layers", "reduce", "layout", "mask", "recorded_dtype")


class Noted(Described):
    """Layers, and what their file says of them."""

    def __init__(self, layers: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
        self._layers, self._notes = layers, dict(notes)

    def __getitem__(self, name: str) -> Any:
        return self._layers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._layers)

    def __len__(self) -> int:
        return len(self._layers)

    @property
    def notes(self) -> dict[str, Any]:
        """What was done, as JSON can hold it."""
        return self._notes


def notes_of(path: Path) -> dict[str, Any]:
    """Return what is said in a file that opens without an error; nothing if it is not ours."""
    match path.suffix.lower():
        case ".safetensors":
            with path.open("rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            said = header.get("__metadata__")
        case ".zarr":
            said = dict(require("zarr", "io").open(str(path), mode="r").attrs)
        case _:
            return {}
    text = said.get(KEY) if isinstance(said, dict) else None
    try:
        notes = json.loads(text) if isinstance(text, str) else {}
    except (ValueError, RecursionError):
        return {}
    if not isinstance(notes, dict):
        return {}
    return {name: notes[name] for name in _KNOWN if _is_plain(notes.get(name))}


def _is_plain(value: Any) -> bool:
    """Return whether a note is a word, or a list of them."""
    return isinstance(value, str) or (
        isinstance(value, list) and all(isinstance(one, str) for one in value)
    )
