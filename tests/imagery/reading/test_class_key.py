from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from explorer.errors import InputError
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.reading.class_key import class_key
from explorer.imagery.reading.masks import Mask, MaskKind, read_mask
from explorer.imagery.reading.values import found_values
from explorer.settings import Settings
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
        (png(ids(0, 128, 255).astype("uint8")), ("background", "class 128"), ids(0, 1, 255)),
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


# What people bring: the values of whole sets, with the notes and what mends them -------------------------------


def mask(name, values, **fields):
    """A mask of values as it comes from a file; −9 stands for nodata."""
    values = np.array(values)
    nodata = values == -9
    keys, index = np.unique(np.where(nodata, 0, values), return_inverse=True)
    nodata_or_none = nodata if nodata.any() else None
    return Mask(name, MaskKind.VALUES, tuple(keys.tolist()), index.astype(np.uint16).reshape(values.shape), nodata,
                nodata=nodata_or_none, **fields)  # fmt: skip


def blocks(*values, size=6):
    """A row of squares of these values, apart from each other, on 0."""
    row = np.zeros((size + 2, (size + 2) * len(values)), int)
    for number, value in enumerate(values):
        row[1:-1, number * (size + 2) + 1 : (number + 1) * (size + 2) - 1] = value
    return row


IDS_AND_IGNORED = [[0, 1, 255, 0]]
BLACK_AND_WHITE = [[0, 255, 255, 0]]
ZERO_AND_ONE = [[0, 1, 1, 0]]
SMOOTH = np.array([[0, 0, 64, 128, 255, 255, 255, 255], [0, 0, 64, 255, 255, 255, 255, 255], [0, 0, 0, 0, 0, 0, 0, 0]])


@dataclass(frozen=True)
class SetOfMasks:
    """A set of masks, what is chosen, and what must come of it."""

    about: str
    masks: tuple
    labels: tuple  # of each mask; None: refused
    classes: tuple = ("background", "object")
    codes: frozenset = frozenset()
    choices: dict = field(default_factory=dict)
    limit: int = 16


CASES = [
    SetOfMasks("255 alone is the object", (BLACK_AND_WHITE,), ([[0, 1, 1, 0]],)),
    SetOfMasks("255 beside ids is ignored", (IDS_AND_IGNORED,), ([[0, 1, 255, 0]],)),
    SetOfMasks(
        "tiles with nothing but ignored pixels are the majority",
        (BLACK_AND_WHITE, BLACK_AND_WHITE, BLACK_AND_WHITE, IDS_AND_IGNORED),
        ([[0, 255, 255, 0]],) * 3 + ([[0, 1, 255, 0]],),
        codes={"mixed_values"},
    ),
    SetOfMasks(
        "some masks of 0 and 1, some of 0 and 255",
        (ZERO_AND_ONE, ZERO_AND_ONE, ZERO_AND_ONE, BLACK_AND_WHITE, BLACK_AND_WHITE),
        ([[0, 1, 1, 0]],) * 5,
        codes={"mixed_values"},
    ),
    SetOfMasks(
        "the same, and the visitor ignores 255",
        (ZERO_AND_ONE, BLACK_AND_WHITE),
        ([[0, 1, 1, 0]], [[0, 255, 255, 0]]),
        codes={"mixed_values"},
        choices={"ignore": ("255",)},
    ),
    SetOfMasks(
        "255 among several ids, alone in its mask",
        ([[0, 1, 2, 0]], BLACK_AND_WHITE),
        ([[0, 1, 2, 0]], [[0, 255, 255, 0]]),
        classes=("background", "class 1", "class 2"),
        codes={"mixed_values"},
    ),
    SetOfMasks(
        "the visitor says that 255 is a class",
        (IDS_AND_IGNORED,),
        ([[0, 1, 2, 0]],),
        classes=("background", "object", "ship"),
        choices={"names": {"255": "ship"}},
    ),
    SetOfMasks("an odd value refuses its own mask", (BLACK_AND_WHITE, BLACK_AND_WHITE, [[0, 7, 7, 0]]),
               ([[0, 1, 1, 0]], [[0, 1, 1, 0]], None)),
    SetOfMasks(
        "19 classes and 255 where 19 are allowed",
        ([[*range(19), 255, *range(19)]],),
        ([[*range(19), 255, *range(19)]],),
        classes=("background", *(f"class {k}" for k in range(1, 19))),
        limit=19,
    ),
    SetOfMasks("nodata is all that is not object", ([[-9, 1, 1, -9]],), ([[0, 1, 1, 0]],),
               codes={"nodata_as_background"}),
    SetOfMasks("the same, and the visitor ignores nodata", ([[-9, 1, 1, -9]],), ([[255, 1, 1, 255]],),
               codes={"no_background"}, choices={"ignore": ("nodata",)}),
    SetOfMasks("nodata beside nothing but background may be the object", ([[-9, 0, 0, -9]],), ([[255, 0, 0, 255]],),
               codes={"nodata_may_be_object"}),
    SetOfMasks("the same, and the visitor says that it is", ([[-9, 0, 0, -9]],), ([[1, 0, 0, 1]],),
               choices={"names": {"nodata": "object"}}),
    SetOfMasks("0 and 1 beside 0 and white of 16 bits", ([[0, 1, 1, 0]], [[0, 65535, 65535, 0]]),
               ([[0, 1, 1, 0]], [[0, 1, 1, 0]]), codes={"mixed_values"}),
    SetOfMasks("0 and 1 beside 0 and 128", ([[0, 1, 1, 0]], [[0, 128, 128, 0]]), ([[0, 1, 1, 0]], [[0, 2, 2, 0]]),
               classes=("background", "class 1", "class 128"), codes={"mixed_values"}),
    SetOfMasks("one class in each mask", ([[0, 1, 1, 0]], [[0, 2, 2, 0]]), ([[0, 1, 1, 0]], [[0, 2, 2, 0]]),
               classes=("background", "class 1", "class 2")),
    SetOfMasks("0 and white of 16 bits", ([[0, 65535, 65535, 0]],), ([[0, 1, 1, 0]],)),
    SetOfMasks("1 and 2 beside 0 and 1", ([[0, 1, 0, 0]], [[1, 2, 1, 1]]), ([[0, 1, 0, 0]], [[1, 2, 1, 1]]),
               classes=("background", "class 1", "class 2"), codes={"mixed_values"}),
    SetOfMasks("nodata beside a background is ignored", ([[-9, 1, 0, -9]],), ([[255, 1, 0, 255]],)),
    SetOfMasks(
        "nodata in one mask alone, background in another",
        ([[-9, 1, 1, -9]], [[0, 1, 1, 0]]),
        ([[255, 1, 1, 255]], [[0, 1, 1, 0]]),
    ),
    SetOfMasks(
        "1 and 2 without 0",
        ([[2, 1, 2, 2]],),
        ([[2, 1, 2, 2]],),
        classes=("background", "class 1", "class 2"),
        codes={"no_background"},
    ),
    SetOfMasks("the same, and 2 is the background", ([[2, 1, 2, 2]],), ([[0, 1, 0, 0]],), choices={"background": "2"}),
    SetOfMasks(
        "0, 1 and 2 of which 2 is the background",
        ([[2, 1, 0, 2]],),
        ([[0, 2, 1, 0]],),
        classes=("background", "class 0", "class 1"),
        choices={"background": "2"},
    ),
    SetOfMasks("objects in black on white", ([[255] * 19 + [0]],), ([[1] * 19 + [0]],),
               codes={"foreground_covers_most"}),
    SetOfMasks("the same, swapped", ([[255] * 19 + [0]],), ([[0] * 19 + [1]],), choices={"swap": True}),
    SetOfMasks("smoothed edges", (SMOOTH,), (np.select([SMOOTH == 64, SMOOTH == 128, SMOOTH == 255], [1, 2, 255], 0),),
               classes=("background", "class 64", "class 128"), codes={"smoothed_mask"}),
    SetOfMasks("the same, from half on", (SMOOTH,), ((SMOOTH >= 128).astype(int),), codes={"smoothed_mask"},
               choices={"smoothed": "half"}),
    SetOfMasks("a number per object, within the limit of classes", (blocks(1, 2, 3, 4, 5),), (blocks(1, 2, 3, 4, 5),),
               classes=("background", *(f"class {k}" for k in range(1, 6))), codes={"instance_ids"}),
    SetOfMasks("the same, one object per value", (blocks(1, 2, 3, 4, 5),), (blocks(1, 1, 1, 1, 1),),
               codes={"instance_ids"}, choices={"instances": True}),
    SetOfMasks("more numbers than classes", (blocks(*range(1, 31)),), (blocks(*[1] * 30),), codes={"instance_ids"}),
    SetOfMasks(
        "values of one name are merged, others named",
        ([[0, 3, 4, 5]],),
        ([[0, 1, 1, 2]],),
        classes=("background", "vehicle", "tree"),
        choices={"names": {"3": "vehicle", "4": "vehicle", "5": "tree"}},
    ),
    SetOfMasks("a value becomes background or ignored by its name", ([[0, 1, 3, 4]],), ([[0, 1, 0, 255]],),
               classes=("background", "class 1"), choices={"names": {"3": "background", "4": "ignore"}}),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.about)
def test_sets_of_masks(case):
    masks = [mask(f"mask {number}", values) for number, values in enumerate(case.masks)]
    key = class_key(masks, limits=Settings(max_classes=case.limit), choices=ReadingChoices(**case.choices))
    assert key.classes == case.classes
    assert {note.code for note in key.notes} == case.codes
    for each, expected in zip(masks, case.labels, strict=True):
        if expected is None:
            with pytest.raises(InputError, match="is not one of the classes"):
                key.label(each)
        else:
            np.testing.assert_array_equal(key.label(each), expected)


def test_a_note_on_some_masks_stays_with_these():
    masks = [mask("white", BLACK_AND_WHITE), mask("ones", ZERO_AND_ONE)]
    key = class_key(masks)
    assert [note.code for note in key.notes_by_mask["white"]] == ["mixed_values"]
    assert "ones" not in key.notes_by_mask


def test_objects_by_number_stay_apart_where_they_touch():
    touching = mask("a", [[0, 1, 1, 2, 2, 0]])
    key = class_key([touching], choices=ReadingChoices(instances=True))
    ids = key.objects(touching)
    assert ids[0, 0] == ids[0, 5] == 0
    assert len({ids[0, 1], ids[0, 3]} - {0}) == 2
    assert ids[0, 1] == ids[0, 2]
    assert class_key([touching]).objects(touching) is None


def test_a_mask_with_far_too_many_values_is_refused_alone():
    noise = np.random.default_rng(0).integers(0, 200, (20, 20))
    masks = [mask("photo", noise), mask("a", ZERO_AND_ONE), mask("b", ZERO_AND_ONE)]
    key = class_key(masks)
    assert key.classes == ("background", "object")
    with pytest.raises(InputError, match=r"photo: .*not one of the classes"):
        key.label(masks[0])


def test_a_lossy_mask_needs_the_threshold():
    lossy = mask("a.jpg", [[0, 3, 252, 255]], lossy=True)
    with pytest.raises(InputError, match=r"a\.jpg: its values are smoothed .*--smoothed half"):
        class_key([lossy]).label(lossy)
    key = class_key([lossy], choices=ReadingChoices(smoothed="half"))
    np.testing.assert_array_equal(key.label(lossy), [[0, 0, 1, 1]])


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"background": "9" * 5000}, "no mask holds the value 999"),
        ({"background": "9"}, "no mask holds the value 9 — choose from 0, 1, 2"),
        ({"ignore": ("#ffffff",)}, "no mask holds the value #ffffff"),
        ({"names": {"7": "ship"}}, "no mask holds the value 7"),
        ({"swap": True}, "there are 2"),
    ],
)
def test_a_choice_that_cannot_be_met_is_refused(choices, message):
    with pytest.raises(InputError, match=message):
        class_key([mask("a", [[0, 1, 2]])], choices=ReadingChoices(**choices))


def test_the_message_names_the_limit_of_classes():
    with pytest.raises(InputError, match=r"20 classes, at most 16 \(EXPLORER_MAX_CLASSES\)"):
        class_key([mask("a", np.tile(np.arange(20), (2, 1))[:, [*range(20), *range(20)]])])


@pytest.mark.parametrize("border", [(224, 224, 192), (255, 255, 255)])
def test_the_border_of_objects_in_a_colour_mask_is_ignored(border):
    picture = np.zeros((20, 20, 3), np.uint8)
    picture[4:16, 4:16] = border
    picture[6:14, 6:14] = (128, 0, 0)
    (label,), classes = labels(png(picture))
    assert classes == ("background", "#800000")
    assert (label == 255).sum() == 12 * 12 - 8 * 8
    assert (label == 1).sum() == 64


def test_a_white_class_is_no_border():
    picture = np.zeros((30, 40, 3), np.uint8)
    picture[4:16, 4:16] = 255
    picture[4:16, 16:30] = (128, 0, 0)
    _, classes = labels(png(picture))
    assert classes == ("background", "#800000", "#ffffff")


def test_choices_of_a_run_hold_for_other_masks_that_lack_a_value():
    choices = ReadingChoices(background="2", names={"5": "ship"})
    key = class_key([mask("a", [[2, 1, 2]])], classes=("background", "object", "ship"), choices=choices)
    np.testing.assert_array_equal(key.label(mask("a", [[2, 1, 2]])), [[0, 1, 0]])


def test_a_set_without_background_says_that_255_may_be_it():
    (note,) = class_key([mask("a", [[255, 1, 1, 255]])]).notes
    assert note.code == "no_background"
    assert "--background 255" in note.text
    (other,) = class_key([mask("a", [[2, 1, 1, 2]])]).notes
    assert "255" not in other.text


def test_braces_in_the_names_of_files_and_classes_stand_in_notes_as_they_are():
    full = np.ones((4, 4), dtype=np.uint16)
    odd = Mask("{0.__class__}.json", MaskKind.NAMES, ("background", "a}b{"), full, np.zeros((4, 4), bool))
    (note,) = class_key([odd]).notes
    assert note.code == "no_background"
    assert "The mask {0.__class__}.json holds a}b{ (100%)" in note.text


def test_two_values_of_one_palette_colour_are_one_piece():
    data = palette_png(np.array([[0, 1, 2, 0]], dtype=np.uint8), [BLACK, ORANGE, ORANGE])
    other = palette_png(np.array([[0, 1, 0, 0]], dtype=np.uint8), [BLACK, BLUE])  # contradicts: colours decide
    masks = [read_mask(data, "a"), read_mask(other, "b")]
    found = {value.text: (value.pixels, value.pieces) for value in found_values(masks, class_key(masks))}
    assert found == {"#000000": (5, 4), "#0000ff": (1, 1), "#ff8000": (2, 1)}
