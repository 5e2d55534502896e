"""Layers in files: every format as its usual writer makes it, joined, split, and held together."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import gramian as gm

Array = np.ndarray
N = 60


def layers() -> dict[str, Array]:
    rng = np.random.default_rng(0)
    return {
        "layer2": rng.standard_normal((N, 5)).astype("f4"),
        "layer10": rng.standard_normal((N, 3)).astype("f4"),
    }


def _npz(path: Path, data: dict[str, Array]) -> None:
    np.savez(path, **data)  # type: ignore[arg-type]


def _npz_compressed(path: Path, data: dict[str, Array]) -> None:
    np.savez_compressed(path, **data)  # type: ignore[arg-type]


def _safetensors(path: Path, data: dict[str, Array]) -> None:
    from safetensors.numpy import save_file

    save_file(data, path)


def _hdf5(path: Path, data: dict[str, Array]) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, array in data.items():
            file.create_dataset(name, data=array, chunks=True, compression="gzip")


def _matlab_73(path: Path, data: dict[str, Array]) -> None:
    """As MATLAB writes it: HDF5 behind 512 bytes, matrices by columns, with their class."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in data.items():
            file.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_("single")
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _matlab_5(path: Path, data: dict[str, Array]) -> None:
    from scipy.io import savemat

    savemat(path, data)


def _zarr(path: Path, data: dict[str, Array]) -> None:
    import zarr

    group = zarr.open_group(str(path), mode="w")
    for name, array in data.items():
        group.create_array(name, data=array, chunks=(7, 2))


def _torch(path: Path, data: dict[str, Array]) -> None:
    torch = pytest.importorskip("torch")
    torch.save({name: torch.from_numpy(array) for name, array in data.items()}, path)


WRITERS: dict[str, tuple[str, Callable[[Path, dict[str, Array]], None]]] = {
    "npz": ("a.npz", _npz),
    "npz_compressed": ("a.npz", _npz_compressed),
    "safetensors": ("a.safetensors", _safetensors),
    "hdf5": ("a.h5", _hdf5),
    "matlab_7_3": ("a.mat", _matlab_73),
    "matlab_5": ("a.mat", _matlab_5),
    "zarr": ("a.zarr", _zarr),
    "torch": ("a.pt", _torch),
}
SORTED = {"hdf5", "matlab_7_3", "zarr"}  # by the writer: no order of their own


@pytest.mark.parametrize("format_", WRITERS)
def test_formats(format_: str, tmp_path: Path) -> None:
    name, write = WRITERS[format_]
    data = layers()
    write(tmp_path / name, data)
    opened = gm.open(tmp_path / name)
    assert set(opened) == set(data)
    assert format_ in SORTED or list(opened) == list(data)
    for layer, array in data.items():
        assert opened[layer].shape == array.shape
        assert opened[layer].dtype == "float32"
        np.testing.assert_array_equal(np.asarray(opened[layer]), array)
        assert gm.cka(opened[layer], array) == pytest.approx(1, abs=1e-6)  # by columns: rounding
    for measure in ("cka", "cca", "distance_correlation"):
        found = gm.compare(opened, {"only": data["layer2"]}, measure=measure)
        whole = gm.compare({n: data[n] for n in opened}, [data["layer2"]], measure=measure)
        np.testing.assert_allclose(found.values, whole.values, rtol=0, atol=1e-5)
        assert found.x_names == tuple(opened)


@pytest.mark.parametrize(
    "array",
    [
        pytest.param(np.asfortranarray(layers()["layer2"]), id="by_columns"),
        pytest.param(layers()["layer2"].astype(">f8"), id="foreign"),
        pytest.param(layers()["layer2"].astype("f2"), id="float16"),
        pytest.param((layers()["layer2"] * 50).astype("i1"), id="integers"),
        pytest.param(layers()["layer2"] > 0, id="booleans"),
    ],
)
def test_npy(array: Array, tmp_path: Path) -> None:
    np.save(tmp_path / "conv.npy", array)
    opened = gm.open(tmp_path / "conv.npy")
    assert list(opened) == ["conv"]
    np.testing.assert_array_equal(np.asarray(opened["conv"]), array)
    other = layers()["layer10"]
    found = gm.compare(opened, [other]).values[0, 0]
    assert found == pytest.approx(gm.cka(array, other), abs=1e-6)


def test_bfloat16(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    X = torch.from_numpy(layers()["layer2"]).to(torch.bfloat16)
    save_file({"x": X}, tmp_path / "a.safetensors")
    opened = gm.open(tmp_path / "a.safetensors")
    assert opened["x"].dtype == "bfloat16"
    np.testing.assert_array_equal(np.asarray(opened["x"]), X.float().numpy())
    for measure in ("cka", "distance_correlation"):
        found = gm.compare(opened, [layers()["layer10"]], measure=measure).values
        whole = gm.compare([X.float().numpy()], [layers()["layer10"]], measure=measure).values
        np.testing.assert_allclose(found, whole, rtol=0, atol=1e-6)


def ragged(folder: Path, stacked: Array, cuts: list[int]) -> None:
    for k, (start, stop) in enumerate(zip([0, *cuts], [*cuts, len(stacked)], strict=True)):
        np.save(folder / f"prompt{k}.npy", stacked[start:stop])


@pytest.mark.parametrize("measure", ["cka", "cca", "match_semi", "distance_correlation"])
def test_ragged_files_of_all_layers(measure: str, tmp_path: Path) -> None:
    """One file a prompt, (tokens, layers, width), more than ten of them."""
    rng = np.random.default_rng(1)
    stacked = rng.standard_normal((300, 3, 4))
    ragged(tmp_path, stacked, [1, 9, 30, 31, 77, 100, 110, 120, 130, 140, 250])
    opened = gm.open(f"{tmp_path}/*.npy", split_axis=1)
    assert list(opened) == ["0", "1", "2"]
    assert opened.n_samples == 300
    whole = [stacked[:, k] for k in range(3)]
    np.testing.assert_array_equal(np.asarray(opened["1"]), whole[1])
    found = gm.compare(opened, measure=measure)
    np.testing.assert_allclose(
        found.values, gm.compare(whole, measure=measure).values, rtol=0, atol=1e-12
    )


def test_every_byte_is_read_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    stacked = rng.standard_normal((5000, 2, 6)).astype("f4")
    ragged(tmp_path, stacked, [2000, 2003])
    opened = gm.open(tmp_path, split_axis=1)
    heard: list[tuple[int, int]] = []
    # Small blocks, which cut files and join them.
    gm.compare(opened, max_memory=2e5, progress=lambda *told: heard.append(told))
    read = [tensor.bytes_read for table in opened.tables for tensor in table.tensors.values()]  # type: ignore[attr-defined]
    assert read == [rows * 2 * 6 * 4 for rows in (2000, 3, 2997)]
    assert heard[-1] == (stacked.nbytes, stacked.nbytes)
    assert len(heard) > 3
    assert heard == sorted(heard)


def test_one_file_a_layer(tmp_path: Path) -> None:
    for name, array in layers().items():
        np.save(tmp_path / f"{name}.npy", array)
    opened = gm.open(tmp_path)
    assert list(opened) == ["layer2", "layer10"]
    np.save(tmp_path / "layer3.npy", layers()["layer2"][:7])
    with pytest.raises(ValueError, match=r"different numbers of samples .*split_axis=1 joins"):
        gm.open(tmp_path)


def test_one_file_an_image(tmp_path: Path) -> None:
    """Whose keys are layers."""
    data = layers()
    for k in range(N):
        np.savez(tmp_path / f"image{k}.npz", **{name: X[k] for name, X in data.items()})  # type: ignore[arg-type]
    opened = gm.open(f"{tmp_path}/image*.npz")
    for name, array in data.items():
        np.testing.assert_array_equal(np.asarray(opened[name]), array)


def test_layers_by_pattern_and_list_of_paths(tmp_path: Path) -> None:
    data = layers()
    for k in range(2):
        np.savez(tmp_path / f"{k}.npz", **data)  # type: ignore[arg-type]
    opened = gm.open([tmp_path / "1.npz", str(tmp_path / "0.npz")], layers="*10")
    assert list(opened) == ["layer10"]
    assert opened.n_samples == 2 * N


def test_axes_need_a_layout(tmp_path: Path) -> None:
    images = np.random.default_rng(3).standard_normal((N, 2, 3, 3))
    np.save(tmp_path / "conv.npy", images)
    with pytest.raises(ValueError, match=r"conv' has 4 axes, shape .*split_axis=1.*layout='flat"):
        gm.open(tmp_path / "conv.npy")
    opened = gm.open(tmp_path / "conv.npy", layout="flatten")
    np.testing.assert_array_equal(np.asarray(opened["conv"]), images.reshape(N, -1))


def test_ids(tmp_path: Path) -> None:
    """A row-permuted model is refused, and compared where the ids are the same."""
    rng = np.random.default_rng(4)
    ids = rng.permutation(N)
    X = layers()["layer2"]
    order = rng.permutation(N)
    np.savez(tmp_path / "a.npz", layer=X, ids=ids)
    np.savez(tmp_path / "b.npz", layer=X[order], ids=ids[order])
    np.savez(tmp_path / "c.npz", layer=X, ids=ids + 1)
    A, B, C = (gm.open(tmp_path / f"{name}.npz", ids="ids") for name in "abc")
    assert list(A) == ["layer"]
    assert gm.compare(A, A).values == 1
    with pytest.raises(ValueError, match=r"ids of A and B must be in the same order"):
        gm.compare(A, B)
    with pytest.raises(ValueError, match=r"ids of A and B must be the same: sample 0"):
        gm.compare(A, C)
    with pytest.raises(ValueError, match=r"it has no ids named 'id'"):
        gm.open(tmp_path / "a.npz", ids="id")


def test_other_numbers_of_samples(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", layers()["layer2"])
    opened = gm.open(tmp_path / "a.npy")
    with pytest.raises(ValueError, match="A has 60, B has 59"):
        gm.compare(opened, [layers()["layer2"][1:]])


def test_files_that_differ(tmp_path: Path) -> None:
    np.savez(tmp_path / "0.npz", x=np.zeros((3, 2)), y=np.zeros((3, 2)))
    np.savez(tmp_path / "1.npz", x=np.zeros((3, 2)), y=np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"0.npz and .*1.npz: .*'y' has 2 units .* 4 units"):
        gm.open(tmp_path)
    np.savez(tmp_path / "1.npz", x=np.zeros((3, 2)), y=np.zeros((4, 2)))
    with pytest.raises(ValueError, match=r"same number of samples: 'x' has 3, 'y' has 4"):
        gm.open(tmp_path / "1.npz")


def test_plans_of_files(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((2000, 30), "f4"))
    opened = gm.open(tmp_path / "a.npy")
    assert gm.plan(opened).path == "sums of X'Y"
    assert gm.plan(opened, measure="cca").path == "rows of the same inner products, by QR"
    for options in ({"kernel": "rbf"}, {"measure": "cca", "cross_validate": 3}):
        stand_in = [np.zeros((2000, 30), "f4")]
        assert gm.plan(opened, **options) == gm.plan(stand_in, **options)  # type: ignore[arg-type]
    streamed = [
        gm.plan([np.broadcast_to(0.0, (n, 30))], streaming=True).memory for n in (10**7, 10**8)
    ]
    assert streamed[0] == streamed[1]


@pytest.mark.parametrize("limit", [0, 2 * 10**9], ids=["no_limit", "two_gigabytes"])
def test_memory_does_not_grow_with_the_files(limit: int, tmp_path: Path) -> None:
    """Each is read once, and takes less than it has."""
    rng, n, p = np.random.default_rng(7), 50_000, 768
    X, Y = (rng.standard_normal((n, p), dtype="f4") for _ in range(2))
    Y += X
    for name, array in (("a", X), ("b", Y)):
        np.save(tmp_path / f"{name}.npy", array)
    program = Path(__file__).with_name("out_of_core.py")
    command = [
        sys.executable,
        str(program),
        *(str(tmp_path / f"{n}.npy") for n in "ab"),
        str(limit),
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    value, _, peak, read = json.loads(done.stdout)
    assert value == pytest.approx(gm.cka(X, Y), abs=1e-5)
    assert read == [X.nbytes, Y.nbytes]
    assert peak < 3e8  # of 307 MB
