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
    """Kernels started, calls of cuBLAS and cuSOLVER, waits of the host, bytes copied each way."""

    launches: int
    library: int
    waits: int
    to_device: int
    to_host: int


# At an eighth of the rows and a sixteenth of the columns, arrays being on the device already.
MOST: dict[str, Counts] = {}


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
    print(f'    "{name}": Counts{tuple(found)},')
    assert all(one <= most for one, most in zip(found, MOST[name], strict=True))
