"""Maps in plain text, and names that are thinned to what tells them apart."""

from __future__ import annotations

import math

import numpy as np
import pytest
from comparisons import comparison
from hypothesis import given
from hypothesis import strategies as st
from ids import plain

import gramian as gm
from gramian._show.names import distinct, every, shorten

NAN = math.nan


def lines(S: gm.Comparison) -> list[str]:
    result = S._text_map().splitlines()
    assert max(map(len, result)) <= 80
    return result


def test_text_map() -> None:
    assert lines(comparison([[0.0, 0.25, 0.5], [0.75, NAN, 1.0]])) == [
        "          b0        b1        b2",
        "a0  0.000     0.250 ::  0.500 ++",
        "a1  0.750 ##    nan ??  1.000 @@",
        "scale: 0 [ .:-=+*#%@] 1",
    ]


def test_text_map_of_a_distance() -> None:
    assert lines(comparison([[0.0, 1.5]], "cka_distance")) == [
        "          b0        b1",
        "a0  0.000 @@  1.500",
        "scale: 0 [@%#*+=-:. ] 1.57",
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.678, "12346"),
        (1234.5, "1234"),
        (99.0, "99.00"),
        (1e-5, "1.000e-05"),
        (1e9, "1.000e+09"),
    ],
)
def test_text_map_of_any_magnitude(value: float, text: str) -> None:
    assert lines(comparison([[value]], "hsic"))[1] == f"a0  {text} @@"


@pytest.mark.parametrize("m", [1, 5, 8, 11, 12, 30, 53, 70, 200])
@pytest.mark.parametrize("n", [1, 12, 150])
def test_text_map_fits_80_columns(n: int, m: int) -> None:
    S = comparison(
        np.ones((n, m)),
        x_names=[f"encoder.layers.{i}.attention.output" for i in range(n)],
        y_names=[f"decoder.layers.{j}.attention.output" for j in range(m)],
    )
    rows = [line for line in lines(S) if line.endswith(("@", " 1.000"))]
    assert len(rows) in (n, math.ceil(n / math.ceil(n / 60)))


def test_names_are_thinned_to_what_tells_them_apart() -> None:
    layers = [f"encoder.layers.{i}.attention.output" for i in range(9)]
    S = comparison(np.eye(9), x_names=layers, y_names=layers)
    result = lines(S)
    assert result[0].split() == [str(j) for j in range(9)]
    assert result[3].split()[:4] == ["2", "0.000", "0.000", "1.000"]
    assert result[-2] == "names: encoder.layers.*.attention.output"
    other = lines(comparison(np.eye(9), x_names=layers, y_names=[f"x{name}" for name in layers]))
    assert other[-3:-1] == [
        "rows: encoder.layers.*.attention.output",
        "columns: xencoder.layers.*.attention.output",
    ]


def test_columns_that_have_no_room_for_names_are_numbered() -> None:
    columns = ["input_embedding", *(f"a_block_of_name_{j}_x" for j in "pqrstuv"), "head_projection"]
    result = lines(comparison(np.eye(9), y_names=columns))
    assert result[0].split() == [str(j) for j in range(9)]
    assert any(line.startswith("columns: 0 input_embedding, 1 a_block") for line in result)
    same = lines(comparison(np.eye(9), x_names=columns, y_names=columns))
    assert not any("columns" in line for line in same)  # they are the rows
    assert same[1].split()[:2] == ["0", "input_embedding"]


def test_numbered_layers_are_not_numbered_again() -> None:
    numbers = [str(k) for k in range(60)]
    result = lines(comparison(np.eye(60), x_names=numbers, y_names=numbers))
    assert [line.split()[0] for line in result[1:4]] == ["0", "1", "2"]
    assert not any("0 0" in line for line in result)


def test_text_map_is_thinned_honestly() -> None:
    values = np.arange(130 * 130).reshape(130, 130) / 130**2
    result = lines(comparison(values, y_names=[f"a{j}" for j in range(130)]))
    assert result[-2] == "rows shown: 1 in 3; columns shown: 1 in 2"
    assert [line.split()[0] for line in result[1:4]] == ["0", "3", "6"]
    row_60 = result[21]
    assert row_60.split()[:2] == ["60", "a60"]
    assert set(row_60.split()[-1]) == {"="}  # 60 / 130 = 0.46


def test_text_map_keeps_the_terminal_safe() -> None:
    S = comparison([[0.5]], x_names=["\x1b[2Jevil\n"], y_names=["b"])
    assert lines(S)[1].startswith("?[2Jevil?")


NAMES = {
    "prefix and suffix": (
        ["model.layers.0.attn.o_proj", "model.layers.11.attn.o_proj"],
        ["0", "11"],
        "model.layers.*.attn.o_proj",
    ),
    "components that vary": (
        ["enc.0.layer.1.q", "enc.3.layer.1.k"],
        ["0.q", "3.k"],
        "enc.*.layer.1.*",
    ),
    "other depths": (
        ["net/stem.out", "net/block.1.conv.out"],
        ["stem", "block.1.conv"],
        "net/*.out",
    ),
    "one begins as the other": (["layer1", "layer1.conv"], ["layer1", "layer1.conv"], ""),
    "whole components alone": (["conv1", "conv2"], ["conv1", "conv2"], ""),
    "one": (["a.b.c"], ["a.b.c"], ""),
    "all the same": (["a.b", "a.b"], ["a.b", "a.b"], ""),
    "nothing but dots": (["..", "..."], ["..", "..."], ""),
}


@pytest.mark.parametrize(("names", "short", "pattern"), NAMES.values(), ids=[*map(plain, NAMES)])
def test_distinct(names: list[str], short: list[str], pattern: str) -> None:
    assert distinct(names) == (short, pattern)


@given(st.lists(st.text("ab./", max_size=9), min_size=1, max_size=8, unique=True))
def test_names_stay_different(names: list[str]) -> None:
    short, _ = distinct(names)
    assert len(set(short)) == len(names)
    assert all(len(a) <= len(b) for a, b in zip(short, names, strict=True))


def test_names_that_would_be_cut_alike_are_numbered() -> None:
    names = [f"the_same_beginning_{k}_the_same_end" for k in "abc"]
    assert len(set(shorten(names, 12))) == 3
    assert all(len(name) <= 12 for name in shorten(names, 12))
    assert shorten(["short", "names"], 12) == ["short", "names"]


@pytest.mark.parametrize(
    ("count", "room", "step"), [(6, 9, 1), (24, 12, 2), (150, 42, 5), (150, 3, 50), (1000, 2, 500)]
)
def test_every(count: int, room: float, step: int) -> None:
    assert every(count, room) == step


def with_intervals(rows: int, columns: int) -> gm.Comparison:
    values = np.full((rows, columns), 0.52)
    ends = gm.Inference("jackknife", 300, 0.95, low=values - 0.04, high=values + 0.04)
    return comparison(values, inference=ends)


def test_intervals_are_in_the_map() -> None:
    assert lines(with_intervals(1, 2))[1] == "a0  0.52 [0.48, 0.56]  0.52 [0.48, 0.56]"
    assert "".join(lines(with_intervals(4, 4))).count("0.52 [0.48, 0.56]") == 16
    turned = lines(with_intervals(1, 30))  # whose names stand down the side
    assert turned[30] == "b29  0.52 [0.48, 0.56]"
    wide = lines(with_intervals(6, 6))
    assert "[0.48" not in "".join(wide)
    assert wide[-2] == "intervals: .low and .high"


@pytest.mark.parametrize(("n", "shown"), [(2, "stars"), (12, "numbers"), (40, "shades")])
def test_findings_have_a_star(n: int, shown: str) -> None:
    pvalues = np.full((n, n), 0.2)
    pvalues[0, 0], pvalues[0, 1] = 0.01, NAN
    chance = gm.Inference("permutation", 99, 0.95, pvalues=pvalues)
    result = lines(comparison(np.full((n, n), 0.5), inference=chance))
    assert ("0.500" in "".join(result)) is (shown != "shades")
    if shown == "stars":
        assert result[1] == "a0  0.500* @@  0.500  @@"
        assert result[-2] == "* p at most 0.05"
    else:
        assert result[-2] == "p-values: .pvalues"
