"""How resamples are made, and what is made of them: the options of inference, checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from .._input.groups import check_kind
from .._input.options import check_choice, check_flag, check_integer, check_number, plain, shown
from .._measures.measure import Measure
from .._measures.resampled import Request
from .draws import Draws, check_groups, check_rng

__all__ = [
    "METHODS",
    "SCHEMES",
    "Settings",
    "can_be_calibrated",
    "check_inference",
    "check_settings",
]

_MOST = 10_000_000  # resamples, of which a pair's values take 80 MB

Method = Literal["permutation", "bootstrap", "jackknife"]
Scheme = Literal["half", "replacement"]
METHODS: tuple[Method, ...] = get_args(Method)
SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
RESAMPLES = {"permutation": 999, "bootstrap": 1000}  # by default


@dataclass(frozen=True)
class Settings:
    """How resamples are made, and what is made of them."""

    method: str
    n_resamples: int  # 0 of a jackknife: as many as there are to leave out
    level: float = 0.95
    scheme: str = "half"
    calibrated: bool = False
    groups: Any = None
    seed: Sequence[int] = ()

    def of(self, request: Request) -> Settings:
        """Return the settings for layers, which may be positions: then examples are the groups."""
        found = (layer.groups for layer in (*request.a, *request.b))
        groups = next((one for one in found if one is not None), None)
        return self if self.groups is not None or groups is None else replace(self, groups=groups)

    def draws(self, n: int) -> Draws:
        """Return the resamples of so many samples."""
        return Draws(n, check_groups(self.groups, n), self.seed)

    def check_for(self, row: Measure, request: Request) -> None:
        """Refuse what does not go with a measure or with layers."""
        check_groups(self.groups, len(request.a[0].array))
        if self.calibrated and not can_be_calibrated(row):
            raise ValueError(
                "calibrated must be False for a measure whose largest value is not 1, got "
                f"{row.name!r}."
            )


def check_settings(
    method: Any,
    *,
    n_resamples: Any = None,
    count_name: str = "n_resamples",
    level: Any = 0.95,
    scheme: Any = "half",
    calibrated: Any = False,
    groups: Any = None,
    rng: Any = None,
) -> Settings:
    """Check the options of inference."""
    method = check_choice("inference", method, METHODS)
    if method == "jackknife":
        if n_resamples is not None:
            raise ValueError(
                "n_resamples must be None for the jackknife, which leaves out every sample once."
            )
        count = 0
    elif n_resamples is None:
        count = RESAMPLES[method]
    else:
        least = 1 if method == "permutation" else 4
        count = check_integer(count_name, n_resamples, least, most=_MOST)
    level = check_number("level", level)
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1, got {plain(level)}.")
    if check_flag("calibrated", calibrated) and method != "permutation":
        raise ValueError(
            f"calibrated must be False for inference={method!r}: values are calibrated against "
            "those of permutations."
        )
    check_kind(groups)
    return Settings(
        method,
        count,
        level,
        check_choice("scheme", scheme, SCHEMES),
        bool(calibrated),
        groups,
        check_rng(rng),
    )


def check_inference(
    inference: Any, *, n_resamples: Any, groups: Any, rng: Any, level: Any, calibrated: Any
) -> Settings | None:
    """Check the options of inference of `compare`; None where there is none."""
    settings = check_settings(
        "permutation" if inference is None else inference,
        n_resamples=n_resamples,
        level=level,
        calibrated=calibrated,
        groups=groups,
        rng=rng,
    )
    if inference is not None:
        return settings
    for name, given in (("n_resamples", n_resamples), ("groups", groups), ("rng", rng)):
        if given is not None:
            raise ValueError(f"{name} must be None without inference, got {shown(given)}.")
    if settings.calibrated:
        raise ValueError("calibrated must be False without inference='permutation'.")
    return None


def can_be_calibrated(row: Measure) -> bool:
    """Return whether a measure is a similarity that is 1 at most."""
    return not row.distance and row.range[1] == 1
