"""The command `gramian`: compare two files of activations, show the machine, run the demo."""

from __future__ import annotations

import argparse
import io
import os
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import gramian as gm

from .._core import modules
from .._extras import require
from .._input.files import read_layers
from . import demo, flags

if TYPE_CHECKING:
    from collections.abc import Sequence

_PATIENCE = 2.0  # seconds of silence before progress is shown


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Progress:
    """Reports on stderr how far long work has come; on a terminal, always in the same line."""

    def __init__(self) -> None:
        self.terminal = sys.stderr.isatty()
        self.end = "\r" if self.terminal else "\n"
        self.next = time.monotonic() + _PATIENCE

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + (0.2 if self.terminal else _PATIENCE)
            print(f"comparing: {100 * done // total:3}%", end=self.end, file=sys.stderr, flush=True)

    def finish(self) -> None:
        """Leave no trace on a terminal."""
        if self.terminal:
            print(" " * 15, end="\r", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code: 0, 1 (failed), 2 (bad use), 130 (Ctrl-C)."""
    arguments = _parser().parse_args(argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names outside of the encoding
    command = f"gramian {arguments.command}"
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default", RuntimeWarning)
            arguments.run(arguments)
        for message in dict.fromkeys(str(warning.message) for warning in caught):
            print(f"{command}: warning: {message}", file=sys.stderr)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except MemoryError as error:
        return _fail(command, f"not enough memory: {error}", 1)
    except OSError as error:
        return _fail(
            command, f"{error.filename}: {error.strerror}" if error.filename else str(error), 2
        )
    except (ValueError, TypeError, ImportError) as error:
        return _fail(command, str(error), 2)
    except RuntimeError as error:
        return _fail(command, str(error), 1)
    return 0


def _fail(command: str, message: str, code: int) -> int:
    print(f"{command}: error: {' '.join(message.split())}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gramian", description="Compare neural-network representations.")
    parser.add_argument("--version", action="version", version=f"gramian {gm.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_compare(commands)
    info = commands.add_parser("info", help="show versions, BLAS, threads and CUDA")
    info.set_defaults(run=_info)
    shown = commands.add_parser("demo", help="compare two small networks that are part of gramian")
    shown.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where to write (here)"
    )
    shown.set_defaults(run=lambda arguments: demo.run(arguments.output))
    return parser


def _add_compare(commands: Any) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare every layer of A with every layer of B",
        description="Compare every layer of A with every layer of B, or of A without B. Files are "
        ".npz, .npy (one layer, named by the file) or .safetensors; every array is "
        "(n_samples, n_features), and row i is the same example everywhere.",
        allow_abbrev=False,  # a new flag would make an abbreviation ambiguous
    )
    add = parser.add_argument
    add("a", type=Path, metavar="A", help="file of activations: the rows of the result")
    add("b", type=Path, metavar="B", nargs="?", help="file of activations: the columns")
    add("--measure", default="cka", metavar="NAME", help=f"{', '.join(gm.measures())} (cka)")
    add("--layers", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    add("-o", "--output", type=Path, metavar="FILE", help="write the result as JSON")
    add("--png", type=Path, metavar="FILE", help='write a heat map; needs "gramian[plot]"')
    add("--device", metavar="DEVICE", help="cpu, cuda, cuda:N or reference")
    add("--threads", type=int, metavar="N", help="number of threads")
    add("--progress", action="store_true", help="show progress also when stderr is no terminal")
    flags.add(parser)
    parser.set_defaults(run=_compare)


def _compare(arguments: argparse.Namespace) -> None:
    # What cannot be written is better said before the work than after it.
    for path in (arguments.output, arguments.png):
        if path is not None and not path.absolute().parent.is_dir():
            raise ValueError(f"cannot write {path}: there is no directory {path.parent}.")
    if arguments.png is not None:
        require("matplotlib", "plot")
    if arguments.threads is not None:
        gm.set_num_threads(arguments.threads)
    options = flags.options(arguments)
    a = read_layers(arguments.a, arguments.layers, "A")
    b = None if arguments.b is None else read_layers(arguments.b, arguments.layers, "B")
    progress = _Progress() if arguments.progress or sys.stderr.isatty() else None
    try:
        result = gm.compare(
            a, b, measure=arguments.measure, device=arguments.device, progress=progress, **options
        )
    finally:
        if progress is not None:
            progress.finish()
    print(f"{result._call()}, n = {result.n_samples}")
    print(f"rows: A = {arguments.a}")
    print(f"columns: B = {arguments.b or arguments.a}")
    print(result._text_map())
    if b is not None and result.x_names == result.y_names:
        print(f"layer-correspondence accuracy: {result.accuracy():.1%}")
    if arguments.output is not None:
        result.save(arguments.output)
    if arguments.png is not None:
        result._figure().savefig(arguments.png, format="png", dpi=150)


def _info(arguments: argparse.Namespace) -> None:
    info = modules.info()
    width = max(map(len, info))
    for name, value in info.items():
        print(f"{name:<{width}}  {value}")
