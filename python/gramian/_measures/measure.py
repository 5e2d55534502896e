"""What the table of measures holds of each one, and how all of them are called."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

import numpy as np
import numpy.typing as npt

from .._input import layers
from .._input.arrays import Layer
from .._input.checks import Samples
from .._input.options import check_device, check_flag, check_memory
from . import memory
from .cost import Cost, Planner
from .gathered import Gathering
from .resampled import Again, OneOrder, Recomputed, Request, Road
from .resampled import Samples as Drawn
from .splits import groups_of, in_force, taken

__all__ = [
    "Measure",
    "Option",
    "Pairs",
    "complete",
    "falls_back_on",
    "flag",
    "value_of_pair",
]

Progress = Callable[[int, int], object]
_PLANNERS: dict[Any, Planner] = {}  # of the functions that evaluate pairs, for `value_of_pair`
Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Option:
    """A keyword of a measure: its value where it is not given, what checks one that is, its flag.

    A check returns the value as the measure takes it, or refuses it. What depends on other
    options, or on the layers, the measure checks itself.

    The flag on the command line has the option's name. Its text is one of the `choices`, if there
    are any, and is turned into a value by `kind`; a flag of kind bool has no text. What takes an
    array has no flag.
    """

    name: str
    default: Any
    check: Callable[[Any], Any] = lambda value: value
    help: str = ""
    kind: Callable[[str], Any] = str
    metavar: str | None = None
    choices: tuple[str, ...] = ()
    has_flag: bool = True

    @property
    def spelling(self) -> tuple[Any, ...]:
        """What measures whose options have one flag agree on."""
        return self.name, self.help, self.kind, self.metavar, self.choices

    @property
    def flag(self) -> str:
        """Its spelling on the command line."""
        return f"--{self.name.replace('_', '-')}"


def flag(name: str) -> Callable[[Any], bool]:
    """Return the check of an option that is on or off."""
    return functools.partial(check_flag, name)


class Pairs(Protocol):
    """Evaluates a measure for many layers at once."""

    def __call__(
        self,
        a: Sequence[Layer],
        b: Sequence[Layer],
        *,
        nan_policy: str,
        device: str | None,
        progress: Progress | None,
        max_memory: float | None,
        options: Mapping[str, Any],
    ) -> npt.NDArray[np.float64]:
        """Return values of every a with every b; among the a where there is no b."""


def _none(options: Mapping[str, Any]) -> frozenset[str]:
    return frozenset()


def _never(options: Mapping[str, Any]) -> bool:
    return False


def _nothing(request: Request) -> None:
    return None


def _no_road(request: Request, anew: Callable[[], Road]) -> None:
    return None


def _no_plan(request: Request, method: str, draws: int) -> Cost | None:
    return None


def _nothing_held(request: Request, again: Callable[[Mapping[str, Any]], Again]) -> Again:
    return again(request.options)


@dataclass(frozen=True)
class Measure:
    """A row of the table: what the library knows of a measure besides its formula."""

    name: str
    title: str  # in captions, within a sentence
    function: Callable[..., Any]  # the public one
    reference: Callable[..., Any]  # its counterpart in plain numpy
    pairs: Pairs
    plan: Planner  # what `pairs` would take
    gathers: Callable[[Mapping[str, Any]], Gathering]  # how samples that come in batches are kept
    options: tuple[Option, ...]
    invariances: frozenset[str]  # changes of X alone that leave the default value as it is
    citation: str
    range: tuple[float, float]  # of its values, with default options
    samples: Callable[[Mapping[str, Any]], Samples]  # what it needs with these options
    lost: Callable[[Mapping[str, Any]], frozenset[str]] = _none  # invariances, to these options
    symmetric: bool = True
    distance: bool = False  # smaller is more similar
    fixed: Mapping[str, Any] = field(default_factory=dict)  # options that the name implies
    attribute: str = ""  # of the function's result, if that is no number
    record: Callable[[Mapping[str, Any]], dict[str, Any]] = in_force
    unbiased: Callable[[Mapping[str, Any]], bool] = _never  # whether its bias is next to nothing
    # Whether samples are held out, and those of a group together: it has an option `groups`.
    holds_out: Callable[[Mapping[str, Any]], bool] = _never
    # Of comparisons on samples that are reordered, drawn or left out: a way that keeps what these
    # do not change, if there is one, and what holds for all draws as all samples decided it.
    road: Callable[[Request, Callable[[], Road]], Road | None] = _no_road
    holds: Callable[[Request, Callable[[Mapping[str, Any]], Again]], Again] = _nothing_held
    orders: Callable[[Request], OneOrder | None] = _nothing
    left_out: Callable[[Request], Callable[[Sequence[Drawn]], Any] | None] = _nothing
    plan_draws: Callable[[Request, str, int], Cost | None] = _no_plan  # what that way takes
    # Whether leaving out every sample costs no more than a few comparisons.
    leaves_out_each: Callable[[Mapping[str, Any]], bool] = _never

    def __post_init__(self) -> None:
        _PLANNERS.setdefault(self.pairs, self.plan)

    @property
    def family(self) -> str:
        """The folder that it is in."""
        return self.function.__module__.split(".")[-2]

    @property
    def option_names(self) -> tuple[str, ...]:
        """The keywords that `compare` takes with this measure."""
        return tuple(option.name for option in self.options)

    @property
    def flags(self) -> tuple[Option, ...]:
        """What the command line takes with this measure."""
        return tuple(option for option in self.options if option.has_flag)

    @property
    def normalized(self) -> bool:
        """Whether its values have a bound that does not depend on the data."""
        return math.isfinite(self.range[1])

    def least_samples(self, options: Mapping[str, Any]) -> int:
        """Return the smallest number of samples that it is defined for."""
        return self.samples(options).least

    def call(self, X: Any, Y: Any, **options: Any) -> float:
        """Evaluate the compiled measure."""
        return self._value(self.function, X, Y, options)

    def call_reference(self, X: Any, Y: Any, **options: Any) -> float:
        """Evaluate the numpy reference."""
        return self._value(self.reference, X, Y, options)

    def all_pairs(
        self,
        a: Sequence[Layer],
        b: Sequence[Layer],
        *,
        options: Mapping[str, Any],
        **arguments: Any,
    ) -> npt.NDArray[np.float64]:
        """Evaluate the compiled measure for every a with every b, or among the a without b."""
        given = {**self.fixed, **options}
        memory.check_fits(
            self.plan,
            a,
            b,
            device=arguments["device"],
            max_memory=arguments["max_memory"],
            options=given,
        )
        return self.pairs(a, b, options=given, **arguments)

    def checked(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return the options that are given as the measure takes them, or refuse them."""
        checks = {option.name: option.check for option in self.options}
        return {name: checks[name](value) for name, value in options.items()}

    def with_groups(self, options: Mapping[str, Any], groups: Any) -> dict[str, Any]:
        """Return checked options, and the groups of samples among them if they are of use."""
        if groups is None or not self.holds_out(complete(self.options, options)):
            return dict(options)
        return {**options, **self.checked({"groups": groups})}

    def recorded(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Return all options in force, defaults included, as JSON can hold them."""
        return self.record(complete(self.options, options))

    def gathering(self, options: Mapping[str, Any]) -> Gathering:
        """Return how it keeps samples that come in batches."""
        complete(self.options, options)
        return self.gathers({**self.fixed, **options})

    def road_for(self, request: Request) -> Road:
        """Return the way to make a comparison many times."""
        anew = functools.cache(functools.partial(self.recomputed, request))
        if request.device != "reference" and (road := self.road(request, anew)) is not None:
            return road
        return anew()

    def recomputed(self, request: Request) -> Road:
        """Return the way that compares every draw anew, but for what is known of all samples."""
        again = self.holds(request, functools.partial(self._again, request))
        if request.device == "reference":
            return Recomputed(request, again)
        orders = functools.partial(self.orders, request)
        return Recomputed(request, again, orders, self.left_out(request))

    def _again(self, request: Request, options: Mapping[str, Any]) -> Again:
        device = request.where
        # Layers of draws know no groups.
        options = self.with_groups(options, groups_of(options, [*request.a, *request.b]))

        def compare(
            a: Sequence[Layer], b: Sequence[Layer], drawn: Drawn | None = None
        ) -> npt.NDArray[np.float64]:
            given = options if drawn is None else taken(options, drawn)
            if device == "reference":
                return np.array([[self.call_reference(x, y, **given) for y in (b or a)] for x in a])
            return self.all_pairs(
                a,
                b,
                options=given,
                nan_policy="raise",
                device=device,
                progress=None,
                max_memory=request.max_memory,
            )

        return compare

    def _value(
        self, function: Callable[..., Any], X: Any, Y: Any, options: Mapping[str, Any]
    ) -> float:
        defaults = {option.name: option.default for option in self.options}
        result = function(X, Y, **{**defaults, **self.fixed, **options})
        return float(getattr(result, self.attribute) if self.attribute else result)


def complete(options: Sequence[Option], given: Mapping[str, Any]) -> dict[str, Any]:
    """Check the options that are given, and add the others."""
    return {
        option.name: option.check(given[option.name]) if option.name in given else option.default
        for option in options
    }


def value_of_pair(
    pairs: Pairs,
    X: Any,
    Y: Any,
    *,
    nan_policy: str,
    device: str | None,
    max_memory: float | None = None,
    **options: Any,
) -> float:
    """Return a measure of one pair."""
    x, y = layers.pair(X, Y, nan_policy)
    max_memory = check_memory(max_memory)
    if pairs in _PLANNERS:
        memory.check_fits(
            _PLANNERS[pairs], [x], [y], device=device, max_memory=max_memory, options=options
        )
    values = pairs(
        [x],
        [y],
        nan_policy=nan_policy,
        device=device,
        progress=None,
        max_memory=max_memory,
        options=options,
    )
    return float(values[0, 0])


def falls_back_on(reference: Callable[..., Any]) -> Callable[[Function], Function]:
    """Let ``device="reference"`` call a function's counterpart in plain numpy.

    What only the compiled measure takes (`max_memory`, `progress`) is left out of that call.
    """

    def decorate(function: Function) -> Function:
        known = inspect.signature(reference).parameters
        own = {name for name in inspect.signature(function).parameters if name not in known}

        @functools.wraps(function)
        def call(*args: Any, device: str | None = None, **options: Any) -> Any:
            if check_device(device) != "reference":
                return function(*args, device=device, **options)
            check_memory(options.get("max_memory"))
            kept = {name: value for name, value in options.items() if name not in own}
            return reference(*args, **kept)

        return cast(Function, call)

    return decorate
