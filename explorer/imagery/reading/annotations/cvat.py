"""CVAT for images 1.1: an XML file with polygons, masks and ellipses of many images.

Example::

    <annotations><version>1.1</version>
      <image id="0" name="port.png" width="640" height="480">
        <polygon label="ship" points="10,10;20,10;20,20" z_order="0"/>
        <mask label="ship" rle="0, 2, 1, 3" left="30" top="5" width="3" height="2" z_order="0"/>
      </image></annotations>
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException, DTDForbidden, EntitiesForbidden
from defusedxml.ElementTree import fromstring

from explorer.errors import InputError
from explorer.imagery.reading.annotations.documents import ImageNames, declared_size, text_of
from explorer.imagery.reading.annotations.drawing import (
    MAX_ANNOTATIONS,
    Annotation,
    Area,
    Bitmap,
    LeftOut,
    draw,
    ellipse,
    ring_of,
)
from explorer.imagery.reading.annotations.runs import bitmap_of, counts_of
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest
from explorer.imagery.reading.masks import Mask
from explorer.settings import Settings

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_AREAS = frozenset({"polygon", "mask", "ellipse"})
_LEFT_OUT = {
    "box": "boxes",
    "polyline": "polylines",
    "points": "points",
    "cuboid": "cuboids",
    "skeleton": "skeletons",
}
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_TAG = re.compile(rb"<([A-Za-z_][\w.:\-]*)")


def root_tag(data: bytes) -> str:
    """The name of the root element of an XML file, from its first 4 KiB; empty if it is not XML."""
    head = data[:4096].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not head.startswith(b"<"):
        return ""
    found = _TAG.search(_COMMENT.sub(b"", head))
    return found[1].decode("ascii", "replace") if found else ""


def read_cvat(data: bytes, name: str, request: LabelRequest) -> Mask:
    """Draws the shapes of one image in the order of ``z_order``. Shapes of one label and group are one object.

    Raises:
        InputError: the XML is broken or declares entities, the image is not listed, the file has boxes only, or a
            shape is broken.
    """
    file = _file(data, name)
    images = file.images[file.names.find(request.image, name)]
    if file.has_boxes and not file.has_areas:
        raise InputError("has boxes only, no outlines", name, "draw polygons or masks in CVAT, and export them")
    size = declared_size([(each.get("height"), each.get("width")) for each in images], request)
    left_out, found = LeftOut(), []
    for number, shape in enumerate((shape for image in images for shape in image), start=1):
        if shape.tag not in _AREAS:
            if shape.tag in _LEFT_OUT:
                left_out.kinds[_LEFT_OUT[shape.tag]] += 1
            continue
        area = _area(shape, name, f"shape {number} of {images[0].get('name')} ({shape.tag})", request.limits)
        if area is None:
            left_out.kinds["outlines with fewer than three corners"] += 1
            continue
        group = shape.get("group_id", "0")
        annotation = Annotation(text_of(shape.get("label")) or "object", (area,), None if group == "0" else group)
        found.append((_number(shape, "z_order", name, "z_order", 0.0), annotation))
    found.sort(key=lambda each: each[0])
    annotations = [annotation for _, annotation in found]
    return draw(annotations, size, file.labels, name, request.limits, left_out.notes(name))


@dataclass(frozen=True, eq=False)
class _File:
    names: ImageNames
    images: dict[str, list[Element]]  # by name
    labels: tuple[str, ...]
    has_areas: bool
    has_boxes: bool


@lru_cache(maxsize=4)
def _file(data: bytes, name: str) -> _File:
    try:
        root = fromstring(data, forbid_dtd=True)
    except (DTDForbidden, EntitiesForbidden) as error:
        raise InputError("declares a document type or entities, which is unsafe", name, "export it again") from error
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError, MemoryError) as error:
        raise InputError("not valid XML", name, "export it again") from error
    images: dict[str, list[Element]] = {}
    for image in root.iter("image"):
        images.setdefault(image.get("name", ""), []).append(image)
    labels = (text_of(label.findtext("name")) for label in root.iterfind("meta//labels/label"))
    shapes = {shape.tag for of_name in images.values() for image in of_name for shape in image}
    return _File(
        ImageNames(images),
        images,
        tuple(dict.fromkeys(label for label in labels if label)),
        bool(shapes & _AREAS),
        "box" in shapes,
    )


def _area(shape: Element, name: str, which: str, limits: Settings) -> Area | None:
    if shape.tag == "mask":
        left, top, width, height = (int(_number(shape, key, name, which)) for key in ("left", "top", "width", "height"))
        if min(width, height) < 1 or height * width > limits.max_pixels:
            raise InputError(f"{which}: its mask is {width}×{height} pixels", name, "export it again")
        return partial(_decode, shape.get("rle", ""), (top, left, height, width), name, which)
    if shape.tag == "ellipse":
        x, y, radius_x, radius_y = (_number(shape, key, name, which) for key in ("cx", "cy", "rx", "ry"))
        turned = _number(shape, "rotation", name, which, 0.0)
        return ring_of(ellipse(x, y, radius_x, radius_y, turned), name, which)
    pairs = shape.get("points", "").split(";")
    if len(pairs) > MAX_ANNOTATIONS * 10:
        raise InputError(f"{which}: {len(pairs):,} corners", name, "simplify it")
    return ring_of([pair.split(",") for pair in pairs if pair.strip()], name, which)


def _decode(rle: str, box: tuple[int, int, int, int], name: str, which: str) -> Bitmap:
    top, left, height, width = box
    runs = counts_of([part for part in rle.split(",") if part.strip()], height * width, name, which)
    return bitmap_of(runs, height, width, columns=False, top=top, left=left)


def _number(shape: Element, key: str, name: str, which: str, default: float | None = None) -> float:
    text = shape.get(key)
    if text is None and default is not None:
        return default
    try:
        number = float(text or "")
    except ValueError:
        number = math.nan
    if not abs(number) < 1e9:
        raise InputError(f"{which}: {key} is not a number of pixels", name, "export it again")
    return number


def _recognise(data: bytes, name: str) -> bool:
    return root_tag(data) == "annotations" and b"<track" not in data and b"<image" in data


def _images(data: bytes, name: str) -> Collection[str]:
    try:
        return _file(data, name).names.names
    except InputError:
        return ()


CVAT = LabelFormat(
    name="CVAT for images 1.1",
    recognised_by="XML with the root annotations and image elements",
    reads="polygons, masks and ellipses in the order of z_order; shapes of one label and group are one object",
    limits="boxes, polylines, points, cuboids and skeletons are left out; a file of boxes only is refused",
    recognise=_recognise,
    read=read_cvat,
    images=_images,
    shared=True,
)
