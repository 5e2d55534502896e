"""Results other than comparisons: one line, equality, the number that they are, their files."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian._measures.written import KINDS

X, Y = np.random.default_rng(0).standard_normal((2, 30, 4))
S = gm.compare({"x": X}, {"y": Y}, inference="bootstrap", n_resamples=9, rng=0)

RESULTS: dict[str, tuple[Callable[[], Any], str]] = {
    "CCA": (lambda: gm.cca(X, Y), "mean"),
    "SVCCA": (lambda: gm.svcca(X, Y, full_output=True), "value"),
    "PWCCA": (lambda: gm.pwcca(X, Y, full_output=True), "value"),
    "Matching": (lambda: gm.match_units(X, Y), "mean"),
    "SparsePrediction": (lambda: gm.sparse_prediction(X, Y, alphas=[0.1, 0.2]), "score"),
    "Clusters": (lambda: gm.cluster_units(X, Y, n_clusters=2), ""),
    "PermutationTest": (lambda: gm.permutation_test(X, Y, n_permutations=9, rng=0), "statistic"),
    "Bootstrap": (lambda: gm.bootstrap(X, Y, n_resamples=9, rng=0), "statistic"),
    "Jackknife": (lambda: gm.jackknife(X, Y), "statistic"),
    "Inference": (lambda: S.inference, ""),
    "RidgeRegression": (lambda: gm.ridge_regression(X, Y, cross_validate=3), "score"),
    "NoiseCeiling": (lambda: gm.noise_ceiling(np.stack([X, X + Y, X - Y])), "pooled"),
    "Runs": (lambda: gm.concat([S, S]), ""),
}
NEEDS = {"Matching": "scipy", "Clusters": "sklearn"}
OWN_FILES = {"Comparison"}  # which test_saved.py is about


def made(name: str) -> Any:
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    return RESULTS[name][0]()


def test_all_are_tried() -> None:
    public = {name for name in KINDS if hasattr(gm, name)}
    assert public - OWN_FILES <= set(RESULTS)


@pytest.mark.parametrize("name", RESULTS)
def test_file(tmp_path: Path, name: str) -> None:
    result = made(name)
    result.save(tmp_path / "r.json")
    loaded = gm.load(tmp_path / "r.json", type(result))
    assert loaded == result
    for field in dataclasses.fields(result):
        before, after = getattr(result, field.name), getattr(loaded, field.name)
        assert type(before) is type(after)
        np.testing.assert_array_equal(before, after)
        if isinstance(before, np.ndarray):
            assert (before.dtype, before.shape) == (after.dtype, after.shape)


@pytest.mark.parametrize("name", RESULTS)
def test_line(name: str) -> None:
    result = made(name)
    assert "\n" not in repr(result)
    assert len(repr(result)) < 400
    assert str(result).count("\n") >= len(dataclasses.fields(result))
    assert copy.copy(result) == result
    assert pickle.loads(pickle.dumps(result)) == result


@pytest.mark.parametrize("name", RESULTS)
def test_number(name: str) -> None:
    result, attribute = made(name), RESULTS[name][1]
    if not attribute:
        with pytest.raises(TypeError):
            float(result)
        return
    assert float(result) == getattr(result, attribute)
    assert f"{result:.3f}" == f"{getattr(result, attribute):.3f}"
    assert f"{result}" == str(result)


def test_equality_is_of_content() -> None:
    result = gm.cca(X, Y)
    assert result == gm.cca(X, Y)
    assert result != gm.cca(Y, X)
    assert result != dataclasses.replace(result, n_saturated=3)
    assert result != result.mean
    holes = dataclasses.replace(result, mean=float("nan"))
    assert holes == dataclasses.replace(result, mean=float("nan"))


def test_not_finite(tmp_path: Path) -> None:
    result = dataclasses.replace(
        gm.cca(X, Y), mean=float("nan"), correlations=np.array([np.nan, np.inf, -np.inf, -0.0])
    )
    result.save(tmp_path / "r.json")
    assert "NaN" not in (tmp_path / "r.json").read_text()
    loaded = gm.load(tmp_path / "r.json", gm.CCA)
    assert loaded == result
    assert np.signbit(loaded.correlations[3])


def test_another_kind(tmp_path: Path) -> None:
    gm.cca(X, Y).save(tmp_path / "r.json")
    assert isinstance(gm.load(tmp_path / "r.json"), gm.CCA)
    with pytest.raises(TypeError, match=r"r\.json must hold a Comparison, got CCA\.$"):
        gm.load(tmp_path / "r.json", gm.Comparison)
    with pytest.raises(TypeError, match=r"^kind must be a class, got str\.$"):
        gm.load(tmp_path / "r.json", "CCA")  # type: ignore[call-overload]


ARRAY = {"dtype": "float64", "shape": [2], "values": [1.0, 2.0]}
DAMAGED: dict[str, tuple[dict[str, Any], str]] = {
    "a number as a word": ({"mean": "0.5"}, "its mean must be of type float"),
    "a whole number": ({"x_rank": {"number": 4.0}}, "its x_rank must be of type int"),
    "a truth": ({"x_rank": True}, "its x_rank must be of type int"),
    "an array as a list": ({"correlations": [1, 2]}, "its correlations must be of type ndarray"),
    "too few values": ({"correlations": ARRAY | {"shape": [3]}}, "its correlations must be an arr"),
    "a shape of words": ({"correlations": ARRAY | {"shape": ["2"]}}, "its correlations must be an"),
    "another dtype": ({"correlations": ARRAY | {"dtype": "object"}}, "its correlations must be an"),
    "words": ({"correlations": ARRAY | {"values": ["1", "2"]}}, "its values must be numbers, null"),
    "something else": ({"correlations": {"a": 1}}, "its correlations must be a value or an array"),
    "a new field": ({"colour": 1}, "a CCA has no 'colour'"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged(tmp_path: Path, name: str) -> None:
    changes, message = DAMAGED[name]
    path = tmp_path / "r.json"
    gm.cca(X, Y).save(path)
    document = json.loads(path.read_text())
    document["fields"] |= changes
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=rf"r\.json is damaged: {message}"):
        gm.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"type": "Object"}, "is damaged: its type must be one of '"),
        ({"type": ["CCA"]}, "is damaged: its type must be one of '"),
        ({"fields": []}, "is damaged: its fields must be an object"),
        ({"fields": {}}, "is damaged: it has no 'correlations'"),
        ({"version": 2}, "has format version 2, this version of gramian reads 1"),
    ],
)
def test_no_result(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    path = tmp_path / "r.json"
    gm.cca(X, Y).save(path)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(ValueError, match=rf"r\.json {message}"):
        gm.load(path)


def test_not_to_be_fitted() -> None:
    with pytest.raises(TypeError, match=r"^CCA is a result .* it has no 'n_components'\.$"):
        gm.CCA(n_components=2)  # type: ignore[call-arg]


def test_a_table_for_other_programs(tmp_path: Path) -> None:
    import csv

    S.save(tmp_path / "s.csv")
    with (tmp_path / "s.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["x"], row["y"]) == ("x", "y")
    assert float(row["value"]) == S["x", "y"]
    assert float(row["low"]) == S.low[0, 0]
    for name in ("s.png", "s.PDF", "s.html"):
        with pytest.raises(ValueError, match=r"^path must be a name for JSON or a table \(\.csv\)"):
            S.save(tmp_path / name)
    assert not (tmp_path / "s.png").exists()


def test_other_endings_are_refused(tmp_path: Path) -> None:
    """What is no JSON, nor a table, is not to look like what it is not."""
    for name in ("s.npz", "s.txt", "s.json.gz"):
        with pytest.raises(ValueError, match=r"^path must end in \.json or \.csv, .*got .*/s\."):
            S.save(tmp_path / name)
    for name in ("c.csv", "c.pkl"):
        with pytest.raises(ValueError, match=r"^path must end in \.json, .*: a CCA is"):
            gm.cca(X, Y).save(tmp_path / name)
    assert not [*tmp_path.iterdir()]
    for name in ("plain", "run-0.5", "S.JSON"):
        S.save(tmp_path / name)
        assert gm.load(tmp_path / name) == S
