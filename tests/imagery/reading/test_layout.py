"""The layouts that people have, as tables: files in, pairs out."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.imagery.reading.layout import arrange, validation_images
from explorer.imagery.reading.pairing import pair

NFD_U = unicodedata.normalize("NFD", "ü")
LABEL_TEXTS = ("labels/a.txt", "instances.json", "buildings.geojson", "Annotations/a.xml", "a.json")


def is_label(name):
    """Stands for the registry, which looks at the content: these are the label files of the tests."""
    return name.endswith((*LABEL_TEXTS, "_polygons.json"))


def pairs_of(images, masks=None, **options):
    """What is used, as image → labels; the rows with a note by image; what is left; and the arrangement."""
    arrangement = arrange(images, masks, is_label)
    rows = pair(arrangement.images, arrangement.labels, told_by_extension=arrangement.told_by_extension, **options)
    used = {row.image: " + ".join([row.mask, *row.more_masks]) for row in rows if row.used}
    noted = {row.image for row in rows if row.notes}
    left = {row.image or row.mask: row.reason for row in rows if not row.used}
    return used, noted, left, arrangement


TOGETHER = {
    "two folders": (
        ["images/a.tif", "images/b.tif", "masks/a.tif", "masks/b.tif"],
        {"images/a.tif": "masks/a.tif", "images/b.tif": "masks/b.tif"},
    ),
    "two folders in a folder, capitals": (
        ["Set/Images/A.TIF", "Set/Labels/a.png"],
        {"Set/Images/A.TIF": "Set/Labels/a.png"},
    ),
    "a mask by a word in its name": (
        ["a.png", "a_mask.png", "b.png", "b-GT.png"],
        {"a.png": "a_mask.png", "b.png": "b-GT.png"},
    ),
    "a word before a number": (
        ["image1.png", "image10.png", "mask1.png", "mask10.png"],
        {"image1.png": "mask1.png", "image10.png": "mask10.png"},
    ),
    "Massachusetts": (
        ["train/sat/1_15.tiff", "train/map/1_15.tif", "train/sat/2_15.tiff", "train/map/2_15.tif"],
        {"train/sat/1_15.tiff": "train/map/1_15.tif", "train/sat/2_15.tiff": "train/map/2_15.tif"},
    ),
    "maps are images beside masks": (["maps/a.png", "masks/a.png"], {"maps/a.png": "masks/a.png"}),
    "an image whose name holds the word label, beside labels that are no rasters": (
        ["images/a.jpg", "images/no_label.jpg", "labels/a.txt"],
        {"images/a.jpg": "labels/a.txt"},
    ),
    "German": (["Luftbilder/a.tif", "Annotationen/a.png"], {"Luftbilder/a.tif": "Annotationen/a.png"}),
    "a word glued to the name": (["road.png", "roadmask.png"], {"road.png": "roadmask.png"}),
    "a word in the middle": (
        ["austin_image_1.png", "austin_image_2.png", "austin_mask_1.png", "austin_mask_2.png"],
        {"austin_image_1.png": "austin_mask_1.png", "austin_image_2.png": "austin_mask_2.png"},
    ),
    "a word that all names share tells nothing": (
        ["label_studio_1.png", "label_studio_1_mask.png"],
        {"label_studio_1.png": "label_studio_1_mask.png"},
    ),
    "letters x and y": (["x1.png", "y1.png", "x2.png", "y2.png"], {"x1.png": "y1.png", "x2.png": "y2.png"}),
    "Cityscapes": (
        ["leftImg8bit/train/ulm/ulm_000_leftImg8bit.png", "gtFine/train/ulm/ulm_000_gtFine_labelIds.png"],
        {"leftImg8bit/train/ulm/ulm_000_leftImg8bit.png": "gtFine/train/ulm/ulm_000_gtFine_labelIds.png"},
    ),
    "Cityscapes, flat": (
        ["ulm_000_leftImg8bit.png", "ulm_000_gtFine_color.png", "ulm_000_gtFine_instanceIds.png"],
        {"ulm_000_leftImg8bit.png": "ulm_000_gtFine_color.png"},
    ),
    "mmsegmentation": (
        ["d/img_dir/train/a.jpg", "d/ann_dir/train/a.png", "d/img_dir/val/a.jpg", "d/ann_dir/val/a.png"],
        {"d/img_dir/train/a.jpg": "d/ann_dir/train/a.png", "d/img_dir/val/a.jpg": "d/ann_dir/val/a.png"},
    ),
    "mmsegmentation, LoveDA suffix": (
        ["img_dir/train/im1.png", "ann_dir/train/im1_manual_labels.png"],
        {"img_dir/train/im1.png": "ann_dir/train/im1_manual_labels.png"},
    ),
    "Pascal VOC and CVAT": (
        [
            "JPEGImages/a.jpg",
            "SegmentationClass/a.png",
            "SegmentationObject/a.png",
            "labelmap.txt",
            "ImageSets/Main/default.txt",
            "Annotations/a.xml",
        ],
        {"JPEGImages/a.jpg": "SegmentationClass/a.png"},
    ),
    "labelme's VOC": (
        ["JPEGImages/a.jpg", "SegmentationClassPNG/a.png", "SegmentationClassVisualization/a.jpg", "class_names.txt"],
        {"JPEGImages/a.jpg": "SegmentationClassPNG/a.png"},
    ),
    "labelme's folders of a scene": (
        ["a_json/img.png", "a_json/label.png", "a_json/label_viz.png", "b_json/img.png", "b_json/label.png"],
        {"a_json/img.png": "a_json/label.png", "b_json/img.png": "b_json/label.png"},
    ),
    "nnU-Net": (
        ["imagesTr/case_001.png", "labelsTr/case_001.png", "imagesTs/case_001.png"],
        {"imagesTr/case_001.png": "labelsTr/case_001.png"},
    ),
    "CamVid": (
        ["train/001.png", "trainannot/001.png", "val/001.png", "valannot/001.png"],
        {"train/001.png": "trainannot/001.png", "val/001.png": "valannot/001.png"},
    ),
    "a split before the words": (
        ["train/images/a.png", "train/masks/a.png", "val/images/a.png", "val/masks/a.png"],
        {"train/images/a.png": "train/masks/a.png", "val/images/a.png": "val/masks/a.png"},
    ),
    "a split in the words": (
        ["train_images/a.png", "train_masks/a.png", "val_images/a.png", "val_masks/a.png"],
        {"train_images/a.png": "train_masks/a.png", "val_images/a.png": "val_masks/a.png"},
    ),
    "splits never mix": (["train/images/a.png", "val/masks/a.png"], {}),
    "a split on one side only": (
        ["images/train/a.png", "images/val/b.png", "masks/a.png", "masks/b.png"],
        {"images/train/a.png": "masks/a.png", "images/val/b.png": "masks/b.png"},
    ),
    "Ground Truth": (["Photos/a.png", "Ground Truth/a.png"], {"Photos/a.png": "Ground Truth/a.png"}),
    "a folder per scene": (
        ["north/image.tif", "north/mask.tif", "south/image.tif", "south/mask.tif"],
        {"north/image.tif": "north/mask.tif", "south/image.tif": "south/mask.tif"},
    ),
    "sites beside the words": (
        ["images_1/a.png", "masks_1/a.png", "images_2/a.png", "masks_2/a.png"],
        {"images_1/a.png": "masks_1/a.png", "images_2/a.png": "masks_2/a.png"},
    ),
    "YOLO, with an image without objects": (
        ["images/a.png", "images/b.png", "labels/a.txt", "labels/b.txt", "labels/classes.txt", "data.yaml"],
        {"images/a.png": "labels/a.txt", "images/b.png": "labels/b.txt"},
    ),
    "world files and descriptions": (
        ["a.png", "a.pgw", "a.png.aux.xml", "a.geojson", "b.png", "b.wld", "b.geojson", "legend.qml", "readme.md"],
        {"a.png": "a.geojson", "b.png": "b.geojson"},
    ),
    "a second extension": (["a.tif", "a.tif.geojson"], {"a.tif": "a.tif.geojson"}),
    "one mask per object": (
        ["id0/images/id0.png", "id0/masks/01.png", "id0/masks/02.png", "id1/images/id1.png", "id1/masks/01.png"],
        {"id0/images/id0.png": "id0/masks/01.png + id0/masks/02.png", "id1/images/id1.png": "id1/masks/01.png"},
    ),
    "one mask per object, folders not named like the image": (
        ["s1/images/p.png", "s1/masks/01.png", "s1/masks/02.png", "s2/images/q.png", "s2/masks/03.png"],
        {"s1/images/p.png": "s1/masks/01.png + s1/masks/02.png", "s2/images/q.png": "s2/masks/03.png"},
    ),
    "one mask per object, in a folder named like the image": (
        ["images/a.png", "images/b.png", "masks/a/1.png", "masks/a/2.png", "masks/b/1.png"],
        {"images/a.png": "masks/a/1.png + masks/a/2.png", "images/b.png": "masks/b/1.png"},
    ),
    "one mask per object, by their names": (
        ["images/a.png", "masks/a_object_1.png", "masks/a_object_2.png"],
        {"images/a.png": "masks/a_object_1.png + masks/a_object_2.png"},
    ),
    "masks of classes are no objects": (
        [
            "s1/images/s1.png",
            "s1/masks/roads.png",
            "s1/masks/roofs.png",
            "s2/images/s2.png",
            "s2/masks/class_1.png",
            "s2/masks/class_2.png",
        ],
        {},
    ),
    "masks of other scenes are no objects": (["images/s5.png", "masks/s6.png", "masks/s7.png"], {}),
    "a number for each object beside the masks": (
        ["images/a.png", "masks/a.png", "instances/a.png"],
        {"images/a.png": "masks/a.png"},
    ),
    "only a number for each object": (["images/a.png", "instances/a.png"], {"images/a.png": "instances/a.png"}),
    "two kinds of label": (["images/a.tif", "masks/a.png", "vectors/a.geojson"], {}),
    "two masks": (["a.png", "a_mask.png", "a_label.png"], {}),
    "nothing tells which is the mask": (["one/a.png", "two/a.png"], {}),
}


@pytest.mark.parametrize("layout", TOGETHER)
def test_files_that_came_together_are_paired_by_their_layout(layout):
    files, expected = TOGETHER[layout]
    used, noted, _, _ = pairs_of(files)
    assert used == expected
    assert not noted


SEPARATE = {  # images, masks, pairs, whether they have a note
    "the same names": (["a.png", "b.png"], ["a.png", "b.png"], {"a.png": "a.png", "b.png": "b.png"}, False),
    "NFC and NFD": ([f"M{NFD_U}ll.png"], ["Müll.png"], {f"M{NFD_U}ll.png": "Müll.png"}, False),
    "kinds of space": (
        ["9.41\u202fAM.png", "b\u3000c.png"],
        ["9.41 AM_mask.png", "b c.png"],
        {"9.41\u202fAM.png": "9.41 AM_mask.png", "b\u3000c.png": "b c.png"},
        False,
    ),
    "spaces and dots at the end": (
        ["a .png", "b..png"],
        ["a.png", "b.png"],
        {"a .png": "a.png", "b..png": "b.png"},
        False,
    ),
    "only the case differs": (["A.png", "a.png"], ["A.png", "a.png"], {"A.png": "A.png", "a.png": "a.png"}, False),
    "10 is no part of 101": (["10.png"], ["101.png", "lbl_101_x.png"], {}, False),
    "1 is no part of 1_2": (["t_1.png"], ["t_1_2_lbl.png"], {}, False),
    "what all names begin and end with": (
        ["IMG_0001_rgb.png", "IMG_0002_rgb.png"],
        ["seg-0001-final.png", "seg-0002-final.png"],
        {"IMG_0001_rgb.png": "seg-0001-final.png", "IMG_0002_rgb.png": "seg-0002-final.png"},
        True,
    ),
    "SpaceNet": (
        ["AOI_2/RGB/RGB_AOI_2_img1.tif", "AOI_2/RGB/RGB_AOI_2_img10.tif"],
        ["AOI_2/geojson/buildings_AOI_2_img1.geojson", "AOI_2/geojson/buildings_AOI_2_img10.geojson"],
        {
            "AOI_2/RGB/RGB_AOI_2_img1.tif": "AOI_2/geojson/buildings_AOI_2_img1.geojson",
            "AOI_2/RGB/RGB_AOI_2_img10.tif": "AOI_2/geojson/buildings_AOI_2_img10.geojson",
        },
        True,
    ),
    "what all names share, in folders that contradict each other": (
        ["n/IMG_1.png", "n/IMG_2.png"],
        ["s/lbl_1.png", "t/lbl_2.png"],
        {},
        False,
    ),
    "leading zeros": (["1.png", "2.png"], ["001.png", "002.png"], {"1.png": "001.png", "2.png": "002.png"}, True),
    "other numbers in what all names share": (["n_10_1.png", "n_10_2.png"], ["m_20_1.png", "m_20_2.png"], {}, False),
    "a mask's name holds the image's": (
        ["ulm_7.png", "rom_7.png"],
        ["ulm_7_north_v.png"],
        {"ulm_7.png": "ulm_7_north_v.png"},
        True,
    ),
    "the longest name that it holds": (
        ["ulm.png", "ulm_north.png"],
        ["ulm_north_seite.png", "x_ulm_ost.png"],
        {"ulm.png": "x_ulm_ost.png", "ulm_north.png": "ulm_north_seite.png"},
        True,
    ),
    "an image's name holds the mask's": (
        ["ortho_cog.tif"],
        ["ortho_mask.tif"],
        {"ortho_cog.tif": "ortho_mask.tif"},
        True,
    ),
    "one image and a mask without a name of its own": (
        ["ortho_2021.tif"],
        ["mask.png"],
        {"ortho_2021.tif": "mask.png"},
        True,
    ),
    "one image and a mask with another name": (["ulm.tif"], ["rom.png"], {}, False),
    "other folders": (["north/a.png"], ["south/a.png"], {"north/a.png": "south/a.png"}, True),
    "other folders, no name of its own": (["north/image.png"], ["south/image.png"], {}, False),
    "one folder deeper": (["train/a.png"], ["set/train/a.png"], {"train/a.png": "set/train/a.png"}, False),
    "folders of objects": (
        ["a.png", "b.png"],
        ["a/1.png", "a/2.png", "b/1.png"],
        {"a.png": "a/1.png + a/2.png", "b.png": "b/1.png"},
        False,
    ),
    "a mask folder among the images": (["images/a.png", "masks/a.png"], ["a.png"], {"images/a.png": "a.png"}, False),
    "an image folder among the masks": (
        ["a.jpg"],
        ["JPEGImages/a.jpg", "SegmentationClass/a.png"],
        {"a.jpg": "SegmentationClass/a.png"},
        False,
    ),
    "side files on both sides": (["a.tif", "a.tfw"], ["a.tif", "a.tfw", "palette.txt"], {"a.tif": "a.tif"}, False),
}


@pytest.mark.parametrize("layout", SEPARATE)
def test_files_that_came_separately_are_paired_by_their_names(layout):
    images, masks, expected, with_note = SEPARATE[layout]
    used, noted, _, _ = pairs_of(images, masks)
    assert used == expected
    assert noted == (set(expected) if with_note else set())


def test_an_extension_tells_masks_if_nothing_else_does_and_that_is_noted():
    files = ["a.jpg", "a.png", "b.tif", "b.png", "c.png"]
    used, noted, left, _ = pairs_of(files)
    assert used == {"a.jpg": "a.png", "b.tif": "b.png"}
    assert noted == {"a.jpg", "b.tif"}
    assert left == {"c.png": "no mask has a matching name"}
    assert pairs_of(["a.jpg", "a.png", "b_mask.png", "b.png"])[0] == {"b.png": "b_mask.png"}


def test_the_best_of_the_labels_that_cityscapes_has_is_used_and_the_others_have_a_reason():
    ends = ("color.png", "instanceIds.png", "labelIds.png", "labelTrainIds.png", "polygons.json")
    labels = [f"gtFine/val/a/a_1_gtFine_{end}" for end in ends]
    coarse = "gtCoarse/val/a/a_1_gtCoarse_labelTrainIds.png"
    arrangement = arrange(["leftImg8bit/val/a/a_1_leftImg8bit.png", *labels, coarse], None, is_label)
    used = "gtFine/val/a/a_1_gtFine_labelTrainIds.png"
    assert arrangement.labels == (used,)
    assert {entry.name for entry in arrangement.skipped} == {*labels, coarse} - {used}
    assert all(used in entry.reason for entry in arrangement.skipped)
    without = [label for label in labels if "TrainIds" not in label]
    assert arrange(without, None, is_label).labels == ("gtFine/val/a/a_1_gtFine_labelIds.png",)


@pytest.mark.parametrize(
    "name",
    [
        "a.tfw",
        "a.pgw",
        "a.jgw",
        "a.wld",
        "a.xml",
        "a.tif.aux.xml",
        "notes.json",
        "classes.txt",
        "a.qml",
        "README.md",
        "LICENSE",
        "obj.data",
    ],
)
def test_side_files_are_companions(name):
    assert arrange(["a.tif", "a_mask.tif", name], None, is_label).companions == (name,)
    assert arrange(["a.tif"], ["a.tif", name], is_label).companions == (name,)


def test_a_file_of_an_unknown_kind_gets_a_row_where_its_reason_is_shown():
    assert arrange(["a.psd", "no extension", "a_mask.png"], None, is_label).images == ("a.psd", "no extension")
    assert arrange(["a.tif", "broken.geojson"], None, is_label).labels == ("broken.geojson",)


def test_a_choice_by_hand_says_which_file_is_the_mask():
    chosen = {"one/a.png": "two/a.png", "images/b.png": "SegmentationObject/b.png"}
    files = ["one/a.png", "two/a.png", "images/b.png", "SegmentationClass/b.png", "SegmentationObject/b.png"]
    arrangement = arrange(files, None, is_label, chosen)
    assert arrangement.images == ("one/a.png", "images/b.png")
    assert arrangement.labels == ("two/a.png", "SegmentationClass/b.png", "SegmentationObject/b.png")
    rows = pair(arrangement.images, arrangement.labels, chosen=chosen)
    assert {row.image: row.mask for row in rows if row.used} == chosen


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (["train/a.png", "val/b.png", "test/c.png"], {"val/b.png"}),
        (["img_dir/train/a.png", "img_dir/val/a.png"], {"img_dir/val/a.png"}),
        (["Training/a.png", "Validation Set/b.png"], {"Validation Set/b.png"}),
        (["train2017/a.jpg", "val2017/b.jpg"], {"val2017/b.jpg"}),
        (["imagesTrain/a.png", "imagesVal/b.png"], {"imagesVal/b.png"}),
        (["val/a.png", "val/b.png"], set()),
        (["train/a.png", "test/b.png"], set()),
        (["Train station/a.png", "Val d'Isère/b.png"], set()),
        (["train_1.png", "val_1.png"], set()),
    ],
)
def test_a_folder_for_validation_validates(images, expected):
    assert set(validation_images(images)) == expected


NAMES = st.lists(
    st.from_regex(
        r"((images|masks|id1|train)/)?(mask_|gt)?[a1]{1,2}(_mask|_color|_obj_1)?\.(png|tif|txt|geojson)", fullmatch=True
    ),
    unique=True,
)


@given(NAMES, st.none() | NAMES)
def test_every_file_is_in_exactly_one_place(images, masks):
    arrangement = arrange(images, masks, is_label)
    everything = [*arrangement.images, *arrangement.labels, *arrangement.companions]
    everything += [entry.name for entry in arrangement.skipped]
    assert sorted(everything) == sorted([*images, *(masks or ())])
    rows = pair(arrangement.images, arrangement.labels)
    assert sorted(row.image for row in rows if row.image) == sorted(arrangement.images)
    labels = [name for row in rows for name in (row.mask, *row.more_masks) if name]
    assert sorted(labels) == sorted(arrangement.labels)
