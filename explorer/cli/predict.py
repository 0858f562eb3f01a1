"""``predict``: the mask of one image by a run's segmenter, with the image's georeference."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from explorer.cli import parsing
from explorer.errors import InputError
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.scene import IGNORE
from explorer.imagery.writing import write_mask, write_outlines
from explorer.runs.folder import RunFolder
from explorer.runs.segmenters import load_segmenter, probabilities


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("predict", help="the mask of one image", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("image", type=Path, metavar="IMAGE")
    parser.add_argument("--out", type=Path, required=True, metavar="MASK.tif", help="class ids, 255 = no data")
    parser.add_argument("--vectors", type=Path, metavar="OUT.geojson", help="also write the outlines of the objects")
    parser.add_argument("--checkpoint", metavar="FILE", help="file name in the run's checkpoints; default: the last")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1 or mps")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Gives each pixel its most probable class; pixels without data get 255."""
    folder = RunFolder(arguments.run_folder)
    reference = folder.dataset()
    raster = read_raster(arguments.image, arguments.image.name)
    if len(raster.bands) != len(reference.bands):
        raise InputError(
            f"{len(raster.bands)} bands, the run was trained on {len(reference.bands)}",
            str(arguments.image),
            "use an image with the same bands as the run's",
        )
    segmenter = load_segmenter(folder, arguments.checkpoint, arguments.device)
    mask = probabilities(segmenter, raster.image, reference.stretch).argmax(0).astype(np.uint8)
    mask[~raster.valid] = IGNORE
    write_mask(arguments.out, mask, raster.georeference, reference.classes)
    if arguments.vectors is not None:
        write_outlines(arguments.vectors, mask, raster.georeference, reference.classes)
    return 0
