"""Brings masks onto the grid of their images: by georeference, by Exif orientation, or by size."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.warp import transform

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.georeference import is_pixel_grid
from explorer.imagery.reading.masks import Mask
from explorer.imagery.reading.regridding import Lookup, georeferenced_lookup, picked, scaled_lookup, turned_lookup
from explorer.imagery.scene import GeoReference, Raster

_SAME_GRID = 0.25  # px by which the corners of equal grids may differ
_SAME_SCALE = 0.01  # relative difference between equal pixel sizes
_SAME_ASPECT = 0.01
_MARGIN = 0.02  # of a mask's extent
_FARTHEST = 1e7  # px of one grid at which a corner of an overlapping one may lie
_FARTHEST_DEGREES, _FARTHEST_METRES = 1e3, 1e9
_EDGE_POINTS = 21  # on each side of a mask, to find its extent in another system


def align(mask: Mask, raster: Raster, turn: bool = False) -> Mask:
    """Brings a mask onto the grid of its image (nearest), with a note where it had to be moved.

    Where both are georeferenced, the mask is warped unless its corners lie within 0.25 px of the image's. Otherwise,
    sizes decide: equal ones match; a mask that has the size of the photo before its Exif turn is turned like it; a mask
    of the same aspect is scaled.

    Args:
        mask: on its own grid.
        raster: its image.
        turn: turn the mask as Exif data turned the photo, where the size cannot tell whether that was done (a half
            turn, or a square photo).

    Returns:
        The mask with the size of the image. Pixels that it does not cover are ignored.

    Raises:
        InputError: the mask covers no part of the image, its coordinates cannot be converted, or its size does not fit.
    """
    shape = _shape(raster.valid)
    if _is_georeferenced(mask.georeference, _shape(mask.index)) and _is_georeferenced(raster.georeference, shape):
        return _by_georeference(mask, raster)
    mask = _turned_like_photo(mask, raster, turn)
    size = _shape(mask.index)
    if size == shape:
        return mask
    if not _same_aspect(size, shape):
        raise InputError(
            f"the mask is {_size(size)} pixels, its image {_size(shape)}", raster.name, "save both at the same size"
        )
    note = Note(
        "mask_resampled",
        f"The mask is {_size(size)} pixels, its image {_size(shape)}: it was resampled to the image's size (nearest).",
    )
    return _regridded(mask, scaled_lookup(size, shape), note)


@dataclass(frozen=True)
class _Placement:
    """Where a mask lies in the pixels of its image."""

    corners: NDArray[np.float64]  # (4, 2) column and row of the mask's upper left, upper right, lower right, lower left
    extent: tuple[float, float, float, float]  # left, top, right, bottom, in pixels of the image


def _by_georeference(mask: Mask, raster: Raster) -> Mask:
    own, target = mask.georeference, raster.georeference
    assert own is not None
    assert target is not None
    shape, size = _shape(raster.valid), _shape(mask.index)
    notes = []
    if (own.crs is None) != (target.crs is None):
        which, other = ("mask", "image") if own.crs is None else ("image", "mask")
        text = f"The {which} has no coordinate reference system; that of the {other} ({_crs_name(own, target)}) "
        notes.append(Note("crs_assumed", text + "was assumed."))
    try:
        placement = _placement(size, own, target)
        height, width = shape
        expected = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
        if size == shape and float(np.abs(placement.corners - expected).max()) <= _SAME_GRID:
            return replace(mask, georeference=target, notes=(*mask.notes, *notes))
        lookup = None
        if _overlap(placement.extent, shape):
            _check_scales(own, shape, target, placement)
            lookup = georeferenced_lookup(size, own, shape, target)
    except Exception as error:  # PROJ and GDAL raise several types
        raise InputError(
            f"its coordinates cannot be converted to those of {raster.name} ({_crs_name(target, own)})",
            mask.name,
            "check the coordinate reference system of both",
        ) from error
    if lookup is None or (lookup < 0).all():
        image_extent = (0.0, 0.0, float(width), float(height))
        raise InputError(
            f"the mask does not overlap {raster.name}: in {_crs_name(target, own)} the mask covers "
            f"{_ground_extent(placement.extent, target)}, the image {_ground_extent(image_extent, target)}"
            + (
                ", where the one without a coordinate reference system was assumed to be in the other's"
                if notes
                else ""
            ),
            mask.name,
            "check that they show the same place and that their coordinate reference systems are right",
        )
    uncovered = int((lookup < 0).sum())
    notes.append(Note("mask_reprojected", _warped_text(size, shape, placement, own, target, uncovered)))
    return _regridded(replace(mask, georeference=target), lookup, *notes)


def _placement(size: tuple[int, int], own: GeoReference, target: GeoReference) -> _Placement:
    height, width = size
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    along = np.linspace(0.0, 1.0, _EDGE_POINTS)[:, None]
    edge = np.concatenate(
        [start + (end - start) * along for start, end in zip(corners, np.roll(corners, -1, 0), strict=True)]
    )
    points = np.concatenate([corners, edge])
    x, y = _applied(Affine(*own.transform), points[:, 0], points[:, 1])
    if own.crs is not None and target.crs is not None and own.crs != target.crs:
        source, destination = CRS.from_user_input(own.crs), CRS.from_user_input(target.crs)
        limit = _FARTHEST_DEGREES if source.is_geographic else _FARTHEST_METRES
        if not (np.abs([x, y]) <= limit).all():  # PROJ would turn round the earth without end
            raise ValueError("coordinates out of range")
        x, y = map(np.asarray, transform(source, destination, x.tolist(), y.tolist()))
    columns, rows = _applied(~Affine(*target.transform), x, y)
    if not (np.isfinite(columns).all() and np.isfinite(rows).all()):
        raise ValueError("coordinates out of range")
    extent = (float(columns.min()), float(rows.min()), float(columns.max()), float(rows.max()))
    return _Placement(np.stack([columns[:4], rows[:4]], axis=1), extent)


def _overlap(extent: tuple[float, float, float, float], shape: tuple[int, int]) -> bool:
    """Whether an extent may reach into an image: with a margin, since curved edges are known only at some points."""
    left, top, right, bottom = extent
    margin_x, margin_y = 1 + _MARGIN * (right - left), 1 + _MARGIN * (bottom - top)
    return left - margin_x < shape[1] and right + margin_x > 0 and top - margin_y < shape[0] and bottom + margin_y > 0


def _check_scales(own: GeoReference, shape: tuple[int, int], target: GeoReference, placement: _Placement) -> None:
    """Refuses grids of absurdly different scales, on which GDAL would work without end."""
    reverse = _placement(shape, target, own)
    farthest = max(map(abs, (*placement.extent, *reverse.extent)))
    if farthest > _FARTHEST:
        raise ValueError("grids of absurdly different scales")


def _warped_text(
    size: tuple[int, int],
    shape: tuple[int, int],
    placement: _Placement,
    own: GeoReference,
    target: GeoReference,
    uncovered: int,
) -> str:
    """What differs between the grids, and what was done."""
    a, b, _, d, e, _ = target.transform
    right, left, down, up = ("east", "west", "south", "north") if a > 0 > e and b == d == 0 else _SCREEN_DIRECTIONS
    dx, dy = placement.extent[:2]
    moved = [
        f"{abs(by):.1f} px {more if by > 0 else less}"
        for by, more, less in ((dx, right, left), (dy, down, up))
        if abs(by) >= 0.05
    ]
    differences = [f"its upper left corner lies {' and '.join(moved)} of the image's" if moved else ""]
    upper_left, upper_right, _, lower_left = placement.corners
    across, along = upper_right - upper_left, lower_left - upper_left
    scale_x, scale_y = float(np.hypot(*across)) / size[1], float(np.hypot(*along)) / size[0]
    if max(abs(scale_x - 1), abs(scale_y - 1)) > _SAME_SCALE:
        differences.append(f"its pixels are {scale_x:.3g}×{scale_y:.3g} of the image's")
    elif size != shape:
        differences.append(f"it is {_size(size)} pixels, the image {_size(shape)}")
    if own.crs is not None and target.crs is not None and own.crs != target.crs:
        differences.append(f"it is in {_short(own.crs)}, the image in {_short(target.crs)}")
    if across[0] * along[1] - across[1] * along[0] < 0:
        differences.append("its rows run the other way")
    listed = "; ".join(filter(None, differences)) or "its pixels lie between the image's"
    covered = f" {uncovered:,} px of the image are not covered by it and are ignored." if uncovered else ""
    return f"The mask was warped onto the image's grid (nearest): {listed}.{covered}"


_SCREEN_DIRECTIONS = ("to the right", "to the left", "below", "above")


def _turned_like_photo(mask: Mask, raster: Raster, turn: bool) -> Mask:
    """The mask turned as Exif data turned the photo, if it was drawn on the unturned one."""
    orientation = raster.orientation
    if orientation == 1 or mask.turned_by != 1:
        return mask
    size, shape = _shape(mask.index), _shape(raster.valid)
    unturned = shape[::-1] if orientation >= 5 else shape
    fits_turned, fits_unturned = _same_aspect(size, shape), _same_aspect(size, unturned)
    if fits_turned and fits_unturned:
        if not turn:
            text = (
                f"Exif data turns the photo (orientation {orientation}), and the mask fits either way. If it was drawn "
                "on the unturned photo, choose to turn it (--turn-masks)."
            )
            return replace(mask, notes=(*mask.notes, Note("mask_may_be_turned", text)))
    elif not fits_unturned:
        return mask
    text = f"The mask was drawn on the unturned photo; it was turned like it (Exif orientation {orientation})."
    return _regridded(mask, turned_lookup(size, orientation), Note("mask_turned", text))


def _regridded(mask: Mask, lookup: Lookup, *notes: Note) -> Mask:
    return replace(
        mask,
        index=picked(mask.index, lookup, 0),
        ignored=picked(mask.ignored, lookup, True),
        nodata=None if mask.nodata is None else picked(mask.nodata, lookup, False),
        objects=None if mask.objects is None else picked(mask.objects, lookup, 0),
        notes=(*mask.notes, *notes),
    )


def _is_georeferenced(georeference: GeoReference | None, shape: tuple[int, int]) -> bool:
    return not is_pixel_grid(georeference, shape[0])


def _same_aspect(size: tuple[int, int], shape: tuple[int, int]) -> bool:
    """Whether a grid can be scaled to another: the same aspect within 1 %, or within a pixel of the smaller one."""
    (height, width), (other_height, other_width) = size, shape
    difference = abs(width * other_height - other_width * height)
    pixel = max(other_height, other_width) if height * width <= other_height * other_width else max(height, width)
    return difference <= max(_SAME_ASPECT * width * other_height, pixel)


def _shape(array: NDArray[np.generic]) -> tuple[int, int]:
    return array.shape[0], array.shape[1]


def _size(shape: tuple[int, int]) -> str:
    return f"{shape[1]}×{shape[0]}"


def _crs_name(*georeferences: GeoReference) -> str:
    return next((_short(each.crs) for each in georeferences if each.crs), "an unknown system")


def _short(crs: str) -> str:
    if crs.startswith("EPSG:"):
        return crs
    return str(CRS.from_wkt(crs).to_dict(projjson=True).get("name", "unknown"))


def _ground_extent(extent: tuple[float, float, float, float], georeference: GeoReference) -> str:
    left, top, right, bottom = extent
    x, y = _applied(
        Affine(*georeference.transform), np.array([left, right, right, left]), np.array([top, top, bottom, bottom])
    )
    return f"x {x.min():.8g} to {x.max():.8g}, y {y.min():.8g} to {y.max():.8g}"


def _applied(
    affine: Affine, x: NDArray[np.float64], y: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return affine.a * x + affine.b * y + affine.c, affine.d * x + affine.e * y + affine.f
