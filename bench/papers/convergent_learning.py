"""The four analyses of Li et al. 2015 on the demo's two networks, in one figure.

    python bench/papers/convergent_learning.py [-o FILE] [--layer conv3] [--data FILE.npz]

Units are channels; every position of every image is a sample. Needs "gramian[plot,units]".
"""

from __future__ import annotations

import argparse
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

import gramian as gm
from gramian._extras import require

CHANNELS = 32
CLUSTERS = 5
PREDICTED = ("conv2", "conv3", "conv4")  # layers with a curve of their own


def main() -> int:
    """Draw, save and tell the means."""
    options = parse()
    first, second = (networks(options.data, seed) for seed in ("seed0", "seed1"))
    matchings = {
        name: [
            gm.match_units(first[name], second[name], method=method, layout="nchw")
            for method in ("one-to-one", "semi")
        ]
        for name in first
    }
    print("mean correlation  one-to-one   semi")
    for name, (one, semi) in matchings.items():
        print(f"{name:16}  {one.mean:10.3f}  {semi.mean:5.3f}")
    X, Y = first[options.layer], second[options.layer]
    figure = require("matplotlib.figure", "plot").Figure((15, 8.6), layout="constrained")
    axes = figure.subplots(2, 3).ravel()
    draw_matching(axes[:3], options.layer, matchings[options.layer])
    draw_prediction(axes[3], first, second)
    draw_clusters(axes[4:], gm.cluster_units(X, Y, CLUSTERS, layout="nchw"))
    for letter, ax in zip("abcdef", axes, strict=True):
        ax.set_title(f"({letter}) {ax.get_title()}", loc="left", fontsize="medium")
        ax.set_title("")
    for ax in (axes[0], axes[1], axes[5]):
        ax.set(xlabel="units of the second network", ylabel="units of the first network")
    axes[4].set(
        xlabel="cluster (units of the second network)",
        ylabel="cluster (units of the first network)",
    )
    n, _, height, width = X.shape
    figure.suptitle(
        f"Two networks trained on digits from different seeds: {options.layer}, "
        f"{CHANNELS} units each, {n} images x {height} x {width} positions"
    )
    figure.savefig(options.output, format="png", dpi=130)
    print(f"figure: {options.output}")
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    packed = Path(str(files(gm) / "_data" / "digits.npz"))
    parser.add_argument("--data", type=Path, default=packed, help="activations (the demo's)")
    parser.add_argument("--layer", default="conv3", help="layer of all panels but (d)")
    parser.add_argument("-o", "--output", type=Path, default=Path("convergent-learning.png"))
    return parser.parse_args()


def networks(path: Path, seed: str) -> dict[str, np.ndarray]:
    """Return the layers of one network as (n, channels, height, width)."""
    with np.load(path, allow_pickle=False) as data:
        layers = {name.partition("/")[2]: data[name] for name in data.files if seed in name}
    return {name: images(layer) for name, layer in layers.items()}


def images(layer: np.ndarray) -> np.ndarray:
    """Undo the flattening of (n, channels, height, width)."""
    side = int(np.sqrt(layer.shape[1] // CHANNELS))
    return layer.reshape(len(layer), CHANNELS, side, side)


def draw_matching(axes: Any, layer: str, matchings: list[gm.Matching]) -> None:
    """Draw the correlations as they are, permuted to the diagonal, and the match curves."""
    one, _ = matchings
    image = axes[0].imshow(
        one.correlation, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto", interpolation="nearest"
    )
    axes[0].figure.colorbar(image, ax=axes[0], label="correlation")
    axes[0].set_title(f"correlation between the networks, {layer}")
    one.plot_correlation(axes[1]).set_title("permuted by one-to-one matching")
    for matching in matchings:
        matching.plot(axes[2])
    axes[2].set_title("sorted matches")


def draw_prediction(ax: Any, first: dict[str, np.ndarray], second: dict[str, np.ndarray]) -> None:
    """Draw error against number of partners for several layers."""
    for name in PREDICTED:
        gm.sparse_prediction(first[name], second[name], layout="nchw").plot(ax, label=name)
    ax.set_title("units of the second network from units of the first")
    ax.set_ylabel("prediction error, 1 - R² (band: middle half)")


def draw_clusters(axes: Any, clusters: gm.Clusters) -> None:
    """Draw the correlation of clusters, and of their units."""
    clusters.plot(axes[0]).set_title("clusters that span both networks")
    clusters.plot_correlation(axes[1]).set_title("correlation, sorted by cluster")


if __name__ == "__main__":
    sys.exit(main())
