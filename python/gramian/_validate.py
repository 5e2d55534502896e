"""Every check of the public functions, and every message."""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from ._registry import MEASURES, Measure

# What arithmetic is done in; the values of the first set are exact in float32.
_SINGLE = frozenset(("bool", "int8", "uint8", "int16", "uint16", "float16", "bfloat16", "float32"))
_DOUBLE = frozenset(("int32", "uint32", "int64", "uint64", "float64"))

# DLPack device types: those whose memory the CPU reads (plain, and pinned for CUDA or ROCm),
# and the names of the others in messages.
_HOST_DEVICES = frozenset((1, 3, 11))
_DEVICE_NAMES = {2: "cuda", 8: "metal", 10: "rocm", 13: "cuda (managed memory)", 14: "oneapi"}

_BLOCK = 2**20  # elements looked at in one step, so that no mask as large as the input is made


@dataclass(frozen=True, eq=False)
class Representation:
    """One layer's activations, checked, in the memory of whoever passed them."""

    name: str  # how messages call it: "X", "A['conv1']"
    array: npt.NDArray[Any]  # (n_samples, n_features), any strides; bfloat16 as its uint16 bits
    dtype: str  # numpy's name of the elements' type, or "bfloat16"

    @property
    def compute_dtype(self) -> str:
        """The precision of arithmetic on it, "float32" or "float64"."""
        return "float32" if self.dtype in _SINGLE else "float64"


def representation(value: Any, name: str) -> Representation:
    """Check type and shape of an input; its values are for `check_finite`.

    A Representation is returned as it is, under its own name.
    """
    if isinstance(value, Representation):
        return value
    return checked(*as_array(value, name), name)


def checked(array: npt.NDArray[Any], dtype: str, name: str) -> Representation:
    """Check an array whose elements are of the named type, and prepare it for the core."""
    _check_dtype(array.dtype, dtype, name)
    if array.ndim != 2:
        raise ValueError(
            f"{name} must be 2-D (n_samples, n_features), "
            f"got {array.ndim}-D with shape {array.shape}."
        )
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}.")
    if not array.flags.aligned:
        raise ValueError(
            f"{name} must be aligned in memory; copy it first with "
            f'numpy.require({name}, requirements="A").'
        )
    if not array.dtype.isnative:
        # The core reads native numbers only. Foreign byte order comes from files, is rare, and
        # a copy is cheaper than a second set of loaders.
        array = array.astype(array.dtype.newbyteorder("="))
    if array.dtype.name == "bfloat16":  # ml_dtypes
        array = array.view(np.uint16)
    return Representation(name, array, dtype)


def as_array(value: Any, name: str) -> tuple[npt.NDArray[Any], str]:
    """Return the array behind a value, by whichever protocol it has, and its dtype's name."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(
            f"{name} must not be a masked array: its mask would be ignored; "
            "fill it or drop the masked rows first."
        )
    if isinstance(value, np.ndarray):
        array = np.asarray(value)  # subclasses may give * and [] another meaning
    elif hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__"):
        return _from_dlpack(value, name)
    elif hasattr(value, "__cuda_array_interface__"):
        _refuse_device("cuda", name)
    else:
        try:
            array = np.asarray(value)
        except ValueError:
            if not isinstance(value, (list, tuple)):
                raise
            raise ValueError(
                f"{name} must be a rectangular array, got nested sequences of unequal length."
            ) from None
    return array, array.dtype.name


def _from_dlpack(value: Any, name: str) -> tuple[npt.NDArray[Any], str]:
    from . import _backend

    kind, index = value.__dlpack_device__()
    if int(kind) not in _HOST_DEVICES:
        _refuse_device(f"{_DEVICE_NAMES.get(int(kind), f'device type {int(kind)}')}:{index}", name)
    if hasattr(value, "detach"):  # torch exports no tensor that requires a gradient
        value = value.detach()
    array, dtype = _backend.from_dlpack(value)
    return array, dtype


def _refuse_device(device: str, name: str) -> NoReturn:
    raise ValueError(
        f"{name} lives on {device}, a device that this call cannot use; copy it to the CPU first."
    )


def _check_dtype(dtype: np.dtype[Any], dtype_name: str, name: str) -> None:
    if dtype_name in _SINGLE or dtype_name in _DOUBLE:
        return
    if dtype.kind == "c":
        raise TypeError(f"{name} must be real, got {dtype_name}.")
    if dtype.kind in "OSTUmM" or dtype.fields is not None:
        raise TypeError(f"{name} must be numeric, got {dtype_name}.")
    raise TypeError(
        f"{name} must be float16, bfloat16, float32, float64, integer or bool, got {dtype_name}."
    )


def _values(array: npt.NDArray[Any], dtype: str) -> npt.NDArray[Any]:
    """Return numbers: an array as it is, or float32 for the bits of bfloat16."""
    if dtype != "bfloat16":
        return array
    return (array.astype(np.uint32) << 16).view(np.float32)  # bfloat16 is float32's upper half


def as_float64(rep: Representation) -> npt.NDArray[np.float64]:
    """Return a float64 copy of the values."""
    return _values(rep.array, rep.dtype).astype(np.float64)


def check_finite(rep: Representation, column_means: npt.NDArray[np.float64]) -> None:
    """Refuse NaN and infinity, given the column means that the measure needs anyway.

    Finite means prove finite elements. Others may be sums that overflowed, so the first bad
    element is looked for, and none is no error.
    """
    if np.isfinite(column_means).all():
        return
    n, p = rep.array.shape
    step = max(1, _BLOCK // p)
    for start in range(0, n, step):
        block = _values(rep.array[start : start + step], rep.dtype)
        bad = np.argwhere(~np.isfinite(block))
        if len(bad):
            i, j = (int(index) for index in bad[0])
            raise ValueError(
                f"{rep.name} must be finite: it holds NaN or infinity, first at "
                f"[{start + i}, {j}] ({float(block[i, j])}); "
                "nan_policy='propagate' skips this check."
            )


def check_same_samples(reps: Sequence[Representation]) -> None:
    """Refuse representations of different numbers of examples."""
    first = reps[0]
    for other in reps[1:]:
        if len(other.array) != len(first.array):
            raise ValueError(
                f"{first.name} and {other.name} must have the same number of samples: "
                f"{first.name} has {len(first.array)}, {other.name} has {len(other.array)}."
            )


def check_sample_count(rep: Representation, least: int, why: str) -> None:
    """Refuse fewer than `least` samples; `why` names what needs them ("the unbiased estimator")."""
    if len(rep.array) < least:
        raise ValueError(
            f"{rep.name} must have at least {least} samples for {why}, got {len(rep.array)}."
        )


def check_median(rep: Representation, median: float) -> None:
    """Refuse a median distance of 0, which leaves an RBF kernel without a width."""
    if median == 0:
        raise ValueError(
            f"{rep.name} has a zero median distance (at least half of its sample pairs are "
            "identical): give the kernel a sigma, e.g. gramian.RBF(sigma=1.0)."
        )


def check_device(device: str | None) -> str | None:
    """Return the `device` argument if it is one."""
    if device is None or (
        isinstance(device, str) and re.fullmatch(r"cpu|cuda(:\d+)?|reference", device)
    ):
        return device
    raise ValueError(
        f"device must be None, 'cpu', 'cuda', 'cuda:N' or 'reference', got {device!r}."
    )


def check_nan_policy(nan_policy: str) -> None:
    """Refuse anything but the two policies."""
    if nan_policy not in ("raise", "propagate"):
        raise ValueError(f"nan_policy must be 'raise' or 'propagate', got {nan_policy!r}.")


def layers(value: Any, argument: str) -> list[tuple[str, Representation]]:
    """Return the named representations of one of `compare`'s arguments."""
    if isinstance(value, Mapping):
        items = [(str(key), array) for key, array in value.items()]
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        items = [(str(index), array) for index, array in enumerate(value)]
    else:
        array_like = any(hasattr(value, p) for p in ("__array__", "__dlpack__"))
        got = (
            "a bare array; wrap it: {'name': array} or [array]"
            if array_like
            else type(value).__name__
        )
        raise TypeError(
            f"{argument} must be a mapping of names to arrays or a sequence of 2-D arrays, "
            f"got {got}."
        )
    if not items:
        raise ValueError(f"{argument} must hold at least one representation, got none.")
    named: dict[str, Representation] = {}
    for name, array in items:
        if name in named:
            raise ValueError(f"{argument} must have distinct names, got {name!r} twice.")
        named[name] = representation(array, f"{argument}[{name!r}]")
    return list(named.items())


def check_options(measure: str, options: Mapping[str, Any]) -> Measure:
    """Return the registry's row of a measure that takes these options."""
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {_quoted(MEASURES)}, got {measure!r}.")
    row = MEASURES[measure]
    for option in options:
        if option not in row.options:
            raise TypeError(
                f"measure {measure!r} takes the options {_quoted(row.options)}, got {option!r}."
            )
    return row


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def warn_constant(names: Iterable[str]) -> None:
    """Warn of each representation whose samples are all the same."""
    for name in names:
        warn(f"{name} is constant: its similarity is undefined (NaN).")


def warn_degenerate(names: Iterable[str]) -> None:
    """Warn of each one that varies, but whose HSIC with itself is 0."""
    for name in names:
        warn(
            f"{name} has an HSIC of 0 with itself (its samples are alike but for one, or sigma is "
            "far too small): its similarity is undefined (NaN)."
        )


def warn(message: str) -> None:
    """Warn at the first line outside the package, however deep the call is."""
    level, frame = 1, sys._getframe()
    while frame.f_back and frame.f_globals["__name__"].partition(".")[0] == __package__:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, RuntimeWarning, stacklevel=level)
