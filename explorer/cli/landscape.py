"""``landscape``: a slice of a run's loss landscape, measured from coarse to fine, as .npz or .html."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from explorer.cli import parsing
from explorer.cli.progress_bar import ProgressBar
from explorer.errors import InputError, explain_validation
from explorer.figures.landscape_html import to_html
from explorer.files import write_atomically
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.landscape.spec import Normalisation, PlaneKind, PlaneSpec
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import lock_file
from explorer.runs.slices import measure_slice

_IN_HTML = ("weighted_cross_entropy", "jaccard", "recall_1", "f1_1")


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    plane, default = PlaneSpec(), SliceRequest()
    parser = commands.add_parser("landscape", help="a slice of a run's loss landscape", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument(
        "--checkpoint", metavar="FILE", help="the centre: a file in the run's checkpoints; the last one"
    )
    parser.add_argument("--plane", choices=get_args(PlaneKind), required=True)
    parser.add_argument("--extent", type=float, default=default.extent, metavar="X", help="from −X to X directions")
    parser.add_argument("--resolution", type=parsing.positive, default=default.resolution, help="odd; points a side")
    parser.add_argument(
        "--tolerance", type=float, default=default.tolerance, help="95th percentile of the error, share of the range"
    )
    parser.add_argument("--budget", type=parsing.positive, metavar="POINTS", help="the most points to measure")
    parser.add_argument("--exhaustive", action="store_true", help="measure every point of the grid")
    parser.add_argument("--seed", type=parsing.natural, default=plane.seed, help="of random directions")
    parser.add_argument("--normalisation", choices=get_args(Normalisation), default=plane.normalisation)
    parser.add_argument("--layers", metavar="NAME,NAME", help="move only these: encoder, decoder, head")
    parser.add_argument("--losses", metavar="A,B", help="gradients: of these two; hessian: of the first")
    parser.add_argument("--ends", choices=("LA", "BE"), default=plane.ends, help="hessian: BE shows a saddle")
    parser.add_argument("--checkpoints", metavar="A,B,C", help="checkpoints: through these, RUN/FILE for another run's")
    parser.add_argument("--line", action="store_true", help="one dimension: along the first direction")
    parser.add_argument("--fields", metavar="A,B", help="what has to reach the tolerance; all losses if not given")
    parser.add_argument("--objects", action="store_true", help="object metrics too")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz|.html")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measures the slice; the same command goes on with one that was broken off."""
    out: Path = arguments.out
    if out.suffix not in (".npz", ".html"):
        raise InputError(f"{out.name} ends neither in .npz nor in .html", "--out", "for example slice.npz")
    request = request_of(arguments)
    arrays = out.with_suffix(".npz")
    folder, bar = RunFolder(arguments.run_folder), ProgressBar()
    try:
        with lock_file(arrays):
            for progress in measure_slice(folder, request, arrays, arguments.device):
                expected = progress.expected or 1
                bar.show(
                    progress.done / expected,
                    f"{progress.done} of about {expected} points  {progress.seconds_left or 0:.0f} s left",
                )
    except KeyboardInterrupt:
        bar.close()
        print("Interrupted; run the same command again to continue from what was measured.", file=sys.stderr)
        return 130
    bar.close()
    if out.suffix == ".html":
        shown = Slice.load(arrays)
        names = [name for name in request.watched or _IN_HTML if name in shown.fields]
        page = to_html(shown, names, folder.plan(), str(arguments.run_folder), str(out))
        try:
            write_atomically(out, page.encode())
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", str(out), "choose another place") from None
    return 0


def request_of(arguments: argparse.Namespace) -> SliceRequest:
    """The slice that the arguments ask for.

    Raises:
        InputError: they do not go together.
    """

    def split(text: str | None) -> tuple[str, ...]:
        return tuple(text.split(",")) if text else ()

    plane: dict[str, object] = {
        "kind": arguments.plane,
        "seed": arguments.seed,
        "normalisation": arguments.normalisation,
        "layers": split(arguments.layers),
        "ends": arguments.ends,
        "checkpoints": split(arguments.checkpoints),
        "line": arguments.line,
    }
    if arguments.losses:
        given = split(arguments.losses)
        plane["losses"] = given * 2 if len(given) == 1 else given
    try:
        return SliceRequest(
            plane=PlaneSpec.model_validate(plane),
            checkpoint=arguments.checkpoint,
            extent=arguments.extent,
            resolution=arguments.resolution,
            tolerance=arguments.tolerance,
            budget=arguments.budget or arguments.resolution**2,
            exhaustive=arguments.exhaustive,
            watched=split(arguments.fields),
            objects=arguments.objects,
        )
    except ValidationError as error:
        raise InputError(*explain_validation(error), "see --help") from None
