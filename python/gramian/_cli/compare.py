"""`gramian compare`: every layer of files with every layer of others."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gramian as gm

from .._input.files import read_layers
from .._input.notes import Noted, notes_of
from .._input.progress import Line
from . import flags, output

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the command."""
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
    add(
        "--measure",
        action="append",
        default=[],
        metavar="NAME",
        help=f"{', '.join(gm.measures())} (cka); repeatable: the names of "
        "-o and --plot then need {measure}, as in s-{measure}.json",
    )
    add("--layers", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    add("--split-axis", type=int, metavar="1", help="arrays are (samples, layers, features)")
    add(
        "--layout",
        action="append",
        default=[],
        metavar="AXES",
        help="of arrays of more axes: flatten, or a letter each, such as nchw; repeatable",
    )
    add(
        "--positions",
        metavar="HOW",
        help="what becomes of positions: samples, features, mean, or a number of them",
    )
    add("--ids", metavar="NAME", help="an array of every file that identifies its samples")
    add(
        "-o",
        "--output",
        metavar="FILE",
        help="write the numbers: .json or .csv; - for stdout; {measure} is the name of a measure",
    )
    add(
        "--plot",
        metavar="FILE",
        help="draw the map: .png, .pdf or .svg; - for stdout; {measure} as for -o",
    )
    add("--png", dest="plot", help=argparse.SUPPRESS)  # its name before there were others
    add("--html", metavar="FILE", help="write a page of all measures; - for stdout")
    add("--title", metavar="TEXT", help="of picture and page")
    add(
        "--nan-policy",
        choices=("raise", "propagate"),
        default="raise",
        help="a layer with NaN, for instance: refuse it, or let its values be NaN (raise)",
    )
    add("--device", metavar="DEVICE", help="cpu, cuda, cuda:N or reference")
    add("--threads", type=int, metavar="N", help="number of threads")
    add("--progress", action="store_true", help="show progress also when stderr is no terminal")
    flags.add(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    options = flags.options(arguments, arguments.measure or ["cka"])
    _check(arguments, list(options))
    layout = _layout(arguments)
    a = _layers(arguments.a, arguments, layout, "A")
    b = None if arguments.b is None else _layers(arguments.b, arguments, layout, "B")
    found: dict[str, gm.Comparison] = {}
    try:
        for measure, chosen in options.items():
            name = measure if len(options) > 1 else "comparing"
            with _progress(arguments, f"{name}{_place(len(found), len(options))}") as line:
                result = _result(
                    a,
                    b,
                    measure=measure,
                    nan_policy=arguments.nan_policy,
                    device=arguments.device,
                    progress=line,
                    **layout,
                    **chosen,
                )
            found[measure] = result
            _write(result, arguments, first=len(found) == 1)
    finally:  # what took long is not lost because something else fails
        if arguments.html is not None and found:
            output.page(arguments.html, list(found.values()), arguments.title)


def _place(done: int, count: int) -> str:
    return f" ({done + 1}/{count})" if count > 1 else ""


@contextlib.contextmanager
def _progress(arguments: argparse.Namespace, name: str) -> Iterator[Line | None]:
    """Give a line where there is a terminal, or one is asked for."""
    if not arguments.progress and not (sys.stderr is not None and sys.stderr.isatty()):
        yield None
        return
    with contextlib.closing(Line(name)) as line:
        yield line


def _write(result: gm.Comparison, arguments: argparse.Namespace, *, first: bool) -> None:
    """Print a result and write its files, also where nobody reads what is printed."""
    try:
        if output.STDOUT not in (arguments.output, arguments.plot, arguments.html):
            _print(result, arguments, first=first)
    finally:
        if arguments.output is not None:
            output.table(output.named(arguments.output, result.measure), result)
        if arguments.plot is not None:
            figure = result._figure(arguments.title)
            output.picture(output.named(arguments.plot, result.measure), figure)


def _result(a: Any, b: Any, **options: Any) -> gm.Comparison:
    try:
        return gm.compare(a, b, **options)
    except ValueError as error:  # labels, perhaps, that stand beside the layers
        if "must be 2-D" not in str(error):
            raise
        raise ValueError(f"{error} --layers GLOB compares some arrays of a file alone.") from error


def _check(arguments: argparse.Namespace, measures: Sequence[str]) -> None:
    paths = {"-o": arguments.output, "--plot": arguments.plot, "--html": arguments.html}
    if list(paths.values()).count(output.STDOUT) > 1:
        raise ValueError("only one of -o, --plot and --html can be - for standard output.")
    for flag, path in paths.items():
        output.check(flag, path, measures)
    if arguments.title is not None and arguments.plot is None and arguments.html is None:
        raise ValueError("--title is for --plot and --html.")
    if arguments.plot is not None:
        output.needs_matplotlib()
    if arguments.threads is not None:
        if not 1 <= arguments.threads <= 1024:
            raise ValueError(f"--threads must be between 1 and 1024, got {arguments.threads}.")
        gm.set_num_threads(arguments.threads)


def _print(result: gm.Comparison, arguments: argparse.Namespace, *, first: bool) -> None:
    if not first:
        print()
    print(*result._caption(), sep="\n")
    if first:
        print(f"rows: A = {arguments.a}")
        print(f"columns: {'A' if arguments.b is None else 'B'} = {arguments.b or arguments.a}")
    print(result._text_map())
    if arguments.b is not None and result.x_names == result.y_names:
        print(f"layer-correspondence accuracy: {result.accuracy():.1%}")


def _layout(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what `compare` is told of layouts; that of "flatten" is told to `open`."""
    named = [text.lower() for text in arguments.layout]
    if named in ([], ["flatten"]):
        if arguments.positions is not None:
            raise ValueError("--positions needs a layout of letters, such as --layout nchw.")
        return {}
    positions = arguments.positions
    if positions is not None and positions.lstrip("+-").replace(",", "").isdecimal():
        numbers = [int(part) for part in positions.split(",") if part]
        positions = numbers if "," in positions else numbers[0]
    return {"layout": named, "positions": positions}


def _layers(
    source: str, arguments: argparse.Namespace, layout: Mapping[str, Any], argument: str
) -> Mapping[str, Any]:
    """Open a file: one that numpy maps as it is, others and many by blocks of rows."""
    flatten = "flatten" if arguments.layout and not layout else None
    how = {"split_axis": arguments.split_axis, "layout": flatten, "ids": arguments.ids}
    path = Path(source)
    suffixes = {".npy", ".npz", ".safetensors"}
    several = path.is_dir() or (not path.exists() and any(c in source for c in "*?["))
    if not several and path.suffix.lower() in suffixes | {""} and not any(how.values()):
        layers = read_layers(path, arguments.layers, argument)
        return Noted(layers, notes_of(path))
    if layout:
        words = " ".join(arguments.layout)
        raise ValueError(f"--layout {words} needs one file: .npy, .npz or .safetensors.")
    return gm.open(source, layers=arguments.layers or None, **how)
