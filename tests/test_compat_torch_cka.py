"""The calls of torch_cka's README, and the numbers that the package gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from networks import hooks_of

import gramian as gm
from gramian.compat.torch_cka import CKA

torch = pytest.importorskip("torch")
nn = torch.nn

LAYERS = ["0", "3", "4", "5"]
# `export()["CKA"]` of torch_cka 0.21 from PyPI with torch 2.13.0 on the CPU, for the models and the
# images below in batches of 32 and 96; in float32, as everything there.
RECORDED = {
    32: [
        [0.6699063777923584, 0.3102897107601166, 0.2966780960559845, 0.09943396598100662],
        [0.2950235903263092, 0.18924172222614288, 0.1695048213005066, 0.08497612178325653],
        [0.2799370586872101, 0.16158246994018555, 0.14211539924144745, 0.06954678148031235],
        [0.17491184175014496, 0.08348767459392548, 0.0758340060710907, 0.031069032847881317],
    ],
    96: [
        [0.6558182239532471, 0.27311569452285767, 0.26607826352119446, 0.12650668621063232],
        [0.30100929737091064, 0.19753631949424744, 0.18103383481502533, 0.06059329956769943],
        [0.2895202338695526, 0.17470808327198029, 0.15995535254478455, 0.044916294515132904],
        [0.1977260708808899, 0.09212842583656311, 0.07930532842874527, 0.008851548656821251],
    ],
}
NUMBERS_DIFFER = pytest.mark.filterwarnings("ignore:this is the CKA of all samples")


def model(seed: int, *, inplace: bool = False) -> Any:
    """A small network with weights of numpy, which draws the same in all versions."""
    rng = np.random.RandomState(seed)
    made = nn.Sequential(
        nn.Conv2d(2, 6, 3), nn.ReLU(inplace=inplace), nn.Flatten(), nn.Linear(96, 12), nn.Tanh(),
        nn.Linear(12, 5),
    )  # fmt: skip
    with torch.no_grad():
        for layer in (made[0], made[3], made[5]):
            shape = tuple(layer.weight.shape)
            weights = rng.standard_normal(shape) / np.sqrt(np.prod(shape[1:]))
            layer.weight.copy_(torch.from_numpy(weights))
            layer.bias.copy_(torch.from_numpy(rng.standard_normal(shape[0]) * 0.1))
    return made


def images() -> Any:
    return torch.from_numpy(np.random.RandomState(2).standard_normal((96, 2, 6, 6))).float()


def loader(batch_size: int, *, shuffle: bool = False) -> Any:
    dataset = torch.utils.data.TensorDataset(images(), torch.zeros(96))
    return torch.utils.data.DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)


def compared(batch_size: int, *, shuffle: bool = False, **options: Any) -> CKA:
    cka = CKA(model(0), model(1), "one", "two", LAYERS, LAYERS)
    cka.compare(loader(batch_size, shuffle=shuffle), **options)
    return cka


def outputs(network: Any, names: list[str] = LAYERS) -> list[Any]:
    """Layers of a sequence, by hand."""
    found, x = {}, images()
    with torch.no_grad():
        for number, layer in enumerate(network):
            x = layer(x)
            found[str(number)] = x.flatten(1).clone()
    return [found[name] for name in names]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.close("all")


@pytest.mark.parametrize("batch_size", RECORDED)
def test_the_numbers_of_the_package(batch_size: int) -> None:
    """Its own rounding in float32 is 2e-6 here."""
    found = compared(batch_size, estimator="minibatch").export()["CKA"]
    np.testing.assert_allclose(found, RECORDED[batch_size], rtol=0, atol=5e-6)


def test_of_all_samples_together() -> None:
    with pytest.warns(RuntimeWarning, match="torch_cka averages HSIC over 3 batches"):
        cka = compared(32)
    pairs = [outputs(model(seed)) for seed in (0, 1)]
    expected = [[gm.cka(X, Y, debiased=True) for Y in pairs[1]] for X in pairs[0]]
    assert cka.comparison is not None
    np.testing.assert_allclose(cka.comparison.values, expected, rtol=0, atol=1e-5)
    assert cka.comparison.n_samples == 96
    # Which is what it gives for one batch, and up to .037 from what it gives for three.
    np.testing.assert_allclose(cka.comparison.values, RECORDED[96], rtol=0, atol=5e-6)
    assert 0.03 < abs(cka.comparison.values - RECORDED[32]).max() < 0.04


@NUMBERS_DIFFER
@pytest.mark.parametrize("estimator", ["whole", "minibatch"])
def test_the_calls_of_the_readme(estimator: str, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    model1, model2 = model(0), model(1)
    dataloader = loader(32)
    cka = CKA(
        model1,
        model2,
        model1_name="ResNet18",
        model2_name="ResNet34",
        model1_layers=LAYERS,
        model2_layers=LAYERS[:2],
        device="cpu",
    )
    cka.compare(dataloader, estimator=estimator)
    results = cka.export()
    assert list(results) == [
        "model1_name", "model2_name", "CKA", "model1_layers", "model2_layers", "dataset1_name",
        "dataset2_name",
    ]  # fmt: skip
    assert (results["model1_name"], results["model2_name"]) == ("ResNet18", "ResNet34")
    assert (results["model1_layers"], results["model2_layers"]) == (LAYERS, LAYERS[:2])
    assert "TensorDataset" in results["dataset1_name"]
    assert results["CKA"].shape == (4, 2)
    assert results["CKA"].dtype == torch.float32
    assert torch.equal(results["CKA"], cka.hsic_matrix)
    ax = cka.plot_results(save_path=tmp_path / "map.png")
    assert ax.get_title() == "ResNet18 vs ResNet34"
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("Layers ResNet34", "Layers ResNet18")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


def test_a_loader_that_shuffles_is_read_once() -> None:
    """torch_cka pairs other samples, and has values of about 0."""
    for estimator in ("whole", "minibatch"):
        torch.manual_seed(0)
        found = compared(96, shuffle=True, estimator=estimator).export()["CKA"]
        np.testing.assert_allclose(found, RECORDED[96], rtol=0, atol=1e-5)


@NUMBERS_DIFFER
def test_two_loaders() -> None:
    cka = CKA(model(0), model(0), "one", "two", LAYERS, LAYERS)
    for estimator in ("whole", "minibatch"):
        cka.compare(loader(32), loader(32), estimator=estimator)
        np.testing.assert_allclose(cka.export()["CKA"].diagonal(), 1, rtol=0, atol=1e-6)
    shorter = torch.utils.data.DataLoader(loader(1).dataset, batch_size=32, drop_last=True)
    shorter.dataset.tensors = tuple(tensor[:64] for tensor in shorter.dataset.tensors)
    with pytest.raises(ValueError, match="same number of samples"):
        cka.compare(loader(32), shorter)
    with pytest.raises(ValueError, match="must have as many batches as loader: it ended after 2"):
        cka.compare(loader(32), shorter, estimator="minibatch")


@pytest.mark.parametrize("estimator", ["whole", "minibatch"])
def test_all_layers_stand_under_their_names(estimator: str) -> None:
    """Of a model in a model too, whose outer layer is done last, and with one in place."""
    inner = nn.Sequential(model(0, inplace=True), nn.Linear(5, 3))
    cka = CKA(inner, model(1), "one", "two")
    cka.compare(loader(96), estimator=estimator)
    names = ["0", *(f"0.{k}" for k in range(6)), "1"]
    results = cka.export()
    assert results["model1_layers"] == names
    assert results["model2_layers"] == [str(k) for k in range(6)]
    X = outputs(model(0), [str(k) for k in range(6)])
    Y = outputs(model(1), ["0"])[0]
    expected = [gm.cka(layer, Y, debiased=True) for layer in (X[5], *X)]
    np.testing.assert_allclose(results["CKA"][:7, 0], expected, rtol=0, atol=1e-5)


@NUMBERS_DIFFER
def test_models_are_left_as_they_were() -> None:
    one = model(0)
    before = hooks_of(one)
    cka = CKA(one, model(1), "one", "two", LAYERS, LAYERS)
    cka.compare(loader(32))
    assert hooks_of(one) == before
    assert one.training
    assert all(parameter.grad is None for parameter in one.parameters())


def test_what_is_refused() -> None:
    cka = CKA(model(0), model(1), model1_layers=["9"])
    with pytest.raises(ValueError, match="nothing has been compared yet: call compare"):
        cka.export()
    with pytest.raises(ValueError, match="estimator must be 'whole' or 'minibatch', got 'exact'"):
        cka.compare(loader(32), estimator="exact")
    with pytest.raises(ValueError, match="layers must match a layer of model, got '9'"):
        cka.compare(loader(32))
