"""Images of an upload without labels: side files go along, zips are opened, and what cannot be read has its reason."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.errors import InputError
from explorer.imagery.scene import GeoReference
from explorer.runs.decoded_image import DecodedImage, load_raster
from explorer.runs.image_reading import ImagesToRead, read_images
from explorer.settings import Settings

WORLD = b"10\n0\n0\n-10\n500005\n3999995\n"


def png(value: int, side: int = 8) -> bytes:
    content = io.BytesIO()
    pixels = np.full((side, side), value, np.uint8)
    pixels[0, 0] += 1
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def upload(folder: Path, files: Mapping[str, bytes], **limits: int) -> ImagesToRead:
    paths = {}
    for number, (name, content) in enumerate(files.items()):
        paths[name] = folder / str(number)
        paths[name].write_bytes(content)
    return ImagesToRead(folder / "decoded", paths, False, Settings(**limits))


def read(images: ImagesToRead, refused: Mapping[str, str] | None = None) -> dict[str, DecodedImage]:
    return {image.name: image for image in read_images(images, refused or {}, lambda _: None)}


def test_side_files_belong_to_their_image_and_others_say_why_not(tmp_path: Path) -> None:
    found = read(upload(tmp_path, {"a.png": png(40), "a.pgw": WORLD, "b.txt": b"no image"}))
    assert set(found) == {"a.png", "b.txt"}
    assert (found["b.txt"].file, found["b.txt"].reason) == (None, "not a PNG, JPEG or TIFF file")
    assert found["b.txt"].remedy == "save the image as PNG or TIFF"
    image = found["a.png"]
    assert (image.size, image.data_type, image.notes[0].code) == ((8, 8), "uint8", "world_file")
    assert image.file is not None
    raster = load_raster(image.file)
    assert raster.georeference == GeoReference(None, (10.0, 0.0, 500_000.0, 0.0, -10.0, 4_000_000.0))
    assert raster.image[0, 1:].max() == 40
    assert not raster.image.flags.writeable


def test_zips_are_opened_and_read_once(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("tiles/a.png", png(40))
        archive.writestr("tiles/b.png", png(50))
    images = upload(tmp_path, {"tiles.zip": content.getvalue()})
    found = read(images)
    assert set(found) == {"tiles/a.png", "tiles/b.png"}
    (tmp_path / "0").unlink()
    assert read(images) == found, "from what was decoded"


def test_refused_files_and_what_is_too_much_once_decoded_are_left_out(tmp_path: Path) -> None:
    files = {"a.png": png(40), "b.png": png(50, 30), "c.png": png(60)}
    found = read(upload(tmp_path, files, max_total_decoded_bytes=1000), {"a.png": "makes the reader crash"})
    assert found["a.png"].reason == "makes the reader crash"
    assert "more than 0 MiB once decoded" in found["b.png"].reason
    assert found["b.png"].remedy == "upload less"
    assert found["c.png"].file is not None, "a large image takes no room from the others"


def test_an_upload_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such upload"):
        read(ImagesToRead(tmp_path / "gone" / "decoded", {}, False, Settings()))
    with pytest.raises(InputError, match="no longer there"):
        load_raster(tmp_path / "gone.npz")
