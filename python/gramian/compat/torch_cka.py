"""`CKA` of torch_cka (PyTorch-Model-Compare): two models and a loader to a map of layers.

Names, arguments and keys are those of the package. On purpose otherwise:

- the value is that of all samples together, the debiased linear CKA. torch_cka averages HSIC over
  batches, which adds noise that does not go away with more batches; ``estimator="minibatch"``
  computes that, from batches weighted by their sizes where torch_cka weighs them alike;
- one loader is read once, and both models see the same batches. torch_cka reads it twice, and a
  loader that shuffles then pairs different samples, whose similarity is about 0;
- rows and columns are the layers that they are named after. torch_cka orders values as layers are
  done, and names as modules are defined, so that with all layers of a model they do not fit;
- a layer is what it returned, also where an activation in place has overwritten that; a layer that
  is called twice in a pass is two, "name:0" and "name:1"; the model as a whole is no layer;
- hooks are removed, modes of modules restored, and no gradients kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Any

import gramian

from ._common import warn

__all__ = ["CKA"]

_ESTIMATORS = ("whole", "minibatch")


class CKA:
    """Similarity of the layers of two PyTorch models.

    Parameters
    ----------
    model1, model2 : torch.nn.Module
        The models; they are moved to `device`.
    model1_name, model2_name : str, optional
        For exports and pictures; by default their classes.
    model1_layers, model2_layers : sequence of str, optional
        Names of modules to compare, as ``model.named_modules()`` has them; by default all.
    device : str, default "cpu"
        Where the models run. The layers are compared where `compare` is told to.

    Attributes
    ----------
    comparison : gramian.Comparison or None
        The result of `compare`, in float64, with everything that can be done with it.

    See Also
    --------
    gramian.compare_models, gramian.record : What this is made of, with pooling, masks and files.

    Examples
    --------
    >>> import torch
    >>> from gramian.compat.torch_cka import CKA
    >>> _ = torch.manual_seed(0)
    >>> a, b = (torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU()) for _ in "ab")
    >>> data = torch.utils.data.TensorDataset(torch.randn(60, 3), torch.zeros(60))
    >>> cka = CKA(a, b, model1_name="A", model2_name="B", device="cpu")
    >>> cka.compare(torch.utils.data.DataLoader(data, batch_size=60))
    >>> results = cka.export()
    >>> results["CKA"].shape, results["model1_layers"]
    (torch.Size([2, 2]), ['0', '1'])
    """

    def __init__(
        self,
        model1: Any,
        model2: Any,
        model1_name: str | None = None,
        model2_name: str | None = None,
        model1_layers: Sequence[str] | None = None,
        model2_layers: Sequence[str] | None = None,
        device: Any = "cpu",
    ) -> None:
        self.model1, self.model2 = (
            model.to(device) if hasattr(model, "to") else model for model in (model1, model2)
        )
        self.device = device
        self.model1_layers, self.model2_layers = model1_layers, model2_layers
        self.model1_info: dict[str, Any] = {"Name": model1_name or type(model1).__name__}
        self.model2_info: dict[str, Any] = {"Name": model2_name or type(model2).__name__}
        self.comparison: gramian.Comparison | None = None

    def compare(
        self,
        dataloader1: Iterable[Any],
        dataloader2: Iterable[Any] | None = None,
        *,
        estimator: str = "whole",
        progress: bool | None = None,
        **options: Any,
    ) -> None:
        """Run both models on all batches, and compare their layers.

        Parameters
        ----------
        dataloader1 : iterable
            Batches, of which the first element is the input; also inputs alone, and mappings.
        dataloader2 : iterable, optional
            Batches for the second model: as many samples, in the same order.
        estimator : {"whole", "minibatch"}, default "whole"
            All samples together, or the mean of HSIC over batches.
        progress : bool, optional
            Whether to show a bar, by tqdm; by default if stderr is a terminal.
        **options
            Of `gramian.compare` or, for minibatches, of `gramian.compare_models`: `device`,
            `max_memory`, `nan_policy`.

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As `gramian.record` and `gramian.compare` do.
        ImportError
            If torch is missing.

        Warns
        -----
        RuntimeWarning
            With "whole" and more than one batch, since torch_cka's numbers are then others.

        Notes
        -----
        "whole" keeps the flattened outputs of all layers, and with one loader its batches, in
        memory; "minibatch" keeps nothing but sums, and is for feature maps that do not fit. With
        HSIC the unbiased estimator of linear kernels, in batches b of n_b samples, it is

        sum n_b HSIC_b(K, L) / sqrt(sum n_b HSIC_b(K, K) sum n_b HSIC_b(L, L)) [1]_.

        References
        ----------
        .. [1] Nguyen, Raghu, Kornblith. Do wide and deep networks learn the same things? ICLR 2021,
           eq. 2-3.

        Examples
        --------
        >>> import torch
        >>> from gramian.compat.torch_cka import CKA
        >>> _ = torch.manual_seed(0)
        >>> a, b = (torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU()) for _ in "ab")
        >>> cka = CKA(a, b, "A", "B", model1_layers=["0"], model2_layers=["0", "1"])
        >>> cka.compare(torch.randn(3, 20, 3), estimator="minibatch")
        >>> cka.comparison.values.shape
        (1, 2)
        """
        if estimator not in _ESTIMATORS:
            raise ValueError(f"estimator must be 'whole' or 'minibatch', got {estimator!r}.")
        loader2 = dataloader1 if dataloader2 is None else dataloader2
        for info, loader in ((self.model1_info, dataloader1), (self.model2_info, loader2)):
            info["Dataset"] = repr(getattr(loader, "dataset", loader)).split("\n")[0]
        compared = self._whole if estimator == "whole" else self._by_minibatches
        self.comparison = compared(dataloader1, dataloader2, progress, options)
        self.model1_info["Layers"] = list(self.comparison.x_names)
        self.model2_info["Layers"] = list(self.comparison.y_names)

    @property
    def hsic_matrix(self) -> Any:
        """The values as a tensor of torch's default type, under the package's name for them."""
        import torch

        values = self._compared().values
        return torch.from_numpy(values.copy()).to(torch.get_default_dtype())

    def export(self) -> dict[str, Any]:
        """Return the values and what they are of.

        Returns
        -------
        dict
            "CKA", a tensor of shape (layers of model 1, layers of model 2); "model1_layers" and
            "model2_layers", lists of names; "model1_name", "model2_name", "dataset1_name" and
            "dataset2_name".

        Raises
        ------
        ValueError
            Before `compare`.

        Examples
        --------
        >>> import torch
        >>> from gramian.compat.torch_cka import CKA
        >>> model = torch.nn.Sequential(torch.nn.Linear(3, 8))
        >>> cka = CKA(model, model, "A", "B")
        >>> cka.compare([torch.randn(20, 3)])
        >>> cka.export()["CKA"]
        tensor([[1.]])
        """
        return {
            "model1_name": self.model1_info["Name"],
            "model2_name": self.model2_info["Name"],
            "CKA": self.hsic_matrix,
            "model1_layers": self.model1_info["Layers"],
            "model2_layers": self.model2_info["Layers"],
            "dataset1_name": self.model1_info["Dataset"],
            "dataset2_name": self.model2_info["Dataset"],
        }

    def plot_results(
        self, save_path: str | os.PathLike[str] | None = None, title: str | None = None
    ) -> Any:
        """Draw the map, write it to a file if there is a path, and show it.

        Parameters
        ----------
        save_path : str or path-like, optional
            File for the picture, of a type that matplotlib knows by its name.
        title : str, optional
            By default "A vs B", with the names of the models.

        Returns
        -------
        matplotlib.axes.Axes
            That of `gramian.Comparison.plot`.

        Raises
        ------
        ValueError
            Before `compare`.
        ImportError
            If matplotlib is missing; ``pip install "gramian[plot]"``.

        Examples
        --------
        >>> import torch
        >>> from gramian.compat.torch_cka import CKA
        >>> cka = CKA(torch.nn.Linear(3, 8), torch.nn.Linear(3, 8), "A", "B")
        >>> cka.plot_results()
        Traceback (most recent call last):
            ...
        ValueError: nothing has been compared yet: call compare(dataloader).
        """
        ax: Any = self._compared().plot()
        import matplotlib.pyplot as plt

        names = self.model1_info["Name"], self.model2_info["Name"]
        ax.set_ylabel(f"Layers {names[0]}")
        ax.set_xlabel(f"Layers {names[1]}")
        ax.set_title(" vs ".join(names) if title is None else title)
        if save_path is not None:
            ax.figure.savefig(save_path, dpi=300)
        plt.show()
        return ax

    def _compared(self) -> gramian.Comparison:
        if self.comparison is None:
            raise ValueError("nothing has been compared yet: call compare(dataloader).")
        return self.comparison

    def _patterns(self) -> tuple[Sequence[str], Sequence[str]]:
        first, second = self.model1_layers, self.model2_layers
        return "*" if first is None else first, "*" if second is None else second

    def _whole(
        self,
        loader1: Iterable[Any],
        loader2: Iterable[Any] | None,
        progress: bool | None,
        options: dict[str, Any],
    ) -> gramian.Comparison:
        if loader2 is None:  # read once: it may be in another order the next time
            loader1 = loader2 = list(loader1)
        recordings = [
            gramian.record(model, layers).run(loader, progress=progress)
            for model, layers, loader in zip(
                (self.model1, self.model2), self._patterns(), (loader1, loader2), strict=True
            )
        ]
        if (n_batches := recordings[0].n_passes) > 1:
            warn(
                "this is the CKA of all samples; torch_cka averages HSIC over "
                f"{n_batches} batches, and its numbers are others: estimator='minibatch' computes "
                "those."
            )
        return gramian.compare(*recordings, measure="cka", debiased=True, **options)

    def _by_minibatches(
        self,
        loader1: Iterable[Any],
        loader2: Iterable[Any] | None,
        progress: bool | None,
        options: dict[str, Any],
    ) -> gramian.Comparison:
        patterns = self._patterns()
        return gramian.compare_models(
            self.model1,
            self.model2,
            loader1,
            layers=patterns[0],
            layers_b=patterns[1],
            loader_b=loader2,
            reduce="flatten",
            # The linear kernel, as one of those for which batches are not put together.
            kernel=gramian.Polynomial(degree=1, constant=0.0),
            debiased=True,
            progress=progress,
            **{"device": "cpu", **options},
        )
