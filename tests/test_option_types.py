"""Every option of every public function with values of wrong types, and numbers beyond range.

The options are those of the signatures and of the table of measures; tests/fuzz has more values.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from calls import ALL, COMPARES, Call

import gramian as gm
from gramian._measures.registry import MEASURES

FLAG = [1, 0.0, "x", None, [True], np.array([True])]
NUMBER = ["0.5", b"1", True, np.True_, 1j, np.complex64(1), [0.5], np.array([0.5]), object()]
INTEGER = [2.0, "2", True, np.True_, 2j, [2], np.array([2]), np.float32(2), object()]
FOLDS = [one for one in INTEGER if not isinstance(one, (list, np.ndarray))]
FOLDS += [{"a": 2}, [0.5], [True], np.array([1j])]
WORD = [1, b"x", ["x"], np.array(["x"]), {"x": 1}, object()]
CALLED = [1, "x", [1], np.True_]

# What is no value of an option; the types of None are those of options that must be given.
WRONG: dict[str, list[Any]] = {
    "debiased": FLAG,
    "unbiased": FLAG,
    "centered": FLAG,
    "squared": FLAG,
    "full_output": FLAG,
    "absolute": FLAG,
    "streaming": FLAG,
    "variance": [*NUMBER, None],
    "regularization": [*NUMBER, None],
    "alpha": [*NUMBER, None],
    "tol": [*NUMBER, None],
    "bandwidth": NUMBER,
    "sigma": NUMBER,
    "rank_tolerance": NUMBER,
    "max_memory": NUMBER,
    "alphas": ["0.5", b"1", True, 1j, ["0.5"], [True], {"a": 1}, np.array(["x"]), object()],
    "components": INTEGER,
    "cross_validate": FOLDS,
    "inner_folds": FOLDS,
    "direction": [*WORD, None],
    "alpha_per_target": FLAG,
    "bandwidth_sample": INTEGER,
    "max_sweeps": [*INTEGER, None],
    "n_clusters": [*INTEGER, None],
    "seed": [*INTEGER, None],
    "n_permutations": INTEGER,
    "n_resamples": INTEGER,
    "groups": ["x", b"x", 5, 0.5, object()],
    "rng": ["0", b"0", True, 0.5, object()],
    "level": [*NUMBER, None],
    "scheme": [*WORD, None],
    "inference": WORD,
    "calibrated": FLAG,
    "positions": [2.0, b"2", True, 2j, np.float32(2), object(), [0.5], ["x"]],
    "kernel": [*WORD, None, gm.RBF],
    "measure": [*WORD, None],
    "nan_policy": [*WORD, None],
    "side": [*WORD, None],
    "variant": [*WORD, None],
    "denominator": [*WORD, None],
    "method": [*WORD, None],
    "layout": [1, b"x", [1], np.array(["x"]), {"x": 1}, object()],
    "layers": [1, b"x", [1], np.array(["x"]), {"x": 1}, object()],
    "device": WORD,
    "progress": CALLED,
}
# What has to be given beside an option, for it to be looked at.
IMAGES = {"X": np.ones((5, 3, 2, 2)), "Y": np.ones((5, 4, 2, 2)), "layout": "nchw"}
RBF = {"kernel": "rbf"}
BESIDE = {"positions": IMAGES, "bandwidth": RBF, "sigma": RBF, "bandwidth_sample": RBF}
PLAN = Call("gramian", "plan")


def options_of(call: Call) -> Iterator[str]:
    for name, parameter in inspect.signature(call.target).parameters.items():
        if name not in ("X", "Y", "A", "B") and parameter.kind != parameter.VAR_KEYWORD:
            yield name


CASES = [(call, name) for call in (*ALL, PLAN) for name in options_of(call)]
OF_MEASURES = [
    (measure, option.name) for measure, row in MEASURES.items() for option in row.options
]


def refused(call: Call, name: str, value: Any, **beside: Any) -> None:
    if call.function == "plan":
        beside |= {"X": {"x": np.ones((9, 2))}, "Y": {"y": np.ones((9, 2))}}
    with pytest.raises(TypeError) as caught:
        call(**{**beside, name: value})
    elements = value if isinstance(value, (list, np.ndarray)) else []
    came = "|".join(type(one).__name__ for one in (value, *elements))
    got = rf"got ({came}|elements of type [\w<]+)\.$"
    assert re.search(rf"^{name} must be .*, {got}", str(caught.value)), caught.value


@pytest.mark.parametrize(("call", "name"), CASES, ids=[f"{call}-{name}" for call, name in CASES])
def test_wrong_types(call: Call, name: str) -> None:
    for value in WRONG[name]:
        refused(call, name, value, **BESIDE.get(name, {}))


@pytest.mark.parametrize("call", [*COMPARES, PLAN], ids=str)
@pytest.mark.parametrize(("measure", "name"), OF_MEASURES)
def test_wrong_types_in_maps(call: Call, measure: str, name: str) -> None:
    for value in WRONG[name]:
        refused(call, name, value, measure=measure, **BESIDE.get(name, {}))


@pytest.mark.parametrize("device", ["cpu", "reference"])
@pytest.mark.parametrize(
    ("call", "name"),
    [(call, name) for call in ALL for name in ("max_memory", "progress") if call.takes(name)],
    ids=str,
)
def test_what_the_reference_does_not_take_is_checked_too(
    call: Call, name: str, device: str
) -> None:
    refused(call, name, "x", **({"device": device} if call.takes("device") else {}))


HUGE = [10**400, -(10**400), 2**63, -(2**63) - 1, 2**64, np.uint64(2**64 - 1), 1e308, np.inf]


@pytest.mark.filterwarnings("ignore:.*has an HSIC of 0 with itself")  # of widths without an end
@pytest.mark.parametrize(("measure", "name"), OF_MEASURES)
def test_numbers_beyond_range(measure: str, name: str) -> None:
    """Refused by the option's name, or meant: a ridge that leaves nothing."""
    X, Y = (np.random.default_rng(k).standard_normal((12, 3)) for k in range(2))
    for value in (*HUGE, np.nan):
        said = f"{name} must be "
        try:
            found = gm.compare([X], [Y], measure=measure, **BESIDE.get(name, {}), **{name: value})
        except (TypeError, ValueError) as error:
            said = str(error)
        else:
            assert not np.isinf(found.values).any()
        assert re.match(rf"{name} must be ", said), value


def test_numbers_of_other_types_are_taken() -> None:
    """As the numbers that they are, in results too."""
    from decimal import Decimal
    from fractions import Fraction

    X, Y = (np.random.default_rng(k).standard_normal((12, 3)) for k in range(2))
    of_numpy = np.float16(0.5), np.array(0.5), np.longdouble(0.5)
    for half in (Fraction(1, 2), Decimal("0.5"), *of_numpy):
        assert gm.svcca(X, Y, variance=half) == gm.svcca(X, Y, variance=0.5)
        options = gm.compare([X], measure="svcca", variance=half).options
        assert options["variance"] == 0.5
        assert type(options["variance"]) is float
    for two in (np.int8(2), np.uint64(2), np.array(2)):
        assert gm.svcca(X, Y, components=two) == gm.svcca(X, Y, components=2)
        assert type(gm.compare([X], measure="svcca", components=two).options["components"]) is int
    on = np.True_
    assert gm.cka(X, Y, debiased=on) == gm.cka(X, Y, debiased=True)
    assert gm.compare([X], debiased=on).options["debiased"] is True


class Nasty:
    """An object whose methods raise."""

    def __repr__(self) -> str:
        raise RuntimeError("of its own")


def test_messages_stay_short_and_need_no_repr() -> None:
    X = np.eye(4)
    with pytest.raises(TypeError, match=r"^nan_policy must be .*, got Nasty\.$"):
        gm.cka(X, X, nan_policy=Nasty())
    with pytest.raises(ValueError, match=r"^nan_policy must be .{,30}, got 'aaa.{,80}\.\.\.\.$"):
        gm.cka(X, X, nan_policy="a" * 10**6)
    with pytest.raises(ValueError, match=r"^components must be at most \d{19}, got <int"):
        gm.svcca(X, X, components=10**5000)
