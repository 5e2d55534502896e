"""The accumulator: any number of samples, batch by batch, and the comparison of all of them."""

from __future__ import annotations

import copy
from typing import Any, Unpack

import numpy as np

from .._compare import done
from .._compare.results import Comparison
from .._extras import require
from .._input import checks, devices
from .._input.annotations import NanPolicy
from .._input.layout import Layouts, Positions, chosen_layout
from .._input.options import check_device, check_memory, check_nan_policy
from .._input.progress import Progress, shows_progress, tell_of
from .._input.read import ReadLayer, read
from .._measures import memory
from .._measures.gathered import ByBatches, ByProducts, ByRows, state_bytes
from .._measures.names import MeasureName, Options
from .._measures.registry import find, refuse_inference
from . import batches
from .batches import Batch, Names
from .minibatches import Minibatches
from .products import Products
from .rows import Rows

__all__ = ["Accumulator"]

State = Products | Rows | Minibatches


class Accumulator:
    """A comparison of layers whose samples come in batches, as if all had come at once.

    Kernels other than the linear one, and distance correlation, are estimated by batches.

    Parameters
    ----------
    measure : str, default "cka"
        One of `measures()`.
    layout, positions
        As in `compare`, for batches of arrays of more axes.
    nan_policy : {"raise", "propagate"}, default "raise"
        What to do with a layer that holds NaN or infinity in some batch: refuse the batch, or leave
        the layer out from then on, with a warning, and NaN in the result.
    device : str, optional
        "cpu", "cuda" or "cuda:N"; by default, where the batches live. Sums of products stay on the
        device; other states are kept on the host.
    max_memory : float, optional
        Bytes that the state and the work on a batch may take. What would take more is refused with
        MemoryError before the batch changes anything; so is what does not fit into the machine.
    **options
        Options of the measure, as `compare` takes them.

    Attributes
    ----------
    n_samples : int
        How many samples have come.

    Raises
    ------
    TypeError, ValueError
        If the measure or an option is not known, or the measure cannot be computed from batches:
        with ``cross_validate``, ``kernel="precomputed"`` or ``variant="google"``.

    See Also
    --------
    compare : The same for samples that are there all at once.

    Notes
    -----
    Except for the estimate in the last row of this table, the result does not depend on how
    samples are shared among batches or accumulators, up to rounding, and is that of `compare`. What
    is kept for layers of p and q units does not grow with the samples:

    ============================================  ==============================================
    linear CKA and HSIC, Procrustes, matching     X'Y, and for CKA X'X and Y'Y: p q + p² + q²
                                                  numbers, about the means of all samples [1]_;
                                                  n (p q + p² / 2 + q² / 2) multiplications
    CCA, SVCCA, PWCCA, regression, distances,     at most 2 (p + q)² numbers: rows with the inner
    sparse prediction                             products of all samples, by QR factorisations
                                                  [2]_; n (p + q)² multiplications. Products
                                                  would square the condition of the layers.
    other kernels, distance correlation           an estimate, marked so in ``options``: the mean
                                                  of the unbiased HSIC of batches, weighted by
                                                  their size [3]_, also where `debiased` is False:
                                                  biased ones would depend on the size of batches.
                                                  Widths of kernels are given, or fixed by the
                                                  first 1,000 samples.
    ============================================  ==============================================

    An accumulator can be pickled, and is not to be used by two threads at once.

    References
    ----------
    .. [1] Chan, Golub, LeVeque. Updating formulae and a pairwise algorithm for computing sample
       variances. COMPSTAT 1982.
    .. [2] Demmel, Grigori, Hoemmen, Langou. Communication-optimal parallel and sequential QR and
       LU factorizations. SIAM J. Sci. Comput. 34, 2012.
    .. [3] Nguyen, Raghu, Kornblith. Do wide and deep networks learn the same things? ICLR 2021.

    Examples
    --------
    >>> import gramian as gm
    >>> import numpy as np
    >>> X, Y = np.random.default_rng(0).standard_normal((2, 1000, 8))
    >>> acc = gm.Accumulator("cka")
    >>> for start in range(0, 1000, 64):
    ...     acc.update(X[start : start + 64], Y[start : start + 64])
    >>> bool(abs(acc.compute().values[0, 0] - gm.cka(X, Y)) < 1e-12)
    True
    """

    __module__ = "gramian"

    def __init__(
        self,
        measure: MeasureName = "cka",
        *,
        layout: Layouts = None,
        positions: Positions = None,
        nan_policy: NanPolicy = "raise",
        device: str | None = None,
        max_memory: float | None = None,
        **options: Unpack[Options],
    ) -> None:
        refuse_inference(options)
        self._row = find(measure, options)
        self._options = self._row.checked(options)
        self._how = self._row.gathering(self._options)
        self._layout = chosen_layout(layout, positions)
        self._notes: dict[str, Any] = {}  # what was done before the batches came
        self._nan_policy, self._device = check_nan_policy(nan_policy), check_device(device)
        if self._device == "reference":
            raise ValueError("device='reference' has no accumulator: it takes all samples at once.")
        self._called = "a", "b"
        self._max_memory = check_memory(max_memory)
        self.reset()

    @property
    def n_samples(self) -> int:
        """How many samples have come."""
        return self._n

    def __repr__(self) -> str:
        names = self._names
        layers = "no layers yet" if names is None else "{} x {} layers".format(*names.shape)
        return f"<Accumulator {self._row.name}: {layers}, {self._n} samples>"

    def reset(self) -> None:
        """Forget all batches, and what the first one fixed."""
        self._names: Names | None = None
        self._state: State | None = None
        self._n = 0
        self._lost: frozenset[int] = frozenset()
        self._target: int | None = None

    @shows_progress
    def update(self, a: Any, b: Any = None, *, progress: Progress = None) -> None:
        """Add a batch of samples.

        Parameters
        ----------
        a, b : mapping of str to array-like, or array-like of shape (n_samples, n_features)
            Layers of the same samples, in any order of names; a bare array is a layer "x" or "y".
            Without `b`, the layers of `a` are compared among themselves. The first batch fixes
            names, widths and types.
        progress : bool, callable or bar of tqdm, optional
            As in `compare`, of the work on this batch.

        Raises
        ------
        TypeError, ValueError
            If a layer is not as in the first batch, the layers have different numbers of samples,
            or one holds NaN or infinity. The batch is not added then.
        MemoryError
            If what is kept would not fit; see `max_memory`.

        Examples
        --------
        >>> import gramian as gm
        >>> acc = gm.Accumulator("procrustes")
        >>> acc.update({"conv1": [[1.0], [2.0]], "conv2": [[3.0], [5.0]]})
        >>> acc
        <Accumulator procrustes: 2 x 2 layers, 2 samples>
        """
        tell = tell_of(progress)
        if self._names is None:
            names, batch = batches.first(a, b, self._called, self._layout)
        else:
            names, batch = self._names, batches.later(self._names, a, b, self._layout)
        target = devices.chosen(self._device, batch.layers[0].device, batch.layers[0].name)
        if self._state is not None and target != self._target:
            raise ValueError(
                f"{batch.layers[0].name} must be on the device of the first batch, "
                f"{_device_name(self._target)}, got {_device_name(target)}."
            )
        layers, lost = self._read(batch)
        state = self._state or self._new_state(names, target)
        if isinstance(state, Minibatches):
            state.update(layers)
            if tell is not None:
                tell(batch.n, batch.n)
        else:
            state.update(layers, tell)
        self._names, self._state, self._target = names, state, target
        self._n += batch.n
        self._lost = lost

    def _read(self, batch: Batch) -> tuple[list[ReadLayer], frozenset[int]]:
        """Read the layers, with zeros for those that cannot be used."""
        found, lost = [], set(self._lost)
        for number, layer in enumerate(batch.layers):
            if number not in lost:
                try:
                    found.append(read(layer, "raise", self._device))
                    continue
                except checks.UnusableLayerError as refused:
                    if self._nan_policy == "raise":
                        raise
                    refused.warn()
                    lost.add(number)
            where = None if layer.device is None else f"cuda:{layer.device}"
            found.append(read(batches.as_zeros(layer), "raise", self._device or where))
        return found, frozenset(lost)

    def _new_state(self, names: Names, target: int | None) -> State:
        x = names.widths[: len(names.x)]
        needed = state_bytes(self._how, x, None if names.y is None else names.widths[len(x) :])
        limit = memory.available() if self._max_memory is None else self._max_memory
        if isinstance(self._how, ByProducts) and needed > limit and needed > 2**24:
            raise MemoryError(
                f"{len(names.widths)} layers of {sum(names.widths)} units would take "
                f"{needed:,.0f} bytes for their products, more than {limit:,.0f}."
            )
        match self._how:
            case ByProducts():
                return Products(names, self._how, target)
            case ByRows():
                return Rows(names, self._max_memory)
            case ByBatches():
                return Minibatches(names, self._how, self._max_memory)

    def merge(self, other: Accumulator) -> Accumulator:
        """Add the samples that another accumulator has seen, which stays as it is.

        Parameters
        ----------
        other : Accumulator
            Of the same measure, options and layers.

        Returns
        -------
        Accumulator
            This one.

        Raises
        ------
        TypeError, ValueError
            If the other is something else, this one itself, or has another measure, other options
            or layers, or kernels whose widths came from other samples.

        Examples
        --------
        >>> import gramian as gm
        >>> first, second = gm.Accumulator("cka"), gm.Accumulator("cka")
        >>> first.update([[1.0], [2.0]], [[0.0], [1.0]])
        >>> second.update([[4.0], [8.0], [9.0]], [[1.0], [3.0], [2.0]])
        >>> first.merge(second)
        <Accumulator cka: 1 x 1 layers, 5 samples>
        """
        if not isinstance(other, Accumulator):
            raise TypeError(f"other must be an Accumulator, got {type(other).__name__}.")
        if other is self:
            raise ValueError("other must be another accumulator than the one it is merged into.")
        for what, own, theirs in (
            ("measure", self._row.name, other._row.name),
            ("options", self._recorded(), other._recorded()),
        ):
            if own != theirs:
                raise ValueError(f"other must have the same {what}, {own!r}, got {theirs!r}.")
        if other._state is None:
            return self
        assert other._names is not None
        if self._state is None:
            self._names, self._target = other._names, other._target
            self._state = self._new_state(self._names, self._target)
        _check_same(self._names, other._names)
        if self._target != other._target:
            raise ValueError(
                f"other must be on the same device, {_device_name(self._target)}, "
                f"got {_device_name(other._target)}."
            )
        assert type(self._state) is type(other._state)
        self._state.merge(other._state)  # type: ignore[arg-type]
        self._n += other._n
        self._lost |= other._lost
        return self

    def all_merge(self, group: Any = None) -> Accumulator:
        """Add up what the processes of a torch.distributed group have seen, in each of them.

        Parameters
        ----------
        group : torch.distributed.ProcessGroup, optional
            By default all processes. Every process of it must call this.

        Returns
        -------
        Accumulator
            This one, with the samples of all: the same, to the bit, in every process.

        Raises
        ------
        ImportError
            If torch is missing; ``pip install "gramian[torch]"``.
        ValueError
            As `merge` does, in all processes; kernels whose widths come from the data, of other
            samples in every process, are refused: give them a sigma.
        RuntimeError
            If torch.distributed has not been initialized.

        Notes
        -----
        Every process receives the state of every other one, whatever the number of samples: see
        the class for its size.

        Examples
        --------
        >>> import gramian as gm
        >>> acc = gm.Accumulator("cka")
        >>> acc.update([[1.0], [2.0]], [[0.0], [1.0]])
        >>> merged = acc.all_merge()  # doctest: +SKIP
        """
        require("torch", "torch")
        distributed = require("torch.distributed", "torch")
        if not distributed.is_initialized():
            raise RuntimeError("torch.distributed must be initialized: call init_process_group.")
        parts: list[Any] = [None] * distributed.get_world_size(group)
        distributed.all_gather_object(parts, self, group=group)
        total = parts[0]
        for part in parts[1:]:
            total.merge(part)
        self.__setstate__(total.__getstate__())
        return self

    def copy(self, *, samples: bool = True) -> Accumulator:
        """Return another one that has seen the same.

        Parameters
        ----------
        samples : bool, default True
            If not, it has seen no samples, but has fixed what the first ones of this one fixed: the
            widths of kernels.

        Returns
        -------
        Accumulator
            Which shares nothing with this one.

        Examples
        --------
        >>> import gramian as gm
        >>> acc = gm.Accumulator("cka")
        >>> acc.update([[1.0], [2.0]], [[0.0], [1.0]])
        >>> acc.copy()
        <Accumulator cka: 1 x 1 layers, 2 samples>
        """
        other = copy.copy(self)
        other.reset()
        if samples:
            other.merge(self)
            other._lost = self._lost
        elif isinstance(self._state, Minibatches):
            other._names, other._target = self._names, self._target
            state = Minibatches(self._state.names, self._state.how, self._max_memory)
            state.widths = self._state.widths
            other._state = state
        return other

    @property
    def _needs_widths(self) -> bool:
        """Whether the first samples fix the widths of kernels."""
        return isinstance(self._how, ByBatches) and self._how.widths is not None

    def _warn_lost(self) -> None:
        """Warn of layers that had to be left out, where others have heard of it."""
        if self._names is not None:
            for number in sorted(self._lost):
                checks.warn(
                    f"{self._names.labels[number]} holds values that cannot be used: its "
                    "similarity is undefined (NaN)."
                )

    def compute(self) -> Comparison:
        """Compare the samples that have come so far; more may follow.

        Returns
        -------
        Comparison
            As `compare` returns it. Where it is an estimate, ``options["estimator"]`` is
            "minibatch", and the options say that HSIC is unbiased within batches.

        Raises
        ------
        ValueError
            If no batch has come, or too few samples for the measure.

        Warns
        -----
        RuntimeWarning
            As `compare` does: of layers that are constant, for instance.

        Examples
        --------
        >>> import gramian as gm
        >>> acc = gm.Accumulator("cka", kernel="rbf", bandwidth=0.5)
        >>> acc.update([[1.0], [2.0], [4.0], [7.0]], [[0.0], [1.0], [5.0], [4.0]])
        >>> acc.compute().options["estimator"]
        'minibatch'
        """
        least, why = self._row.samples(self._options)
        if self._state is None or self._names is None:
            raise ValueError(f"no batch has come yet: {self._row.name} needs {least} samples.")
        if isinstance(self._state, Minibatches):
            least, why = 4, "the unbiased estimator"
        if self._n < least:
            raise ValueError(
                f"the accumulator must have seen at least {least} samples for {why}, got {self._n}."
            )
        match self._state:
            case Products():
                values = self._state.values(self._n, self._lost)
            case Rows():
                values = self._state.values(self._row, self._options, self._lost)
            case Minibatches():
                values = self._state.values(self._lost)
        marks: dict[str, Any] = {}
        if isinstance(self._how, ByBatches):
            marks = {"estimator": "minibatch", **self._how.recorded}
        return Comparison(
            values=np.asarray(values),
            x_names=self._names.x,
            y_names=self._names.columns,
            measure=self._row.name,
            options=done.with_what_was_done(
                {**self._row.recorded(self._options), **marks},
                [*zip(self._names.dtypes, self._names.compute_dtypes, strict=True)],
                self._said(),
            ),
            n_samples=self._n,
        )

    def _recorded(self) -> dict[str, Any]:
        return {**self._row.recorded(self._options), **self._said()}

    def _said(self) -> dict[str, Any]:
        return done.given((), self._layout) | self._notes

    def __getstate__(self) -> dict[str, Any]:
        return {
            "measure": self._row.name,
            "called": self._called,
            "settings": {
                "nan_policy": self._nan_policy,
                "device": self._device,
                "max_memory": self._max_memory,
                **({} if self._layout is None else self._layout.recorded()),
                **self._options,
            },
            "notes": self._notes,
            "names": self._names,
            "target": self._target,
            "n": self._n,
            "lost": self._lost,
            "state": None if self._state is None else self._state.state(),
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["measure"], **state["settings"])  # type: ignore[misc]
        self._called = state["called"]
        self._names, self._target = state["names"], state["target"]
        self._notes = state["notes"]
        self._n, self._lost = state["n"], state["lost"]
        if self._names is not None and state["state"] is not None:
            self._state = self._new_state(self._names, self._target)
            self._state.restore(state["state"])


def _check_same(own: Names | None, theirs: Names) -> None:
    assert own is not None
    for what in ("x", "y", "widths", "dtypes"):
        if getattr(own, what) != getattr(theirs, what):
            called = {"x": "names of a", "y": "names of b"}.get(what, what)
            raise ValueError(
                f"other must have the same {called}, {getattr(own, what)}, "
                f"got {getattr(theirs, what)}."
            )


def _device_name(target: int | None) -> str:
    return "the CPU" if target is None else f"cuda:{target}"
