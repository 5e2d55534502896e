"""What `progress` takes: a bar, a function, a bar of tqdm; on a terminal and in a log file."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from calls import PUBLIC, Call, each

import gramian as gm
from gramian._input import progress

X, Y = np.random.default_rng(0).standard_normal((2, 40, 4))
TAKERS = [call for call in PUBLIC if call.takes("progress")]


@pytest.fixture
def without_tqdm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tqdm", None)


@each(TAKERS)
def test_function(call: Call) -> None:
    seen: list[tuple[int, int]] = []
    call(progress=lambda done, total: seen.append((done, total)))
    assert seen
    assert all(0 <= done <= total for done, total in seen)
    assert [done / total for done, total in seen] == sorted(done / total for done, total in seen)
    assert call(progress=False) is not None


@each(TAKERS)
def test_bar(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    call(progress=True)
    assert f"{call.function}: 100%|" in capsys.readouterr().err


@each(TAKERS)
def test_bar_of_tqdm(call: Call) -> None:
    """It is moved to its end, and left open for whoever made it."""
    tqdm = pytest.importorskip("tqdm")
    with tqdm.tqdm(file=sys.stdout) as bar:
        call(progress=bar)
        assert bar.n == bar.total > 0
        assert not bar.disable


@each(TAKERS)
@pytest.mark.usefixtures("without_tqdm")
def test_line(
    call: Call, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    call(progress=True)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith(f"{call.function}: ") for line in lines)
    assert len(lines) <= 21


def test_bar_is_closed_where_something_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    tqdm = pytest.importorskip("tqdm")
    with pytest.raises(ValueError, match="same number of samples"):
        gm.compare([X], [Y[:9]], progress=True)
    assert not tqdm.tqdm._instances
    capsys.readouterr()


def test_accumulator(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("tqdm")
    acc = gm.Accumulator("cka")
    acc.update(X, Y, progress=True)
    assert "update: 100%|" in capsys.readouterr().err
    with pytest.raises(TypeError, match=r"^progress must be True, False, a function or a bar"):
        acc.update(X, Y, progress="yes")  # type: ignore[arg-type]
    assert acc.n_samples == 40


def test_plan_shows_none(capsys: pytest.CaptureFixture[str]) -> None:
    gm.plan([X], progress=True)
    assert capsys.readouterr().err == ""


class Stream:
    """A stderr that is a terminal, or is not."""

    def __init__(self, terminal: bool) -> None:
        self.terminal, self.text = terminal, ""

    def isatty(self) -> bool:
        return self.terminal

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        pass


def told(terminal: bool, monkeypatch: pytest.MonkeyPatch, seconds: float, steps: int) -> str:
    """Return what work of so many equal steps of so many seconds writes."""
    stream, clock = Stream(terminal), [0.0]
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress.time, "monotonic", lambda: clock[0])
    line = progress.Line("work")
    for step in range(1, steps + 1):
        clock[0] += seconds
        line(step, steps)
    line.close()
    return stream.text


def test_a_log_has_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole ones, one for every twentieth at most, with the time that is left."""
    text = told(False, monkeypatch, seconds=10, steps=1000)
    assert "\r" not in text
    lines = text.splitlines()
    assert 15 <= len(lines) <= 20
    assert lines[0] == "work:   5%, about 2.6 h left"
    assert lines[9].endswith("left")


def test_a_terminal_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = told(True, monkeypatch, seconds=1, steps=100)
    assert "\n" not in text
    shown = text.split("\r")
    assert shown[0] == "work:   2%, about 98 s left" or shown[0].startswith("work:   2%, about")
    assert "about 9 s left" in text
    assert shown[-2].strip() == ""  # it leaves no trace


def test_quick_work_is_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(True, monkeypatch, seconds=0.01, steps=100) == ""
    assert told(False, monkeypatch, seconds=0.01, steps=100) == ""


@pytest.mark.parametrize("value", ["yes", 1, [1], object()])
def test_something_else(value: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^progress must be True, False, a function or a bar of tqdm, got \w+\.$"
    ):
        gm.compare([X], progress=value)


@pytest.mark.usefixtures("without_tqdm")
def test_batches_of_a_loader(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gramian._recording.batches import shown

    monkeypatch.setattr(progress, "_PATIENCE", 0.0)
    assert list(shown([1, 2, 3], True)) == [1, 2, 3]
    assert capsys.readouterr().err.splitlines()[-1] == "batches: 100%"
    assert list(shown(iter([1, 2, 3]), True)) == [1, 2, 3]
    assert "batches: 1" in capsys.readouterr().err
    assert shown([1], None) == [1]
