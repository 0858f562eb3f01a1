"""Draws the polygons of a vector file as a mask on an image, each polygon an object of its own."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize

from explorer.errors import InputError
from explorer.imagery.choices import Polygon, ReadingChoices
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import read_bytes
from explorer.imagery.reading.masks import Mask, MaskKind
from explorer.imagery.reading.pixel_centres import covers_a_centre
from explorer.imagery.reading.roles import order_of
from explorer.imagery.reading.vector_areas import Areas, areas_of
from explorer.imagery.reading.vector_classes import classes_of
from explorer.imagery.reading.vector_files import read_vector_file, side_files
from explorer.imagery.reading.vector_placing import Placed, place
from explorer.imagery.scene import BACKGROUND, Raster
from explorer.settings import Settings, settings
from explorer.texts import LONGEST_NAME

_KEPT_FILES = 4
_MAX_PIXELS_DRAWN = 100  # images' worth, by polygons that lie on each other
_MAX_CORNER_ROWS = 3e9  # corners × rows over all polygons, what drawing costs: about a minute
_MOST_PROPERTIES = 500  # that are offered for the class
_MAX_HOLES = 1000  # of an area of interest

_kept: OrderedDict[bytes, Areas] = OrderedDict()
_kept_lock = threading.Lock()


def read_polygons(
    source: Path | bytes,
    name: str,
    raster: Raster,
    limits: Settings | None = None,
    *,
    choices: ReadingChoices | None = None,
    companions: Mapping[str, bytes | Path] | None = None,
    shared: bool = False,
) -> Mask:
    """Draws the polygons of a vector file: a pixel belongs to the last polygon that contains its centre.

    A polygon that contains no pixel centre is drawn as the pixel that contains a point of it. ``Mask.objects`` keeps
    polygons apart where they touch; each part of a feature with several parts is an object. A polygon that later ones
    cover wholly is not drawn.

    Coordinates are in the system that the file declares; GeoJSON that declares none is in degrees, as RFC 7946
    requires. See :func:`explorer.imagery.reading.vector_placing.place` for what is assumed where a declaration is
    missing, and :func:`explorer.imagery.reading.vector_classes.classes_of` for the property that holds the class.

    Args:
        source: a path, or the content of a file: GeoJSON, GeoPackage, FlatGeobuf, Shapefile (.shp) or KML.
        name: of the file, for messages.
        raster: the image.
        limits: on the file's size and the number of classes; those of the installation if not given.
        choices: the property that holds the class.
        companions: files by name, among them those of a Shapefile.
        shared: whether the file is for several images, so that it may draw nothing on this one.

    Raises:
        InputError: the file is broken or has no polygons, its coordinates cannot be laid on the image, or no polygon
            overlaps the image and the file is for this image only.
    """
    limits = limits or settings()
    areas = _areas(read_bytes(source, name, limits), name, companions or {}, limits)
    chosen = choices.class_property if choices else None
    features = sorted(set(areas.features.tolist()))
    classes, notes = classes_of(areas.properties, features, chosen, limits.max_classes, name)
    notes = (*areas.notes(), *notes)
    names = sorted(set(classes.values()), key=order_of)
    properties = tuple(name for name in areas.properties if len(name) <= LONGEST_NAME)[:_MOST_PROPERTIES]
    empty = np.zeros(raster.valid.shape, dtype=np.int32)
    if not len(areas.polygons):
        notes += (Note("no_objects_here", f"{name} holds no polygons: all of {raster.name} is background."),)
        return _mask(name, (), empty, np.zeros(1, dtype=np.uint16), notes, properties)
    placed = place(areas, raster, name, shared)
    if not placed.overlaps and not shared:
        raise InputError(placed.message, name, placed.remedy)
    notes += placed.notes
    ids, objects, small = _drawn(areas, placed, raster, name)
    if not ids.any():
        where = "" if placed.overlaps else f" ({placed.message})"
        text = f"No polygon of {name} lies on {raster.name}{where}: all of it is background."
        notes += (Note("no_objects_here", text),)
        return _mask(name, names, ids, np.zeros(1, dtype=np.uint16), notes, properties)
    index_of_object = np.zeros(objects + 1, dtype=np.uint16)
    number = {each: position for position, each in enumerate(names, start=1)}
    index_of_object[areas.objects + 1] = [number[classes[feature]] for feature in areas.features.tolist()]
    if small:
        drawn = len(np.unique(ids)) - (0 in ids)
        text = (
            f"{small} of {drawn} polygons cover no pixel centre; each was drawn as one pixel."
            if drawn > 1
            else "The polygon covers no pixel centre; it was drawn as one pixel."
        )
        notes += (Note("small_polygon", text),)
    return _mask(name, names, ids, index_of_object, (*notes, *_touching(ids, index_of_object)), properties)


class NoOverlapError(InputError):
    """Polygons and image are understood, but none of the polygons lies on the image."""


def polygons_in_pixels(
    source: Path | bytes,
    name: str,
    raster: Raster,
    limits: Settings | None = None,
    companions: Mapping[str, bytes | Path] | None = None,
) -> tuple[Polygon, ...]:
    """The part of the polygons of a vector file that lies on an image, as an area of interest.

    Returns:
        Corners in pixels; a polygon with holes is cut into several without.

    Raises:
        NoOverlapError: none of the polygons lies on the image.
        InputError: as :func:`read_polygons`.
    """
    limits = limits or settings()
    areas = _areas(read_bytes(source, name, limits), name, companions or {}, limits)
    if not len(areas.polygons):
        raise InputError("holds no polygons", name, "draw the area of interest")
    placed = place(areas, raster, name)
    if not placed.overlaps:
        raise NoOverlapError(placed.message, name, placed.remedy)
    height, width = raster.valid.shape
    waiting = [shapely.intersection(polygon, shapely.box(0, 0, width, height)) for polygon in placed.polygons]
    if sum(len(polygon.interiors) for polygon in placed.polygons) > _MAX_HOLES:
        raise InputError(f"more than {_MAX_HOLES} holes", name, "draw a simpler area of interest")
    found: list[Polygon] = []
    while waiting:
        shape = waiting.pop(0)
        if shape.geom_type != "Polygon":
            waiting += [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
        elif len(shape.interiors):
            cut = shapely.centroid(shape.interiors[0]).x
            waiting += [shapely.intersection(shape, shapely.box(*side)) for side in _sides(cut, width, height)]
        elif shape.area > 0:
            found.append(tuple((float(x), float(y)) for x, y in shape.exterior.coords[:-1]))
    if not found:
        raise NoOverlapError(
            f"none of its polygons overlaps {raster.name}", name, "check that both cover the same area"
        )
    return tuple(found)


def _sides(cut: float, width: int, height: int) -> tuple[tuple[float, float, float, float], ...]:
    return (0.0, 0.0, cut, float(height)), (cut, 0.0, float(width), float(height))


def _areas(data: bytes, name: str, companions: Mapping[str, bytes | Path], limits: Settings) -> Areas:
    """The polygons of a file; those of the last few files are kept, since one file may be drawn on many images."""
    beside = side_files(name, companions, limits)
    digest = hashlib.blake2b(data)
    for extension in sorted(beside):
        digest.update(extension.encode() + hashlib.blake2b(beside[extension]).digest())
    key = digest.digest()
    with _kept_lock:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    areas = areas_of(read_vector_file(data, name, beside), name)
    with _kept_lock:
        _kept[key] = areas
        while len(_kept) > _KEPT_FILES:
            _kept.popitem(last=False)
    return areas


def _mask(
    name: str,
    names: tuple[str, ...] | list[str],
    ids: NDArray[np.int32],
    index_of_object: NDArray[np.uint16],
    notes: tuple[Note, ...],
    properties: tuple[str, ...],
) -> Mask:
    return Mask(
        name,
        MaskKind.NAMES,
        (BACKGROUND, *names),
        index_of_object[ids],
        np.zeros(ids.shape, dtype=np.bool_),
        objects=ids,
        notes=notes,
        properties=properties,
    )


def _drawn(areas: Areas, placed: Placed, raster: Raster, name: str) -> tuple[NDArray[np.int32], int, int]:
    """Object ids (H, W), from 1; the largest possible id; and the number of objects that were drawn as one pixel."""
    shape = raster.valid.shape
    objects = int(areas.objects[-1]) + 1
    on_image = np.flatnonzero(shapely.intersects(shapely.box(0, 0, shape[1], shape[0]), placed.polygons))
    polygons, own = placed.polygons[on_image], areas.objects[placed.positions[on_image]] + 1
    if not len(polygons):
        return np.zeros(shape, dtype=np.int32), objects, 0
    _check_effort(polygons, shape, name)
    ids: NDArray[np.int32] = rasterize(
        zip(polygons, own.tolist(), strict=True), out_shape=shape, dtype=np.int32, fill=0
    )
    present = np.zeros(objects + 1, dtype=np.bool_)
    present[ids.ravel()] = True
    small = 0
    for each in np.unique(own[~present[own]]).tolist():
        first, last = np.searchsorted(own, (each, each + 1))  # objects are in order
        parts = polygons[first:last]
        if any(covers_a_centre(part, shape) for part in parts):
            continue  # later polygons cover it
        point = max(parts, key=shapely.area).representative_point()
        row, column = int(np.floor(point.y)), int(np.floor(point.x))
        if 0 <= row < shape[0] and 0 <= column < shape[1]:
            ids[row, column] = each
            small += 1
    return ids, objects, small


def _check_effort(polygons: NDArray[np.object_], shape: tuple[int, ...], name: str) -> None:
    """Refuses polygons that would take minutes to draw."""
    height, width = shape
    left, top, right, bottom = shapely.bounds(polygons).T
    rows = np.clip(bottom, 0, height) - np.clip(top, 0, height)
    columns = np.clip(right, 0, width) - np.clip(left, 0, width)
    pixels = float(np.minimum(rows * columns, shapely.area(polygons)).sum())
    corners = float((shapely.get_num_coordinates(polygons) * rows).sum())
    if pixels > _MAX_PIXELS_DRAWN * max(height * width, 1_000_000):
        raise InputError("its polygons lie on each other a hundredfold", name, "remove the repeated ones")
    if corners > _MAX_CORNER_ROWS:
        raise InputError("its outlines have too many corners", name, "simplify them, or cut the image into tiles")


def _touching(ids: NDArray[np.int32], index_of_object: NDArray[np.uint16]) -> tuple[Note, ...]:
    """A note if objects of one class touch, so that as connected components they would be one."""
    touching: set[int] = set()
    for first, second in (
        (ids[:, :-1], ids[:, 1:]),
        (ids[:-1], ids[1:]),
        (ids[:-1, :-1], ids[1:, 1:]),
        (ids[:-1, 1:], ids[1:, :-1]),
    ):
        differ = (first != second) & (first > 0) & (second > 0)
        a, b = first[differ], second[differ]
        same = index_of_object[a] == index_of_object[b]
        touching.update(np.unique(a[same]).tolist(), np.unique(b[same]).tolist())
    if not touching:
        return ()
    text = f"{len(touching)} polygons touch another of their class; each is kept as an object of its own."
    return (Note("touching_objects", text),)
