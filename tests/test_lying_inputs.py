"""Inputs that lie about their memory, by DLPack and other protocols, and some that change.

Every refusal names the argument, in maps the layer. tests/fuzz calls all functions with them.
"""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fuzz import capsules
from fuzz.capsules import Producer

import gramian as gm
from gramian import reference

OTHER = np.random.default_rng(1).standard_normal((10, 4))

# What they are refused for; the others by their own words.
REASONS = {
    "null_shape": "it has no shape",
    "null_data": r"it has no memory \(a null pointer\)",
    "null_data_versioned": r"it has no memory \(a null pointer\)",
    "null_data_and_offset": r"it has no memory \(a null pointer\)",
    "ndim_-1": "it says that it has -1 dimensions",
    "shape_negative": "its dimension 0 is -10",
    "shape_overflows": "its dimension 1 is 4611686018427387904",
    "strides_overflow": "its strides reach beyond any memory",
    "lanes_2": r"its element type is not supported \(code 2, 64 bits, 2 lanes\)",
    "complex": r"its element type is not supported \(code 5, 128 bits, 1 lanes\)",
    "version_2": "version 2 of its protocol is not supported",
    "name_null": "its capsule is none of DLPack",
    "name_not_text": "its capsule is none of DLPack",
    "name_used": "its capsule was used before",
    "capsule_int": "its __dlpack__ returned no capsule",
    "capsule_none": "its __dlpack__ returned no capsule",
    "lies_on_2": r"it is not in CPU memory \(device type 2\)",
    "said_none": "its __dlpack_device__ returned None",
    "said_raises": "of the producer",
    "raises": "of the producer",
    "raises_buffer": "of the producer",
}


@pytest.mark.parametrize("name", capsules.REFUSED)
def test_dlpack(name: str) -> None:
    make = capsules.REFUSED[name]
    reason = rf"cannot be read as DLPack: {REASONS.get(name, '')}"
    if name in ("ndim_0", "ndim_1", "ndim_3", "shape_of_0", "offset_odd") or (
        name.startswith("said_") and name[5:].lstrip("-").isdigit()
    ):
        reason = "must be 2-D|must not be empty|must be aligned|lives on"
    for argument, call in (
        ("X", lambda: gm.cka(make(), OTHER)),
        ("Y", lambda: gm.cca(OTHER, make())),
        ("Y", lambda: reference.procrustes(OTHER, make())),
        (r"A\['conv'\]", lambda: gm.compare({"conv": make()}, {"fc": OTHER})),
        (r"B\['1'\]", lambda: gm.compare({"conv": OTHER}, [OTHER, make()], measure="svcca")),
    ):
        with pytest.raises((TypeError, ValueError), match=rf"^{argument} ({reason})"):
            call()


@pytest.mark.parametrize("name", capsules.TAKEN)
def test_dlpack_that_is_odd_and_good(name: str) -> None:
    made = capsules.TAKEN[name]()
    values = made.values[:1].repeat(10, axis=0) if name == "strides_0" else made.values
    np.testing.assert_array_equal(gm.gram(made, centered=False), gm.gram(values, centered=False))


def test_dlpack_without_elements_needs_no_memory() -> None:
    with pytest.raises(ValueError, match=r"^X must not be empty, got shape \(10, 0\)\.$"):
        gm.cka(Producer(data=None, shape=[10, 0]), OTHER)


def of_torch() -> dict[str, Callable[[], Any]]:
    torch = pytest.importorskip("torch")

    def freed(tensor: Any, size: int = 0) -> Any:
        tensor.untyped_storage().resize_(size)
        return tensor

    def fake() -> Any:
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode():
            return torch.empty(10, 3)

    ones = torch.ones
    return {
        "freed": lambda: freed(ones(10, 3)),
        "freed_with_gradient": lambda: freed(ones(10, 3)).requires_grad_(),
        "sliced_and_freed": lambda: freed(ones(11, 3)[1:]),
        "sliced_far_and_freed": lambda: freed(ones(10**6, 3)[-10:]),
        "freed_in_part": lambda: freed(ones(10, 3), 64),
        "fake": fake,
        "meta": lambda: torch.empty(10, 3, device="meta"),
        "sparse": lambda: torch.eye(10).to_sparse(),
        "complex": lambda: ones(10, 3, dtype=torch.complex64),
        "conjugate": lambda: ones(10, 3, dtype=torch.complex64).conj(),
        "float8": lambda: ones(10, 3).to(torch.float8_e4m3fn),
        "bits": lambda: torch.empty(10, 3, dtype=torch.bits8),
    }


@pytest.mark.filterwarnings("ignore:Accessing the data pointer of FakeTensor")
def test_tensors_of_torch() -> None:
    for name, make in of_torch().items():
        for argument, call in (
            ("X", lambda make=make: gm.cka(make(), OTHER)),
            (r"B\['fc'\]", lambda make=make: gm.compare([OTHER], {"fc": make()})),
        ):
            reason = "cannot be read as DLPack: "
            if "freed" in name:
                reason += "its storage has "
            elif name == "float8":
                reason = f"must be float16, .*, got float8_e4m3fn: convert {argument} first"
            with pytest.raises(TypeError, match=f"^{argument} {reason}"):
                call()


class Says:
    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)


class Raises:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __array__(self, *_: Any, **__: Any) -> np.ndarray:
        raise self.error


def test_other_protocols() -> None:
    for value, message in (
        (np.ndarray, r"must be an array, got the class ndarray\.$"),
        (Raises(RuntimeError("of its own.")), r"cannot be read as an array: of its own\.$"),
        (Raises(ValueError("of its own")), r"cannot be read as an array: of its own\.$"),
        (Raises(KeyError()), r"cannot be read as an array: KeyError\.$"),
        (Says(__array_interface__=3), r"cannot be read as an array: "),
        (Says(__array_interface__={}), r"cannot be read as an array: "),
    ):
        with pytest.raises(TypeError, match=rf"^Y {message}"):
            gm.cka(OTHER, value)
    with pytest.raises(MemoryError, match="of its own"):
        gm.cka(OTHER, Raises(MemoryError("of its own")))


def test_an_array_that_changes_during_a_median() -> None:
    """Passes that see other distances each find no median; they must not make one up."""
    rng = np.random.default_rng(0)
    A, Y = rng.standard_normal((2, 3000, 10))
    X = A.copy()
    done = threading.Event()

    def change() -> None:
        while not done.is_set():
            X[:] = A * rng.uniform(0.5, 2)
            X[:] = rng.permutation(A)

    thread = threading.Thread(target=change)
    thread.start()
    said = []
    try:
        for _ in range(10):
            try:  # with too little memory to keep the distances from pass to pass
                gm.compare({"x": X}, {"y": Y}, kernel="rbf", max_memory=3e7)
            except ValueError as error:
                said.append(str(error))
    finally:
        done.set()
        thread.join()
    # 30 of 30 measured; before, a value each time, of no distance at all.
    assert set(said) == {"A['x'] changed while it was compared: give the call a copy."}


def test_freed_memory_ends_no_process() -> None:
    """In a child, since what is wrong here may be read."""
    code = """
        import sys
        sys.path.insert(0, sys.argv[1])
        from fuzz import capsules
        import numpy as np, gramian as gm
        for name, make in capsules.REFUSED.items():
            try:
                gm.cka(make(), np.eye(10))
            except (TypeError, ValueError):
                continue
            print(name)
        print("alive")
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "alive\n", "")
