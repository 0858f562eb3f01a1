"""COCO instances JSON: polygons, run lengths and compressed run lengths, for many images in one file.

Example::

    {"images": [{"id": 1, "file_name": "port.png", "width": 640, "height": 480}],
     "categories": [{"id": 1, "name": "ship"}],
     "annotations": [
        {"id": 1, "image_id": 1, "category_id": 1, "segmentation": [[10, 10, 20, 10, 20, 20]]},
        {"id": 2, "image_id": 1, "category_id": 1, "segmentation": {"size": [480, 640], "counts": [6, 2, 307192]}},
        {"id": 3, "image_id": 1, "category_id": 1, "segmentation": {"size": [480, 640], "counts": "62ho[9"}}]}
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.annotations.documents import (
    ImageNames,
    declared_size,
    json_document,
    member_list,
    text_of,
    whole_number,
)
from explorer.imagery.reading.annotations.drawing import Annotation, Area, Bitmap, LeftOut, check_count, draw, ring_of
from explorer.imagery.reading.annotations.runs import bitmap_of, compressed_counts, counts_of
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest
from explorer.imagery.reading.masks import Mask


def is_coco(document: Any) -> bool:
    """Whether a JSON document has the members of any COCO file."""
    if not isinstance(document, dict) or not all(
        isinstance(document.get(key), list) for key in ("images", "annotations")
    ):
        return False
    return all("file_name" in each or "id" in each for each in member_list(document, "images"))


def is_panoptic(document: Any) -> bool:
    """Whether a COCO document refers to PNGs with the segments, which it only names."""
    return is_coco(document) and any("segments_info" in each for each in member_list(document, "annotations"))


def has_keypoints_only(document: Any) -> bool:
    """Whether a COCO document has keypoints and no outline."""
    annotations = member_list(document, "annotations") if is_coco(document) else []
    return any("keypoints" in each for each in annotations) and not any(map(_has_area, annotations))


def has_captions_only(document: Any) -> bool:
    """Whether a COCO document has captions and no outline."""
    annotations = member_list(document, "annotations") if is_coco(document) else []
    return any("caption" in each for each in annotations) and not any(map(_has_area, annotations))


def read_coco(data: bytes, name: str, request: LabelRequest) -> Mask:
    """Draws the annotations of one image.

    The parts of an annotation are one object. Regions with ``iscrowd`` are ignored, since they stand for an unknown
    number of objects; but where a file marks every mask so, as the exports of CVAT and Datumaro do, they are objects.
    Classes keep the order of the categories.

    Raises:
        InputError: the image is not listed, the file has boxes only, or an outline or run lengths are broken.
    """
    file = _file(data)
    listed = file.names.find(request.image, name)
    if not file.has_areas and file.annotations:
        raise InputError(
            "has boxes, keypoints or captions only, no outlines",
            name,
            "export instance segmentation: polygons or masks",
        )
    images = file.images[listed]
    size = declared_size([(each.get("height"), each.get("width")) for each in images], request)
    made = [each for image in images for each in file.annotations.get(text_of(image.get("id")), ())]
    check_count(len(made), name)
    left_out, crowds, annotations = LeftOut(), 0, []
    for each in made:
        which = f"annotation {text_of(each.get('id')) or '?'}"
        if not _has_area(each):
            left_out.kinds["keypoints" if "keypoints" in each else "boxes"] += 1
            continue
        areas = _areas(each["segmentation"], size, name, which)
        if not areas:
            left_out.kinds["outlines with fewer than three corners"] += 1
            continue
        is_crowd = _is_crowd(each)
        crowds += is_crowd
        category = text_of(each.get("category_id"))
        annotations.append(
            Annotation(
                file.categories.get(category, category or "object"),
                areas,
                ignored=is_crowd and not file.crowds_are_objects,
            )
        )
    notes = list(left_out.notes(name))
    if crowds and file.crowds_are_objects:
        notes.append(Note("crowds_as_objects", f"{name}: {crowds} regions are marked iscrowd, but read as objects."))
    elif crowds:
        notes.append(Note("annotation_left_out", f"{name}: {crowds} crowd regions (iscrowd) are ignored."))
    annotations.sort(key=lambda each: not each.ignored)  # objects over crowds
    return draw(annotations, size, file.categories.values(), name, request.limits, notes)


@dataclass(frozen=True, eq=False)
class _File:
    names: ImageNames
    images: dict[str, list[dict[str, Any]]]  # by file name
    annotations: dict[str, list[dict[str, Any]]]  # by the image's id
    categories: dict[str, str]  # name by id
    has_areas: bool
    crowds_are_objects: bool


@lru_cache(maxsize=4)
def _file(data: bytes) -> _File:
    document = json_document(data)
    images: dict[str, list[dict[str, Any]]] = {}
    for each in member_list(document, "images"):
        images.setdefault(text_of(each.get("file_name")), []).append(each)
    annotations: dict[str, list[dict[str, Any]]] = {}
    for each in member_list(document, "annotations"):
        annotations.setdefault(text_of(each.get("image_id")), []).append(each)
    categories = {}
    for each in member_list(document, "categories"):
        number = text_of(each.get("id"))
        categories[number] = text_of(each.get("name")) or number
    with_area = [each for of_image in annotations.values() for each in of_image if _has_area(each)]
    crowds = [each for each in with_area if _is_crowd(each)]
    crowds_are_objects = 2 * len(crowds) > len(with_area) or any("attributes" in each for each in crowds)
    return _File(ImageNames(images), images, annotations, categories, bool(with_area), crowds_are_objects)


def _is_crowd(annotation: dict[str, Any]) -> bool:
    return text_of(annotation.get("iscrowd")) == "1" or annotation.get("iscrowd") is True


def _has_area(annotation: dict[str, Any]) -> bool:
    segmentation = annotation.get("segmentation")
    return bool(segmentation) and segmentation != [[]]


def _areas(segmentation: Any, size: tuple[int, int], name: str, which: str) -> tuple[Area, ...]:
    if isinstance(segmentation, dict):
        return (partial(_decode, segmentation, size, name, which),)
    if not isinstance(segmentation, list):
        raise InputError(f"{which}: its segmentation is neither polygons nor run lengths", name, "export it again")
    if not isinstance(segmentation[0], list):  # one polygon without the list round it
        segmentation = [segmentation]
    rings = (ring_of(each, name, which) for each in segmentation)
    return tuple(ring for ring in rings if ring is not None)


def _decode(segmentation: dict[str, Any], size: tuple[int, int], name: str, which: str) -> Bitmap:
    height, width = size
    declared = segmentation.get("size")
    if not isinstance(declared, list) or list(map(whole_number, declared)) != [height, width]:
        raise InputError(
            f"{which}: its run lengths are not for {width}×{height} pixels",
            name,
            "export it again, with the image's size",
        )
    counts = segmentation.get("counts")
    if isinstance(counts, str):
        counts = compressed_counts(counts, name, which)
    return bitmap_of(counts_of(counts, height * width, name, which), height, width, columns=True)


def _images(data: bytes, name: str) -> Collection[str]:
    return _file(data).names.names


def _is_readable(data: bytes, name: str) -> bool:
    document = json_document(data)
    unread = is_panoptic(document) or has_keypoints_only(document) or has_captions_only(document)
    return is_coco(document) and not unread


COCO = LabelFormat(
    name="COCO JSON",
    recognised_by="a JSON object with the lists images and annotations",
    reads="polygons, run lengths and compressed run lengths; each annotation is an object; iscrowd is ignored",
    limits="annotations that have only a box or keypoints are left out; panoptic files are not read",
    recognise=_is_readable,
    read=read_coco,
    images=_images,
    shared=True,
)
