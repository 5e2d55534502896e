"""Maps as PNG images in a line of text, without matplotlib: a pixel a cell."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["FULL", "colors", "image", "indices", "luma", "ramp"]

FULL = 0.25  # of the largest value of a scale from 0: at minus that, a negative one has full color

# Every eighth color of matplotlib's magma (CC0, by van der Walt and Smith); between them a line is
# off by 2 of 255 at most.
_MAGMA = (
    "0000040303120a0822130d341d114729115a36106b440f7651127c5d177f6a1c81762181832681902a819c2e7f"
    "aa337db73779c43c75d0416fdc4869e75263ef5d5ef56b5cf9795dfc8961fd9869fea772feb67cfec488fed395"
    "fde2a3fcf0b2fcfdbf"
)
# And the eleven of its RdBu_r, after Brewer, for differences; that has lines between them.
_RED_BLUE = "0530612065ab4393c390c4ddd1e5f0f7f6f6fddbc7f3a481d6604db1182b67001f"
# Places in the palette: of the largest value, of full color below 0, and of NaN. Between the first
# two, a negative value has as many places as a positive one of the same size.
_LAST, _BELOW, _UNDEFINED = 203, 254, 255


def colors(falling: bool, below: str, two_sided: bool = False) -> npt.NDArray[np.uint8]:
    """Return the palette: along values, brighter for more similar, then down from 0, then NaN.

    That of a difference is blue below 0, and red above.
    """
    stops = np.frombuffer(bytes.fromhex(_RED_BLUE if two_sided else _MAGMA), np.uint8).reshape(
        -1, 3
    )
    stops = stops[::-1] if falling and not two_sided else stops
    where = np.linspace(0, len(stops) - 1, _LAST + 1)
    places = np.arange(len(stops))
    scale = np.stack([np.interp(where, places, stops[:, k]) for k in range(3)], axis=1)
    last = np.frombuffer(bytes.fromhex(below.removeprefix("#")), np.uint8)
    part = np.arange(1, _BELOW - _LAST + 1)[:, None] / (_BELOW - _LAST)
    negative = scale[0] + part * (last - scale[0])
    return np.vstack([np.rint(scale), np.rint(negative), np.zeros(3)]).astype(np.uint8)


def indices(values: npt.NDArray[np.float64], low: float, high: float) -> npt.NDArray[np.uint8]:
    """Return the place in the palette of every value."""
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.clip((values - low) / (high - low), 0, 1)
    found = np.rint(np.nan_to_num(scaled) * _LAST)
    if low == 0:
        with np.errstate(invalid="ignore", over="ignore"):
            below = np.clip(np.nan_to_num(-values / (FULL * high)), 0, 1)
        steps = np.rint(below * (_BELOW - _LAST))
        found[steps > 0] = _LAST + steps[steps > 0]
    found[np.isnan(values)] = _UNDEFINED
    return found.astype(np.uint8)


def ramp(low: float = 0.0, high: float = 1.0) -> npt.NDArray[np.uint8]:
    """Return the cells of a color bar, the largest value on top, and as much as is below 0."""
    down = round(-low / (FULL * high) * (_BELOW - _LAST)) if low < 0 else 0
    cells = [*range(_LAST, -1, -1), *range(_LAST + 1, _LAST + 1 + min(down, _BELOW - _LAST))]
    return np.array(cells, dtype=np.uint8)[:, None]


def luma(palette: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """Return how bright every color is, by Rec. 601, from 0 to 1; hatching is bright."""
    bright = np.asarray(palette @ np.array([0.299, 0.587, 0.114]) / 255, dtype=np.float64)
    bright[_UNDEFINED] = 1.0
    return bright


def image(cells: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> str:
    """Return the address of an image that has the cells in it; NaN is transparent."""
    height, width = cells.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each begins with its filter, none
    lines[:, 1:] = cells
    clear = bytes([255] * _UNDEFINED + [0])
    content = b"\x89PNG\r\n\x1a\n" + b"".join(
        [
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette.tobytes()),
            _chunk(b"tRNS", clear),
            _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)),
            _chunk(b"IEND", b""),
        ]
    )
    return f"data:image/png;base64,{base64.b64encode(content).decode()}"


def _chunk(name: bytes, content: bytes) -> bytes:
    """Return a part of a PNG, as section 5.3 of its specification has it."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )
