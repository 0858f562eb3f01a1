"""Predicted objects as files of other programs: one polygon each with class, score and area. No torch.

GeoJSON has degrees (WGS 84), as RFC 7946 requires; a GeoPackage keeps the image's coordinate reference system. Without
a georeference, coordinates are columns and rows in both. Where the image has a grid on the ground and nothing names its
coordinate reference system, degrees do not follow: a GeoPackage has the grid's coordinates, and GeoJSON is refused.
"""

from __future__ import annotations

import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import shapes
from rasterio.warp import transform_geom

from explorer.errors import InputError
from explorer.imagery.ground import DEGREES, crs_of
from explorer.imagery.scene import GeoReference
from explorer.imagery.writing import NOTHING, write_whole
from explorer.metrics.found_objects import FoundObjects, areas_on_ground

LAYER = "objects"
"""Of a GeoPackage."""

_DIGITS = 9  # of degrees: a tenth of a millimetre


def coordinates_of(georeference: GeoReference | None, geojson: bool) -> str:
    """What the coordinates of objects are, in words.

    Args:
        georeference: of the image.
        geojson: of GeoJSON, else of a GeoPackage.

    Raises:
        InputError: GeoJSON cannot have any.
    """
    if georeference is None:
        return "columns and rows of the image, in pixels"
    if georeference.crs is None and geojson:
        raise InputError(
            "the image does not name its coordinate reference system, so that no degrees (WGS 84) follow",
            "GeoJSON",
            "write a GeoPackage, or name the system in a .prj file beside the image",
        )
    if georeference.crs is None:
        return "those of the image's grid, whose coordinate reference system is not known"
    return "degrees (WGS 84)" if geojson else "those of the image's coordinate reference system"


def write_objects(
    path: Path,
    found: FoundObjects,
    georeference: GeoReference | None,
    classes: Sequence[str],
    about: Mapping[str, str] = NOTHING,
) -> None:
    """Writes objects as GeoPackage if the path ends with .gpkg, else as GeoJSON.

    Args:
        path: of the file.
        found: the objects.
        georeference: of their mask, if known.
        classes: names by id.
        about: what the objects rest on, see ``Prediction.about``: the metadata of a GeoPackage and its layer, a member
            ``metadata`` of GeoJSON, which RFC 7946 lets be added.

    Raises:
        InputError: the file cannot be written, or the objects cannot be laid on WGS 84, which GeoJSON needs.
    """
    pack = geopackage_bytes if path.suffix.lower() == ".gpkg" else geojson_bytes
    write_whole(path, pack(found, georeference, classes, about))


def geojson_bytes(
    found: FoundObjects, georeference: GeoReference | None, classes: Sequence[str], about: Mapping[str, str] = NOTHING
) -> bytes:
    """The objects as GeoJSON, see ``write_objects``."""
    coordinates = coordinates_of(georeference, geojson=True)
    outlines: list[Any] = [shapely.geometry.mapping(outline) for outline in _outlines(found, georeference)]
    crs = crs_of(georeference)
    if crs is not None and outlines:
        try:
            outlines = transform_geom(crs, DEGREES, outlines, precision=_DIGITS)
        except Exception:  # PROJ and rasterio raise several types
            what = "degrees, which it needs, do not follow from the image's coordinate reference system"
            raise InputError(what, "GeoJSON", "write a GeoPackage instead") from None
    columns = _columns(found, georeference, classes)
    features = [
        {"type": "Feature", "properties": dict(zip(columns, values, strict=True)), "geometry": outline}
        for outline, values in zip(outlines, zip(*map(_plain, columns.values()), strict=True), strict=True)
    ]
    said = dict(about) if crs is not None else {**about, "coordinates": coordinates}
    metadata = {"metadata": said} if said else {}
    return json.dumps({"type": "FeatureCollection", **metadata, "features": features}).encode()


def geopackage_bytes(
    found: FoundObjects, georeference: GeoReference | None, classes: Sequence[str], about: Mapping[str, str] = NOTHING
) -> bytes:
    """The objects as a GeoPackage with the layer ``LAYER``, see ``write_objects``."""
    import pyogrio.raw  # here, since it takes a second

    columns, crs = _columns(found, georeference, classes), crs_of(georeference)
    outlines = [shapely.multipolygons([outline]) if outline.geom_type == "Polygon" else outline
                for outline in _outlines(found, georeference)]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="explorer-") as folder:  # SQLite writes to a file of its own
        file = Path(folder) / "objects.gpkg"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="'crs' was not provided")  # there is none
            pyogrio.raw.write(
                str(file),
                shapely.to_wkb(np.array(outlines, dtype=object)),
                list(columns.values()),
                list(columns),
                layer=LAYER,
                driver="GPKG",
                geometry_type="MultiPolygon",
                crs=None if crs is None else crs.to_wkt(),
                dataset_metadata=dict(about),
                layer_metadata=dict(about),
            )
        return file.read_bytes()


def _columns(found: FoundObjects, georeference: GeoReference | None, classes: Sequence[str]) -> dict[str, NDArray[Any]]:
    """The properties of the objects by name, (n,) each."""
    areas = areas_on_ground(found, georeference)
    return {
        "class": np.array([classes[number] for number in found.class_ids], dtype=object),
        "class_id": found.class_ids.astype(np.int32),
        "score": found.scores.round(4),
        "area_px": found.areas,
        "area_m2": np.full(len(found), np.nan) if areas is None else areas.round(2),
    }


def _plain(column: NDArray[Any]) -> list[Any]:
    """Values as JSON has them: what is not known is null."""
    return [None if value != value else value for value in column.tolist()]


def _outlines(found: FoundObjects, georeference: GeoReference | None) -> list[Any]:
    """A valid polygon or multipolygon of each object, in the coordinates of its raster."""
    placed = Affine.identity() if georeference is None else Affine(*georeference.transform)
    outlines: dict[int, Any] = {
        int(number): shapely.geometry.shape(outline)
        for outline, number in shapes(found.ids, mask=found.ids > 0, connectivity=8, transform=placed)
    }
    polygons = [outlines[number] for number in range(1, len(found) + 1)]
    # Pixels that meet at a corner alone make a ring that touches itself
    valid = [polygon if polygon.is_valid else shapely.make_valid(polygon) for polygon in polygons]
    return list(shapely.orient_polygons(np.array(valid, dtype=object))) if valid else []
