"""What the page of comparisons says besides their maps: facts, and what to beware of."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .._input import write
from .._input.options import refuse_type
from .._measures.registry import MEASURES
from .._show import html
from .._version import __version__
from . import words
from .done import DONE

__all__ = ["written"]

_ESTIMATORS = (*words.ESTIMATORS, "estimator")  # options that have a fact of their own


def written(
    comparisons: Sequence[Any],
    names: Sequence[str],
    path: str | os.PathLike[str] | None,
    title: str | None,
) -> str:
    """Return a page of comparisons of the same layers, and write it where there is a path."""
    if title is not None and not isinstance(title, str):
        raise refuse_type("title", "None or a str", title)
    headings = [name or _heading(one) for name, one in zip(names, comparisons, strict=True)]
    first = comparisons[0]
    samples = sorted({one.n_samples for one in comparisons})
    counts = f"{len(first.x_names):,} layers of A"
    if not first._among():
        counts += f", {len(first.y_names):,} of B"
    page = html.Page(
        title=title or "; ".join(dict.fromkeys(map(_title, comparisons))),
        summary=f"{counts}, {' or '.join(f'{n:,}' for n in samples)} samples",
        panels=[_panel(one, head) for one, head in zip(comparisons, headings, strict=True)],
        warnings=_all_warnings(comparisons, headings),
        footer=f"gramian {__version__}, numpy {np.__version__}, Python {platform.python_version()}",
    )
    text = html.page(page)
    if path is not None:
        write.write(path, text.encode())
    return text


def _title(one: Any) -> str:
    text = words.measure(one.measure, one.options)
    return text[0].upper() + text[1:]


def _all_warnings(comparisons: Sequence[Any], headings: Sequence[str]) -> list[str]:
    """Return each warning once, with the headings of those that it is of."""
    found: dict[str, list[str]] = {}
    for one, heading in zip(comparisons, headings, strict=True):
        for said in _warnings(one):
            found.setdefault(said, []).append(heading)
    return [f"{'; '.join(of)}: {said}" for said, of in found.items()]


def _heading(one: Any) -> str:
    """Return the measure with its options, without the number of samples."""
    parts = [words.measure(one.measure, one.options), *words.how(one.options)]
    text = ", ".join(parts)
    return text[0].upper() + text[1:]


def _panel(one: Any, heading: str) -> html.Panel:
    pairs = one._pairs()
    best = pairs is None
    rows, columns = one._best() if best else pairs
    prepared = [f"n = {one.n_samples:,}", *words.done(one.options)]
    found = words.by_inference(one.inference)
    lines = [", ".join(prepared), found] if found else [", ".join(prepared)]
    few = min(one.values.shape) == 1
    return html.Panel(
        map=replace(one._map(), title="\n".join(lines)),
        heading=heading,
        level="" if one.inference is None else f"{100 * one.inference.level:g}",
        facts=_facts(one),
        curve=one._curve(best=best) if max(one.values.shape) > 1 else None,
        pairs=list(zip(rows.tolist(), columns.tolist(), strict=True)),
        along="y" if few and len(one.x_names) == 1 else "x",
    )


def _facts(one: Any) -> dict[str, str]:
    row = MEASURES.get(one.measure)
    options = one.options
    found = {
        "Measure": words.axis(one.measure),
        "Estimator": words.estimator(options).removesuffix(" estimator"),
        "Options": ", ".join(
            f"{name} = {value}"
            for name, value in options.items()
            if value is not None and name not in DONE and name not in _ESTIMATORS
        ),
        "Preparation": ", ".join(words.done(options)),
        "Samples": f"{one.n_samples:,}",
        "Inference": words.by_inference(one.inference),
        "Undefined pairs": str(int(np.isnan(one.values).sum()) or ""),
    }
    if one.pvalues is not None:
        level = 1 - one.inference.level
        struck = int(np.sum(one.pvalues > level))
        found["No finding"] = (
            f"{struck:,} of {one.values.size:,} pairs, struck out (p > {level:.2g})"
        )
    if row is not None:
        low, high = (f"{end:.4g}" for end in row.range)
        found["Range"] = f"{low} to {'no bound' if high == 'inf' else high}"
        found["Closer is"] = "smaller" if row.distance else "larger"
        found["Symmetric"] = "yes" if row.symmetric else "no: A and B have different parts"
        found["From"] = row.citation
    if one.measure in MEASURES and len(one.x_names) == len(one.y_names) > 1:
        found["Layer-correspondence accuracy"] = f"{one.accuracy():.1%}"
    return {name: said for name, said in found.items() if said}


def _warnings(one: Any) -> list[str]:
    """Return what a reader should know before believing the numbers."""
    found = list(one._said)
    row = MEASURES.get(one.measure)
    missing = np.isnan(one.values)
    if missing.any():
        found.append(f"{missing.sum():,} of {missing.size:,} pairs are undefined.{_without(one)}")
    known = one.values[np.isfinite(one.values)]
    if row is None:
        return found
    if row.normalized and not row.distance and known.size > 3 and known.min() > 0.999:
        found.append("every value is above .999, so that nothing is told apart.")
    judged = one.inference is not None and one.inference.method == "permutation"
    cured = one.options.get("cross_validate") or row.unbiased(one.options) or judged
    if row.normalized and not cured:
        side = f"below {row.range[1]:.3g}" if row.distance else "above 0"
        found.append(
            f"the estimator is biased. Layers that have nothing in common score {side}, the more "
            "so the more units they have for their samples."
        )
    return found


def _without(one: Any) -> str:
    """Return which layers have no value at all, some of them by name."""
    said = []
    sides = (("A", one.x_names, 1), ("B", one.y_names, 0))
    for side, names, axis in sides[:1] if one._among() else sides:
        gone = [names[i] for i in np.flatnonzero(np.isnan(one.values).all(axis=axis))]
        if gone and len(gone) < len(names):
            more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
            said.append(f"{', '.join(gone[:5])}{more} of {side}")
    return f" Layers without any value: {'; '.join(said)}." if said else ""
