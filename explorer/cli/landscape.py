"""``landscape``: measures a slice of a run's loss landscape, coarse to fine, into .npz or .html."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import AbstractContextManager
from hashlib import blake2b
from pathlib import Path

from pydantic import ValidationError

from explorer.cli import parsing
from explorer.cli.progress_bar import ProgressBar
from explorer.errors import InputError, explain_validation
from explorer.figures.landscape_html import to_html
from explorer.files import locked, write_atomically
from explorer.landscape.plane_kinds import PLANE_KINDS
from explorer.landscape.slice import Slice
from explorer.landscape.slice_meta import SliceRequest
from explorer.runs.folder import RunFolder
from explorer.runs.job_files import lock_file
from explorer.runs.segmenters import find_checkpoint
from explorer.runs.slices import measure_slice

_IN_HTML = ("weighted_cross_entropy", "jaccard", "recall_1", "f1_1")


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Adds the command's parser; the options of planes come from ``PLANE_KINDS``."""
    default = SliceRequest()
    parser = commands.add_parser("landscape", help="a slice of a run's loss landscape", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument(
        "--checkpoint",
        metavar="FILE",
        help="the centre: a file in the run's checkpoints; default: the last one. A plane through checkpoints has none",
    )
    parser.add_argument("--plane", choices=list(PLANE_KINDS), required=True)
    parser.add_argument(
        "--extent", type=float, default=default.extent, metavar="X", help="from the middle to each side, in directions"
    )
    parser.add_argument("--resolution", type=parsing.positive, default=default.resolution, help="points per side, odd")
    parser.add_argument(
        "--tolerance",
        type=float,
        default=default.tolerance,
        help="95th percentile of the expected error, as a share of the range",
    )
    parser.add_argument("--budget", type=parsing.positive, metavar="POINTS", help="maximum number of points")
    parser.add_argument("--exhaustive", action="store_true", help="measure every point of the grid")
    parser.add_argument("--line", action="store_true", help="one dimension: along the first direction")
    parser.add_argument("--fields", metavar="A,B", help="fields that must reach the tolerance; default: all losses")
    parser.add_argument("--objects", action="store_true", help="include object metrics (slower)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE.npz|.html")
    _add_plane_settings(parser.add_argument_group("settings of planes"))
    parser.set_defaults(run=run)


def _add_plane_settings(group: argparse._ArgumentGroup) -> None:
    """One option per setting; its help tells which kinds of plane have it, and what it means to them."""
    uses: dict[str, dict[str, list[str]]] = {}
    metavars: dict[str, str] = {}
    for kind in PLANE_KINDS.values():
        for setting in kind.settings:
            uses.setdefault(setting.option, {}).setdefault(setting.help, []).append(kind.key)
            metavars.setdefault(setting.option, setting.metavar)
    for option, meanings in uses.items():
        text = "; ".join(f"{', '.join(keys)}: {meaning}" for meaning, keys in meanings.items())
        group.add_argument(option, metavar=metavars[option], help=text.replace("%", "%%"))


def run(arguments: argparse.Namespace) -> int:
    """Measures the slice; the same command continues one that was interrupted."""
    out: Path = arguments.out
    if out.suffix not in (".npz", ".html"):
        raise InputError(f"{out.name} ends neither in .npz nor in .html", "--out", "choose for example slice.npz")
    request = request_of(arguments)
    arrays = out.with_suffix(".npz")
    folder, bar = RunFolder(arguments.run_folder), ProgressBar()
    plan = folder.plan()
    find_checkpoint(folder, request.checkpoint)  # what is not there is said before a file or folder is made
    try:
        with slice_lock(folder, arrays):
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
        page = to_html(shown, names, plan, str(arguments.run_folder), str(out))
        try:
            write_atomically(out, page.encode())
        except OSError as error:
            raise InputError(f"cannot be written ({error.strerror})", str(out), "choose another place") from None
    return 0


def slice_lock(folder: RunFolder, arrays: Path) -> AbstractContextManager[None]:
    """Holds the lock of a slice's file, whose folder is made if need be.

    Nobody can remove a lock's own file safely: another process may be waiting for it. So that it does not stay beside
    the user's files, it lies in the run's folder. Jobs of a server lock the slices in there beside the file; so does
    this command.

    Args:
        folder: of the run.
        arrays: the slice's file.

    Raises:
        InputError: another process works on the file; or its folder cannot be made.
    """
    place = arrays.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        if place.is_relative_to(folder.path.resolve()) or not os.access(folder.path, os.W_OK):
            return lock_file(arrays)
        locks = folder.path / "locks"
        locks.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot be written ({error.strerror})", str(arrays), "choose another place") from None
    name = blake2b(str(place).encode(), digest_size=8).hexdigest()
    return locked(locks / name, busy=f"another job works on {arrays}")


def request_of(arguments: argparse.Namespace) -> SliceRequest:
    """The slice that the arguments describe.

    Raises:
        InputError: an argument is wrong, or is not a setting of this kind of plane.
    """
    if arguments.checkpoint is not None and not PLANE_KINDS[arguments.plane].centred:
        raise InputError(f"a {arguments.plane} plane has no centre to choose", "--checkpoint", "leave it out")
    request = {
        "plane": {"kind": arguments.plane, "line": arguments.line, **_plane_settings(arguments)},
        "checkpoint": arguments.checkpoint,
        "extent": arguments.extent,
        "resolution": arguments.resolution,
        "tolerance": arguments.tolerance,
        "budget": arguments.budget or arguments.resolution**2,
        "exhaustive": arguments.exhaustive,
        "watched": tuple(arguments.fields.split(",")) if arguments.fields else (),
        "objects": arguments.objects,
    }
    try:
        return SliceRequest.model_validate(request)
    except ValidationError as error:
        raise InputError(*explain_validation(error), "see --help") from None


def _plane_settings(arguments: argparse.Namespace) -> dict[str, object]:
    """The settings that were given, also those of other kinds, which ``PlaneSpec`` refuses."""
    chosen = PLANE_KINDS[arguments.plane]
    values: dict[str, object] = {}
    for setting in (*chosen.settings, *(each for kind in PLANE_KINDS.values() for each in kind.settings)):
        text = getattr(arguments, setting.name)
        if text is not None and setting.name not in values:
            try:
                values[setting.name] = setting.parse(text)
            except ValueError as error:
                raise InputError(str(error), setting.option, "see --help") from None
    return values
