import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.errors import InputError
from explorer.imagery.reading.class_key import class_key
from explorer.imagery.reading.masks import read_mask
from tests.imagery.encoders import palette_png, png, shortly, tiff

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

SHAPE = np.array([[0, 0, 1, 1], [0, 2, 2, 1], [0, 2, 2, 0]])
BLACK, ORANGE, BLUE = (0, 0, 0), (255, 128, 0), (0, 0, 255)


def ids(*values):
    """The shape with other values in place of 0, 1, 2."""
    return np.array(values)[SHAPE]


def painted(*colours):
    return np.array(colours, dtype=np.uint8)[SHAPE]


INDEX = SHAPE.astype(np.uint8)
OPAQUE = ids(0, 255, 255).astype(np.uint8)
COLOURS = {0: BLACK, 1: BLUE, 2: ORANGE}


def labels(*files, **options):
    masks = [read_mask(data, f"mask {number}") for number, data in enumerate(files)]
    key = class_key(masks, **options)
    return [key.label(mask) for mask in masks], key.classes


@pytest.mark.parametrize(
    ("data", "classes", "expected"),
    [
        (png(ids(0, 1, 2).astype("uint8")), ("background", "class 1", "class 2"), ids(0, 1, 2)),
        (png(ids(0, 1, 1).astype("uint8")), ("background", "object"), ids(0, 1, 1)),
        (png(ids(0, 255, 255).astype("uint8")), ("background", "object"), ids(0, 1, 1)),
        (png(ids(False, True, True)), ("background", "object"), ids(0, 1, 1)),
        (png(ids(0, 1, 255).astype("uint8")), ("background", "object"), ids(0, 1, 255)),
        (png(ids(0, 128, 255).astype("uint8")), ("background", "class 128", "class 255"), ids(0, 1, 2)),
        (png(ids(0, 3, 9).astype("uint16")), ("background", "class 3", "class 9"), ids(0, 1, 2)),
        (tiff(ids(0, 1, 2)[None].astype("float32")), ("background", "class 1", "class 2"), ids(0, 1, 2)),
        (tiff(ids(0, 1, -1)[None].astype("int16"), nodata=-1), ("background", "object"), ids(0, 1, 255)),
        (tiff(ids(0, 1, 1)[None].astype("uint8"), nodata=0), ("background", "object"), ids(0, 1, 1)),
        (tiff(ids(0, 1, 1)[None].astype("uint8"), nbits=1), ("background", "object"), ids(0, 1, 1)),
        (tiff(ids(0, 1, 1)[None].astype("uint8"), mask=SHAPE != 2), ("background", "object"), ids(0, 1, 255)),
        (png(painted(BLACK, BLUE, ORANGE)), ("background", "#0000ff", "#ff8000"), ids(0, 1, 2)),
        (png(painted(BLUE, BLUE, ORANGE)), ("background", "#ff8000"), ids(0, 0, 1)),
        (png(painted(BLACK, (255,) * 3, (255,) * 3)), ("background", "object"), ids(0, 1, 1)),
        (png(np.dstack([painted(BLUE, BLUE, BLUE), OPAQUE])), ("background", "#0000ff"), ids(0, 1, 1)),
        (palette_png(INDEX, [BLACK, BLUE, ORANGE]), ("background", "class 1", "class 2"), ids(0, 1, 2)),
        (tiff(INDEX[None], colours=COLOURS), ("background", "class 1", "class 2"), ids(0, 1, 2)),
    ],
    ids=shortly,
)
def test_every_way_to_save_a_mask_gives_its_label_and_classes(data, classes, expected):
    (label,), found = labels(data)
    assert found == classes
    np.testing.assert_array_equal(label, expected)
    assert label.dtype == np.uint8


def test_a_colour_is_the_same_class_in_every_scene():
    both = painted(BLACK, BLUE, ORANGE)
    only_orange = painted(BLACK, ORANGE, ORANGE)
    (first, second), classes = labels(png(both), png(only_orange))
    assert classes == ("background", "#0000ff", "#ff8000")
    np.testing.assert_array_equal(first, ids(0, 1, 2))
    np.testing.assert_array_equal(second, ids(0, 2, 2))


def test_palettes_that_contradict_each_other_are_colours():
    one = palette_png(SHAPE.astype("uint8"), [BLACK, BLUE, ORANGE])
    other = palette_png(SHAPE.astype("uint8"), [BLACK, ORANGE, BLUE])
    (first, second), classes = labels(one, other)
    assert classes == ("background", "#0000ff", "#ff8000")
    np.testing.assert_array_equal(first, ids(0, 1, 2))
    np.testing.assert_array_equal(second, ids(0, 2, 1))


def test_an_empty_mask_does_not_shift_the_ids():
    empty, full = png(ids(0, 0, 0).astype("uint8")), png(ids(0, 255, 255).astype("uint8"))
    (first, second), classes = labels(empty, full)
    assert classes == ("background", "object")
    np.testing.assert_array_equal(first, ids(0, 0, 0))
    np.testing.assert_array_equal(second, ids(0, 1, 1))


def test_an_empty_grey_mask_is_accepted_among_colour_masks():
    (first, second), _ = labels(png(ids(0, 0, 0).astype("uint8")), png(painted(BLACK, BLUE, ORANGE)))
    np.testing.assert_array_equal(first, ids(0, 0, 0))
    np.testing.assert_array_equal(second, ids(0, 1, 2))


def test_a_given_palette_names_the_classes():
    palette = {BLACK: "background", ORANGE: "ship", BLUE: "ignore"}
    (label,), classes = labels(png(painted(BLACK, BLUE, ORANGE)), palette=palette)
    assert classes == ("background", "ship")
    np.testing.assert_array_equal(label, ids(0, 255, 1))


@pytest.mark.parametrize(
    ("values", "classes", "expected"),
    [
        ((0, 1, 2), ("ground", "car", "tree"), (0, 1, 2)),
        ((0, 255, 255), ("ground", "car"), (0, 1, 1)),
        ((0, 9, 9), ("background", "class 3", "class 9"), (0, 2, 2)),
        ((0, 1, 255), ("ground", "car", "tree"), (0, 1, 255)),
    ],
)
def test_known_classes_keep_their_ids(values, classes, expected):
    (label,), found = labels(png(ids(*values).astype("uint8")), classes=classes)
    assert found == classes
    np.testing.assert_array_equal(label, ids(*expected))


def test_known_colour_classes_keep_their_ids_in_another_set_of_masks():
    classes = ("background", "#0000ff", "#ff8000")
    (label,), _ = labels(png(painted(BLACK, ORANGE, ORANGE)), classes=classes)
    np.testing.assert_array_equal(label, ids(0, 2, 2))


def test_values_outside_the_classes_name_value_mask_and_classes():
    with pytest.raises(InputError, match=r"mask 0: value 7 in 4 pixels .*value 1 \(car\)"):
        labels(png(ids(0, 1, 7).astype("uint8")), classes=("ground", "car"))


def test_colours_outside_a_palette_are_refused():
    with pytest.raises(InputError, match="#0000ff in 3 pixels"):
        labels(png(painted(BLACK, BLUE, ORANGE)), palette={BLACK: "background", ORANGE: "ship"})


def test_a_colour_mask_among_index_masks_is_refused_alone():
    masks = [read_mask(png(ids(0, 1, 2).astype("uint8")), name) for name in "ab"]
    coloured = read_mask(png(painted(BLACK, BLUE, ORANGE)), "coloured")
    key = class_key([coloured, *masks])
    assert key.label(masks[0]).tolist() == ids(0, 1, 2).tolist()
    with pytest.raises(
        InputError, match="coloured: its classes are given as colours, those of the other masks as values"
    ):
        key.label(coloured)


def test_too_many_classes_over_all_masks_are_refused():
    files = [png(ids(0, 2 * number + 1, 2 * number + 2).astype("uint8")) for number in range(9)]
    with pytest.raises(InputError, match="19 classes, at most 16"):
        labels(*files)


@settings(max_examples=40, deadline=None)
@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=8), elements=st.integers(0, 3)))
def test_index_colour_and_palette_masks_of_one_label_agree(label):
    colours = [BLACK, BLUE, ORANGE, (255, 255, 1)]
    classes = ("background", "#0000ff", "#ff8000", "#ffff01")
    label[0, 0] = 0
    palette = dict(zip(colours, classes, strict=True))
    forms = (
        labels(png(label), classes=("a", "b", "c", "d")),
        labels(palette_png(label, colours), classes=("a", "b", "c", "d")),
        labels(png(np.array(colours, dtype=np.uint8)[label]), classes=classes, palette=palette),
    )
    for (found,), _ in forms:
        np.testing.assert_array_equal(found, label)
