"""Commands that show what is there: results in files, as picture or page, and the measures."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import TYPE_CHECKING, Any

import gramian as gm

from .._extras import require
from . import output

if TYPE_CHECKING:
    import argparse

__all__ = ["add"]


def add(commands: Any) -> None:
    """Add the commands."""
    plot = commands.add_parser(
        "plot",
        help="draw a result that was saved",
        description="Draw a comparison, or another result, that was saved as JSON.",
        allow_abbrev=False,
    )
    plot.add_argument("file", metavar="FILE", help="result of gramian compare -o, or of save")
    plot.add_argument(
        "-o", "--output", required=True, metavar="FILE", help=".png, .pdf or .svg; - for stdout"
    )
    plot.add_argument("--curve", action="store_true", help="a value for every layer, as a curve")
    plot.add_argument("--title", metavar="TEXT", help="in place of what was computed")
    plot.add_argument("--cmap", metavar="NAME", help="a colormap of matplotlib")
    plot.add_argument("--vmin", type=float, metavar="V", help="value at the lower end of the scale")
    plot.add_argument("--vmax", type=float, metavar="V", help="value at its upper end")
    plot.set_defaults(run=_plot)
    report = commands.add_parser(
        "report",
        help="write a page of comparisons that were saved",
        description="Write a page (HTML) of comparisons of the same layers, side by side.",
        allow_abbrev=False,
    )
    report.add_argument("files", nargs="+", metavar="FILE", help="results of gramian compare -o")
    report.add_argument("-o", "--output", required=True, metavar="FILE", help=".html; - for stdout")
    report.add_argument("--title", metavar="TEXT", help="of the page")
    report.set_defaults(run=_report)
    measures = commands.add_parser("measures", help="show the measures and their options")
    measures.set_defaults(run=lambda arguments: print(gm.measures()))


def _plot(arguments: argparse.Namespace) -> None:
    output.check("-o", arguments.output, kind="--plot")
    output.needs_matplotlib()
    result: Any = gm.load(arguments.file)
    names = ("title", "cmap", "vmin", "vmax")
    style = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    draw = getattr(result, "plot_curve" if arguments.curve else "plot", None)
    if draw is None:
        what = "curve" if arguments.curve else "picture"
        raise ValueError(f"{arguments.file} holds a {type(result).__name__}, which has no {what}.")
    if unknown := set(style) - set(inspect.signature(draw).parameters):
        raise ValueError(f"--{min(unknown)} is for maps, and {arguments.file} is drawn otherwise.")
    if isinstance(result, gm.Comparison) and not arguments.curve:
        figure = result._figure(**style)
    else:
        figure = require("matplotlib.figure", "plot").Figure(layout="constrained")
        draw(figure if isinstance(result, gm.Runs) else figure.subplots(), **style)
    output.picture(arguments.output, figure)


def _report(arguments: argparse.Namespace) -> None:
    output.check("-o", arguments.output, kind="--html")
    loaded = [gm.load(path, gm.Comparison) for path in arguments.files]
    results: Any = loaded
    if len({one.measure for one in loaded}) < len(loaded):  # told apart by their files
        results = dict(zip((Path(path).stem for path in arguments.files), loaded, strict=True))
    output.page(arguments.output, results, arguments.title)
