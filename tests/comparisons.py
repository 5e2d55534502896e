"""Comparisons with given values, for the tests of what is done with them."""

from __future__ import annotations

from typing import Any

import numpy as np

import gramian as gm


def comparison(values: Any, measure: str = "cka", **changes: Any) -> gm.Comparison:
    """Return the comparison of layers a0, a1, ... with b0, b1, ..."""
    n, m = np.shape(values)
    fields = {
        "x_names": [f"a{i}" for i in range(n)],
        "y_names": [f"b{j}" for j in range(m)],
        "options": {"kernel": "linear"},
        "n_samples": 100,
    }
    return gm.Comparison(values=values, measure=measure, **(fields | changes))
