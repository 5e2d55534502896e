"""Runs cases one after the other, and says on a pipe which comes and what was wrong with it.

python child.py PIPE SEED START SKIPPED, or python child.py PIPE NAME for the case of that name.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import cases
from cases import Case

# Whose text belongs to an interface that no user has called, or to numpy.
_FOREIGN = (
    r"incompatible function arguments|Invoked with|pybind11|\(self: |encountered in |_cpu\.|"
    r"^unhashable|object is not (subscriptable|iterable|callable)|not supported between instances"
)
# What a file holds is said of the file, by its name.
_OF_A_FILE = r"(?s)^.+ (is not a gramian comparison|is damaged|has format version)"
_MEMORY = 12 * 2**30  # bytes of address space, so that what asks for too much is refused


def judged(case: Case) -> str | None:
    """Run a case and return what is wrong with how it ended."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            case.run()
            if case.refused:
                return "is taken"
        except Exception as error:
            found = _wrong(case, error)
            if found is not None:
                where = traceback.extract_tb(error.__traceback__)[-1]
                return f"{found} [{Path(where.filename).name}:{where.lineno}]"
    for warning in caught:
        text = str(warning.message)
        if "torch" in warning.filename or "torch" in text.lower():
            continue  # of how an array was made
        if not issubclass(warning.category, RuntimeWarning) or re.search(_FOREIGN, text):
            return f"warns {warning.category.__name__}: {text[:300]}"
    return None


def _wrong(case: Case, error: Exception) -> str | None:
    """Return what is wrong with an error: its type, or a message that does not name an argument."""
    text = str(error)
    shown = f"{type(error).__name__}: {text[:300]!r}"
    if type(error).__name__ == "OwnError":
        return None if not case.name.startswith("array") else f"of another's type, {shown}"
    documented = (TypeError, ValueError, MemoryError, *((OSError,) if case.files else ()))
    about_cuda = isinstance(error, RuntimeError) and "CUDA" in text
    if not isinstance(error, documented) and not about_cuda:
        return f"not documented, {shown}"
    if isinstance(error, UnicodeError) or re.search(_FOREIGN, text):
        return f"not of this library, {shown}"
    if isinstance(error, MemoryError) or (case.files and isinstance(error, OSError)):
        return None
    if case.files and re.search(_OF_A_FILE, text):
        return None
    if not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text) for name in case.arguments):
        return f"names no argument of {', '.join(case.arguments)}: {shown}"
    if len(text) > 2000:
        return f"is {len(text)} characters long: {shown}"
    return None


def chosen(seed: int, start: int) -> Iterator[tuple[int, Case]]:
    """Yield the cases from a number on: the tables' in a random order, then combinations."""
    table = cases.every()
    random.Random(seed).shuffle(table)
    yield from list(enumerate(table))[start:]
    number = max(start, len(table))
    while True:
        yield number, cases.combined(seed, number)
        number += 1


def main() -> None:
    pipe = os.fdopen(int(sys.argv[1]), "w", buffering=1)
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.chdir(tempfile.mkdtemp())  # what is saved goes there; the parent removes it
    print(json.dumps({"folder": os.getcwd()}), file=pipe)
    if len(sys.argv) == 3:
        wanted = sys.argv[2]
        _, seed, number, *_ = (*wanted.split("/"), "", "")
        made = (
            [cases.combined(int(seed), int(number))]
            if wanted.startswith("combined/")
            else [case for case in (*cases.OWN, *cases.every()) if case.name == wanted]
        )
        if not made:
            sys.exit(f"there is no case {wanted}")
        stream: Iterator[tuple[int, Case]] = iter(enumerate(made))
    else:
        stream = chosen(*map(int, sys.argv[2:4]))
    before = os.fstat(1).st_size
    for number, case in stream:
        print(json.dumps({"begins": number, "case": case.name}), file=pipe)
        fault = judged(case)
        sys.stdout.flush()
        sys.stderr.flush()
        after = os.fstat(1).st_size
        if after > before:
            fault = f"prints {os.pread(1, 300, before)!r}"
            before = after
        print(json.dumps({"ends": number, "fault": fault}), file=pipe)


main()
