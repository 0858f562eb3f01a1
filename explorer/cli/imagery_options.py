"""Options about imagery that ``inspect``, ``train`` and ``evaluate`` share, and the imagery that they name."""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from explorer.cli import parsing
from explorer.errors import InputError
from explorer.imagery.areas import area_of, areas_in_file
from explorer.imagery.choices import Polygon, ReadingChoices
from explorer.imagery.datasets import label_scenes, read_files
from explorer.imagery.match_rule import FORMS, MatchRule
from explorer.imagery.reading.formats import read_bytes
from explorer.imagery.reading.upload import files_in
from explorer.imagery.readings import ReadFiles, Reading
from explorer.settings import settings

_SWITCH = argparse.BooleanOptionalAction  # "--no-…" takes back what a run chose


def add_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Where the imagery is, and how it is to be understood.

    Args:
        parser: that gets the options.
        required: the command cannot do without images.
    """
    parser.add_argument(
        "--images", type=Path, required=required, metavar="DIR_OR_ZIP", help="images, or images and masks"
    )
    parser.add_argument("--masks", type=Path, metavar="DIR_OR_FILE", help="masks, or one vector or annotation file")
    choices = parser.add_argument_group(
        "how masks and images are to be understood",
        'A value V is "2", "#ff8000", a name in a vector or annotation file, or "nodata". In a list, '
        "one with a comma is quoted, as in CSV.",
    )
    choices.add_argument("--background", metavar="V", help="the value that is the background")
    choices.add_argument("--ignore", type=parsing.listed, metavar="V,…", help="values that nothing counts")
    choices.add_argument("--names", type=_pairs, metavar="V=NAME,…", help="classes; one name merges values")
    choices.add_argument("--colours", type=_colours, metavar="NAME=#RRGGBB,…", help="of classes, on screen")
    choices.add_argument("--swap", action=_SWITCH, help="exchange object and background")
    choices.add_argument("--instances", action=_SWITCH, help="each value of a mask is one object of one class")
    choices.add_argument("--smoothed", choices=["half"], help="from half of the largest value on, it is object")
    choices.add_argument("--class-property", metavar="P", help="property of vector features that holds the class")
    choices.add_argument("--turn-masks", action=_SWITCH, help="turn masks as the Exif data of the photos says")
    choices.add_argument("--keep-fill", action=_SWITCH, help="use pixels with a suspected fill value")
    choices.add_argument("--stretch", choices=["dataset", "scene"], default=None, help="scene: each scene by itself")
    choices.add_argument("--min-area", type=parsing.positive, metavar="PIXELS", help="smaller objects are not counted")
    choices.add_argument(
        "--match", type=_match_rule, metavar="RULE", help=f"when a predicted object counts: {FORMS}; default: proposed"
    )
    choices.add_argument("--leave-out", type=parsing.listed, metavar="SCENE,…", help="scenes that are not used")
    choices.add_argument(
        "--pair", type=_pair, action="append", default=[], metavar="IMAGE=MASK", help="may be given more than once"
    )
    choices.add_argument(
        "--area",
        action="append",
        default=[],
        metavar="FILE|SCENE=X,Y,…",
        help="area of interest, outside of which nothing counts: polygons in a vector file, or corners in pixels",
    )


def choices_of(arguments: argparse.Namespace, default: ReadingChoices | None = None) -> ReadingChoices:
    """The choices that the arguments state; those not stated are the default's.

    A stated choice wins also where it is an empty list, or ``--no-…``.

    Raises:
        InputError: an area is neither a file nor corners.
    """
    stated = {
        "background": arguments.background,
        "ignore": arguments.ignore,
        "names": arguments.names,
        "colours": arguments.colours,
        "swap": arguments.swap,
        "instances": arguments.instances,
        "smoothed": arguments.smoothed,
        "class_property": arguments.class_property,
        "turn_masks": arguments.turn_masks,
        "keep_fill": arguments.keep_fill,
        "stretch": arguments.stretch,
        "minimum_area": arguments.min_area,
        "match_rule": arguments.match,
        "leave_out": arguments.leave_out,
        "pairs": dict(arguments.pair) or None,
        "areas": _areas_in_pixels(arguments.area) or None,
    }
    update = {name: value for name, value in stated.items() if value is not None}
    return (default or ReadingChoices()).model_copy(update=update)


def read_imagery(
    arguments: argparse.Namespace,
    default: ReadingChoices | None = None,
    classes: Sequence[str] | None = None,
    validation: Sequence[str] | None = None,
) -> Reading:
    """Reads the imagery that the arguments name.

    Args:
        arguments: with the options of ``add_options``.
        default: choices where the arguments state none.
        classes: if they are known.
        validation: names of the validation scenes.

    Raises:
        InputError: see :func:`explorer.imagery.datasets.read_files`.
    """
    limits, choices = settings().for_own_files(), choices_of(arguments, default)
    images = files_in(arguments.images, limits)
    masks = None if arguments.masks is None else files_in(arguments.masks, limits)
    read = read_files(images, masks, choices, limits)
    areas = {_scene(name, read): area for name, area in choices.areas.items()}
    areas |= _areas_of_files(arguments.area, read)
    left_out = tuple(_scene(name, read) for name in choices.leave_out)
    choices = choices.model_copy(update={"areas": areas, "leave_out": left_out})
    return label_scenes(
        read, arguments.images.resolve().stem, choices, classes=classes, validation=validation, limits=limits
    )


_ABOUT_TRAINING = {"single_scene", "split_by_folder", "no_foreground", "brightness_differs"}


def print_notes(reading: Reading, training: bool = True) -> None:
    """Prints what was noted and what was left out on stderr, a line each.

    That the scenes cannot be trained on is not printed: who trains is told by an error.

    Args:
        reading: of files.
        training: whether the scenes are to be trained on; if not, notes on their split are left out.
    """
    for report in reading.reports:
        for note in report.notes if report.scene is not None else ():
            print(f"{report.row.name}: {note.text} [{note.code}]", file=sys.stderr)
        if report.reason and reading.dataset is None:
            print(f"Not used: {report.row.name}: {report.reason}", file=sys.stderr)
    for note in reading.notes:
        if note.code != "cannot_train" and (training or note.code not in _ABOUT_TRAINING):
            print(f"{note.text} [{note.code}]", file=sys.stderr)


def _match_rule(text: str) -> MatchRule:
    try:
        return MatchRule.parse(text)
    except InputError as problem:
        raise argparse.ArgumentTypeError(str(problem)) from None


def _pairs(text: str) -> dict[str, str]:
    pairs = [_pair(part) for part in parsing.listed(text)]
    twice = [left for left, count in Counter(left for left, _ in pairs).items() if count > 1]
    if twice:
        raise argparse.ArgumentTypeError(f"{twice[0]} is given twice")
    return dict(pairs)


def _colours(text: str) -> dict[str, str]:
    colours = _pairs(text)
    for colour in colours.values():
        if not re.fullmatch("#[0-9A-Fa-f]{6}", colour):
            raise argparse.ArgumentTypeError(f"{colour!r} is not a colour as #ff8000")
    return colours


def _pair(text: str) -> tuple[str, str]:
    left, equals, right = (part.strip() for part in text.partition("="))
    if not (left and equals and right):
        raise argparse.ArgumentTypeError(f"{text!r} is not LEFT=RIGHT")
    return left, right


def _areas_in_pixels(texts: Sequence[str]) -> dict[str, tuple[Polygon, ...]]:
    areas: dict[str, tuple[Polygon, ...]] = {}
    for text in texts:
        scene, equals, corners = text.rpartition("=")
        if equals and not Path(text).is_file():
            areas[scene] = (*areas.get(scene, ()), area_of(corners))
        elif not Path(text).is_file():
            raise InputError("is neither a file nor SCENE=X,Y,…", f"--area {text}", "check the path")
    return areas


def _areas_of_files(texts: Sequence[str], read: ReadFiles) -> dict[str, tuple[Polygon, ...]]:
    """The polygons of vector files, in pixels of each scene.

    Raises:
        InputError: a file cannot be read, or its polygons lie on none of the scenes.
    """
    limits = settings().for_own_files()
    rasters = {row.name: row.raster for row in read.rows if row.raster is not None}
    areas: dict[str, tuple[Polygon, ...]] = {}
    for text in texts:
        if Path(text).is_file():
            found = areas_in_file(read_bytes(Path(text), text, limits), text, rasters, limits)
            areas |= {scene: (*areas.get(scene, ()), *polygons) for scene, polygons in found.items()}
    return areas


def _scene(name: str, read: ReadFiles) -> str:
    """The name of a scene, which may be given as the name of its image.

    Raises:
        InputError: there is none.
    """
    names = {row.pair.image: row.name for row in read.rows} | {row.name: row.name for row in read.rows}
    if name not in names:
        listed = ", ".join(sorted(row.name for row in read.rows)[:20])
        raise InputError(f"no scene is named {name}", "choices", f"choose from {listed}")
    return names[name]
