"""What was computed, in words: for captions, reports and what is printed."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping
from typing import Any

from .._inference.results import Inference
from .._measures.registry import MEASURES
from .done import DONE

__all__ = [
    "ESTIMATORS",
    "axis",
    "by_inference",
    "caption",
    "done",
    "estimator",
    "how",
    "measure",
]

ESTIMATORS = ("debiased", "unbiased")  # options that choose one

_BY_BATCHES = "unbiased within batches (minibatch estimate)"
_KERNELS = {
    "linear": "linear",
    "rbf": "RBF",
    "laplacian": "Laplacian",
    "polynomial": "polynomial",
    "cosine": "cosine",
    "precomputed": "given",
}
# Of an option that is in force, what there is to say; "" for nothing.
_SAID: dict[str, Callable[[Any], str]] = {
    "kernel": lambda value: f"{_KERNELS.get(value, value)} kernel",
    "bandwidth": lambda value: f"bandwidth {value:g} × median distance",
    "bandwidth_sample": lambda value: f"median of {value:,} samples",
    "sigma": lambda value: f"sigma {value:g}",
    "debiased": lambda value: "debiased" if value else "biased estimator",
    "unbiased": lambda value: "unbiased" if value else "biased estimator",
    "estimator": lambda value: (
        _BY_BATCHES if value == "minibatch" else f"estimator {_plain(value)}"
    ),
    "square_root": lambda value: "square root" if value else "",
    "variance": lambda value: f"{100 * value:g}% of the variance",
    "components": lambda value: f"{value} components",
    "squared": lambda value: "",  # the name says it
    "side": lambda value: f"weighted by {value}",
    "variant": lambda value: "" if value == "paper" else f"as {value}/svcca",
    "denominator": lambda value: "" if value == "features" else f"over the {value}",
    "regularization": lambda value: f"ridge {value:g}" if value else "",
    "cross_validate": lambda value: f"{value}{'-fold' * isinstance(value, int)} cross-validated",
    "direction": str,
    "groups": lambda value: f"groups by {value}",
    "inner_folds": lambda value: f"penalties by {value} folds",
    "alpha_per_target": lambda value: "a penalty for each unit" if value else "",
    "absolute": lambda value: "absolute correlations" if value else "",
    "alpha": lambda value: f"alpha {value:g}",
    "alphas": lambda value: f"alphas {_plain(value)}",
    "tol": lambda value: "",
    "max_sweeps": lambda value: "",
    "centering": lambda value: "columns centered" if value == "columns" else f"{value} centered",
    "dtype": str,
    "input_dtype": lambda value: f"from {_plain(value)}",
    "positions": lambda value: _of_positions(value),
    "reduce": lambda value: f"reduced by {_plain(value)}",
    "mask": lambda value: f"mask {_plain(value)}",
    "recorded_dtype": lambda value: f"recorded in {_plain(value)}",
    "transposed": lambda value: "transposed: values are measure(column, row)",
    "runs": lambda value: f"{value} runs",
    "samples": lambda value: f"of {_plain(value)} samples",
}


# A measure with its options in the name of what was computed of comparisons, as `Data` writes it.
_CALL = re.compile(r"(\w+)\(((?:[^()'\"]|'[^']*'|\"[^\"]*\")*)\)")


def measure(name: str, options: Mapping[str, Any]) -> str:
    """Return the name of a measure, with a linear kernel in front of it: "linear CKA".

    In the name of a difference, or of what else was computed, every measure is in words.
    """
    words = _title(name) if name in MEASURES else _title(_CALL.sub(_called, name))
    return f"linear {words}" if options.get("kernel") == "linear" else words


def _called(call: re.Match[str]) -> str:
    """Return what the caption of a measure begins with; it as it is where it is none."""
    if call[1] not in MEASURES:
        return call[0]
    try:
        keywords = ast.parse(f"f({call[2]})", mode="eval").body.keywords  # type: ignore[attr-defined]
        options = {keyword.arg: ast.literal_eval(keyword.value) for keyword in keywords}
    except (SyntaxError, ValueError):  # a number that is infinite, for one
        return call[0]
    said = ", ".join(how(options))
    return measure(call[1], options) + (f" ({said})" if said else "")


def axis(name: str) -> str:
    """Return what a scale of its values is called: of differences, without the options."""
    return _title(re.sub(r"(\w+)\(.*?\)", lambda call: _title(call[1]), name))


def _title(name: str) -> str:
    """Return what a measure is called; of a difference, or a later version's, its name itself."""
    return MEASURES[name].title if name in MEASURES else name.replace("_", " ")


def estimator(options: Mapping[str, Any]) -> str:
    """Return whether the estimator is biased, of measures where that is an option."""
    if _by_batches(options):
        return _BY_BATCHES
    for name in ESTIMATORS:
        if name in options:
            return _SAID[name](options[name])
    return ""


def how(options: Mapping[str, Any]) -> list[str]:
    """Return what there is to say of a measure's options."""
    found = []
    for name, value in options.items():
        if name in DONE or value is None or (name, value) == ("kernel", "linear"):
            continue
        if name == "variance" and options.get("components") is not None:
            continue  # whose number is kept instead
        if name in ESTIMATORS and _by_batches(options):
            continue  # of batches it is the unbiased one, whatever was asked for
        said = _SAID[name](value) if name in _SAID else f"{name.replace('_', ' ')} {_plain(value)}"
        found += [said] if said else []
    return found


def _by_batches(options: Mapping[str, Any]) -> bool:
    return options.get("estimator") == "minibatch"


def done(options: Mapping[str, Any]) -> list[str]:
    """Return what there is to say of what was done to the layers."""
    found = []
    for name in DONE:
        value = options.get(name)
        if value is not None:
            each = isinstance(value, Mapping)  # a value for each side
            known = name in _SAID and not each
            found.append(_SAID[name](value) if known else f"{name} {_plain(value)}")
    return found


def by_inference(inference: Inference | None) -> str:
    """Return how intervals or p-values were found."""
    if inference is None:
        return ""
    count = f"{inference.n_resamples:,}"
    if inference.method == "permutation":
        calibrated = ", values above chance" if inference.details.get("calibrated") else ""
        return f"family-wise p of {count} permutations{calibrated}"
    return f"{100 * inference.level:g}% intervals, {inference.method} of {count}"


def caption(
    name: str, options: Mapping[str, Any], n_samples: int, inference: Inference | None
) -> list[str]:
    """Return lines that say what was computed, of how many samples, and how they were made."""
    first = [measure(name, options), *how(options), f"n = {n_samples:,}"]
    second = [*done(options), by_inference(inference)]
    lines = [", ".join(words for words in line if words) for line in (first, second)]
    lines[0] = lines[0][0].upper() + lines[0][1:]
    return [line for line in lines if line]


def _of_positions(value: Any) -> str:
    known = {
        "mean": "mean over positions",
        "samples": "positions as samples",
        "features": "positions as features",
    }
    return known.get(value, "") if isinstance(value, str) else f"{_plain(value)} positions"


def _plain(value: Any) -> str:
    if value is None:  # of one side
        return "none"
    if isinstance(value, Mapping):
        return "; ".join(f"{side}: {_plain(one)}" for side, one in value.items())
    if isinstance(value, (list, tuple)):
        shown = [_plain(one) for one in value[:6]]
        return " ".join([*shown, f"... ({len(value)})"] if len(value) > 6 else shown)
    return f"{value:g}" if isinstance(value, float) else str(value)
