"""What the library says of its keywords, in the flags of a command."""

from __future__ import annotations

import re
from collections.abc import Collection

__all__ = ["as_flags"]

# Advice that only a program can take, and calls whose keywords are flags here.
_CODE = re.compile(r", which \S+\[:, numpy\.isfinite\(\S+\)\.all\(axis=0\)\] leaves out")
_CALLS = re.compile(r"gramian\.(open|RBF|Laplacian)\((?:(?:\.\.\.|path), )?(\w+=[^()]*)\)")
_KEYWORD = re.compile(r"\b([a-z]\w+)=('[\w:.]+'|True|False|\d+(?:\.\d+)?)(?![\w.]*\w)")
_SPELLED = {"mask=False": "--mask none"}
_KERNELS = {"RBF": "--kernel rbf ", "Laplacian": "--kernel laplacian "}


def as_flags(message: str, names: Collection[str]) -> str:
    """Return a message in which keywords that are flags, by their names, are spelled as such."""

    def spelled(found: re.Match[str]) -> str:
        name, value = found[1], found[2].strip("'")
        if name not in names:
            return found[0]
        if found[0] in _SPELLED:
            return _SPELLED[found[0]]
        flag = f"--{name.replace('_', '-')}"
        if value == "False":
            return f"no {flag}"
        return flag if value == "True" else f"{flag} {value}"

    def inside(found: re.Match[str]) -> str:
        if found[2].partition("=")[0] not in names:
            return found[0]
        return _KERNELS.get(found[1], "") + found[2]

    return _KEYWORD.sub(spelled, _CALLS.sub(inside, _CODE.sub("", message)))
