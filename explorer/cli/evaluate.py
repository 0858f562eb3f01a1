"""``evaluate``: scores of a run's segmenter on a folder of images and a folder of masks, as JSON on stdout."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from explorer.cli import parsing
from explorer.errors import InputError
from explorer.imagery.datasets import dataset_from_folders
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import evaluate_scenes, load_segmenter
from explorer.runs.summary import summarise


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("evaluate", help="scores of a run on a folder of images", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("--images", type=parsing.folder, required=True, metavar="DIR")
    parser.add_argument("--masks", type=parsing.folder, required=True, metavar="DIR", help="paired by file name")
    parser.add_argument("--checkpoint", metavar="FILE", help="file name in the run's checkpoints; default: the last")
    parser.add_argument(
        "--min-area",
        type=parsing.positive,
        metavar="PIXELS",
        help="smaller objects of the label count as neither hit nor miss; default: that of the run's dataset",
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
    minimum_area = arguments.min_area or reference.minimum_area
    scores = evaluate_scenes(segmenter, dataset.scenes, reference.stretch, len(reference.classes), minimum_area)
    print(json.dumps(summarise(folder, folder.events(), scores, minimum_area), indent=1))
    return 0
