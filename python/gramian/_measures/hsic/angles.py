"""Angles between centered Gram matrices, with all their digits where they are small."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from ..._core import calls
from ..._core.calls import Measure
from ..._input.arrays import Layer
from .pairs import Given, compared, given_by, is_affordable, prepared_grams, says_chance_of_angles

__all__ = ["cka_distance_pairs"]

# An angle t is off by what its cosine is off, divided by sin t: at this cosine, 7 times as much.
# CKA is as a rule off by less than 2 eps, so that 100 eps are kept down to here with a margin of 7.
NEAR = 0.99


@says_chance_of_angles
def cka_distance_pairs(
    a: Sequence[Layer], b: Sequence[Layer], **arguments: Any
) -> npt.NDArray[np.float64]:
    """Return the angle whose cosine is CKA, of every a with every b; among the a without b."""
    given = given_by(a, b, **arguments)
    cosines = compared(given, Measure.cka)
    near = [(int(i), int(j)) for i, j in np.argwhere(cosines > NEAR)]
    if not given.ys:
        near = [(i, j) for i, j in near if i > j]
    offset = len(given.xs) if given.ys else 0
    used = sorted({i for i, _ in near} | {j + offset for _, j in near})
    layers = [*given.xs, *given.ys]
    affordable = bool(used) and is_affordable([layers[k] for k in used])
    if used and not affordable:  # cosines in double make angles that are off by 2e-8 at most
        cosines = compared(replace(given, double=True), Measure.cka)
    # Rounding may take the CKA of nearly equal layers past 1.
    angles: npt.NDArray[np.float64] = np.arccos(np.clip(cosines, -1, 1))
    if affordable:
        for (i, j), angle in _small_angles(given, near, used, offset).items():
            angles[i, j] = angle
            if not given.ys:
                angles[j, i] = angle
    return angles


def _small_angles(
    given: Given, near: Sequence[tuple[int, int]], used: Sequence[int], offset: int
) -> dict[tuple[int, int], float]:
    """Return the angles of these pairs, which use these layers, from distances in double."""
    layers = [*given.xs, *given.ys]
    place = {k: number for number, k in enumerate(used)}
    of_used = [layers[k] for k in used]
    distances = calls.gram_distances(
        prepared_grams(given, of_used, len(used), double=True, by_samples=True, progress=None),
        pairs=[(place[i], place[j + offset]) for i, j in near],
    )
    angles = 2 * np.arcsin(np.minimum(np.asarray(distances) / 2, 1))
    return dict(zip(near, angles.tolist(), strict=True))
