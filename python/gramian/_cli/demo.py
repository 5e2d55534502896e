"""The demo: for each layer of a network, CKA looks for the same layer of its twin."""

from __future__ import annotations

import importlib.util
import time
import warnings
from importlib.resources import as_file, files
from typing import TYPE_CHECKING

import gramian as gm
from gramian.typing import KernelName

from .._extras import require
from .._input import write
from .._input.files import read_layers

if TYPE_CHECKING:
    from pathlib import Path

_INTRODUCTION = """\
Two convolutional networks of five layers, trained on scikit-learn's digits with
different random seeds, are compared by their activations after each ReLU for
{n} digits that neither has seen. Rows are the layers of the first network,
columns those of the second. A measure that sees what such networks share finds
each layer most similar to the same layer of the other network."""


def run(directory: Path) -> None:
    """Compare the two networks, print what is found, and write it into a directory."""
    with as_file(files(__package__.partition(".")[0]) / "_data" / "digits.npz") as path:
        first, second = (
            {name.partition("/")[2]: layer for name, layer in read_layers(path, [glob]).items()}
            for glob in ("seed0/*", "seed1/*")
        )
    print(_INTRODUCTION.format(n=len(first["conv1"])))
    results = []
    kernels: dict[str, KernelName] = {"linear CKA": "linear", "RBF CKA": "rbf"}
    for title, kernel in kernels.items():
        start = time.perf_counter()
        with warnings.catch_warnings():  # the papers' estimator, whose bias the layers share
            warnings.filterwarnings("ignore", ".*independent units would score", RuntimeWarning)
            result = gm.compare(first, second, measure="cka", kernel=kernel)
        milliseconds = 1000 * (time.perf_counter() - start)
        accuracy = f"layer-correspondence accuracy {result.accuracy():.0%}"
        print(f"\n{title}, {milliseconds:.0f} ms\n{result._text_map()}\n{accuracy}")
        results.append((f"{title}: {accuracy}", result))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "gramian-demo.json"
    results[0][1].save(path)
    print(f"\nlinear CKA: {path}, for gramian.load")
    if importlib.util.find_spec("matplotlib") is None:
        print('heat map: pip install "gramian[plot]"')
    else:
        path = directory / "gramian-demo.png"
        _draw(results, path)
        print(f"heat map: {path}")


def _draw(results: list[tuple[str, gm.Comparison]], path: Path) -> None:
    """Write the maps side by side."""
    figure = require("matplotlib.figure", "plot").Figure((11, 4.8), layout="constrained")
    for ax, (title, result) in zip(figure.subplots(1, len(results)), results, strict=True):
        result.plot(ax)
        ax.set_title(title, fontsize="medium")
        ax.set_xlabel("second network")
        ax.set_ylabel("first network")
    write.draw(path, figure)
