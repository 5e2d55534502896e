"""What hangs on a choice that nothing decides is marked, or warned of."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from test_cca import call

import gramian as gm

Array = np.ndarray


def apart(n: int) -> tuple[Array, Array]:
    """X of 3 units and Y of 5, of which 3 are uncorrelated with all of X."""
    rng = np.random.default_rng(0)
    Q = rng.standard_normal((n, 8))
    Q -= Q.mean(axis=0)
    Q = np.linalg.qr(Q)[0]
    X = Q[:, :3]
    Y = np.column_stack([Q[:, 0] + Q[:, 3], Q[:, 1] + 2 * Q[:, 4], Q[:, 5], Q[:, 6] + Q[:, 5]])
    return X, np.column_stack([Y, Y[:, 0] + Q[:, 7]])


def test_pwcca_marks_ties_with_unmatched_directions(implementation: str) -> None:
    """A third correlation of 0: its variate of Y is any direction that X has no match for."""
    X, Y = apart(60)
    for side, ambiguous in (("x", False), ("y", True), ("mean", True)):
        result = call("pwcca", implementation, X, Y, side=side, full_output=True)
        assert result.correlations[-1] < 1e-12
        assert result.ambiguous == ambiguous, side
    with pytest.warns(RuntimeWarning, match="tied canonical correlations"):
        call("pwcca", implementation, X, Y, side="y")


def test_svcca_warns_of_a_cut_through_a_tie(implementation: str) -> None:
    X = np.kron(np.eye(4), np.ones((6, 1)))  # labels of four classes of 6: three equal directions
    Y = inputs.pair(24, 3, 5)[1]
    message = r"^X has tied singular values on both sides of the cut: SVCCA depends on which"
    with pytest.warns(RuntimeWarning, match=message):
        call("svcca", implementation, X, Y, components=2)
    call("svcca", implementation, X, Y, components=3)
    with pytest.warns(RuntimeWarning, match=message):
        call("svcca", implementation, X, Y, variance=0.6)


def test_cross_validated_cca_warns_of_saturated_folds(implementation: str) -> None:
    X, Y = inputs.pair(40, 18, 14)
    message = r"^X and Y have ranks that add up to more than the 30 samples of a fit less 1"
    with pytest.warns(RuntimeWarning, match=message):
        call("cca", implementation, X, Y, cross_validate=4)
    call("cca", implementation, X, Y[:, :10], cross_validate=4)
    call("cca", implementation, X, Y, cross_validate=4, regularization=0.1)


def test_maps_warn_once_of_saturated_folds(device: str) -> None:
    A = [inputs.pair(40, 18, 14, seed=k)[0] for k in range(3)]
    message = r"^A\['0'\] and A\['0'\] have ranks .* \(and so for 5 more pairs\)\.$"
    with pytest.warns(RuntimeWarning, match=message) as caught:
        gm.compare(A, measure="cca", cross_validate=4, device=device)
    assert len(caught) == 1
