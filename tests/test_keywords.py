"""Keywords as people type them: in any case, misspelled, by another name, of other libraries."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from calls import ALL, COMPARES, OF_KERNELS, PAIRS, Call, each, numbers
from ids import plain

import gramian as gm
from gramian._input.options import did_you_mean, same_word
from gramian._measures.registry import COMPARES as KEYWORDS
from gramian._measures.registry import MEASURES

X, Y = np.random.default_rng(0).standard_normal((2, 30, 4))
RAISED = [str.upper, str.title, lambda word: word.replace("_", "-"), lambda word: f" {word} "]


@pytest.mark.parametrize("name", MEASURES)
def test_measures_in_any_case(name: str) -> None:
    if name.startswith("match"):
        pytest.importorskip("scipy")
    expected = gm.compare([X], [Y], measure=name)  # type: ignore[arg-type]
    for change in RAISED:
        found = gm.compare([X], [Y], measure=change(name))  # type: ignore[arg-type]
        assert found == expected


CHOICES = [
    (call, option.name, choice)
    for row in MEASURES.values()
    for call in PAIRS
    if call.function == row.function.__name__
    for option in row.options
    for choice in option.choices
]


@pytest.mark.parametrize(("call", "name", "choice"), CHOICES, ids=lambda v: plain(str(v)))
def test_options_in_any_case(call: Call, name: str, choice: str) -> None:
    """By the functions, their references and in maps."""
    arrays = (X @ X.T, Y @ Y.T) if choice == "precomputed" else (X, Y)
    expected = numbers(call(*arrays, **{name: choice}))
    np.testing.assert_array_equal(numbers(call(*arrays, **{name: choice.upper()})), expected)


def test_other_words_in_any_case() -> None:
    images = np.random.default_rng(0).standard_normal((9, 3, 2, 2))
    expected = gm.cka(images, images[::-1], layout="nchw", positions="mean")
    assert gm.cka(images, images[::-1], layout="NCHW", positions="Mean") == expected
    assert gm.cka(images, images, layout="Flatten") == gm.cka(images, images, layout="flatten")
    found = gm.compare([X], inference="Jackknife", nan_policy="RAISE")  # type: ignore[arg-type]
    assert found.inference is not None
    assert found.inference.method == "jackknife"


TYPOS: dict[str, tuple[dict[str, Any], str]] = {
    "measure": ({"measure": "ckaa"}, "cka"),
    "kernel": ({"kernel": "rbff"}, "rbf"),
    "side": ({"measure": "pwcca", "side": "maen"}, "mean"),
    "variant": ({"measure": "pwcca", "variant": "googel"}, "google"),
    "denominator": ({"measure": "cca", "denominator": "feature"}, "features"),
    "nan_policy": ({"nan_policy": "propagates"}, "propagate"),
    "inference": ({"inference": "bootstrp"}, "bootstrap"),
    "layout": ({"layout": "flaten"}, "flatten"),
    "positions": ({"layout": "nchw", "positions": "sample"}, "samples"),
}


@each(COMPARES)
@pytest.mark.parametrize("name", TYPOS)
def test_did_you_mean(call: Call, name: str) -> None:
    options, meant = TYPOS[name]
    with pytest.raises(ValueError, match=rf"^{name} must be .* Did you mean '{meant}'\?$"):
        call(**options)


@each([call for call in ALL if call not in COMPARES])
def test_keywords_that_are_misspelled(call: Call) -> None:
    """Every keyword of every function with its middle letters in the other order."""
    for name in inspect.signature(call.target).parameters:
        if len(name) < 6 or name in ("options", "n_permutations", "n_resamples", "n_clusters"):
            continue  # which a call needs
        wrong = f"{name[:2]}{name[3]}{name[2]}{name[4:]}"
        if wrong != name:
            with pytest.raises(TypeError, match=rf"got '{wrong}'|has no argument '{wrong}'") as got:
                call(**{wrong: None})
            assert f"Did you mean '{name}'?" in str(got.value)


@each(COMPARES)
def test_keywords_of_maps_that_are_misspelled(call: Call) -> None:
    misspelled = {"debaised": "debiased", "inferense": "inference", "kernl": "kernel"}
    for wrong, meant in misspelled.items():
        with pytest.raises(TypeError, match=rf"got '{wrong}'\. Did you mean '{meant}'\?$"):
            call(**{wrong: True})
    with pytest.raises(TypeError, match=r"'pwcca' takes .* It is an option of 'cka', 'hsic'"):
        call(measure="pwcca", kernel="rbf")


def test_what_compare_takes_besides_options() -> None:
    parameters = inspect.signature(gm.compare).parameters.values()
    names = [one.name for one in parameters if one.kind == one.KEYWORD_ONLY]
    assert sorted(KEYWORDS) == sorted(names)


CURES = {
    "n_jobs": (gm.cka, r"cka\(\) has no argument 'n_jobs'\. Call gramian\.set_num_threads\(n\)"),
    "random_state": (gm.cka, "Nothing in it is random"),
    "random_state ": (gm.bootstrap, "It is called 'rng' here"),
    "random_state  ": (gm.cluster_units, "It is called 'seed' here"),
    "n_components": (gm.svcca, "It is called 'components' here"),
    "threshold": (gm.svcca, "It is called 'variance' here"),
    "verbose": (gm.jackknife, "It is called 'progress' here"),
    "gamma": (gm.cka, r"is sigma=\(2 \* gamma\) \*\* -0\.5"),
    "squared": (gm.bootstrap, "measure='svcca_squared'"),
    "cv": (gm.cca, "It is called 'cross_validate' here"),
}


@pytest.mark.parametrize("name", CURES)
def test_keywords_of_other_libraries(name: str) -> None:
    function, cure = CURES[name]
    with pytest.raises(TypeError, match=cure):
        function(X, Y, **{name.strip(): 1})


def test_a_word_is_like_another() -> None:
    assert same_word("Cca-Squared", ["cca", "cca_squared"]) == "cca_squared"
    assert same_word("svcca2", ["svcca"]) is None
    assert did_you_mean("svccca", ["cka", "svcca"]) == " Did you mean 'svcca'?"
    assert did_you_mean("mean squared error", ["cka", "svcca"]) == ""
    assert did_you_mean("c" * 10**6, ["cka"]) == ""


# Two words for the width of a kernel, and for the estimator.


@each(OF_KERNELS)
@pytest.mark.parametrize(("kernel", "kind"), [("rbf", gm.RBF), ("laplacian", gm.Laplacian)])
def test_sigma(call: Call, kernel: str, kind: Any) -> None:
    expected = numbers(call(kernel=kind(sigma=2.5)))
    np.testing.assert_array_equal(numbers(call(kernel=kernel, sigma=2.5)), expected)
    with pytest.raises(ValueError, match=rf"^give {kind.__name__} either sigma or bandwidth, got"):
        call(kernel=kernel, sigma=2.5, bandwidth=1.0)
    with pytest.raises(ValueError, match=r"^sigma is an option of kernel='rbf' and kernel='lapl"):
        call(kernel="linear", sigma=2.5)
    with pytest.raises(ValueError, match=r"^sigma must be finite and > 0, got 0\.$"):
        call(kernel=kernel, sigma=0)


def test_sigma_in_results() -> None:
    options = gm.compare([X], kernel="rbf", sigma=2).options
    assert options == gm.compare([X], kernel=gm.RBF(sigma=2)).options
    assert options["sigma"] == 2.0
    by_draws = {"kernel": "rbf", "n_permutations": 9, "rng": 0}
    by_word = gm.permutation_test(X, Y, sigma=2, **by_draws)  # type: ignore[arg-type]
    by_draws["kernel"] = gm.RBF(sigma=2)
    assert by_word == gm.permutation_test(X, Y, **by_draws)  # type: ignore[arg-type]
    acc = gm.Accumulator("cka", debiased=True)
    other = gm.Accumulator("cka", unbiased=True)
    for one in (acc, other):
        one.update(X, Y)
    assert acc.compute() == other.compute()


BOTH = [call for call in PAIRS if call.takes("debiased", "unbiased")]


def test_both_words_are_taken() -> None:
    assert {call.function for call in BOTH} >= {
        "cka",
        "hsic",
        "cka_distance",
        "distance_correlation",
    }


@each(BOTH)
def test_one_word_for_the_estimator_is_as_good_as_the_other(call: Call) -> None:
    unbiased = call(unbiased=True)
    assert call(debiased=True) == unbiased != call()
    assert call(debiased=True, unbiased=True) == unbiased
    assert call(debiased=False, unbiased=False) == call()


def test_the_estimator_in_results() -> None:
    """By the name that the measure has for it."""
    for measure, word in (("cka", "debiased"), ("hsic", "unbiased")):
        for given in ("debiased", "unbiased"):
            S = gm.compare([X], [Y], measure=measure, **{given: True})  # type: ignore[arg-type]
            assert {name for name in S.options if name.endswith("biased")} == {word}
            assert S.options[word] is True


# Distances, which are no kernel.


def distances(X: np.ndarray) -> np.ndarray:
    return np.sqrt(((X[:, None] - X) ** 2).sum(axis=2))


@each(OF_KERNELS)
def test_distances_are_no_kernel(call: Call) -> None:
    D, E = distances(X), distances(Y)
    for of_x, of_y in ((D, E), (D**2, E**2), (D.astype("f4"), E.astype("f4"))):
        with pytest.raises(ValueError, match=r"must hold values of a kernel .* -D\*\*2 / 2 is"):
            call(of_x, of_y, kernel="precomputed")


def test_the_cures_of_distances() -> None:
    """Each is the kernel that the message says."""
    D, E = distances(X), distances(Y)
    assert gm.cka(-(D**2) / 2, -(E**2) / 2, kernel="precomputed") == pytest.approx(gm.cka(X, Y))
    found = gm.cka(np.exp(-(D**2) / 8), np.exp(-(E**2) / 8), kernel="precomputed")
    assert found == pytest.approx(gm.cka(X, Y, kernel="rbf", sigma=2))
    found = gm.cka(-D, -E, kernel="precomputed")
    assert found == pytest.approx(gm.distance_correlation(X, Y) ** 2)


def test_kernels_that_look_like_distances_are_taken() -> None:
    """Those with anything on the diagonal, or below 0; and nothing at all."""
    K = distances(X)
    K[3, 3] = 1e-9
    gm.cka(K, K, kernel="precomputed")
    assert gm.hsic(np.zeros((9, 9)), np.zeros((9, 9)), kernel="precomputed") == 0


def test_distances_in_maps_cost_no_others() -> None:
    with pytest.warns(RuntimeWarning, match=r"A\['d'\] holds distances, and not values of"):
        S = gm.compare(
            {"d": distances(X), "k": X @ X.T}, kernel="precomputed", nan_policy="propagate"
        )
    assert np.isnan(S.values).tolist() == [[True, True], [True, False]]


# What is there, and where.


def test_modules_are_there() -> None:
    from gramian import reference

    assert gm.reference is reference
    assert gm.typing.MeasureName
    assert gm.compat.__name__ == "gramian.compat"
    with pytest.raises(AttributeError, match=r"^module 'gramian' has no attribute 'refrence_'"):
        gm.refrence_  # type: ignore[attr-defined]  # noqa: B018


def test_names_are_public() -> None:
    assert set(dir(gm)) == {*gm.__all__, "compat", "reference", "typing"}


def test_table_of_measures() -> None:
    table = gm.measures()
    assert table == list(MEASURES)
    assert isinstance(table, list)
    assert "\n" not in repr(table)
    lines = str(table).splitlines()
    assert len(lines) == len(MEASURES) + 1
    by_name = {line.split()[0]: line for line in lines[1:]}
    assert "0 to π/2" in by_name["cka_distance"]
    assert "distance" in by_name["procrustes_distance"]
    assert " no " in by_name["pwcca"]
    for name, row in MEASURES.items():
        assert row.citation in by_name[name]
        for option in row.options:
            assert option.name in by_name[name]
    html = table._repr_html_()
    assert html.count("<tr>") == len(lines)
    assert "denominator=&#x27;features&#x27;" in html


def test_table_of_measures_as_a_frame() -> None:
    pytest.importorskip("pandas")
    frame = gm.measures().to_pandas()
    assert list(frame.index) == list(MEASURES)
    assert frame.loc["hsic", "range"] == "0 to ∞"
