"""Cityscapes JSON (``…_gtFine_polygons.json``): the polygons of one image, from back to front.

Example::

    {"imgHeight": 1024, "imgWidth": 2048, "objects": [
        {"label": "road", "polygon": [[0, 600], [2047, 600], [2047, 1023], [0, 1023]]},
        {"label": "cargroup", "polygon": [[900, 500], [990, 500], [990, 540]]}]}
"""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import PurePosixPath

from explorer.imagery.reading.annotations.documents import declared_size, json_document, member_list, text_of
from explorer.imagery.reading.annotations.drawing import Annotation, LeftOut, draw, ring_of
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest
from explorer.imagery.reading.masks import Mask

_IGNORED = frozenset({"unlabeled", "ego vehicle", "rectification border", "out of roi"})
_SUFFIX = re.compile(r"_gt(?:Fine|Coarse)_polygons$")


def read_cityscapes(data: bytes, name: str, request: LabelRequest) -> Mask:
    """Draws the objects in their order. A group ("cargroup") has the class of its members.

    What Cityscapes does not evaluate (unlabeled, ego vehicle, rectification border, out of roi) is ignored.

    Raises:
        InputError: an outline is broken.
    """
    document = json_document(data)
    size = declared_size([(document.get("imgHeight"), document.get("imgWidth"))], request)
    left_out, annotations = LeftOut(), []
    for number, each in enumerate(member_list(document, "objects"), start=1):
        if each.get("deleted"):
            continue
        ring = ring_of(each.get("polygon"), name, f"object {number}")
        if ring is None:
            left_out.kinds["outlines with fewer than three corners"] += 1
            continue
        label = text_of(each.get("label")) or "object"
        annotations.append(Annotation(label.removesuffix("group"), (ring,), ignored=label in _IGNORED))
    return draw(annotations, size, (), name, request.limits, left_out.notes(name))


def _recognise(data: bytes, name: str) -> bool:
    document = json_document(data)
    return isinstance(document, dict) and {"imgHeight", "imgWidth", "objects"} <= document.keys()


def _images(data: bytes, name: str) -> Collection[str]:
    return (f"{_SUFFIX.sub('', PurePosixPath(name).stem)}_leftImg8bit.png",)


CITYSCAPES = LabelFormat(
    name="Cityscapes JSON",
    recognised_by="a JSON object with imgHeight, imgWidth and objects",
    reads="polygons, later ones over earlier ones; each is an object",
    limits="only polygons; what Cityscapes does not evaluate is ignored",
    recognise=_recognise,
    read=read_cityscapes,
    images=_images,
)
