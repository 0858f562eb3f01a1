"""Reads polygons as masks: GeoJSON, rasterised onto the grid of a georeferenced image."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.features import is_valid_geom, rasterize
from rasterio.transform import Affine
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.imagery.reading.formats import read_bytes
from explorer.imagery.reading.masks import Mask, MaskKind
from explorer.imagery.scene import BACKGROUND, Raster
from explorer.settings import Settings, settings

_DEGREES = 4326
_CRS_NAME = re.compile(r"EPSG:(?:[\d.]*:)?(\d+)$|CRS84$")
_CLASS_PROPERTIES = ("class", "label")
_OBJECT = "object"


def read_polygons(source: Path | bytes, name: str, raster: Raster, limits: Settings | None = None) -> Mask:
    """Rasterises the polygons of a GeoJSON file: a pixel belongs to the polygon that contains its centre.

    The class of a polygon is its property ``class`` or ``label``, or "object" if it has neither. Coordinates are in
    the system that the ``crs`` member names, or in degrees (EPSG:4326), as RFC 7946 requires.

    Args:
        source: a path, or the content of a file.
        name: of the file, for messages.
        raster: the image, which must have a coordinate reference system.
        limits: on the file's size and the number of classes; those of the installation if not given.

    Raises:
        InputError: the file is not GeoJSON, contains no polygons, declares the wrong coordinates, or has no polygon
            on the image.
    """
    limits = limits or settings()
    if raster.georeference is None or raster.georeference.crs is None:
        raise InputError(
            f"polygons need a georeferenced image; {raster.name} has no coordinate reference system",
            name,
            "save the image as GeoTIFF, or use a raster mask",
        )
    document = _document(read_bytes(source, name, limits), name)
    geometries, labels = _polygons(document, name)
    crs = _declared_crs(document, name)
    if crs is None:
        _check_degrees(geometries, name)
    try:
        target = CRS.from_user_input(raster.georeference.crs)
        geometries = transform_geom(crs or CRS.from_epsg(_DEGREES), target, geometries)
    except Exception as error:  # PROJ raises several types for coordinates out of range
        raise InputError("its coordinates cannot be projected onto the image", name, "check its crs") from error
    names = sorted(set(labels))
    if len(names) >= limits.max_classes:
        raise InputError(f"{len(names)} classes, at most {limits.max_classes - 1}", name, "merge classes")
    index = rasterize(
        [(shape, names.index(label) + 1) for shape, label in zip(geometries, labels, strict=True)],
        out_shape=raster.valid.shape,
        transform=Affine(*raster.georeference.transform),
        dtype=np.uint16,
    )  # (H, W)
    if not index.any():
        raise InputError(
            f"none of its {len(labels)} polygons overlaps {raster.name}",
            name,
            "check that both cover the same area and that the crs of the file is correct",
        )
    return Mask(name, MaskKind.NAMES, (BACKGROUND, *names), index, np.zeros(index.shape, dtype=np.bool_))


def _document(data: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("not valid JSON", name, "export the polygons as GeoJSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("features"), list):
        raise InputError("not a GeoJSON FeatureCollection", name, "export the polygons as GeoJSON")
    return document


def _polygons(document: dict[str, Any], name: str) -> tuple[list[dict[str, Any]], list[str]]:
    geometries, labels = [], []
    for number, feature in enumerate(document["features"], start=1):
        geometry = feature.get("geometry") if isinstance(feature, dict) else None
        if geometry is None:
            continue  # RFC 7946 allows features without a geometry
        kind = geometry.get("type") if isinstance(geometry, dict) else None
        if kind not in ("Polygon", "MultiPolygon"):
            raise InputError(f"feature {number} is a {kind}, not a polygon", name, "draw the outlines of the objects")
        if not _is_valid(geometry):
            raise InputError(f"feature {number} is not a valid polygon", name, "repair or delete it")
        properties = feature.get("properties") or {}
        values = (properties.get(key) for key in _CLASS_PROPERTIES)
        geometries.append(geometry)
        labels.append(next((str(value) for value in values if value), _OBJECT))
    if not geometries:
        raise InputError("contains no polygons", name, "export at least one")
    return geometries, labels


def _is_valid(geometry: dict[str, Any]) -> bool:
    try:
        return bool(is_valid_geom(geometry)) and bool(np.isfinite(_positions(geometry)).all())
    except (TypeError, ValueError, IndexError, KeyError):
        return False


def _positions(geometry: dict[str, Any]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """The corners of a geometry, (n, 2): x and y."""
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    return np.array([corner[:2] for rings in parts for ring in rings for corner in ring], dtype=np.float64)


def _declared_crs(document: dict[str, Any], name: str) -> CRS | None:
    declared = document.get("crs")
    if declared is None:
        return None
    try:
        found = _CRS_NAME.search(declared["properties"]["name"])
        if found:
            return CRS.from_epsg(found[1] or _DEGREES)
    except (CRSError, KeyError, TypeError, ValueError):
        pass
    raise InputError("its crs member is not recognised", name, 'write it like "urn:ogc:def:crs:EPSG::32616"')


def _check_degrees(geometries: list[dict[str, Any]], name: str) -> None:
    corners = np.concatenate([_positions(geometry) for geometry in geometries])
    if (np.abs(corners) > (180.0, 90.0)).any():
        x, y = corners[0]
        raise InputError(
            f"its coordinates (the first is {x:.0f}, {y:.0f}) are not degrees, but it declares no crs, "
            "which in GeoJSON means degrees (EPSG:4326)",
            name,
            "export it in EPSG:4326, or with a crs member that names its projection",
        )
