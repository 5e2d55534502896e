"""Which layers are compared, and what results say was done to them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm

Array = np.ndarray


def images(n: int = 12) -> Array:
    return np.random.default_rng(0).standard_normal((n, 3, 2, 3))


def test_layers_by_pattern() -> None:
    A = {f"blocks.{k}.{part}": np.eye(5) + k for k in range(3) for part in ("attn", "resid_post")}
    S = gm.compare(A, layers="blocks.*.resid_post")
    assert S.x_names == ("blocks.0.resid_post", "blocks.1.resid_post", "blocks.2.resid_post")
    assert S.options["layers"] == ["blocks.*.resid_post"]
    assert gm.plan(A, layers=["blocks.0.*"]).flops < gm.plan(A).flops
    with pytest.raises(ValueError, match=r"^layers must match a layer of A, got 'x\*'; it has 'bl"):
        gm.compare(A, layers="x*")


def test_caches_that_are_no_mappings() -> None:
    class Cache:
        """As caches of activations are: keys and items."""

        def __init__(self, items: dict[str, Array]) -> None:
            self._items = items

        def keys(self) -> Any:
            return self._items.keys()

        def __getitem__(self, name: str) -> Array:
            return self._items[name]

    X = np.random.default_rng(0).standard_normal((9, 4, 3))
    cache = Cache({"blocks.7.hook_resid_post": X, "blocks.8.hook_resid_post": X**2})
    S = gm.compare(cache, layout="ntd", positions="mean")  # type: ignore[arg-type]
    expected = gm.compare([X.mean(axis=1), (X**2).mean(axis=1)])
    np.testing.assert_allclose(S.values, expected.values, atol=1e-12)
    hidden = (X, X**2)  # a tuple of hidden states
    found = gm.compare(hidden, layout="ntd", positions="mean")
    np.testing.assert_array_equal(found.values, S.values)


def test_what_was_done_is_in_the_result(tmp_path: Path) -> None:
    X = images(12).astype("f2")
    S = gm.compare({"conv": X}, layout="nchw", positions="mean", layers="conv", kernel="cosine")
    said = {
        "centering": "kernel",
        "dtype": "float32",
        "layers": ["conv"],
        "layout": "nchw",
        "positions": "mean",
    }
    assert S.options.items() >= said.items()
    assert gm.compare({"conv": X.reshape(12, -1)}).options["input_dtype"] == "float16"
    assert repr(S) == "<Comparison cka(kernel='cosine', debiased=False): 1 x 1 layers, 12 samples>"
    S.save(tmp_path / "s.json")
    assert json.loads((tmp_path / "s.json").read_text())["options"] == S.options
    assert gm.load(tmp_path / "s.json").options == S.options
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    title = S._figure().axes[0].get_title()
    assert "n = 12" in title
    for words in (
        "cosine kernel",
        "kernel centered",
        "float32",
        "layout nchw",
        "mean over positions",
    ):
        assert words in title.replace("\n", " ")


def test_files_have_a_layout_of_their_own(tmp_path: Path) -> None:
    np.save(tmp_path / "conv.npy", images())
    opened = gm.open(tmp_path / "conv.npy", layout="flatten")
    with pytest.raises(ValueError, match=r"^layout must be None for layers in files"):
        gm.compare(opened, layout="nchw", positions="mean")
    np.savez(tmp_path / "a.npz", conv=np.eye(9), head=np.eye(9)[:, :2])
    S = gm.compare(gm.open(tmp_path / "a.npz"), layers="h*")
    assert S.x_names == ("head",)
    assert S.options["layers"] == ["h*"]


CAPTIONS = {
    "linear": ("cka", {}, "Linear CKA, biased estimator"),
    "rbf": (
        "cka",
        {"kernel": "rbf", "bandwidth": 0.5, "debiased": True},
        "CKA, RBF kernel, bandwidth 0.5 × median distance, debiased",
    ),
    "sigma": (
        "hsic",
        {"kernel": gm.RBF(sigma=3.0), "unbiased": True},
        "HSIC, RBF kernel, sigma 3, unbiased",
    ),
    "cca": ("cca", {}, "Mean CCA correlation"),
    "rank": ("cca", {"denominator": "rank"}, "Mean CCA correlation, over the rank"),
    "svcca": ("svcca", {}, "SVCCA, 99% of the variance"),
    "components": ("svcca", {"components": 2}, "SVCCA, 2 components"),
    "pwcca": ("pwcca", {"side": "y"}, "PWCCA, weighted by y"),
    "folds": (
        "linear_regression",
        {"cross_validate": 3},
        "R² of linear regression, x from y, 3-fold cross-validated",
    ),
    "distance": ("procrustes_distance", {}, "Procrustes distance"),
    "shape": ("shape_distance", {"alpha": 0.5}, "Shape distance, alpha 0.5"),
    "matching": ("match_semi", {}, "Correlation of units with their best match"),
}


@pytest.mark.parametrize(("measure", "options", "words"), CAPTIONS.values(), ids=[*CAPTIONS])
def test_captions_are_words(measure: str, options: dict[str, Any], words: str) -> None:
    rng = np.random.default_rng(0)
    A = {"a": rng.standard_normal((1200, 3)), "b": rng.standard_normal((1200, 4))}
    S = gm.compare(A, measure=measure, **options)
    assert S._caption() == [f"{words}, n = 1,200", "columns centered, float64"]
