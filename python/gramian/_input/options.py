"""Checks of options: each returns the value as it is used, or refuses it by the option's name.

A wrong type is a TypeError that says the type, a wrong value a ValueError that says the value.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping, Sequence, Set, Sized
from typing import Any, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from .annotations import NanPolicy

__all__ = [
    "check_choice",
    "check_device",
    "check_flag",
    "check_integer",
    "check_memory",
    "check_nan_policy",
    "check_number",
    "check_positive_numbers",
    "did_you_mean",
    "generator_of",
    "plain",
    "refuse_type",
    "same_word",
    "shown",
]

Word = TypeVar("Word", bound=str)
_NAN_POLICIES: tuple[NanPolicy, ...] = get_args(NanPolicy)
_LARGEST = 2**63 - 1  # integer that the core can be told
_TEXTS = (str, bytes, bytearray)
_TRUTHS = (bool, np.bool_)


def shown(value: Any) -> str:
    """Return what a message says of a value: its beginning, if it is long."""
    try:
        text = repr(value)
    except Exception:  # whatever its own __repr__ raises; Python refuses to write long integers
        text = f"<{type(value).__name__}>"
    return text if len(text) <= 80 else f"{text[:77]}..."


def plain(number: float) -> str:
    """Return all digits of a number, of a whole one without the point."""
    return repr(number).removesuffix(".0")


def refuse_type(argument: str, rule: str, value: Any) -> TypeError:
    """Return the error for a value of a wrong type; `rule` goes on after "must be"."""
    return TypeError(f"{argument} must be {rule}, got {type(value).__name__}.")


def check_device(device: Any) -> str | None:
    """Return the `device` argument, or refuse what is not a device."""
    rule = "None, 'cpu', 'cuda', 'cuda:N' or 'reference'"
    if device is None:
        return None
    if not isinstance(device, str):
        raise refuse_type("device", rule, device)
    if not re.fullmatch(r"cpu|cuda(:[0-9]{1,4})?|reference", device):
        raise ValueError(f"device must be {rule}, got {shown(device)}.")
    return device


def check_nan_policy(nan_policy: Any) -> NanPolicy:
    """Refuse anything but the two policies."""
    return check_choice("nan_policy", nan_policy, _NAN_POLICIES)


def check_choice(argument: str, value: Any, choices: Sequence[Word], rule: str = "") -> Word:
    """Return the one of the choices that a word is, in whatever case."""
    if isinstance(value, str) and value in choices:  # as it is in every call but a few
        return choices[choices.index(value)]
    rule = rule or " or ".join(
        part for part in (", ".join(map(repr, choices[:-1])), repr(choices[-1])) if part
    )
    if not isinstance(value, str):
        raise refuse_type(argument, rule, value)
    found = same_word(value, choices)
    if found is None:
        raise ValueError(
            f"{argument} must be {rule}, got {shown(value)}.{did_you_mean(value, choices)}"
        )
    return found


def same_word(word: str, choices: Iterable[Word]) -> Word | None:
    """Return the choice that is this word but for case, and for "-", "_" or a space."""
    plainly = _plainly(word)
    return next((choice for choice in choices if _plainly(choice) == plainly), None)


def did_you_mean(word: Any, choices: Iterable[str]) -> str:
    """Return a sentence that goes on after a refusal, where a choice is like the word."""
    from difflib import get_close_matches  # takes as long to import as some modules of our own

    if not isinstance(word, str):
        return ""
    by_plain = {_plainly(choice): choice for choice in choices}
    found = get_close_matches(_plainly(word[:80]), by_plain, n=1, cutoff=0.7)
    return f" Did you mean {by_plain[found[0]]!r}?" if found else ""


def _plainly(word: str) -> str:
    return word.strip().casefold().replace("-", "_").replace(" ", "_")


def check_flag(argument: str, value: Any) -> bool:
    """Return what is on or off; a word or a number is neither."""
    if not isinstance(value, _TRUTHS):
        raise refuse_type(argument, "True or False", value)
    return bool(value)


def check_integer(argument: str, value: Any, least: int | None = None, most: int = _LARGEST) -> int:
    """Return an integer argument that is not below `least`."""
    if isinstance(value, _TRUTHS) or not hasattr(type(value), "__index__"):
        raise refuse_type(argument, "an integer", value)
    try:
        number = int(operator.index(value))
    except TypeError:  # an array has the method, whatever it holds
        raise refuse_type(argument, "an integer", value) from None
    if least is not None and number < least:
        raise ValueError(f"{argument} must be at least {least}, got {shown(number)}.")
    if number > most:
        raise ValueError(f"{argument} must be at most {most}, got {shown(number)}.")
    return number


def check_number(argument: str, value: Any, rule: str = "a number") -> float:
    """Return a real number as a float, one beyond its range as infinity; digits are no number."""
    kind = getattr(getattr(value, "dtype", None), "kind", "f")  # of numpy's scalars and arrays
    if (
        isinstance(value, (*_TEXTS, *_TRUTHS, complex))
        or kind not in "iuf"
        or getattr(value, "ndim", 0) != 0
    ):
        raise refuse_type(argument, rule, value)
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError, ArithmeticError):
        raise refuse_type(argument, rule, value) from None


def check_positive_numbers(argument: str, given: Any) -> npt.NDArray[np.float64]:
    """Return numbers above 0, of which there may be one alone."""
    rule = "a number or a sequence of numbers"
    if isinstance(given, np.ndarray) and given.ndim > 1:
        raise ValueError(f"{argument} must be 1-D and not empty, got shape {given.shape}.")
    is_one = getattr(given, "ndim", None) == 0
    is_sequence = isinstance(given, Sized) and isinstance(given, Iterable)
    if is_one or isinstance(given, (*_TEXTS, Mapping, Set)) or not is_sequence:
        values = np.array([check_number(argument, given, rule)])
    else:
        values = np.array([check_number(argument, one, rule) for one in given])
    if len(values) == 0:
        raise ValueError(f"{argument} must be 1-D and not empty, got shape {values.shape}.")
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        raise ValueError(f"{argument} must be finite and > 0, got {plain(float(values[bad][0]))}.")
    return values


def generator_of(rng: Any) -> np.random.Generator:
    """Return the generator that an integer seeds, or the one given."""
    rule = "None, an integer or a numpy Generator"
    if isinstance(rng, (*_TRUTHS, str, bytes)):
        raise refuse_type("rng", rule, rng)
    try:
        return np.random.default_rng(rng)
    except TypeError:
        raise refuse_type("rng", rule, rng) from None
    except ValueError:
        raise ValueError(f"rng must be an integer of at least 0, got {shown(rng)}.") from None


def check_memory(max_memory: Any) -> float | None:
    """Return the working memory that a call may take, in bytes."""
    if max_memory is None:
        return None
    number = check_number("max_memory", max_memory, "a number of bytes")
    if not number > 0:
        raise ValueError(f"max_memory must be > 0 bytes, got {plain(number)}.")
    return number
