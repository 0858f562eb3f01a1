"""``inspect`` on values of masks and images: what each is taken for, and what one choice makes of it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from tests.cli.inspecting import (
    HEIGHT,
    WIDTH,
    Case,
    Row,
    both,
    check,
    picture,
    pictures,
    png_picture,
    pngs,
    squares,
    table,
)  # fmt: skip
from tests.imagery.encoders import geotiff, palette_png, png
from tests.imagery.encoders import picture as encoded

SWAPPED = {"background": 50, "object": (1950, 1)}
NOTHING = {"background": 2000, "object": (0, 0)}


def two(mask):
    return lambda: pngs(mask, mask)


def smoothed(low=0, high=255):
    """Squares whose outermost ring lies halfway."""
    index = squares(high, ground=low)
    half = (high + low + 1) // 2
    for row, column in ((5, 6), (20, 30)):
        ring = np.ones((5, 5), bool)
        ring[1:-1, 1:-1] = False
        index[row : row + 5, column : column + 5][ring] = half
    return index


def shrunk(filter_):
    """Squares that were drawn tenfold, and a little larger than the pixels, and shrunk with a filter."""
    large = squares(255, height=10 * HEIGHT, width=10 * WIDTH, places=((50, 60), (200, 300)), size=53)
    return np.array(Image.fromarray(large).resize((WIDTH, HEIGHT), filter_))


def instances(count=12, dtype="uint16", step=1):
    places = [(2 + 9 * (n // 5), 2 + 9 * (n % 5)) for n in range(count)]
    return squares([step * (n + 1) for n in range(count)], dtype=dtype, places=places)


def coloured(index, colours):
    return np.array(colours, np.uint8)[index]


def void_bordered(colour):
    """Squares of class 1 with a border of one pixel of class 2."""
    index = squares(2, places=((4, 5), (19, 29)), size=7)
    index[squares() == 1] = 1
    return coloured(index, [(0, 0, 0), (128, 0, 0), colour])


def nodata_mask(dtype="float32", nodata=-9999, value=1):
    return lambda: (
        pictures("a", "b")
        | {
            f"masks/{name}.tif": geotiff(squares(value, dtype=dtype, ground=nodata)[None], nodata=nodata)
            for name in "ab"
        }
    )


def with_fill(value, dtype, tag=None, scale=1.0, width=10):
    def files():
        made = {}
        for name, seed in (("a", 0), ("b", 1)):
            image = (picture(seed).astype("float64") * scale).astype(dtype)
            image[:, :, :width] = value
            made[f"images/{name}.tif"] = geotiff(image, nodata=tag)
            made[f"masks/{name}.png"] = png(squares(places=((5, 20), (20, 30))))
        return made

    return files


def roofs():
    """Bright roofs of (255, 240, 230), where nodata is 255."""
    image = picture()
    for band, value in enumerate((255, 240, 230)):
        image[band][squares() == 1] = value
    image[:, -1, :] = 255
    return {f"images/{name}.tif": geotiff(image, nodata=255) for name in "ab"} | {
        f"masks/{name}.png": png(squares()) for name in "ab"
    }


def one_bit():
    files = {f"images/{name}.png": png_picture(seed) for seed, name in enumerate("ab")}
    return files | {f"masks/{name}.tif": geotiff(squares()[None], nbits=1, crs=None) for name in "ab"}


NO_DATA = Row({"background": 1550, "object": (50, 2)}, 400)
FILL = Row({"background": 1550, "object": (50, 2)}, 400, ("fill_value",))
CASES = (
    Case("0 and 1", two(squares()), both(Row(size=(50, 40, 3)))),
    Case("0 and 255 is black and white", two(squares(255)), both(Row())),
    Case("a boolean TIFF of one bit", one_bit, both(Row())),
    Case("a mask of 16 bits", two(squares(dtype="uint16")), both(Row())),
    Case(
        "background 2, object 1: asked about",
        two(squares(ground=2)),
        both(Row({"background": 0, "class 1": (50, 2), "class 2": (1950, 1)}, codes=("no_background",))),
        classes=("background", "class 1", "class 2"),
        codes=("no_background",),
    ),
    Case("background 2, chosen", two(squares(ground=2)), both(Row()), ("--background", "2")),
    Case(
        "masks 1 and 2: either may be the background",
        two(squares(2, ground=1)),
        both(Row({"background": 1950, "class 2": (50, 2)})),
        ("--background", "1"),
        ("background", "class 2"),
    ),
    Case(
        "background 7 of three values",
        two(squares((3, 5), ground=7)),
        both(Row({"background": 1950, "class 3": (25, 1), "class 5": (25, 1)})),
        ("--background", "7"),
        ("background", "class 3", "class 5"),
    ),
    Case(
        "black objects on white",
        two(squares(0, ground=255)),
        both(Row(SWAPPED, codes=("foreground_covers_most",))),
        codes=("foreground_covers_most",),
    ),
    Case("black objects on white, swapped", two(squares(0, ground=255)), both(Row()), ("--swap",)),
    Case("0 objects on 1, swapped", two(squares(0, ground=1)), both(Row()), ("--swap",)),
    Case(
        "names, merged and ignored",
        two(squares((3, 5))),
        both(Row({"background": 1950, "car": (50, 2)})),
        ("--names", "3=car,5=car"),
        ("background", "car"),
    ),
    Case(
        "a value named ignore",
        two(squares((3, 5))),
        both(Row({"background": 1950, "car": (25, 1)}, 25)),
        ("--names", "3=car,5=ignore"),
        ("background", "car"),
    ),
    Case(
        "a value named background",
        two(squares((3, 5))),
        both(Row({"background": 1975, "car": (25, 1)})),
        ("--names", "3=car,5=background"),
        ("background", "car"),
    ),
    Case(
        "a value ignored",
        two(squares((3, 5))),
        both(Row({"background": 1950, "class 3": (25, 1)}, 25)),
        ("--ignore", "5"),
        ("background", "class 3"),
    ),
    Case(
        "a choice for a value that is nowhere",
        two(squares((3, 5))),
        both(Row(refused="no mask holds the value 9")),
        ("--ignore", "9"),
        (),
        ("cannot_train",),
        code=2,
    ),
    # 255
    Case(
        "255 beside ids is ignored",
        two(squares((3, 255))),
        both(Row({"background": 1950, "class 3": (25, 1)}, 25)),
        classes=("background", "class 3"),
    ),
    Case(
        "255 beside ids is a class where it is named",
        two(squares((3, 255))),
        both(Row({"background": 1950, "class 3": (25, 1), "cloud": (25, 1)})),
        ("--names", "255=cloud"),
        ("background", "class 3", "cloud"),
    ),
    Case(
        "tiles of nothing but ignored pixels decide nothing",
        lambda: pngs(squares((1, 255)), squares((255, 255)), squares((255, 255)), squares((255, 255))),
        {"a": Row({"background": 1950, "object": (25, 1)}, 25)}
        | dict.fromkeys("bcd", Row({"background": 1950, "object": (0, 0)}, 50, ("mixed_values",))),
        codes=("mixed_values", "no_foreground"),
    ),
    Case(
        "0/1 beside 0/255",
        lambda: pngs(squares(), squares(255), squares(255)),
        {"a": Row(), "b": Row(codes=("mixed_values",)), "c": Row(codes=("mixed_values",))},
        codes=("mixed_values",),
    ),
    Case(
        "0/1 beside 0/255, where 255 is chosen to be ignored",
        lambda: pngs(squares(), squares(255), squares()),
        {"a": Row(), "b": Row({"background": 1950, "object": (0, 0)}, 50, ("mixed_values",)), "c": Row()},
        ("--ignore", "255"),
        codes=("mixed_values",),
    ),
    Case(
        "a mask that is empty beside 0/255",
        lambda: pngs(squares(255), squares(0)),
        {"a": Row(), "b": Row(NOTHING)},
        codes=("no_foreground",),
    ),
    # Nodata of masks
    Case(
        "nodata around objects is the background",
        nodata_mask(),
        both(Row(codes=("nodata_as_background",))),
        codes=("nodata_as_background",),
    ),
    Case(
        "nodata 255 around objects is the background",
        nodata_mask("uint8", 255),
        both(Row(codes=("nodata_as_background",))),
        codes=("nodata_as_background",),
    ),
    Case(
        "nodata NaN around objects is the background",
        nodata_mask("float32", float("nan")),
        both(Row(codes=("nodata_as_background",))),
        codes=("nodata_as_background",),
    ),
    Case("nodata 0 is the background", nodata_mask("uint8", 0), both(Row())),
    Case(
        "nodata ignored by choice leaves no background",
        nodata_mask(),
        both(Row({"background": 0, "object": (50, 2)}, 1950, ("no_background",))),
        ("--ignore", "nodata"),
        codes=("no_background", "cannot_train"),
    ),
    Case(
        "nodata beside a background is ignored",
        lambda: (
            pictures("a", "b") | {f"masks/{name}.tif": geotiff(squares((1, 255))[None], nodata=255) for name in "ab"}
        ),
        both(Row({"background": 1950, "object": (25, 1)}, 25)),
    ),
    # Colours
    Case(
        "a void border of VOC is ignored",
        two(void_bordered((224, 224, 192))),
        both(Row({"background": 1902, "#800000": (50, 2)}, 48, ("void_colour",))),
        classes=("background", "#800000"),
        codes=("void_colour",),
    ),
    Case(
        "a white border is ignored",
        two(void_bordered((255, 255, 255))),
        both(Row({"background": 1902, "#800000": (50, 2)}, 48, ("void_colour",))),
        classes=("background", "#800000"),
        codes=("void_colour",),
    ),
    Case(
        "a white area beside a colour is a class",
        two(coloured(squares((1, 2)), [(0, 0, 0), (255, 0, 0), (255, 255, 255)])),
        both(Row({"background": 1950, "#ff0000": (25, 1), "#ffffff": (25, 1)})),
        classes=("background", "#ff0000", "#ffffff"),
    ),
    Case(
        "colours with names",
        two(coloured(squares((1, 2)), [(9, 9, 9), (255, 0, 0), (0, 0, 255)])),
        both(Row({"background": 1950, "water": (25, 1), "roof": (25, 1)})),
        ("--names", "#FF0000=roof,#0000ff=water", "--background", "#090909"),
        ("background", "water", "roof"),
    ),
    Case(
        "a palette",
        lambda: (
            pngs(squares(), squares())
            | {
                f"masks/{name}.png": palette_png(squares((1, 2)), [(0, 0, 0), (255, 0, 0), (0, 255, 0)])
                for name in "ab"
            }
        ),
        both(Row({"background": 1950, "class 1": (25, 1), "class 2": (25, 1)})),
        classes=("background", "class 1", "class 2"),
    ),
    Case(
        "a palette of VOC with 255 as border",
        lambda: (
            pngs(squares(), squares())
            | {
                f"masks/{name}.png": palette_png(
                    squares((15, 255)),
                    [(n * 7 % 256, n * 5 % 256, n * 3 % 256) for n in range(255)] + [(224, 224, 192)],
                )
                for name in "ab"
            }
        ),
        both(Row({"background": 1950, "class 15": (25, 1)}, 25)),
        classes=("background", "class 15"),
    ),
    # Smoothed edges
    Case(
        "smoothed edges are noted",
        two(smoothed()),
        both(
            Row(
                {"background": 1950, "class 128": (32, 2)},
                18,
                ("smoothed_mask",),
                said=("--smoothed half",),
            )
        ),
        classes=("background", "class 128"),
        codes=("smoothed_mask",),
    ),
    Case(
        "smoothed edges of many values",
        two(shrunk(Image.Resampling.LANCZOS)),
        both(Row(refused="they look smoothed", codes=("smoothed_mask",))),
        classes=(),
        codes=("smoothed_mask", "cannot_train"),
        code=2,
    ),
    Case(
        "smoothed edges of many values at half",
        two(shrunk(Image.Resampling.LANCZOS)),
        both(Row(codes=("smoothed_mask",))),
        ("--smoothed", "half"),
        codes=("smoothed_mask",),
    ),
    Case(
        "smoothed edges at half",
        two(smoothed()),
        both(Row(codes=("smoothed_mask",))),
        ("--smoothed", "half"),
        codes=("smoothed_mask",),
    ),
    Case(
        "a JPEG is smoothed",
        lambda: (
            pngs(squares(), squares())
            | {f"masks/{name}.png": encoded(image_of(squares(255)), "JPEG", quality=95) for name in "ab"}
        ),
        both(Row(codes=("smoothed_mask",))),
        ("--smoothed", "half"),
        codes=("smoothed_mask",),
    ),
    # Instances, and many classes
    Case(
        "19 classes and 255 beyond the limit",
        two(np.repeat(np.array([*range(19), 255], "uint8"), 2)[:, None].repeat(WIDTH, 1)),
        both(Row(refused="19 classes, at most 16 (EXPLORER_MAX_CLASSES)")),
        classes=(),
        codes=("cannot_train",),
        code=2,
    ),
    Case(
        "instance ids beyond the limit of classes",
        two(instances(18)),
        both(Row({"background": 1550, "object": (450, 18)}, codes=("instance_ids",))),
        codes=("instance_ids", "match_rule"),
    ),
    Case(
        "instance ids of 16 bits, far apart",
        two(instances(18, step=1000)),
        both(Row({"background": 1550, "object": (450, 18)}, codes=("instance_ids",))),
        codes=("instance_ids", "match_rule"),
    ),
    Case(
        "twelve instance ids, by choice",
        two(instances(12)),
        both(Row({"background": 1700, "object": (300, 12)}, codes=("instance_ids",))),
        ("--instances",),
        codes=("instance_ids", "match_rule"),
    ),
    Case(
        "instance ids that touch stay apart",
        two(squares((1, 2, 3, 4), places=((5, 5), (5, 10), (10, 5), (10, 10)))),
        both(Row({"background": 1900, "object": (100, 4)}, codes=("instance_ids",))),
        ("--instances",),
        codes=("instance_ids",),
    ),
    Case(
        "a colour per object",
        two(coloured(instances(18), [(0, 0, 0)] + [(n * 13 % 256, n * 29 % 256, 200) for n in range(18)])),
        both(Row({"background": 1550, "object": (450, 18)}, codes=("instance_ids",))),
        codes=("instance_ids", "match_rule"),
    ),
    # Values of images
    Case("-9999 without a tag", with_fill(-9999, "float32", scale=0.004), both(FILL)),
    Case("0 border of 16 bits", with_fill(0, "uint16", scale=50), both(FILL)),
    Case("65535 border", with_fill(65535, "uint16", scale=10), both(FILL)),
    Case("-32768 border", with_fill(-32768, "int16", scale=10), both(FILL)),
    Case("a declared NaN", with_fill(np.nan, "float32", tag=np.nan), both(NO_DATA)),
    Case("a NaN without a tag", with_fill(np.nan, "float32"), both(NO_DATA)),
    Case("a fill value is kept by choice", with_fill(-9999, "float32", scale=0.004), both(Row()), ("--keep-fill",)),
    Case("nodata in one band only", roofs, both(Row({"background": 1900, "object": (50, 2)}, 50))),
    Case(
        "one grey picture among others",
        lambda: pngs(squares(), squares(), squares()) | {"images/b.png": png(picture()[0])},
        {"a": Row(), "b": Row(refused="1 band, most images have 3"), "c": Row()},
        codes=("not_used",),
    ),
    Case(
        "brightness that differs, and a stretch for each scene",
        lambda: pngs(squares(), squares(), squares()) | {"images/b.png": png((picture() // 6).transpose(1, 2, 0))},
        {"a": Row(), "b": Row(), "c": Row()},
        codes=("brightness_differs",),
    ),
    Case(
        "a stretch for each scene",
        lambda: pngs(squares(), squares(), squares()) | {"images/b.png": png((picture() // 6).transpose(1, 2, 0))},
        dict.fromkeys("abc", Row(codes=("stretch_per_scene",))),
        ("--stretch", "scene"),
    ),
    # Objects
    Case(
        "objects below the minimum area",
        two(squares(size=3)),
        both(Row({"background": 1982, "object": (18, 2)})),
        ("--min-area", "10"),
        codes=("below_minimum_area",),
    ),
    Case("small objects set the minimum area", two(squares(size=2)), both(Row({"background": 1992, "object": (8, 2)}))),
    # Files that are refused
    Case(
        "a broken mask loses only its row",
        lambda: pngs(squares(), squares(), squares()) | {"masks/b.png": png(squares())[:60]},
        {"a": Row(), "b": Row(refused="masks/b.png"), "c": Row()},
        codes=("not_used",),
    ),
    Case(
        "a scene is left out by choice",
        lambda: pngs(squares(), squares(), squares()),
        {"a": Row(), "b": Row(refused="left out by choice"), "c": Row()},
        ("--leave-out", "b"),
        codes=("not_used",),
    ),
    Case(
        "an area of interest in pixels",
        two(squares()),
        {"a": Row({"background": 175, "object": (25, 1)}, 1800, ("area_of_interest",)), "b": Row()},
        ("--area", "a=0,0,20,0,20,10,0,10"),
    ),
    Case(
        "nothing but empty masks",
        two(squares(0)),
        both(Row(NOTHING)),
        codes=("cannot_train",),
    ),
)


def image_of(index):
    from PIL import Image

    return Image.fromarray(index)


@table(*CASES)
def test_values_are_read_as(case, tmp_path, capsys):
    check(case, tmp_path, capsys)
