"""One scene of 16×12 pixels, written in every annotation format: two ships (one a triangle) and a quay."""

from __future__ import annotations

import base64
import json

import numpy as np
from pycocotools import mask as pycocotools_mask

from explorer.imagery.choices import ReadingChoices
from explorer.imagery.reading.label_format import LabelRequest
from explorer.imagery.scene import Raster
from explorer.settings import Settings
from tests.imagery.encoders import png

HEIGHT, WIDTH = 12, 16
OBJECTS = (
    ("ship", [(3, 2), (9, 2), (9, 6), (3, 6)]),
    ("ship", [(0, 7), (8, 7), (0, 11)]),
    ("quay", [(10, 1), (14, 1), (14, 11), (10, 11)]),
)
IDS = np.zeros((HEIGHT, WIDTH), dtype=np.int32)  # of the objects, by hand
IDS[2:6, 3:9] = 1
IDS[7, :7] = IDS[8, :5] = IDS[9, :3] = IDS[10, :1] = 2  # centres above the line from (8, 7) to (0, 11)
IDS[1:11, 10:14] = 3
NAMES = np.array(["background", "ship", "ship", "quay"])[IDS]

BRUSH_STROKES = (  # by brush.mask2rle of label-studio-converter 0.0.59
    [0, 0, 3, 0, 57, 27, 254, 139, 0, 194, 255, 248, 156, 3, 11, 255, 226, 112, 12, 47, 255, 137, 192, 48, 191, 255,
     1, 155, 0, 0],
    [0, 0, 3, 0, 57, 27, 255, 1, 191, 0, 195, 127, 248, 140, 3, 9, 255, 226, 176, 11, 127, 248, 204, 2, 63, 252, 246,
     0],
    [0, 0, 3, 0, 57, 27, 254, 103, 0, 191, 255, 139, 192, 47, 255, 226, 240, 11, 255, 248, 188, 2, 255, 254, 47, 0,
     191, 255, 139, 192, 47, 255, 226, 240, 11, 255, 248, 188, 2, 255, 254, 47, 0, 191, 255, 139, 192, 47, 255, 228,
     112, 0],
)  # fmt: skip


def request(image="port.png", companions=None, height=HEIGHT, width=WIDTH, limits=None) -> LabelRequest:
    """A request for the label of an image without content."""
    raster = Raster(image, np.zeros((1, height, width), np.uint8), np.ones((height, width), np.bool_), ("grey",))
    return LabelRequest(image, raster, ReadingChoices(), companions or {}, limits or Settings())


def pixels_of(number) -> np.ndarray:
    """(H, W) of an object, counted from 1."""
    return np.equal(IDS, number)


def alternating(flat) -> list[int]:
    """Run lengths, the first of zeros."""
    counts, value = [0], False
    for each in np.asarray(flat).tolist():
        if each != value:
            counts.append(0)
            value = each
        counts[-1] += 1
    return counts


def as_json(document) -> bytes:
    return json.dumps(document).encode()


def coco(segmentations, **image) -> bytes:
    annotations = [
        {"id": 70 + i, "image_id": 7, "category_id": {"ship": 3, "quay": 2}[name], "segmentation": segmentation}
        for i, ((name, _), segmentation) in enumerate(zip(OBJECTS, segmentations, strict=True))
    ]
    image = {"id": 7, "file_name": "port.png", "height": HEIGHT, "width": WIDTH} | image
    categories = [{"id": 3, "name": "ship"}, {"id": 2, "name": "quay"}]
    return as_json({"images": [image], "annotations": annotations, "categories": categories})


def coco_polygons() -> bytes:
    return coco([[[part for corner in corners for part in corner]] for _, corners in OBJECTS])


def coco_runs() -> bytes:
    counts = [alternating(pixels_of(i).ravel(order="F")) for i in (1, 2, 3)]
    return coco([{"size": [HEIGHT, WIDTH], "counts": each} for each in counts])


def coco_compressed() -> bytes:
    encoded = [pycocotools_mask.encode(np.asfortranarray(pixels_of(i), dtype=np.uint8)) for i in (1, 2, 3)]
    return coco([{"size": [HEIGHT, WIDTH], "counts": each["counts"].decode()} for each in encoded])


def labelme_shapes(*shapes, **members) -> bytes:
    document = {"version": "5.4.1", "flags": {}, "imagePath": "port.png", "imageData": None}
    return as_json(document | {"imageHeight": HEIGHT, "imageWidth": WIDTH, "shapes": list(shapes)} | members)


def shape(label, points, kind="polygon", **members):
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}} | members


def labelme_polygons() -> bytes:
    return labelme_shapes(*(shape(name, corners) for name, corners in OBJECTS))


def labelme_masks() -> bytes:
    shapes = []
    for i, (name, _) in enumerate(OBJECTS, start=1):
        rows, columns = np.nonzero(pixels_of(i))
        top, left, bottom, right = (int(each) for each in (rows.min(), columns.min(), rows.max(), columns.max()))
        part = pixels_of(i)[top : bottom + 1, left : right + 1]
        encoded = base64.b64encode(png(part.astype(np.uint8))).decode()
        shapes.append(shape(name, [[left, top], [right, bottom]], "mask", mask=encoded))
    return labelme_shapes(*shapes)


def yolo_polygons() -> bytes:
    numbers = {"ship": 0, "quay": 1}
    lines = [
        " ".join([str(numbers[name]), *(f"{x / WIDTH:.6f} {y / HEIGHT:.6f}" for x, y in corners)])
        for name, corners in OBJECTS
    ]
    return "\n".join(lines).encode()


def cvat(*shapes, meta="", width=WIDTH, height=HEIGHT) -> bytes:
    image = f'<image id="0" name="port.png" width="{width}" height="{height}">{"".join(shapes)}</image>'
    text = f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{meta}{image}</annotations>'
    return text.encode()


def cvat_polygons() -> bytes:
    meta = "<meta><task><labels><label><name>ship</name></label><label><name>quay</name></label></labels></task></meta>"
    points = [(name, ";".join(f"{x:.2f},{y:.2f}" for x, y in corners)) for name, corners in OBJECTS]
    shapes = (f'<polygon label="{name}" points="{text}" z_order="0"></polygon>' for name, text in points)
    return cvat(*shapes, meta=meta)


def cvat_masks() -> bytes:
    shapes = []
    for i, (name, _) in enumerate(OBJECTS, start=1):
        rows, columns = np.nonzero(pixels_of(i))
        top, left, bottom, right = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        runs = ", ".join(map(str, alternating(pixels_of(i)[top:bottom, left:right].ravel())))
        box = f'left="{left}" top="{top}" width="{right - left}" height="{bottom - top}"'
        shapes.append(f'<mask label="{name}" rle="{runs}" {box} z_order="0"></mask>')
    return cvat(*shapes)


def region(kind, value, **members):
    return {
        "type": kind,
        "original_width": WIDTH,
        "original_height": HEIGHT,
        "image_rotation": 0,
        "value": value,
    } | members


def task(*results, image="/data/upload/1/0a1b2c3d-port.png", **annotation):
    return {"id": 1, "data": {"image": image}, "annotations": [{"result": list(results)} | annotation]}


def percent(corners):
    return [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in corners]


def label_studio_polygons() -> bytes:
    results = (region("polygonlabels", {"points": percent(c), "polygonlabels": [name]}) for name, c in OBJECTS)
    return as_json([task(*results)])


def label_studio_brush() -> bytes:
    strokes = zip(OBJECTS, BRUSH_STROKES, strict=True)
    values = ({"format": "rle", "rle": rle, "brushlabels": [name]} for (name, _), rle in strokes)
    return as_json([task(*(region("brushlabels", value) for value in values))])


def label_studio_minimal() -> bytes:
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    regions = [{"points": percent(corners), "polygonlabels": [name]} | size for name, corners in OBJECTS]
    return as_json([{"image": "/data/upload/1/0a1b2c3d-port.png", "id": 1, "label": regions, "annotator": 1}])


def cityscapes() -> bytes:
    objects = [{"label": name, "polygon": corners} for name, corners in OBJECTS]
    return as_json({"imgHeight": HEIGHT, "imgWidth": WIDTH, "objects": objects})
