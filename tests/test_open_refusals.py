"""Layers in files that are damaged, changed, harmful, or asked for in ways that cannot be."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm


def test_a_file_that_is_cut_off_or_changed_names_itself_and_the_row(tmp_path: Path) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.random.default_rng(5).standard_normal((1000, 8)))
    opened = gm.open(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a.npy: it has changed since .* row \d+ of 1000"):
        gm.compare(opened)
    with pytest.raises(ValueError, match=r"a.npy: it ends after \d+ of 64000 bytes"):
        gm.open(path)


def test_nan_says_where_it_is(tmp_path: Path) -> None:
    data = np.random.default_rng(6).standard_normal((300, 2, 4))
    data[205, 1, 3] = np.nan
    for k in range(3):
        np.save(tmp_path / f"prompt{k}.npy", data[100 * k : 100 * (k + 1)])
    opened = gm.open(tmp_path, split_axis=1)
    with pytest.raises(
        ValueError, match=r"^A\['1'\] \(rows 0 to 299, .*prompt0.npy to prompt2.npy\).*\[205, 3\]"
    ):
        gm.compare(opened)
    with pytest.warns(RuntimeWarning, match=r"^A\['1'\] .* holds NaN"):
        values = gm.compare(opened, nan_policy="propagate").values
    assert np.isnan(values[1]).all()
    assert values[0, 0] == 1


def test_a_layout_goes_to_open(tmp_path: Path) -> None:
    """A message that offers one says where, and no other goes in a circle."""
    data = np.random.default_rng(7).standard_normal((40, 2, 3, 3))
    np.save(tmp_path / "a.npy", data)
    with pytest.raises(ValueError, match=r"4 axes.*gramian\.open\(\.\.\., layout='flatten'\)"):
        gm.compare(gm.open(tmp_path), layout="flatten")
    opened = gm.open(tmp_path, layout="Flatten")
    with pytest.raises(
        ValueError,
        match=r"^layout must be None for layers in files, got 'flatten': "
        r"gramian\.open\(path, layout='flatten'\) has a layout of its own",
    ):
        gm.compare(opened, layout="flatten")
    assert opened["a"].shape == (40, 18)


@pytest.mark.parametrize(
    ("layout", "kind", "message"),
    [
        (
            "nchw",
            ValueError,
            r"^layout must be None or 'flatten' for files, got 'nchw'\. ",
        ),
        ("flaten", ValueError, r"got 'flaten'\. Did you mean 'flatten'\?"),
        (3, TypeError, r"^layout must be None or 'flatten', got int\.$"),
    ],
)
def test_layouts_that_open_does_not_take(
    tmp_path: Path, layout: Any, kind: type[Exception], message: str
) -> None:
    np.save(tmp_path / "a.npy", np.ones((4, 2)))
    with pytest.raises(kind, match=message):
        gm.open(tmp_path, layout=layout)


class Harmful:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('code of a file was run')",)


def test_no_code_of_a_file_is_run(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    torch.save({"x": Harmful()}, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(Harmful()))
    np.save(tmp_path / "c.npy", np.array([[Harmful()]], dtype=object), allow_pickle=True)
    np.savez(tmp_path / "d.npz", x=np.array([[Harmful()]], dtype=object))
    for name in ("a.pt", "b.pt", "c.npy", "d.npz"):
        with pytest.raises(ValueError, match=rf"^cannot read .*{name}: "):
            gm.open(tmp_path / name)


def test_headers_that_lie_are_refused(tmp_path: Path) -> None:
    """Before memory is asked for what they promise."""
    path = tmp_path / "a.npy"
    with path.open("wb") as file:
        header = {"descr": "<f8", "fortran_order": False, "shape": (10**9, 10**6)}
        np.lib.format.write_array_header_1_0(file, header)
        file.write(bytes(800))
    with pytest.raises(ValueError, match=r"a.npy: it ends after 800 of 8000000000000000 bytes"):
        gm.open(path)
    with zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, "x.npy")
    with pytest.raises(ValueError, match=r"b.npz: 'x.npy' ends before its shape"):
        gm.open(tmp_path / "b.npz")


@pytest.mark.parametrize(
    ("arguments", "exception", "message"),
    [
        ({"source": "nowhere.npy"}, FileNotFoundError, "No such file"),
        ({"source": "nowhere*.npy"}, FileNotFoundError, "no file matches"),
        ({"source": 3}, TypeError, "^source must be a path, a pattern or a list of paths, got int"),
        ({"source": []}, ValueError, "^source must name a file at least"),
        ({"source": __file__}, ValueError, "its name must end in one of .npy"),
        ({"source": "a.npy", "split_axis": 2}, ValueError, "^split_axis must be None or 1, got 2"),
        ({"source": "a.npy", "layout": "nchw"}, ValueError, "^layout must be"),
        ({"source": "a.npy", "ids": 3}, TypeError, "^ids must be None or the name"),
        ({"source": "a.npy", "layers": [3]}, TypeError, "^layers must be a pattern"),
    ],
)
def test_arguments(arguments: dict[str, Any], exception: type[Exception], message: str) -> None:
    with pytest.raises(exception, match=message):
        gm.open(**arguments)
