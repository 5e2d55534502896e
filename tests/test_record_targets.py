"""Where recordings go: files that are whole or not there, and what reads them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm

torch = pytest.importorskip("torch")
nn = torch.nn
FILES = ["acts.safetensors", "acts.zarr"]


def network() -> Any:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(144, 3))


IMAGES = torch.randn(23, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", FILES)
def test_files(tmp_path: Path, name: str) -> None:
    model, path = network(), tmp_path / name
    for _ in range(2):  # the second takes the place of the first
        with gm.record(model, ["0", "3"], reduce="mean", to=path) as recording:
            for batch in IMAGES.split(5):
                model(batch)
        assert len(recording) == 0
        with pytest.raises(RuntimeError, match="over, and its file written"):
            recording.run(IMAGES)
        assert [one.name for one in tmp_path.iterdir()] == [name]
    memory = gm.record(model, ["0", "3"], reduce="mean").run(IMAGES.split(5))
    opened = gm.open(path)
    assert list(opened) == ["0", "3"]
    for layer in opened:
        np.testing.assert_array_equal(np.asarray(opened[layer]), memory[layer].numpy())
    np.testing.assert_allclose(gm.compare(opened).values, gm.compare(memory).values, atol=1e-6)


@pytest.mark.parametrize("name", FILES)
def test_nothing_is_left_of_what_fails(tmp_path: Path, name: str) -> None:
    model, path = network(), tmp_path / name

    def fails(to: Path) -> None:
        with gm.record(model, ["0"], to=to):
            model(IMAGES)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fails(path)
    assert list(tmp_path.iterdir()) == []
    gm.record(model, ["0"], to=path).run([IMAGES])
    before = np.asarray(gm.open(path)["0"])
    with pytest.raises(ZeroDivisionError):
        fails(path)
    np.testing.assert_array_equal(np.asarray(gm.open(path)["0"]), before)


def test_safetensors_as_its_package_reads_it(tmp_path: Path) -> None:
    from safetensors import safe_open

    model = network().to(torch.bfloat16)
    gm.record(model, ["0", "3"], to=tmp_path / "a.safetensors").run(
        IMAGES.to(torch.bfloat16).split(7)
    )
    with safe_open(tmp_path / "a.safetensors", "pt") as file:
        assert sorted(file.keys()) == ["0", "3"]
        found = file.get_tensor("0")
        assert '"reduce": "flatten"' in file.metadata()["gramian"]
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, model[0](IMAGES.to(torch.bfloat16)).detach().flatten(1))


@pytest.mark.parametrize("name", FILES)
def test_units_that_change(tmp_path: Path, name: str) -> None:
    model = nn.Sequential(nn.Identity())
    with gm.record(model, "0", to=tmp_path / name):
        model(torch.ones(3, 4))
        with pytest.raises(ValueError, match=r"^layer '0' has had 4 units.* now has 5"):
            model(torch.ones(3, 5))
    assert gm.open(tmp_path / name).n_samples == 3


def test_accumulators_say_what_was_done() -> None:
    model = network()
    accumulator = gm.Accumulator("cka")
    with gm.record(model, ["0", "3"], reduce="mean", to=accumulator):
        model(IMAGES[:9])
        model(IMAGES[9:])
    found = accumulator.compute()
    memory = gm.compare(gm.record(model, ["0", "3"], reduce="mean").run([IMAGES]))
    np.testing.assert_allclose(found.values, memory.values, atol=1e-6)
    assert found.options == memory.options
    said = {"layers": ["0", "3"], "reduce": "mean", "centering": "columns", "dtype": "float32"}
    assert found.options.items() >= said.items()
    other = gm.Accumulator("cka")
    with gm.record(model, ["0", "3"], reduce="max", to=other):
        model(IMAGES)
    with pytest.raises(ValueError, match=r"^other must have the same options"):
        accumulator.merge(other)
