"""``evaluate``: scores of a run's segmenter on images with masks, as JSON on stdout."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from explorer.cli import imagery_options, parsing
from explorer.errors import InputError
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import evaluate_scenes, load_predictor
from explorer.runs.summary import summarise


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("evaluate", help="scores of a run on images with masks", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    imagery_options.add_options(parser)
    parser.add_argument("--checkpoint", metavar="FILE", help="file name in the run's checkpoints; default: the last")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scores all scenes, whatever their split, with the choices that the run was trained with."""
    folder = RunFolder(arguments.run_folder)
    reference = folder.dataset()
    predictor = load_predictor(folder, arguments.checkpoint, arguments.device)
    reading = imagery_options.read_imagery(arguments, reference.choices.for_other_files(), reference.classes)
    imagery_options.print_notes(reading)
    scenes = [report.scene for report in reading.reports if report.scene is not None]
    if not scenes:
        raise reading.problem or InputError("no scenes", str(arguments.images), "give at least one image and its mask")
    if len(scenes[0].bands) != len(reference.bands):
        raise InputError(
            f"{len(scenes[0].bands)} band(s), the run was trained on {len(reference.bands)}",
            str(arguments.images),
            "use images with the same bands as the run's",
        )
    minimum_area = arguments.min_area or reference.minimum_area
    scores = evaluate_scenes(predictor, scenes, len(reference.classes), minimum_area)
    print(json.dumps(summarise(folder, folder.events(), scores, minimum_area), indent=1))
    return 0
