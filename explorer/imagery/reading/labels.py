"""The registry of label formats: one reader each. A new format is a module with a reader, and an entry here.

The first entry that recognises a file reads it. ``UNSUPPORTED`` names the formats that are recognised and not read.
"""

from __future__ import annotations

from explorer.imagery.reading.annotations.cityscapes import CITYSCAPES
from explorer.imagery.reading.annotations.coco import COCO
from explorer.imagery.reading.annotations.cvat import CVAT
from explorer.imagery.reading.annotations.label_studio import LABEL_STUDIO
from explorer.imagery.reading.annotations.labelme import LABELME
from explorer.imagery.reading.annotations.unsupported import UNSUPPORTED
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


def _vectors(name: str, kind: FileKind, recognised_by: str, classes: str, limits: str = "") -> LabelFormat:
    """A format of polygons, as a rule with coordinates on the ground.

    Args:
        name: of the format.
        kind: of its files.
        recognised_by: what tells them.
        classes: what may hold the class of a polygon.
        limits: beside those that all have.
    """
    return LabelFormat(
        name=name,
        recognised_by=recognised_by,
        reads=f"polygons, each an object, and the {classes} that holds their class",
        limits="; ".join(filter(None, ("no points and lines", limits))),
        recognise=lambda data, file: kind_of(data) is kind and not file.lower().endswith(".shx"),  # signed as .shp
        read=_read_vectors,
        shared=True,
    )


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
    _vectors(
        "GeoJSON",
        FileKind.GEOJSON,
        'a JSON object whose "type" is FeatureCollection, Feature or a geometry',
        "property",
        "without a crs member, coordinates are degrees, or pixels of an image without georeference",
    ),
    _vectors(
        "GeoPackage",
        FileKind.GEOPACKAGE,
        "the signature of SQLite",
        "property or layer",
        "all layers are read, views are not",
    ),
    _vectors("FlatGeobuf", FileKind.FLATGEOBUF, "its signature", "property"),
    _vectors(
        "Shapefile",
        FileKind.SHAPEFILE,
        "the signature of its .shp file",
        "attribute",
        ".shx must be in the same folder or zip, .dbf holds the attributes, .prj the crs",
    ),
    _vectors(
        "KML",
        FileKind.KML,
        "an XML file whose root is kml; of a KMZ, its doc.kml",
        "field or folder",
        "all folders are read; linked files are not followed",
    ),
)
"""Every format that is read, the more specific before the more general."""


def is_image(data: bytes) -> bool:
    """Whether a file is an image by its content; it may be a mask."""
    return kind_of(data) in (FileKind.PNG, FileKind.JPEG, FileKind.TIFF)


def format_of(data: bytes, name: str) -> LabelFormat | None:
    """The format of a label file; None if none recognises it."""
    return next((each for each in LABEL_FORMATS if each.recognise(data, name)), None)


def unsupported_format_of(data: bytes, name: str) -> UnsupportedFormat | None:
    """The format of a file that is recognised and not read."""
    return next((each for each in UNSUPPORTED if each.recognise(data, name)), None)
