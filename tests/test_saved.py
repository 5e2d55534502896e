"""What a saved comparison may hold, and what `load` refuses of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm

VALUES = [[0.9, 0.4], [0.3, 0.8]]


def comparison(values: Any = VALUES, **options: Any) -> gm.Comparison:
    names = [f"layer{i}" for i in range(len(values))]
    return gm.Comparison(values, names, names[: len(values[0])], "cka", options, 100)


def test_options_of_numpy_save(tmp_path: Path) -> None:
    given = {
        "a": np.float32(0.5),
        "b": np.int64(3),
        "c": np.True_,
        "d": np.array([0.25, 1]),
        "e": (np.float16(2), [np.str_("x")]),
        "f": np.longdouble(0.5),
        "g": {"h": np.uint8(1)},
    }
    S = comparison(**given)
    S.save(tmp_path / "s.json")
    expected = {"a": 0.5, "b": 3, "c": True, "d": [0.25, 1.0], "e": [2.0, ["x"]], "f": 0.5}
    assert gm.load(tmp_path / "s.json").options == S.options == expected | {"g": {"h": 1}}
    X = np.random.default_rng(0).standard_normal((20, 3))
    for measure, options in (
        ("cka", {"kernel": "rbf", "bandwidth": np.float32(0.5), "debiased": np.True_}),
        ("cka", {"kernel": np.str_("rbf"), "bandwidth_sample": np.int16(9)}),
        ("cca", {"cross_validate": np.int64(3), "rank_tolerance": np.float64(1e-3)}),
        ("svcca", {"components": np.uint8(2), "variance": np.float16(0.5)}),
        ("shape_distance", {"alpha": np.array(0.5)}),
        ("sparse_prediction", {"alphas": np.float32([0.5, 0.25]), "max_sweeps": np.int32(99)}),
        ("pwcca", {"side": np.str_("y")}),
    ):
        S = gm.compare([X], measure=measure, **options)
        S.save(tmp_path / "s.json")
        assert gm.load(tmp_path / "s.json").options == S.options


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"a": {1}}, TypeError, r"^options must hold what JSON can, got a=\{1\}\.$"),
        ({"a": 1j}, TypeError, r"^options must hold what JSON can, got a=1j\.$"),
        ({"a": np.float32("nan")}, ValueError, r"^options must be finite, got a=nan\.$"),
        ({1: 2}, TypeError, r"^options must be a str, got int\.$"),
        (3, TypeError, r"^options must be a mapping of names to values, got int\.$"),
    ],
    ids=["set", "complex", "nan", "number", "no_mapping"],
)
def test_options_that_no_file_can_hold(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        gm.Comparison(VALUES, ["a", "b"], ["c", "d"], "cka", options, 100)


def test_what_is_new_is_no_new_format(tmp_path: Path) -> None:
    """Comparisons that were computed or turned can be read by versions that could do neither."""
    known = {"format", "version", "gramian", "measure", "options", "n_samples"}
    known |= {"x_names", "y_names", "values"}
    S = gm.Comparison(VALUES, ["a", "b"], ["c", "d"], "pwcca", {"side": "x"}, 100)
    for one in (S, S.T, S - S, gm.concat([S, S]).mean(), gm.concat([S, S]).std(), S["a", :]):
        one.save(tmp_path / "s.json")
        document = json.loads((tmp_path / "s.json").read_text())
        assert set(document) == known
        assert document["version"] == 1
        assert gm.load(tmp_path / "s.json") == one


DAMAGED = {
    "values_of_words": {"values": [["0.9", "1"], ["1", "1"]]},
    "values_of_truths": {"values": [[True, False], [1, 1]]},
    "values_no_list": {"values": {"a": 1}},
    "rows_no_list": {"values": ["12", "34"]},
    "values_too_large": {"values": [[10**400, 1], [1, 1]]},
    "values_other_words": {"values": [["NaN", 1], [1, 1]]},
    "names_a_word": {"x_names": "ab"},
    "names_of_numbers": {"x_names": [1, 2]},
    "names_of_lists": {"y_names": [["a"], ["b"]]},
    "measure_a_number": {"measure": 3},
    "measure_null": {"measure": None},
    "options_a_list": {"options": [["a", 1]]},
    "options_null": {"options": None},
    "n_samples_a_word": {"n_samples": "100"},
    "n_samples_a_truth": {"n_samples": True},
    "n_samples_a_fraction": {"n_samples": 10.5},
    "n_samples_negative": {"n_samples": -1},
}


@pytest.mark.parametrize("name", DAMAGED)
def test_load_checks_every_type(tmp_path: Path, name: str) -> None:
    path = tmp_path / "s.json"
    comparison().save(path)
    document = json.loads(path.read_text())
    path.write_text(json.dumps(document | DAMAGED[name]))
    (field,) = DAMAGED[name]
    about = "int too large" if name == "values_too_large" else field
    with pytest.raises(ValueError, match=rf"^.*s\.json is damaged: .*{about}"):
        gm.load(path)


@pytest.mark.parametrize("version", [True, 1.0, "1", None, [1]], ids="abcde")
def test_load_of_a_version_that_is_no_number(tmp_path: Path, version: Any) -> None:
    path = tmp_path / "s.json"
    comparison().save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"version": version}))
    with pytest.raises(ValueError, match=r"s\.json has format version .*, this version of gramian"):
        gm.load(path)


def test_load_of_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^/dev/zero is no file\.$"):
        gm.load("/dev/zero")
    with pytest.raises(IsADirectoryError, match=str(tmp_path)):
        gm.load(tmp_path)
    path = tmp_path / "s.json"
    comparison([[0.5]]).save(path)
    path.write_text(path.read_text().replace("0.5", "NaN"))
    with pytest.raises(ValueError, match=r"s\.json is not a gramian comparison: it is not JSON"):
        gm.load(path)
