"""``inspect`` on masks whose grid is not their image's: warped, scaled or turned, and said so; or refused."""

from __future__ import annotations

import io

import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from rasterio.transform import from_origin
from rasterio.warp import calculate_default_transform, reproject

from tests.cli.inspecting import (
    HEIGHT,
    WIDTH,
    Case,
    Row,
    both,
    check,
    inspect,
    picture,
    pictures,
    png_picture,
    squares,
    table,
    write,
)  # fmt: skip
from tests.imagery.encoders import geotiff, png, tiff, tiff_with_control_points, zipped

UTM, WEST, NORTH = "EPSG:32616", 500_000.0, 3_700_000.0
SOUTH_UP = Affine(1, 0, WEST, 0, 1, NORTH - HEIGHT)
TURNED = Affine.translation(WEST, NORTH) * Affine.rotation(-30) * Affine.scale(1, -1)
SHIFTED = 5  # px by which the masks lie east of their images


def masks(array, **options):
    """Two images and this mask of both."""
    return lambda: pictures("a", "b") | {f"masks/{name}.tif": geotiff(array[None], **options) for name in "ab"}


def from_above(*, crs=UTM, transform=None, shift=0.0):
    """Images and masks on one rotated grid; the masks begin some columns further."""
    place = transform * Affine.translation(shift, 0)
    return lambda: {
        f"{folder}/{name}.tif": tiff(array, crs=crs, transform=grid)
        for name in "ab"
        for folder, array, grid in (("images", picture(), transform), ("masks", squares()[None], place))
    }


def turned_photos(orientation, unturned_mask):
    """Photos with Exif data; the mask is drawn as the photo is shown, and stored turned back if ``unturned_mask``."""

    def files():
        shown = Image.fromarray(picture().transpose(1, 2, 0))
        back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}[orientation]
        stored, exif, data = shown.transpose(back), Image.Exif(), io.BytesIO()
        exif[274] = orientation
        stored.save(data, "JPEG", exif=exif)
        mask = Image.fromarray(squares())
        mask = np.array(mask.transpose(back) if unturned_mask else mask)
        return {f"{folder}/{name}": content for name in "ab" for folder, name, content in
                (("images", f"{name}.jpg", data.getvalue()), ("masks", f"{name}.png", png(mask)))}  # fmt: skip

    return files


def in_degrees():
    """Masks in WGS 84 of images in UTM, warped by GDAL."""
    own = from_origin(WEST, NORTH, 1, 1)
    to, width, height = calculate_default_transform(
        UTM, "EPSG:4326", 90, 80, *(WEST - 20, NORTH - 60, WEST + 70, NORTH + 20)
    )
    large = np.zeros((80, 90), "uint8")
    large[20:60, 20:70] = squares()
    degrees = np.zeros((4 * height, 4 * width), "uint8")
    fine = to * Affine.scale(0.25)
    reproject(
        large,
        degrees,
        src_transform=own * Affine.translation(-20, -20),
        src_crs=UTM,
        dst_transform=fine,
        dst_crs="EPSG:4326",
    )
    return pictures("a", "b") | {f"masks/{n}.tif": tiff(degrees[None], crs="EPSG:4326", transform=fine) for n in "ab"}


def from_south(index):
    """The mask with its rows from the south, on the images' ground."""
    return tiff(index[::-1][None], crs=UTM, transform=SOUTH_UP)


def world_file(west=WEST + 0.5, north=NORTH - 0.5, pixel=1.0):
    return f"{pixel}\n0\n0\n{-pixel}\n{west}\n{north}\n"


def control_points(crs="EPSG:32633"):
    points = [
        (0, 0, WEST, NORTH),
        (50, 0, WEST + 50, NORTH),
        (0, 40, WEST, NORTH - 40),
        (50, 40, WEST + 50, NORTH - 40),
    ]
    return {f"images/{n}.tif": tiff_with_control_points(picture(), points, crs) for n in "ab"} | {
        f"masks/{n}.tif": geotiff(squares()[None], crs=crs) for n in "ab"
    }


FINE = np.kron(squares(), np.ones((2, 2), "uint8"))
COARSE = squares(size=4, places=((4, 6), (20, 30)))[::2, ::2]
PART = {"background": 1750, "object": (50, 2)}

CASES = (
    Case("the same grid", masks(squares()), both(Row())),
    Case("a tenth of a pixel off is the same grid", masks(squares(), west=WEST + 0.1), both(Row())),
    Case(
        "5 px east",
        masks(squares(), west=WEST + 5),
        both(Row(PART, 200, ("mask_reprojected",), said=("5.0 px east", "200 px"))),
    ),
    Case(
        "30 px north: one object is left",
        masks(squares(), north=NORTH + 30),
        both(Row({"background": 500, "object": (0, 0)}, 1500, ("mask_reprojected",), said=("30.0 px north",))),
        codes=("cannot_train",),
    ),
    Case(
        "30 px east in another system",
        lambda: (
            pictures("a", "b", crs="EPSG:3857", pixel=10.0, west=1e6, north=6e6)
            | {
                f"masks/{n}.tif": geotiff(squares()[None], crs="EPSG:3857", pixel=10.0, west=1e6 + 300, north=6e6)
                for n in "ab"
            }
        ),
        both(Row({"background": 775, "object": (25, 1)}, 1200, ("mask_reprojected",), said=("30.0 px east",))),
    ),
    Case(
        "twice the resolution",
        masks(FINE, pixel=0.5),
        both(Row(codes=("mask_reprojected",), said=("0.5×0.5 of the image's",))),
    ),
    Case(
        "half the resolution",
        masks(COARSE, pixel=2.0),
        both(Row({"background": 1968, "object": (32, 2)}, codes=("mask_reprojected",), said=("2×2 of the image's",))),
    ),
    Case(
        "a larger extent",
        lambda: (
            pictures("a", "b")
            | {f"masks/{n}.tif": geotiff(np.pad(squares(), 10)[None], west=WEST - 10, north=NORTH + 10) for n in "ab"}
        ),
        both(Row(codes=("mask_reprojected",))),
    ),
    Case(
        "rows from the south",
        lambda: pictures("a", "b") | {f"masks/{n}.tif": from_south(squares()) for n in "ab"},
        both(Row(codes=("mask_reprojected",), said=("rows run the other way",))),
    ),
    Case(
        "images with their rows from the south",
        lambda: (
            {f"images/{n}.tif": tiff(picture(), crs=UTM, transform=SOUTH_UP) for n in "ab"}
            | {f"masks/{n}.tif": geotiff(squares()[None]) for n in "ab"}
        ),
        both(Row(codes=("mask_reprojected",), said=("rows run the other way",))),
    ),
    Case(
        "a palette, 5 px east",
        masks(squares(), west=WEST + 5, colours={0: (0, 0, 0), 1: (255, 0, 0)}),
        both(Row(PART, 200, ("mask_reprojected",))),
    ),
    Case(
        "nodata that becomes background, 5 px east",
        masks(np.where(squares() == 1, 1, 255).astype("uint8"), west=WEST + 5, nodata=255),
        both(Row(PART, 200, ("mask_reprojected", "nodata_as_background"))),
        codes=("nodata_as_background",),
    ),
    Case("degrees", in_degrees, both(Row(codes=("mask_reprojected",), said=("EPSG:4326",)))),
    Case("one rotated grid", from_above(transform=TURNED), both(Row())),
    Case(
        "one rotated grid, 5 px on",
        from_above(transform=TURNED, shift=5),
        both(Row(PART, 200, ("mask_reprojected",), said=("5.0 px to the right",))),
    ),
    Case(
        "no overlap",
        lambda: masks(squares())() | {"masks/b.tif": geotiff(squares()[None], west=WEST + 1000)},
        {"a": Row(), "b": Row(refused="x 501000 to 501050")},
        codes=("not_used", "single_scene"),
    ),
    Case(
        "a mask without a coordinate system",
        masks(squares(), crs=None),
        both(Row(codes=("crs_assumed",))),
    ),
    Case(
        "a mask without georeference, twice the size",
        lambda: pictures("a", "b") | {f"masks/{n}.png": png(FINE) for n in "ab"},
        both(Row(codes=("mask_resampled",), said=("100×80", "50×40"))),
    ),
    Case(
        "a mask of another aspect",
        lambda: pictures("a", "b") | {"masks/a.png": png(squares()), "masks/b.png": png(squares(width=60))},
        {"a": Row(), "b": Row(refused="60×40")},
        codes=("not_used", "single_scene"),
    ),
    Case("ground control points", control_points, both(Row(codes=("ground_control_points",)))),
    Case(
        "world files on both sides",
        lambda: (
            {f"images/{n}.png": png_picture() for n in "ab"}
            | {f"images/{n}.pgw": world_file() for n in "ab"}
            | {f"masks/{n}.png": png(squares()) for n in "ab"}
            | {f"masks/{n}.pgw": world_file(WEST + 5.5) for n in "ab"}
        ),
        both(Row(PART, 200, ("world_file", "world_file", "mask_reprojected"))),
    ),
    Case(
        "world files in a zip",
        lambda: {
            "set.zip": zipped(
                {f"images/{n}.tif": tiff(picture()) for n in "ab"}
                | {f"images/{n}.tfw": world_file() for n in "ab"}
                | {f"masks/{n}.tif": png(squares()) for n in "ab"}
            )
        },
        both(Row(codes=("world_file",))),
        images="set.zip",
    ),
    Case("a quarter turn, mask drawn unturned", turned_photos(6, True), both(Row(codes=("mask_turned",)))),
    Case("a quarter turn back, mask drawn unturned", turned_photos(8, True), both(Row(codes=("mask_turned",)))),
    Case("a quarter turn, mask drawn as shown", turned_photos(6, False), both(Row())),
    Case("half a turn: asked about", turned_photos(3, False), both(Row(codes=("mask_may_be_turned",)))),
    Case("half a turn, by choice", turned_photos(3, True), both(Row(codes=("mask_turned",))), ("--turn-masks",)),
)


@table(*CASES)
def test_masks_are_laid_on_their_images(case, tmp_path, capsys):
    check(case, tmp_path, capsys)


def test_written_masks_lie_on_the_images_grid(tmp_path, capsys):
    """Five pixels further east, rows from the south, a quarter turn: each object is where it is in the image."""
    write(
        tmp_path,
        pictures("a", "b")
        | {"masks/a.tif": geotiff(squares(9)[None], west=WEST + 5), "masks/b.tif": from_south(squares(9))},
    )
    code, _ = inspect(tmp_path, capsys, "--write-masks", str(tmp_path / "out"))
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.tif", "b.tif"]
    moved = np.full((HEIGHT, WIDTH), 255, "uint8")
    moved[:, 5:] = squares()[:, :-5]
    for name, label in (("a", moved), ("b", squares())):
        with rasterio.open(tmp_path / "out" / f"{name}.tif") as file:
            np.testing.assert_array_equal(file.read(1), label)
            assert file.crs.to_epsg() == 32616
            assert file.transform == from_origin(WEST, NORTH, 1, 1)
            assert file.nodata == 255


def test_written_masks_without_georeference_are_png(tmp_path, capsys):
    write(tmp_path, {"images/west/a.jpg": turned_photos(6, True)()["images/a.jpg"], "images/b.png": png_picture()})
    write(tmp_path, {"masks/west/a.png": png(np.rot90(squares())), "masks/b.png": png(squares((1, 255)))})
    inspect(tmp_path, capsys, "--write-masks", str(tmp_path / "out"))
    files = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.*"))
    assert files == ["a.png", "b.png"]
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "out" / "a.png")), squares())
    np.testing.assert_array_equal(np.array(Image.open(tmp_path / "out" / "b.png")), squares((1, 255)))
