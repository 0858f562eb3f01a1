import pytest
from hypothesis import given
from hypothesis import strategies as st

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
