"""What is decoded of an upload is kept on the disk, and read again only where its files or their readers change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from explorer.errors import InputError
from explorer.imagery.archive import load_dataset
from explorer.imagery.choices import ReadingChoices
from explorer.runs.array_file import ArrayFile
from explorer.runs.upload_reading import UploadToRead, place_areas, read_upload
from explorer.runs.uploads import Uploads
from explorer.settings import Settings
from tests.imagery.encoders import geotiff, png
from tests.imagery.reading.hostile_files import hostile_uploads

SIDE = 32


def mask() -> np.ndarray:
    found = np.zeros((SIDE, SIDE), np.uint8)
    found[4:12, 4:20] = 1
    return found


@pytest.fixture
def upload(tmp_path: Path) -> UploadToRead:
    image = geotiff(np.random.default_rng(0).integers(0, 255, (3, SIDE, SIDE), dtype=np.uint8))
    files = [("a.tif", image), ("a_mask.png", png(mask())), ("b.tif", image), ("b_mask.png", png(mask())),
             ("c.png", png(mask()))]  # fmt: skip
    uploads = Uploads(tmp_path)
    token = uploads.begin()
    uploads.add(token, "images", files)
    kept = uploads.kept_files(token, "images")
    return UploadToRead(uploads.decoded(token), kept, {}, "ports", ReadingChoices(), Settings())


def opened(upload: UploadToRead, **choices: object) -> tuple[list[str], object]:
    """Files that were opened, and what was read, with these choices."""
    seen: list[str] = []
    chosen = ReadingChoices.model_validate(choices)
    asked = UploadToRead(upload.folder, upload.images, upload.masks, upload.name, chosen, upload.limits)
    return seen, read_upload(asked, {}, seen.append)


def test_a_choice_about_values_opens_no_file_again(upload: UploadToRead) -> None:
    seen, first = opened(upload)
    assert {"a.tif", "a_mask.png", "c.png"} <= set(seen)
    again, swapped = opened(upload, swap=True)
    assert again == [""]
    plain, other = (load_dataset(found.dataset, mapped=True) for found in (first, swapped))
    assert plain.name == "ports"
    for scene, turned in zip(plain.scenes, other.scenes, strict=True):
        np.testing.assert_array_equal(scene.image, turned.image)
        np.testing.assert_array_equal(scene.label, 1 - turned.label)
    seen, _ = opened(upload, keep_fill=True)
    assert "a.tif" in seen, "readers are told something else"


def test_the_page_gets_no_pixels_but_thumbnails(upload: UploadToRead) -> None:
    _, found = opened(upload)
    assert all(report.row.raster is None and report.row.mask is None for report in found.reading.reports)
    assert found.reading.dataset is None
    assert all(report.scene.image.size == 0 for report in found.reading.reports if report.scene is not None)
    assert [bool(example) for example in found.examples] == [True, True]
    assert set(found.looks) == {"c.png"}


def test_files_that_are_refused_are_not_opened(upload: UploadToRead) -> None:
    seen: list[str] = []
    found = read_upload(upload, {"a.tif": "makes the reader crash"}, seen.append)
    assert "a.tif" not in seen
    reasons = [report.reason.split(" —")[0] for report in found.reading.reports]
    assert "a.tif: makes the reader crash" in reasons


def test_areas_are_placed_without_decoding_the_images_again(upload: UploadToRead) -> None:
    read_upload(upload, {}, lambda _: None)
    seen: list[str] = []
    with pytest.raises(InputError, match=r"areas\.geojson"):
        place_areas(upload, b"{}", "areas.geojson", {}, seen.append)
    assert seen == ["areas.geojson"]


def test_an_upload_that_is_gone_is_said(upload: UploadToRead) -> None:
    asked = UploadToRead(upload.folder.parent / "x" / "y", {}, {}, "", ReadingChoices(), Settings())
    with pytest.raises(InputError, match="no such upload"):
        read_upload(asked, {}, lambda _: None)


def test_arrays_in_a_file_are_found_again_with_their_views(tmp_path: Path) -> None:
    held = ArrayFile(tmp_path / "arrays", 1 << 20)
    first = held.keep(np.arange(12, dtype=np.uint16).reshape(3, 4))
    second = held.keep(np.ones((5, 5)))
    outside = held.keep(np.zeros(1 << 21, np.uint8))
    assert not first.flags.writeable
    assert outside.flags.writeable, "the file is full"
    value = {"first": first, "part": first[1:, ::2], "second": second, "outside": np.arange(3)}
    with (tmp_path / "value").open("wb") as file:
        held.dump(value, file)
    held.trim()
    assert (tmp_path / "arrays").stat().st_size < 1000
    with (tmp_path / "value").open("rb") as file:
        found = ArrayFile(tmp_path / "arrays", 0).load(file)
    for name, array in value.items():
        np.testing.assert_array_equal(found[name], array)


def test_an_upload_of_which_nothing_is_read_leaves_nothing_decoded(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    token = uploads.begin()
    uploads.add(token, "images", dict(hostile_uploads())["a zip that declares 4 GB"].items())
    asked = UploadToRead(
        uploads.decoded(token), uploads.kept_files(token, "images"), {}, "ports", ReadingChoices(), Settings()
    )
    with pytest.raises(InputError):
        read_upload(asked, {}, lambda _: None)
    assert not [path for path in asked.folder.rglob("*") if path.is_file() and path.name != "lock"]
