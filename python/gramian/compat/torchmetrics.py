"""The accumulator as a metric of torchmetrics."""

from __future__ import annotations

import pickle
from typing import Any

from torchmetrics import Metric

import gramian
from gramian.typing import MeasureName

__all__ = ["RepresentationSimilarity"]


class RepresentationSimilarity(Metric):
    """Similarity of two layers, or of all layers of two models, over all batches and processes.

    Parameters
    ----------
    measure : str, default "cka"
        One of `gramian.measures()`.
    **options
        Those of `gramian.Accumulator`.

    Notes
    -----
    torchmetrics reduces states one by one, and an accumulator cannot be put together from parts of
    it that are: so there is one state, the accumulator as bytes, and `compute` merges those of all
    processes.

    Examples
    --------
    >>> import torch
    >>> from gramian.compat.torchmetrics import RepresentationSimilarity
    >>> metric = RepresentationSimilarity("cka")
    >>> X = torch.tensor([[1.0], [2.0], [4.0]])
    >>> metric.update(X, 2 * X)
    >>> round(float(metric.compute()), 6)
    1.0
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = True
    states: list[Any]

    def __init__(self, measure: MeasureName = "cka", **options: Any) -> None:
        super().__init__()
        self._empty = gramian.Accumulator(measure, **options)
        self.add_state("states", default=[], dist_reduce_fx=None)

    def update(self, a: Any, b: Any = None) -> None:
        """Add a batch of samples; see `gramian.Accumulator.update`."""
        total = self.accumulator()
        total.update(a, b)
        self.states = [self._as_bytes(total)]

    def accumulator(self) -> gramian.Accumulator:
        """Return the samples of all states."""
        total = self._empty.copy()
        for state in self.states:
            total.merge(pickle.loads(state.cpu().numpy().tobytes()))
        return total

    def compute(self) -> Any:
        """Return a tensor of shape (n_x, n_y), of no dimension for two arrays."""
        import torch

        total = self.accumulator()
        values = torch.from_numpy(total.compute().values.copy())
        return values[0, 0] if values.numel() == 1 else values

    def sync(self, *args: Any, **kwargs: Any) -> None:
        """Gather the states of all processes, of which each has exactly one."""
        self.states = [self._as_bytes(self.accumulator())]
        super().sync(*args, **kwargs)

    def _as_bytes(self, total: gramian.Accumulator) -> Any:
        import torch

        content = bytearray(pickle.dumps(total))
        return torch.frombuffer(content, dtype=torch.uint8).to(self.device)
