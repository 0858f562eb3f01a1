"""``evaluate``: scores of a run's segmenter on a folder of images and a folder of masks, as JSON on stdout."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from explorer.cli import parsing
from explorer.errors import InputError
from explorer.imagery.datasets import dataset_from_folders
from explorer.imagery.objects import MINIMUM_AREA
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import evaluate_scenes, load_segmenter
from explorer.runs.summary import summarise


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("evaluate", help="scores of a run on a folder of images", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    imagery_options.add_options(parser)
    parser.add_argument("--checkpoint", metavar="FILE", help="file name in the run's checkpoints; default: the last")
    parser.add_argument(
        "--minimum-area",
        type=parsing.positive,
        default=MINIMUM_AREA,
        metavar="PIXELS",
        help=f"smaller objects are ignored; default: {MINIMUM_AREA}",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Scores all scenes of the folders, whatever their split."""
    folder = RunFolder(arguments.run_folder)
    reference = folder.dataset()
    segmenter = load_segmenter(folder, arguments.checkpoint, arguments.device)
    dataset = dataset_from_folders(arguments.images, arguments.masks, classes=reference.classes)
    if len(dataset.bands) != len(reference.bands):
        raise InputError(
            f"{len(dataset.bands)} bands, the run was trained on {len(reference.bands)}",
            str(arguments.images),
            "use images with the same bands as the run's",
        )
    scores = evaluate_scenes(
        segmenter, dataset.scenes, reference.stretch, len(reference.classes), arguments.minimum_area
    )
    print(json.dumps(summarise(folder, folder.events(), scores), indent=1))
    return 0
