"""The demo, and the activations that it ships with."""

from __future__ import annotations

import sys
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import gramian as gm
from gramian._cli import main as cli

LAYERS = [f"conv{i}" for i in range(1, 6)]


@pytest.fixture(scope="module")
def networks() -> list[list[np.ndarray]]:
    """The activations of the two networks, layer by layer."""
    with np.load(str(files(gm) / "_data" / "digits.npz"), allow_pickle=False) as data:
        assert data.files == [f"seed{seed}/{layer}" for seed in (0, 1) for layer in LAYERS]
        return [[data[f"seed{seed}/{layer}"] for layer in LAYERS] for seed in (0, 1)]


def test_data(networks: list[list[np.ndarray]]) -> None:
    assert (files(gm) / "_data" / "digits.npz").stat().st_size <= 3_000_000
    for network in networks:
        assert [layer.shape for layer in network] == [
            (250, 32 * side**2) for side in (8, 8, 4, 4, 2)
        ]
        for layer in network:
            assert layer.dtype == np.float16
            assert layer.min() == 0  # of a ReLU
            assert 1 < layer.max() < 100
            assert layer.any(axis=1).all()


def linear_cka(X: np.ndarray, Y: np.ndarray) -> float:
    """Kornblith et al. 2019, eq. 3 and 4, in sample space."""
    centered = (Z - Z.mean(axis=0, dtype=float) for Z in (X, Y))
    K, L = (Z @ Z.T for Z in centered)
    return float(np.vdot(K, L) / np.sqrt(np.vdot(K, K) * np.vdot(L, L)))


def test_demo(
    networks: list[list[np.ndarray]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = pytest.importorskip("matplotlib.image")
    assert cli.main(["demo", "-o", str(tmp_path / "new")]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.replace(str(tmp_path), "").splitlines())) <= 80
    loaded = gm.load(tmp_path / "new" / "gramian-demo.json")
    assert loaded.x_names == loaded.y_names == tuple(LAYERS)
    expected = np.array([[linear_cka(X, Y) for Y in networks[1]] for X in networks[0]])
    tolerance = 100 * np.finfo(np.float32).eps
    np.testing.assert_allclose(loaded.values, expected, rtol=0, atol=tolerance)
    assert loaded._text_map() in out
    assert (expected.argmax(axis=0) == range(5)).all()
    assert (expected.argmax(axis=1) == range(5)).all()
    assert out.count("layer-correspondence accuracy 100%") == 2
    height, width = image.imread(tmp_path / "new" / "gramian-demo.png").shape[:2]
    assert height > 600
    assert width > 1200


def test_demo_without_matplotlib(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert cli.main(["demo", "-o", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith('heat map: pip install "gramian[plot]"\n')
    assert [path.name for path in tmp_path.iterdir()] == ["gramian-demo.json"]
