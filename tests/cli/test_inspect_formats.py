"""``inspect`` on annotation files and folder layouts as tools write them; one scene in all of them is one label."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from tests.cli.inspecting import (
    HEIGHT,
    WIDTH,
    Case,
    Row,
    both,
    check,
    inspect,
    png_picture,
    pngs,
    squares,
    table,
    write,
)  # fmt: skip
from tests.imagery.encoders import palette_png, png, zipped
from tests.imagery.reading.annotations import one_scene

SHIPS = {"background": 1950, "ship": (50, 2)}
SHIP = ("background", "ship")
BOXES = ((6, 5), (30, 20))
CORNERS = [[(x, y), (x + 5, y), (x + 5, y + 5), (x, y + 5)] for x, y in BOXES]
NOTHING = {"background": 2000, "ship": (0, 0)}


def images(*names, folder="images"):
    return {f"{folder}/{name}": png_picture(number) for number, name in enumerate(names)}


def coco(*files, annotations=CORNERS):
    """Both ships on every image."""
    listed = [{"id": number, "file_name": name, "height": HEIGHT, "width": WIDTH} for number, name in enumerate(files)]
    drawn = [
        {"id": 10 * number + i, "image_id": number, "category_id": 4, "segmentation": [[v for p in c for v in p]],
         "bbox": [0, 0, 1, 1], "area": 25, "iscrowd": 0}
        for number in range(len(files)) for i, c in enumerate(annotations)
    ]  # fmt: skip
    return json.dumps({"images": listed, "annotations": drawn, "categories": [{"id": 4, "name": "ship"}]})


def labelme(path="a.png", corners=CORNERS, **members):
    shapes = [{"label": "ship", "points": c, "group_id": None, "shape_type": "polygon", "flags": {}} for c in corners]
    document = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": path, "imageData": None,
                "imageHeight": HEIGHT, "imageWidth": WIDTH}  # fmt: skip
    return json.dumps(document | members)


def yolo(number=0, corners=CORNERS):
    return "".join(f"{number} {' '.join(f'{x / WIDTH:.6f} {y / HEIGHT:.6f}' for x, y in c)}\n" for c in corners)


def cvat_images(*names):
    points = (";".join(f"{x}.00,{y}.00" for x, y in corners) for corners in CORNERS)
    drawn = "".join(f'<polygon label="ship" source="manual" points="{each}" z_order="0"></polygon>' for each in points)
    listed = "".join(
        f'<image id="{i}" name="{name}" width="{WIDTH}" height="{HEIGHT}">{drawn}</image>'
        for i, name in enumerate(names)
    )
    return f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>{listed}</annotations>'


def label_studio(*images):
    result = [
        {"id": str(i), "type": "polygonlabels", "from_name": "label", "to_name": "image", "original_width": WIDTH,
         "original_height": HEIGHT, "image_rotation": 0,
         "value": {"points": [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in c], "polygonlabels": ["ship"]}}
        for i, c in enumerate(CORNERS)
    ]  # fmt: skip
    return json.dumps(
        [
            {"id": i, "data": {"image": image}, "annotations": [{"id": i, "result": result}]}
            for i, image in enumerate(images)
        ]
    )


LABELMAP = "# label:color_rgb:parts:actions\nbackground:0,0,0::\nship:250,50,83::\nvoid:224,224,192::\n"
COLOURS = np.array([(0, 0, 0), (250, 50, 83)], np.uint8)


def cvat_masks(*names):
    files = {"labelmap.txt": LABELMAP, "ImageSets/Segmentation/default.txt": "\n".join(names)}
    for number, name in enumerate(names):
        files[f"JPEGImages/{name}.png"] = png_picture(number)
        files[f"SegmentationClass/{name}.png"] = png(COLOURS[squares()])
        files[f"SegmentationObject/{name}.png"] = png(
            np.array([(0, 0, 0), (250, 50, 83), (9, 9, 99)], np.uint8)[squares((1, 2))]
        )
    return files


def objects_of(folder, *, name):
    """One mask per object, as in the Data Science Bowl."""
    one, two = squares(255), squares(255)
    one[15:], two[:15] = 0, 0
    return {
        f"{folder}/images/{name}.png": png_picture(),
        f"{folder}/masks/0a{name[-1]}1.png": png(one),
        f"{folder}/masks/0a{name[-1]}2.png": png(two),
    }


def below(folder, files):
    return {f"{folder}/{name}": data for name, data in files.items()}


RUNS = {"a": Row(SHIPS), "b": Row(SHIPS)}
CASES = (
    Case(
        "COCO",
        lambda: images("a.png", "b.png") | {"masks/instances_default.json": coco("a.png", "b.png")},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "COCO with images in folders",
        lambda: images("a.png", "b.png") | {"masks/instances.json": coco("train/images/a.png", "train/images/b.png")},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "COCO with images in folders of one name",
        lambda: images("north/a.png", "south/a.png") | {"masks/instances.json": coco("north/a.png", "south/a.png")},
        {"north/a": Row(SHIPS), "south/a": Row(SHIPS)},
        classes=SHIP,
    ),
    Case(
        "COCO beside the images",
        lambda: images("a.png", "b.png") | {"images/annotations/instances.json": coco("a.png", "b.png")},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "COCO given as a file",
        lambda: images("a.png", "b.png") | {"coco.json": coco("C:\\data\\a.png", "C:\\data\\b.png")},
        RUNS,
        classes=SHIP,
        masks="coco.json",
    ),
    Case(
        "COCO with files of captions and of boxes",
        lambda: (
            images("a.png", "b.png", folder="images/val2017")
            | {
                "images/annotations/instances_val2017.json": coco("a.png", "b.png"),
                "images/annotations/captions_val2017.json": json.dumps(
                    {
                        "images": [{"id": 0, "file_name": "a.png"}],
                        "annotations": [{"image_id": 0, "caption": "A ship."}],
                    }
                ),
                "images/xmls/a.xml": "<annotation><object><name>ship</name></object></annotation>",
            }
        ),
        RUNS
        | {
            "annotations/captions_val2017.json": Row(refused="COCO captions JSON", codes=("format_unsupported",)),
            "xmls/a.xml": Row(refused="Pascal VOC XML", codes=("format_unsupported",)),
        },
        classes=SHIP,
        codes=("not_used", "not_used"),
    ),
    Case(
        "COCO with an image that is not listed",
        lambda: images("a.png", "b.png", "c.png") | {"masks/coco.json": coco("a.png", "b.png")},
        RUNS | {"c": Row(refused="coco.json does not list it; it lists a.png, b.png")},
        classes=SHIP,
        codes=("not_used",),
    ),
    Case(
        "COCO with an image that is missing",
        lambda: images("a.png", "b.png") | {"masks/coco.json": coco("a.png", "b.png", "c.png")},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "labelme beside the images",
        lambda: images("a.png", "b.png") | {f"images/{n}.json": labelme(f"{n}.png") for n in "ab"},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "labelme in a folder of its own",
        lambda: images("a.png", "b.png") | {f"masks/{n}.json": labelme(f"..\\images\\{n}.png") for n in "ab"},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "YOLO with data.yaml",
        lambda: {
            "set.zip": zipped(
                below("d", images("a.png", "b.png"))
                | {"d/data.yaml": "train: images\nnc: 2\nnames: ['tug', 'ship']\n"}
                | {"d/labels/a.txt": yolo(1), "d/labels/b.txt": ""}
            )
        },
        {"a": Row({"background": 1950, "ship": (50, 2)}), "b": Row(NOTHING)},
        classes=SHIP,
        codes=("no_foreground",),
        images="set.zip",
    ),
    Case(
        "YOLO without names",
        lambda: images("a.png", "b.png") | {f"masks/{n}.txt": yolo() for n in "ab"},
        both(Row({"background": 1950, "class 0": (50, 2)})),
        classes=("background", "class 0"),
    ),
    Case(
        "CVAT for images",
        lambda: images("a.png", "b.png") | {"masks/annotations.xml": cvat_images("a.png", "b.png")},
        RUNS,
        classes=SHIP,
    ),
    Case(
        "CVAT for images, zipped with them",
        lambda: {"cvat.zip": zipped({"annotations.xml": cvat_images("a.png", "b.png")} | images("a.png", "b.png"))},
        RUNS,
        classes=SHIP,
        images="cvat.zip",
    ),
    Case(
        "CVAT segmentation mask",
        lambda: {"cvat.zip": zipped(cvat_masks("a", "b"))},
        RUNS,
        classes=SHIP,
        codes=("not_used", "not_used"),
        images="cvat.zip",
    ),
    Case(
        "CVAT segmentation mask in a folder",
        lambda: below("images", cvat_masks("a", "b")),
        RUNS,
        classes=SHIP,
        codes=("not_used", "not_used"),
    ),
    Case(
        "CVAT masks, sent as masks",
        lambda: (
            images("a.png", "b.png")
            | below("masks", {k: v for k, v in cvat_masks("a", "b").items() if "JPEG" not in k})
        ),
        RUNS,
        classes=SHIP,
        codes=("not_used", "not_used"),
    ),
    Case(
        "Label Studio with addresses",
        lambda: (
            images("a.png", "b.png")
            | {
                "masks/export.json": label_studio(
                    "/data/upload/3/1a2b3c4d-a.png", "http://localhost:8080/data/local-files/?d=sets/b.png"
                )
            }
        ),
        RUNS,
        classes=SHIP,
    ),
    Case(
        "Label Studio with addresses in a cloud",
        lambda: (
            images("a.png", "b.png")
            | {"export.json": label_studio("s3://bucket/sets/a.png", "https://host/x/b.png?sig=1%2F2")}
        ),
        RUNS,
        classes=SHIP,
        masks="export.json",
    ),
    Case(
        "one mask per object",
        lambda: below("images", objects_of("s1", name="s1") | objects_of("s2", name="s2")),
        dict.fromkeys(("s1", "s2"), Row(codes=("object_masks_joined",))),
    ),
    Case(
        "one mask per object in a zip",
        lambda: {"set.zip": zipped(below("stage1_train", objects_of("s1", name="s1") | objects_of("s2", name="s2")))},
        dict.fromkeys(("s1", "s2"), Row(codes=("object_masks_joined",))),
        images="set.zip",
    ),
    Case(
        "Cityscapes",
        lambda: {
            "city.zip": zipped(
                {
                    f"{folder}/train/bonn/bonn_00000{n}_000019_{ending}": data
                    for n in "12"
                    for folder, ending, data in (
                        ("leftImg8bit", "leftImg8bit.png", png_picture(int(n))),
                        ("gtFine", "gtFine_labelIds.png", png(squares((7, 26)))),
                        ("gtFine", "gtFine_instanceIds.png", png(squares((7, 26001), dtype="uint16"))),
                        ("gtFine", "gtFine_color.png", png(COLOURS[squares()])),
                        ("gtFine", "gtFine_polygons.json", one_scene.cityscapes()),
                    )
                }
            )
        },
        dict.fromkeys(
            ("bonn_000001_000019_leftImg8bit", "bonn_000002_000019_leftImg8bit"),
            Row({"background": 1950, "class 7": (25, 1), "class 26": (25, 1)}),
        ),
        classes=("background", "class 7", "class 26"),
        codes=("not_used",) * 4,  # three files and how many more
        images="city.zip",
    ),
    Case(
        "mmsegmentation with val",
        lambda: {
            "mm.zip": zipped(
                {
                    f"data/{folder}/{split}/{name}.png": data
                    for split, name in (("train", "a"), ("train", "b"), ("val", "a"))
                    for folder, data in (("img_dir", png_picture()), ("ann_dir", png(squares())))
                }
            )
        },
        {"train/a": Row(), "b": Row(), "val/a": Row()},
        codes=("split_by_folder",),
        images="mm.zip",
    ),
    Case(
        "Pascal VOC with a palette",
        lambda: below(
            "images",
            {
                f"VOC2012/{folder}/{n}.{ending}": data
                for n in "ab"
                for folder, ending, data in (
                    ("JPEGImages", "jpg", png_picture()),
                    (
                        "SegmentationClass",
                        "png",
                        palette_png(squares((15, 255)), [(n, 2 * n % 256, 3 * n % 256) for n in range(256)]),
                    ),
                    ("Annotations", "xml", "<annotation><object><name>ship</name><bndbox/></object></annotation>"),
                )
            },
        ),
        both(Row({"background": 1950, "class 15": (25, 1)}, 25)),
        classes=("background", "class 15"),
        codes=("format_unsupported",) * 2,  # the boxes
    ),
    Case(
        "VIA, which is not read",
        lambda: (
            pngs(squares(), squares())
            | {
                "images/via.json": json.dumps(
                    {"_via_settings": {}, "_via_img_metadata": {"a.png1": {"filename": "a.png", "regions": []}}}
                )
            }
        ),
        both(Row()),
        codes=("format_unsupported",),
    ),
)


@table(*CASES)
def test_annotations_are_read(case, tmp_path, capsys):
    check(case, tmp_path, capsys)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("coco.json", coco("a.png")),
        ("a.json", labelme()),
        ("a.txt", yolo()),
        ("annotations.xml", cvat_images("a.png")),
        ("tasks.json", label_studio("a.png")),
        ("a.png", png(COLOURS[squares()])),
    ],
)
def test_six_formats_of_one_scene_give_one_mask(name, data, tmp_path, capsys):
    write(tmp_path, images("a.png") | {f"masks/{name}": data, "masks/classes.txt": "ship\n"})
    code, found = inspect(
        tmp_path,
        capsys,
        "--names",
        f"{'#fa3253' if name == 'a.png' else 'ship'}=ship",
        "--write-masks",
        str(tmp_path / "out"),
    )
    assert code == 0
    assert found["scenes"][0]["classes"]["ship"] == {"pixels": 50, "objects": 2}
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "out" / "a.png")), squares())
