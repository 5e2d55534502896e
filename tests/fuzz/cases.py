"""What is called with what: every function with every bad value of every option, and bad array."""

from __future__ import annotations

import inspect
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from arrays import ARRAYS, ODD
from values import VALUES

import gramian as gm
from gramian._measures.registry import MEASURES

RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((10, 3)), RNG.standard_normal((10, 4))
REQUIRED = {"cluster_units": {"n_clusters": 2}}
# What is given in place of an option's default, so that the option is looked at.
BESIDE = {
    "bandwidth": {"kernel": "rbf"},
    "bandwidth_sample": {"kernel": "rbf"},
    "positions": {
        "layout": "nchw",
        "X": RNG.standard_normal((5, 3, 2, 2)),
        "Y": RNG.standard_normal((5, 4, 2, 2)),
    },
}
ARRAY_NAMES = {"X": "X", "Y": "Y", "A": "A['x']", "B": "B['y']"}
OF_VALUES = re.compile("nan|holds|gap")  # bad by what it holds, which a plan does not look at
# As progress; True shows a bar.
REFUSED = [name for name, make in VALUES.items() if not callable(make()) and name != "true"]
COMMON = ("nan_policy", "device", "progress", "max_memory")
READERS = [
    *(
        name
        for name in gm.__all__
        if inspect.isfunction(getattr(gm, name))
        and "nan_policy" in inspect.signature(getattr(gm, name)).parameters
        and name != "compare_models"  # which takes no arrays
    ),
    "Accumulator",
]
# What else a refusal may be about: a mapping has names of its own.
ALSO = {"cluster_units": ("n_clusters",), "Accumulator": ("a", "b")}
OF_MEASURES = ("compare", "plan", "Accumulator")  # which take the options of any
WITHOUT_REFERENCE = ("plan", "Accumulator")
IN_BATCHES = {"ridge_regression": {"cross_validate": None, "alphas": 1.0}}  # what it must be then


@dataclass(frozen=True)
class Case:
    """A call, and the names of which a refusal says one."""

    name: str
    run: Callable[[], Any]
    arguments: tuple[str, ...]
    files: bool = False  # whether it opens one, and may raise OSError with its name
    refused: bool = False  # whether it must not return


def call(module: str, function: str, **given: Any) -> Any:
    """Call a public function, or its reference, with good arrays where none are given."""
    target = getattr(import_module(module), function)
    given = REQUIRED.get(function, {}) | given
    parameters = inspect.signature(target).parameters
    if function == "Accumulator":
        arrays = [given.pop(name, array) for name, array in (("X", X), ("Y", Y))]
        told = {name: given.pop(name) for name in ("progress",) if name in given}
        accumulator = target(**given)
        accumulator.update(*arrays, **told)
        return accumulator.compute()
    if "A" in parameters:
        given = {"A": {"x": given.pop("X", X)}, "B": {"y": given.pop("Y", Y)}} | given
    else:
        given = {n: v for n, v in (("X", X), ("Y", Y)) if n in parameters} | given
        if function == "gram":
            given.pop("Y", None)
    return target(**given)


def _options(function: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the options of a function, with what has to be given beside each."""
    measures = MEASURES if function in OF_MEASURES else {"": None}
    for measure, row in measures.items():
        beside = {"measure": measure} if measure else {}
        if function == "Accumulator":
            beside |= IN_BATCHES.get(measure, {})
        parameters = inspect.signature(getattr(gm, function)).parameters
        names = row.option_names if row else [n for n in parameters if n not in ARRAY_NAMES]
        if row:
            names = (*names, *(COMMON if measure in ("cka", "svcca") else ()))
        for name in names:
            yield name, beside | BESIDE.get(name, {})
    if measures is MEASURES:
        yield "measure", {}
        if function != "Accumulator":
            yield "A", {}
            yield "B", {}


def _option_cases() -> Iterator[Case]:
    for module, function in (
        *(("gramian", name) for name in READERS),
        *(("gramian.reference", name) for name in READERS if name not in WITHOUT_REFERENCE),
    ):
        known = inspect.signature(getattr(import_module(module), function)).parameters
        for option, beside in _options(function):
            if module != "gramian" and option not in known and function != "compare":
                continue
            if module != "gramian" and option in ("device", "progress", "max_memory"):
                continue
            where = "/".join((module, function, beside.get("measure", ""), option))
            for value, make in VALUES.items():
                if option == "progress" and value not in REFUSED:
                    continue  # it is called, and raises what it likes
                yield Case(
                    f"option/{where}/{value}",
                    lambda m=module, f=function, o=option, v=make, b=beside: call(
                        m, f, **{**b, o: v()}
                    ),
                    (option,),
                )


def _other_cases() -> Iterator[Case]:
    """Yield what is no function of arrays."""
    threads = gm.get_num_threads()

    def set_threads(n: Any) -> None:
        gm.set_num_threads(n)
        gm.set_num_threads(threads)

    S = gm.Comparison([[0.9, 0.4]], ["a"], ["b", "c"], "cka", {"kernel": "linear"}, 10)
    fields = {name: getattr(S, name) for name in gm.Comparison.__dataclass_fields__}
    targets: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
        "set_num_threads": (set_threads, ("n",)),
        "RBF": (gm.RBF, ("sigma", "bandwidth")),
        "Laplacian": (gm.Laplacian, ("sigma", "bandwidth")),
        "Polynomial": (gm.Polynomial, ("degree", "constant")),
        "Comparison": (lambda **given: gm.Comparison(**(fields | given)), tuple(fields)),
        "load": (gm.load, ("path",)),
        "save": (S.save, ("path",)),
        "plot": (
            _plot(S.plot),
            ("ax", "annotate", "annot", "cmap", "vmin", "vmax", "title", "figsize"),
        ),
        "plot_curve": (_plot(S.plot_curve), ("ax", "best", "label", "title", "figsize")),
        "to_html": (S.to_html, ("path", "title")),
        "plot_models": (_plot_models, ("distances", "names", "kind", "groups", "ax", "title")),
        "report": (
            lambda **given: gm.report(**({"comparisons": S} | given)),
            ("comparisons", "title"),
        ),
    }
    for name, (target, arguments) in targets.items():
        for argument in arguments:
            for value, make in VALUES.items():
                yield Case(
                    f"other/{name}/{argument}/{value}",
                    lambda t=target, a=argument, v=make: t(**{a: v()}),
                    (argument,),
                    files=argument == "path",
                )


def _plot_models(**given: Any) -> Any:
    from matplotlib.figure import Figure

    usual: dict[str, Any] = {"distances": [[0, 1], [1, 0]], "kind": "plane"}
    return gm.plot_models(**(usual | {"ax": Figure().subplots()} | given))


def _plot(target: Callable[..., Any]) -> Callable[..., Any]:
    def plot(**given: Any) -> Any:
        from matplotlib.figure import Figure

        given = given if "figsize" in given else {"ax": Figure().subplots()} | given
        return target(**given)

    return plot


def _array_cases() -> Iterator[Case]:
    for module, function in (
        *(("gramian", name) for name in READERS),
        *(("gramian.reference", name) for name in READERS if name not in WITHOUT_REFERENCE),
    ):
        known = inspect.signature(getattr(import_module(module), function)).parameters
        names = {"X": "a['x']", "Y": "b['y']"} if function == "Accumulator" else ARRAY_NAMES
        for argument, shown in names.items():
            if argument not in known and function != "Accumulator":
                continue
            key = {"A": "X", "B": "Y"}.get(argument, argument)
            for array, make in (ARRAYS | ODD).items():
                yield Case(
                    f"array/{module}/{function}/{argument}/{array}",
                    lambda m=module, f=function, k=key, v=make: call(m, f, **{k: v()}),
                    (shown, *ALSO.get(function, ())),
                    refused=array in ARRAYS
                    and not (function == "plan" and OF_VALUES.search(array)),
                )


def every() -> list[Case]:
    """Return the cases of the tables."""
    return [*_option_cases(), *_other_cases(), *_array_cases()]


def _crash() -> None:
    os.abort()


def _leave() -> None:
    os._exit(3)


def _wait() -> None:
    time.sleep(1e6)


def _print() -> None:
    os.write(1, b"hello")


def _raise(error: Exception) -> Callable[[], None]:
    def run() -> None:
        raise error

    return run


# What the fuzz must find, each by its fault.
OWN = (
    Case("own/crash", _crash, ("n",)),
    Case("own/exit", _leave, ("n",)),
    Case("own/hang", _wait, ("n",)),
    Case("own/print", _print, ("n",)),
    Case("own/type", _raise(KeyError("n")), ("n",)),
    Case("own/unnamed", _raise(ValueError("number must be 1.")), ("n",)),
    Case("own/signature", _raise(TypeError("n: incompatible function arguments")), ("n",)),
    Case("own/long", _raise(ValueError("n" + " " * 10**4)), ("n",)),
    Case("own/taken", int, ("n",), refused=True),
    Case("own/good", _raise(ValueError("n must be 1.")), ("n",)),
)


def combined(seed: int, number: int) -> Case:
    """Return a call with several values, and perhaps a bad array, of which no table has heard."""
    rng = random.Random(f"{seed}/{number}")
    function = rng.choice(READERS)
    options = [*_options(function)]
    given: dict[str, str] = {}
    beside: dict[str, Any] = {}
    for _ in range(rng.randint(1, 3)):
        name, more = rng.choice(options)
        given[name] = rng.choice(REFUSED if name == "progress" else [*VALUES])
        beside = {**more, **beside}
    arrays = {key: rng.choice([*ARRAYS, *ODD]) for key in "XY" if rng.random() < 0.3}
    shown = {*given, *beside, *ARRAY_NAMES, "a", "b", "n_clusters"}

    def run() -> Any:
        values = {name: VALUES[value]() for name, value in given.items()}
        made = {key: (ARRAYS | ODD)[array]() for key, array in arrays.items()}
        return call("gramian", function, **{**beside, **made, **values})

    parts = [f"{k}={v}" for k, v in {**beside, **arrays, **given}.items() if isinstance(v, str)]
    return Case(f"combined/{seed}/{number}/{function}/{','.join(parts)}", run, tuple(shown))
