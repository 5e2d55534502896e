"""One measure on the device against its reference: `python -m gramian.gpu_check.call cka float32`.

Prints a JSON object a line: the variant of the measure, its error in units of eps, or what it
raised. `smoke` starts one process a measure.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from . import standins
from .data import pair
from .variants import Variant, variants


def main() -> None:
    """Evaluate the variants that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("measure")
    parser.add_argument("dtype")
    parser.add_argument("--n", type=int, default=300)
    parser.add_argument("--variants", nargs="*", metavar="NAME", help="default: all")
    parser.add_argument("--standins", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    standins.use(options.standins)
    X, Y = pair(options.n, options.n // 7, options.n // 10, options.dtype)
    known = [variant for variant in variants() if variant.measure.name == options.measure]
    if unknown := {*(options.variants or ())} - {variant.name for variant in known}:
        parser.error(f"{options.measure} has no variant {', '.join(sorted(unknown))}")
    for variant in known:
        if not options.variants or variant.name in options.variants:
            print(json.dumps({"variant": variant.name} | compared(variant, X, Y)), flush=True)


def compared(variant: Variant, X: Any, Y: Any) -> dict[str, Any]:
    """Evaluate on the device, then in the reference."""
    start = time.perf_counter()
    try:
        value = variant(X, Y, "cuda")
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}
    seconds = time.perf_counter() - start
    unit = float(np.finfo(X.dtype).eps) * variant.scale(X, Y)
    exact = variant.score(variant(X, Y, "reference"))
    return {"eps": abs(variant.score(value) - exact) / unit, "seconds": seconds}


if __name__ == "__main__":
    main()
