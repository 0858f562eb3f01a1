"""Scenes and datasets: the types that everything else works on, and the rules that they satisfy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.notes import Note
from explorer.texts import LONGEST_NAME

BACKGROUND = "background"
"""The name of class 0, which has no objects."""

IGNORE = 255
"""The label of a pixel that no loss and no metric counts."""


_COUNTED_AT_ONCE = 1 << 20  # pixels


@dataclass(frozen=True)
class GeoReference:
    """Where a raster lies on the ground.

    Attributes:
        crs: coordinate reference system as WKT or "EPSG:n"; None if unknown.
        transform: affine coefficients (a, b, c, d, e, f): x = a·col + b·row + c, y = d·col + e·row + f.
    """

    crs: str | None
    transform: tuple[float, float, float, float, float, float]


@dataclass(frozen=True, eq=False)
class Raster:
    """An image as read, without a label."""

    name: str
    image: NDArray[np.generic]  # (C, H, W), its own dtype
    valid: NDArray[np.bool_]  # (H, W), False: masked, or nodata, NaN or infinite in all bands
    bands: tuple[str, ...]  # C names
    georeference: GeoReference | None = None
    orientation: int = 1  # Exif orientation that was applied, 1 to 8; 1: none
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, eq=False)
class Scene:
    """One image with its label.

    A pixel that is invalid in the image has the label ``IGNORE``. Where the label came with objects drawn one by one,
    ``objects`` keeps them apart even where they touch; elsewhere an object is a connected component.
    """

    name: str
    image: NDArray[np.generic]  # (C, H, W), its own dtype
    label: NDArray[np.uint8]  # (H, W), class ids, 255 = ignore
    bands: tuple[str, ...]  # C names
    georeference: GeoReference | None = None
    objects: NDArray[np.int32] | None = None  # (H, W), an id per object over all classes, 0 = none; None: not known
    notes: tuple[Note, ...] = ()
    valid: NDArray[np.bool_] | None = None  # (H, W), as of a ``Raster``; None: all, or not known (earlier versions)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.label.shape[0], self.label.shape[1]

    def pixel_counts(self, classes: int) -> NDArray[np.int64]:
        """Number of pixels of each class, (classes,); ignored pixels are not counted."""
        counts = np.zeros(IGNORE + 1, dtype=np.int64)
        rows = max(1, _COUNTED_AT_ONCE // self.label.shape[1])  # to count a byte, NumPy makes eight of it
        for top in range(0, self.label.shape[0], rows):
            counts += np.bincount(self.label[top : top + rows].ravel(), minlength=IGNORE + 1)
        return counts[:classes]


@dataclass(frozen=True)
class Stretch:
    """Robust per-band stretch: ``(value − low) / (high − low)``, clipped to [0, 1].

    Computed once from the training scenes and stored with the run, so that prediction uses the same values. See
    :mod:`explorer.imagery.stretch`.
    """

    low: tuple[float, ...]  # C
    high: tuple[float, ...]  # C


@dataclass(frozen=True, eq=False)
class Dataset:
    """Scenes, class names and the split. Training and validation never share a pixel."""

    name: str
    classes: tuple[str, ...]  # names; the position is the class id, 0 is the background
    bands: tuple[str, ...]
    training: tuple[Scene, ...]
    validation: tuple[Scene, ...]
    stretch: Stretch
    notes: tuple[Note, ...] = ()  # on the dataset as a whole; those on a scene are with the scene
    choices: ReadingChoices = field(default_factory=ReadingChoices)  # how its files were read
    minimum_area: int = 8  # pixels; smaller objects of the label count as neither hit nor miss
    match_rule: MatchRule = HALF_IOU  # when a predicted object counts as one of the label

    @property
    def scenes(self) -> tuple[Scene, ...]:
        """Training scenes, then validation scenes."""
        return self.training + self.validation


def make_scene(
    raster: Raster,
    label: NDArray[np.uint8],
    objects: NDArray[np.int32] | None = None,
    notes: Sequence[Note] = (),
) -> Scene:
    """Joins an image and its label; pixels that are invalid in the image become ``IGNORE``.

    Args:
        raster: the image.
        label: (H, W), class ids or ``IGNORE``.
        objects: (H, W), an id per object, 0 = none; None: connected components are the objects.
        notes: on the label; those on the image come first.

    Raises:
        InputError: the sizes differ, or every pixel is ignored.
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
        raise InputError("every pixel is ignored", raster.name, "label some pixels with a class; 255 means ignore")
    if objects is not None:
        objects = np.where((label > 0) & (label != IGNORE), objects, np.int32(0))
    valid = None if raster.valid.all() else raster.valid
    notes = (*raster.notes, *notes)
    return Scene(raster.name, raster.image, label, raster.bands, raster.georeference, objects, notes, valid)


def check_scenes(name: str, scenes: Sequence[Scene], classes: Sequence[str]) -> None:
    """Checks that scenes form a dataset: with each other and with the classes.

    Args:
        name: of the dataset, for messages.
        scenes: of any size.
        classes: names; the position is the id, 0 is the background.

    Raises:
        InputError: no scenes, names that are too long, duplicate scene or class names, different numbers of bands,
            labels outside the classes, no foreground at all, or nothing but one class.
    """
    if not scenes:
        raise InputError("no scenes", name, "give at least one image and its mask")
    _check_names(scenes)
    _check_lengths(name, classes)
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
    present = np.flatnonzero(np.sum([scene.pixel_counts(len(classes)) for scene in scenes], axis=0))
    if len(present) < 2:
        raise InputError(
            f"every labelled pixel is {classes[int(present[0])]!r}: there is nothing to tell it from",
            name,
            "choose which value of the masks is the background, or label some",
        )


def has_foreground(scenes: Sequence[Scene]) -> bool:
    """Whether any pixel of the scenes belongs to a class other than the background."""
    return any(((scene.label > 0) & (scene.label != IGNORE)).any() for scene in scenes)


def _check_names(scenes: Sequence[Scene]) -> None:
    twice = [name for name, count in Counter(scene.name for scene in scenes).items() if count > 1]
    if twice:
        raise InputError("two scenes have this name", twice[0], "rename one")


def _check_lengths(name: str, classes: Sequence[str]) -> None:
    """Names are listed on every page: none may be longer than ``LONGEST_NAME``."""
    for what, text in (("the name of the dataset", name), *(("a class name", text) for text in classes)):
        if len(text) > LONGEST_NAME:
            raise InputError(f"{what} has {len(text):,} characters, at most {LONGEST_NAME}", text[:40], "shorten it")


def _check_classes(classes: Sequence[str], name: str) -> None:
    if len(classes) < 2 or len(set(classes)) < len(classes) or not all(text.strip() for text in classes):
        raise InputError(
            f"classes {', '.join(map(repr, classes))}",
            name,
            "name the background and at least one other class, each with its own name",
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
            "give every image the same bands",
        )


def _check_labels(scene: Scene, classes: Sequence[str]) -> None:
    outside = np.flatnonzero(scene.pixel_counts(IGNORE)[len(classes) :])
    if outside.size:
        raise InputError(
            f"label {len(classes) + int(outside[0])} is not one of the {len(classes)} classes",
            scene.name,
            "correct the mask; mark pixels to ignore with 255",
        )
