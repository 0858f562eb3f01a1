"""Label Studio JSON and JSON-MIN: polygons, ellipses and brush strokes of many images in one file.

Example (JSON-MIN has the values directly in a member of the task, ``"label": [{"points": …}]``)::

    [{"id": 1, "data": {"image": "/data/upload/1/0a1b2c3d-port.png"}, "annotations": [{"result": [
        {"id": "x1", "type": "polygonlabels", "original_width": 640, "original_height": 480,
         "value": {"points": [[10, 10], [20, 10], [20, 20]], "polygonlabels": ["ship"]}},
        {"id": "x2", "type": "brushlabels", "original_width": 640, "original_height": 480,
         "value": {"format": "rle", "rle": [0, 18, 192, 0, …], "brushlabels": ["ship"]}}]}]}]
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import PurePosixPath
from typing import Any

from explorer.errors import InputError
from explorer.imagery.notes import Note
from explorer.imagery.reading.annotations.documents import (
    ImageNames,
    declared_size,
    image_name,
    json_document,
    member_list,
    text_of,
)
from explorer.imagery.reading.annotations.drawing import Annotation, Area, Bitmap, LeftOut, draw, ellipse, ring_of
from explorer.imagery.reading.annotations.runs import bitmap_of, brush_runs
from explorer.imagery.reading.formats import check_size
from explorer.imagery.reading.label_format import LabelFormat, LabelRequest
from explorer.imagery.reading.masks import Mask

_IMAGE_TYPES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp"})
_AREAS = frozenset({"polygon", "brush", "ellipse"})


def read_label_studio(data: bytes, name: str, request: LabelRequest) -> Mask:
    """Draws the regions of one image; each is an object.

    If a task was annotated several times, the ground truth is used, or else the newest annotation. Skipped annotations
    and predictions are never used.

    Raises:
        InputError: the image is not listed or has not been annotated, it was turned in Label Studio, the file has
            boxes only, or a region is broken.
    """
    file = _file(data)
    tasks = file.tasks[file.names.find(request.image, name)]
    if not file.has_areas and file.has_boxes:
        raise InputError("has boxes only, no outlines", name, "label polygons or brush strokes, and export them")
    results: list[dict[str, Any]] = []
    notes: list[Note] = []
    for task in tasks:
        chosen, others = _chosen(task, name, request.image)
        results += _merged(chosen)
        if others:
            text = f"{name}: {others} more annotations of {request.image} were left out."
            notes.append(Note("annotation_left_out", text))
    sizes = [(each.get("original_height"), each.get("original_width")) for each in results]
    height, width = declared_size(sizes, request)
    check_size(height, width, 1, name, request.limits)
    left_out, annotations = LeftOut(), []
    for number, each in enumerate(results, start=1):
        which = f"region {text_of(each.get('id')) or number}"
        kind = _kind(each["value"])
        if kind not in _AREAS:
            if kind:
                left_out.kinds[kind] += 1
            continue
        if each.get("image_rotation") not in (None, 0):
            raise InputError(f"{which}: drawn on a turned image", name, "turn the image back in Label Studio")
        area = _area(kind, each["value"], (height, width), name, which)
        if area is None:
            left_out.kinds["outlines with fewer than three corners"] += 1
        else:
            annotations.append(Annotation(_label(each["value"]) or "object", (area,)))
    return draw(annotations, (height, width), file.labels, name, request.limits, [*notes, *left_out.notes(name)])


@dataclass(frozen=True, eq=False)
class _Task:
    annotations: tuple[dict[str, Any], ...]


@dataclass(frozen=True, eq=False)
class _File:
    names: ImageNames
    tasks: dict[str, list[_Task]]  # by the reference to the image
    labels: tuple[str, ...]
    has_areas: bool
    has_boxes: bool


@lru_cache(maxsize=4)
def _file(data: bytes) -> _File:
    tasks: dict[str, list[_Task]] = {}
    labels: dict[str, None] = {}
    kinds: set[str] = set()
    for reference, task in _tasks(json_document(data)):
        tasks.setdefault(reference, []).append(task)
        for annotation in task.annotations:
            for result in _merged(annotation):
                kinds.add(_kind(result["value"]))
                if _kind(result["value"]) in _AREAS:
                    labels[_label(result["value"]) or "object"] = None
    return _File(ImageNames(tasks), tasks, tuple(labels), bool(kinds & _AREAS), "boxes" in kinds)


def _tasks(document: Any) -> Iterator[tuple[str, _Task]]:
    """The tasks of an export with their images: of JSON, of JSON-MIN, or one annotation as cloud storage keeps it."""
    for task in document if isinstance(document, list) else [document]:
        if not isinstance(task, dict):
            continue
        if isinstance(task.get("result"), list) and isinstance(task.get("task"), dict):
            task = {"data": task["task"].get("data"), "annotations": [task]}
        if isinstance(task.get("data"), dict):
            yield _image_of(task["data"]), _Task(tuple(member_list(task, "annotations")))
        elif not isinstance(task.get("annotations"), list):
            yield _image_of(task), _Task(({"result": list(_minimal_results(task))},))


def _minimal_results(task: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in task:
        for value in member_list(task, key):
            yield {**value, "value": value}


def _image_of(data: dict[str, Any]) -> str:
    texts = {key: value for key, value in data.items() if isinstance(value, str) and not value.startswith("data:")}
    named = (value for value in texts.values() if PurePosixPath(image_name(value)).suffix.lower() in _IMAGE_TYPES)
    return texts.get("image") or next(named, "")


def _chosen(task: _Task, name: str, image: str) -> tuple[dict[str, Any], int]:
    """The annotation that counts, and how many others were made."""
    made = [each for each in task.annotations if not each.get("was_cancelled")]
    if not made:
        skipped = "was skipped" if task.annotations else "has no annotation yet"
        raise InputError(
            f"{image} {skipped} in Label Studio",
            name,
            "annotate it, submit it empty if nothing is on it, or leave it out",
        )
    newest = max(made, key=lambda each: text_of(each.get("updated_at")) or text_of(each.get("created_at")))
    return next((each for each in made if each.get("ground_truth") is True), newest), len(made) - 1


def _merged(annotation: dict[str, Any]) -> list[dict[str, Any]]:
    """The regions: the shape and the label of a region may be two results with one id."""
    merged: dict[object, dict[str, Any]] = {}
    for number, result in enumerate(member_list(annotation, "result")):
        if isinstance(result.get("value"), dict):
            key = text_of(result.get("id")) or number
            earlier = merged.get(key, {"value": {}})
            merged[key] = {**earlier, **result, "value": {**earlier["value"], **result["value"]}}
    return list(merged.values())


def _kind(value: dict[str, Any]) -> str:
    """What a region is; empty if it is none, as a choice or a text."""
    keys = value.keys()
    for kind, members in (
        ("brush", {"rle"}),
        ("polygon", {"points"}),
        ("ellipse", {"radiusX", "radiusY"}),
        ("boxes", {"x", "y", "width", "height"}),
        ("keypoints", {"x", "y"}),
        ("lines", {"vertices"}),
    ):
        if members <= keys:
            return kind
    return ""


def _label(value: dict[str, Any]) -> str:
    for key, labels in value.items():
        if key.endswith("labels") and isinstance(labels, list) and labels:
            return text_of(labels[0])
    return ""


def _area(kind: str, value: dict[str, Any], size: tuple[int, int], name: str, which: str) -> Area | None:
    height, width = size
    if kind == "brush":
        return partial(_decode, value["rle"], size, name, which)
    if kind == "ellipse":
        try:
            x, y, radius_x, radius_y, turned = (
                float(value.get(key, 0.0)) for key in ("x", "y", "radiusX", "radiusY", "rotation")
            )
        except (TypeError, ValueError, OverflowError) as error:
            raise InputError(f"{which}: its ellipse is broken", name, "export it again") from error
        shape = ellipse(x * width / 100, y * height / 100, radius_x * width / 100, radius_y * height / 100, turned)
        return ring_of(shape, name, which)
    percent = ring_of(value["points"], name, which)
    return None if percent is None else percent * (width / 100, height / 100)


def _decode(stream: Any, size: tuple[int, int], name: str, which: str) -> Bitmap:
    height, width = size
    return bitmap_of(brush_runs(stream, height * width, name, which), height, width, columns=False)


def _recognise(data: bytes, name: str) -> bool:
    document = json_document(data)
    tasks = document if isinstance(document, list) else [document]
    return any(_is_task(task) for task in tasks)


def _is_task(task: Any) -> bool:
    if not isinstance(task, dict):
        return False
    if isinstance(task.get("data"), dict) and isinstance(task.get("annotations"), list):
        return all("result" in each for each in member_list(task, "annotations"))
    if isinstance(task.get("result"), list) and isinstance(task.get("task"), dict):
        return True
    return any("original_width" in value for key in task for value in member_list(task, key))


def _images(data: bytes, name: str) -> Collection[str]:
    return tuple(dict.fromkeys(image_name(reference) for reference in _file(data).names.names))


LABEL_STUDIO = LabelFormat(
    name="Label Studio JSON",
    recognised_by="a list of JSON tasks with data and annotations, or with regions that have an original_width",
    reads="polygons, ellipses and brush strokes of JSON and JSON-MIN; each region is an object",
    limits="boxes, keypoints, lines, skipped annotations and predictions are left out; a file of boxes only is refused",
    recognise=_recognise,
    read=read_label_studio,
    images=_images,
    shared=True,
)
