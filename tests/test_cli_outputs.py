"""What the command line writes: several measures, files by extension, standard output, pages."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import commands
import numpy as np
import pytest
from commands import run

import gramian as gm
from gramian._measures.registry import MEASURES

files = commands.files
# How files of pictures begin.
MAGIC = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


def test_several_measures(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    measures = ["--measure", "CKA", "--measure", "pwcca"]
    argv = ["compare", "a.npz", "b.npz", *measures, "--debiased", "--side", "y"]
    code, out, err = run(capsys, *argv, "-o", "s-{measure}.json", "--html", "s.html")
    assert (code, err) == (0, "")
    first = gm.compare(files["a"], files["b"], debiased=True)
    second = gm.compare(files["a"], files["b"], measure="pwcca", side="y")
    assert gm.load("s-cka.json") == first
    assert gm.load("s-pwcca.json") == second
    assert first._text_map() in out
    assert second._text_map() in out
    assert out.count("rows: A = a.npz") == 1
    page = Path("s.html").read_text("utf-8")
    assert page.count('class="panel"') == 2


def test_what_is_there_is_written_where_a_measure_fails(
    files: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """SVCCA of more directions than the layers have."""
    argv = ["compare", "a.npz", "--measure", "cka", "--measure", "svcca", "--components", "7"]
    code, _, err = run(capsys, *argv, "--html", "s.html", "-o", "s-{measure}.json")
    assert code == 2
    assert "components must be at most the rank" in err
    assert gm.load("s-cka.json") == gm.compare(files["a"])
    assert not Path("s-svcca.json").exists()
    assert Path("s.html").read_text("utf-8").count('class="panel"') == 1


def test_page_with_a_title(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "compare", "a.npz", "--html", "s.html", "--title", "A & B")[0] == 0
    assert "<title>A &amp; B</title>" in Path("s.html").read_text("utf-8")


@pytest.mark.parametrize("suffix", MAGIC)
@pytest.mark.parametrize("flag", ["--plot", "--png"])
def test_pictures(files: Any, capsys: pytest.CaptureFixture[str], suffix: str, flag: str) -> None:
    pytest.importorskip("matplotlib")
    name = f"map.{suffix.upper()}"
    assert run(capsys, "compare", "a.npz", flag, name, "--title", "Mine")[0] == 0
    content = Path(name).read_bytes()
    assert content.startswith(MAGIC[suffix])
    assert b"Mine" in content or suffix != "svg"


def test_table(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "compare", "a.npz", "b.npz", "-o", "s.csv")[0] == 0
    with open("s.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    expected = list(gm.compare(files["a"], files["b"]))
    assert [(r["x"], r["y"], float(r["value"])) for r in rows] == expected


def test_standard_output_is_json_alone(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "compare", "a.npz", "-o", "-")
    assert (code, err) == (0, "")
    assert json.loads(out)["values"] == gm.compare(files["a"]).values.tolist()
    assert not Path("-").exists()


def command(*argv: str) -> bytes:
    done = subprocess.run([sys.executable, "-m", "gramian", *argv], capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def test_standard_output_of_a_process(files: Any) -> None:
    pytest.importorskip("matplotlib")
    assert command("compare", "a.npz", "--plot", "-").startswith(MAGIC["png"])
    assert b'class="panel"' in command("compare", "a.npz", "--html", "-")


def test_layouts(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    images = np.random.default_rng(0).standard_normal((9, 3, 4, 4))
    tokens = np.random.default_rng(1).standard_normal((9, 5, 3))
    np.savez("c.npz", images=images, tokens=tokens)
    for text, positions in (("mean", "mean"), ("features", "features"), ("MEAN", "mean")):
        argv = ["compare", "c.npz", "--layout", "NCHW", "--layout", "ntd", "--positions", text]
        assert run(capsys, *argv, "-o", "s.json")[0] == 0
        layers = {"images": images, "tokens": tokens}
        expected = gm.compare(layers, layout=["nchw", "ntd"], positions=positions)
        assert gm.load("s.json") == expected
    for text, some in (("3", 3), ("0,5", [0, 5])):
        argv = ["compare", "c.npz", "--layers", "images", "--layout", "nchw", "--positions", text]
        assert run(capsys, *argv, "-o", "s.json")[0] == 0
        expected = gm.compare({"images": images}, layout="nchw", positions=some)
        np.testing.assert_array_equal(gm.load("s.json").values, expected.values)


def test_plot(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    gm.compare(files["a"], files["b"]).save("s.json")
    style = ["--title", "Mine", "--cmap", "viridis", "--vmin", "0", "--vmax", "0.5"]
    assert run(capsys, "plot", "s.json", "-o", "s.svg", *style)[0] == 0
    assert b"Mine" in Path("s.svg").read_bytes()
    assert run(capsys, "plot", "s.json", "-o", "curve.pdf", "--curve")[0] == 0
    assert Path("curve.pdf").read_bytes().startswith(MAGIC["pdf"])


def test_plot_of_other_results(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    X, Y = files["a"]["conv1"], files["b"]["conv1"]
    gm.match_units(X, Y).save("m.json")
    assert run(capsys, "plot", "m.json", "-o", "m.png")[0] == 0
    assert Path("m.png").read_bytes().startswith(MAGIC["png"])
    S = gm.compare(files["a"], files["b"])
    gm.concat([S, S]).save("r.json")
    assert run(capsys, "plot", "r.json", "-o", "r.png", "--cmap", "viridis")[0] == 0
    code, _, err = run(capsys, "plot", "m.json", "-o", "m.png", "--vmax", "1")
    assert (code, err) == (
        2,
        "gramian plot: error: --vmax is for maps, and m.json is drawn otherwise.\n",
    )
    gm.cca(X, Y).save("c.json")
    code, _, err = run(capsys, "plot", "c.json", "-o", "c.png")
    assert code == 2
    assert err == "gramian plot: error: c.json holds a CCA, which has no picture.\n"


def test_report(files: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for name, options in {"a": {}, "b": {"debiased": True}}.items():
        gm.compare(files["a"], files["b"], **options).save(f"{name}.json")
    assert run(capsys, "report", "a.json", "b.json", "-o", "r.html", "--title", "Both")[0] == 0
    page = Path("r.html").read_text("utf-8")
    assert page.count('class="panel"') == 2
    assert "<title>Both</title>" in page
    gm.cca(files["a"]["conv1"], files["b"]["conv1"]).save("c.json")
    code, _, err = run(capsys, "report", "a.json", "c.json", "-o", "r.html")
    assert (code, err) == (
        2,
        "gramian report: error: c.json must hold a Comparison, got CCA.\n",
    )


def test_measures(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "measures") == (0, f"{gm.measures()}\n", "")


# Completion.


def completed(*words: str) -> list[str]:
    """What bash offers for the last word."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    line = " ".join(f"'{word}'" for word in words)
    program = (
        f'COMP_WORDS=(gramian {line}); COMP_CWORD={len(words)}; _gramian; echo "${{COMPREPLY[@]}}"'
    )
    source = command("completion", "bash").decode()
    done = subprocess.run(
        [bash, "-c", f"{source}\n{program}"], capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_completion() -> None:
    assert {"compare", "plot", "report", "measures", "demo"} <= set(completed(""))
    assert completed("rep") == ["report"]
    assert completed("compare", "a.npz", "--measure", "pro") == [
        "procrustes",
        "procrustes_distance",
    ]
    assert set(completed("compare", "--measure", "")) == set(MEASURES)
    assert set(completed("compare", "--kernel", "")) >= {"linear", "rbf"}
    assert completed("compare", "--me") == ["--measure"]
    assert completed("compare", "x") == []  # then files
    assert completed("completion", "z") == ["zsh"]
    flags = completed("compare", "--")
    assert {f"--{o.name.replace('_', '-')}" for r in MEASURES.values() for o in r.flags} <= {*flags}
    assert "--png" not in flags


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_of_other_shells(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    code, out, err = run(capsys, "completion", shell)
    assert (code, err) == (0, "")
    assert "procrustes_distance" in out
    if program := shutil.which(shell):
        done = subprocess.run(
            [program, "-n"], input=out, text=True, check=True, capture_output=True
        )
        assert done.stderr == ""
