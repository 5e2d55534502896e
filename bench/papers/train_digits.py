"""Train two small CNNs on scikit-learn's digits and record every layer for held-out images.

The experiment of Kornblith et al. 2019, table 2, at the size of a demo: two networks that differ
only in their seed, and the question whether a measure finds, for every layer of one, the same
layer of the other. Writes the file that `gramian demo` reads; needs torch and scikit-learn.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

STRIDES = (1, 1, 2, 1, 2)
WIDTH = 32
EPOCHS = 12
BATCH = 64
LEARNING_RATE = 3e-3
N_TEST = 500
N_RECORDED = 250  # the first of the test set; the most that a compressed file of 3 MB holds


class Network(nn.Module):
    """Five times convolution, batch norm and ReLU, a global average pool, a linear classifier."""

    def __init__(self) -> None:
        super().__init__()
        channels = (1,) + (WIDTH,) * len(STRIDES)
        self.layers = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(channels[i], WIDTH, 3, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(WIDTH),
                nn.ReLU(),
            )
            for i, stride in enumerate(STRIDES)
        )
        self.classifier = nn.Linear(WIDTH, 10)

    def activations(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the output of each layer, after its ReLU, (n, channels, height, width)."""
        outputs = []
        for layer in self.layers:
            images = layer(images)
            outputs.append(images)
        return outputs

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the ten classes' scores."""
        return self.classifier(self.activations(images)[-1].mean(dim=(2, 3)))


def train(images: torch.Tensor, labels: torch.Tensor, seed: int) -> Network:
    """Train one network; the seed decides its initial weights and the order of the batches."""
    torch.manual_seed(seed)
    network = Network()
    optimizer = torch.optim.Adam(network.parameters(), lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS)
    for _ in range(EPOCHS):
        for batch in torch.randperm(len(images)).split(BATCH):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
    return network.eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="the .npz file to write")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1], help="one network a seed")
    arguments = parser.parse_args()

    torch.use_deterministic_algorithms(True)
    torch.set_num_threads(1)  # the order of the sums, and so the weights, must not vary
    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    images = torch.tensor(digits.images[order, None] / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target[order])

    recorded = {}
    for seed in arguments.seeds:
        network = train(images[N_TEST:], labels[N_TEST:], seed)
        with torch.no_grad():
            hits = network(images[:N_TEST]).argmax(dim=1) == labels[:N_TEST]
            layers = network.activations(images[:N_RECORDED])
        print(f"seed {seed}: test accuracy {hits.double().mean():.1%} of {N_TEST}")
        for i, layer in enumerate(layers, start=1):
            recorded[f"seed{seed}/conv{i}"] = layer.flatten(1).numpy().astype(np.float16)
    np.savez_compressed(arguments.out, **recorded)
    print(f"{arguments.out}: {arguments.out.stat().st_size:,} bytes, {N_RECORDED} examples")


if __name__ == "__main__":
    main()
