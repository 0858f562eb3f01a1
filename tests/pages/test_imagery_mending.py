"""The Imagery page mends what was read: buttons of notes, the table of values, pairs by hand, areas, data checks."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.figures.colours import swatch
from explorer.imagery.checks import Check
from explorer.imagery.checks.finding import Case
from explorer.imagery.choices import ReadingChoices
from explorer.imagery.match_rule import MatchRule
from explorer.imagery.scene import Dataset
from explorer.ui import data_checks, services
from explorer.ui.mending import renamed_colours
from tests.imagery.encoders import geotiff, png, zipped

SIZE = 64


@pytest.fixture
def page(open_page: Callable[[str], AppTest]) -> AppTest:
    return open_page("pages/imagery.py")


def squares(value: int, ground: int = 0, corners: tuple[int, ...] = (8, 28, 48)) -> np.ndarray:
    """Three squares of 64 pixels on some ground."""
    mask = np.full((SIZE, SIZE), ground, np.uint8)
    for corner in corners:
        mask[corner : corner + 8, corner : corner + 8] = value
    return mask


def image(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 100, (SIZE, SIZE, 3), dtype=np.uint8)


def upload(page: AppTest, masks: dict[str, np.ndarray], **files: bytes) -> AppTest:
    """A zip of images with these masks, and other files."""
    contents = {f"images/{name}.png": png(image(number)) for number, name in enumerate(masks)}
    contents |= {f"masks/{name}.png": png(mask) for name, mask in masks.items()}
    contents |= {name.replace("__", "."): content for name, content in files.items()}
    page.query_params["source"] = "Upload"
    page.run()
    page.file_uploader(key="images").set_value([("ports.zip", zipped(contents), "application/zip")]).run()
    assert not page.exception
    return page


def press(page: AppTest, label: str) -> AppTest:
    button = next(button for button in page.button if label in button.label)
    button.click().run()
    assert not page.exception
    return page


def classes(page: AppTest) -> dict[str, int]:
    """Pixels of each class in the table of class balance."""
    table = next(each.value for each in page.dataframe if {"class", "pixels"} <= set(each.value.columns))
    return dict(zip(table["class"], table["pixels"], strict=True))


OBJECTS, GROUND = 2 * 3 * 64, 2 * (SIZE * SIZE - 3 * 64)


@pytest.mark.parametrize(
    ("masks", "button", "expected"),
    [
        ((1, 2), "2 is the background", {"background": GROUND, "object": OBJECTS}),
        ((0, 255), "Swap object and background", {"background": GROUND, "object": OBJECTS}),
    ],
    ids=["no background", "black on white"],
)
def test_a_button_mends_what_a_note_says(
    page: AppTest, masks: tuple[int, int], button: str, expected: dict[str, int]
) -> None:
    upload(page, {name: squares(*masks) for name in ("north", "south")})
    press(page, button)
    assert classes(page) == expected
    undo = next(each for each in page.button if each.key == "made-0")
    undo.click().run()
    assert classes(page) != expected


def test_numbers_of_objects_become_objects(page: AppTest) -> None:
    numbered = sum(squares(number, 0, (corner,)) for number, corner in enumerate((0, 10, 20, 30, 40), start=1))
    upload(page, {"north": numbered, "south": numbered})
    press(page, "Count an object per value")
    table = next(each.value for each in page.dataframe if "objects" in each.value.columns)
    assert list(table["class"]) == ["background", "object"]
    assert table["objects"].iloc[1] == 10


def test_the_table_of_values_offers_each_value_with_its_share(page: AppTest) -> None:
    upload(page, {name: squares(1) + squares(2, 0, (18,)) for name in ("north", "south")})
    values = next(each.value for each in page.dataframe if "taken for" in each.value.columns)
    assert list(values["value"]) == ["0", "1", "2"]
    assert list(values["taken for"]) == ["background", "a class", "a class"]
    assert values["share"].sum() == pytest.approx(100)
    assert list(values["pieces"]) == [2, 6, 2]
    assert all(example.startswith("data:image/png") for example in values["example"])


def test_a_file_of_polygons_offers_its_properties(page: AppTest) -> None:
    ring = [
        [500_005, 3_699_990],
        [500_015, 3_699_990],
        [500_015, 3_699_980],
        [500_005, 3_699_980],
        [500_005, 3_699_990],
    ]
    feature = {
        "type": "Feature",
        "properties": {"kind": "shed", "Class": "house"},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32616"}}
    document = {"type": "FeatureCollection", "crs": crs, "features": [feature]}
    page.query_params["source"] = "Upload"
    page.run()
    files = [
        (f"{name}.{kind}", content, "")
        for name in ("north", "south")
        for kind, content in (
            ("tif", geotiff(image(1).transpose(2, 0, 1))),
            ("geojson", json.dumps(document).encode()),
        )
    ]
    page.file_uploader(key="images").set_value(files).run()
    assert "house" in classes(page)
    chooser = next(each for each in page.selectbox if each.label == "Property that holds the class")
    assert chooser.options == ["found by itself", "kind", "Class"]
    chooser.set_value("kind").run()
    assert not page.exception
    assert "shed" in classes(page)


def test_a_label_can_be_chosen_by_hand(page: AppTest) -> None:
    upload(page, {"north": squares(1), "south": squares(1)}, masks__x=b"", **{"images/west__png": png(image(5))})
    pairs = next(each.value for each in page.dataframe if "why not" in each.value.columns)
    assert pairs["used"].sum() == 2
    assert pairs["looks like"].iloc[0].startswith("data:image/png")


def test_the_data_checks_mend_the_split(page: AppTest) -> None:
    copy = {"images/copy__png": png(image(0)), "masks/copy__png": png(squares(1))}
    upload(page, {name: squares(1) for name in ("north", "south", "east", "west")}, **copy)
    assert "The same scene twice" in " ".join(each.value for each in page.markdown)
    press(page, "Leave out 1 scene")
    left_out = next(each for each in page.multiselect if each.label == "Scenes left out")
    assert left_out.value in (["copy"], ["north"])
    assert "The same scene twice" not in " ".join(each.value for each in page.markdown)


def test_choices_are_kept_with_the_dataset_and_shown_on_its_card(
    page: AppTest, open_page: Callable[[str], AppTest]
) -> None:
    upload(page, {name: squares(1, 2) for name in ("north", "south")})
    press(page, "2 is the background")
    press(page, "Use this dataset")
    saved = open_page("pages/imagery.py")
    saved.query_params["source"] = "Saved"
    saved.query_params["saved"] = page.session_state["dataset"]
    saved.run()
    assert not saved.exception
    assert "Read with these choices: background is 2" in " ".join(each.value for each in saved.caption)
    assert "--background 2" in " ".join(each.value for each in saved.code)


def test_choices_survive_a_reload(page: AppTest, open_page: Callable[[str], AppTest]) -> None:
    upload(page, {name: squares(1, 2) for name in ("north", "south")})
    press(page, "2 is the background")
    reloaded = open_page("pages/imagery.py")
    for name in page.query_params:
        reloaded.query_params[name] = "".join(page.query_params[name])
    reloaded.run()
    assert not reloaded.exception
    assert classes(reloaded) == {"background": GROUND, "object": OBJECTS}


def test_object_and_background_can_always_be_swapped(page: AppTest) -> None:
    upload(page, {name: squares(1) for name in ("north", "south")})
    press(page, "Swap object and background")
    assert classes(page) == {"background": OBJECTS, "object": GROUND}
    press(page, "Swap object and background")
    assert classes(page) == {"background": GROUND, "object": OBJECTS}


def said(page: AppTest) -> str:
    return " ".join(each.value for each in [*page.markdown, *page.caption, *page.info, *page.success])


def test_the_minimum_area_is_a_choice_that_notes_and_table_know(page: AppTest) -> None:
    upload(page, {name: squares(1) for name in ("north", "south")})
    next(each for each in page.number_input if "Minimum object area" in each.label).set_value(100).run()
    assert not page.exception
    assert "6 of 6 objects" in said(page)
    table = next(each.value for each in page.dataframe if "below minimum area" in each.value.columns)
    assert table["below minimum area"].iloc[1] == 6
    press(page, "Count all objects")
    assert next(each for each in page.number_input if "Minimum object area" in each.label).value == 1
    assert "6 of 6 objects" not in said(page)
    assert not any("below minimum area" in each.value.columns for each in page.dataframe)


def test_the_match_rule_is_proposed_can_be_chosen_and_is_saved(page: AppTest) -> None:
    small = {name: specks() for name in ("north", "south")}
    upload(page, small)
    assert "Objects match by IoU > 0.1" in said(page).replace("\\", "")
    kind = next(each for each in page.selectbox if each.label == "Match rule")
    number = next(each for each in page.number_input if each.label == "IoU")
    assert (kind.value, number.value) == ("iou", 0.1)
    kind.set_value("centroid").run()
    assert not page.exception
    next(each for each in page.number_input if each.label == "Distance (px)").set_value(3.0).run()
    assert not page.exception
    assert "Objects match by" not in said(page), "nothing is proposed where a rule is chosen"
    assert any("objects match by centroids within 3 px" in each.label.replace("\\", "") for each in page.button)
    next(each for each in page.text_input if each.label == "Name").set_value("specks").run()
    press(page, "Use this dataset")
    saved = next(each for each in services.store().datasets() if each.name == "specks")
    assert services.dataset(saved.id).match_rule == MatchRule(kind="centroid", value=3)
    assert services.dataset(saved.id).choices.match_rule == MatchRule(kind="centroid", value=3)


def test_a_rule_that_a_blob_wins_says_so(page: AppTest) -> None:
    upload(page, {name: squares(1) for name in ("north", "south")})
    next(each for each in page.selectbox if each.label == "Match rule").set_value("overlap").run()
    assert not page.exception
    assert "One prediction over everything finds all objects" in said(page)


def specks() -> np.ndarray:
    """Thirty bars of 3 × 6 pixels."""
    mask = np.zeros((SIZE, SIZE), np.uint8)
    for number in range(30):
        top, left = divmod(number, 6)
        mask[2 + 12 * top : 5 + 12 * top, 2 + 10 * left : 8 + 10 * left] = 1
    return mask


def test_notes_on_the_page_name_no_options_of_the_command_line(page: AppTest) -> None:
    upload(page, {name: squares(1, 2) for name in ("north", "south")})
    assert "No pixel is background" in said(page)
    assert "--" not in said(page).replace("\\", "")


def test_the_same_note_on_several_scenes_is_said_once_with_its_figures(page: AppTest) -> None:
    upload(page, {name: squares(1)[::2, ::2] for name in ("north", "south", "east")})
    texts = [each.value for each in page.markdown if "scaled" in each.value or "resampled" in each.value]
    assert len(texts) == 1
    assert "3 scenes" in texts[0]
    assert "32" in texts[0]


def test_a_chosen_colour_is_that_of_the_table_too(page: AppTest) -> None:
    upload(page, {name: squares(1) for name in ("north", "south")})
    page.color_picker[0].set_value("#00ff00").run()
    assert not page.exception
    table = next(each.value for each in page.dataframe if {"class", "pixels"} <= set(each.value.columns))
    assert table["colour"].iloc[1] == swatch("#00ff00")
    assert page.color_picker[0].value == "#00ff00"


def test_a_renamed_class_keeps_its_colour() -> None:
    assert renamed_colours({"ship": "#00ff00", "pier": "#0000ff"}, "ship", "boat") == {
        "boat": "#00ff00",
        "pier": "#0000ff",
    }


def test_once_a_dataset_is_used_nothing_can_be_chosen_about_its_files(page: AppTest) -> None:
    upload(page, {name: squares(1) for name in ("north", "south")})
    press(page, "Use this dataset")
    assert "is saved and chosen for training" in said(page)
    assert not any(each.label == "Swap object and background" for each in page.button)
    page.run()
    assert "is saved and chosen for training" in said(page)
    next(each for each in page.text_input if each.label == "Name").set_value("Harbour").run()
    assert "is saved and chosen for training" not in said(page)


def test_a_finding_about_many_classes_is_one_finding(page: AppTest) -> None:
    three = squares(1, 0, (8,)) + squares(2, 0, (28,)) + squares(3, 0, (48,))
    upload(page, dict.fromkeys(("north", "south"), three))
    assert sum("**Few objects" in each.value for each in page.markdown) == 1


def test_a_file_of_any_kind_is_taken_and_listed_with_the_reason(page: AppTest) -> None:
    page.query_params["source"] = "Upload"
    page.run()
    assert not page.file_uploader(key="images").proto.type
    upload(page, {name: squares(1) for name in ("north", "south")}, images__webp=b"RIFF")
    pairs = next(each.value for each in page.dataframe if "why not" in each.value.columns)
    assert pairs["used"].sum() == 2
    assert pairs["why not"].iloc[0]


def test_many_notes_of_one_kind_are_no_wall_on_a_saved_dataset(
    page: AppTest, open_page: Callable[[str], AppTest]
) -> None:
    images = {f"images/lone{number}__png": png(image(20 + number)) for number in range(9)}
    upload(page, {name: squares(1) for name in ("north", "south")}, **images)
    press(page, "Use this dataset")
    saved = open_page("pages/imagery.py")
    saved.query_params["source"] = "Saved"
    saved.query_params["saved"] = page.session_state["dataset"]
    saved.run()
    assert not saved.exception
    assert sum("Not used" in each.value for each in saved.info) == 1
    assert "and 6 more" in " ".join(each.label for each in saved.expander)


def test_values_that_are_too_many_for_classes_offer_nothing_that_is_done_already(page: AppTest) -> None:
    numbered = np.zeros((SIZE, SIZE), np.uint8)
    for number in range(30):
        row, column = divmod(number, 6)
        numbered[2 + 12 * row : 8 + 12 * row, 2 + 10 * column : 8 + 10 * column] = number + 1
    upload(page, {"north": numbered, "south": numbered})
    assert "one object per value" in said(page)
    assert not any("an object per value" in each.label for each in page.button)


def test_the_reason_of_a_row_does_not_repeat_its_name(page: AppTest) -> None:
    upload(page, {"north": squares(1), "south": squares(1), "east": squares(1)[:20]})
    pairs = next(each.value for each in page.dataframe if "why not" in each.value.columns)
    assert pairs["why not"].iloc[0].startswith("The mask is 64×20 pixels")


def test_where_no_mask_is_read_there_is_no_table_of_values(page: AppTest) -> None:
    upload(page, {"north": squares(1)[:20], "south": squares(1)[:20]})
    assert page.error
    assert not any(each.label == "What the masks hold" for each in page.expander)


def test_a_saved_dataset_offers_no_mend_that_needs_its_files(
    page: AppTest, open_page: Callable[[str], AppTest]
) -> None:
    dark = {"images/dark__png": png(image(9) // 5), "masks/dark__png": png(squares(1))}
    upload(page, {name: squares(1) for name in ("north", "south", "east")}, **dark)
    assert "Stretch each scene by itself" in [button.label for button in page.button]
    press(page, "Use this dataset")
    saved = open_page("pages/imagery.py")
    saved.query_params["source"] = "Saved"
    saved.query_params["saved"] = page.session_state["dataset"]
    saved.run()
    assert "Scenes of other brightness" in said(saved)
    assert "Stretch each scene by itself" not in [button.label for button in saved.button]


def test_checks_run_again_only_if_what_they_depend_on_has_changed(
    page: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def counted(check: Check) -> Check:
        def cases(_: Dataset) -> list[Case]:
            ran.append(check.code)
            return []

        return replace(check, cases=cases)

    monkeypatch.setattr(data_checks, "CHECKS", tuple(map(counted, data_checks.CHECKS)))
    upload(page, {name: squares(1) for name in ("north", "south", "east")})
    assert len(ran) == len(data_checks.CHECKS)
    ran.clear()
    page.color_picker[0].set_value("#00ff00").run()
    next(each for each in page.text_input if each.label == "Name").set_value("Harbour").run()
    assert ran == []
    next(each for each in page.number_input if "Minimum object area" in each.label).set_value(100).run()
    assert ran == ["below_minimum_area", "few_objects"]
    ran.clear()
    press(page, "Swap object and background")
    assert len(ran) == len(data_checks.CHECKS)


def test_reasons_are_summed_up_above_the_table_of_pairs(page: AppTest) -> None:
    small = squares(1)[:20]
    upload(page, {"north": squares(1), "south": squares(1), "east": small, "west": small})
    captions = [each.value.replace("\\", "") for each in page.caption]
    assert any(text.startswith("**2 rows**: The mask is 64×20 pixels") for text in captions)


def test_what_is_used_has_every_choice_of_the_page(page: AppTest) -> None:
    upload(page, {name: squares(1, 2) for name in ("north", "south", "east")})
    press(page, "2 is the background")
    page.color_picker[0].set_value("#00ff00").run()
    next(each for each in page.number_input if "Minimum object area" in each.label).set_value(20).run()
    next(each for each in page.multiselect if each.label == "Validation scenes").set_value(["south"]).run()
    next(each for each in page.multiselect if each.label == "Scenes left out").set_value(["east"]).run()
    next(each for each in page.text_input if each.label == "Name").set_value("Harbour north").run()
    press(page, "Use this dataset")
    saved = services.store().dataset(page.session_state["dataset"])
    assert (saved.name, saved.minimum_area) == ("Harbour north", 20)
    assert [scene.name for scene in saved.scenes] == ["north", "south"]
    assert saved.choices == ReadingChoices(
        background="2", colours={"object": "#00ff00"}, minimum_area=20, leave_out=("east",)
    )


def test_images_without_masks_so_far_are_no_error(page: AppTest) -> None:
    page.query_params["source"] = "Upload"
    page.run()
    page.file_uploader(key="images").set_value([("north.png", png(image(1)), "image/png")]).run()
    assert not page.exception
    assert not page.error
    assert "Now add their masks" in said(page)
    page.file_uploader(key="masks").set_value([("north.png", png(squares(1)), "image/png")]).run()
    assert not page.exception
    assert classes(page)


def test_a_pair_whose_file_is_gone_can_be_taken_back(page: AppTest) -> None:
    upload(page, {name: squares(1) for name in ("north", "south")})
    token = "".join(page.query_params["upload"])
    page.session_state["reading-choices"] = token, ReadingChoices(pairs={"images/north.png": "gone.png"})
    page.run()
    assert "no mask has this name" in page.error[0].value
    press(page, "Take all choices back")
    assert not page.error
    assert classes(page) == {"background": GROUND, "object": OBJECTS}
