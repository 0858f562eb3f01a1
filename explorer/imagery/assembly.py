"""Scenes to a dataset: checks, split and stretch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.scene import IGNORE, Dataset, Raster, Scene
from explorer.imagery.splitting import Split, has_foreground, split
from explorer.imagery.stretch import fit_stretch


def make_scene(raster: Raster, label: NDArray[np.uint8]) -> Scene:
    """An image with its label; pixels that are invalid in the image become ``IGNORE``.

    Args:
        raster: the image.
        label: (H, W), class ids or ``IGNORE``.

    Raises:
        InputError: another size than the image's, or every pixel is ignored.
    """
    if label.shape != raster.valid.shape:
        (height, width), (image_height, image_width) = label.shape, raster.valid.shape
        raise InputError(
            f"the mask is {width}×{height} pixels, its image {image_width}×{image_height}",
            raster.name,
            "save both at the same size",
        )
    label = np.where(raster.valid, label, np.uint8(IGNORE))
    if (label == IGNORE).all():
        raise InputError(
            "every pixel is ignored", raster.name, "label some pixels with a class, 255 means ignore"
        )
    return Scene(raster.name, raster.image, label, raster.bands, raster.georeference)


def make_dataset(
    name: str,
    scenes: Sequence[Scene],
    classes: Sequence[str],
    validation: Collection[str] | None = None,
    seed: int = 0,
) -> Dataset:
    """Checks scenes against each other, splits them and fits the stretch to the training side.

    Args:
        name: of the dataset.
        scenes: any sizes, the same number of bands.
        classes: names; the position is the id, 0 is the background.
        validation: names of the scenes to validate on, with or without their ending; chosen if not given.
        seed: of the choice.

    Raises:
        InputError: no scenes, names twice, differing bands, labels outside the classes, no foreground at all,
            or a ``validation`` that names no scene or all of them.
    """
    if not scenes:
        raise InputError("no scenes", name, "give at least one image with its mask")
    _check_names(scenes)
    _check_classes(classes, name)
    _check_bands(scenes)
    for scene in scenes:
        _check_labels(scene, classes)
    if not has_foreground(scenes):
        raise InputError(
            f"no foreground at all: every label is {classes[0]!r} or ignored",
            name,
            "label at least one object, and check that the masks are not empty",
        )
    parts = _by_name(scenes, validation) if validation is not None else split(scenes, len(classes), seed)
    return Dataset(
        name,
        tuple(classes),
        scenes[0].bands,
        parts.training,
        parts.validation,
        fit_stretch(parts.training),
        _notes(scenes, parts),
    )


def _check_names(scenes: Sequence[Scene]) -> None:
    twice = [name for name, count in Counter(scene.name for scene in scenes).items() if count > 1]
    if twice:
        raise InputError("two scenes have this name", twice[0], "rename one")


def _check_classes(classes: Sequence[str], name: str) -> None:
    if len(classes) < 2 or len(set(classes)) < len(classes) or not all(text.strip() for text in classes):
        raise InputError(
            f"classes {', '.join(map(repr, classes))}",
            name,
            "name the background and at least one class, each once",
        )


def _check_bands(scenes: Sequence[Scene]) -> None:
    counts = Counter(len(scene.image) for scene in scenes)
    if len(counts) > 1:
        common = counts.most_common(1)[0][0]
        odd = next(scene for scene in scenes if len(scene.image) != common)
        first = next(scene for scene in scenes if len(scene.image) == common)
        raise InputError(
            f"{len(odd.image)} bands, but {first.name} has {common}",
            odd.name,
            "give all images the same bands",
        )


def _check_labels(scene: Scene, classes: Sequence[str]) -> None:
    outside = np.flatnonzero(np.bincount(scene.label.ravel(), minlength=IGNORE + 1)[len(classes) : IGNORE])
    if outside.size:
        raise InputError(
            f"label {len(classes) + int(outside[0])} is none of the {len(classes)} classes",
            scene.name,
            "correct the mask; pixels to be ignored are 255",
        )


def _by_name(scenes: Sequence[Scene], validation: Collection[str]) -> Split:
    wanted = set(validation)
    names = {
        scene.name: {scene.name, PurePosixPath(scene.name).name, PurePosixPath(scene.name).stem}
        for scene in scenes
    }
    unknown = wanted - set().union(*names.values())
    if unknown:
        raise InputError(
            f"no scene is called {', '.join(sorted(unknown))}",
            "validation",
            f"choose from {', '.join(names)}",
        )
    held_out = tuple(scene for scene in scenes if names[scene.name] & wanted)
    training = tuple(scene for scene in scenes if not names[scene.name] & wanted)
    if not held_out or not training:
        missing = "validation" if not held_out else "training"
        raise InputError(f"no scene is left for {missing}", "validation", "name some scenes, but not all")
    return Split(training, held_out)


def _notes(scenes: Sequence[Scene], parts: Split) -> tuple[str, ...]:
    notes = []
    if len(scenes) == 1:
        notes.append(
            "One scene only: it is cut into blocks for training and validation, with a margin between."
        )
    dtypes = sorted({str(scene.image.dtype) for scene in scenes})
    if len(dtypes) > 1:
        notes.append(
            f"The images are of different kinds ({', '.join(dtypes)}); one stretch serves all of them."
        )
    if len({scene.bands for scene in scenes}) > 1:
        notes.append(f"The band names differ; those of {scenes[0].name} are shown.")
    for side, part in (("training", parts.training), ("validation", parts.validation)):
        if not has_foreground(part):
            notes.append(f"No foreground among the {side} scenes: choose the split by hand or add scenes.")
    return tuple(notes)
