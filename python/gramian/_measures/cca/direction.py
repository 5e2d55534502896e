"""Which of two layers is predicted from the other: by exchanging them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from ..._input.arrays import Layer
from . import checks

__all__ = ["turned_pairs", "turned_plan"]

Function = TypeVar("Function", bound=Callable[..., Any])


def turned_pairs(pairs: Function) -> Function:
    """Let an evaluation of pairs, of a from b, also predict the b from the a."""

    @functools.wraps(pairs)
    def call(
        a: Sequence[Layer], b: Sequence[Layer], *, options: Mapping[str, Any], **arguments: Any
    ) -> Any:
        if not checks.is_turned(options.get("direction", checks.DIRECTIONS[0])):
            return pairs(a, b, options=options, **arguments)
        straight = {**options, "direction": checks.DIRECTIONS[0]}
        return pairs(b or a, a if b else (), options=straight, **arguments).T

    return cast(Function, call)


def turned_plan(plan: Function) -> Function:
    """Let an estimate do so too."""

    @functools.wraps(plan)
    def call(
        a: Sequence[Layer], b: Sequence[Layer], *, options: Mapping[str, Any], **arguments: Any
    ) -> Any:
        straight = {**options, "direction": checks.DIRECTIONS[0]}
        if checks.is_turned(options.get("direction", checks.DIRECTIONS[0])):
            a, b = b or a, a if b else ()
        return plan(a, b, options=straight, **arguments)

    return cast(Function, call)
