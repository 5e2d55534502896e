"""Every measure on every device against the reference: sizes, layouts, dtypes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import inputs
import numpy as np
import pytest
from ids import plain
from variants import KERNELS, Variant, assert_agrees, tolerance, variants

import gramian as gm
from gramian import reference

pytestmark = pytest.mark.usefixtures("remarks_of_cca")


@pytest.mark.parametrize("n", inputs.SIZES)
def test_sizes(kernel_measure: Variant, device: str, dtype: str, n: int) -> None:
    for p, q in inputs.widths(n).values():
        if p == 1 and kernel_measure.options.get("kernel") == "cosine":
            continue  # of one feature, only the sign is left
        X, Y = inputs.pair(n, p, q, dtype)
        if n < kernel_measure.least_samples:
            with pytest.raises(ValueError, match=r"at least 4 samples for the unbiased estimator"):
                kernel_measure(X, Y, device)
            continue
        # Exponents of -12 and below multiply the error of d²: 136 eps measured with 4 samples.
        slack = 2 if "at_0p2" in kernel_measure.name else 1
        assert_agrees(kernel_measure, X, Y, device, dtype, slack)


def awkward_cases() -> Iterator[Any]:
    """Every measure with every awkward input for which it is defined to all digits."""
    for measure in variants():
        for name in inputs.AWKWARD:
            # Far from the origin all angles are alike, and no digit tells them apart.
            lost = name.startswith("offset") and "translation" not in measure.invariances
            # Dead units, ties and iterations are in the tests of units.
            if measure.measure.family != "units" and not lost:
                yield pytest.param(measure, name, id=plain(f"{measure.name}-{name}"))


@pytest.mark.filterwarnings("ignore:.*R² and correlation of constant units:RuntimeWarning")
@pytest.mark.parametrize(("measure", "name"), list(awkward_cases()))
def test_awkward(measure: Variant, device: str, dtype: str, name: str) -> None:
    # A float64 mean at 1e4 is rounded by 1e4 eps, which the debiased value sees: 113 eps measured.
    slack = 10 if name == "offset 1e4" and dtype == "float64" else 1
    X, Y = inputs.awkward(name, dtype)
    assert_agrees(measure, X, Y, device, dtype, slack)
    assert_agrees(measure, Y, X, device, dtype, slack)


@pytest.mark.parametrize("layout", inputs.LAYOUTS)
def test_layouts(measure: Variant, device: str, dtype: str, layout: str) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    expected = measure.score(measure(X, Y, device))
    atol = tolerance(dtype, measure.scale(X, Y))
    rearranged = inputs.LAYOUTS[layout]
    for arrays in ((rearranged(X), Y), (X, rearranged(Y))):
        assert measure.score(measure(*arrays, device)) == pytest.approx(expected, rel=0, abs=atol)


def test_zero_strides(measure: Variant, device: str, dtype: str) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    repeated = np.broadcast_to(X[:, :1], X.shape)
    assert repeated.strides[1] == 0
    assert_agrees(measure, repeated, Y, device, dtype)


def test_memory_map(measure: Variant, device: str, dtype: str, tmp_path: Path) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    np.save(tmp_path / "x.npy", X)
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    assert measure(mapped, Y, device) == measure(X, Y, device)


def test_inputs_are_left_alone(measure: Variant, implementation: str, dtype: str) -> None:
    X, Y = inputs.pair(65, 7, 9, dtype)
    X, Y = np.asfortranarray(X) + 5, Y - 5
    before = X.copy(), Y.copy()
    measure(X, Y, implementation)
    assert np.array_equal(X, before[0])
    assert np.array_equal(Y, before[1])


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]
ELEMENTS = {"bool": "float32", "float16": "float32"} | {
    name: "float32" if name.endswith(("8", "16")) else "float64" for name in INTEGERS
}


@pytest.mark.parametrize("element", ELEMENTS)
def test_elements(measure: Variant, device: str, element: str) -> None:
    """16 bits and fewer are computed in float32, the rest in float64."""
    X, Y = inputs.pair(65, 7, 9)
    X, Y = (
        (array > 0 if element == "bool" else np.round(3 * array + 100)).astype(element)
        for array in (X, Y)
    )
    assert_agrees(measure, X, Y, device, ELEMENTS[element])


def test_half_precision_fractions(measure: Variant, device: str) -> None:
    assert_agrees(measure, *inputs.pair(65, 7, 9, "float16"), device, "float32")


@pytest.mark.parametrize("mixed", [("float32", "float64"), ("float16", "int64")])
def test_mixed_dtypes(measure: Variant, device: str, mixed: tuple[str, str]) -> None:
    X, Y = inputs.pair(65, 7, 9)
    assert_agrees(measure, X.astype(mixed[0]), (3 * Y).astype(mixed[1]), device, "float32")


def test_array_likes(implementation: str) -> None:
    """Nested lists, anything with __array__, pandas."""
    X, Y = inputs.pair(20, 3, 4)

    class Wrapped:
        def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
            return X

    expected = gm.cka(X, Y, device=implementation)
    assert gm.cka(X.tolist(), Y, device=implementation) == expected
    assert gm.cka(Wrapped(), Y, device=implementation) == expected
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X)
    assert gm.cka(frame, Y, device=implementation) == pytest.approx(expected, rel=1e-13)


def test_bfloat16_of_ml_dtypes(measure: Variant, implementation: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    X, Y = (array.astype(ml_dtypes.bfloat16) for array in inputs.pair(65, 7, 9))
    values = X.astype("float64"), Y.astype("float64")
    expected = measure.score(measure(*values, "reference"))
    atol = tolerance("float32", measure.scale(*values))
    got = measure.score(measure(X[::2], Y[::2], implementation))
    expected = measure.score(measure(values[0][::2], values[1][::2], "reference"))
    assert got == pytest.approx(expected, rel=0, abs=atol)


@pytest.mark.parametrize("layout", inputs.LAYOUTS)
@pytest.mark.parametrize("debiased", [False, True], ids=["biased", "debiased"])
@pytest.mark.parametrize("n", [4, 65, 257])
def test_precomputed(device: str, dtype: str, n: int, debiased: bool, layout: str) -> None:
    K, L = (
        inputs.LAYOUTS[layout](reference.gram(array, kernel="rbf").astype(dtype))
        for array in inputs.pair(n, 5, 300)
    )
    options = {"kernel": "precomputed", "debiased": debiased}
    expected = reference.cka(K, L, **options)
    got = gm.cka(K, L, **options, device=device)
    assert got == pytest.approx(expected, rel=0, abs=tolerance(dtype))


def least_memory(X: Any, Y: Any, **options: Any) -> float:
    """What a comparison takes beyond its inputs, or copies of these, if it is given nothing."""
    copies = 0 if options["device"] == "cpu" else X.nbytes + Y.nbytes
    return gm.plan([X], [Y], max_memory=1, **options).memory - copies


def test_what_does_not_fit_is_refused(measure: Variant, device: str, dtype: str) -> None:
    """Before it starts, with layers, sizes and bytes."""
    X, Y = inputs.pair(300, 20, 310, dtype)
    options = measure.options | {"measure": measure.measure.name, "device": device}
    least = least_memory(X, Y, **options)
    told: list[Any] = []
    message = (
        rf"^A\['0'\] \(300, 20\) and B\['0'\] \(300, 310\) would take {least:,.0f} bytes above the "
        r"inputs \(.+\), more than max_memory, 9 bytes\.$"
    )
    with pytest.raises(MemoryError, match=message):
        gm.compare([X], [Y], max_memory=9, progress=lambda *step: told.append(step), **options)
    assert not told
    gm.compare([X], [Y], max_memory=gm.plan([X], [Y], **options).memory + 1, **options)


def test_max_memory(kernel_measure: Variant, device: str, dtype: str) -> None:
    """With little memory: smaller tiles, fewer threads, distances formed twice."""
    X, Y = inputs.pair(300, 20, 310, dtype)
    options = kernel_measure.options | {"measure": kernel_measure.measure.name, "device": device}
    least = least_memory(X, Y, **options)
    expected = kernel_measure.score(kernel_measure(X, Y, device))
    atol = tolerance(dtype, kernel_measure.scale(X, Y))
    for share in (1, 4, 100, float("inf")):
        got = kernel_measure.score(kernel_measure(X, Y, device, max_memory=share * least))
        assert got == pytest.approx(expected, rel=0, abs=atol), share


@pytest.mark.parametrize("centered", [True, False], ids=["centered", "raw"])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("n", inputs.SIZES)
def test_gram(device: str, dtype: str, n: int, kernel: str, centered: bool) -> None:
    for p in (1, n, 2 * n + 1):
        X, _ = inputs.pair(n, p, 1, dtype)
        options = KERNELS[kernel] | {"centered": centered}
        expected = reference.gram(X, **options)
        got = gm.gram(X, **options, device=device)
        assert got.shape == (n, n)
        # The error of d², eps |x|², is divided by 2 sigma²: 110 eps measured at bandwidth .2.
        # Its root, where samples are close, as they are in one dimension: 4,700 eps.
        slack = 5 if kernel == "rbf_at_0p2" else 100 if kernel == "laplacian" and p == 1 else 1
        raw = reference.gram(X, **KERNELS[kernel], centered=False)
        atol = slack * tolerance(dtype, np.abs(raw).max())
        np.testing.assert_allclose(got, expected, rtol=0, atol=atol)
        np.testing.assert_array_equal(got, got.T)


@pytest.mark.parametrize("layout", inputs.LAYOUTS)
def test_gram_layouts(device: str, dtype: str, layout: str) -> None:
    X, _ = inputs.pair(65, 7, 9, dtype)
    expected = reference.gram(X, kernel="rbf")
    got = gm.gram(inputs.LAYOUTS[layout](X), kernel="rbf", device=device)
    np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance(dtype))


def layered(count: int, n: int, dtype: str) -> dict[str, np.ndarray]:
    """Layers of unequal widths, on both sides of n."""
    return {
        f"layer {i}": inputs.pair(n, p, 1, dtype, seed=7)[0]
        for i, p in enumerate(np.linspace(1, 2 * n, count, dtype=int).tolist())
    }


def test_compare_is_the_pairwise_calls(measure: Variant, implementation: str, dtype: str) -> None:
    A, B = layered(4, 40, dtype), [*layered(3, 40, "float64").values()]
    result = gm.compare(
        A, B, measure=measure.measure.name, **measure.options, device=implementation
    )
    assert result.values.shape == (4, 3)
    assert result.values.dtype == np.float64
    assert list(result.x_names) == list(A)
    assert list(result.y_names) == ["0", "1", "2"]
    assert result.measure == measure.measure.name
    assert result.n_samples == 40
    for i, x in enumerate(A.values()):
        for j, y in enumerate(B):
            expected = measure.score(measure(x, y, implementation))
            atol = tolerance(dtype, measure.scale(x, y))
            assert measure.score(result.values[i, j]) == pytest.approx(expected, rel=0, abs=atol)


def test_compare_with_itself(measure: Variant, device: str, dtype: str) -> None:
    A = layered(5, 40, dtype)
    options: dict[str, Any] = {"measure": measure.measure.name, **measure.options, "device": device}
    alone, twice = gm.compare(A, **options), gm.compare(A, A, **options)
    assert list(alone.x_names) == list(alone.y_names) == list(A)
    scale = max(measure.scale(x, x) for x in A.values())
    np.testing.assert_allclose(
        np.vectorize(measure.score)(alone.values),
        np.vectorize(measure.score)(twice.values),
        rtol=0,
        atol=tolerance(dtype, scale),
    )
    if measure.measure.symmetric:
        np.testing.assert_array_equal(alone.values, alone.values.T)


def test_many_layers(device: str) -> None:
    """More layers than one block of tiles holds."""
    A = layered(70, 66, "float32")
    values = gm.compare(A, kernel="rbf", debiased=True, device=device).values
    arrays = list(A.values())
    for i in range(0, 70, 9):
        for j in range(3, 70, 11):
            expected = reference.cka(arrays[i], arrays[j], kernel="rbf", debiased=True)
            assert values[i, j] == pytest.approx(expected, rel=0, abs=tolerance("float32"))
