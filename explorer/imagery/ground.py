"""Where pixels lie on the ground, and how large they are there."""

from __future__ import annotations

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import transform

from explorer.imagery.scene import GeoReference

DEGREES = "EPSG:4326"
"""WGS 84, the coordinates of GeoJSON (RFC 7946)."""

_EQUATORIAL, _FLATTENING = 6_378_137.0, 1 / 298.257223563  # metres, of WGS 84
_ECCENTRICITY_SQUARED = _FLATTENING * (2 - _FLATTENING)

_NO_OPERATION = (RasterioError, CPLE_BaseError)  # what rasterio raises where PROJ knows no way

Places = NDArray[np.float64]
"""(n, 2): row and column of points in pixels; the middle of the first pixel is (0, 0)."""


def longitude_latitude(georeference: GeoReference | None, places: Places) -> NDArray[np.float64] | None:
    """Longitude and latitude (n, 2) in degrees of WGS 84; None if the georeference does not say.

    Args:
        georeference: of the raster.
        places: see ``Places``.
    """
    crs = crs_of(georeference)
    if georeference is None or crs is None:
        return None
    x, y = _on_plane(georeference, places)
    try:
        longitude, latitude = transform(crs, CRS.from_user_input(DEGREES), x.tolist(), y.tolist())
    except _NO_OPERATION:  # of a local grid whose place on the earth is not known
        return None
    degrees = np.array([longitude, latitude], dtype=np.float64).reshape(2, -1).T
    return degrees if np.isfinite(degrees).all() else None


def pixel_areas(georeference: GeoReference | None, places: Places) -> NDArray[np.float64] | None:
    """Square metres (n,) of the pixel at each place; None if they cannot be known.

    They are measured on the ellipsoid, whatever the coordinate reference system: a pixel of 10 m in Web Mercator is
    smaller on the ground, by a third at 35° north. In UTM they differ from the grid's by at most 0.2 %. On a local grid
    in metres, whose place on the earth is not known, the grid's own are taken.

    Args:
        georeference: of the raster.
        places: see ``Places``.
    """
    crs = crs_of(georeference)
    if georeference is None or crs is None:
        return None
    right, left, down, up = (
        longitude_latitude(georeference, places + np.array(step)) for step in ((0, 0.5), (0, -0.5), (0.5, 0), (-0.5, 0))
    )
    if right is None or left is None or down is None or up is None:
        a, b, _, d, e, _ = georeference.transform
        metres = _metres_per_unit(crs)
        return None if metres is None else np.full(len(places), abs(a * e - b * d) * metres**2)
    across, along = _turned(np.radians(right - left)), _turned(np.radians(down - up))
    latitude = np.radians((right[:, 1] + left[:, 1]) / 2)
    curved = 1 - _ECCENTRICITY_SQUARED * np.sin(latitude) ** 2
    metres_north = _EQUATORIAL * (1 - _ECCENTRICITY_SQUARED) / curved**1.5  # per radian
    metres_east = _EQUATORIAL * np.cos(latitude) / np.sqrt(curved)
    radians: NDArray[np.float64] = np.abs(across[:, 0] * along[:, 1] - across[:, 1] * along[:, 0])
    return radians * metres_north * metres_east


def pixel_side(georeference: GeoReference | None, size: tuple[int, int]) -> float | None:
    """Metres along the side of a square as large as the pixel in the middle of a raster; None if it cannot be known.

    Args:
        georeference: of the raster.
        size: its height and width in pixels.
    """
    middle = np.array([[(size[0] - 1) / 2, (size[1] - 1) / 2]])
    areas = pixel_areas(georeference, middle)
    return float(np.sqrt(areas[0])) if areas is not None and areas[0] > 0 else None


def crs_of(georeference: GeoReference | None) -> CRS | None:
    """The coordinate reference system; None if it is not known."""
    return CRS.from_user_input(georeference.crs) if georeference is not None and georeference.crs else None


def _on_plane(georeference: GeoReference, places: Places) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    a, b, c, d, e, f = Affine(*georeference.transform)[:6]
    rows, columns = places[:, 0] + 0.5, places[:, 1] + 0.5
    return a * columns + b * rows + c, d * columns + e * rows + f


def _turned(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences in radians the short way round: a pixel may lie across 180°."""
    return (angles + np.pi) % (2 * np.pi) - np.pi


def _metres_per_unit(crs: CRS) -> float | None:
    """Of a local grid; None if its unit is not known to be a length."""
    try:
        unit, metres = crs.units_factor
    except (CRSError, *_NO_OPERATION):
        return None
    return None if "degree" in unit.lower() or "radian" in unit.lower() else float(metres)
