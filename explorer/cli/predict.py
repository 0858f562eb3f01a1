"""``predict``: masks and objects of images by a run's segmenter, with the images' georeferences."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from explorer.cli import parsing
from explorer.cli.evaluate import add_prediction_options, applied_thresholds
from explorer.errors import InputError
from explorer.imagery.reading.georeference import SIDE_FILE_SUFFIXES
from explorer.imagery.reading.raster import read_raster
from explorer.imagery.scene import Raster
from explorer.imagery.writing import write_mask
from explorer.metrics.found_objects import find_objects
from explorer.runs.class_thresholds import AppliedThresholds
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.object_files import coordinates_of, write_objects
from explorer.runs.predicting import predict_raster
from explorer.runs.prediction import accepted, as_trained, misfits, said_together
from explorer.runs.segmenters import find_checkpoint, load_predictor
from explorer.settings import settings

_FORMATS, _MASKS = ("geojson", "gpkg"), (".tif", ".tiff")


@dataclass(frozen=True)
class _Target:
    """An image, and the files that are written for it."""

    image: Path
    mask: Path
    vectors: Path | None


def add_parser(commands: argparse._SubParsersAction[parsing.Parser]) -> None:
    """Describes the command."""
    parser = commands.add_parser("predict", help="masks and objects of images", description=__doc__)
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("images", type=Path, metavar="IMAGE", nargs="+")
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="MASK.tif",
        help="class ids as cloud-optimised GeoTIFF, 255 = no data; a folder for several images",
    )
    parser.add_argument(
        "--vectors",
        type=Path,
        metavar="OUT.geojson|OUT.gpkg",
        help="also write the objects, each with its class, score (mean probability inside) and area; for several "
        "images geojson or gpkg, to write them beside the masks",
    )
    add_prediction_options(parser)
    parser.add_argument("--overwrite", action="store_true", help="replace files that are there already; never an image")
    parser.add_argument("--force", action="store_true", help="predict even if bands or values differ from the run's")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Gives each pixel its class at the thresholds, see ``classes_at``; pixels without data get 255.

    At own thresholds, objects that touch are separated by a line of background and specks are left out, as was chosen
    with the thresholds: the 8-connected components of a class in the mask are its objects, as ``evaluate`` counts them.
    """
    folder = RunFolder(arguments.run_folder)
    reference = folder.dataset()
    targets = _targets(arguments.images, arguments.out, arguments.vectors)
    _check_targets(targets, arguments.overwrite)
    _make_folder(arguments.out, len(targets))
    checkpoint, _ = find_checkpoint(folder, arguments.checkpoint)
    applied = applied_thresholds(arguments, folder, len(reference.classes), checkpoint)
    diameters = tuple(cut.diameter or 0.0 for cut in applied.cuts)
    predictor = None
    for target in targets:
        raster = _read(target.image, reference, arguments.force)
        if target.vectors is not None:
            coordinates_of(raster.georeference, target.vectors.suffix.lower() != ".gpkg")  # refused before it predicts
        if predictor is None:
            _print_thresholds(applied, reference)
            predictor = load_predictor(folder, checkpoint, arguments.device, arguments.flips)
        predicted = predict_raster(predictor, reference, raster, checkpoint, diameters)
        mask = predicted.mask(applied.values, applied.cuts)
        about = predicted.about(folder.path.resolve().name, applied.values, applied.cuts)
        write_mask(target.mask, mask, raster.georeference, reference.classes, about)
        if target.vectors is not None:
            found = find_objects(mask, predicted.values)
            write_objects(target.vectors, found, raster.georeference, reference.classes, about)
    return 0


def _targets(images: Sequence[Path], out: Path, vectors: Path | None) -> list[_Target]:
    """What is written where.

    Raises:
        InputError: the name of a file says no format that is written, or two images would be written to one file.
    """
    if len(images) == 1 and not out.is_dir():
        if vectors is not None and vectors.suffix.lower().lstrip(".") not in (*_FORMATS, "json"):
            raise InputError("is neither GeoJSON nor GeoPackage", str(vectors), "end it with .geojson or .gpkg")
        if out.suffix.lower() not in _MASKS:
            raise InputError(
                "is no GeoTIFF, as masks are", str(out), "end it with .tif, or give a folder that is there"
            )
        return [_Target(images[0], out, vectors)]
    ending = None if vectors is None else str(vectors)
    if ending not in (None, *_FORMATS):
        raise InputError("names one file for several images", str(vectors), "give --vectors geojson or --vectors gpkg")
    twice = [stem for stem, count in Counter(image.stem for image in images).items() if count > 1]
    if twice:
        raise InputError("two images have this name", twice[0], "predict for them one by one")
    return [
        _Target(image, out / f"{image.stem}.tif", None if ending is None else out / f"{image.stem}.{ending}")
        for image in images
    ]


def _check_targets(targets: Sequence[_Target], overwrite: bool) -> None:
    """Before anything is predicted: no image is replaced, and no other file without ``--overwrite``.

    Raises:
        InputError: one would be.
    """
    for file in (file for target in targets for file in (target.mask, target.vectors) if file is not None):
        if any(_is_same(file, target.image) for target in targets):
            raise InputError("is an image to predict for, which it would replace", str(file), "choose another --out")
        if file.exists() and not overwrite:
            raise InputError("is there already", str(file), "choose another name, or use --overwrite to replace it")


def _is_same(file: Path, other: Path) -> bool:
    """Whether two paths are of one file, whatever their case and through links."""
    if file.resolve() == other.resolve():
        return True
    return file.exists() and other.exists() and file.samefile(other)


def _make_folder(out: Path, images: int) -> None:
    if images == 1:
        return
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what = f"cannot be made ({error.strerror})"
        raise InputError(what, str(out), "give a folder with --out for several images") from None


def _print_thresholds(applied: AppliedThresholds, reference: DatasetReference) -> None:
    """The thresholds by class, where they come from, and how objects are cut out at them."""
    by_class = applied.by_class(len(reference.classes)) or {}
    numbers = ", ".join(f"{reference.classes[int(class_id)]} {value:g}" for class_id, value in by_class.items())
    shown = f"{numbers} ({applied.source})" if numbers else applied.source
    print(f"threshold: {shown}", file=sys.stderr)
    for name, cut in zip(reference.classes[1:], applied.cuts, strict=False):
        separated = "neighbours are separated" if cut.diameter is not None else "neighbours are not separated"
        print(f"{name}: {separated}, objects of fewer than {cut.smallest} pixels are left out", file=sys.stderr)


def _read(image: Path, reference: DatasetReference, forced: bool) -> Raster:
    """The image, read as those of the run were; what was noticed is printed.

    Raises:
        InputError: it cannot be read, or it is not of the kind that the run was trained on.
    """
    beside = {path.name: path for path in image.parent.glob("*") if path.suffix.lower() in SIDE_FILE_SUFFIXES}
    limits = settings().for_own_files()
    raster = read_raster(image, image.name, limits, companions=beside, keep_fill=reference.choices.keep_fill)
    raster = as_trained(raster, reference)
    for note in raster.notes:
        print(f"{note.text} [{note.code}]", file=sys.stderr)
    problems = misfits(raster, reference)
    if problems and not forced:
        remedy = "give it the bands and the scale of the run's images, or use --force to predict all the same"
        raise InputError(said_together(problems), str(image), remedy)
    for problem in problems:
        print(f"warning: {image}: {problem.text} [{problem.code}]", file=sys.stderr)
    return accepted(raster, problems)
