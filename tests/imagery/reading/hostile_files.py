"""Uploads that are broken or made to do harm, some hundred of them, the same ones at each call."""

from __future__ import annotations

import base64
import io
import json
import random
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pyogrio
import shapely
from PIL import Image
from rasterio.io import MemoryFile

from tests.imagery.encoders import geotiff, palette_png, picture, png, tiff, zipped

Upload = dict[str, bytes]
"""Content by name: images, and labels among them."""

SIDE = 32
SURROGATE = "\ud800"
MILLION = "a" * 1_000_000


def mask() -> np.ndarray:
    found = np.zeros((SIDE, SIDE), np.uint8)
    found[4:12, 4:20] = 1
    return found


@cache
def image() -> bytes:
    return png(np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8))


@cache
def good() -> Upload:
    """A pair of which nothing is wrong."""
    return {"good.png": image(), "good_mask.png": png(mask())}


def sparse_tiff(width: int, height: int, bands: int, dtype: str, **profile: object) -> bytes:
    """A TIFF that stores none of its blocks."""
    profile = {"tiled": True, "blockxsize": 4096, "blockysize": 4096, "SPARSE_OK": True, "BIGTIFF": "YES"} | profile
    with MemoryFile() as memory:
        with memory.open(driver="GTiff", width=width, height=height, count=bands, dtype=dtype, **profile):
            pass
        return memory.read()


def png_of_size(width: int, height: int, depth: int, colour: int, data: bytes = b"") -> bytes:
    """A PNG that declares any size."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def json_of(value: object) -> bytes:
    return json.dumps(value).encode()  # lone surrogates as escapes


def _polygon(side: float = 10.0) -> dict[str, object]:
    return {"type": "Polygon", "coordinates": [[[1, 1], [side, 1], [side, side], [1, side], [1, 1]]]}


def geojson(properties: object = None, geometry: object = None, **members: object) -> bytes:
    feature = {"type": "Feature", "properties": properties, "geometry": geometry or _polygon()}
    return json_of({"type": "FeatureCollection", "features": [feature], **members})


def coco(segmentation: object, name: object = "ship", file: str = "a.png", **sizes: int) -> bytes:
    size = {"width": SIDE, "height": SIDE} | sizes
    return json_of(
        {
            "images": [{"id": 1, "file_name": file, **size}],
            "categories": [{"id": 1, "name": name}],
            "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "segmentation": segmentation}],
        }
    )


def labelme(shape: object, **members: object) -> bytes:
    return json_of({"imagePath": "a.png", "imageWidth": SIDE, "imageHeight": SIDE, "shapes": [shape], **members})


@cache
def encodings() -> Mapping[str, bytes]:
    """A sound file of every format of images and labels, by name."""
    grey = np.random.default_rng(1).integers(0, 255, (SIDE, SIDE), dtype=np.uint8)
    bands = np.random.default_rng(2).integers(0, 60_000, (4, SIDE, SIDE)).astype(np.uint16)
    square = shapely.box(2, 2, 12, 12)
    files = {
        "a.png": png(grey),
        "p.png": palette_png(mask(), [(0, 0, 0), (255, 0, 0)]),
        "a.jpg": picture(Image.fromarray(grey), "JPEG"),
        "a.tif": tiff(bands, compress="deflate"),
        "t.tif": tiff(bands.astype(np.float32), tiled=True, blockxsize=16, blockysize=16, compress="lzw"),
        "g.tif": geotiff(bands, compress="deflate", predictor=2),
        "a.geojson": geojson({"class": "ship"}),
        "coco.json": coco([[1, 1, 9, 1, 9, 9, 1, 9]]),
        "runs.json": coco({"size": [SIDE, SIDE], "counts": [5, 9, SIDE * SIDE - 14]}),
        "a.json": labelme({"label": "ship", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}),
        "a.txt": b"0 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "a.xml": b'<?xml version="1.0"?><annotations><image id="0" name="a.png" width="32" height="32">'
        b'<polygon label="ship" points="1,1;9,1;9,9"/></image></annotations>',
        "a.zip": zipped({"images/a.png": image(), "masks/a.png": png(mask())}),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name, driver in (("a.gpkg", "GPKG"), ("a.fgb", "FlatGeobuf"), ("a.kml", "LIBKML")):
            path = Path(folder) / name
            pyogrio.raw.write(
                str(path), shapely.to_wkb(np.array([square])), [np.array(["ship"], dtype=object)], ["class"],
                geometry_type="Polygon", crs="EPSG:4326", driver=driver,
            )  # fmt: skip
            files[name] = path.read_bytes()
    return files


def beside_an_image(name: str, data: bytes) -> Upload:
    """A label with an image of its name, or an image with a mask."""
    stem, _, suffix = name.rpartition(".")
    if suffix in ("png", "jpg", "tif"):
        return {name: data, f"{stem}_mask.png": png(mask())}
    return {name: data} if suffix == "zip" else {"a.png": image(), name: data}


def broken_encodings(times: int) -> Iterator[tuple[str, Upload]]:
    """Every format cut off at some places, and with some bits turned over."""
    chance = random.Random(7)
    for name, data in encodings().items():
        for number in range(times):
            cut = data[: chance.randrange(1, len(data))]
            yield f"{name} cut off {number}", beside_an_image(name, cut)
            turned = bytearray(data)
            for _ in range(1 + number * 3):
                turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
            yield f"{name} with bits turned {number}", beside_an_image(name, bytes(turned))


def _nested_zip(depth: int) -> bytes:
    data = zipped({"a.png": image()})
    for _ in range(depth):
        data = zipped({"inner.zip": data})
    return data


def _zip_of_zeros(members: int, mebibytes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for number in range(members):
            archive.writestr(f"{number}.png", bytes(mebibytes << 20))
    return buffer.getvalue()


def _zip_that_lies(declared: int) -> bytes:
    data = bytearray(zipped({"a.png": image()}))
    at = data.rfind(b"PK\x01\x02")
    data[at + 24 : at + 28] = struct.pack("<I", declared)
    return bytes(data)


def _zip_with_names(*names: str) -> bytes:
    return zipped(dict.fromkeys(names, image()))


def _many_members(count: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.png", b"")
    return buffer.getvalue()


def _tiff_with_tag(tag: int, value: int) -> bytes:
    """A small TIFF of classic layout with a number in a tag of its directory changed."""
    data = bytearray(tiff(np.ones((1, SIDE, SIDE), np.uint8)))
    (directory,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, directory)
    for entry in range(count):
        at = directory + 2 + 12 * entry
        found, kind = struct.unpack_from("<HH", data, at)
        if found == tag:
            struct.pack_into("<I" if kind == 4 else "<H", data, at + 8, value & (0xFFFFFFFF if kind == 4 else 0xFFFF))
    return bytes(data)


BOMBS: Mapping[str, Callable[[], Upload]] = {
    "5000² × 8 float64": lambda: beside_an_image("a.tif", sparse_tiff(5000, 5000, 8, "float64")),
    "10000² × 1 uint8": lambda: beside_an_image("a.tif", sparse_tiff(10_000, 10_000, 1, "uint8")),
    "10000² × 16 float64": lambda: beside_an_image("a.tif", sparse_tiff(10_000, 10_000, 16, "float64")),
    "7000² × 1 float64": lambda: beside_an_image("a.tif", sparse_tiff(7000, 7000, 1, "float64")),
    "200000² × 1 uint8": lambda: beside_an_image("a.tif", sparse_tiff(200_000, 200_000, 1, "uint8")),
    "300 bands": lambda: beside_an_image("a.tif", sparse_tiff(64, 64, 300, "uint8", blockxsize=16, blockysize=16)),
    "a mask of 6000²": lambda: {"a.png": image(), "a_mask.tif": sparse_tiff(6000, 6000, 1, "uint8")},
    "image and mask of 6000²": lambda: {
        "a.tif": sparse_tiff(6000, 6000, 1, "uint8"), "a_mask.tif": sparse_tiff(6000, 6000, 1, "uint8")
    },
    "eight of 5000² × 8 float64": lambda: {
        f"{number}{end}": data
        for number in range(8)
        for end, data in ((".tif", sparse_tiff(5000, 5000, 8, "float64")), ("_mask.png", png(mask())))
    },
    "one block of 4 GB": lambda: beside_an_image(
        "a.tif", sparse_tiff(100, 100, 1, "uint8", blockxsize=65_520, blockysize=65_520)
    ),
    "PNG of 2 Gpx": lambda: beside_an_image("a.png", png_of_size(2**31 - 1, 2**31 - 1, 8, 2)),
    "PNG of 7000² with 16 bits": lambda: beside_an_image("a.png", png_of_size(7000, 7000, 16, 2)),
    "PNG of 9000² grey": lambda: beside_an_image("a.png", png_of_size(9000, 9000, 8, 0, bytes(9001 * 100))),
    "PNG of 0 px": lambda: beside_an_image("a.png", png_of_size(0, 0, 8, 0)),
    "zip of 190 MB zeros": lambda: {"a.zip": _zip_of_zeros(1, 190)},
    "zip of 8 × 150 MB zeros": lambda: {"a.zip": _zip_of_zeros(8, 150)},
    "zips in zips": lambda: {"a.zip": _nested_zip(5)},
    "a zip that declares 4 GB": lambda: {"a.zip": _zip_that_lies(2**32 - 2)},
    "a zip that declares nothing": lambda: {"a.zip": _zip_that_lies(0)},
    "a zip of 30000 files": lambda: {"a.zip": _many_members(30_000)},
    "labelme with a huge picture": lambda: {
        "a.png": image(), "a.json": labelme({"label": "a", "points": [[1, 1], [9, 9]]}, imageData="A" * 30_000_000)
    },
    "labelme of 10⁹ px a side": lambda: {
        "a.png": image(),
        "a.json": labelme(
            {"label": "a", "points": [[1, 1], [9, 1], [9, 9]], "shape_type": "polygon"}, imageWidth=10**9,
            imageHeight=10**9,
        ),
    },
    "labelme mask of 100 Mpx": lambda: {
        "a.png": image(),
        "a.json": labelme(
            {"label": "a", "points": [[0, 0], [9, 9]], "shape_type": "mask",
             "mask": base64.b64encode(png_of_size(10_000, 10_000, 1, 0)).decode()}
        ),
    },
    "COCO of 20000² px": lambda: {"a.png": image(), "coco.json": coco(
        {"size": [20_000, 20_000], "counts": [0, 400_000_000]}, width=20_000, height=20_000)},
    "COCO of 6000² px": lambda: {"a.png": image(), "coco.json": coco(
        {"size": [6000, 6000], "counts": [0, 36_000_000]}, width=6000, height=6000)},
    "COCO counts beyond floats": lambda: {"a.png": image(), "coco.json": coco(
        {"size": [SIDE, SIDE], "counts": [0, 10**400]})},
    "COCO compressed counts": lambda: {"a.png": image(), "coco.json": coco(
        {"size": [SIDE, SIDE], "counts": "o" * 1_000_000})},
    "GeoJSON nested deeply": lambda: {"a.png": image(), "a.geojson": b'{"type":"Feature","geometry":' * 50_000},
    "GeoJSON of collections in collections": lambda: {
        "a.png": image(),
        "a.geojson": b'{"type":"Feature","geometry":'
        + b'{"type":"GeometryCollection","geometries":[' * 900 + b"]}" * 900 + b"}",
    },
    "arrays in arrays": lambda: {"a.png": image(), "a.json": b"[" * 200_000},
    "GeoJSON of 2 million corners": lambda: {"a.png": image(), "a.geojson": geojson(
        geometry={"type": "Polygon", "coordinates": [[[n % 32, (n * 7) % 32] for n in range(300_000)]]})},
    "a number of a million digits": lambda: {"a.png": image(), "a.json": b"[" + b"9" * 1_000_000 + b"]"},
    "XML bomb": lambda: {
        "a.png": image(),
        "a.xml": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
        + b"".join(
            f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">'.encode() for n in range(9)
        )
        + b"]><annotations>&j;</annotations>",
    },
    "XML of an outside file": lambda: {
        "a.png": image(),
        "a.xml": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotations>&x;</annotations>',
    },
    "KML bomb": lambda: {
        "a.png": image(),
        "a.kml": b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aa">]><kml>&a;</kml>',
    },
    "KML nested deeply": lambda: {"a.png": image(), "a.kml": b"<kml>" + b"<Folder>" * 100_000},
    "YAML bomb": lambda: {
        "a.png": image(), "a.txt": b"0 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "data.yaml": b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n".encode() for n in range(9))
        + b"names: *j\n",
    },
    "YAML objects": lambda: {
        "a.png": image(), "a.txt": b"0 0.1 0.1 0.5 0.1 0.5 0.5\n",
        "data.yaml": b"names: !!python/object/apply:os.system ['touch /tmp/owned']\n",
    },
}  # fmt: skip
"""Few bytes that stand for many, or that are nested without end."""

_MEMBERS: Mapping[str, object] = {
    "a list": [1], "a text": "text", "a number": 7, "nothing": None, "an object": {"a": {}}, "true": True,
    "a huge number": 1e300, "infinity": float("inf"), "NaN": float("nan"), "a surrogate": SURROGATE,
    "a million characters": MILLION, "controls": "a\0b\u202e\x1b[31m", "markup": "<script>alert(1)</script>",
    "a path": "../../etc/passwd", "nothing at all": "",
}  # fmt: skip


def odd_members() -> Iterator[tuple[str, Upload]]:
    """Members of label files that hold what they should not."""
    ring = [[1, 1], [9, 1], [9, 9]]
    for what, value in _MEMBERS.items():
        yield f"GeoJSON properties: {what}", {"a.png": image(), "a.geojson": geojson(value)}
        yield f"GeoJSON class: {what}", {"a.png": image(), "a.geojson": geojson({"class": value})}
        yield f"GeoJSON geometry: {what}", {"a.png": image(), "a.geojson": geojson(geometry=value)}
        yield f"GeoJSON crs: {what}", {"a.png": image(), "a.geojson": geojson(crs=value)}
        yield f"COCO category: {what}", {"a.png": image(), "c.json": coco([[1, 1, 9, 1, 9, 9]], value)}
        yield f"COCO segmentation: {what}", {"a.png": image(), "c.json": coco(value)}
        shape = {"label": value, "points": ring, "shape_type": "polygon"}
        yield f"labelme label: {what}", {"a.png": image(), "a.json": labelme(shape)}
        shape = {"label": "ship", "points": value, "shape_type": "polygon"}
        yield f"labelme points: {what}", {"a.png": image(), "a.json": labelme(shape)}
    key = {SURROGATE: 1, MILLION: 2, "class\0": "x", "": 3}
    yield "GeoJSON names of properties", {"a.png": image(), "a.geojson": geojson(key)}
    for what, name in (("a surrogate", SURROGATE), ("a million characters", MILLION), ("a path", "../x")):
        yield f"COCO image: {what}", {"a.png": image(), "c.json": coco([[1, 1, 9, 1, 9, 9]], file=name)}


def odd_names() -> Iterator[tuple[str, Upload]]:
    """Files whose names lead elsewhere, or cannot be shown."""
    names = ["../../a.png", "/etc/a.png", "C:\\a.png", "a\0.png", "a\u202egnp.exe", f"a{SURROGATE}.png", ".png"]
    names += ["con.png", "a" * 255 + ".png", "a/" * 200 + "a.png", "<b>a</b>.png", "a\n\r.png", " ", "..."]
    for name in names:
        yield f"a file named {name[:20]!r}", {name: image(), "a_mask.png": png(mask())}
    for name in ("../../a.png", "/etc/a.png", "a\u202egnp.exe", "a" * 300 + ".png"):
        yield f"a zip with {name[:20]!r}", {"a.zip": _zip_with_names(name, "b.png")}


def odd_headers() -> Iterator[tuple[str, Upload]]:
    """TIFFs whose directory says what cannot be."""
    for tag, meaning in ((256, "width"), (257, "height"), (258, "bits"), (259, "compression"), (277, "samples"),
                         (278, "rows of a strip"), (279, "bytes of a strip"), (339, "sample format")):  # fmt: skip
        for value in (0, 3, 0xFFFF, 0xFFFFFFFF):
            yield f"TIFF with {meaning} {value}", beside_an_image("a.tif", _tiff_with_tag(tag, value))


def hostile_uploads(times: int = 3) -> Iterator[tuple[str, Upload]]:
    """What is wrong with an upload, and its files; each is made when it is asked for.

    Args:
        times: how often each format is cut off, and how often its bits are turned.
    """
    for what, made in BOMBS.items():
        yield what, made()
    yield from odd_members()
    yield from odd_names()
    yield from odd_headers()
    yield from broken_encodings(times)
