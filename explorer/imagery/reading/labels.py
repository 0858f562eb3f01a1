"""The registry of label formats: one reader each. A new format is a module with a reader, and an entry here.

The first entry that recognises a file reads it. ``UNSUPPORTED`` names the formats that are recognised and not read.
"""

from __future__ import annotations

from explorer.imagery.reading.annotations.cityscapes import CITYSCAPES
from explorer.imagery.reading.annotations.coco import COCO
from explorer.imagery.reading.annotations.cvat import CVAT
from explorer.imagery.reading.annotations.label_studio import LABEL_STUDIO
from explorer.imagery.reading.annotations.labelme import LABELME
from explorer.imagery.reading.annotations.unsupported import UNSUPPORTED_FORMATS
from explorer.imagery.reading.annotations.yolo import YOLO
from explorer.imagery.reading.formats import FileKind, kind_of
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest, UnsupportedFormat
from explorer.imagery.reading.masks import Mask, read_mask
from explorer.imagery.reading.vectors import read_polygons


def _read_raster_mask(data: bytes, name: str, request: LabelRequest) -> Mask:
    return read_mask(data, name, request.limits, companions=request.companions)


def _read_vectors(data: bytes, name: str, request: LabelRequest) -> Mask:
    return read_polygons(
        data,
        name,
        request.raster,
        request.limits,
        choices=request.choices,
        companions=request.companions,
        shared=request.shared,
    )


_VECTOR_LIMITS = "points and lines are left out; the image must be georeferenced"

LABEL_FORMATS: tuple[LabelFormat, ...] = (
    LabelFormat(
        name="Raster mask",
        recognised_by="the signature of PNG, JPEG or TIFF",
        reads="class ids, 0 and 255, or one colour per class",
        limits="a JPEG only as a smoothed mask",
        recognise=lambda data, _: is_image(data),
        read=_read_raster_mask,
    ),
    COCO,
    LABELME,
    LABEL_STUDIO,
    CITYSCAPES,
    CVAT,
    YOLO,
    LabelFormat(
        name="GeoJSON",
        recognised_by='a JSON object whose "type" is FeatureCollection, Feature or a geometry',
        reads="polygons, each an object, and the property that holds their class",
        limits=_VECTOR_LIMITS + "; without a crs member, coordinates are degrees",
        recognise=lambda data, _: kind_of(data) is FileKind.GEOJSON,
        read=_read_vectors,
        shared=True,
    ),
    LabelFormat(
        name="GeoPackage",
        recognised_by="the signature of SQLite",
        reads="polygons of all layers, each an object, and the property or layer that holds their class",
        limits=_VECTOR_LIMITS + "; views are not read",
        recognise=lambda data, _: kind_of(data) is FileKind.GEOPACKAGE,
        read=_read_vectors,
        shared=True,
    ),
    LabelFormat(
        name="FlatGeobuf",
        recognised_by="its signature",
        reads="polygons, each an object, and the property that holds their class",
        limits=_VECTOR_LIMITS,
        recognise=lambda data, _: kind_of(data) is FileKind.FLATGEOBUF,
        read=_read_vectors,
        shared=True,
    ),
    LabelFormat(
        name="Shapefile",
        recognised_by="the signature of its .shp file",
        reads="polygons, each an object, and the attribute that holds their class",
        limits=_VECTOR_LIMITS + "; .shx must be in the same folder or zip, .dbf holds the attributes, .prj the crs",
        recognise=lambda data, name: kind_of(data) is FileKind.SHAPEFILE and not name.lower().endswith(".shx"),
        read=_read_vectors,
        shared=True,
    ),
    LabelFormat(
        name="KML",
        recognised_by="an XML file whose root is kml; of a KMZ, its doc.kml",
        reads="polygons of all folders, each an object, and the field or folder that holds their class",
        limits=_VECTOR_LIMITS + "; linked files are not followed",
        recognise=lambda data, _: kind_of(data) is FileKind.KML,
        read=_read_vectors,
        shared=True,
    ),
)
"""Every format that is read, the more specific before the more general."""

UNSUPPORTED: tuple[UnsupportedFormat, ...] = UNSUPPORTED_FORMATS


def is_image(data: bytes) -> bool:
    """Whether a file is an image by its content; it may be a mask."""
    return kind_of(data) in (FileKind.PNG, FileKind.JPEG, FileKind.TIFF)


def format_of(data: bytes, name: str) -> LabelFormat | None:
    """The format of a label file; None if none recognises it."""
    return next((each for each in LABEL_FORMATS if each.recognise(data, name)), None)


def unsupported_format_of(data: bytes, name: str) -> UnsupportedFormat | None:
    """The format of a file that is recognised and not read."""
    return next((each for each in UNSUPPORTED if each.recognise(data, name)), None)
