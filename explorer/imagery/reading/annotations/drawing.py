"""Draws outlines and bitmaps with class names into a mask.

A pixel belongs to an outline that contains its centre. Coordinates are in pixels, x to the right and y down, and
(0, 0) is the upper left corner of the first pixel, as in COCO, CVAT and labelme: the square from (2, 1) to (4, 3) has
four pixels. Tools that draw the boundary, too (pycocotools, Pillow), differ along it by less than a pixel.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import check_size
from explorer.imagery.reading.masks import Mask, MaskKind
from explorer.imagery.reading.pixel_centres import covers_a_centre
from explorer.imagery.scene import BACKGROUND
from explorer.settings import Settings
from explorer.texts import LONGEST_NAME

MAX_ANNOTATIONS = 200_000
"""Annotations of one image."""

MAX_CORNERS = 2_000_000
"""Corners of all outlines on one image."""

_MAX_CLASSES = 65_000  # positions in the keys are uint16
_MAX_OVERLAP = 20  # area of all annotations ÷ the largest image that is allowed
_MAX_EDGE_TESTS = 6_000_000_000  # rows × corners: GDAL tests every edge in every row, 10 s
_DRAWN_ITEM = 4  # bytes: numbers of annotations, of objects
_FARTHEST = 1e7  # pixels; beyond, GDAL's arithmetic with whole numbers overflows

Ring = NDArray[np.float64]
"""Corners of an outline, (n, 2): x and y in pixels."""


@dataclass(frozen=True, eq=False)
class Bitmap:
    """Some pixels of an image: a block of them with its upper left corner."""

    top: int
    left: int
    pixels: NDArray[np.bool_]  # (h, w)


Area = Ring | Callable[[], Bitmap]
"""An outline, or a bitmap that is decoded when it is drawn."""


@dataclass(frozen=True, eq=False)
class Annotation:
    """One annotation: an area that has a class.

    Attributes:
        class_name: its class; ``BACKGROUND`` erases what lies below.
        areas: outlines and bitmaps; it covers what any of them covers.
        group: annotations of one group are one object; None: it is an object by itself.
        ignored: whether its pixels are to be ignored.
    """

    class_name: str
    areas: tuple[Area, ...]
    group: Hashable = None
    ignored: bool = False


@dataclass
class LeftOut:
    """Counts, by kind, what a reader leaves out."""

    kinds: Counter[str] = field(default_factory=Counter)

    def notes(self, label: str) -> tuple[Note, ...]:
        """A note on what was left out of an annotation file, if there was anything."""
        if not self.kinds:
            return ()
        counts = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        return (Note("annotation_left_out", f"{label}: left out what has no area: {counts}."),)


def ring_of(values: Any, label: str, which: str) -> Ring | None:
    """An outline from a list of corners, or of x and y in turn; None if it has fewer than three corners.

    Raises:
        InputError: the values are no finite numbers, or not in pairs.
    """
    try:
        numbers = np.asarray(values, dtype=np.float64)
        ring = numbers.reshape(-1, 2) if numbers.ndim == 1 else numbers
    except (TypeError, ValueError, OverflowError) as error:
        raise _not_an_outline(label, which) from error
    if ring.ndim != 2 or ring.shape[1] != 2 or not (np.abs(ring) < _FARTHEST).all():  # NaN is not less, either
        raise _not_an_outline(label, which)
    return ring if _has_three_corners(ring) else None


def rectangle(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    """The corners of a rectangle."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def ellipse(x: float, y: float, radius_x: float, radius_y: float, degrees: float = 0.0) -> NDArray[np.float64]:
    """An ellipse as a polygon, (256, 2), turned clockwise by some degrees."""
    angles = np.linspace(0, 2 * np.pi, 256, endpoint=False)
    along, across = radius_x * np.cos(angles), radius_y * np.sin(angles)
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.stack([x + along * cosine - across * sine, y + along * sine + across * cosine], axis=1)


def check_count(annotations: int, name: str) -> None:
    """Refuses more annotations of one image than ``MAX_ANNOTATIONS``.

    Raises:
        InputError: there are more.
    """
    if annotations > MAX_ANNOTATIONS:
        raise InputError(
            f"{annotations:,} annotations of one image, at most {MAX_ANNOTATIONS:,}", name, "cut it into tiles"
        )


def draw(
    annotations: Sequence[Annotation],
    size: tuple[int, int],
    classes: Iterable[str],
    name: str,
    limits: Settings,
    notes: Sequence[Note] = (),
) -> Mask:
    """Draws annotations, later ones over earlier ones.

    An outline that covers no pixel centre is drawn as one pixel.

    Args:
        annotations: of one image.
        size: height and width of the grid that their coordinates refer to.
        classes: names in the order of the file; those that only occur in annotations are appended. "Background" and
            "_background_" are the background.
        name: of the annotation file.
        limits: on the number of pixels.
        notes: of the reader.

    Raises:
        InputError: the grid is too large, there are too many annotations, a class name is too long, or no annotation
            lies on the grid.
    """
    height, width = size
    check_size(height, width, 1, name, limits, _DRAWN_ITEM)
    check_count(len(annotations), name)
    annotations = [replace(each, class_name=_folded(each.class_name)) for each in annotations]
    named = (each.class_name for each in annotations if not each.ignored)
    keys = tuple(dict.fromkeys((BACKGROUND, *map(_folded, classes), *named)))
    if max(map(len, keys)) > LONGEST_NAME:
        raise InputError(f"a class name of {max(map(len, keys)):,} characters", name, "shorten it")
    if len(keys) > _MAX_CLASSES:
        raise InputError(f"{len(keys):,} classes, at most {_MAX_CLASSES:,}", name, "merge classes")
    drawn = np.zeros(size, dtype=np.int32)  # (H, W), position in ``annotations`` + 1
    _Painter(drawn, name, limits).paint(annotations)
    notes = (*notes, *_mend_missing(drawn, annotations, name))
    positions = {key: position for position, key in enumerate(keys)}
    classes_of = np.array(
        [0, *(0 if each.ignored else positions[each.class_name] for each in annotations)], dtype=np.uint16
    )
    ignored_of = np.array([False, *(each.ignored for each in annotations)], dtype=np.bool_)
    index: NDArray[np.uint16] = classes_of[drawn]
    return Mask(
        name,
        MaskKind.NAMES,
        keys,
        index,
        ignored_of[drawn],
        objects=_object_ids(annotations)[drawn],
        notes=notes,
    )


def _folded(class_name: str) -> str:
    """The name of a class; the background has one spelling."""
    return BACKGROUND if class_name.strip("_").casefold() == BACKGROUND else class_name


def _not_an_outline(label: str, which: str) -> InputError:
    return InputError(f"{which}: its outline is not a list of finite x and y", label, "correct it, or export it again")


def _has_three_corners(ring: Ring) -> bool:
    """Whether at least three of the corners differ."""
    others = (ring != ring[:1]).any(axis=1)
    return bool(others.any() and (others & (ring != ring[others.argmax()]).any(axis=1)).any())


def _object_ids(annotations: Sequence[Annotation]) -> NDArray[np.int32]:
    """The object of each annotation, (n + 1,), 0 = none; the first is for pixels without annotation."""
    numbers: dict[Hashable, int] = {}
    ids = [0]
    for position, each in enumerate(annotations):
        if each.ignored or each.class_name == BACKGROUND:
            ids.append(0)
        else:
            key = ("alone", position) if each.group is None else ("group", each.class_name, each.group)
            ids.append(numbers.setdefault(key, len(numbers) + 1))
    return np.array(ids, dtype=np.int32)


@dataclass
class _Painter:
    """Paints areas in turn and refuses more work than an ordinary file needs."""

    drawn: NDArray[np.int32]
    name: str
    limits: Settings
    pixels: int = 0
    edge_tests: int = 0
    corners: int = 0

    def paint(self, annotations: Sequence[Annotation]) -> None:
        outlines: list[tuple[dict[str, Any], int]] = []
        for value, annotation in enumerate(annotations, start=1):
            for area in annotation.areas:
                if isinstance(area, np.ndarray):
                    self._count_outline(area)
                    outlines.append((_polygon(area), value))
                else:
                    self._flush(outlines)
                    self._paste(area(), value)
        self._flush(outlines)

    def _flush(self, outlines: list[tuple[dict[str, Any], int]]) -> None:
        if outlines:
            rasterize(outlines, out=self.drawn)
            outlines.clear()

    def _paste(self, bitmap: Bitmap, value: int) -> None:
        height, width = bitmap.pixels.shape
        self._count(height * width)
        rows, columns = self.drawn.shape
        top, left = max(0, bitmap.top), max(0, bitmap.left)
        bottom, right = min(rows, bitmap.top + height), min(columns, bitmap.left + width)
        if top < bottom and left < right:
            part = bitmap.pixels[top - bitmap.top : bottom - bitmap.top, left - bitmap.left : right - bitmap.left]
            self.drawn[top:bottom, left:right][part] = value

    def _count_outline(self, ring: Ring) -> None:
        rows, columns = self.drawn.shape
        left, top = np.clip(np.floor(ring.min(axis=0)), 0, (columns, rows))
        right, bottom = np.clip(np.ceil(ring.max(axis=0)), 0, (columns, rows))
        self.edge_tests += int(bottom - top) * len(ring)
        self.corners += len(ring)
        if self.edge_tests > _MAX_EDGE_TESTS or self.corners > MAX_CORNERS:
            raise InputError(
                f"its outlines have too many corners ({self.corners:,} and more)", self.name, "simplify them"
            )
        self._count(int((bottom - top) * (right - left)))

    def _count(self, pixels: int) -> None:
        self.pixels += pixels
        if self.pixels > _MAX_OVERLAP * self.limits.max_pixels:
            raise InputError("its annotations overlap far too often", self.name, "cut the image into tiles")


def _polygon(ring: Ring) -> dict[str, Any]:
    closed = [*ring.tolist(), ring[0].tolist()]
    return {"type": "Polygon", "coordinates": [closed]}


def _mend_missing(drawn: NDArray[np.int32], annotations: Sequence[Annotation], name: str) -> list[Note]:
    """Draws outlines between pixel centres as one pixel; says how many annotations lie outside the grid."""
    present = np.zeros(len(annotations) + 1, dtype=np.bool_)
    present[drawn] = True
    small = outside = 0
    for value, annotation in enumerate(annotations, start=1):
        rings = [area for area in annotation.areas if isinstance(area, np.ndarray)]
        if present[value] or not rings or len(rings) < len(annotation.areas):
            continue
        corners = np.concatenate(rings)
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        if right <= 0 or bottom <= 0 or left >= drawn.shape[1] or top >= drawn.shape[0]:
            outside += 1
        elif not any(covers_a_centre(shapely.Polygon(ring), drawn.shape) for ring in rings):
            row, column = int((top + bottom) / 2), int((left + right) / 2)
            if 0 <= row < drawn.shape[0] and 0 <= column < drawn.shape[1]:
                drawn[row, column] = value
                small += 1
    if outside and outside == len(annotations):
        raise InputError(
            f"none of its {outside} annotations lies on the image ({drawn.shape[1]}×{drawn.shape[0]} pixels)",
            name,
            "check that it belongs to this image and that its coordinates are pixels",
        )
    notes = []
    if small:
        notes.append(Note("small_polygon", f"{name}: {small} annotations cover no pixel centre; drawn as one pixel."))
    if outside:
        notes.append(Note("feature_left_out", f"{name}: {outside} annotations lie outside the image."))
    return notes
