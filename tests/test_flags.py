"""The flags of the measures' options, which come from the table of measures."""

from __future__ import annotations

import shlex
from typing import Any

import commands
import numpy as np
import pytest
from commands import run

import gramian as gm
from gramian._cli.spelling import as_flags
from gramian._measures.registry import MEASURES

files = commands.files


OPTIONS = {
    "--kernel rbf": {"kernel": "rbf"},
    "--kernel rbf --bandwidth 0.5": {"kernel": "rbf", "bandwidth": 0.5},
    "--kernel rbf --sigma 3 --debiased": {"kernel": gm.RBF(sigma=3), "debiased": True},
    "--measure hsic --unbiased": {"measure": "hsic", "unbiased": True},
    "--measure cka_distance --kernel linear": {"measure": "cka_distance"},
    "--device reference": {"device": "reference"},
    "--kernel rbf --bandwidth-sample 20": {"kernel": "rbf", "bandwidth_sample": 20},
    "--measure cca --denominator rank": {"measure": "cca", "denominator": "rank"},
    "--measure cca_squared --regularization .1 --rank-tolerance 1e-3": {
        "measure": "cca_squared",
        "regularization": 0.1,
        "rank_tolerance": 1e-3,
    },
    "--measure linear_regression --cross-validate 3": {
        "measure": "linear_regression",
        "cross_validate": 3,
    },
    "--measure linear_regression --direction 'y from x'": {
        "measure": "linear_regression",
        "direction": "y from x",
    },
    "--measure ridge_regression --alphas 1,10 --inner-folds 2 --cross-validate 3": {
        "measure": "ridge_regression",
        "alphas": [1, 10],
        "inner_folds": 2,
        "cross_validate": 3,
    },
    "--measure ridge_regression --alpha-per-target": {
        "measure": "ridge_regression",
        "alpha_per_target": True,
    },
    "--measure svcca --variance .9": {"measure": "svcca", "variance": 0.9},
    "--measure svcca_squared --components 2": {"measure": "svcca_squared", "components": 2},
    "--measure pwcca --side mean": {"measure": "pwcca", "side": "mean"},
    "--measure pwcca --variant google": {"measure": "pwcca", "variant": "google"},
    "--measure shape_distance --alpha .5": {"measure": "shape_distance", "alpha": 0.5},
    "--measure match_semi --absolute": {"measure": "match_semi", "absolute": True},
    "--measure sparse_prediction --alphas .1,.3 --tol 1e-8 --max-sweeps 99": {
        "measure": "sparse_prediction",
        "alphas": [0.1, 0.3],
        "tol": 1e-8,
        "max_sweeps": 99,
    },
}


def test_every_option_has_a_flag() -> None:
    """With a text for its help, and the same one for all measures that take it."""
    tried = {word for arguments in OPTIONS for word in arguments.split() if word[:2] == "--"}
    known: dict[str, Any] = {}
    for row in MEASURES.values():
        for flag in row.flags:
            assert flag.spelling == known.setdefault(flag.name, flag).spelling
            assert flag.flag in tried
            assert flag.help
            assert flag.kind is str or not flag.choices
            assert bool(flag.metavar) != (flag.kind is bool or bool(flag.choices))


@pytest.mark.parametrize("arguments", OPTIONS)
def test_options(files: Any, capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    argv = ["compare", "a.npz", "b.npz", "-o", "s.json", *shlex.split(arguments)]
    if "match" in arguments:
        pytest.importorskip("scipy")
    code, out, err = run(capsys, *argv)
    assert (code, err) == (0, "")
    expected = gm.compare(files["a"], files["b"], **OPTIONS[arguments])
    written = gm.load("s.json")
    np.testing.assert_array_equal(written.values, expected.values)
    assert (written.measure, written.options) == (expected.measure, expected.options)
    assert expected._text_map() in out


def test_what_is_no_flag_stays_as_it_is() -> None:
    names = ("kernel", "sigma", "debiased", "nan_policy", "split_axis", "layout")
    for message, said in (
        ("(debiased=True, of distance correlation", "(--debiased, of distance correlation"),
        ("debiased=False is the default", "no --debiased is the default"),
        ("a sigma, e.g. gramian.RBF(sigma=1.0).", "a sigma, e.g. --kernel rbf --sigma 1.0."),
        ("gramian.open(..., split_axis=1) makes", "--split-axis 1 makes"),
        ("max_memory=3 and kernel='rbf'", "max_memory=3 and --kernel rbf"),
        ("gramian.open(path) reads files", "gramian.open(path) reads files"),
        ("got {'layout': 3}, 'x'", "got {'layout': 3}, 'x'"),
    ):
        assert as_flags(message, names) == said


def test_nan_in_one_layer(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    holed = {name: layer.copy() for name, layer in files["a"].items()}
    holed["conv1"][2, 1] = np.nan
    np.savez("holed.npz", **holed)
    code, _, err = run(capsys, "compare", "holed.npz")
    assert code == 2
    assert err.endswith("in 1 of 5 columns; --nan-policy propagate gives NaN instead.\n")
    argv = ["compare", "holed.npz", "--nan-policy", "propagate", "-o", "s.json"]
    assert run(capsys, *argv)[0] == 0
    assert np.isnan(gm.load("s.json")["conv1", "conv1"])
    assert gm.load("s.json")["conv2", "conv2"] == 1


def test_help_says_how_several_measures_are_written(capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join(run(capsys, "compare", "--help")[1].split())
    assert "then need {measure}, as in s-{measure}.json" in said
