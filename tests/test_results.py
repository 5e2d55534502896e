"""The result of a comparison: its accuracy, its file, its pictures."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from comparisons import comparison
from hypothesis import given
from hypothesis import strategies as st
from ids import plain

import gramian as gm
from gramian._measures import registry

if TYPE_CHECKING:
    from pathlib import Path

VALUES = [[0.9, 0.4, 0.1], [0.3, 0.8, 0.2]]


def test_attributes() -> None:
    given = np.array(VALUES, dtype=np.float32, order="F")
    S = comparison(given)
    assert S.values.dtype == np.float64
    assert S.values.shape == (2, 3)
    assert S.x_names == ("a0", "a1")
    assert S.y_names == ("b0", "b1", "b2")
    assert repr(S) == ("<Comparison cka(kernel='linear'): 2 x 3 layers, 100 samples>")
    given[0, 0] = 7
    assert S.values[0, 0] == np.float32(0.9)
    with pytest.raises(ValueError, match="read-only"):
        S.values[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        S.measure = "hsic"  # type: ignore[misc]


@pytest.mark.parametrize("values", [[0.9, 0.4], [[0.9], [0.4]], [[[0.9]]]])
def test_values_need_the_shape_of_the_names(values: Any) -> None:
    with pytest.raises(ValueError, match=r"a row for each of 2 x_names .* 2 y_names, got shape"):
        gm.Comparison(values, ("a", "b"), ("c", "d"), "cka", {}, 100)


NAN = math.nan
ACCURACIES = {
    "all": ([[0.9, 0.4], [0.3, 0.8]], 1.0),
    "none": ([[0.1, 0.8], [0.9, 0.2]], 0.0),
    "one row fails, both columns match": ([[0.9, 0.4], [0.85, 0.8]], 0.75),
    "one column fails, both rows match": ([[0.9, 0.85], [0.3, 0.8]], 0.75),
    "a tie is a miss": ([[0.9, 0.9], [0.3, 0.8]], 0.5),
    "a NaN is no match": ([[NAN, 0.4], [0.3, 0.8]], 0.5),
    "a NaN is not the most similar": ([[0.9, NAN], [0.3, 0.8]], 1.0),
    "only NaN": ([[NAN, NAN], [NAN, NAN]], 0.0),
    "one layer": ([[0.0]], 1.0),
    "negative, and a tie": ([[-0.1, -0.2], [-0.3, -0.2]], 0.75),
}


@pytest.mark.parametrize(("values", "expected"), ACCURACIES.values(), ids=[*map(plain, ACCURACIES)])
def test_accuracy(values: Any, expected: float) -> None:
    assert comparison(values).accuracy() == expected
    distances = 2 - np.array(values)
    assert comparison(distances, measure="cka_distance").accuracy() == expected


def test_accuracy_of_an_asymmetric_measure(monkeypatch: pytest.MonkeyPatch) -> None:
    row = dataclasses.replace(registry.MEASURES["cka"], symmetric=False)
    values = [[0.5, 0.9], [0.0, 0.5]]  # S + S' is [[1.0, 0.9], [0.9, 1.0]]
    assert comparison(values).accuracy() == 0.5
    monkeypatch.setitem(registry.MEASURES, "cka", row)
    assert comparison(values).accuracy() == 1.0


def test_accuracy_pairs_layers_by_name() -> None:
    """Where the names are the same; otherwise by place."""
    values = np.array([[0.1, 0.2, 0.9], [0.8, 0.1, 0.2], [0.2, 0.7, 0.1]])
    shuffled = gm.Comparison(values, ("a", "b", "c"), ("b", "c", "a"), "cka", {}, 9)
    assert shuffled.accuracy() == 1
    assert gm.Comparison(values, ("a", "b", "c"), ("b", "c", "d"), "cka", {}, 9).accuracy() == 0
    other = gm.Comparison(values, ("a", "b", "c"), ("b", "c", "a"), "linear_regression", {}, 9)
    assert other.accuracy() == 1  # both directions of a pair are added after names are matched


def test_accuracy_needs_equal_depth() -> None:
    with pytest.raises(ValueError, match=r"as many layers in A as in B: A has 2, B has 3\."):
        comparison(VALUES).accuracy()


def test_accuracy_needs_a_known_measure() -> None:
    with pytest.raises(ValueError, match="an unknown measure, 'tomorrow'"):
        comparison([[1.0]], measure="tomorrow").accuracy()


def test_to_pandas() -> None:
    S = comparison(VALUES)
    frame = S.to_pandas()
    assert list(frame.index) == ["a0", "a1"]
    assert list(frame.columns) == ["b0", "b1", "b2"]
    assert frame.loc["a1", "b2"] == 0.2
    frame.loc["a1", "b2"] = 5.0
    assert S.values[1, 2] == 0.2


@pytest.mark.parametrize(
    ("module", "extra", "call"),
    [
        ("pandas", "pandas", gm.Comparison.to_pandas),
        ("matplotlib", "plot", gm.Comparison.plot),
    ],
)
def test_missing_extra(monkeypatch: pytest.MonkeyPatch, module: str, extra: str, call: Any) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=rf'pip install "gramian\[{extra}\]"'):
        call(comparison(VALUES))


def test_import_needs_numpy_only() -> None:
    code = (
        "import sys, gramian, gramian._cli.main; others = ('matplotlib', 'pandas', 'scipy', "
        "'torch', 'sklearn', 'safetensors', 'ml_dtypes'); "
        "print([m for m in others if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


# The file.


def strict_json(path: Path) -> Any:
    """Parse a file as JSON proper, which has no NaN and no Infinity."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    return json.loads(path.read_text(encoding="ascii"), parse_constant=refuse)


def test_save_load(tmp_path: Path) -> None:
    S = comparison(VALUES, x_names=["näme", 'with "quotes"'], y_names=["1", "a\nb", "\x1b[0m"])
    path = tmp_path / "s.json"
    S.save(path)
    loaded = gm.load(str(path))
    for field in dataclasses.fields(S):
        if field.name != "values":
            assert getattr(loaded, field.name) == getattr(S, field.name)
    np.testing.assert_array_equal(loaded.values, S.values)
    assert not loaded.values.flags.writeable
    document = strict_json(path)
    assert document["format"] == "gramian.comparison"
    assert document["gramian"] == gm.__version__
    assert os.listdir(tmp_path) == ["s.json"]


@given(st.lists(st.floats(width=64), min_size=1, max_size=20))
def test_every_double_survives(tmp_path_factory: pytest.TempPathFactory, row: list[float]) -> None:
    values = np.array([row])
    path = tmp_path_factory.getbasetemp() / "doubles.json"
    comparison(values).save(path)
    strict_json(path)
    loaded = gm.load(path).values
    isnan = np.isnan(values)
    np.testing.assert_array_equal(isnan, np.isnan(loaded))
    np.testing.assert_array_equal(  # of the bits: 0.0 == -0.0
        values[~isnan].view(np.uint64), loaded[~isnan].view(np.uint64)
    )


def test_save_replaces_a_file_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "s.json"
    comparison(VALUES).save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match=r"No space left on device: '.*s\.json'"):
            comparison([[1.0]]).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["s.json"]
    comparison([[1.0]]).save(path)
    assert gm.load(path).values == 1.0


def test_save_keeps_link_and_mode(tmp_path: Path) -> None:
    target, link = tmp_path / "target.json", tmp_path / "link.json"
    link.symlink_to(target)
    comparison(VALUES).save(link)
    assert link.is_symlink()
    plain = tmp_path / "plain"
    plain.touch()
    assert target.stat().st_mode == plain.stat().st_mode


FOREIGN = {
    "empty": (b"", "is not a gramian comparison: it is not JSON"),
    "binary": (b"\x93NUMPY\xff\xfe", "is not a gramian comparison: it is not JSON"),
    "list": (b"[1, 2]", "is not a gramian comparison: its format is not 'gramian.comparison'"),
    "other": (b'{"format": "x"}', "is not a gramian comparison: its format is not"),
    "deep": (b"[" * 100_000, "is not a gramian comparison"),
}


@pytest.mark.parametrize(("content", "message"), FOREIGN.values(), ids=[*map(plain, FOREIGN)])
def test_load_foreign(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "foreign.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"foreign\.json {message}"):
        gm.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 2}, r"has format version 2, this version of gramian reads 1\."),
        ({"values": None}, r"is damaged: "),
        ({"values": [[0.9, "x", 0.1], [0.3, 0.8, 0.2]]}, r"is damaged: its values must be numbers"),
        ({"values": [[0.9, [], 0.1], [0.3, 0.8, 0.2]]}, r"is damaged: "),
        ({"values": [[0.9, 0.4], [0.3]]}, r"is damaged: "),
        ({"x_names": ["a"]}, r"is damaged: its values must be 1 rows of 3 numbers"),
        ({"options": 3}, r"is damaged: "),
        ({"measure": ...}, r"is damaged: it has no 'measure'\."),
    ],
)
def test_load_damaged(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "s.json"
    comparison(VALUES).save(path)
    document = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not ...}))
    with pytest.raises(ValueError, match=rf"s\.json {message}"):
        gm.load(path)


def test_load_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        gm.load(tmp_path / "s.json")
