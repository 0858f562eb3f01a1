"""Uploads in a real browser: a reload keeps them, a folder keeps its names, and what was used is gone."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import settled
from tests.browser.test_newcomer import pair


def test_reload_keeps_an_upload_until_it_is_used(page: Page, address: str) -> None:
    (north, north_mask), (south, south_mask) = pair("north", 1), pair("south", 2)
    page.goto(f"{address}/imagery?source=Upload")
    settled(page)
    uploaders = page.get_by_test_id("stFileUploaderDropzoneInput")
    uploaders.last.set_input_files([north_mask, south_mask])
    expect(page.get_by_text("The masks are kept. Now add their images.")).to_be_visible()
    expect(page).to_have_url(re.compile(r"[?&]upload=[\w-]{22}"))

    page.reload()
    settled(page)
    expect(page.get_by_text("2 files uploaded before")).to_be_visible()
    uploaders.first.set_input_files([north])
    expect(page.get_by_text("1 of 2 rows used")).to_be_visible()
    settled(page)
    uploaders.first.set_input_files([south])
    expect(page.get_by_text("2 of 2 rows used")).to_be_visible()

    page.reload()
    settled(page)
    expect(page.get_by_text("2 of 2 rows used")).to_be_visible()
    page.get_by_role("button", name="Use this dataset").click()
    expect(page.get_by_text("is saved and chosen for training")).to_be_visible()
    expect(page).not_to_have_url(re.compile("upload="))
    page.reload()
    settled(page)
    expect(page.get_by_text("Choose images and their masks")).to_be_visible()


def test_a_folder_gives_its_name_to_the_dataset(page: Page, address: str, tmp_path: Path) -> None:
    for name, seed in (("north", 3), ("south", 4)):
        for side, file in zip(("images", "masks"), pair(name, seed), strict=True):
            (tmp_path / "quay" / side).mkdir(parents=True, exist_ok=True)
            (tmp_path / "quay" / side / f"{name}.png").write_bytes(file["buffer"])
    page.goto(f"{address}/imagery?source=Upload")
    settled(page)
    page.get_by_text("A folder", exact=True).click()
    expect(page.get_by_text("Folder of images, or of images and masks")).to_be_visible()
    settled(page)
    page.get_by_test_id("stFileUploaderDropzoneInput").first.set_input_files(tmp_path / "quay")
    expect(page.get_by_text("2 of 2 rows used")).to_be_visible()
    expect(page.get_by_role("heading", name="quay")).to_be_visible()
