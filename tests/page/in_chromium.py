"""The page of comparisons in Debian's Chromium, opened from disk: what it shows, and by keys.

Run by name, `pytest tests/page/in_chromium.py`: without chromium and playwright it fails.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

import gramian as gm

ROW = re.compile(r"^A (?P<a>.*), B (?P<b>.*?): (?P<rest>.*)$")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "chromium is not installed: apt-get install chromium"
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, as whom CI runs in containers.
        yield playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Any]:
    """Return a function that opens a page, and fails later on an error or a request."""
    said: list[str] = []
    context = browser.new_context(viewport={"width": 1500, "height": 900})

    def open_page(text: str, **media: Any) -> Page:
        path = tmp_path / "page.html"
        path.write_text(text, "utf-8")
        page = context.new_page()
        page.emulate_media(**media)
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(path.as_uri())
        assert said == [path.as_uri()]
        said.clear()
        return page

    yield open_page
    context.close()
    assert said == []


def layers(count: int, name: str = "model.layers.{}.self_attn.o_proj") -> dict[str, Any]:
    rng = np.random.default_rng(count)
    found, now = {}, rng.standard_normal((60, 12))
    for k in range(count):
        found[name.format(k)] = now
        now = now + 0.3 * rng.standard_normal(now.shape)
    return found


def spoken(page: Page) -> dict[str, str]:
    """Return what a screen reader is told: the two layers, and what comes after them."""
    page.wait_for_timeout(250)  # it is told once the cursor rests
    found = ROW.match(page.locator("#spoken").text_content() or "")
    assert found
    return found.groupdict()


def same(texts: list[str], values: Any) -> bool:
    """Whether numbers are the values to four decimals, rounded once more from seven digits."""
    numbers = np.array([*map(float, texts)])
    four = all(len(text.partition(".")[2]) == 4 for text in texts)
    return four and len(texts) == len(values) and np.abs(numbers - values).max() < 0.5001e-4


def shown(page: Page) -> list[str]:
    return page.locator(".value b").all_text_contents()


@pytest.mark.parametrize("count", [6, 24, 150])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_values_by_keys_and_pointer(opened: Any, count: int, scheme: str) -> None:
    A = layers(count)
    maps = [
        gm.compare(A, debiased=True),
        gm.compare(A, measure="procrustes_distance"),
        gm.compare(A, inference="jackknife" if count < 50 else None),
    ]
    page = opened(gm.report(maps), color_scheme=scheme)
    assert page.locator(".map-box").count() == 3
    assert page.locator("#readout").is_hidden()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "map-box"
    assert same(shown(page), [one.values[0, 0] for one in maps])
    moves = {"ArrowDown": (1, 0), "ArrowRight": (0, 1), "PageDown": (10, 0), "ArrowLeft": (0, -1)}
    i = j = 0
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "PageDown", "ArrowLeft", "ArrowDown"):
        page.keyboard.press(key)
        i, j = np.clip(np.add((i, j), moves[key]), 0, count - 1)
        assert same(shown(page), [one.values[i, j] for one in maps])
        assert page.locator("#row").text_content() == maps[0].x_names[i]
        assert page.locator("#column").text_content() == maps[0].y_names[j]
    told = spoken(page)
    assert (told["a"], told["b"]) == (maps[0].x_names[i], maps[0].y_names[j])
    assert f"Procrustes distance {shown(page)[1]}" in told["rest"]
    if maps[2].low is not None and maps[2].high is not None:
        for text in (told["rest"], page.locator(".value").nth(2).text_content() or ""):
            ends = re.search(r"95% interval (\S+) to (\d\.\d+)", text)
            assert ends
            assert same([*ends.groups()], [maps[2].low[i, j], maps[2].high[i, j]])
    page.keyboard.press("End")
    assert page.locator("#column").text_content() == maps[0].y_names[-1]
    page.keyboard.press("Home")
    assert page.locator("#column").text_content() == maps[0].y_names[0]
    # The pointer, over the map in the middle.
    box = page.locator(".cells").nth(1).bounding_box()
    i, j = count // 3, count // 2
    page.mouse.move(
        box["x"] + (j + 0.5) * box["width"] / count, box["y"] + (i + 0.5) * box["height"] / count
    )
    assert same(shown(page), [one.values[i, j] for one in maps])
    page.keyboard.press("Escape")
    assert shown(page) == []
    assert page.locator("#readout").is_hidden()


def test_the_whole_table(opened: Any) -> None:
    S = gm.compare(layers(12), layers(7, "other/{}"))
    page = opened(S.to_html())
    page.locator("summary").click()
    cells = page.locator("table.values tbody td").all_text_contents()
    assert same(cells, S.values.ravel())
    heads = page.locator("table.values tbody th").all_text_contents()
    assert tuple(heads) == S.x_names


def test_colors_are_those_of_the_values(opened: Any, tmp_path: Path) -> None:
    """Pixels of the page against the scale of the picture by matplotlib."""
    image = pytest.importorskip("matplotlib.image")
    colormaps = pytest.importorskip("matplotlib").colormaps
    values = np.linspace(0, 1, 100).reshape(10, 10)
    names = [str(k) for k in range(10)]
    page = opened(gm.Comparison(values, names, names, "cka", {}, 9).to_html())
    box = page.locator(".cells").bounding_box()
    page.screenshot(path=tmp_path / "page.png")
    pixels = image.imread(tmp_path / "page.png")
    for i, j in np.ndindex(10, 10):
        # Off the middle, where numbers are.
        x, y = box["x"] + (j + 0.5) * box["width"] / 10, box["y"] + (i + 0.9) * box["height"] / 10
        found = pixels[int(y), int(x), :3]
        np.testing.assert_allclose(found, colormaps["magma"](values[i, j])[:3], atol=4 / 255)


def test_names_are_text(opened: Any) -> None:
    evil = [
        "</script><b>bold</b>",
        "<img src=x onerror=alert(1)>",
        "\" onfocus='alert(1)' x=\"&amp;",
        "${title} $data \u2028 \x1b[2J ]]>",
    ]
    S = gm.Comparison(np.eye(4), evil, evil, "cka", {"layers": evil}, 9)
    page = opened(gm.report({evil[0]: S}, title=evil[1]))
    assert page.locator("b").count() == 2  # of the readout
    assert page.locator("img").count() == 0
    assert page.title() == evil[1]
    assert page.locator(".panel h2").text_content() == evil[0]
    page.locator(".map-box").focus()
    for k in range(4):
        expected = evil[k].replace("\u2028", "?").replace("\x1b", "?")
        assert page.locator("#row").text_content() == expected
        page.keyboard.press("ArrowDown")


def test_undefined_and_infinite(opened: Any) -> None:
    values = [[np.nan, np.inf], [-np.inf, 2.5e-9]]
    S = gm.Comparison(values, ["a", "b"], ["c", "d"], "hsic", {"kernel": "linear"}, 9)
    page = opened(S.to_html())
    page.locator(".map-box").focus()
    for key, text in (
        (None, "undefined"),
        ("ArrowRight", "∞"),
        ("ArrowDown", "2.500e-9"),
        ("ArrowLeft", "-∞"),
    ):
        if key:
            page.keyboard.press(key)
        assert shown(page) == [text]
    assert "1 of 4 pairs are undefined" in (page.locator(".warnings").text_content() or "")


def test_print_has_maps_and_no_help(opened: Any, tmp_path: Path) -> None:
    page = opened(gm.compare(layers(6)).to_html(), media="print", color_scheme="dark")
    assert page.locator("svg.map").is_visible()
    assert not page.locator(".help").is_visible()
    assert not page.locator(".readout").is_visible()
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(255, 255, 255)"
    assert page.pdf().startswith(b"%PDF")


def test_a_narrow_window(opened: Any) -> None:
    """Nothing is wider than a telephone, and cells are still found by the pointer."""
    S = gm.compare(layers(24))
    page = opened(gm.report([S, S]))
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    cells = page.locator(".cells").first
    cells.scroll_into_view_if_needed()
    box = cells.bounding_box()
    page.mouse.move(box["x"] + 0.5 * box["width"] / 24, box["y"] + 3.5 * box["height"] / 24)
    assert page.locator("#row").text_content() == S.x_names[3]


def test_without_scripts(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    gm.compare(layers(6)).to_html(path)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.locator("svg.map").is_visible()
    assert page.locator("svg.map text").count() > 40  # numbers and names
    context.close()
