"""Files that are broken or made to do harm are refused with a reason, in bounded time."""

import base64
import contextlib

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.reading.annotations import drawing
from explorer.imagery.reading.labels import LABEL_FORMATS, UNSUPPORTED, format_of
from explorer.settings import Settings
from tests.imagery.encoders import png
from tests.imagery.reading.annotations.one_scene import (
    BRUSH_STROKES,
    as_json,
    coco,
    cvat,
    labelme_shapes,
    region,
    request,
    shape,
    task,
)

SQUARE = [1, 1, 4, 1, 4, 4, 1, 4]
DOCTYPE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
BOMB = base64.b64encode(png(np.zeros((4000, 4000), np.uint8))).decode()
TIFF = base64.b64encode(b"II*\0" + bytes(60)).decode()


def runs(counts, size=(12, 16)):
    return coco([{"size": list(size), "counts": counts}, [SQUARE], [SQUARE]])


def stroke(rle, **members):
    return as_json([task(region("brushlabels", {"format": "rle", "rle": rle, "brushlabels": ["ship"]}, **members))])


BROKEN = {
    "a huge image": coco([[SQUARE]] * 3, width=10**9, height=10**9),
    "NaN": coco([[[1, 1, float("nan"), 4, 4, 4]], [SQUARE], [SQUARE]]),
    "infinity": coco([[[1, 1, float("inf"), 4, 4, 4]], [SQUARE], [SQUARE]]),
    "a coordinate beyond floats": coco([[[1, 1, 10**400, 4, 4, 4]], [SQUARE], [SQUARE]]),
    "a coordinate far outside": coco([[[1, 1, 1e30, 4, 4, 4]], [SQUARE], [SQUARE]]),
    "text as coordinates": coco([[["a", "b", "c", "d", "e", "f"]], [SQUARE], [SQUARE]]),
    "an odd number of coordinates": coco([[[1, 1, 4, 1, 4, 4, 1]], [SQUARE], [SQUARE]]),
    "objects as coordinates": coco([[{"x": 1}], [SQUARE], [SQUARE]]),
    "a number as segmentation": coco([7, [SQUARE], [SQUARE]]),
    "text as segmentation": coco(["polygon", [SQUARE], [SQUARE]]),
    "counts beyond the image": runs([0, 10**12]),
    "counts that overflow": runs([0, 2**63, 2**63]),
    "negative counts": runs([5, -5, 192]),
    "broken compressed counts": runs("ooooooooo"),
    "no counts": runs(None),
    "another size": runs([192], (16, 12)),
    "no size": runs([192], ()),
    "a labelme mask that is a bomb": labelme_shapes(shape("a", [[0, 0], [1, 1]], "mask", mask=BOMB)),
    "a labelme mask that is no PNG": labelme_shapes(shape("a", [[0, 0], [1, 1]], "mask", mask=TIFF)),
    "a labelme mask that is no base64": labelme_shapes(shape("a", [[0, 0], [1, 1]], "mask", mask="?")),
    "a labelme mask that is missing": labelme_shapes(shape("a", [[0, 0], [1, 1]], "mask")),
    "a circle of one point": labelme_shapes(shape("a", [[0, 0]], "circle")),
    "a circle beyond floats": labelme_shapes(shape("a", [[0, 0], [1e300, 1e300]], "circle")),
    "points that are text": labelme_shapes(shape("a", "text")),
    "CVAT with entities": DOCTYPE + cvat().split(b"?>", 1)[1],
    "CVAT cut off": cvat()[:-5],
    "CVAT points": cvat('<polygon label="a" points="1,1;x,2;3,3"/>'),
    "a CVAT mask that is huge": cvat('<mask label="a" rle="0,1" left="0" top="0" width="99999999" height="999999"/>'),
    "a CVAT mask without a size": cvat('<mask label="a" rle="0,1"/>'),
    "a CVAT mask with long runs": cvat('<mask label="a" rle="0,9" left="0" top="0" width="2" height="2"/>'),
    "a CVAT mask with words": cvat('<mask label="a" rle="x" left="0" top="0" width="2" height="2"/>'),
    "a CVAT image that is huge": cvat('<polygon label="a" points="1,1;2,2;3,3"/>', width=10**9, height=10**9),
    "a stroke that is cut": stroke(BRUSH_STROKES[0][:-6]),
    "a stroke of another size": stroke(BRUSH_STROKES[0], original_width=17),
    "a stroke for a huge image": stroke(BRUSH_STROKES[0], original_width=10**6, original_height=10**6),
    "a stroke that is no list": stroke("abc"),
    "an ellipse of words": as_json([task(region("x", {"radiusX": "a", "radiusY": 1, "xlabels": ["a"]}))]),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_a_broken_annotation_file_is_refused_with_the_reason(data):
    name = "a.xml" if data.lstrip().startswith(b"<") else "a.json"
    with pytest.raises(InputError) as caught:
        format_of(data, name).read(data, name, request(limits=Settings(max_pixels=1_000_000)))
    assert caught.value.where
    assert caught.value.remedy


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" + b"9" * 10_000 + b"]",
        b"{}",
        b"[]",
        b"null",
        b"[null, 1, []]",
        b'{"images": 1, "annotations": {}}',
        b'{"images": [1, null], "annotations": [[], 2]}',
        b'{"images": [{}], "annotations": [{}], "categories": [{}]}',
        b'{"shapes": [], "imagePath": 3}',
        b'{"shapes": [1, {}], "imagePath": null}',
        b'[{"data": {"image": null}, "annotations": [{"result": null}]}]',
        b'[{"data": {}, "annotations": [1]}]',
        b'[{"label": [{"original_width": "x"}]}]',
        b'{"imgHeight": null, "imgWidth": [], "objects": {}}',
        b"<annotations><image/></annotations>",
        b'<annotations><image name="port.png" width="a" height="-3"><polygon/></image></annotations>',
        b"<annotations><image",
        b"<!-- <annotations> -->",
        b"\xff\xfe<\0a\0",
        b"\xef\xbb\xbf",
        b"0 " * 50_000,
        b"7" * 50_000,
    ],
)
def test_odd_content_raises_nothing_but_input_errors(data):
    for name in ("port.json", "port.txt", "port.xml", "x_gtFine_polygons.json"):
        for each in UNSUPPORTED:
            assert each.recognise(data, name) in (True, False)
        for each in LABEL_FORMATS:
            if each.recognise(data, name) and each.name != "GeoJSON":
                assert each.images is None or all(isinstance(image, str) for image in each.images(data, name))
                with contextlib.suppress(InputError):
                    each.read(data, name, request())


def read_coco(segmentations, **requested):
    image = {"id": 1, "file_name": "port.png", "height": 12, "width": 16}
    annotations = [{"id": i, "image_id": 1, "segmentation": each} for i, each in enumerate(segmentations)]
    data = as_json({"images": [image], "annotations": annotations})
    return format_of(data, "a.json").read(data, "a.json", request(**requested))


def test_too_many_annotations_of_an_image_are_refused(monkeypatch):
    monkeypatch.setattr(drawing, "MAX_ANNOTATIONS", 3)
    assert read_coco([[SQUARE]] * 3).index.sum() == 9
    with pytest.raises(InputError, match="4 annotations of one image, at most 3"):
        read_coco([[SQUARE]] * 4)


@pytest.mark.parametrize("segmentation", [[SQUARE], {"size": [12, 16], "counts": [0, 192]}])
def test_annotations_that_cover_each_other_too_often_are_refused(segmentation):
    limits = Settings(max_pixels=192)
    with pytest.raises(InputError, match="overlap far too often"):
        read_coco([segmentation] * 600, limits=limits)


def test_outlines_with_too_many_corners_are_refused(monkeypatch):
    monkeypatch.setattr(drawing, "MAX_CORNERS", 11)
    with pytest.raises(InputError, match="too many corners"):
        read_coco([[SQUARE]] * 3)


def test_an_outline_with_a_million_corners_is_drawn():
    angles = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    ring = np.stack([8 + 4 * np.cos(angles), 6 + 4 * np.sin(angles)], axis=1)
    assert read_coco([[ring.round(9).ravel().tolist()]]).index.sum() == 52
