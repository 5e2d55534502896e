"""The command line: what it prints, writes and answers to bad use."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from commands import run

import gramian as gm
from gramian._input import progress

files = commands.files


def test_compare(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "compare", "a.npz", "b.npz", "-o", "s.json")
    expected = gm.compare(files["a"], files["b"])
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        *expected._caption(),
        "rows: A = a.npz",
        "columns: B = b.npz",
        *expected._text_map().splitlines(),
        f"layer-correspondence accuracy: {expected.accuracy():.1%}",
    ]
    written = gm.load("s.json")
    np.testing.assert_array_equal(written.values, expected.values)
    assert written.x_names == written.y_names == ("conv1", "conv2")


def test_compare_with_itself(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "compare", "b.npz", "-o", "s.json")
    assert code == 0
    assert "columns: A = b.npz" in out
    assert "accuracy" not in out
    np.testing.assert_array_equal(gm.load("s.json").values, gm.compare(files["b"]).values)


def test_layers(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("conv2.npy", files["b"]["conv2"])
    argv = ["compare", "a.npz", "conv2.npy", "--layers", "c*2", "--layers", "x", "-o", "s.json"]
    assert run(capsys, *argv)[0] == 0
    written = gm.load("s.json")
    assert (written.x_names, written.y_names) == (("conv2",), ("conv2",))


def test_threads(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    before = gm.get_num_threads()
    try:
        assert run(capsys, "compare", "a.npz", "--threads", "1")[0] == 0
        assert gm.get_num_threads() == 1
    finally:
        gm.set_num_threads(before)


def test_png(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    image = pytest.importorskip("matplotlib.image")
    assert run(capsys, "compare", "a.npz", "b.npz", "--png", "map")[0] == 0
    pixels = image.imread("map", format="png")
    assert pixels.shape[0] > 300
    assert pixels.shape[1] > 400
    assert len(np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 50


BAD_USE = {
    "": "the following arguments are required: COMMAND",
    "compare": "the following arguments are required: A",
    "compare none.npz": "none.npz: No such file or directory",
    "compare a.npz text.npz": "cannot read text.npz: ",
    "compare a.pt": "a.pt: No such file",
    "compare a.npz --measure x": "measure must be one of 'cka', 'hsic', 'cka_distance', ",
    "compare a.npz --kernel gauss": "invalid choice: 'gauss'",
    "compare a.npz --sigma 3": "sigma is an option of --kernel rbf and --kernel laplacian only",
    "compare a.npz --kernel rbf --sigma 3 --bandwidth 1": "either sigma or bandwidth",
    "compare a.npz --kernel rbf --bandwidth 0": "bandwidth must be finite and > 0, got 0",
    "compare a.npz --bandwidth 1": "bandwidth is an option of --kernel rbf and",
    "compare a.npz --measure hsic --variance 1": "measure 'hsic' takes --kernel, --bandwidth, ",
    "compare a.npz --measure pwcca --sigma 3": "takes --side, --variant, --rank-tolerance; got --s",
    "compare a.npz --measure procrustes --alpha 1": "takes no options; got --alpha.",
    "compare a.npz --measure svcca --variance 2": "variance must be in (0, 1], got 2",
    "compare a.npz --measure svcca --variance x": "invalid float value: 'x'",
    "compare a.npz --measure cca --cross-validate 40": "cross_validate must be between 2 and",
    "compare a.npz --measure sparse_prediction --alphas 1,x": "invalid numbers value: '1,x'",
    "compare a.npz --measure pwcca --side z": "invalid choice: 'z'",
    "compare a.npz --meas cca": "unrecognized arguments: --meas cca (see gramian compare --help)",
    "plot s.json -o s.png --colour": "arguments: --colour (see gramian plot --help)",
    "compare a.npz --layers x*": "cannot read a.npz: no layer matches 'x*'; it holds 'conv1'",
    "compare a.npz short.npz": "A['conv1'] has 60, B['fc'] has 59",
    "compare a.npz images.npz": "B['images'] must be 2-D (n_samples, n_features), got 4-D with",
    "compare a.npz objects.npz": "cannot read objects.npz: 'labels': Object arrays cannot be",
    "compare a.npz nan.npz": "B['fc'] must be finite: it holds NaN or infinity, first at [2, 1]",
    "compare nan.npz": "in 1 of 5 columns; --nan-policy propagate gives NaN instead.",
    "compare wide": "--split-axis 1 makes a layer of every entry of its second axis, --layout fla",
    "compare images.npz": "--layout nchw or 'nhwc' for images says which axis is which, and --pos",
    "compare a.npz --device tpu": "device must be",
    "compare a.npz --threads 0": "--threads must be between 1 and 1024, got 0.",
    "compare a.npz --measure ckaa": "Did you mean 'cka'?",
    "compare a.npz --measure cka --measure cca --side x": "measures 'cka' and 'cca' take --kernel,",
    "compare a.npz --measure cka --measure cca -o s.json": "such as 's-{measure}.json', got 's.j",
    "compare a.npz --measure cka --measure cca --plot s": "such as 's-{measure}', got 's'.",
    "compare a.npz -o s.txt": "-o writes .json, .csv, got s.txt.",
    "compare a.npz --html s.txt": "--html writes .html, .htm, got s.txt.",
    "compare a.npz -o s.png": "-o writes .json, .csv, and not s.png: --plot s.png does.",
    "compare a.npz --plot s.csv": "--plot writes .png, .pdf, .svg, and not s.csv: -o s.csv does.",
    "compare a.npz --plot s.gif": "--plot writes .png, .pdf, .svg, got s.gif.",
    "compare a.npz --html s.svg": "--html writes .html, .htm, and not s.svg: --plot s.svg does.",
    "compare a.npz --html none/s.html": "cannot write none/s.html: there is no directory none",
    "compare a.npz -o - --plot -": "only one of -o, --plot and --html can be -",
    "compare a.npz --title x": "--title is for --plot and --html.",
    "compare a.npz --positions mean": "--positions needs a layout of letters",
    "compare a.npz --layout nchx": "layout must be 'flatten', or a letter for every axis",
    "compare folder --layout nchw": "--layout nchw needs one file: .npy, .npz or .safetensors.",
    "compare labels.npz": "A['labels'][:, None] makes one feature of it. --layers GLOB compares",
    "plot text.npz -o s.png": "text.npz is not a gramian comparison: it is not JSON.",
    "plot s.json": "the following arguments are required: -o",
    "plot s.json -o s.csv": "-o writes .png, .pdf, .svg, and not s.csv.",
    "report s.json -o s.png": "-o writes .html, .htm, and not s.png.",
    "completion ksh": "invalid choice: 'ksh'",
    "compare a.npz --threads two": "invalid int value: 'two'",
    "compare a.npz -o none/s.json": "cannot write none/s.json: there is no directory none",
    "compare a.npz --png none/s.png": "cannot write none/s.png: there is no directory none",
    "compare a.npz -o folder": "folder: Is a directory",
    "compare a.npz --layer-glob x": "unrecognized arguments: --layer-glob",
    "demo -o text.npz": "text.npz: File exists",
    "paint": "invalid choice: 'paint'",
}


@pytest.mark.parametrize("arguments", BAD_USE)
def test_bad_use(files: Any, capsys: pytest.CaptureFixture[str], arguments: str) -> None:
    Path("text.npz").write_text("1,2,3")
    Path("folder").mkdir()
    np.savez("labels.npz", labels=np.arange(60))
    np.savez("short.npz", fc=np.ones((59, 2)))
    np.savez("images.npz", images=np.ones((60, 1, 2, 2)))
    np.savez("objects.npz", labels=np.array([{}] * 60, dtype=object))
    broken = files["a"]["conv1"].copy()
    broken[2, 1] = np.nan
    np.savez("nan.npz", fc=broken)
    Path("wide").mkdir()
    np.save("wide/a.npy", np.ones((60, 1, 2, 2)))
    code, _, err = run(capsys, *arguments.split())
    assert code == 2
    assert err.startswith("gramian")
    assert ": error: " in err
    assert BAD_USE[arguments] in err
    assert err.count("\n") == 1


def test_warnings_are_one_line(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    np.savez("constant.npz", fc=np.ones((60, 2)))
    code, out, err = run(capsys, "compare", "a.npz", "constant.npz")
    assert code == 0
    assert "nan" in out
    assert err == (
        "gramian compare: warning: B['fc'] is constant: its similarity is undefined (NaN).\n"
    )


def test_missing_matplotlib_is_said_before_the_work(
    files: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, out, err = run(capsys, "compare", "a.npz", "--png", "map.png")
    assert (code, out) == (2, "")
    assert 'pip install "gramian[plot]"' in err


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, ""),
        (MemoryError("Unable to allocate 1 TiB"), 1, "not enough memory: Unable to allocate 1 TiB"),
        (RuntimeError("device='cuda' needs\nCUDA"), 1, "--device cuda needs CUDA"),
    ],
)
def test_failures(
    files: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    code: int,
    message: str,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise error

    monkeypatch.setattr(gm, "compare", fail)
    expected = f"gramian compare: error: {message}\n" if message else ""
    assert run(capsys, "compare", "a.npz") == (code, "", expected)


class Clock:
    """Time that passes by a given step whenever it is asked for."""

    def __init__(self, step: float) -> None:
        self.step = step
        self.time = 0.0

    def __call__(self) -> float:
        self.time += self.step
        return self.time


SOON = "about 3 s left"
# Each line covers the one before.
LINES = [f"comparing:  50%, {SOON}", "comparing:  75%, about 2 s left", "comparing: 100%"]
ON_TERMINAL = "".join(f"{line:<{len(LINES[0])}}\r" for line in [*LINES, ""])


@pytest.mark.parametrize(
    ("terminal", "argument", "step", "expected"),
    [
        (False, [], 1.5, ""),
        (False, ["--progress"], 1.5, f"comparing:  50%, {SOON}\ncomparing: 100%\n"),
        (False, ["--progress"], 0.1, ""),
        (True, [], 1.5, ON_TERMINAL),
        (True, [], 0.1, ""),
    ],
)
def test_progress(
    files: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    terminal: bool,
    argument: list[str],
    step: float,
    expected: str,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setattr(progress.time, "monotonic", Clock(step))
    argv = ["compare", "a.npz", "b.npz", "--device", "reference", *argument]
    assert run(capsys, *argv)[::2] == (0, expected)


def test_info(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "info")
    assert code == 0
    entries = dict(line.split(maxsplit=1) for line in out.splitlines()[:3])
    assert entries == {
        "gramian": gm.__version__,
        "python": sys.version.split()[0],
        "numpy": np.__version__,
    }
    for word in ("BLAS", "threads", "CUDA"):
        assert any(line.startswith(word) for line in out.splitlines())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"gramian {gm.__version__}\n", "")


# What only a process of its own can show.


def test_module_prints_names_in_any_encoding(files: Any) -> None:
    np.savez("c.npz", größe=files["a"]["conv1"])
    command = [sys.executable, "-X", "utf8=0", "-m", "gramian", "compare", "c.npz"]
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert done.stderr == ""
    assert r"gr\xf6\xdfe  1.000 @@" in done.stdout


def test_closed_pipe(files: Any) -> None:
    command = [sys.executable, "-m", "gramian", "compare", "a.npz"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.close()
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (1, b"")


def test_interrupt() -> None:
    code = (
        "import signal, sys, time; from gramian._cli import main as cli\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a background job has none
        "def info(): print('started', flush=True); time.sleep(60)\n"
        "cli.modules.info = info; sys.exit(cli.main(['info']))"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60) == (b"", b"")
    assert process.returncode == 130
