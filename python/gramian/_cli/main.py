"""The command `gramian`: its parser, its exit codes, and what it says when something fails."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import gramian as gm

from .._core import modules
from .._input.progress import say
from . import compare, completion, demo, record, show
from .spelling import as_flags

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


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
    try:
        return _run(argv)
    finally:
        if sys.stderr is not None:
            try:
                sys.stderr.flush()
            except (OSError, ValueError):
                _leave(sys.stderr)


def _run(argv: Sequence[str] | None) -> int:
    arguments, unknown = _parser().parse_known_args(argv)
    if unknown:  # which argparse would say under the name of the whole program
        arguments.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # for names outside of the encoding
    command = f"gramian {arguments.command}"
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default", RuntimeWarning)
            arguments.run(arguments)
        for message in dict.fromkeys(str(warning.message) for warning in caught):
            say(f"{command}: warning: {as_flags(message, vars(arguments))}")
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
        return _fail(command, as_flags(str(error), vars(arguments)), 2)
    except RuntimeError as error:
        return _fail(command, as_flags(str(error), vars(arguments)), 1)
    return 0


def _fail(command: str, message: str, code: int) -> int:
    say(f"{command}: error: {' '.join(message.split())}")
    return code


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gramian", description="Compare neural-network representations.")
    parser.add_argument("--version", action="version", version=f"gramian {gm.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    compare.add(commands)
    record.add(commands)
    show.add(commands)
    info = commands.add_parser("info", help="show versions, BLAS, threads and CUDA")
    info.set_defaults(run=_info)
    shown = commands.add_parser("demo", help="compare two small networks that are part of gramian")
    shown.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="where to write (here)"
    )
    shown.set_defaults(run=lambda arguments: demo.run(arguments.output))
    completion.add(commands, parser)
    for one in commands.choices.values():
        one.set_defaults(parser=one)
    return parser


def _info(arguments: argparse.Namespace) -> None:
    info = modules.info()
    width = max(map(len, info))
    for name, value in info.items():
        print(f"{name:<{width}}  {value}")
