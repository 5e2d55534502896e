"""The calls of google/svcca, neurons x datapoints, and the numbers that it gives."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from children import child

import gramian as gm
from gramian.compat import svcca

Array = np.ndarray
# By cca_core.py and pwcca.py of google/svcca, on the pairs of tests/inputs.py transposed, with
# numpy 2.4 and its OpenBLAS: epsilon, "mean" at thresholds .5, .98 and 1, "sum", the number of
# neurons kept, row 0 of the inverse root (first two), and the value of compute_pwcca. With .05 that
# fails on the second pair, where neurons are left out.
DEMO = [
    (0.0, (0.8179703429981513, 0.7310139587836586, 0.7310139587836586), 7.310139587836586, (10, 10),
     (1.290478119334, 0.038648341696), 0.7369822555836394),
    (1e-3, (0.8169173182071476, 0.7299702209737944, 0.7299702209737944), 7.299702209737943,
     (10, 10), (1.289335506363, 0.038554402036), 0.7359375690707081),
    (0.05, (0.769193287549148, 0.6825500891978831, 0.6825500891978831), 6.82550089197883, (10, 10),
     (1.237035795494, 0.034388731831), 0.6907467557062162),
]  # fmt: skip
FACTORS = [
    (0.0, (0.9939837735795426, 0.7265129717480401, 0.6646956285391514), 13.293912570783029,
     (20, 30), (2.801941496566, 0.480266355976), 0.9118090229635919),
    (1e-3, (0.9901975577598574, 0.7653068607127953, 0.6216044168550885), 12.43208833710177,
     (20, 30), (2.292673784241, 0.324659628492), 0.8566001002519842),
    (0.05, (0.9132197281965465, 0.8209150246266511, 0.6586331354692663), 9.879497032038994,
     (15, 24), (1.344410969608, 0.13737449487), None),
]  # fmt: skip
RECORDED = [("demo", *row) for row in DEMO] + [("factors", *row) for row in FACTORS]


def pair(name: str) -> tuple[Array, Array]:
    X, Y = inputs.demo_pair() if name == "demo" else inputs.factor_pair()
    return X.T, Y.T


@pytest.mark.parametrize(
    ("name", "epsilon", "means", "total", "kept", "root", "weighted"), RECORDED
)
def test_the_numbers_of_the_original(
    name: str,
    epsilon: float,
    means: tuple[float, ...],
    total: float,
    kept: tuple[int, int],
    root: tuple[float, float],
    weighted: float | None,
) -> None:
    acts = pair(name)
    for threshold, mean in zip((0.5, 0.98, 1.0), means, strict=True):
        found = svcca.get_cca_similarity(*acts, epsilon=epsilon, threshold=threshold)
        assert found["mean"] == pytest.approx((mean, mean), rel=0, abs=1e-11)
    assert found["sum"] == pytest.approx((total, total), rel=0, abs=1e-11)
    assert (found["x_idxs"].sum(), found["y_idxs"].sum()) == kept
    np.testing.assert_allclose(found["full_invsqrt_xx"][0, :2], root, rtol=0, atol=1e-9)
    if weighted is not None:
        with pytest.warns(RuntimeWarning, match="gramian.pwcca.* is the paper's"):
            value, weights, coefficients = svcca.compute_pwcca(*acts, epsilon=epsilon)
        assert value == pytest.approx(weighted, rel=0, abs=1e-9)
        assert weights @ coefficients == pytest.approx(value, rel=0, abs=1e-12)
        assert weights.sum() == pytest.approx(1, rel=0, abs=1e-14)


def test_the_calls_of_the_tutorial() -> None:
    """A toy example, then SVCCA by hand: `gm.svcca` in many lines."""
    shown = child(
        """
        import numpy as np
        from gramian.compat import svcca as cca_core

        rng = np.random.default_rng(0)
        A_fake, B_fake = rng.standard_normal((50, 500)), rng.standard_normal((25, 500))
        results = cca_core.get_cca_similarity(A_fake, B_fake, verbose=True)
        print(*sorted(results.keys()))
        print(f"{np.mean(results['cca_coef1']):.4f}", f"{results['mean'][0]:.4f}")

        def svd_activations(acts, kept):
            centered = acts - np.mean(acts, axis=1, keepdims=True)
            U, s, V = np.linalg.svd(centered, full_matrices=False)
            return np.dot(s[:kept] * np.eye(kept), V[:kept])

        b = svd_activations(A_fake + 0, 20), svd_activations(A_fake[:30] + B_fake[0], 20)
        results = cca_core.get_cca_similarity(*b, epsilon=1e-10, verbose=False)
        import gramian as gm
        right = gm.svcca(A_fake.T, (A_fake[:30] + B_fake[0]).T, components=20)
        print(abs(np.mean(results["cca_coef1"]) - right) < 1e-8)
        """
    )
    keys, values, same = shown.splitlines()
    assert keys == (
        "cca_coef1 cca_coef2 coef_x coef_y full_coef_x full_coef_y full_invsqrt_xx full_invsqrt_yy "
        "invsqrt_xx invsqrt_yy mean neuron_means1 neuron_means2 sum x_idxs y_idxs"
    )
    assert [0.1 < float(value) < 0.4 for value in values.split()] == [True, True]
    assert same == "True"


@pytest.mark.parametrize("epsilon", [0.0, 0.05])
def test_directions_are_made_of_coefficients(epsilon: float) -> None:
    acts = pair("factors")
    found = svcca.get_cca_similarity(*acts, epsilon=epsilon, compute_dirns=True)
    rho = found["cca_coef1"]
    n = acts[0].shape[1]
    directions = []
    for one, letter, number in zip(acts, "xy", "12", strict=True):
        means = one.mean(axis=1, keepdims=True)
        np.testing.assert_array_equal(found[f"neuron_means{number}"], means)
        directions.append(found[f"cca_dirns{number}"] - means)
        weights = found[f"full_coef_{letter}"] @ found[f"full_invsqrt_{letter}{letter}"]
        np.testing.assert_allclose(directions[-1], weights @ (one - means), rtol=0, atol=1e-9)
        kept = found[f"{letter}_idxs"]
        assert found[f"coef_{letter}"].shape == (kept.sum(), kept.sum())
        identity = found[f"coef_{letter}"] @ found[f"coef_{letter}"].T
        np.testing.assert_allclose(identity, np.eye(kept.sum()), rtol=0, atol=1e-12)
    x, y = directions
    r = len(rho)
    scale = np.sqrt(np.cov(acts[0]).max() * np.cov(acts[1]).max()) * (n - 1)
    # Where neurons are left out, directions of all are in the first rows by np.place only.
    if epsilon == 0:
        np.testing.assert_allclose((x[:r] * y[:r]).sum(axis=1) / scale, rho, rtol=0, atol=1e-9)


def test_without_coefficients() -> None:
    """Directions without coefficients, which the original lets fail."""
    found = svcca.get_cca_similarity(*pair("demo"), compute_coefs=False, compute_dirns=True)
    assert set(found) == {
        "cca_coef1", "cca_coef2", "cca_dirns1", "cca_dirns2", "mean", "sum", "x_idxs", "y_idxs",
    }  # fmt: skip


def test_dead_and_duplicated_neurons() -> None:
    """The SVD of google/svcca does not converge on the first; correlations are as without them."""
    a, b = pair("demo")
    more = np.concatenate([a, np.full((1, 100), 3.0), a[:2]])
    found, plain = (svcca.get_cca_similarity(one, b)["cca_coef1"] for one in (more, a))
    np.testing.assert_allclose(found, plain, rtol=0, atol=1e-13)
    with pytest.warns(RuntimeWarning, match="compute_pwcca weighs"):
        dead = svcca.compute_pwcca(np.concatenate([a, np.full((1, 100), 3.0)]), b)
    with pytest.warns(RuntimeWarning, match="compute_pwcca weighs"):
        alive = svcca.compute_pwcca(a, b)
    assert dead[0] == pytest.approx(alive[0], rel=0, abs=1e-12)
    with pytest.raises(ValueError, match="needs linearly independent units: X has rank 10 and 12"):
        svcca.compute_pwcca(np.concatenate([a, a[:2]]), b)


def test_the_second_layer_has_fewer_neurons() -> None:
    """Its activations are then weighed by, as gramian.pwcca does; the original stops there."""
    b, a = pair("factors")
    with pytest.warns(RuntimeWarning, match="compute_pwcca weighs"):
        value, weights, _ = svcca.compute_pwcca(a, b)
    expected = gm.pwcca(a.T, b.T, variant="google")
    assert value == pytest.approx(expected, rel=0, abs=1e-12)
    assert len(weights) == 20


def test_weights_of_activations_that_are_not_centered() -> None:
    """What the warning of compute_pwcca says."""
    a, b = pair("demo")
    with pytest.warns(RuntimeWarning, match="changes when a constant is added to a neuron"):
        moved = svcca.compute_pwcca(a + 10, b)
    assert abs(moved[0] - 0.7369822556) > 1e-3
    paper = [gm.pwcca(one.T, b.T) for one in (a, a + 10)]
    assert paper[0] == pytest.approx(paper[1], rel=0, abs=1e-12)


def test_what_cannot_be_compared() -> None:
    a, b = pair("demo")
    with pytest.warns(RuntimeWarning, match="acts2 has no neuron that varies by epsilon"):
        found = svcca.get_cca_similarity(a, np.full_like(b, 0.1), compute_dirns=True)
    assert np.isnan(found["mean"]).all()
    assert np.isnan(found["cca_coef1"]).all()
    assert np.isnan(found["cca_dirns1"]).all()
    with pytest.warns(RuntimeWarning, match="acts1 has no neuron"):
        assert np.isnan(svcca.compute_pwcca(np.ones_like(a), b)[0])
    with pytest.raises(ValueError, match=r"acts1 must have more datapoints \(columns\) than"):
        svcca.get_cca_similarity(a.T, b.T)
    with pytest.raises(ValueError, match=r"epsilon must be >= 0, got -1\."):
        svcca.get_cca_similarity(a, b, epsilon=-1)
    with pytest.raises(ValueError, match=r"threshold must be in \[0, 1\], got 2\."):
        svcca.get_cca_similarity(a, b, threshold=2)


def test_the_robust_one_says_that_its_numbers_are_others() -> None:
    """The original keeps one neuron of ten on this pair, and returns a mean of 0.3753."""
    acts = pair("demo")
    with pytest.warns(RuntimeWarning, match="gives its threshold to get_cca_similarity as the eps"):
        found = svcca.robust_cca_similarity(*acts, threshold=0.98, epsilon=1e-6, verbose=False)
    assert found["mean"][0] == pytest.approx(0.731013958784, rel=0, abs=1e-11)
    assert "cca_dirns1" in found
