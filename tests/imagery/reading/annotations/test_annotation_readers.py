import json
import unicodedata

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.reading.annotations.documents import ImageNames, declared_size, image_name
from explorer.imagery.reading.labels import format_of
from tests.imagery.reading.annotations import one_scene
from tests.imagery.reading.annotations.one_scene import (
    as_json,
    coco,
    cvat,
    labelme_shapes,
    percent,
    region,
    request,
    shape,
    task,
)

SQUARE = [[1, 1], [4, 1], [4, 4], [1, 4]]  # nine pixels
FLAT = [1, 1, 4, 1, 4, 4, 1, 4]
FAR = [8, 8, 10, 8, 10, 10, 8, 10]


def read(data, name="labels.json", **requested):
    return format_of(data, name).read(data, name, request(**requested))


def codes(mask):
    return [note.code for note in mask.notes]


def coco_file(*annotations, images=({"id": 1, "file_name": "port.png", "height": 12, "width": 16},), categories=None):
    categories = [{"id": 1, "name": "ship"}] if categories is None else categories
    made = [{"id": i, "image_id": 1, "category_id": 1} | each for i, each in enumerate(annotations, start=1)]
    return as_json({"images": list(images), "annotations": made, "categories": categories})


# ---- COCO


def test_the_parts_of_an_annotation_are_one_object():
    mask = read(coco_file({"segmentation": [FLAT, FAR]}, {"segmentation": [[5, 1, 6, 1, 6, 2, 5, 2]]}))
    assert np.bincount(mask.objects.ravel())[1:].tolist() == [13, 1]


def test_overlapping_parts_of_an_annotation_are_joined():
    assert read(coco_file({"segmentation": [FLAT, FLAT]})).index.sum() == 9


def test_crowds_are_ignored_and_lie_below_objects():
    mask = read(coco_file({"segmentation": [FLAT]}, {"segmentation": [[1, 1, 6, 1, 6, 4, 1, 4]], "iscrowd": 1}))
    assert mask.index.sum() == 9
    assert mask.ignored.sum() == 6
    assert codes(mask) == ["annotation_left_out"]


def test_annotations_with_only_a_box_are_left_out_with_a_note():
    mask = read(coco_file({"segmentation": [FLAT]}, {"bbox": [5, 5, 3, 3]}, {"bbox": [5, 5, 3, 3], "segmentation": []}))
    assert mask.index.sum() == 9
    assert mask.notes[0].text == "labels.json: left out what has no area: 2 boxes."


def test_a_category_that_is_not_listed_is_named_by_its_number():
    assert read(coco_file({"segmentation": [FLAT], "category_id": 9}, categories=[])).keys == ("background", "9")


def test_a_listed_image_without_annotations_is_background():
    mask = read(coco_file({"segmentation": [FLAT], "image_id": 2}))
    assert mask.keys == ("background", "ship")
    assert not mask.index.any()


def test_the_size_that_the_file_declares_is_the_grid():
    data = one_scene.coco_polygons()
    assert read(data, height=24, width=32).index.shape == (12, 16)
    data = coco([[FLAT], [FAR], [FAR]], height=None, width=None)
    assert read(data, height=24, width=32).index.shape == (24, 32)


# ---- the names of images


@pytest.mark.parametrize(
    "listed",
    [
        "port 1.png",
        "PORT 1.PNG",
        "train/port 1.png",
        "..\\train\\port 1.png",
        "port%201.png",
        "port 1.tif",
        "/data/upload/3/0a1b2c3d-port%201.png",
        "0a1b2c3d-port 1.png",
        "/data/local-files/?d=set/port%201.png",
        "s3://bucket/set/port 1.png",
        "https://example.org/set/port%201.png?signature=a/b.png#c",
    ],
)
def test_an_image_is_found_by_its_base_name(listed):
    assert ImageNames([listed, "other.png"]).find("images/port 1.png", "a.json") == listed


def test_accented_letters_may_be_composed_or_not():
    listed = unicodedata.normalize("NFD", "Münster.png")
    assert ImageNames([listed]).find(unicodedata.normalize("NFC", "Münster.png"), "a.json") == listed


def test_folders_decide_between_images_of_one_name():
    names = ImageNames(["2020/a.png", "2021/a.png"])
    assert names.find("images/2021/a.png", "a.json") == "2021/a.png"
    with pytest.raises(InputError, match=r"could be any of 2020/a\.png, 2021/a\.png"):
        names.find("a.png", "a.json")


def test_the_whole_name_counts_more_than_the_stem():
    assert ImageNames(["a.jpg", "a.png"]).find("a.png", "a.json") == "a.png"


@pytest.mark.parametrize(
    ("reference", "name"),
    [("/data/upload/1/0a1b2c3d-port.png", "port.png"), ("s3://b/c/port.png", "c/port.png"), ("a\\b.png", "a/b.png")],
)
def test_the_name_of_an_image_has_no_address(reference, name):
    assert image_name(reference) == name


@pytest.mark.parametrize(
    "data", [one_scene.coco_polygons(), one_scene.cvat_polygons(), one_scene.label_studio_polygons()]
)
def test_an_image_that_is_not_listed_is_refused_with_those_that_are(data):
    with pytest.raises(InputError, match=r"x\.png is not listed in labels\.json; it lists port\.png"):
        read(data, image="images/x.png")


# ---- labelme


def test_rectangles_and_circles_are_drawn_and_lines_left_out():
    data = labelme_shapes(
        shape("quay", [[4, 4], [1, 1]], "rectangle"),
        shape("tank", [[10, 6], [12, 6]], "circle"),  # radius 2: 12 pixel centres
        shape("ship", [[0, 0], [9, 9]], "line"),
        shape("ship", [[0, 0]], "point"),
    )
    mask = read(data)
    assert mask.counts().tolist() == [16 * 12 - 21, 9, 12]
    assert mask.notes[0].text == "labels.json: left out what has no area: 1 lines, 1 points."


@pytest.mark.parametrize("name", ["background", "Background", "_background_"])
def test_a_class_that_is_called_background_is_the_background(name):
    mask = read(labelme_shapes(shape("ship", SQUARE), shape(name, [[2, 2], [3, 2], [3, 3], [2, 3]])))
    assert mask.keys == ("background", "ship")
    assert mask.counts().tolist() == [16 * 12 - 8, 8]


def test_shapes_of_one_label_and_group_are_one_object():
    squares = [[[x, 1], [x + 1, 1], [x + 1, 2], [x, 2]] for x in range(5)]
    groups = [("ship", 1), ("ship", 1), ("quay", 1), ("ship", None), ("ship", None)]
    shapes = (shape(label, points, group_id=group) for (label, group), points in zip(groups, squares, strict=True))
    assert read(labelme_shapes(*shapes)).objects[1, :5].tolist() == [1, 1, 2, 3, 4]


def test_a_later_shape_covers_an_earlier_one():
    inner = [[2, 2], [3, 2], [3, 3], [2, 3]]
    assert read(labelme_shapes(shape("ship", SQUARE), shape("deck", inner))).counts()[1:].tolist() == [8, 1]
    assert read(labelme_shapes(shape("deck", inner), shape("background", SQUARE))).counts().tolist() == [192, 0]


def test_an_outline_between_pixel_centres_becomes_one_pixel():
    mask = read(labelme_shapes(shape("ship", [[5.6, 3.6], [5.9, 3.6], [5.9, 3.9]])))
    assert np.argwhere(mask.index).tolist() == [[3, 5]]
    assert codes(mask) == ["small_polygon"]


def test_an_outline_that_a_later_one_covers_is_not_drawn_again():
    mask = read(labelme_shapes(shape("deck", [[2, 2], [3, 2], [3, 3], [2, 3]]), shape("ship", SQUARE)))
    assert mask.counts()[1:].tolist() == [0, 9]
    assert mask.notes == ()


def test_annotations_outside_the_image_are_noted_and_refused_if_all_are():
    outside = shape("ship", [[100, 100], [110, 100], [110, 110]])
    assert codes(read(labelme_shapes(shape("ship", SQUARE), outside))) == ["feature_left_out"]
    with pytest.raises(InputError, match="none of its 1 annotations lies on the image"):
        read(labelme_shapes(outside))


# ---- YOLO

BOX = b"0 0.5 0.5 0.1 0.1\n"
TRIANGLE = b"1 0 0 0.5 0 0 0.5\n"


@pytest.mark.parametrize(
    ("companions", "name"),
    [
        ({"data.yaml": b"path: C:\\x\nnames: ['ship', \"no\"]\n"}, "no"),
        ({"data.yaml": b"names:\n  0: ship\n  1: quay\n"}, "quay"),
        ({"coco8.yaml": b"names:\n- ship\n- quay\n"}, "quay"),
        ({"classes.txt": b"ship\r\nquay\r\n"}, "quay"),
        ({"obj.names": b"ship\nquay"}, "quay"),
        ({"labels/classes.txt": b"a\nb", "other/data.yaml": b"names: [c, d]"}, "b"),
        ({"data.yaml": b"names: [*a, &a"}, "class 1"),
        ({"data.yaml": b"names: {0: ship}"}, "class 1"),
        ({}, "class 1"),
    ],
)
def test_class_names_are_found_beside_yolo_labels(companions, name):
    mask = read(TRIANGLE, "labels/port.txt", companions=companions)
    assert {mask.keys[position] for position in np.unique(mask.index)} == {"background", name}


def test_an_empty_yolo_file_is_a_background_image():
    for data in (b"", b"\n"):
        mask = read(data, "port.txt", companions={"data.yaml": b"names: [ship]"})
        assert mask.keys == ("background", "ship")
        assert not mask.index.any()


def test_yolo_boxes_are_left_out_and_refused_if_all_are():
    assert codes(read(BOX + TRIANGLE, "port.txt")) == ["annotation_left_out"]
    with pytest.raises(InputError, match=r"YOLO boxes.*export YOLO segmentation"):
        read(BOX, "port.txt")


def test_yolo_coordinates_may_lie_slightly_outside():
    assert read(b"0 -0.0001 0 1.0001 0 1.0001 1.0001 -0.0001 1", "port.txt").index.all()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"0 3 3 8 3 8 8", "line 1: 3 is not a share of the image"),
        (b"0 0 0 0.5 0 0 0.5 0.2", "come in pairs"),
        (TRIANGLE * 25 + b"ship 1 2", "line 26 is not a class number and coordinates"),
        (TRIANGLE * 25 + b"0 nan 0 0 0 0 0", "line 26"),
    ],
)
def test_a_broken_yolo_line_is_refused(data, message):
    with pytest.raises(InputError, match=message):
        read(data, "port.txt")


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"", "classes.txt"),
        (b"", "mask.png"),
        (b"ship\nquay\n", "classes.txt"),
        (b"images/a.png\nimages/b.png\n", "train.txt"),
        (b"Read me first.\n", "README.txt"),
        (b"background:0,0,0::\nship:128,0,0::\n", "labelmap.txt"),
        (b"0.5\n0.0\n0.0\n-0.5\n500000\n3700000\n", "a.tfw"),
        (b"1\n0\n0\n", "a.txt"),
        (b"id,x,y\n1,2,3\n", "a.csv"),
        (b"\x89PNG\r\n", "a.txt"),
    ],
)
def test_other_text_is_not_taken_for_yolo(data, name):
    found = format_of(data, name)
    assert found is None or found.name != "YOLO segmentation"


# ---- CVAT

POLYGON = '<polygon label="ship" points="1,1;4,1;4,4;1,4" z_order="{}"/>'


def test_cvat_shapes_are_drawn_by_z_order():
    deck = '<polygon label="deck" points="2,2;3,2;3,3;2,3" z_order="1"/>'
    assert read(cvat(deck, POLYGON.format(0)), "a.xml").counts()[1:].tolist() == [9 - 1, 1]
    assert read(cvat(deck, POLYGON.format(2)), "a.xml").counts()[1:].tolist() == [0, 9]


def test_cvat_ellipses_are_drawn_and_other_shapes_left_out():
    ellipse = '<ellipse label="tank" cx="10" cy="6" rx="4" ry="2" rotation="90"/>'
    mask = read(cvat(ellipse, '<box label="ship" xtl="1" ytl="1" xbr="2" ybr="2"/>'), "a.xml")
    rows, columns = np.nonzero(mask.index)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 9, 8, 11)
    assert codes(mask) == ["annotation_left_out"]


def test_cvat_groups_are_one_object():
    second = '<polygon label="ship" points="8,8;9,8;9,9;8,9" group_id="4"/>'
    first = '<polygon label="ship" points="1,1;4,1;4,4;1,4" group_id="4"/>'
    assert np.bincount(read(cvat(first, second), "a.xml").objects.ravel())[1:].tolist() == [10]


def test_the_labels_of_a_cvat_task_keep_their_order():
    labels = "".join(f"<label><name>{name}</name></label>" for name in ("tank", "ship"))
    mask = read(cvat(POLYGON.format(0), meta=f"<meta><task><labels>{labels}</labels></task></meta>"), "a.xml")
    assert mask.keys == ("background", "tank", "ship")


def test_a_cvat_mask_that_reaches_over_the_edge_is_cut():
    mask = '<mask label="ship" rle="0, 6" left="-1" top="11" width="3" height="2"/>'
    assert np.argwhere(read(cvat(mask), "a.xml").index).tolist() == [[11, 0], [11, 1]]


# ---- Label Studio


def ship(corners=SQUARE, **members):
    return region("polygonlabels", {"points": percent(corners), "polygonlabels": ["ship"]}, **members)


def test_the_shape_and_the_label_of_a_region_may_be_two_results():
    first = region("polygon", {"points": percent(SQUARE)}, id="r1")
    second = region("labels", {"points": percent(SQUARE), "labels": ["quay"]}, id="r1")
    mask = read(as_json([task(first, second)]))
    assert mask.keys == ("background", "quay")
    assert mask.objects.max() == 1


def test_ground_truth_or_else_the_newest_annotation_is_used():
    def of(x, **members):
        return {"result": [ship([[x, 0], [x + 1, 0], [x + 1, 1], [x, 1]])]} | members

    made = [of(1, updated_at="2024-02"), of(2, updated_at="2024-01"), of(3, updated_at="2025", was_cancelled=True)]
    document = task() | {"annotations": made}
    mask = read(as_json([document]))
    assert np.argwhere(mask.index).tolist() == [[0, 1]]
    assert codes(mask) == ["annotation_left_out"]
    made[1]["ground_truth"] = True
    assert np.argwhere(read(as_json([document])).index).tolist() == [[0, 2]]


@pytest.mark.parametrize(
    ("annotations", "message"),
    [([], "has no annotation yet"), ([{"result": [], "was_cancelled": True}], "was skipped")],
)
def test_a_task_that_nobody_annotated_is_not_taken_for_background(annotations, message):
    data = as_json([task() | {"annotations": annotations}])
    with pytest.raises(InputError, match=message):
        read(data)
    assert not read(as_json([task()])).index.any()


def test_a_turned_image_in_label_studio_is_refused():
    with pytest.raises(InputError, match="drawn on a turned image"):
        read(as_json([task(ship(image_rotation=90))]))


def test_ellipses_of_label_studio_are_drawn():
    value = {"x": 50, "y": 50, "radiusX": 12.5, "radiusY": 100 / 6, "rotation": 0, "ellipselabels": ["tank"]}
    assert read(as_json([task(region("ellipselabels", value))])).index.sum() == 12  # radius 2


# ---- refused


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (coco_file({"bbox": [1, 2, 3, 4]}), "boxes, keypoints or captions only.*export instance segmentation"),
        (cvat('<box label="a" xtl="1" ytl="1" xbr="2" ybr="2"/>'), "boxes only, no outlines"),
        (
            as_json([task(region("rectanglelabels", {"x": 1, "y": 1, "width": 5, "height": 5}))]),
            "boxes only, no outlines",
        ),
    ],
)
def test_files_of_boxes_only_are_refused(data, message):
    with pytest.raises(InputError, match=message):
        read(data)


# ---- Cityscapes


def test_what_cityscapes_does_not_evaluate_is_ignored_and_groups_have_their_class():
    objects = [{"label": "cargroup", "polygon": SQUARE}, {"label": "ego vehicle", "polygon": [[3, 3], [9, 3], [9, 9]]}]
    mask = read(as_json({"imgHeight": 12, "imgWidth": 16, "objects": objects}), "port_gtFine_polygons.json")
    assert mask.keys == ("background", "car")
    assert mask.index[1, 1] == 1
    assert mask.ignored[4, 8]
    assert not mask.index[mask.ignored].any()


@pytest.mark.parametrize(
    "marked",
    [
        [{"iscrowd": 1}, {"iscrowd": 1}],  # more than half of the file
        [{"iscrowd": 1, "attributes": {"occluded": False}}, {"iscrowd": 0, "attributes": {}}, {"iscrowd": 0}],
    ],
)
def test_masks_that_an_exporter_marks_as_crowds_are_objects(marked):
    mask = read(coco_file(*({"segmentation": [FLAT]} | members for members in marked)))
    assert mask.index.sum() == 9
    assert not mask.ignored.any()
    assert codes(mask) == ["crowds_as_objects"]


ODD = "a\x00\u202e\ud800b"
SHOWN = "a\\x00\\u202e\\ud800b"


@pytest.mark.parametrize(
    "written",
    [one_scene.labelme_polygons, one_scene.coco_polygons, one_scene.cityscapes, one_scene.label_studio_polygons],
)
def test_characters_that_must_not_be_shown_are_escaped_in_class_names(written):
    assert SHOWN in read(written().replace(b'"ship"', json.dumps(ODD).encode())).keys


@pytest.mark.parametrize("listed", ["names: [ship, quay]", "names: {0: ship, 1: quay}"])
def test_odd_characters_and_blank_names_in_a_yaml_file_are_harmless(listed):
    odd = listed.replace("ship", r'"a\0\u202Eb"').replace("quay", '" "')
    mask = read(one_scene.yolo_polygons(), "a.txt", companions={"data.yaml": odd.encode()})
    assert set(mask.keys) == {"background", "a\\x00\\u202eb", "class 1"}


def test_a_class_name_as_long_as_a_book_is_refused():
    with pytest.raises(InputError, match="a class name of 5,000 characters"):
        read(labelme_shapes(shape("x" * 5000, SQUARE)))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(480, "640.0")], (480, 640)),
        ([(None, 640), (0, 640), ("x", 640), (48, 64), (480, 640)], (48, 64)),
        ([(float("nan"), 1), (float("inf"), 1)], (12, 16)),
        ([], (12, 16)),
    ],
)
def test_the_first_size_that_a_file_declares_counts_or_else_that_of_the_image(sizes, expected):
    assert declared_size(sizes, request()) == expected
