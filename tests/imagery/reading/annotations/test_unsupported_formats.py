import io
import json
import struct

import numpy as np
import pytest
import scipy.io
from PIL import Image

from explorer.imagery.reading.labels import LABEL_FORMATS, UNSUPPORTED, unsupported_format_of
from tests.imagery.encoders import picture, png, tiff


def saved(write, *args):
    buffer = io.BytesIO()
    write(buffer, *args)
    return buffer.getvalue()


def as_json(document):
    return json.dumps(document).encode()


PICTURE = Image.new("RGB", (4, 4))
COCO_IMAGE = {"id": 1, "file_name": "a.png"}
VIA = {"a.png123": {"filename": "a.png", "size": 123, "regions": [], "file_attributes": {}}}
TFRECORD = bytes.fromhex("0500000000000000eab2043e") + b"hello" + bytes(4)  # CRC by google-crc32c
GML = b'<?xml version="1.0"?><gml:FeatureCollection xmlns:gml="http://www.opengis.net/gml"/>'
CVAT_VIDEO = b'<?xml version="1.0"?><annotations><track id="0"><polygon/></track></annotations>'
SVG = b'<!DOCTYPE svg PUBLIC "x"><svg xmlns="http://www.w3.org/2000/svg"/>'

SAMPLES = [
    ("COCO panoptic JSON", as_json({"images": [COCO_IMAGE], "annotations": [{"segments_info": []}]})),
    ("COCO keypoints JSON", as_json({"images": [COCO_IMAGE], "annotations": [{"keypoints": [1, 1, 2]}]})),
    ("COCO captions JSON", as_json({"images": [COCO_IMAGE], "annotations": [{"caption": "A ship."}]})),
    ("VGG Image Annotator (VIA) JSON", as_json(VIA)),
    ("VGG Image Annotator (VIA) JSON", as_json({"_via_settings": {}, "_via_img_metadata": VIA})),
    ("VGG Image Annotator (VIA) CSV", b"filename,file_size,file_attributes,region_count\n"),
    ("Supervisely JSON", as_json({"description": "", "size": {"height": 1, "width": 1}, "objects": []})),
    ("Datumaro JSON", as_json({"info": {}, "categories": {}, "items": []})),
    ("V7 Darwin JSON", as_json({"version": "2.0", "item": {"name": "a.png"}, "annotations": []})),
    ("SuperAnnotate JSON", as_json({"metadata": {"name": "a.png"}, "instances": []})),
    ("VoTT JSON", as_json({"asset": {"name": "a.png"}, "regions": []})),
    ("Labelbox JSON", as_json([{"data_row": {"id": "x"}, "projects": {}}])),
    ("Create ML JSON", as_json([{"image": "a.png", "annotations": [{"label": "x", "coordinates": {"x": 1}}]}])),
    ("Pascal VOC XML", b"<annotation><object><bndbox/></object></annotation>"),
    ("LabelMe XML", b"<annotation><object><polygon><pt/></polygon></object></annotation>"),
    ("CVAT for video", CVAT_VIDEO),
    ("ImageJ ROI", b"Iout\0\xe4" + bytes(60)),
    ("TFRecord", TFRECORD),
    ("MATLAB .mat", saved(scipy.io.savemat, {"mask": np.eye(3)})),
    ("NumPy .npy", saved(np.save, np.eye(3))),
    ("HDF5 or netCDF-4", b"\x89HDF\r\n\x1a\n" + bytes(40)),
    ("netCDF", b"CDF\x01" + bytes(28)),
    ("Parquet", b"PAR1" + bytes(8)),
    ("DICOM", bytes(128) + b"DICM\x02\0"),
    ("NIfTI", struct.pack("<i", 348) + bytes(340) + b"n+1\0" + bytes(8)),
    ("JPEG 2000", picture(PICTURE, "JPEG2000")),
    ("ENVI header", b"ENVI\r\nsamples = 4\r\n"),
    ("Erdas Imagine", b"EHFA_HEADER_TAG\0"),
    ("MrSID", b"msid\x02"),
    ("GRIB", b"GRIB" + bytes(12)),
    ("GDAL VRT", b'<VRTDataset rasterXSize="4"></VRTDataset>'),
    ("LAS or LAZ point cloud", b"LASF" + bytes(100)),
    ("DXF", b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n"),
    ("DXF", b"999\nwritten by hand\n0\nSECTION\n"),
    ("DWG", b"AC1032" + bytes(20)),
    ("GML", GML),
    ("GPX", b'<?xml version="1.0"?><gpx version="1.1"/>'),
    ("OpenStreetMap XML", b'<osm version="0.6"/>'),
    ("MapInfo TAB", b"!table\n!version 300\n"),
    ("MapInfo MIF", b'Version 300\r\nCharset "Neutral"\r\n'),
    ("HEIC or AVIF", b"\0\0\0\x18ftypheic" + bytes(8)),
    ("HEIC or AVIF", b"\0\0\0\x1cftypavif" + bytes(8)),
    ("WebP", picture(PICTURE, "WEBP")),
    ("GIF", picture(PICTURE, "GIF")),
    ("BMP", picture(PICTURE, "BMP")),
    ("Photoshop", b"8BPS\0\x01"),
    ("OpenEXR", b"\x76\x2f\x31\x01\x02"),
    ("SVG", SVG),
    ("PDF", picture(PICTURE, "PDF")),
    ("RAR", b"Rar!\x1a\x07\x01\0"),
    ("7z", b"7z\xbc\xaf\x27\x1c\0\x04"),
    ("gzip", b"\x1f\x8b\x08\0"),
    ("tar", bytes(257) + b"ustar\x0000"),
    ("bzip2, xz or Zstandard", b"BZh91AY&SY"),
    ("bzip2, xz or Zstandard", b"\xfd7zXZ\0"),
]


@pytest.mark.parametrize(("name", "data"), SAMPLES, ids=[f"{name} {i}" for i, (name, _) in enumerate(SAMPLES)])
def test_a_format_that_is_not_read_is_named_with_what_to_export_instead(name, data):
    assert [each.name for each in UNSUPPORTED if each.recognise(data, "file")] == [name]
    assert unsupported_format_of(data, "file").instead
    assert not [each for each in LABEL_FORMATS if each.name != "GeoJSON" and each.recognise(data, "file")]


def test_a_file_geodatabase_is_recognised_by_its_folder():
    assert unsupported_format_of(b"\x03\0\0\0", "city.gdb/a00000001.gdbtable").name == "ESRI file geodatabase"


def test_every_format_that_is_not_read_has_a_sample():
    assert {each.name for each in UNSUPPORTED} - {name for name, _ in SAMPLES} == {"ESRI file geodatabase"}


@pytest.mark.parametrize(
    "data",
    [
        png(np.zeros((4, 4), np.uint8)),
        picture(PICTURE, "JPEG"),
        tiff(np.zeros((1, 4, 4), np.uint8)),
        b'{"type": "FeatureCollection", "features": []}',
        b"0 0.1 0.1 0.2 0.1 0.2 0.2\n",
        b"BM is a word",
        b"ENVIRONMENT\n",
        b"",
    ],
)
def test_what_is_read_or_unknown_is_not_called_unsupported(data):
    assert unsupported_format_of(data, "file") is None
