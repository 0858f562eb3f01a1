"""``predict``: the mask of one image by a run's segmenter, with the image's georeference."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from explorer.cli import parsing
from explorer.cli.evaluate import add_prediction_options
from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.georeference import SIDE_FILE_SUFFIXES
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.scene import IGNORE, Raster
from explorer.imagery.stretch import outside_stretch, stretch_scene
from explorer.imagery.writing import write_mask, write_outlines
from explorer.metrics.class_map import classes_at
from explorer.metrics.splitting_predictions import cut_classes
from explorer.runs.class_thresholds import AppliedThresholds, thresholds_of
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.segmenters import find_checkpoint, load_predictor
from explorer.settings import settings


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("predict", help="the mask of one image", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("image", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, required=True, metavar="MASK.tif", help="class ids, 255 = no data")
    parser.add_argument("--vectors", type=Path, metavar="OUT.geojson", help="also write the outlines of the objects")
    add_prediction_options(parser)
    parser.add_argument("--force", action="store_true", help="predict even if the values differ from the run's")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Gives each pixel its class at the thresholds, see ``classes_at``; pixels without data get 255.

    At own thresholds, objects that touch are separated by a line of background and specks are left out, as was chosen
    with the thresholds: the 8-connected components of a class in the mask are its objects, as ``evaluate`` counts them.
    """
    folder = RunFolder(arguments.run_folder)
    reference = folder.dataset()
    raster = _read(arguments.image, reference)
    for note in raster.notes:
        print(f"{note.text} [{note.code}]", file=sys.stderr)
    problem = outside_stretch(raster.image, raster.valid, reference.stretch)
    if problem is not None and not arguments.force:
        raise InputError(
            problem,
            str(arguments.image),
            "scale its values like those of the run's images, or use --force to predict all the same",
        )
    if problem is not None:
        note = Note("values_outside_stretch", f"{arguments.image}: {problem}")
        print(f"warning: {note.text} [{note.code}]", file=sys.stderr)
    checkpoint, _ = find_checkpoint(folder, arguments.checkpoint)
    applied = thresholds_of(folder, arguments.threshold, len(reference.classes), checkpoint, arguments.split)
    print(f"threshold: {_shown(applied, reference)}", file=sys.stderr)
    for name, cut in zip(reference.classes[1:], applied.cuts, strict=False):
        separated = "neighbours are separated" if cut.diameter is not None else "neighbours are not separated"
        print(f"{name}: {separated}, objects of fewer than {cut.smallest} pixels are left out", file=sys.stderr)
    predictor = load_predictor(folder, checkpoint, arguments.device, arguments.flips)
    probabilities = predictor.probabilities(raster.image)
    mask = cut_classes(classes_at(probabilities, applied.values), probabilities, applied.cuts)
    mask[~raster.valid] = IGNORE
    write_mask(arguments.out, mask, raster.georeference, reference.classes)
    if arguments.vectors is not None:
        write_outlines(arguments.vectors, mask, raster.georeference, reference.classes)
    return 0


def _shown(applied: AppliedThresholds, reference: DatasetReference) -> str:
    """The thresholds by class, and where they come from."""
    by_class = applied.by_class(len(reference.classes)) or {}
    numbers = ", ".join(f"{reference.classes[int(class_id)]} {value:g}" for class_id, value in by_class.items())
    return f"{numbers} ({applied.source})" if numbers else applied.source


def _read(image: Path, reference: DatasetReference) -> Raster:
    """The image, read as those of the run were."""
    beside = {path.name: path for path in image.parent.glob("*") if path.suffix.lower() in SIDE_FILE_SUFFIXES}
    limits = settings().for_own_files()
    raster = read_raster(image, image.name, limits, companions=beside, keep_fill=reference.choices.keep_fill)
    if len(raster.bands) != len(reference.bands):
        raise InputError(
            f"{len(raster.bands)} band(s), the run was trained on {len(reference.bands)}",
            str(image),
            "use an image with the same bands as the run's",
        )
    if reference.choices.stretch == "scene":
        return replace(raster, image=stretch_scene(raster.image, raster.valid))
    return raster
