"""The flags of the measures' options, which come from the table of measures."""

from __future__ import annotations

import shlex
from typing import Any

import commands
import numpy as np
import pytest
from commands import run

import gramian as gm
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
