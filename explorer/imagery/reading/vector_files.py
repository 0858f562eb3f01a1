"""Reads vector files of several formats in memory: their geometries, their properties and their coordinate system.

GeoJSON is parsed here; GeoPackage, FlatGeobuf, Shapefile and KML by GDAL (pyogrio), in which all other drivers are
switched off, so that no file can make GDAL open another one.
"""

from __future__ import annotations

import io
import json
import re
import sqlite3
import warnings
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any
from xml.parsers import expat

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform
from shapely.geometry import shape

from explorer.errors import InputError
from explorer.imagery.reading.formats import FileKind, kind_of, read_bytes
from explorer.settings import Settings

MAX_FEATURES = 200_000
MAX_CORNERS = 20_000_000
MAX_VALUES = 20_000_000
LAYER = "layer"
"""Property under which the name of a feature's layer is offered where a file has several layers."""

_DRIVERS = ("GPKG", "FlatGeobuf", "ESRI Shapefile", "LIBKML")
_GDAL_OPTIONS = {"LIBKML_EXTERNAL_STYLE": "NO", "LIBKML_RESOLVE_STYLE": "NO", "OGR_SQLITE_ALLOW_EXTERNAL_ACCESS": "NO"}
_CRS_NAME = re.compile(r"EPSG:(?:[\d.]*:)?(\d+)$|CRS84$")
_NAME_IN_MEMORY = "pyogrio_"  # begins the name that pyogrio gives to a file, and GDAL to a KML layer without one
_MAX_DEPTH = 100  # of elements in a KML file
_KML_FIELDS = frozenset(
    {"id", "timestamp", "begin", "end", "altitudeMode", "tessellate", "extrude", "visibility", "drawOrder", "icon"}
)  # how a feature is shown, not what it is
_WAL = slice(18, 20)  # bytes of an SQLite header: 2, 2 if the database was open for writing when it was copied
_SIDE_FILES = (".shx", ".dbf", ".prj", ".cpg")  # of a Shapefile


@dataclass(frozen=True, eq=False)
class VectorFile:
    """The features of a file; its layers are joined.

    Attributes:
        kind: of the file.
        geometries: (n,) shapely geometries, None where a feature has none.
        valid: (n,), False where the file holds a geometry that cannot be parsed.
        properties: by name the value of each feature as text, None where it has none.
        crs: that the file declares; None if it declares none.
    """

    kind: FileKind
    geometries: NDArray[np.object_]
    valid: NDArray[np.bool_]
    properties: Mapping[str, Sequence[str | None]]
    crs: CRS | None


@dataclass(frozen=True, eq=False)
class _Layer:
    name: str
    geometries: NDArray[np.object_]
    valid: NDArray[np.bool_]
    properties: Mapping[str, Sequence[str | None]]
    crs: CRS | None


def side_files(name: str, companions: Mapping[str, bytes | Path], limits: Settings) -> dict[str, bytes]:
    """The files that belong to a Shapefile, by extension (".dbf"): those of its folder and stem."""
    own = PurePosixPath(name.lower()).with_suffix("")
    found = {}
    for other, source in companions.items():
        path = PurePosixPath(other.lower())
        if path.with_suffix("") == own and path.suffix in _SIDE_FILES:
            found[path.suffix] = read_bytes(source, other, limits)
    return found


def read_vector_file(data: bytes, name: str, beside: Mapping[str, bytes] | None = None) -> VectorFile:
    """Reads the features of a vector file.

    Args:
        data: the content of the file.
        name: of the file, for messages.
        beside: the other files of a Shapefile, by extension.

    Raises:
        InputError: the file is no vector file, is broken, too large or unsafe.
    """
    kind = kind_of(data)
    try:
        if kind in (FileKind.GEOJSON, FileKind.JSON):
            return _read_geojson(data, name)
        if kind is FileKind.KML:
            _check_xml(data, name)
            layers = _read_layers(data, name)
        elif kind is FileKind.GEOPACKAGE:
            data = data[: _WAL.start] + b"\1\1" + data[_WAL.stop :]
            layers = _read_layers(data, name, _feature_tables(data, name))
        elif kind is FileKind.FLATGEOBUF:
            layers = _read_layers(data, name)
        elif kind is FileKind.SHAPEFILE:
            layers = _read_layers(_zipped_shapefile(data, name, beside or {}), name)
        else:
            raise InputError(
                "not a GeoJSON, GeoPackage, FlatGeobuf, Shapefile or KML file", name, "export the polygons as GeoJSON"
            )
        return _joined(kind, layers, name)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError("does not fit into memory", name, "cut it into several files") from error
    except Exception as error:  # on broken files, GDAL, SQLite and shapely raise almost any type
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(
            f"unreadable or truncated ({reason})", name, "export it again, as GeoJSON if need be"
        ) from error


def _joined(kind: FileKind, layers: Sequence[_Layer], name: str) -> VectorFile:
    crs = next((layer.crs for layer in layers if layer.crs is not None), None)
    geometries = [
        layer.geometries
        if crs is None or layer.crs is None or layer.crs == crs
        else project(layer.geometries, layer.crs, crs)
        for layer in layers
    ]
    joined = np.concatenate(geometries) if geometries else np.empty(0, dtype=object)
    valid = np.concatenate([layer.valid for layer in layers]) if layers else np.empty(0, dtype=np.bool_)
    _check_amount(len(joined), int(shapely.get_num_coordinates(joined).sum()), name)
    keys = dict.fromkeys(key for layer in layers for key in layer.properties)
    columns: dict[str, Sequence[str | None]] = {
        key: [value for layer in layers for value in layer.properties.get(key, [None] * len(layer.geometries))]
        for key in keys
    }
    if sum(len(layer.geometries) > 0 for layer in layers) > 1 and LAYER not in columns:
        columns[LAYER] = [as_text(layer.name) for layer in layers for _ in layer.geometries]
    return VectorFile(kind, joined, valid, columns, crs)


def _check_amount(features: int, corners: int, name: str) -> None:
    if features > MAX_FEATURES or corners > MAX_CORNERS:
        raise InputError(
            f"too large ({features:,} features with {corners:,} corners; at most {MAX_FEATURES:,} and {MAX_CORNERS:,})",
            name,
            "cut it to the area of the images",
        )


def _check_values(features: int, properties: int, name: str) -> None:
    if features * properties > MAX_VALUES:
        raise InputError(
            f"too large ({features:,} features with {properties:,} properties; at most {MAX_VALUES:,} values)",
            name,
            "keep only the property that holds the class",
        )


def project(geometries: NDArray[np.object_], source: CRS, target: CRS) -> NDArray[np.object_]:
    """Geometries in another coordinate reference system; corners that cannot be projected become infinite.

    Raises:
        InputError: there is no way from one system to the other.
    """
    corners = shapely.get_coordinates(geometries)
    if source == target or not len(corners):
        return geometries
    try:
        x, y = transform(source, target, corners[:, 0], corners[:, 1])
    except Exception as error:  # PROJ raises several types for coordinates out of range
        raise InputError(f"its coordinates cannot be projected to {target}", "", "check its crs") from error
    moved: NDArray[np.object_] = shapely.set_coordinates(shapely.force_2d(geometries), np.column_stack([x, y]))
    return moved


def as_text(value: object) -> str | None:
    """A property's value as text: 1.0 is "1", 0 is "0", True is "true"; None for what is no single value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not np.isfinite(value):
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        printable = "".join(character if character.isprintable() else " " for character in value)
        return " ".join(printable.split()) or None
    return None


# --- GeoJSON


def _read_geojson(data: bytes, name: str) -> VectorFile:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError("not valid JSON", name, "export the polygons as GeoJSON") from error
    features = _geojson_features(document, name)
    _check_amount(len(features), 0, name)
    geometries = np.empty(len(features), dtype=object)
    valid = np.ones(len(features), dtype=np.bool_)
    rows: list[Mapping[str, object]] = []
    for position, feature in enumerate(features):
        held = feature.get("geometry") if isinstance(feature, dict) else 0
        if held is not None:
            geometries[position] = _geometry_of(held)
            valid[position] = geometries[position] is not None
        properties = feature.get("properties") if isinstance(feature, dict) else None
        rows.append(properties if isinstance(properties, dict) else {})
    _check_amount(len(features), int(shapely.get_num_coordinates(geometries).sum()), name)
    keys = dict.fromkeys(key for row in rows for key in row)
    _check_values(len(rows), len(keys), name)
    columns = {key: [as_text(row.get(key)) for row in rows] for key in keys}
    return VectorFile(FileKind.GEOJSON, geometries, valid, columns, _declared_crs(document, name))


def _geojson_features(document: object, name: str) -> list[Any]:
    kind = document.get("type") if isinstance(document, dict) else None
    if isinstance(document, dict):
        if isinstance(document.get("features"), list):
            return list(document["features"])
        if kind == "Feature":
            return [document]
        if isinstance(document.get("coordinates"), list) or isinstance(document.get("geometries"), list):
            return [{"geometry": document}]
    raise InputError("not a GeoJSON FeatureCollection", name, "export the polygons as GeoJSON")


def _geometry_of(held: object) -> shapely.Geometry | None:
    """A geometry of GeoJSON; None if it is not valid. Collections are opened here, however deep they are nested."""
    waiting, members = [held], []
    while waiting:
        geometry = waiting.pop()
        if isinstance(geometry, dict) and geometry.get("type") == "GeometryCollection":
            inner = geometry.get("geometries")
            if not isinstance(inner, list):
                return None
            waiting += inner[::-1]
            continue
        try:
            members.append(shape(geometry))
        except Exception:  # shapely raises many types on coordinates of another form
            return None
    return members[0] if len(members) == 1 else shapely.GeometryCollection(members)


def _declared_crs(document: Mapping[str, Any], name: str) -> CRS | None:
    declared = document.get("crs")
    if declared is None:
        return None
    try:
        found = _CRS_NAME.search(declared["properties"]["name"])
        if found:
            return CRS.from_epsg(found[1] or 4326)
    except (CRSError, KeyError, TypeError, ValueError):
        pass
    raise InputError("its crs member is not recognised", name, 'write it like "urn:ogc:def:crs:EPSG::32616"')


# --- GDAL


@cache
def _gdal() -> Any:
    """The package pyogrio, left with the drivers that are needed.

    It opens a file with any driver that accepts it and cannot be told which. Its GDAL is not the one of rasterio.
    """
    import pyogrio  # here, since it takes a second and the server reads no vectors
    import pyogrio.raw
    from pyogrio._ogr import _register_drivers

    unwanted = set(pyogrio.list_drivers()) - set(_DRIVERS)
    pyogrio.set_gdal_config_options({**_GDAL_OPTIONS, "GDAL_SKIP": ",".join(sorted(unwanted))})
    _register_drivers()  # registers nothing new, but removes the skipped
    left = set(pyogrio.list_drivers())
    if not left <= set(_DRIVERS):
        raise RuntimeError(f"GDAL keeps the drivers {sorted(left - set(_DRIVERS))}")
    return pyogrio


def _read_layers(data: bytes, name: str, wanted: Sequence[str] | None = None) -> list[_Layer]:
    pyogrio = _gdal()
    hidden = _KML_FIELDS if kind_of(data) is FileKind.KML else frozenset()
    layers = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names in memory have no extension; fields of unusual types are left out
        for number, (layer, geometry_type) in enumerate(pyogrio.list_layers(data)):
            if geometry_type is None or (wanted is not None and layer not in wanted):
                continue
            own_name = not layer.startswith(_NAME_IN_MEMORY)
            which = layer if own_name else number
            info = pyogrio.read_info(data, layer=which, force_feature_count=True)
            _check_amount(info["features"], 0, name)
            _check_values(info["features"], len(info["fields"]), name)
            meta, _, wkb, columns = pyogrio.raw.read(data, layer=which, max_features=MAX_FEATURES)
            properties = {
                str(field): _texts(column)
                for field, column in zip(meta["fields"], columns, strict=True)
                if field not in hidden
            }
            geometries = shapely.from_wkb(wkb, on_invalid="ignore")
            valid = ~shapely.is_missing(geometries) | np.array([each is None for each in wkb], dtype=np.bool_)
            layers.append(
                _Layer(
                    layer if own_name else PurePosixPath(name).stem, geometries, valid, properties, _crs_of(meta["crs"])
                )
            )
    return layers


def _texts(column: NDArray[np.generic]) -> list[str | None]:
    if column.dtype.kind == "M":
        return [None if text == "NaT" else text for text in column.astype(str).tolist()]
    return [as_text(value) for value in column.tolist()]


def _crs_of(text: str | None) -> CRS | None:
    """The declared system; None if there is none, or one that is undefined or local."""
    try:
        crs = CRS.from_user_input(text) if text else None
    except CRSError:
        return None
    return crs if crs is not None and (crs.is_geographic or crs.is_projected) else None


def _zipped_shapefile(data: bytes, name: str, beside: Mapping[str, bytes]) -> bytes:
    if ".shx" not in beside:
        raise InputError("its .shx file is missing", name, "zip all files of the Shapefile: .shp, .shx, .dbf, .prj")
    stem = PurePosixPath(name).stem
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for extension, content in {".shp": data, **beside}.items():
            archive.writestr(f"{stem}{extension}", content)
    return buffer.getvalue()


def _feature_tables(data: bytes, name: str) -> list[str]:
    """The layers of a GeoPackage that are plain tables: views and computed columns may take any time to read."""
    database = sqlite3.connect(":memory:")
    try:
        database.deserialize(data)
        tables = {row[0] for row in _plain_tables(database)}
        if "gpkg_contents" not in tables or "gpkg_geometry_columns" not in tables:
            raise InputError("an SQLite file, but not a GeoPackage with layers", name, "export it as GeoPackage")
        layers = database.execute("SELECT table_name FROM gpkg_contents WHERE data_type = 'features'")
        return [str(row[0]) for row in layers if row[0] in tables]
    finally:
        database.close()


def _plain_tables(database: sqlite3.Connection) -> Iterator[tuple[str]]:
    entries = database.execute("SELECT type, name, sql FROM sqlite_master WHERE type IN ('table', 'view')").fetchall()
    for kind, table, sql in entries:
        if kind != "table" or "virtual" in str(sql).lower().split()[:2]:
            continue
        quoted = '"' + table.replace('"', '""') + '"'
        if not any(column[6] > 1 for column in database.execute(f"PRAGMA table_xinfo({quoted})")):
            yield (table,)


def _check_xml(data: bytes, name: str) -> None:
    """Refuses KML with a document type, whose entities may expand without end, or with deep nesting."""
    parser = expat.ParserCreate()
    depth = 0

    def start(_: str, __: Mapping[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise InputError("nested too deeply", name, "export it again")

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise InputError("declares a document type, which KML does not need", name, "export it again")

    parser.StartElementHandler, parser.EndElementHandler = start, end
    parser.StartDoctypeDeclHandler = doctype
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise InputError(f"not valid XML ({error})", name, "export it again") from error
