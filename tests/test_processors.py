"""Vector loops of several x86-64 levels: which one runs, and what may lower it."""

from __future__ import annotations

import os
import platform
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import gramian._cpu as cpu

ROOT = Path(__file__).resolve().parents[1]
LEVELS = ["baseline", "x86-64-v3", "x86-64-v4"]
X86 = platform.machine() in ("x86_64", "AMD64")
SAY = "import gramian; from gramian._core.modules import info; print(info()['vector loops'])"

# What a -march flag says besides features: sizes, and that fused arithmetic is fast.
NO_FEATURES = r"BIGGEST_ALIGNMENT|FP_FAST_FMA\w*|EVEX(256|512)|k8|tune_\w+"


def imported(level: str | None) -> subprocess.CompletedProcess[str]:
    """Import the package under a GRAMIAN_SIMD of its own."""
    environment = {name: text for name, text in os.environ.items() if name != "GRAMIAN_SIMD"}
    if level is not None:
        environment["GRAMIAN_SIMD"] = level
    command = [sys.executable, "-c", SAY]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_lower_levels() -> None:
    """GRAMIAN_SIMD lowers the level and never raises it; an empty one is none."""
    best = imported(None).stdout.strip()
    assert best in LEVELS
    for level in LEVELS:
        assert imported(level).stdout.strip() == min(level, best)
    assert imported("").stdout.strip() == best


@pytest.mark.parametrize("level", ["v3", "avx2", "x86-64-v5", "BASELINE", "baseline "])
def test_no_level(level: str) -> None:
    """Another name is refused at import, and not read as one of the levels."""
    done = imported(level)
    message = f"GRAMIAN_SIMD must be baseline, x86-64-v3 or x86-64-v4, got {level}."
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith(message)
    assert "ImportError" in done.stderr


def macros(*flags: str) -> set[str]:
    """Return what the compiler defines of the form __NAME__ under these flags."""
    command = [*shlex.split(os.environ.get("CXX", "c++")), *flags, "-dM", "-E", "-x", "c++", "-"]
    printed = subprocess.run(command, input="", capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^#define __(\w+?)(?:__)? ", printed, re.MULTILINE))


if X86:  # elsewhere there is one level

    def test_every_feature_is_asked_for() -> None:
        """What a level's flag lets the compiler use is what dispatch looks for, nothing less."""
        build = (ROOT / "cpp" / "core.cmake").read_text()
        header = (ROOT / "cpp" / "gramian" / "cpu" / "x86_levels.hpp").read_text()
        asked: set[str] = set()
        for level in ("v3", "v4"):
            (flags,) = re.findall(rf"gramian_simd\({level} x86-64-{level} (.*)\)", build)
            (features,) = re.findall(rf"{level}_features\[\] = {{(.*?)\n}};", header, re.DOTALL)
            asked |= set(re.findall(r'{"(\w+)", ', features))
            used = macros(*flags.split()) - macros()
            assert {name for name in used if not re.fullmatch(NO_FEATURES, name)} == asked

    def test_this_level_runs() -> None:
        """The level is the best of which the kernel of the operating system lists all features."""
        flags = set(
            re.findall(r"^flags\s*:(.*)", Path("/proc/cpuinfo").read_text(), re.M)[0].split()
        )
        v3 = {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave", "popcnt"}
        v4 = v3 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
        best = "x86-64-v4" if v4 <= flags else "x86-64-v3" if v3 <= flags else "baseline"
        assert cpu.simd_level() == min(best, os.environ.get("GRAMIAN_SIMD") or best)
