"""`gramian record`: a model and its batches, which a function of the user returns, to a file."""

from __future__ import annotations

import importlib
import itertools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gramian as gm

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "record",
        help="record layers of a PyTorch model into a file",
        description="Record layers of a PyTorch model into a file that `gramian compare` reads. "
        "FUNCTION of MODULE, found in the current directory or installed, takes no arguments and "
        "returns a model and its batches: mappings, tuples whose first element is the input, or "
        "inputs.",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("function", metavar="MODULE:FUNCTION", help="returns (model, batches)")
    add("--layers", action="append", required=True, metavar="GLOB", help="modules; repeatable")
    add("-o", "--output", type=Path, required=True, metavar="FILE", help=".safetensors or .zarr")
    add("--reduce", default="flatten", metavar="HOW", help="flatten, mean, max, ... (flatten)")
    add("--layout", action="append", default=[], metavar="AXES", help="such as nhwc; repeatable")
    add("--mask", metavar="NAME", help="input that says which tokens are valid; 'none' for none")
    add("--dtype", metavar="TYPE", help="to keep numbers in, such as float16")
    add("--batches", type=int, metavar="N", help="at most so many")
    add("--progress", action="store_true", help="show progress also when stderr is no terminal")
    parser.set_defaults(run=_record)


def _record(arguments: argparse.Namespace) -> None:
    if arguments.batches is not None and arguments.batches < 1:
        raise ValueError(f"--batches must be at least 1, got {arguments.batches}.")
    model, batches = _made(arguments.function)
    recording = gm.record(
        model,
        arguments.layers,
        reduce=arguments.reduce,
        layout=arguments.layout or None,
        mask=False if arguments.mask == "none" else arguments.mask,
        dtype=arguments.dtype,
        to=arguments.output,
    )
    recording.run(itertools.islice(batches, arguments.batches), progress=arguments.progress or None)
    print(gm.open(arguments.output))


def _made(source: str) -> tuple[Any, Any]:
    """Return what the user's function returns."""
    name, _, function = source.partition(":")
    if not name or not function.isidentifier():
        raise ValueError(f"MODULE:FUNCTION must be such as models:load, got {source!r}.")
    sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(name)
        if not callable(getattr(module, function, None)):
            raise ValueError(f"{name} has no function {function!r}.")
        made = getattr(module, function)()
    finally:
        sys.path.remove(os.getcwd())
    if not isinstance(made, tuple) or len(made) != 2:
        raise TypeError(f"{source} must return a model and its batches, got {type(made).__name__}.")
    return made
