from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import InputError
from explorer.imagery.reading.names import scene_names
from explorer.imagery.reading.pairing import pair


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        ("a.tif", "a.tif"),
        ("a.tif", "a.png"),
        ("A.TIF", "a.png"),
        ("a.tif", "a_mask.png"),
        ("a.tif", "mask_a.png"),
        ("a.tif", "a-label.png"),
        ("a.tif", "a.gt.png"),
        ("a.tif", "a gt.png"),
        ("a_image.tif", "a_mask.png"),
        ("a_sat.jpg", "a_mask.png"),
        ("images/a.tif", "masks/a.png"),
        ("north/images/a.tif", "north/masks/a.png"),
        ("a.tif", "a.geojson"),
        ("scene_2020_3.tif", "scene_2020_3_seg.png"),
        ("mask.tif", "mask.png"),
    ],
)
def test_matching_names_are_paired(image, mask):
    (row,) = pair([image], [mask])
    assert (row.image, row.mask, row.reason) == (image, mask, "")
    assert row.used


def test_the_stricter_rule_wins():
    rows = pair(["a.tif", "a_image.tif"], ["a.png", "a_mask.png"])
    assert {(row.image, row.mask) for row in rows} == {("a.tif", "a.png"), ("a_image.tif", "a_mask.png")}


def test_folders_tell_files_of_one_name_apart():
    images, masks = ["images/north/a.tif", "images/south/a.tif"], ["masks/north/a.png", "masks/south/a.png"]
    assert {(row.image, row.mask) for row in pair(images, masks)} == set(zip(images, masks, strict=True))


def test_a_name_that_matches_twice_is_reported_as_ambiguous():
    rows = pair(["a.tif"], ["a_mask.png", "a_label.png"])
    assert not any(row.used for row in rows)
    assert all(row.reason.startswith("ambiguous: ") for row in rows)
    assert "a_mask.png" in rows[0].reason
    assert "a_label.png" in rows[0].reason


def test_a_file_without_a_partner_is_listed_with_the_reason():
    rows = pair(["a.tif", "b.tif"], ["a.png", "c.png"])
    assert [(row.image, row.mask, row.used) for row in rows] == [
        ("a.tif", "a.png", True),
        ("b.tif", None, False),
        (None, "c.png", False),
    ]
    assert rows[1].reason == "no mask has a matching name"
    assert rows[2].reason == "no image has a matching name"


@pytest.mark.parametrize(
    ("images", "labels", "reasons"),
    [
        (["a.png"], ["a_1_lbl.png"], {"a.png": "no mask has a matching name; nearest: a_1_lbl.png"}),
        (
            ["a.png"],
            [],
            {"a.png": 'no masks were found; put them into a folder "masks", or end their names with "_mask"'},
        ),
        (
            ["a.tif"],
            ["a.tif", "a_gt.tif"],
            {"a_gt.tif": "a.tif is paired with a.tif already; to use this file instead, pair by hand"},
        ),
        (
            ["a.tif"],
            ["a.png", "a.geojson"],
            dict.fromkeys(
                ["a.tif", "a.png", "a.geojson"],
                "ambiguous: a.tif could match a.png, a.geojson; rename or remove some of them, or pair by hand",
            ),
        ),
    ],
)
def test_a_row_that_is_not_used_says_why_and_what_to_do(images, labels, reasons):
    found = {row.image or row.mask: row.reason for row in pair(images, labels) if not row.used}
    assert {name: found.get(name) for name in reasons} == reasons


@pytest.mark.parametrize(
    "chosen",
    [
        {"images/a.tif": "masks/z.png"},
        {"a.tif": "z.png"},
        {"A.TIF": "masks/z.png"},
        {"images\\a.tif": "z.png"},
    ],
)
def test_a_choice_by_hand_wins(chosen):
    rows = pair(["images/a.tif", "images/b.tif"], ["masks/a.png", "masks/b.png", "masks/z.png"], chosen=chosen)
    assert [(row.image, row.mask) for row in rows] == [
        ("images/a.tif", "masks/z.png"),
        ("images/b.tif", "masks/b.png"),
        (None, "masks/a.png"),
    ]
    assert [note.code for note in rows[0].notes] == ["paired_by_hand"]


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"c.tif": "a.png"}, "c.tif: no image has this name — choose from n/a.tif, s/a.tif"),
        ({"n/a.tif": "c.png"}, "c.png: no mask has this name — choose from a.png"),
        ({"a.tif": "a.png"}, "a.tif: it could be n/a.tif, s/a.tif — give more of its path"),
        ({"\u202ea": "a.png"}, r"\u202ea: no image has this name"),
    ],
)
def test_a_choice_of_a_file_that_is_not_there_is_refused(chosen, message):
    with pytest.raises(InputError) as caught:
        pair(["n/a.tif", "s/a.tif"], ["a.png"], chosen=chosen)
    assert message in str(caught.value)


COCO = "annotations/instances.json"
SPLIT = ["train/a.png", "val/a.png"]
OF_SPLITS = ["train/_annotations.coco.json", "val/_annotations.coco.json"]
BY_NAME = ["annotations/instances_train2017.json", "annotations/instances_val2017.json"]


@pytest.mark.parametrize(
    ("images", "labels", "listed", "expected"),
    [
        (["a.png", "b.png", "c.png"], [COCO], {COCO: ["a.png", "b.png"]}, {"a.png": COCO, "b.png": COCO}),
        (["images/A.png"], [COCO], {COCO: ["x\\y\\a.png"]}, {"images/A.png": COCO}),
        (["a.png"], [COCO], {COCO: ["a.jpg"]}, {"a.png": COCO}),
        (["n/a.png", "s/a.png"], [COCO], {COCO: ["data/s/a.png"]}, {"s/a.png": COCO}),
        (["n/a.png", "s/a.png"], [COCO], {COCO: ["a.png"]}, {}),
        (["a.png"], [COCO, "a_mask.png"], {COCO: ["a.png"]}, {}),
        (["a.png"], ["1.json", "2.json"], {"1.json": ["a.png"], "2.json": ["a.png"]}, {}),
        (["a.png", "b.png"], ["a.json"], {"a.json": ["b.png"]}, {"a.png": "a.json"}),
        (["a.png"], ["a.json"], {"a.json": ["IMG_1.png"]}, {"a.png": "a.json"}),
        (["a.png"], [COCO], {COCO: ["", "/", "..", "z.png"]}, {}),
        (SPLIT, OF_SPLITS, {key: ["a.png"] for key in OF_SPLITS}, dict(zip(SPLIT, OF_SPLITS, strict=True))),
        (SPLIT, BY_NAME, {key: ["a.png"] for key in BY_NAME}, dict(zip(SPLIT, BY_NAME, strict=True))),
        (["train/b.png", "val/a.png"], OF_SPLITS[:1], {OF_SPLITS[0]: ["a.png"]}, {}),
    ],
)
def test_a_label_file_that_lists_images_labels_those(images, labels, listed, expected):
    rows = pair(images, labels, listed=listed)
    assert {row.image: row.mask for row in rows if row.used} == expected
    assert all(row.used or row.reason for row in rows)


@pytest.mark.parametrize(
    ("images", "labels", "listed"),
    [
        (["n/a.png", "s/a.png"], [COCO], {COCO: ["a.png"]}),
        (["a.png"], ["1.json", "2.json"], {"1.json": ["a.png"], "2.json": ["a.png"]}),
    ],
)
def test_what_a_list_leaves_open_is_called_ambiguous(images, labels, listed):
    assert all(row.reason.startswith("ambiguous: ") for row in pair(images, labels, listed=listed))


@pytest.mark.parametrize(
    ("images", "labels", "unread", "expected"),
    [
        (["img/a.png"], ["ann/masks/a.png", "ann/xmls/a.xml"], ["ann/xmls/a.xml"], {"img/a.png": "ann/masks/a.png"}),
        (["a.png", "b.png"], ["a.json", "b_mask.png"], ["a.json"], {"a.png": "a.json", "b.png": "b_mask.png"}),
        (["a.png"], ["a.json"], ["a.json"], {"a.png": "a.json"}),
    ],
)
def test_a_label_that_is_not_read_takes_no_image_from_one_that_is(images, labels, unread, expected):
    assert {row.image: row.mask for row in pair(images, labels, unread=unread) if row.used} == expected


@pytest.mark.parametrize(
    ("images", "labels", "expected"),
    [
        (["t_1.tif", "t_2.tif"], ["roofs.geojson"], {"t_1.tif": "roofs.geojson", "t_2.tif": "roofs.geojson"}),
        (["t_1.tif", "t_2.tif"], ["roofs_2.geojson"], {"t_1.tif": "roofs_2.geojson", "t_2.tif": "roofs_2.geojson"}),
        (["t.tif", "u.tif"], ["t.png", "roofs.geojson"], {"t.tif": "t.png", "u.tif": "roofs.geojson"}),
        (["t.tif", "u.tif"], ["t.geojson", "all.geojson"], {"t.tif": "t.geojson", "u.tif": "all.geojson"}),
        (["t.tif", "u.tif"], ["x.geojson", "z.geojson"], {}),
        (["t.tif", "u.tif"], ["t.png", "t.geojson"], {}),
    ],
)
def test_the_only_vector_file_without_an_image_is_for_every_image_without_a_label(images, labels, expected):
    rows = pair(images, labels, everywhere=[name for name in labels if name.endswith(".geojson")])
    assert {row.image: row.mask for row in rows if row.used} == expected
    shared = {row.image for row in rows if [note.code for note in row.notes] == ["shared_label"]}
    assert shared == {image for image, label in expected.items() if label[0] != image[0]}


@pytest.mark.parametrize(
    ("images", "names"),
    [
        (["images/harbour.tif"], ["harbour"]),
        (["train/a.png", "val/a.png", "val/b.png"], ["train/a", "val/a", "b"]),
        (["x/train/a.png", "y/train/a.png"], ["x/train/a", "y/train/a"]),
        (["a.png", "a.tif"], ["a.png", "a.tif"]),
        (["a.png", "n/a.png"], ["a", "n/a"]),
        (["a.b.png", "a.c.png"], ["a.b", "a.c"]),
        (["u\u0308.png", "\u00fc.png"], ["\u00fc.png", "\u00fc.png (2)"]),
        (["a.tif.png", "a.tif", "a.png"], ["a.tif", "a.tif (2)", "a.png"]),
    ],
)
def test_a_scene_is_named_by_the_stem_and_what_tells_it_from_others(images, names):
    assert list(scene_names(images).values()) == names


def test_many_files_without_a_match_are_told_in_a_moment():
    images, labels = [f"a{n}_{'x_' * 40}.png" for n in range(500)], [f"b{n}_{'x_' * 40}.png" for n in range(500, 1000)]
    began = perf_counter()
    rows = pair(images, labels)
    assert len(rows) == 1000
    assert perf_counter() - began < 10  # about 1 s


NAMES = st.lists(
    st.from_regex(r"((images|masks|n)/)?(mask_)?[ab]{1,2}(_mask|_gt)?\.(png|tif)", fullmatch=True),
    unique=True,
)


@given(NAMES, NAMES)
def test_every_file_is_in_exactly_one_row(images, masks):
    rows = pair(images, masks)
    assert sorted(row.image for row in rows if row.image) == sorted(images)
    assert sorted(row.mask for row in rows if row.mask) == sorted(masks)
    assert all(row.used or row.reason for row in rows)
