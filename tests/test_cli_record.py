"""`gramian record`, and what `gramian compare` says of what was recorded."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from commands import run

import gramian as gm

torch = pytest.importorskip("torch")

MODELS = """
import torch

def load():
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(inplace=True), torch.nn.Flatten(),
        torch.nn.Linear(144, 3),
    )
    return model, torch.randn(60, 1, 8, 8).split(16)

class Words(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.words = torch.nn.Embedding(9, 4)

    def forward(self, ids, attention_mask):
        return self.words(ids)

def padded():
    mask = torch.tensor([[1, 1, 0]] * 5)
    return Words(), [{"ids": torch.ones(5, 3, dtype=torch.int64), "attention_mask": mask}]

def alone():
    return load()[0]

number = 3
"""


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module in the current directory."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models_to_record.py").write_text(MODELS)


@pytest.mark.parametrize("name", ["acts.safetensors", "acts.zarr"])
def test_record(capsys: pytest.CaptureFixture[str], name: str) -> None:
    argv = ["record", "models_to_record:load", "--layers", "[01]", "--layers", "3", "-o", name]
    code, out, err = run(capsys, *argv, "--reduce", "mean", "--dtype", "float64")
    assert (code, err) == (0, "")
    assert out == f"<{name}: 3 layers, 60 samples>\n"
    import models_to_record  # type: ignore[import-not-found]

    model, batches = models_to_record.load()
    expected = model[0](torch.cat(batches)).mean(dim=(2, 3)).detach().double().numpy()
    np.testing.assert_allclose(np.asarray(gm.open(name)["0"]), expected, rtol=1e-6, atol=1e-7)
    code, out, _ = run(capsys, "compare", name, "-o", "s.json")
    assert code == 0
    said = "columns centered, float64, layers [01] 3, reduced by mean, recorded in float64"
    assert out.splitlines()[1] == said
    assert gm.load("s.json").options["layers"] == ["[01]", "3"]
    assert gm.compare(gm.open(name), measure="procrustes").options["reduce"] == "mean"
    rbf = gm.compare(gm.open(name), measure="cka", kernel="rbf")  # of a map of the file
    assert rbf.options["recorded_dtype"] == "float64"


def test_some_batches(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["record", "models_to_record:load", "--layers", "3", "-o", "a.safetensors"]
    assert run(capsys, *argv, "--batches", "2")[1] == "<a.safetensors: 1 layers, 32 samples>\n"


ERRORS = {
    "models_to_record": "MODULE:FUNCTION must be such as models:load, got 'models_to_record'.",
    "models_to_record:gone": "models_to_record has no function 'gone'.",
    "models_to_record:number": "models_to_record has no function 'number'.",
    "models_to_record:alone": "models_to_record:alone must return a model and its batches, got Seq",
    "no_such_module:load": "No module named 'no_such_module'",
    "models_to_record:load --layers x": "layers must match a layer of model, got 'x'",
    "models_to_record:load --reduce avg": "reduce must be 'flatten', ",
    "models_to_record:load --batches 0": "--batches must be at least 1, got 0.",
    "models_to_record:load --layout nhwx": "layout must be ",
    "models_to_record:load --mask words": "mask must name an input of the model, got 'words'",
}


@pytest.mark.parametrize("arguments", ERRORS)
def test_errors(capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: str) -> None:
    argv = ["record", *arguments.split(), "--layers", "3", "-o", "a.safetensors"]
    code, out, err = run(capsys, *argv)
    assert (code, out) == (2, "")
    assert err.startswith(f"gramian record: error: {ERRORS[arguments]}")
    assert not [one.name for one in tmp_path.iterdir() if "a.safetensors" in one.name]


def test_advice_is_spelled_in_flags(capsys: pytest.CaptureFixture[str]) -> None:
    argv = ["record", "models_to_record:padded", "--layers", "words", "-o", "a.safetensors"]
    code, _, err = run(capsys, *argv)
    assert code == 2
    assert "which --reduce flatten would keep: --reduce mean leaves them out" in err
    assert "with --mask none they are taken for positions as all others." in err
    assert run(capsys, *argv, "--mask", "none")[0] == 0


def test_notes_that_are_not_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """Metadata of other writers, or damaged."""
    from safetensors.numpy import save_file

    layer = {"a": np.random.default_rng(0).standard_normal((9, 3))}
    for text in ("{", "3", '{"reduce": 3, "other": "x"}', "[" * 100_000):
        save_file(layer, "a.safetensors", metadata={"gramian": text})
        assert gm.open("a.safetensors").notes == {}
        assert run(capsys, "compare", "a.safetensors")[0] == 0
