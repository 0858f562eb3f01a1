"""Formats that people have and that are not read, as images or as labels, and what to export instead.

Binary formats are recognised by their signatures, text by its first element or line, and JSON by its members. All but
JSON need only the first 4 KiB of a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from explorer.imagery.reading.annotations.coco import has_captions_only, has_keypoints_only, is_panoptic
from explorer.imagery.reading.annotations.cvat import root_tag
from explorer.imagery.reading.annotations.documents import json_document, member_list
from explorer.imagery.reading.label_format import UnsupportedFormat

_HEAD = 4096
_PICTURE = "save it as PNG, JPEG or TIFF"
_RASTER = "convert it to GeoTIFF (gdal_translate in.ext out.tif)"
_VECTOR = "export the polygons as GeoJSON or GeoPackage"
_ARRAY = "save images and masks as TIFF or PNG (in Python: tifffile.imwrite or PIL.Image.fromarray(mask).save)"
_SLICES = "export the slices as TIFF or PNG, and their masks at the same size"
_ANNOTATIONS = "export COCO JSON with polygons or masks"
_VIA = "in VIA, export the annotations in COCO format"
_UNPACKED = "unpack it, and send the files or a zip"
_BMP_HEADERS = frozenset({12, 40, 52, 56, 64, 108, 124})
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis"})


def _starting(*signatures: bytes, at: int = 0) -> Callable[[bytes, str], bool]:
    return lambda data, name: data.startswith(signatures, at)


def _rooted(*tags: str) -> Callable[[bytes, str], bool]:
    return lambda data, name: root_tag(data) in tags


def _matching(pattern: bytes) -> Callable[[bytes, str], bool]:
    compiled = re.compile(pattern)
    return lambda data, name: compiled.match(data[:_HEAD]) is not None


def _document(check: Callable[[Any], bool]) -> Callable[[bytes, str], bool]:
    return lambda data, name: check(json_document(data))


def _with(*members: str) -> Callable[[bytes, str], bool]:
    """Whether a file is a JSON object with some members."""
    return _document(lambda document: isinstance(document, dict) and document.keys() >= set(members))


def _is_via(document: Any) -> bool:
    if not isinstance(document, dict) or not document:
        return False
    if "_via_img_metadata" in document:
        return True
    return all(isinstance(each, dict) and {"filename", "regions"} <= each.keys() for each in document.values())


def _is_supervisely(document: Any) -> bool:
    size = document.get("size") if isinstance(document, dict) else None
    return isinstance(size, dict) and {"height", "width"} <= size.keys() and isinstance(document.get("objects"), list)


def _is_create_ml(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else None
    return any("coordinates" in each for each in member_list(first, "annotations"))


def _is_labelbox(document: Any) -> bool:
    first = document[0] if isinstance(document, list) and document else document
    return isinstance(first, dict) and ({"data_row", "projects"} <= first.keys() or "Labeled Data" in first)


def _is_labelme_xml(data: bytes, name: str) -> bool:
    return root_tag(data) == "annotation" and b"<polygon" in data


def _is_voc_xml(data: bytes, name: str) -> bool:
    return root_tag(data) == "annotation" and b"<polygon" not in data


def _is_bmp(data: bytes, name: str) -> bool:
    return data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in _BMP_HEADERS


def _is_webp(data: bytes, name: str) -> bool:
    return data.startswith(b"RIFF") and data[8:12] == b"WEBP"


def _is_heif(data: bytes, name: str) -> bool:
    return data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS


def _is_nifti(data: bytes, name: str) -> bool:
    return data[344:348] in (b"n+1\0", b"ni1\0") or data[4:8] in (b"n+2\0", b"ni2\0")


def _is_matlab(data: bytes, name: str) -> bool:
    return data.startswith(b"MATLAB 5.0 MAT-file") or data.startswith(b"MATLAB 7.3 MAT-file")


def _is_geodatabase(data: bytes, name: str) -> bool:
    path = PurePosixPath(name.lower())
    return any(part.endswith(".gdb") for part in path.parts[:-1]) or path.suffix in (".gdbtable", ".gdbtablx")


def _is_tfrecord(data: bytes, name: str) -> bool:
    """Whether a file begins with the length of a record and the masked CRC-32C of these eight bytes."""
    if len(data) < 16:
        return False
    crc = 0xFFFFFFFF
    for byte in data[:8]:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    masked = (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF
    return masked == int.from_bytes(data[8:12], "little")


def _is_gml(data: bytes, name: str) -> bool:
    return bool(root_tag(data)) and b"opengis.net/gml" in data[:_HEAD]


UNSUPPORTED: tuple[UnsupportedFormat, ...] = (
    # Annotations
    UnsupportedFormat(
        "COCO panoptic JSON", _document(is_panoptic), "export COCO instances, or use the masks as PNG with class ids"
    ),
    UnsupportedFormat("COCO keypoints JSON", _document(has_keypoints_only), "label outlines and export COCO instances"),
    UnsupportedFormat("COCO captions JSON", _document(has_captions_only), "use the file of the instances"),
    UnsupportedFormat("VGG Image Annotator (VIA) JSON", _document(_is_via), _VIA),
    UnsupportedFormat(
        "VGG Image Annotator (VIA) CSV",
        _matching(rb"#?\s*\"?filename\"?,\"?file_size\"?,"),
        _VIA,
    ),
    UnsupportedFormat("Supervisely JSON", _document(_is_supervisely), "export as COCO, or as masks (PNG)"),
    UnsupportedFormat("Datumaro JSON", _with("categories", "items"), _ANNOTATIONS),
    UnsupportedFormat("V7 Darwin JSON", _with("item", "annotations"), _ANNOTATIONS),
    UnsupportedFormat("SuperAnnotate JSON", _with("metadata", "instances"), _ANNOTATIONS),
    UnsupportedFormat("VoTT JSON", _with("asset", "regions"), _ANNOTATIONS),
    UnsupportedFormat("Labelbox JSON", _document(_is_labelbox), _ANNOTATIONS),
    UnsupportedFormat("Create ML JSON", _document(_is_create_ml), f"it has boxes only; {_ANNOTATIONS}"),
    UnsupportedFormat("LabelMe XML", _is_labelme_xml, "open it in CVAT, and export COCO"),
    UnsupportedFormat("Pascal VOC XML", _is_voc_xml, "it has boxes only; export 'Segmentation mask' or COCO"),
    UnsupportedFormat(
        "CVAT for video",
        lambda data, name: root_tag(data) == "annotations" and b"<image" not in data and b"<track" in data,
        "export the task as 'CVAT for images', 'COCO' or 'Segmentation mask'",
    ),
    UnsupportedFormat(
        "ImageJ ROI", _starting(b"Iout"), "in ImageJ, save a mask (Edit, Selection, Create Mask) as TIFF"
    ),
    # Arrays and records
    UnsupportedFormat("TFRecord", _is_tfrecord, _ARRAY),
    UnsupportedFormat("MATLAB .mat", _is_matlab, "in MATLAB, save images and masks with imwrite as TIFF or PNG"),
    UnsupportedFormat("NumPy .npy", _starting(b"\x93NUMPY"), _ARRAY),
    UnsupportedFormat("HDF5 or netCDF-4", _starting(b"\x89HDF\r\n\x1a\n"), _ARRAY),
    UnsupportedFormat("netCDF", _starting(b"CDF\x01", b"CDF\x02", b"CDF\x05"), _RASTER),
    UnsupportedFormat("Parquet", _starting(b"PAR1"), f"{_ARRAY}, and polygons as GeoJSON or GeoPackage"),
    # Medicine
    UnsupportedFormat("DICOM", _starting(b"DICM", at=128), _SLICES),
    UnsupportedFormat("NIfTI", _is_nifti, _SLICES),
    # Rasters and point clouds
    UnsupportedFormat(
        "JPEG 2000", _starting(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"), _RASTER.replace("in.ext", "in.jp2")
    ),
    UnsupportedFormat("ENVI header", _matching(rb"ENVI\s*[\r\n]"), _RASTER),
    UnsupportedFormat("Erdas Imagine", _starting(b"EHFA_HEADER_TAG"), _RASTER),
    UnsupportedFormat("MrSID", _starting(b"msid"), _RASTER),
    UnsupportedFormat("GRIB", _starting(b"GRIB"), _RASTER),
    UnsupportedFormat("GDAL VRT", _rooted("VRTDataset"), _RASTER),
    UnsupportedFormat("LAS or LAZ point cloud", _starting(b"LASF"), "turn the points into a GeoTIFF (PDAL)"),
    # Vectors
    UnsupportedFormat("DXF", _matching(rb"(AutoCAD Binary DXF|\s*(999\r?\n.*\r?\n\s*)?0\r?\nSECTION)"), _VECTOR),
    UnsupportedFormat("DWG", _matching(rb"AC10\d\d"), _VECTOR),
    UnsupportedFormat("GML", _is_gml, _VECTOR),
    UnsupportedFormat("GPX", _rooted("gpx"), _VECTOR),
    UnsupportedFormat("OpenStreetMap XML", _rooted("osm"), _VECTOR),
    UnsupportedFormat("ESRI file geodatabase", _is_geodatabase, _VECTOR),
    UnsupportedFormat("MapInfo TAB", _matching(rb"(?i)\s*!table\s*[\r\n]"), _VECTOR),
    UnsupportedFormat("MapInfo MIF", _matching(rb"(?i)\s*version\s+\d+\s*[\r\n]+\s*charset\s"), _VECTOR),
    # Pictures
    UnsupportedFormat("HEIC or AVIF", _is_heif, _PICTURE),
    UnsupportedFormat("WebP", _is_webp, _PICTURE),
    UnsupportedFormat("GIF", _starting(b"GIF87a", b"GIF89a"), _PICTURE),
    UnsupportedFormat("BMP", _is_bmp, _PICTURE),
    UnsupportedFormat("Photoshop", _starting(b"8BPS"), _PICTURE),
    UnsupportedFormat("OpenEXR", _starting(b"\x76\x2f\x31\x01"), _PICTURE),
    UnsupportedFormat("SVG", _rooted("svg", "svg:svg"), _PICTURE),
    UnsupportedFormat("PDF", _starting(b"%PDF-"), _PICTURE),
    # Archives
    UnsupportedFormat("RAR", _starting(b"Rar!\x1a\x07"), _UNPACKED),
    UnsupportedFormat("7z", _starting(b"7z\xbc\xaf\x27\x1c"), _UNPACKED),
    UnsupportedFormat("gzip", _starting(b"\x1f\x8b"), _UNPACKED),
    UnsupportedFormat("tar", _starting(b"ustar", at=257), _UNPACKED),
    UnsupportedFormat("bzip2, xz or Zstandard", _starting(b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"), _UNPACKED),
)
"""Every format that is recognised and not read."""
