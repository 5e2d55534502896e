"""Reading layers: formats, names, order, what is copied, and what is refused."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gramian as gm
from gramian._input.files import read_layers

ARRAYS = {
    "conv2": np.arange(6.0).reshape(3, 2),
    "conv10": np.array([[1], [5], [2]], dtype=np.int16),
    "conv1": np.arange(9, dtype=np.float32).reshape(3, 3) ** 2,
}


def write_safetensors(path: Path, tensors: dict[str, tuple[str, list[int], bytes]]) -> None:
    """Write the format by hand: in any order, and of any type."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, (dtype, shape, content) in tensors.items():
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += content
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    path.write_bytes(len(head).to_bytes(8, "little") + head + data)


def bfloat16(values: Any) -> np.ndarray:
    """Return the bits of values that bfloat16 holds exactly."""
    bits = np.asarray(values, dtype=np.float32).view(np.uint32)
    assert not (bits & 0xFFFF).any()
    return (bits >> 16).astype(np.uint16)


def saved(directory: Path, suffix: str) -> Path:
    """Write ARRAYS in one of the formats."""
    path = directory / f"layers{suffix}"
    if suffix == ".npz":
        np.savez(path, **ARRAYS)
    else:
        types = {"float64": "F64", "float32": "F32", "int16": "I16"}
        write_safetensors(
            path, {k: (types[v.dtype.name], [*v.shape], v.tobytes()) for k, v in ARRAYS.items()}
        )
    return path


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_order_and_content(tmp_path: Path, suffix: str) -> None:
    layers = read_layers(saved(tmp_path, suffix))
    assert list(layers) == ["conv2", "conv10", "conv1"]
    for name, expected in ARRAYS.items():
        assert layers[name].dtype == expected.dtype
        np.testing.assert_array_equal(layers[name], expected)


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_sorted_names_come_in_natural_order(tmp_path: Path, suffix: str) -> None:
    """As a writer sorts them, which says nothing: numbers are compared as numbers."""
    names = ["h.1.a", "h.10.a", "h.2.a", "h.2.b", "head"]
    path = tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, **{name: np.eye(2) for name in names})
    else:
        tensor = np.eye(2, dtype=np.float32).tobytes()
        wide = ("F64", [2, 2], np.eye(2).tobytes())
        tensors = {name: ("F32", [2, 2], tensor) for name in names}
        write_safetensors(path, {"h.3.a": wide} | tensors)  # larger elements come first there
        names = sorted([*names, "h.3.a"])
    natural = sorted(names, key=lambda name: (name == "head", len(name.split(".")[-2:][0]), name))
    assert list(read_layers(path)) == natural


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
@pytest.mark.parametrize(
    ("patterns", "expected"),
    [
        (["conv1"], ["conv1"]),
        (["conv1*"], ["conv10", "conv1"]),
        (["conv1", "conv2"], ["conv2", "conv1"]),
        (["*[!0]"], ["conv2", "conv1"]),
    ],
)
def test_patterns(tmp_path: Path, suffix: str, patterns: list[str], expected: list[str]) -> None:
    assert list(read_layers(saved(tmp_path, suffix), patterns)) == expected


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, good=np.eye(2), bad=np.array([{}], dtype=object))
    assert list(read_layers(path, ["good"])) == ["good"]
    write_safetensors(
        tmp_path / "a.safetensors", {"bad": ("F8_E4M3", [1, 1], b"1"), "good": ("U8", [1, 1], b"1")}
    )
    assert read_layers(tmp_path / "a.safetensors", ["good"])["good"] == ord("1")


def test_npy_is_one_mapped_layer(tmp_path: Path) -> None:
    np.save(tmp_path / "fc.6.npy", np.asfortranarray(ARRAYS["conv2"]))
    layers = read_layers(tmp_path / "fc.6.npy")
    assert list(layers) == ["fc.6"]
    assert isinstance(layers["fc.6"], np.memmap)
    assert layers["fc.6"].flags.f_contiguous
    np.testing.assert_array_equal(layers["fc.6"], ARRAYS["conv2"])


def test_safetensors_is_mapped(tmp_path: Path) -> None:
    for layer in read_layers(saved(tmp_path, ".safetensors"), ["conv2"]).values():
        assert not layer.flags.writeable
        assert not layer.flags.owndata
    # The one byte moves the second tensor off its alignment, which the core needs.
    content = ARRAYS["conv2"].tobytes()
    tensors = {"odd": ("BOOL", [1, 1], b"\1"), "layer": ("F64", [3, 2], content)}
    write_safetensors(tmp_path / "odd.safetensors", tensors)
    layer = read_layers(tmp_path / "odd.safetensors")["layer"]
    assert layer.flags.aligned
    np.testing.assert_array_equal(layer, ARRAYS["conv2"])


def test_safetensors_of_its_own_package(tmp_path: Path) -> None:
    package = pytest.importorskip("safetensors.numpy")
    package.save_file(ARRAYS, tmp_path / "a.safetensors", metadata={"format": "np"})
    layers = read_layers(tmp_path / "a.safetensors")
    assert sorted(layers) == sorted(ARRAYS)
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(layers[name], expected)


def test_bfloat16(tmp_path: Path) -> None:
    values = np.array([[1.0, -2.5], [0.0, 3.0], [4.0, 96.0]], dtype=np.float32)
    write_safetensors(
        tmp_path / "a.safetensors", {"layer": ("BF16", [3, 2], bfloat16(values).tobytes())}
    )
    layers = read_layers(tmp_path / "a.safetensors")
    assert not layers["layer"].array.flags.owndata
    exact = gm.compare({"layer": values}, measure="hsic")
    assert gm.compare(layers, measure="hsic").values == exact.values
    with pytest.raises(ValueError, match=r"A\['layer'\] must have at least 4 samples"):
        gm.compare(layers, debiased=True)
    write_safetensors(tmp_path / "b.safetensors", {"layer": ("BF16", [6], bytes(12))})
    with pytest.raises(ValueError, match=r"B\['layer'\] must be 2-D .* shape \(6,\)"):
        read_layers(tmp_path / "b.safetensors", argument="B")


def npz(path: Path) -> bytes:
    np.savez_compressed(path, a=np.random.default_rng(0).random((99, 9)))
    return path.read_bytes()


def overwritten(content: bytes) -> bytes:
    return content[:200] + b"x" * 100 + content[300:]


def safetensors(**entry: Any) -> bytes:
    good = {"dtype": "F32", "shape": [1, 1], "data_offsets": [0, 4]}
    head = json.dumps({"a": good | entry}).encode()
    return len(head).to_bytes(8, "little") + head + bytes(4)


def of_header(text: str, *places: list[int], more: int = 0) -> bytes:
    """A file with entries of one number in these places, and some bytes more."""
    for place in places:
        entry = json.dumps({"dtype": "F32", "shape": [1, 1], "data_offsets": place})
        text = text.replace("ENTRY", entry, 1)
    end = max((last for _, last in places), default=0)
    return len(text).to_bytes(8, "little") + text.encode() + bytes(end + more)


BAD = {
    "a.pt": (b"", r"its name must end in \.npy, \.npz or \.safetensors\."),
    "empty.npy": (b"", "EOF"),
    "text.npy": (b"1,2,3\n4,5,6\n", "magic string is not correct"),
    "empty.npz": (b"", "not a zip file"),
    "text.npz": (b"1,2,3\n4,5,6\n", "not a zip file"),
    "empty.safetensors": (b"", "empty file"),
    "short.safetensors": (b"abc", "no header of a safetensors file"),
    "text.safetensors": (b"1,2,3\n" * 20, "no header of a safetensors file"),
    "list.safetensors": (b"\2" + bytes(7) + b"[]", "no header of a safetensors file"),
    "none.safetensors": (b"\2" + bytes(7) + b"{}", "it holds no arrays"),
    "type.safetensors": (safetensors(dtype="F8_E5M2", shape=[4, 1]), "'a' is of type F8_E5M2"),
    "number.safetensors": (safetensors(dtype=3), "'a' has a type that is no word, 3"),
    "far.safetensors": (safetensors(shape=[100, 1], data_offsets=[0, 400]), "'a' lies outside"),
    "early.safetensors": (safetensors(data_offsets=[-4, 0]), "'a' has the data_offsets"),
    "turned.safetensors": (safetensors(data_offsets=[4, 0]), "'a' has the data_offsets"),
    "three.safetensors": (safetensors(data_offsets=[0, 2, 4]), "'a' has the data_offsets"),
    "words.safetensors": (safetensors(data_offsets=["0", "4"]), "'a' has the data_offsets"),
    "shape.safetensors": (safetensors(shape=[2, 2]), "'a' has 4 bytes, and as F32 of .* needs 16"),
    "negative.safetensors": (safetensors(shape=[-1, -1]), r"'a' has the shape \[-1, -1\], of"),
    "guessed.safetensors": (safetensors(shape=[-1, 1]), r"'a' has the shape \[-1, 1\], of which"),
    "half.safetensors": (safetensors(shape=[0.5, 2]), r"'a' has the shape \[0.5, 2\], of which"),
    "true.safetensors": (safetensors(shape=[True, 1]), r"'a' has the shape \[True, 1\], of which"),
    "twice.safetensors": (
        of_header('{"a": ENTRY, "a": ENTRY}', [0, 4], [4, 8]),
        "it has two tensors named 'a'",
    ),
    "same.safetensors": (of_header('{"a": ENTRY, "b": ENTRY}', [0, 4], [0, 4]), "'a' and 'b' over"),
    "gap.safetensors": (
        of_header('{"a": ENTRY, "b": ENTRY}', [0, 4], [8, 12]),
        "4 bytes before 'b' are no tensor's",
    ),
    "rest.safetensors": (of_header('{"a": ENTRY}', [0, 4], more=1), "1 bytes at its end are no"),
    "deep.safetensors": (of_header("[" * 100_000), "no header of a safetensors file"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_files(tmp_path: Path, name: str) -> None:
    content, message = BAD[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=rf"^cannot read .*{name}: .*{message}"):
        read_layers(tmp_path / name)


def test_damaged_archives(tmp_path: Path) -> None:
    content = npz(tmp_path / "a.npz")
    for damaged in (content[:-9], content[9:], overwritten(content)):
        (tmp_path / "b.npz").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"^cannot read .*b\.npz: it is damaged"):
            read_layers(tmp_path / "b.npz")
    np.save(tmp_path / "a.npy", np.eye(9))
    (tmp_path / "b.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-9])
    with pytest.raises(ValueError, match="greater than file size"):
        read_layers(tmp_path / "b.npy")


def test_pickles_stay_closed(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return pytest.fail, ("unpickled",)

    objects = np.array([Bomb()], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    np.savez(tmp_path / "a.npz", fine=np.eye(2), layer=objects)
    with pytest.raises(ValueError, match="Python objects"):
        read_layers(tmp_path / "a.npy")
    with pytest.raises(ValueError, match="'layer': Object arrays cannot be loaded"):
        read_layers(tmp_path / "a.npz")


def test_archives_without_arrays(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz")
    with pytest.raises(ValueError, match="it holds no arrays"):
        read_layers(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"'readme\.txt' is not an array"):
        read_layers(tmp_path / "b.npz")


def test_no_layer_matches(tmp_path: Path) -> None:
    path = saved(tmp_path, ".npz")
    with pytest.raises(ValueError, match=r"no layer matches 'x\*' or 'y'; it holds 'conv2', 'conv"):
        read_layers(path, ["x*", "y"])


def test_unreadable_paths(tmp_path: Path) -> None:
    for suffix in (".npy", ".npz", ".safetensors"):
        with pytest.raises(FileNotFoundError):
            read_layers(tmp_path / f"none{suffix}")
        (tmp_path / f"folder{suffix}").mkdir()
        with pytest.raises(IsADirectoryError):
            read_layers(tmp_path / f"folder{suffix}")
