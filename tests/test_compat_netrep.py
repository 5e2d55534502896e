"""The calls of netrep's README, and the numbers that it gives."""

from __future__ import annotations

import inputs
import numpy as np
import pytest
from children import child

import gramian as gm
from gramian.compat.netrep import LinearMetric, pairwise_distances

# By netrep/metrics/linear.py, on the pairs of tests/inputs.py: alpha, center_columns, score_method,
# then fit_score of all samples, and the score of the second half fitted to the first.
DEMO = [
    (1.0, True, "angular", 0.743276476121, 0.837566930578),
    (1.0, True, "euclidean", 30.083272229053, 23.20856344146),
    (0.5, True, "angular", 0.742966091678, 0.838748645295),
    (0.5, True, "euclidean", 30.07368399456, 23.491669660275),
    (0.0, True, "angular", 0.750989603237, 0.870788404663),
    (0.0, True, "euclidean", 30.321597777618, 26.960563512627),
    (1.0, False, "angular", 0.744460846122, 0.843004769727),
    (1.0, False, "euclidean", 30.35789476567, 22.911044995851),
    (0.5, False, "angular", 0.744254639889, 0.843611690017),
    (0.5, False, "euclidean", 30.351503426097, 23.203789317696),
    (0.0, False, "angular", 0.753196448027, 0.870947010642),
    (0.0, False, "euclidean", 30.628727690188, 26.775088617688),
]
FACTORS = [
    (1.0, True, "angular", 0.622966175333, 0.636537830762),
    (1.0, True, "euclidean", 336.637681030258, 247.051966111612),
    (0.5, True, "angular", 0.620843762613, 0.633820084831),
    (0.0, True, "angular", 0.997122131359, 1.114004912084),
    (1.0, False, "angular", 0.64244186283, 0.657476677304),
    (1.0, False, "euclidean", 353.906235160758, 259.079534429581),
    (0.5, False, "angular", 0.639972022517, 0.654171322941),
    (0.0, False, "angular", 0.958614966996, 1.07388674685),
]
# There columns of zeros count, and Euclidean distances for alpha < 1 are too small:
PADDED = [(0.5, 335.721305885414), (0.0, 431.587194948084)]
RECORDED = [("demo", *row) for row in DEMO] + [("factors", *row) for row in FACTORS]


def pair(name: str) -> tuple[np.ndarray, np.ndarray]:
    return inputs.demo_pair() if name == "demo" else inputs.factor_pair()


@pytest.mark.parametrize(("name", "alpha", "center", "method", "whole", "held_out"), RECORDED)
def test_the_numbers_of_the_original(
    name: str, alpha: float, center: bool, method: str, whole: float, held_out: float
) -> None:
    X, Y = pair(name)
    metric = LinearMetric(alpha=alpha, center_columns=center, score_method=method)
    half = len(X) // 2
    assert metric.fit_score(X, Y) == pytest.approx(whole, rel=1e-11, abs=0)
    assert metric.fit(X, Y).score(X, Y) == pytest.approx(whole, rel=1e-11, abs=0)
    found = metric.fit(X[:half], Y[:half]).score(X[half:], Y[half:])
    assert found == pytest.approx(held_out, rel=1e-11, abs=0)


@pytest.mark.parametrize(("alpha", "theirs"), PADDED)
def test_padding_has_no_variance(alpha: float, theirs: float) -> None:
    X, Y = inputs.factor_pair()
    metric = LinearMetric(alpha=alpha, score_method="euclidean")
    with pytest.warns(
        RuntimeWarning, match="counts the columns of zeros that pad a representation"
    ):
        found = metric.fit_score(X, Y)
    assert found > theirs
    aligned = metric.transform(X, Y)
    for before, after in zip((X, Y), aligned, strict=True):
        norm = np.linalg.norm(before - before.mean(axis=0))
        assert np.linalg.norm(after) == pytest.approx(norm, rel=1e-12, abs=0)
    assert np.linalg.norm(aligned[0] - aligned[1]) == pytest.approx(found, rel=1e-12, abs=0)


def test_the_calls_of_the_readme() -> None:
    shown = child(
        """
        import numpy as np
        from gramian.compat.netrep import LinearMetric, pairwise_distances
        from sklearn.model_selection import cross_validate

        rng = np.random.default_rng(0)
        Xs = [rng.standard_normal((60, width)) for width in (5, 5, 7)]
        X, Y, _ = Xs

        proc_metric = LinearMetric(alpha=1.0, center_columns=True)
        cca_metric = LinearMetric(alpha=0.0, center_columns=True)
        for metric in (proc_metric, cca_metric):
            metric.fit(X, Y)
            dist = metric.score(X, Y)
            metric.fit(X[:30], Y[:30])
            print(dist < metric.score(X[30:], Y[30:]))
            results = cross_validate(metric, X, Y, return_train_score=True, cv=10)
            print(results["train_score"].mean() < results["test_score"].mean())
            metric.fit(X, Y)
            X_aligned, Y_aligned = metric.transform(X, Y)
            print(X_aligned.shape == Y_aligned.shape == X.shape)

        LinearMetric(alpha=1.0, zero_pad=True).fit(X, Xs[2])
        try:
            LinearMetric(alpha=1.0, zero_pad=False).fit(X, Xs[2])
        except ValueError as error:
            print("zero_pad" in str(error))

        dist_matrix = pairwise_distances(proc_metric, Xs, verbose=False)
        print(dist_matrix.shape == (3, 3), (dist_matrix == dist_matrix.T).all())
        splitdata = [np.array_split(X, 2) for X in Xs]
        traindata = [X_train for (X_train, X_test) in splitdata]
        testdata = [X_test for (X_train, X_test) in splitdata]
        train, test = pairwise_distances(proc_metric, traindata, testdata=testdata)
        print((train <= test).all())
        train, test = proc_metric.pairwise_distances(traindata)
        print(np.isinf(test).sum() == 6)
        """,
        environment={"PYTHONWARNINGS": "ignore"},
    )
    assert set(shown.split()) == {"True"}


@pytest.mark.parametrize("method", ["angular", "euclidean"])
@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_all_pairs_are_those_one_by_one(method: str, alpha: float) -> None:
    X, Y = inputs.demo_pair()
    data = [X, Y, X * 3 + 1, np.column_stack([Y[:, :9], X[:, 0]])]
    metric = LinearMetric(alpha=alpha, score_method=method)
    halves = [one[:50] for one in data], [one[50:] for one in data]
    whole, held_out = pairwise_distances(metric, *halves)
    for i in range(4):
        for j in range(i):
            metric.fit(halves[0][i], halves[0][j])
            expected = [metric.score(half[i], half[j]) for half in halves]
            assert whole[i, j] == pytest.approx(expected[0], rel=1e-9, abs=1e-9)
            assert held_out[j, i] == pytest.approx(expected[1], rel=1e-9, abs=1e-9)
    assert not whole.diagonal().any()
    assert not held_out.diagonal().any()


def test_the_angle_of_what_is_equal_has_all_its_digits() -> None:
    X, _ = inputs.demo_pair()
    metric = LinearMetric().fit(X, X)
    assert metric.score(X, X) < 1e-14
    assert LinearMetric(score_method="euclidean").fit_score(X, X) < 1e-12


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_numbers_do_not_depend_on_units_of_measurement(scale: float) -> None:
    """netrep's clip of eigenvalues at 1e-7 makes .7531 of this into .7435 at 1e-6."""
    X, Y = inputs.demo_pair()
    metric = LinearMetric(alpha=0.0)
    expected = gm.shape_distance(X, Y, alpha=0.0)
    if scale < 1:
        with pytest.warns(RuntimeWarning, match="netrep takes eigenvalues below 1e-07"):
            found = metric.fit_score(X * scale, Y * scale)
    else:
        found = metric.fit_score(X * scale, Y * scale)
    assert found == pytest.approx(expected, rel=1e-12, abs=0)


def test_more_units_than_samples() -> None:
    """Held-out samples have directions that were not whitened, and are not blown up."""
    X, Y = np.random.default_rng(0).standard_normal((2, 30, 40))
    metric = LinearMetric(alpha=0.0, score_method="euclidean")
    with pytest.warns(RuntimeWarning, match="varies little or not in some directions"):
        metric.fit(X[:20], Y[:20])
    held_out = [one[20:] for one in (X, Y)]
    norms = [np.linalg.norm(one) for one in metric.transform(*held_out)]
    assert max(norms) < 2 * max(np.linalg.norm(one) for one in held_out)


def test_what_is_refused() -> None:
    X, Y = inputs.demo_pair()
    with pytest.raises(ValueError, match=r"alpha must be between 0 and 1, got 2\."):
        LinearMetric(alpha=2)
    with pytest.raises(ValueError, match="score_method must be 'angular' or 'euclidean', got 'l1'"):
        LinearMetric(score_method="l1")
    with pytest.raises(ValueError, match="must be fitted before it aligns"):
        LinearMetric().transform(X, Y)
    with pytest.raises(ValueError, match="X must have the 10 units that were fitted, got 11"):
        LinearMetric().fit(X, Y).transform_X(np.ones((4, 11)))
    with pytest.raises(ValueError, match="testdata must have as many representations as traindata"):
        pairwise_distances(LinearMetric(), [X, Y], [X])
    with pytest.raises(ValueError, match="X must be finite: it holds NaN or infinity"):
        LinearMetric().fit(X * np.nan, Y)
    with pytest.warns(RuntimeWarning, match="X is constant: its distance is undefined"):
        assert np.isnan(LinearMetric().fit(X * 0, Y).score(X * 0, Y))
    with pytest.raises(
        ValueError, match="must have the same number of units with zero_pad=False, got 3 and 10"
    ):
        pairwise_distances(LinearMetric(zero_pad=False), [X, Y[:, :3]])
