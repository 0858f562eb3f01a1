"""The Imagery page: built-in scenes at once, uploads of good and bad files, names, split, and handing over."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from explorer.ui import services

ROOT = Path(__file__).resolve().parents[2]
File = tuple[str, bytes, str]


@pytest.fixture
def page(open_page: Callable[[str], AppTest]) -> AppTest:
    return open_page("pages/imagery.py")


def png(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def pair(name: str, seed: int, size: int = 64) -> list[File]:
    """An image with three bright squares and its mask."""
    mask = np.zeros((size, size), np.uint8)
    for corner in (8, 28, 48):
        mask[corner : corner + 8, corner : corner + 8] = 255
    noise = np.random.default_rng(seed).integers(0, 100, (size, size, 3), dtype=np.uint8)
    image = np.where(mask[..., None] > 0, 200, noise).astype(np.uint8)
    return [(f"{name}.png", png(image), "image/png"), (f"{name}_mask.png", png(mask), "image/png")]


GOOD = [*pair("north", 1), *pair("south", 2)]


def messages(page: AppTest) -> str:
    return " ".join(element.value for element in (*page.error, *page.info, *page.success, *page.caption))


def upload(page: AppTest, files: list[File]) -> AppTest:
    page.query_params["source"] = "Upload"
    page.run()
    page.file_uploader(key="images").set_value(files).run()
    assert not page.exception
    return page


@pytest.mark.parametrize(("source", "says"), [("Upload", "Choose images"), ("Saved", "Nothing is saved yet")])
def test_empty_states_say_what_to_do(page: AppTest, source: str, says: str) -> None:
    page.query_params["source"] = source
    page.run()
    assert not page.exception
    assert says in messages(page)


def test_first_load_shows_a_built_in_dataset_to_use(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert [heading.value for heading in page.header] == ["Car park"]
    assert len(page.multiselect[0].value) == 3
    page.button[-1].click().run()
    assert not page.exception
    assert "is saved and chosen for training" in messages(page)
    assert page.session_state["dataset"]


@pytest.mark.parametrize("key", ["harbour", "nowhere"])
def test_built_in_dataset_from_the_address(page: AppTest, key: str) -> None:
    page.query_params["builtin"] = key
    page.run()
    assert not page.exception
    assert page.header[0].value == ("Harbour" if key == "harbour" else "Car park")
    assert ("no built-in dataset" in messages(page)) == (key == "nowhere")


def test_upload_of_pairs_becomes_a_dataset(page: AppTest) -> None:
    upload(page, GOOD)
    assert not page.error
    assert page.dataframe[0].value["used"].all()
    assert sorted(page.multiselect[0].options) == ["north", "south"]
    page.button[-1].click().run()
    assert page.session_state["dataset"]


def test_zip_with_folders(page: AppTest) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content, _ in GOOD:
            folder = "masks" if "mask" in name else "images"
            archive.writestr(f"{folder}/{name.replace('_mask', '')}", content)
    upload(page, [("scenes.zip", buffer.getvalue(), "application/zip")])
    assert not page.error
    assert len(page.dataframe[0].value) == 2


TRUNCATED = ("torn.png", GOOD[0][1][:200], "image/png")
TORN_MASK = ("torn_mask.png", GOOD[1][1], "image/png")
SMALL = [pair("west", 3)[0], ("west_mask.png", png(np.zeros((40, 60), np.uint8)), "image/png")]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([TRUNCATED, TORN_MASK], "torn"),
        (SMALL, "60×40"),
        ([("alone.png", GOOD[0][1], "image/png")], "no mask"),
        ([("../../evil.png", GOOD[0][1], "image/png")], "folder"),
        ([("broken.zip", b"PK\x03\x04 this is no zip", "application/zip")], "broken zip"),
    ],
)
def test_a_bad_file_is_named_and_the_good_ones_stay(page: AppTest, bad: list[File], why: str) -> None:
    upload(page, [*GOOD, *bad])
    table = page.dataframe[0].value
    assert table["used"].sum() == 2
    unused = table.loc[~table["used"], ["image", "mask", "why not"]]
    assert any(why in " ".join(map(str, row)).lower() for row in unused.itertuples(index=False))
    assert len(page.multiselect[0].options) == 2


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([TRUNCATED, TORN_MASK], "image"),
        ([GOOD[0], ("north_mask.png", png(np.zeros((64, 64), np.uint8)), "image/png")], "foreground"),
    ],
)
def test_nothing_usable_is_an_error_in_plain_words(page: AppTest, files: list[File], says: str) -> None:
    upload(page, files)
    assert page.error
    assert says in page.error[0].value
    assert not page.multiselect


def test_class_names_and_split_can_be_changed_and_wrong_ones_are_refused(page: AppTest) -> None:
    upload(page, GOOD)
    page.multiselect[0].set_value(["north"]).run()
    assert not page.error
    page.multiselect[0].set_value(["north", "south"]).run()
    assert "training" in page.error[0].value
    assert not any(button.label == "Use this dataset" for button in page.button)


def test_text_of_a_user_takes_no_effect(page: AppTest) -> None:
    name = "<img src=x onerror=alert(1)>[a](http:b) **c**"
    upload(page, [(f"{name}.png", b"no image", "image/png"), (f"{name}_mask.png", b"no mask", "image/png")])
    assert "<img" not in page.error[0].value.replace("\\<", "")
    assert "**c**" not in page.error[0].value


def again(open_page: Callable[[str], AppTest], page: AppTest) -> AppTest:
    """The page after a reload: a new session at the same address."""
    reloaded = open_page("pages/imagery.py")
    for name in page.query_params:
        reloaded.query_params[name] = "".join(page.query_params[name])
    return reloaded.run()


def test_masks_first_then_images_in_several_uploads_with_a_reload_between(
    page: AppTest, open_page: Callable[[str], AppTest]
) -> None:
    (north, north_mask), (south, south_mask) = pair("north", 1), pair("south", 2)
    page.query_params["source"] = "Upload"
    page.run().file_uploader(key="masks").set_value([north_mask, south_mask]).run()
    assert not page.exception
    assert not page.error
    assert "The masks are kept. Now add their images" in messages(page)
    page.file_uploader(key="images").set_value([north]).run()
    assert sorted(page.multiselect[0].options) == ["north (training)", "north (validation)"]
    page = again(open_page, page)
    assert not page.exception
    assert "3 files uploaded before" in [expander.label for expander in page.expander]
    page.file_uploader(key="images").set_value([south]).run()
    assert sorted(page.multiselect[0].options) == ["north", "south"]


def test_a_file_taken_off_the_list_is_gone(page: AppTest) -> None:
    west = pair("west", 3)
    upload(page, [*GOOD, *west])
    assert len(page.multiselect[0].options) == 3
    kept = [file for file in page.file_uploader(key="images").value if not file.name.startswith("west")]
    page.file_uploader(key="images")._files = [(f.file_id, f.name, f.getvalue(), f.type) for f in kept]
    page.run()
    assert sorted(page.multiselect[0].options) == ["north", "south"]


@pytest.mark.parametrize("press", ["Discard files", "Use this dataset"])
def test_files_are_thrown_away_when_they_are_discarded_or_used(
    page: AppTest, open_page: Callable[[str], AppTest], press: str
) -> None:
    upload(page, GOOD)
    token = "".join(page.query_params["upload"])
    address = again(open_page, page)
    assert address.multiselect
    next(button for button in page.button if button.label == press).click().run()
    assert not page.exception
    assert "upload" not in page.query_params
    assert not services.uploads().exists(token)
    address.query_params["upload"] = token
    reloaded = again(open_page, address)
    assert not reloaded.exception
    assert "There is no upload" in messages(reloaded)
    assert "Choose images" in messages(reloaded)


def test_a_used_upload_stays_on_the_page_until_other_files_come(page: AppTest) -> None:
    upload(page, GOOD)
    next(button for button in page.button if button.label == "Use this dataset").click().run()
    page.run()
    assert "These files are saved as a dataset" in messages(page)
    assert sorted(page.multiselect[0].options) == ["north", "south"]
    page.file_uploader(key="images").set_value([*pair("east", 5), *pair("west", 6)]).run()
    assert not page.exception
    assert sorted(page.multiselect[0].options) == ["east", "west"]


def test_class_names_are_edited_in_the_table(page: AppTest) -> None:
    upload(page, GOOD)
    key = page.session_state["balance-key"][0]
    for name, refused in (("ship", False), ("background", True)):
        page.session_state[key] = {"edited_rows": {1: {"class": name}}, "added_rows": [], "deleted_rows": []}
        page.run()
        assert not page.exception
        assert bool(page.error) == refused


def test_the_page_does_not_import_torch() -> None:
    code = "import explorer.figures.imagery, explorer.imagery.builtin, explorer.ui.messages"
    command = [sys.executable, "-c", f"{code}; import sys; print('torch' in sys.modules)"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
