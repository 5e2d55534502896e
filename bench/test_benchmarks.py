"""pytest-benchmark cases (`python -m pytest bench`), and that what is compared is comparable.

One process cannot time several thread pools fairly, so only ours is timed here; the table of
`python -m bench` does the comparing.
"""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bench.cases import CASES, all_cases, layers
from bench.floor import Floor
from bench.peers import PEERS
from bench.runner import contestant

SMALL = {
    name: replace(case, n=300, widths=(40, 30)[: len(case.widths)]) for name, case in CASES.items()
}


@pytest.mark.parametrize("name", all_cases())
def test_gramian(benchmark: Any, name: str) -> None:
    benchmark(contestant("gramian", all_cases()[name], threads=2))


def test_import_takes_no_longer_than_twice_that_of_numpy() -> None:
    """Seconds of processor, best of five in turns: .10 and .11 s on the machine of the table."""
    program = (
        "import time; start = time.process_time(); import numpy; numpys = time.process_time();"
        "import gramian; print(numpys - start, time.process_time() - numpys)"
    )
    command = [sys.executable, "-c", program]
    seconds = [
        [float(s) for s in subprocess.check_output(command, text=True).split()] for _ in range(6)
    ]
    numpys, ours = np.min(seconds[1:], axis=0)  # the first may compile
    assert ours < 2 * numpys


@pytest.mark.parametrize(("name", "peer"), [(c.name, p) for c in SMALL.values() for p in c.peers])
def test_peers_give_our_value(name: str, peer: str) -> None:
    if PEERS[peer].library == "torch":
        pytest.importorskip("torch")
    case = SMALL[name]
    expected = contestant("gramian", replace(case, options=PEERS[peer].options), threads=2)()
    if not PEERS[peer].maps and not case.pair:
        expected = np.diagonal(expected)
    np.testing.assert_allclose(contestant(peer, case, threads=2)(), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("threads", [1, 3])
def test_floor_does_the_products_in_sample_space(dtype: str, threads: int) -> None:
    A, B = layers(replace(SMALL["rbf-map"], dtype=dtype, n=600))
    floor = Floor(A, B, "rbf", threads)
    floor()
    floor()  # a second call starts from zero
    grams = np.stack([(X @ X.T).ravel() for X in (layer.astype(np.float64) for layer in A + B)])
    np.testing.assert_allclose(sum(floor.products), grams @ grams.T, rtol=1e-5)


def test_floor_does_the_products_in_feature_space() -> None:
    A, B = layers(replace(SMALL["linear-pair"], n=3000, widths=(300,)))
    floor = Floor(A, B, "linear", threads=2)
    floor()
    assert floor.space == "feature"
    cross, of_x, _ = floor.products
    np.testing.assert_allclose(cross, A[0].T @ B[0], atol=0.02)
    np.testing.assert_allclose(np.tril(of_x), np.tril(A[0].T @ A[0]), atol=0.02)
