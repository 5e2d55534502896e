"""The command `gramian`: compare two files of activations, show the machine, run the demo."""

from __future__ import annotations

import argparse
import contextlib
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
from .._input import write
from .._input.files import read_layers
from .._input.notes import Noted, notes_of
from . import demo, flags, record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

_PATIENCE = 2.0  # seconds of silence before progress is shown


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


class _Progress:
    """Reports on stderr how far long work has come; on a terminal, always in the same line."""

    def __init__(self) -> None:
        self.terminal = _is_terminal()
        self.end = "\r" if self.terminal else "\n"
        self.next = time.monotonic() + _PATIENCE

    def __call__(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now >= self.next:
            self.next = now + (0.2 if self.terminal else _PATIENCE)
            _say(f"comparing: {100 * done // total:3}%", end=self.end)

    def finish(self) -> None:
        """Leave no trace on a terminal."""
        if self.terminal:
            _say(" " * 15, end="\r")


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _say(text: str, end: str = "\n") -> None:
    """Write to stderr, if there is one that takes it; None is what Python makes of a closed one."""
    if sys.stderr is not None:
        try:
            print(text, end=end, file=sys.stderr, flush=True)
        except (OSError, ValueError):
            _leave(sys.stderr)


def _flush() -> None:
    """Write what stdout holds back, or say that this failed by an OSError that names it."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        error.filename = "stdout"
        raise


def _leave(stream: TextIO) -> None:
    """Let what a stream still holds go nowhere: Python writes it at exit, and would complain."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


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
            _say(f"{command}: warning: {message}")
        _flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader, `head` perhaps, has seen enough
        _leave(sys.stdout)
        return 1
    except MemoryError as error:
        return _fail(command, f"not enough memory: {error}", 1)
    except OSError as error:
        if error.filename in (None, "stdout"):
            _leave(sys.stdout)
        # What has no name is what `print` writes to.
        return _fail(command, f"{error.filename or 'stdout'}: {error.strerror or error}", 2)
    except (ValueError, TypeError, ImportError) as error:
        return _fail(command, str(error), 2)
    except RuntimeError as error:
        return _fail(command, str(error), 1)
    return 0


def _fail(command: str, message: str, code: int) -> int:
    _say(f"{command}: error: {' '.join(message.split())}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gramian", description="Compare neural-network representations.")
    parser.add_argument("--version", action="version", version=f"gramian {gm.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_compare(commands)
    record.add(commands)
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
        description="Compare every layer of A with every layer of B, or of A without B. Each is a "
        "file (.npz, .npy, .safetensors, .h5, .mat, .zarr, .pt), a folder of files or a pattern in "
        "quotes, whose samples follow one another. Every array is (n_samples, n_features), and "
        "row i is the same example everywhere.",
        allow_abbrev=False,  # a new flag would make an abbreviation ambiguous
    )
    add = parser.add_argument
    add("a", metavar="A", help="activations: the rows of the result")
    add("b", metavar="B", nargs="?", help="activations: the columns")
    add("--measure", default="cka", metavar="NAME", help=f"{', '.join(gm.measures())} (cka)")
    add("--layers", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    add("--split-axis", type=int, metavar="1", help="arrays are (samples, layers, features)")
    add("--layout", choices=("flatten",), help="what to do with arrays of more axes")
    add("--ids", metavar="NAME", help="an array of every file that identifies its samples")
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
    a = _layers(arguments.a, arguments, "A")
    b = None if arguments.b is None else _layers(arguments.b, arguments, "B")
    progress = _Progress() if arguments.progress or _is_terminal() else None
    try:
        result = gm.compare(
            a, b, measure=arguments.measure, device=arguments.device, progress=progress, **options
        )
    finally:
        if progress is not None:
            progress.finish()
    try:
        print(*result._caption(), sep="\n")
        print(f"rows: A = {arguments.a}")
        print(f"columns: B = {arguments.b or arguments.a}")
        print(result._text_map())
        if b is not None and result.x_names == result.y_names:
            print(f"layer-correspondence accuracy: {result.accuracy():.1%}")
    finally:  # what took long is not lost because nobody reads
        if arguments.output is not None:
            result.save(arguments.output)
        if arguments.png is not None:
            write.draw(arguments.png, result._figure())


def _layers(source: str, arguments: argparse.Namespace, argument: str) -> Mapping[str, Any]:
    """Open a file: one that numpy maps as it is, others and many by blocks of rows."""
    how = {name: getattr(arguments, name) for name in ("split_axis", "layout", "ids")}
    path = Path(source)
    suffixes = {".npy", ".npz", ".safetensors"}
    several = path.is_dir() or (not path.exists() and any(c in source for c in "*?["))
    if not several and path.suffix.lower() in suffixes | {""} and not any(how.values()):
        layers = read_layers(path, arguments.layers, argument)
        return Noted(layers, notes_of(path))
    return gm.open(source, layers=arguments.layers or None, **how)


def _info(arguments: argparse.Namespace) -> None:
    info = modules.info()
    width = max(map(len, info))
    for name, value in info.items():
        print(f"{name:<{width}}  {value}")
