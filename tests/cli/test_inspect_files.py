"""``inspect`` on names, folders and zips: which file is the label of which image, and which files take no part."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from explorer.__main__ import main
from tests.cli.inspecting import Case, Row, check, inspect, png_picture, pngs, squares, table, write
from tests.imagery.encoders import geotiff, png, tiff, zipped

MASK = png(squares())


def sets(*pairs, images="images", masks="masks"):
    """Files by the names of an image and its mask."""
    files = {}
    for number, (image, mask) in enumerate(pairs):
        files[f"{images}/{image}"] = png_picture(number)
        files[f"{masks}/{mask}"] = MASK
    return files


def together(*pairs, **more):
    """Images and masks in one zip."""
    files = {}
    for number, (image, mask) in enumerate(pairs):
        files[image], files[mask] = png_picture(number), MASK
    return {"set.zip": zipped(files | more)}


def of(*names, codes=()):
    return dict.fromkeys(names, Row(codes=codes))


def in_one_zip(title, *pairs, scenes=("a", "b"), codes=(), set_codes=(), **more):
    return Case(title, lambda: together(*pairs, **more), of(*scenes, codes=codes), images="set.zip", codes=set_codes)


def large_and_sparse():
    label = np.zeros((1, 3000, 3000), "uint8")
    label[0, :7, :7] = 1
    image = np.random.default_rng(0).integers(20, 200, (1, 3000, 3000), dtype="uint8")
    return {"set.zip": zipped({"images/s.tif": tiff(image), "masks/s.tif": tiff(label)})}


NFC, NFD = (unicodedata.normalize(form, "Müllheim_é") for form in ("NFC", "NFD"))

CASES = (
    Case("the same names", lambda: sets(("a.png", "a.png"), ("b.png", "b.png")), of("a", "b")),
    Case("a suffix", lambda: sets(("a.png", "a_mask.png"), ("b.png", "b_mask.png")), of("a", "b")),
    Case(
        "a prefix on both sides",
        lambda: sets(("img_1.png", "mask_1.png"), ("img_2.png", "mask_2.png")),
        of("img_1", "img_2"),
    ),
    Case(
        "composed and decomposed letters",
        lambda: sets((f"{NFD}1.png", f"{NFC}1.png"), (f"{NFD}2.png", f"{NFC}2.png")),
        of(f"{NFC}1", f"{NFC}2"),
    ),
    Case(
        "the narrow space of macOS",
        lambda: sets(*((f"Screenshot 9.4{n}\u202fAM.png", f"Screenshot 9.4{n}\u202fAM_mask.png") for n in (1, 2))),
        of("Screenshot 9.41\u202fAM", "Screenshot 9.42\u202fAM"),
    ),
    Case(
        "the wide space of Japanese",
        lambda: sets(*((f"港\u3000{n}.png", f"港\u3000{n}.png") for n in (1, 2))),
        of("港\u30001", "港\u30002"),
    ),
    in_one_zip("mmsegmentation", ("img_dir/a.png", "ann_dir/a.png"), ("img_dir/b.png", "ann_dir/b.png")),
    in_one_zip("masks_png", ("images_png/a.png", "masks_png/a.png"), ("images_png/b.png", "masks_png/b.png")),
    in_one_zip("Ground Truth", ("Original/a.png", "Ground Truth/a.png"), ("Original/b.png", "Ground Truth/b.png")),
    in_one_zip("train_masks", ("train/a.png", "train_masks/a_mask.png"), ("train/b.png", "train_masks/b_mask.png")),
    in_one_zip("Labels", ("Images/a.png", "Labels/a.png"), ("Images/b.png", "Labels/b.png")),
    in_one_zip("side by side", ("a.png", "a_mask.png"), ("b.png", "b_mask.png")),
    in_one_zip("gt", ("x/a.png", "gt/a.png"), ("x/b.png", "gt/b.png")),
    in_one_zip("folders of Windows", ("d\\images\\a.png", "d\\masks\\a.png"), ("d\\images\\b.png", "d\\masks\\b.png")),
    Case(
        "train and val of the same names",
        lambda: together(*((f"{s}/images/{n}.png", f"{s}/masks/{n}.png") for s in ("train", "val") for n in "ab")),
        of(*(f"{s}/images/{n}" for s in ("train", "val") for n in "ab")),
        codes=("split_by_folder",),
        images="set.zip",
    ),
    Case(
        "val in folders of images and of masks",
        lambda: sets(("train/a.png", "train/a.png"), ("train/b.png", "train/b.png"), ("val/a.png", "val/a.png")),
        of("train/a", "b", "val/a"),
        codes=("split_by_folder",),
    ),
    Case(
        "val with a broken mask",
        lambda: (
            sets(*((f"{s}/{n}.png", f"{s}/{n}.png") for s in ("train", "val") for n in "ab"))
            | {"masks/val/a.png": MASK[:50]}
        ),
        of("train/a", "train/b", "val/b") | {"val/a": Row(refused="masks/val/a.png")},
        codes=("split_by_folder", "not_used"),
    ),
    Case(
        "val without any mask",
        lambda: sets(*((f"train/{n}.png", f"train/{n}.png") for n in "ab")) | {"images/val/c.png": png_picture()},
        of("a", "b") | {"c": Row(refused="no mask")},
        codes=("not_used",),
    ),
    Case(
        "files that take no part",
        lambda: together(
            ("images/a.png", "masks/a.png"),
            ("images/b.png", "masks/b.png"),
            **{
                "README.md": b"# Ships",
                "images/Thumbs.db": b"x",
                "__MACOSX/images/._a.png": b"x",
                ".DS_Store": b"x",
                "images/a.png.aux.xml": b"<PAMDataset></PAMDataset>",
                "style.qml": b"<qgis></qgis>",
                "notes.txt": b"hello",
                "meta.json": b'{"licence": "CC0"}',
            },
        ),
        of("a", "b"),
        images="set.zip",
    ),
    Case(
        "unrelated files among the images",
        lambda: (
            sets(("a.png", "a.png"), ("b.png", "b.png"))
            | {
                "images/report.pdf": b"%PDF-1.4",
                "images/run.py": b"print()",
                "images/x.csv": b"a,b\n",
                "images/LICENSE": b"MIT",
            }
        ),
        of("a", "b"),
        codes=("format_unsupported",),
    ),
    Case(
        "an image without a mask and a mask without an image",
        lambda: (
            sets(("a.png", "a.png"), ("b.png", "b.png")) | {"images/only.png": png_picture(), "masks/other.png": MASK}
        ),
        of("a", "b") | {"only": Row(refused="no mask"), "masks/other.png": Row(refused="no image")},
        codes=("not_used", "not_used"),
    ),
    Case(
        "pairs by hand",
        lambda: sets(("a.png", "x7.png"), ("b.png", "q9.png")),
        of("a", "b", codes=("paired_by_hand",)),
        ("--pair", "a.png=x7.png", "--pair", "b.png=q9.png"),
    ),
    Case(
        "pairs by hand, against the names",
        lambda: pngs(squares(), squares(places=((5, 6),))),
        {
            "a": Row({"background": 1975, "object": (25, 1)}, codes=("paired_by_hand",)),
            "b": Row(codes=("paired_by_hand",)),
        },
        ("--pair", "a.png=b.png", "--pair", "b.png=a.png"),
    ),
    Case(
        "a scene is left out by the name of its image",
        lambda: pngs(squares(), squares(), squares()),
        of("a", "c") | {"b": Row(refused="left out by choice")},
        ("--leave-out", "b.png"),
        codes=("not_used",),
    ),
    Case(
        "one mask as a file",
        lambda: {"images/a.png": png_picture(), "label.png": MASK},
        of("a", codes=("paired_by_hand",)),
        ("--pair", "a.png=label.png"),
        masks="label.png",
        codes=("single_scene",),
    ),
    Case(
        "one mask of the image's name as a file",
        lambda: {"images/a.png": png_picture(), "a_mask.png": MASK},
        of("a"),
        masks="a_mask.png",
        codes=("single_scene",),
    ),
    Case(
        "one image and its mask, as files",
        lambda: {
            "a.tif": geotiff(squares()[None].repeat(3, 0) * np.uint8(90) + png_noise()),
            "a_mask.tif": geotiff(squares()[None]),
        },
        of("a"),
        images="a.tif",
        masks="a_mask.tif",
        codes=("single_scene",),
    ),
    Case(
        "a zip inside the folder of images",
        lambda: {
            "images/part.zip": together(("images/a.png", "masks/a.png"), ("images/b.png", "masks/b.png"))["set.zip"]
        },
        of("a", "b"),
    ),
    Case(
        "zips of images and of masks in one folder",
        lambda: {
            "images/images.zip": zipped({f"{n}.png": png_picture() for n in "ab"}),
            "images/masks.zip": zipped({f"{n}.png": MASK for n in "ab"}),
        },
        of("a", "b"),
    ),
    Case(
        "a zip of images and a zip of masks",
        lambda: {
            "images.zip": zipped({f"{n}.png": png_picture() for n in "ab"}),
            "masks.zip": zipped({f"{n}.png": MASK for n in "ab"}),
        },
        of("a", "b"),
        images="images.zip",
        masks="masks.zip",
    ),
    Case(
        "a large mask that packs well",
        large_and_sparse,
        {"s": Row({"background": 8_999_951, "object": (49, 1)})},
        images="set.zip",
        codes=("single_scene", "no_foreground"),
    ),
    Case(
        "a name with control characters is shown escaped",
        lambda: together(
            ("images/a.png", "masks/a.png"), ("images/b.png", "masks/b.png"), **{"images/c\u202e.png": png_picture()}
        ),
        of("a", "b") | {"images/c\\u202e.png": Row(refused="control or invisible")},
        images="set.zip",
    ),
    Case(
        "a path that leads out of the zip",
        lambda: together(
            ("images/a.png", "masks/a.png"), ("images/b.png", "masks/b.png"), **{"../c.png": png_picture()}
        ),
        of("a", "b") | {"../c.png": Row(refused="out of its folder")},
        images="set.zip",
    ),
    Case(
        "nothing that pairs",
        lambda: {
            "images/a.png": png_picture(),
            "images/b.png": png_picture(1),
            "masks/x.png": MASK,
            "masks/y.png": MASK,
        },
        {
            "a": Row(refused="no mask"),
            "b": Row(refused="no mask"),
            "x.png": Row(refused="no image"),
            "y.png": Row(refused="no image"),
        },
        classes=(),
        codes=("cannot_train",),
        code=2,
    ),
)


def png_noise():
    from tests.cli.inspecting import picture

    return picture() // 4


@table(*CASES)
def test_files_are_paired(case, tmp_path, capsys):
    check(case, tmp_path, capsys)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--pair", "a.png=nowhere.png"), "nowhere.png"),
        (("--pair", "a.png"), "is not LEFT=RIGHT"),
        (("--colours", "object=red"), "is not a colour"),
        (("--names", "3"), "is not LEFT=RIGHT"),
        (("--smoothed", "third"), "invalid choice"),
        (("--min-area", "0"), "above zero"),
        (("--area", "nowhere.geojson"), "neither a file nor"),
        (("--area", "a=1,2,3"), "is no area"),
        (("--area", "z=0,0,5,5"), "no scene is named z"),
        (("--leave-out", "b,z"), "no scene is named z"),
    ],
)
def test_a_choice_that_cannot_be_is_one_line_and_exit_code_2(options, said, tmp_path, capsys):
    write(tmp_path, pngs(squares(), squares()))
    try:
        code = main(["inspect", "--images", str(tmp_path / "images"), "--masks", str(tmp_path / "masks"), *options])
    except SystemExit as ended:
        code = ended.code
    error = capsys.readouterr().err
    assert code == 2
    assert said in error
    assert error.count("\n") == 1


def test_the_table_says_what_the_json_says(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    write(tmp_path, pngs(squares(), squares(255), squares()) | {"images/[d].png": png_picture()})
    assert main(["inspect", "--images", str(tmp_path / "images"), "--masks", str(tmp_path / "masks")]) == 0
    printed = capsys.readouterr().out
    for part in (
        "object: 50 (2)",
        "50×40×3",
        "[d]",
        "refused: no mask has a matching name",
        "mixed_values: 255 is the",
    ):
        assert part in printed


def test_masks_of_names_with_folders_are_written_into_folders(tmp_path, capsys):
    write(tmp_path, sets(("train/a.png", "train/a.png"), ("val/a.png", "val/a.png")))
    inspect(tmp_path, capsys, "--write-masks", str(tmp_path / "out"))
    assert sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")) == [
        "train/a.png",
        "val/a.png",
    ]
