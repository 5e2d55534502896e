"""What a call asks of a device, counted for every case of `bench/cases.py`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from hostcuda.device_array import DeviceArray
from hostcuda.standin import StandIn

import gramian as gm
from bench.cases import all_cases, layers
from gramian._measures.registry import MEASURES

pytestmark = [pytest.mark.cuda, pytest.mark.usefixtures("remarks_of_cca")]


class Counts(NamedTuple):
    """Kernels started, calls of cuBLAS and cuSOLVER, waits of the host, and bytes that are copied:
    on the device or to it, and to the host.
    """

    launches: int
    library: int
    waits: int
    copied: int
    to_host: int


# At an eighth of the rows and a sixteenth of the columns, arrays being on the device already.
MOST: dict[str, Counts] = {
    "cca": Counts(65, 135, 7, 7168, 4040),
    "cca-1e3": Counts(65, 135, 7, 7168, 4040),
    "cka_distance": Counts(22, 2, 3, 3128, 8736),
    "debiased": Counts(22, 2, 3, 25512, 44864),
    "distance_correlation": Counts(42, 4, 4, 4792, 92656),
    "float64": Counts(22, 2, 3, 31024, 44864),
    "float64-rbf": Counts(46, 4, 4, 20096, 104864),
    "hsic": Counts(22, 2, 3, 3128, 8736),
    "linear-map": Counts(242, 25, 3, 82944, 246912),
    "linear-pair": Counts(22, 2, 3, 30512, 91728),
    "linear_regression": Counts(23, 31, 5, 480, 824),
    "match_one_to_one": Counts(16, 1, 6, 256, 1024),
    "match_semi": Counts(17, 1, 6, 256, 896),
    "overhead": Counts(22, 2, 3, 2528, 7112),
    "procrustes": Counts(17, 57, 3, 229504, 776),
    "procrustes_distance": Counts(17, 57, 3, 229504, 776),
    "pwcca": Counts(65, 127, 7, 8960, 4552),
    "pwcca-map": Counts(1440, 2316, 7, 70656, 80256),
    "r2-cca": Counts(65, 135, 7, 7168, 4040),
    "rbf-map": Counts(518, 50, 4, 210720, 1506816),
    "rbf-pair": Counts(46, 4, 4, 22560, 136784),
    "rbf-pair-median": Counts(54, 6, 10, 9394608, 2657232),
    "ridge_regression": Counts(4, 0, 3, 0, 8640),
    "shape-distance": Counts(17, 57, 3, 14681088, 6152),
    "small-linear": Counts(22, 2, 3, 2528, 7112),
    "small-rbf": Counts(46, 6, 6, 4992, 170632),
    "sparse-path": Counts(19, 2, 8, 2048, 19456),
    "svcca-map": Counts(506, 888, 4, 6423280, 19776),
    "svcca_squared": Counts(20, 9, 3, 2688, 792),
    "wide": Counts(22, 2, 3, 7096, 28576),
}


def count(standin: StandIn, name: str) -> Counts:
    """Count what the second call of a case does."""
    case = all_cases()[name]
    small = replace(
        case, n=max(case.n // 8, 100), widths=tuple(max(p // 16, 8) for p in case.widths)
    )
    A, B = ([DeviceArray(standin, layer) for layer in model] for model in layers(small))
    row = MEASURES[case.measure]
    kernel: Any = case.kernel if case.sigma is None else gm.RBF(sigma=case.sigma / 4)
    options = case.options | ({"kernel": kernel} if "kernel" in row.option_names else {})

    def call() -> None:
        if case.pair:
            row.call(A[0], B[0], **options)
        else:
            gm.compare(A, B, measure=row.name, **options)

    call()
    standin.fail_at(0, 0)
    standin.copied_bytes(), standin.copied_out()
    call()
    names = standin.call_names()
    out = standin.copied_out()
    return Counts(
        names.count("cudaLaunchKernelExC"),
        sum(name.startswith(("cublas", "cusolver")) for name in names),
        names.count("cudaStreamSynchronize"),
        standin.copied_bytes() - out,
        out,
    )


@pytest.mark.parametrize("name", all_cases())
def test_bench_cases(standin: StandIn, name: str) -> None:
    found = count(standin, name)
    more = {
        of: (one, most)
        for of, one, most in zip(Counts._fields, found, MOST[name], strict=True)
        if one > most
    }
    assert more == {}, found
