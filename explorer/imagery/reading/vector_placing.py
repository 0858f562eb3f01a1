"""Lays the polygons of a vector file onto an image: from the file's coordinates to pixels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform_bounds

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.formats import FileKind
from explorer.imagery.reading.vector_areas import Areas
from explorer.imagery.reading.vector_files import project
from explorer.imagery.scene import Raster

_DEGREES = CRS.from_epsg(4326)
_WEB_MERCATOR = CRS.from_epsg(3857)
_EXTREMES = (180.0, 90.0)  # degrees
_ROUNDING = 1e-6
_SMALLEST_MEDIAN = 1.0  # square pixels; polygons in degrees that happen to lie in 0 … width are far smaller
_FARTHEST = 1e9  # pixels; beyond, drawing fails
_EDGE_POINTS = 21  # per side of an image whose bounds are projected
_MARGIN = 0.05  # share of the image's size

Extent = tuple[float, float, float, float]
"""x from, y from, x to, y to."""


@dataclass(frozen=True, eq=False)
class Placed:
    """The polygons that lie on an image or near it.

    Attributes:
        polygons: (k,) in pixels: x to the right, y down, (0, 0) is the upper left corner of the first pixel.
        positions: (k,) of each in :class:`Areas`.
        overlaps: whether any of them overlaps the image.
        message: where file and image lie, if none does.
        remedy: against that.
        notes: what was assumed.
    """

    polygons: NDArray[np.object_]
    positions: NDArray[np.int64]
    overlaps: bool
    message: str = ""
    remedy: str = ""
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, eq=False)
class _Reading:
    """One way to understand the coordinates of file and image; None: as they are."""

    file: CRS | None
    image: CRS | None
    note: str = ""


def place(areas: Areas, raster: Raster, name: str, shared: bool = False) -> Placed:
    """The polygons of a file in the pixels of an image.

    If file or image does not declare its coordinate reference system, that of the other is assumed where the polygons
    then lie on the image. Polygons in degrees may then also tell the UTM zone of an image.

    Args:
        areas: the polygons, at least one.
        raster: the image.
        name: of the file, for messages.
        shared: whether the file is for several images; its coordinates then cannot be pixels.

    Raises:
        InputError: the image has no georeference and the coordinates are not its pixels, or the declared system
            contradicts the coordinates.
    """
    georeference = raster.georeference
    rpcs_only = any(note.code == "rpcs_only" for note in raster.notes)
    if georeference is None:
        pixels = None if areas.crs is not None or shared or rpcs_only else _as_pixels(areas, raster)
        if pixels is None:
            raise _not_georeferenced(raster, name, rpcs_only)
        text = f"{raster.name} has no georeference; the coordinates of the polygons were read as its pixels."
        return Placed(pixels, np.arange(len(pixels)), True, notes=(Note("crs_assumed", text),))
    try:
        image_crs = CRS.from_user_input(georeference.crs) if georeference.crs else None
        to_pixels = ~Affine(*georeference.transform)
    except Exception as error:  # rasterio and affine raise several types
        raise InputError("its georeference cannot be used", raster.name, "save the image again as GeoTIFF") from error
    first: Placed | None = None
    for reading in _readings(areas, image_crs, raster, name):
        try:
            placed = _placed(areas, reading, raster, to_pixels, name)
        except InputError:
            if first is not None:
                continue
            raise
        if placed.overlaps:
            return placed
        first = first or placed
    assert first is not None  # there is always one reading
    return first


def _not_georeferenced(raster: Raster, name: str, rpcs_only: bool) -> InputError:
    if rpcs_only:
        return InputError(
            f"polygons cannot be laid on {raster.name}, which has only RPCs",
            name,
            "orthorectify the image first (gdalwarp -rpc), or use a raster mask",
        )
    return InputError(
        f"polygons need a georeferenced image; {raster.name} has no coordinate reference system",
        name,
        "save the image as GeoTIFF or send its world file, or use a raster mask",
    )


def _as_pixels(areas: Areas, raster: Raster) -> NDArray[np.object_] | None:
    """The polygons, if their coordinates are columns and rows (or rows counted downwards from 0, as QGIS does)."""
    height, width = raster.valid.shape
    left, top, right, bottom = _extent(areas.polygons)
    if left < -_ROUNDING or right > width + _ROUNDING or np.median(shapely.area(areas.polygons)) < _SMALLEST_MEDIAN:
        return None
    if top >= -_ROUNDING and bottom <= height + _ROUNDING:
        return areas.polygons
    if top >= -height - _ROUNDING and bottom <= _ROUNDING:
        return _transformed(areas.polygons, Affine.scale(1, -1))
    return None


def _readings(areas: Areas, image: CRS | None, raster: Raster, name: str) -> Iterator[_Reading]:
    """Ways to understand the coordinates, the most likely first."""
    in_degrees = _in_degrees(areas)
    declared = areas.crs
    if declared is not None and declared.is_geographic and not in_degrees:
        raise _not_degrees(areas, name, f"it declares {_shown(declared)}")
    undeclared = f"{name} declares no coordinate reference system"
    no_crs = f"{raster.name} has no coordinate reference system"
    if image is not None and declared is not None:
        yield _Reading(declared, image)
    elif image is not None and areas.kind is FileKind.GEOJSON:
        if not in_degrees:
            raise _not_degrees(
                areas, name, "it declares no crs, which in GeoJSON means degrees (EPSG:4326)", "export it in EPSG:4326"
            )
        yield _Reading(_DEGREES, image)
    elif image is not None:
        yield _Reading(image, image, f"{undeclared}; that of the image, {_shown(image)}, was assumed.")
        if in_degrees:
            yield _Reading(_DEGREES, image, f"{undeclared}; degrees (EPSG:4326) were assumed.")
    else:
        same = f"; that of the polygons, {_shown(declared)}, was assumed" if declared else ""
        yield _Reading(None, None, f"{no_crs}{same or '; the polygons lie on it with their coordinates as they are'}.")
        if in_degrees and (declared is None or declared.is_geographic):
            source = declared or _DEGREES
            for guess in (_utm(areas), _WEB_MERCATOR):
                yield _Reading(source, guess, f"{no_crs}; {_shown(guess)} was assumed: the polygons then lie on it.")


def _placed(areas: Areas, reading: _Reading, raster: Raster, to_pixels: Affine, name: str) -> Placed:
    height, width = raster.valid.shape
    positions = _near(areas, reading, raster)
    try:
        ground = _projected(areas.polygons[positions], reading)
        pixels = _transformed(ground, to_pixels)
        usable = (np.abs(shapely.bounds(pixels)) < _FARTHEST).all(axis=1)  # not where a corner is infinite
        pixels, positions = pixels[usable], positions[usable]
        box = shapely.box(0, 0, width, height)
        shapely.prepare(box)
        if shapely.intersects(box, pixels).any():
            notes = (Note("crs_assumed", reading.note),) if reading.note else ()
            return Placed(pixels, positions, True, notes=notes)
        everywhere = _projected(areas.polygons, reading)
    except InputError as error:
        raise InputError(error.what, name, error.remedy) from error
    everywhere = everywhere[np.isfinite(shapely.bounds(everywhere)).all(axis=1)]
    if not len(everywhere):
        raise InputError("its coordinates cannot be projected onto the image", name, "check its crs")
    image = _image_extent(raster)
    message = (
        f"none of its polygons ({areas.objects[-1] + 1}) overlaps {raster.name}: they span "
        f"{_span(_extent(everywhere))}, the image {_span(image)}"
        f" ({_shown(reading.image) if reading.image else 'no coordinate reference system'})"
    )
    remedy = "check that both cover the same area and that the crs of the file is correct"
    if reading.image is None:
        remedy = "save the image as GeoTIFF, or export the polygons in its coordinates"
    elif _overlaps_if_exchanged(areas, reading, image):
        remedy = "x and y of the file are exchanged: export it with the longitude, or easting, first"
    return Placed(pixels[:0], positions[:0], False, message, remedy)


def _near(areas: Areas, reading: _Reading, raster: Raster) -> NDArray[np.int64]:
    """Positions of the polygons whose bounds overlap the image's, widened: a file may cover many images."""
    bounds = shapely.bounds(areas.polygons)
    everything = np.arange(len(bounds))
    extent = _image_extent(raster)
    if reading.file != reading.image and reading.file is not None and reading.image is not None:
        try:
            extent = transform_bounds(reading.image, reading.file, *extent, densify_pts=_EDGE_POINTS)
        except Exception:  # PROJ raises several types; then all polygons are projected
            return everything
    left, low, right, high = extent
    if not np.isfinite(extent).all() or left >= right or low >= high:  # as across the 180th meridian
        return everything
    dx, dy = _MARGIN * (right - left), _MARGIN * (high - low)
    return np.flatnonzero(
        (bounds[:, 0] <= right + dx)
        & (bounds[:, 2] >= left - dx)
        & (bounds[:, 1] <= high + dy)
        & (bounds[:, 3] >= low - dy)
    )


def _projected(polygons: NDArray[np.object_], reading: _Reading) -> NDArray[np.object_]:
    if reading.file is None or reading.image is None:
        return polygons
    return project(polygons, reading.file, reading.image)


def _transformed(polygons: NDArray[np.object_], transform: Affine) -> NDArray[np.object_]:
    corners = shapely.get_coordinates(polygons)
    with np.errstate(invalid="ignore", over="ignore"):  # infinite where a corner could not be projected
        x = transform.a * corners[:, 0] + transform.b * corners[:, 1] + transform.c
        y = transform.d * corners[:, 0] + transform.e * corners[:, 1] + transform.f
    moved: NDArray[np.object_] = shapely.set_coordinates(polygons.copy(), np.column_stack([x, y]))
    return moved


def _extent(polygons: NDArray[np.object_]) -> Extent:
    left, low, right, high = shapely.total_bounds(polygons).tolist()
    return left, low, right, high


def _image_extent(raster: Raster) -> Extent:
    assert raster.georeference is not None
    height, width = raster.valid.shape
    a, b, c, d, e, f = raster.georeference.transform
    corners = ((0, 0), (width, 0), (0, height), (width, height))
    x = [a * column + b * row + c for column, row in corners]
    y = [d * column + e * row + f for column, row in corners]
    return min(x), min(y), max(x), max(y)


def _overlaps_if_exchanged(areas: Areas, reading: _Reading, image: Extent) -> bool:
    exchanged = shapely.set_coordinates(areas.polygons.copy(), shapely.get_coordinates(areas.polygons)[:, ::-1])
    try:
        left, low, right, high = shapely.bounds(_projected(exchanged, reading)).T
    except InputError:
        return False
    return bool(((left < image[2]) & (right > image[0]) & (low < image[3]) & (high > image[1])).any())


def _in_degrees(areas: Areas) -> bool:
    bounds = np.abs(shapely.bounds(areas.polygons)).reshape(-1, 2)
    return not bool((bounds > np.array(_EXTREMES) + _ROUNDING).any())


def _not_degrees(areas: Areas, name: str, why: str, remedy: str = "export it in EPSG:4326") -> InputError:
    x, y = shapely.get_coordinates(areas.polygons[:1])[0]
    return InputError(
        f"its coordinates (the first is {x:.10g}, {y:.10g}) are not degrees, but {why}",
        name,
        f"{remedy}, or with a crs member that names its projection",
    )


def _utm(areas: Areas) -> CRS:
    """The UTM zone (WGS 84) of the middle of the polygons."""
    left, low, right, high = _extent(areas.polygons)
    zone = min(60, int((left + right) / 2 + 180) // 6 + 1)
    return CRS.from_epsg((32600 if low + high >= 0 else 32700) + zone)


def _shown(crs: CRS) -> str:
    return str(crs.to_string()) if len(crs.to_string()) <= 40 else "its own projection"


def _span(extent: Sequence[float]) -> str:
    largest = max(map(abs, extent))
    form = ".5f" if largest <= 1000 else ".0f" if largest < 1e9 else ".3g"
    left, low, right, high = (f"{value:{form}}" for value in extent)
    return f"x {left} to {right}, y {low} to {high}"
