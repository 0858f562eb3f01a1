"""labelme JSON: one file per image, with polygons, rectangles, circles and masks.

Example::

    {"version": "5.4.1", "imagePath": "port.png", "imageData": null, "imageHeight": 480, "imageWidth": 640,
     "shapes": [{"label": "ship", "shape_type": "polygon", "group_id": null, "points": [[10, 10], [20, 10], [20, 20]]},
                {"label": "quay", "shape_type": "rectangle", "group_id": 1, "points": [[30, 5], [60, 15]]}]}
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Collection
from functools import partial
from typing import Any

import numpy as np

from explorer.errors import InputError
from explorer.imagery.reading.annotations.documents import (
    declared_size,
    image_name,
    json_document,
    member_list,
    text_of,
)
from explorer.imagery.reading.annotations.drawing import (
    Annotation,
    Area,
    Bitmap,
    LeftOut,
    draw,
    ellipse,
    rectangle,
    ring_of,
)
from explorer.imagery.reading.formats import FileKind
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest
from explorer.imagery.reading.masks import Mask
from explorer.imagery.reading.raster import decode
from explorer.settings import Settings

_CORNERS = {"rectangle": 2, "circle": 2, "mask": 2}  # other shapes with an area have three and more


def read_labelme(data: bytes, name: str, request: LabelRequest) -> Mask:
    """Draws the shapes. Those with the same label and group id are one object. Lines and points are left out.

    Raises:
        InputError: a shape is broken.
    """
    document = json_document(data)
    size = declared_size([(document.get("imageHeight"), document.get("imageWidth"))], request)
    left_out, annotations = LeftOut(), []
    for number, shape in enumerate(member_list(document, "shapes"), start=1):
        kind = shape.get("shape_type") or "polygon"
        if kind not in ("polygon", "oriented_rectangle", *_CORNERS):
            left_out.kinds[f"{kind}s" if kind in ("line", "linestrip", "point") else "other shapes"] += 1
            continue
        area = _area(shape, kind, name, f"shape {number}", request.limits)
        if area is None:
            left_out.kinds["outlines with fewer than three corners"] += 1
            continue
        group = text_of(shape.get("group_id")) or None
        annotations.append(Annotation(text_of(shape.get("label")) or "object", (area,), group))
    return draw(annotations, size, (), name, request.limits, left_out.notes(name))


def _area(shape: dict[str, Any], kind: str, name: str, which: str, limits: Settings) -> Area | None:
    points = shape.get("points")
    if kind not in _CORNERS:
        return ring_of(points, name, which)
    try:
        corners = np.array(points, dtype=np.float64)
        (x, y), (other_x, other_y) = corners.tolist()
        if not np.isfinite(corners).all():
            raise ValueError
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{which}: a {kind} needs two points", name, "correct it in labelme") from error
    if kind == "circle":
        radius = math.hypot(other_x - x, other_y - y)
        return ring_of(ellipse(x, y, radius, radius), name, which)
    if kind == "rectangle":
        return ring_of(rectangle(x, y, other_x, other_y), name, which)
    return partial(_decode_mask, shape.get("mask"), int(min(y, other_y)), int(min(x, other_x)), name, which, limits)


def _decode_mask(encoded: Any, top: int, left: int, name: str, which: str, limits: Settings) -> Bitmap:
    """The pixels of a mask, which labelme stores as a PNG of the shape's box."""
    try:
        data = base64.b64decode(encoded, validate=True)
    except (TypeError, ValueError, binascii.Error) as error:
        raise InputError(f"{which}: its mask is not base64", name, "save it again in labelme") from error
    decoded = decode(data, f"{name}, {which}", limits)
    if decoded.kind is not FileKind.PNG:
        raise InputError(f"{which}: its mask is a {decoded.kind}, not a PNG", name, "save it again in labelme")
    return Bitmap(top, left, np.asarray(decoded.values[0] != 0))


def _recognise(data: bytes, name: str) -> bool:
    document = json_document(data)
    return (
        isinstance(document, dict)
        and isinstance(document.get("shapes"), list)
        and bool(document.keys() & {"imagePath", "imageData", "imageHeight"})
    )


def _images(data: bytes, name: str) -> Collection[str]:
    path = json_document(data).get("imagePath")
    return (image_name(path),) if isinstance(path, str) and path else ()


LABELME = LabelFormat(
    name="labelme JSON",
    recognised_by="a JSON object with shapes and imagePath",
    reads="polygons, rectangles, circles and masks; shapes with the same label and group_id are one object",
    limits="lines and points are left out; the image inside the file is not used",
    recognise=_recognise,
    read=read_labelme,
    images=_images,
)
