"""The functions of google/svcca (Raghu et al. 2017, Morcos et al. 2018): neurons x datapoints.

`get_cca_similarity` and `robust_cca_similarity` are those of its module cca_core, `compute_pwcca`
that of pwcca. Names, arguments, keys and values are the same. On purpose otherwise:

- dead, duplicated and dependent neurons are no reason for an SVD that does not converge: what they
  add has no direction, and correlations 0; no noise is added by `robust_cca_similarity` either;
- correlations are at most 1;
- layers that cannot be compared have NaN, with a warning, in the place of zeros;
- nothing is printed, whatever `verbose` says;
- where `compute_pwcca` takes the second layer's side, because it has fewer neurons, it takes its
  activations too, and not those of the first layer.

The warnings say where a number of the original is not what its papers define.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

import gramian

from ._common import as_pair, warn

__all__ = ["compute_pwcca", "get_cca_similarity", "robust_cca_similarity"]

Array = npt.NDArray[np.float64]
_NAMES = ("acts1", "acts2")


def get_cca_similarity(
    acts1: Any,
    acts2: Any,
    epsilon: float = 0.0,
    threshold: float = 0.98,
    compute_coefs: bool = True,
    compute_dirns: bool = False,
    verbose: bool = True,
) -> dict[str, Any]:
    """Canonical correlation analysis of two layers, as google/svcca returns it.

    Parameters
    ----------
    acts1 : array_like, shape (n_neurons1, n_datapoints)
        Activations; **columns** are datapoints, of which there must be more than neurons.
    acts2 : array_like, shape (n_neurons2, n_datapoints)
        Activations of the same datapoints.
    epsilon : float, default 0.0
        Added to the diagonals of both covariances, after each is divided by its largest element;
        neurons whose variance is then smaller are left out.
    threshold : float, default 0.98
        The mean is of the leading correlations that make up this share of their sum.
    compute_coefs : bool, default True
        Return the rotations, the roots of the covariances and the means.
    compute_dirns : bool, default False
        Return the canonical directions of all datapoints too.
    verbose : bool, default True
        Has no effect.

    Returns
    -------
    dict
        - "cca_coef1", "cca_coef2": the canonical correlations, descending, as many as the smaller
          number of neurons; the same array under both keys.
        - "mean", "sum": of the leading correlations, and of all; pairs of the same float twice.
        - "x_idxs", "y_idxs": which neurons were not left out.
        - "coef_x" (k, k), "invsqrt_xx" (k, k) of these neurons, "full_coef_x" and
          "full_invsqrt_xx", of all, with zeros for those left out: row i of coef_x @ invsqrt_xx
          are the weights of the i-th canonical direction. Likewise for y.
        - "neuron_means1", "neuron_means2", of shape (n_neurons, 1).
        - "cca_dirns1", "cca_dirns2", of shape (n_neurons, n_datapoints): the weights times the
          centered activations, and the means of the neurons, which are added to them.

    Raises
    ------
    ValueError
        As `gramian.cca` does; if acts1 has as many neurons as datapoints; and for an epsilon below
        0 or a threshold outside [0, 1].
    TypeError
        As `gramian.cca` does.

    Warns
    -----
    RuntimeWarning
        As `gramian.cca` does.

    See Also
    --------
    gramian.cca : The same correlations, with weights instead of roots and rotations.

    Notes
    -----
    The mean leaves the smallest correlations out, and is larger than the ``.mean`` of
    `gramian.cca`. Without epsilon the correlations are those of `gramian.cca`, and lose no digits
    where neurons are nearly dependent; roots and rotations are of covariances, and do. Cost: that
    of `gramian.cca`, and the eigenvectors of both covariances. SVCCA is this function after a
    truncated SVD of both layers: `gramian.svcca`.

    References
    ----------
    Raghu, Gilmer, Yosinski, Sohl-Dickstein. SVCCA: singular vector canonical correlation analysis
    for deep learning dynamics and interpretability. NeurIPS 2017.

    Examples
    --------
    >>> from gramian.compat.svcca import get_cca_similarity
    >>> acts = [[1, 0, -1, 2, 1], [0, 1, -1, 3, -3]]
    >>> found = get_cca_similarity(acts, [[2, 3, 0, 8, -1]], verbose=False)
    >>> found["cca_coef1"].round(9)
    array([0.99062494])
    """
    _check(epsilon, threshold)
    pair = as_pair(_NAMES, acts1, acts2, axis=1)
    if pair[0].shape[0] >= pair[0].shape[1]:
        raise ValueError(
            f"acts1 must have more datapoints (columns) than neurons (rows), got {pair[0].shape}."
        )
    sides = [_Side(acts, epsilon) for acts in pair]
    if not all(side.kept.any() for side in sides):
        constant = next(name for name, one in zip(_NAMES, sides, strict=True) if not one.kept.any())
        warn(f"{constant} has no neuron that varies by epsilon: its similarity is undefined (NaN).")
        return _undefined(sides, compute_dirns)
    coefficients = np.zeros(min(side.kept.sum() for side in sides))
    result: dict[str, Any] = {}
    if compute_coefs or compute_dirns or epsilon > 0:
        x, y = sides
        u, singular, vt = np.linalg.svd(x.inverse_root @ (x.columns.T @ y.columns) @ y.inverse_root)
        coefficients[:] = np.minimum(singular, 1)
        for side, rotation, letter, number in ((x, u.T, "x", "1"), (y, vt, "y", "2")):
            of_layer = side.coefficients(rotation, letter, number)
            if compute_dirns:
                result[f"cca_dirns{number}"] = _directions(side, of_layer, letter)
            if compute_coefs:
                result |= of_layer
    if epsilon == 0:  # without squares of condition numbers, and with a decision on the rank
        found = gramian.cca(*(side.columns for side in sides)).correlations
        coefficients[: len(found)], coefficients[len(found) :] = found, 0
    leading = coefficients[: _cut(coefficients, threshold)]
    mean = float(leading.mean()) if len(leading) else np.nan
    total = float(coefficients.sum())
    return result | {
        "cca_coef1": coefficients,
        "cca_coef2": coefficients,
        "x_idxs": sides[0].kept,
        "y_idxs": sides[1].kept,
        "mean": (mean, mean),
        "sum": (total, total),
    }


def robust_cca_similarity(
    acts1: Any,
    acts2: Any,
    threshold: float = 0.98,
    epsilon: float = 1e-6,
    compute_dirns: bool = True,
    verbose: bool = True,
) -> dict[str, Any]:
    """Canonical correlation analysis of two layers, for which nothing has to be repeated here.

    Parameters
    ----------
    acts1, acts2, threshold, compute_dirns, verbose
        As in `get_cca_similarity`.
    epsilon : float, default 1e-6
        Has no effect: the size of the noise that google/svcca adds where its SVD does not converge.

    Returns
    -------
    dict
        What `get_cca_similarity` returns with ``epsilon=0``.

    Raises
    ------
    ValueError, TypeError
        As `get_cca_similarity` does.

    Warns
    -----
    RuntimeWarning
        That numbers of the original are others: it passes its arguments by position, so that the
        threshold, 0.98, is what is added to the covariances, and neurons of less than 0.98 of the
        largest variance are left out.

    Examples
    --------
    >>> import warnings
    >>> from gramian.compat.svcca import robust_cca_similarity
    >>> acts = [[1, 0, -1, 2, 1], [0, 1, -1, 3, -3]]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     found = robust_cca_similarity(acts, [[2, 3, 0, 8, -1]])
    >>> found["cca_coef1"].round(9)
    array([0.99062494])
    """
    _check(epsilon, threshold)
    warn(
        "robust_cca_similarity of google/svcca gives its threshold to get_cca_similarity as the "
        "epsilon, and so leaves neurons out and lowers the correlations; this one does not: its "
        "numbers are others. get_cca_similarity needs no robust version here."
    )
    return get_cca_similarity(acts1, acts2, 0.0, threshold, True, compute_dirns, verbose)


def compute_pwcca(acts1: Any, acts2: Any, epsilon: float = 0.0) -> tuple[float, Array, Array]:
    """Projection-weighted canonical correlation, as google/svcca weighs it.

    Parameters
    ----------
    acts1 : array_like, shape (n_neurons1, n_datapoints)
        Activations; **columns** are datapoints, of which there must be more than neurons.
    acts2 : array_like, shape (n_neurons2, n_datapoints)
        Activations of the same datapoints.
    epsilon : float, default 0.0
        As in `get_cca_similarity`.

    Returns
    -------
    value : float
        The weighted mean of the correlations, in [0, 1].
    weights : ndarray
        Of the layer with fewer neurons, the first where they have as many; their sum is 1.
    coefficients : ndarray
        The canonical correlations.

    Raises
    ------
    ValueError
        As `get_cca_similarity` does; and with epsilon 0 if neurons depend linearly on one another,
        for which the weights are not defined.
    TypeError
        As `gramian.cca` does.

    Warns
    -----
    RuntimeWarning
        That the value is not the paper's. The weights are of activations that are not centered, in
        directions that are not the canonical ones: they change with the mean of a neuron, and with
        the signs that an SVD happens to give its vectors.

    See Also
    --------
    gramian.pwcca : The paper's value; ``variant="google"`` is this one.

    References
    ----------
    Morcos, Raghu, Bengio. Insights on representational similarity in neural networks with canonical
    correlation. NeurIPS 2018.

    Examples
    --------
    >>> import warnings
    >>> from gramian.compat.svcca import compute_pwcca
    >>> acts = [[1, 0, -1, 2, 1], [0, 1, -1, 3, -3]]
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     value, weights, coefficients = compute_pwcca(acts, [[2, 3, 0, 8, -1]])
    >>> round(value, 9), weights
    (0.990624938, array([1.]))
    """
    first, second = as_pair(_NAMES, acts1, acts2, axis=1)
    # Dead neurons have no weight, and would leave the directions of others undetermined.
    first, second = (one[(one != one[:, :1]).any(axis=1)] for one in (first, second))
    found = get_cca_similarity(first, second, epsilon=epsilon)
    coefficients = found["cca_coef1"]
    if np.isnan(coefficients).all():
        return np.nan, np.full(len(coefficients), np.nan), coefficients
    is_first = found["x_idxs"].sum() <= found["y_idxs"].sum()
    letter, number, acts = ("x", "1", first) if is_first else ("y", "2", second)
    kept = found[f"{letter}_idxs"]
    means = found[f"neuron_means{number}"][kept]
    directions = found[f"coef_{letter}"] @ (acts[kept] - means) + means
    P, _ = np.linalg.qr(directions.T)
    weights = np.abs(P.T @ acts[kept].T).sum(axis=1)
    weights /= weights.sum()
    value = float(weights @ coefficients)
    if epsilon == 0:  # this also refuses dependent neurons, whose directions nobody chose
        value = gramian.pwcca(first.T, second.T, variant="google")
    warn(
        "compute_pwcca weighs as google/svcca does: its value changes when a constant is added to "
        "a neuron, and with the signs of singular vectors. gramian.pwcca(acts1.T, acts2.T) is the "
        "paper's."
    )
    return value, weights, coefficients


def _check(epsilon: float, threshold: float) -> None:
    if not epsilon >= 0:
        raise ValueError(f"epsilon must be >= 0, got {epsilon!r}.")
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold must be in [0, 1], got {threshold!r}.")


class _Side:
    """One layer, its neurons in rows: centered, and scaled so that the largest variance is 1."""

    def __init__(self, acts: Any, epsilon: float) -> None:
        acts = acts.astype(np.float64)
        self.acts = acts
        self.means = acts.mean(axis=1, keepdims=True)
        centered = acts - self.means
        centered[(acts == acts[:, :1]).all(axis=1)] = 0  # whose mean may be off by rounding
        variances = (centered**2).sum(axis=1) / (acts.shape[1] - 1)
        largest = float(variances.max(initial=0))
        self.kept = np.array(variances >= epsilon * largest) & (largest > 0)
        # Products of these columns are covariances, divided by the largest.
        scale = np.sqrt((acts.shape[1] - 1) * largest) if largest > 0 else 1.0
        self.columns = centered[self.kept].T / scale

        values, vectors = np.linalg.eigh(self.columns.T @ self.columns)
        values += epsilon
        # As in np.linalg.matrix_rank: what is smaller is rounding error, with no inverse.
        there = values > len(values) * np.finfo(np.float64).eps * values.max(initial=0)
        inverse = np.sqrt(np.divide(1, values, out=np.zeros_like(values), where=there))
        self.inverse_root: Array = (vectors * inverse) @ vectors.T

    def coefficients(self, rotation: Array, letter: str, number: str) -> dict[str, Any]:
        """Return a rotation, and what goes with it, under their keys."""
        return {
            f"coef_{letter}": rotation,
            f"invsqrt_{letter * 2}": self.inverse_root,
            f"full_coef_{letter}": self._of_all(rotation),
            f"full_invsqrt_{letter * 2}": self._of_all(self.inverse_root),
            f"neuron_means{number}": self.means,
        }

    def _of_all(self, matrix: Array) -> Array:
        full = np.zeros((len(self.kept), len(self.kept)))
        full[np.ix_(self.kept, self.kept)] = matrix
        return full


def _directions(side: _Side, coefficients: dict[str, Any], letter: str) -> Array:
    weights = coefficients[f"full_coef_{letter}"] @ coefficients[f"full_invsqrt_{letter * 2}"]
    found: Array = weights @ (side.acts - side.means) + side.means
    return found


def _cut(coefficients: Array, threshold: float) -> int | None:
    """Return how many leading ones make up a share of the sum; None for all."""
    total = coefficients.sum()
    sums = np.concatenate([[0.0], np.cumsum(coefficients)[:-1]])
    reached = np.flatnonzero(sums >= threshold * total)
    return int(reached[0]) if total > 0 and len(reached) else None


def _undefined(sides: list[_Side], compute_dirns: bool) -> dict[str, Any]:
    nothing = np.full(min(len(side.kept) for side in sides), np.nan)
    result: dict[str, Any] = {
        "cca_coef1": nothing,
        "cca_coef2": nothing,
        "x_idxs": sides[0].kept,
        "y_idxs": sides[1].kept,
        "mean": (np.nan, np.nan),
        "sum": (np.nan, np.nan),
    }
    if compute_dirns:
        for side, number in zip(sides, "12", strict=True):
            result[f"cca_dirns{number}"] = np.full(side.acts.shape, np.nan)
    return result
