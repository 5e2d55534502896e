"""Two models and a loader, against recording both and comparing what was recorded."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import pytest

import gramian as gm

torch = pytest.importorskip("torch")
nn = torch.nn
IMAGES = torch.randn(45, 1, 8, 8, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(45)


def network(seed: int, channels: int = 4) -> Any:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, channels, 3), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Flatten(),
        nn.Linear(36 * channels, 6),
    )  # fmt: skip


def layers_of(model: Any) -> dict[str, Any]:
    """The layers that are recorded below, by hand."""
    with torch.no_grad():
        conv = model[0](IMAGES)
        return {
            "0": conv.mean(dim=(2, 3)),
            "1": conv.relu().mean(dim=(2, 3)),
            "4": model[4](conv.relu().flatten(1)),
        }


NAMES = ["0", "1", "4"]


def batches(kind: str) -> Any:
    data = {
        "tensors": IMAGES,
        "tuples": torch.utils.data.TensorDataset(IMAGES, LABELS),
        "mappings": [{"input": x, "labels": y} for x, y in zip(IMAGES, LABELS, strict=True)],
    }[kind]
    return torch.utils.data.DataLoader(data, batch_size=7)  # the last one is shorter


@pytest.mark.parametrize("kind", ["tensors", "tuples", "mappings"])
@pytest.mark.parametrize("measure", ["cka", "svcca", "procrustes_distance"])
def test_against_layers_at_once(kind: str, measure: str) -> None:
    a, b = network(0), network(1, 5)
    expected = gm.compare(layers_of(a), layers_of(b), measure=measure)
    modes = [a.training, b.eval().training]
    found = gm.compare_models(a, b, batches(kind), layers=NAMES, measure=measure)
    np.testing.assert_allclose(found.values, expected.values, rtol=0, atol=2e-5)
    assert (found.x_names, found.y_names) == (tuple(NAMES), tuple(NAMES))
    assert found.n_samples == 45
    assert [a.training, b.training] == modes
    assert all(not module._forward_hooks for model in (a, b) for module in model.modules())
    assert "forward" not in {**vars(a), **vars(b)}


def test_one_model() -> None:
    a = network(0)
    expected = gm.compare(layers_of(a)).values
    for other in (None, a):
        found = gm.compare_models(a, other, batches("tensors"), layers=NAMES)
        np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-5)


def test_other_layers_and_other_batches() -> None:
    a, b = network(0), network(1)
    found = gm.compare_models(
        a, b, IMAGES.split(9), loader_b=(2 * IMAGES).split(9), layers=["0"], layers_b=["0", "4"]
    )
    with torch.no_grad():
        expected = gm.cka(a[0](IMAGES).mean((2, 3)), b[0](2 * IMAGES).mean((2, 3)))
    assert found.values.shape == (1, 2)
    assert found.values[0, 0] == pytest.approx(expected, abs=1e-5)
    assert found.options["layers"] == {"A": ["0"], "B": ["0", "4"]}
    with pytest.raises(ValueError, match=r"loader_b must have as many .* ended after 1\."):
        gm.compare_models(a, b, IMAGES.split(9), loader_b=[IMAGES[:9]], layers=["0"])
    with pytest.raises(ValueError, match=r"loader must have as many .* ended after 1\."):
        gm.compare_models(a, b, [IMAGES[:9]], loader_b=IMAGES.split(9), layers=["0"])


def test_functions_that_return_layers() -> None:
    """Hidden states of a model, a cache of activations, and a mapping of arrays."""
    hidden = torch.randn(20, 6, 5)
    mask = torch.ones(20, 6, dtype=torch.int64)
    mask[::2, 4:] = 0
    parts = zip(hidden.split(8), mask.split(8), strict=True)
    batches_of = [{"hidden": h, "attention_mask": m} for h, m in parts]
    states = types.SimpleNamespace

    def of_transformers(batch: Any) -> Any:
        return states(hidden_states=(batch["hidden"], batch["hidden"] ** 2))

    class Cache:
        """As caches of activations are: keys and items."""

        def __init__(self, hidden: Any) -> None:
            self._hidden = hidden

        def keys(self) -> list[str]:
            return ["hook_embed", "blocks.0.hook_resid_post", "blocks.1.hook_resid_post"]

        def __getitem__(self, name: str) -> Any:
            return self._hidden if "1" in name else self._hidden**2

    valid = [h[: int(m.sum())] for h, m in zip(hidden, mask, strict=True)]
    one, two = (torch.stack([(h**power).mean(0) for h in valid]) for power in (1, 2))
    expected = gm.compare([one, two], [two, one]).values
    found = gm.compare_models(
        of_transformers, lambda batch: Cache(batch["hidden"]), batches_of,
        layers="*", layers_b="blocks.*.hook_resid_post",
    )  # fmt: skip
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=1e-5)
    assert found.x_names == ("0", "1")
    assert found.y_names == ("blocks.0.hook_resid_post", "blocks.1.hook_resid_post")
    assert found.options["mask"] == "attention_mask"
    arrays = gm.compare_models(
        lambda batch: {"x": batch["hidden"].numpy()[:, 0].copy()}, of_transformers, batches_of,
    )  # fmt: skip
    assert arrays.values[0, 0] == pytest.approx(gm.cka(hidden[:, 0], one), abs=1e-5)


def test_positions_of_different_resolution() -> None:
    a, b = network(0), nn.Sequential(nn.Conv2d(1, 3, 5))
    message = r"^layer '0' of model_a and layer '0' of model_b must .* has 252, .* has 112, of 7 ex"
    with pytest.raises(ValueError, match=message):
        gm.compare_models(a, b, batches("tensors"), layers="0", reduce="positions")
    assert not a[0]._forward_hooks


def test_what_is_refused() -> None:
    a = network(0)
    for arguments, kind, message in (
        (
            (3, a),
            TypeError,
            r"^model_a must be a torch\.nn\.Module or a function of .*, got int",
        ),
        ((a, "b"), TypeError, r"^model_b must be a torch\.nn\.Module or a function"),
        ((a, nn.DataParallel(a)), ValueError, r"^model_b is a DataParallel"),
        (
            (lambda x: 3, a),
            TypeError,
            r"^model_a must return a mapping or a tuple of layers",
        ),
    ):
        with pytest.raises(kind, match=message):
            gm.compare_models(*arguments, batches("tensors"), layers="0")
    with pytest.raises(ValueError, match=r"^layers must name some layers of model_a, which has "):
        gm.compare_models(a, a, batches("tensors"))
    with pytest.raises(ValueError, match=r"^no batch has come yet"):
        gm.compare_models(a, a, [], layers="0")


def test_progress(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A bar by tqdm where it is installed, or lines; nothing where stderr is no terminal."""
    bars: list[dict[str, Any]] = []

    def tqdm(loader: Any, **options: Any) -> Any:
        bars.append(options)
        return loader

    monkeypatch.setitem(sys.modules, "tqdm", types.SimpleNamespace(tqdm=tqdm))
    a = network(0)
    for progress, expected in ((None, 0), (False, 0), (True, 1)):
        gm.compare_models(a, None, batches("tensors"), layers="0", progress=progress)
        assert len(bars) == expected
    monkeypatch.setitem(sys.modules, "tqdm", None)
    monkeypatch.setattr("gramian._input.progress._PATIENCE", 0.0)
    gm.compare_models(a, None, batches("tensors"), layers="0", progress=True)
    assert capsys.readouterr().err.splitlines()[-1] == "batches: 100%"
