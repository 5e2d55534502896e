"""Where a call computes, and what it says where it cannot; tests/hostcuda has what CUDA runs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from devices import choose

import gramian as gm
from gramian._core import modules
from gramian._input import checks, devices
from gramian._input.arrays import Layer, checked

X = np.random.default_rng(0).standard_normal((10, 3))


class Elsewhere:
    """An array on a device, as the compiled module would hold it."""

    def __init__(self, device: int, array: Any = X) -> None:
        self.shape, self.ndim, self.size = array.shape, array.ndim, array.size
        self.dtype, self.device, self.array = array.dtype.name, device, array

    def __len__(self) -> int:
        return self.shape[0]

    def numpy(self) -> Any:
        return self.array.copy()


class Module:
    """The compiled module, on a machine with so many devices."""

    def __init__(self, devices: int, reason: str = "") -> None:
        self.device_count = lambda: (devices, reason)


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Let a test choose what loading the module does."""
    load = modules.cuda
    load.cache_clear()
    monkeypatch.setattr(modules, "preload_libraries", lambda: None)
    yield monkeypatch
    load.cache_clear()


def message(device: str) -> str:
    with pytest.raises(RuntimeError) as caught:
        gm.cka(X, X, device=device)
    return str(caught.value)


def test_not_built(loaded: pytest.MonkeyPatch) -> None:
    loaded.setattr(modules, "find_spec", lambda name: None)
    assert message("cuda") == (
        "device='cuda': this build of gramian has no CUDA backend: build it with "
        "-Ccmake.define.GRAMIAN_CUDA=ON."
    )
    assert modules.info()["CUDA"].startswith("this build of gramian has no CUDA backend")


def test_libraries_missing(loaded: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ImportError("libcublas.so.13: cannot open shared object file")

    loaded.setattr(modules, "find_spec", lambda name: name)
    loaded.setattr(modules, "import_module", fail)
    assert message("cuda:1") == (
        "device='cuda:1': gramian's CUDA backend cannot be loaded (libcublas.so.13: cannot open "
        "shared object file): pip install 'gramian[cuda13]'."
    )


def test_libraries_are_looked_for(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In every folder of the wheels, then in CUDA_HOME, then where cuda.pathfinder looks."""
    headers, wheels, toolkit = tmp_path / "headers", tmp_path / "wheels", tmp_path / "toolkit"
    for file in (
        wheels / "lib/libcudart.so.13",
        toolkit / "lib64/libcudart.so.13",
        toolkit / "lib64/libcublas.so.13",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    loaded = []

    def load(path: str) -> None:
        if not Path(path).exists():
            raise OSError(f"{path}: cannot open shared object file")
        loaded.append(path)

    cu13 = ModuleType("nvidia.cu13")
    cu13.__path__ = [str(headers), str(wheels)]
    nvidia, cuda = ModuleType("nvidia"), ModuleType("cuda")
    nvidia.cu13 = cu13  # type: ignore[attr-defined]
    cuda.pathfinder = SimpleNamespace(load_nvidia_dynamic_lib=loaded.append)  # type: ignore[attr-defined]
    for name, module in {"nvidia": nvidia, "nvidia.cu13": cu13, "cuda": cuda}.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("CUDA_HOME", str(toolkit))
    monkeypatch.setattr(modules.ctypes, "CDLL", load)
    modules.preload_libraries()
    assert loaded == [
        str(wheels / "lib/libcudart.so.13"),
        str(toolkit / "lib64/libcublas.so.13"),
        "cusolver",
    ]


def test_no_device(loaded: pytest.MonkeyPatch) -> None:
    loaded.setattr(modules, "cuda", lambda: Module(0, "cudaErrorNoDevice: none detected"))
    assert message("cuda") == (
        "device='cuda': there is no usable CUDA device (cudaErrorNoDevice: none detected): see "
        "nvidia-smi, and whether the driver is version 580 or later."
    )


def test_no_such_device(loaded: pytest.MonkeyPatch) -> None:
    loaded.setattr(modules, "cuda", lambda: Module(2))
    with pytest.raises(ValueError, match="'cuda:2' does not exist: the last one is 'cuda:1'"):
        gm.cka(X, X, device="cuda:2")


@pytest.mark.parametrize(
    ("device", "lives_on", "chosen"),
    [
        (None, None, None),
        ("cpu", None, None),
        (None, 1, 1),
        ("cuda", None, 0),
        ("cuda", 1, 1),
        ("cuda:1", 1, 1),
        ("cuda:1", None, 1),
    ],
)
def test_choice(
    loaded: pytest.MonkeyPatch, device: str | None, lives_on: int | None, chosen: int | None
) -> None:
    loaded.setattr(modules, "cuda", lambda: Module(2))
    assert devices.chosen(device, lives_on, "X") == chosen


@pytest.mark.parametrize(
    ("device", "text"),
    [
        ("cpu", "X lives on cuda:1, a device that this call cannot use; copy it to the CPU first."),
        (
            "cuda:0",
            "X lives on cuda:1, and the call was told to compute on cuda:0: leave device out, or "
            "copy it there first.",
        ),
    ],
)
def test_wrong_choice(loaded: pytest.MonkeyPatch, device: str, text: str) -> None:
    loaded.setattr(modules, "cuda", lambda: Module(2))
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        devices.chosen(device, 1, "X")
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("other", "places"),
    [
        (Elsewhere(1), "X is on cuda:0, Y on cuda:1"),
        (X, "X is on cuda:0, Y on the CPU"),
    ],
)
def test_two_devices(other: Any, places: str) -> None:
    layers = [Layer(name, a, "float64") for name, a in (("X", Elsewhere(0)), ("Y", other))]
    with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
        checks.check_same_samples(layers)
    assert str(caught.value) == f"X and Y must live on one device: {places}."


def test_arrays_on_a_device_are_checked_as_others_are() -> None:
    for array, text in (
        (np.zeros((2, 3, 4)), "X must be 2-D (n_samples, n_features), got 3-D with shape"),
        (np.zeros((0, 3)), "X must not be empty, got shape (0, 3)."),
    ):
        with pytest.raises(ValueError) as caught:  # noqa: PT011, the text is compared below
            checked(Elsewhere(0, array), "float64", "X")
        assert str(caught.value).startswith(text)


def test_reference_reads_a_copy() -> None:
    layer = checked(Elsewhere(0), "float64", "X")
    assert gm.cka(layer, layer, device="reference") == pytest.approx(1)


@pytest.mark.parametrize(
    ("says", "absent"),
    [
        ("this build of gramian has no CUDA backend: build it", True),
        ("gramian's CUDA backend cannot be loaded (libcublas.so.13: cannot open shared", True),
        ("there is no usable CUDA device (cudaErrorNoDevice: none)", True),
        ("gramian's CUDA backend cannot be loaded (_cuda.so: undefined symbol: x)", False),
        ("there is no usable CUDA device (cudaErrorSystemDriverMismatch: ...)", False),
        ("cublasCreate: CUBLAS_STATUS_NOT_INITIALIZED", False),
    ],
)
def test_tests_run_on_what_is_present(
    monkeypatch: pytest.MonkeyPatch, says: str, absent: bool
) -> None:
    """A device that is absent is left out, unless it was asked for; one that fails never is."""

    def fails_on_cuda(X: Any, Y: Any, device: str) -> float:
        if device == "cuda":
            raise RuntimeError(says)
        return 1.0

    monkeypatch.setattr(gm, "cka", fails_on_cuda)
    assert choose(["cpu"]) == (["cpu"], {})
    if absent:
        assert choose(None) == (["cpu"], {"cuda": says})
    for wanted in (["cpu", "cuda"], *([] if absent else [None])):
        with pytest.raises(pytest.UsageError, match=re.escape(says)):
            choose(wanted)
    with pytest.raises(pytest.UsageError, match="'tpu' is none of cpu, cuda"):
        choose(["cpu", "tpu"])
    monkeypatch.setattr(gm, "cka", lambda X, Y, device: 1.0)
    assert choose(None) == choose(["cpu", "cuda"]) == (["cpu", "cuda"], {})
