"""Pages and notebooks: what is in the file. What a browser makes of it: tests/page."""

from __future__ import annotations

import base64
import html
import json
import re
import struct
import zlib
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from comparisons import comparison

import gramian as gm
from gramian._show import raster
from gramian._show.maps import BELOW

ROOT = Path(__file__).resolve().parents[1]
NAN = np.nan


class Reader(HTMLParser):
    """Collects elements, the text of some, and whatever may ask for something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open:
            self.text.setdefault(self.open[-1], []).append(data)


def data_of(text: str) -> Any:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text)
    return json.loads(found)


def test_a_page_is_whole_and_asks_for_nothing() -> None:
    S = comparison([[0.9, 0.4, 0.1], [0.3, NAN, -0.2]])
    text = S.to_html()
    page = Reader(text)
    for tag, attributes in page.tags:
        for name in ("src", "href"):
            assert (attributes.get(name) or "data:").startswith("data:"), tag
        assert not any(name.startswith("on") for name in attributes)
    assert "url(http" not in text
    assert text.count("http") == text.count("http-equiv") + text.count("http://www.w3.org/2000/svg")
    policy = next(a["content"] for tag, a in page.tags if a.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    script = page.text["script"][-1]
    digest = base64.b64encode(__import__("hashlib").sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy


def test_values_intervals_and_pvalues() -> None:
    values = np.array([[0.123456789, 1 / 3], [NAN, -np.inf]])
    ends = gm.Inference("jackknife", 9, 0.9, low=values - 0.1, high=values + 0.1)
    first = comparison(values, inference=ends)
    chance = gm.Inference("permutation", 99, 0.95, pvalues=np.array([[0.01, 0.9], [NAN, 1.0]]))
    second = comparison(values, measure="procrustes", options={}, inference=chance)
    found = data_of(gm.report([first, second]))
    assert found["x_names"] == ["a0", "a1"]
    assert found["y_names"] == ["b0", "b1"]
    one, other = found["panels"]
    assert one["values"] == [[0.1234568, 0.3333333], [None, "-∞"]]
    assert one["low"][0] == [0.02345679, 0.2333333]
    assert one["level"] == "90"
    assert "pvalues" not in one
    assert other["pvalues"] == [[0.01, 0.9], [None, 1.0]]
    assert [panel["falling"] for panel in found["panels"]] == [False, False]


def test_what_was_done_and_what_to_beware_of() -> None:
    options = {"kernel": "rbf", "bandwidth": 0.5, "debiased": False, "layout": "nchw"}
    S = comparison([[0.9, NAN], [0.3, NAN]], options=options, n_samples=1234)
    text = " ".join(part for parts in Reader(S.to_html()).text.values() for part in parts)
    for said in (
        "CKA, RBF kernel, bandwidth 0.5 × median distance, biased estimator",
        "n = 1,234, layout nchw",
        "2 of 4 pairs are undefined. Layers without any value: b1 of B",
        "the estimator is biased",
        "kernel = rbf, bandwidth = 0.5",
        "Kornblith et al. 2019",
        f"gramian {gm.__version__}, numpy {np.__version__}",
        "Layer-correspondence accuracy",
    ):
        assert said in text
    debiased = comparison([[0.9]], options=options | {"debiased": True}).to_html()
    assert "the estimator is biased" not in debiased
    saturated = comparison(np.full((2, 2), 0.9999), options=options | {"debiased": True})
    assert "every value is above .999" in saturated.to_html()
    assert "every value is above .999" not in comparison([[1.0, 0.5], [0.4, 1.0]]).to_html()
    difference = comparison([[0.1, -0.2]], measure="difference of cka(kernel='linear')")
    assert data_of(difference.to_html())["panels"][0]["ranked"] is False
    assert ">difference of CKA</text>" in difference.to_html()
    unknown = comparison([[3.0, 2.0]], measure="tomorrow", options={"fold": [1, 2]})
    assert "Tomorrow, fold 1 2" in unknown.to_html()


def test_a_file_is_written(tmp_path: Path) -> None:
    S = comparison([[0.9, 0.4]])
    path = tmp_path / "s.html"
    assert gm.report({"mine": S}, path, title="A < B") == path.read_text("utf-8")
    assert "<title>A &lt; B</title>" in path.read_text("utf-8")
    assert S.to_html(path, title="other") == path.read_text("utf-8")
    with pytest.raises(FileNotFoundError):
        S.to_html(tmp_path / "no" / "s.html")


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ([], ValueError, "^comparisons must be one Comparison at least, got none"),
        ("s.json", TypeError, "^comparisons must be a Comparison, or several, got str"),
        ([1], TypeError, "^comparisons must be a Comparison, or several, got int"),
        (
            [comparison([[1.0]]), comparison([[1.0]], y_names=["c"])],
            ValueError,
            r"^comparisons must be of the same layers: y_names are \['b0'\] in one, and \['c'\] in",
        ),
    ],
    ids=["none", "word", "number", "layers"],
)
def test_what_is_refused(given: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gm.report(given)
    with pytest.raises(TypeError, match=r"^title must be None or a str"):
        gm.report(comparison([[1.0]]), title=3)  # type: ignore[arg-type]


def test_parts_of_the_page_are_in_the_package() -> None:
    parts = {path.name for path in (ROOT / "python/gramian/_show/page").iterdir()}
    assert parts == {"page.html", "page.css", "page.js"}


# Notebooks.


@pytest.mark.parametrize(("n", "m"), [(1, 1), (6, 9), (24, 24), (150, 97)])
def test_a_notebook_shows_the_map(n: int, m: int) -> None:
    values = np.random.default_rng(0).random((n, m))
    text = comparison(values, y_names=[f"x<{j}>" for j in range(m)])._repr_html_()
    assert len(text) < 120_000
    page = Reader(text)
    assert not any(tag == "script" for tag, _ in page.tags)
    assert "Linear CKA, n = 100" in page.text["figcaption"]
    (cells, _) = (a["href"] for tag, a in page.tags if tag == "image")
    assert cells is not None
    expected = raster.indices(values, 0, 1)
    np.testing.assert_array_equal(unpacked(cells), expected)
    if n * m <= 600:
        assert f"a{n - 1}, x<{m - 1}>: {values[-1, -1]:.3f}" in page.text["title"]


def unpacked(address: str) -> Any:
    """Return the palette's places in an image, read as the specification of PNG says."""
    content = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, place = {}, 8
    while place < len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        name, part = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        (check,) = struct.unpack(">I", content[place + 8 + length : place + 12 + length])
        assert check == zlib.crc32(name + part)
        chunks[name] = part
        place += 12 + length
    width, height, *kind = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert kind == [8, 3, 0, 0, 0]
    assert len(chunks[b"PLTE"]) == 768
    assert chunks[b"tRNS"] == b"\xff" * 255 + b"\0"
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not lines[:, 0].any()
    return lines[:, 1:]


def test_colors_are_those_of_the_pictures() -> None:
    """Within 2 of 255, what a line between every eighth color is off by."""
    maps = pytest.importorskip("matplotlib").colormaps
    for falling, two_sided, name in (
        (False, False, "magma"),
        (True, False, "magma_r"),
        (True, True, "RdBu_r"),
    ):
        palette = raster.colors(falling, BELOW, two_sided)
        expected = 255 * maps[name](np.arange(204) / 203)[:, :3]
        assert np.abs(palette[:204] - expected).max() < 4  # and half a step of 256 colors
    found = raster.indices(np.array([[0.0, 1.0, -0.1, NAN, 2.0, -1e-9]]), 0.0, 1.0)
    assert found.tolist() == [[0, 203, 223, 255, 203, 0]]
    far = raster.indices(np.array([[-0.25, -9.0, -0.002]]), 0.0, 1.0)
    assert far.tolist() == [[254, 254, 0]]
    assert raster.ramp(-0.1, 1.0)[:, 0].tolist() == [*range(203, -1, -1), *range(204, 224)]
    palette = raster.colors(False, BELOW).astype(int)
    assert np.abs(np.diff(palette[[0, *range(204, 255)]], axis=0)).max() <= 4  # from that of 0


def test_what_rounds_to_zero_has_no_sign() -> None:
    S = gm.Comparison([[-1e-5, 0.5], [0.25, -0.1]], ["a", "b"], ["c", "d"], "cka", {}, 9)
    for text in (str(S), S.to_html(), S._repr_html_(), *[t.get_text() for t in S.plot().texts]):
        assert not re.search(r"[-−]0\.0+(?!\d)", text)
    assert "-0.1" in str(S)


def test_warnings_of_the_computation_are_on_the_page() -> None:
    rng = np.random.default_rng(0)
    X, Y = rng.standard_normal((2, 50, 4))
    with pytest.warns(RuntimeWarning, match="width is so small") as caught:
        S = gm.compare([X], [Y], kernel="rbf", sigma=0.01)
    (one,) = caught
    assert html.escape(str(one.message)) in S.to_html()
    assert "so small" not in gm.compare([X], [Y], kernel="rbf").to_html()


def test_warnings_of_draws_are_not() -> None:
    rng = np.random.default_rng(0)
    rare, Y = np.zeros((8, 1)), rng.standard_normal((8, 1))
    rare[0] = 1.0  # constant without one of the samples
    with pytest.warns(RuntimeWarning, match="lacks results") as caught:
        S = gm.compare([rare], [Y], measure="procrustes", inference="jackknife")
    assert S._said == (str(caught[0].message),)
