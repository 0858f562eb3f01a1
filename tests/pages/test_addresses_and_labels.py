"""What pages make of their address, and of things that read the same: unknown ids are named, labels are unique."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset
from explorer.runs.names import as_read
from explorer.runs.training import execute
from explorer.ui import services
from tests.pages.test_imagery_page import pair
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]

PAGES = [
    "app.py", "pages/imagery.py", "pages/loss_lab.py", "pages/train.py", "pages/compare.py", "pages/tradeoffs.py",
    "pages/landscape.py", "pages/storage.py",
]  # fmt: skip
UNKNOWN = "nowhere"
HOSTILE = "**x**<img src=x>" + "y" * 500


def alike() -> Dataset:
    """Scenes that differ in their folder's case, classes and bands of nearly one name."""
    tiny = tiny_dataset("alike")
    names = ("a/north.png", "b/north.png", "B/north.png", "b/north.PNG")
    scenes = []
    for name, scene in zip(names, sorted(tiny.scenes, key=lambda each: each.name), strict=True):
        label = scene.label.copy()
        label[:, 32:] *= 2
        image = np.concatenate([scene.image, scene.image])
        scenes.append(replace(scene, name=name, image=image, label=label, bands=("red", "near", "Near", "near")))
    return make_dataset("alike", scenes, ("background", "ship", "Ship"), [names[2], names[3]])


@pytest.fixture
def run_id(open_page: OpenPage) -> str:
    """A run that has been trained, one of two with the same plan on datasets of one name, as older stores have them."""
    store = services.store()
    if not store.runs():
        dataset = alike()
        loss = tiny_plan().phases[0].loss.model_copy(update={"class_weights": (1.0, 5.0, 5.0)})
        plan = tiny_plan(4, phases=(tiny_plan(4).phases[0].model_copy(update={"loss": loss}),))
        dataset_id = store.save_dataset(dataset)
        store.save_dataset(tiny_dataset("other"))
        with store._database.transaction() as connection:
            connection.execute("UPDATE datasets SET name = 'alike'")
        for _ in range(2):
            record = store.create_run(plan, dataset_id)
            for _ in execute(store.folder(record.id), dataset, device="cpu", checkpoint_steps=2):
                pass
            store.ingest(record.id)
    return store.runs()[0].id


def texts(page: AppTest) -> str:
    return " ".join(each.value for each in (*page.error, *page.info, *page.caption))


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize(
    ("parameter", "what"), [("run", "run"), ("runs", "run"), ("dataset", "dataset")]
)  # fmt: skip
@pytest.mark.parametrize("value", [UNKNOWN, HOSTILE])
def test_every_page_says_which_run_or_dataset_does_not_exist(
    open_page: OpenPage, run_id: str, path: str, parameter: str, what: str, value: str
) -> None:
    page = open_page(path)
    page.query_params[parameter] = value
    page.run()
    assert not page.exception
    assert f"There is no {what} " in texts(page)
    assert "<img" not in texts(page).replace("\\<", "")
    assert HOSTILE not in texts(page)


@pytest.mark.parametrize(
    ("path", "more", "parameter", "what"),
    [
        ("pages/imagery.py", {}, "source", "source"),
        ("pages/imagery.py", {}, "builtin", "built-in dataset"),
        ("pages/imagery.py", {}, "scene", "scene"),
        ("pages/imagery.py", {"source": "Saved"}, "saved", "saved dataset"),
        ("pages/imagery.py", {"source": "Upload"}, "upload", "upload"),
        ("pages/loss_lab.py", {}, "view", "view"),
        ("pages/loss_lab.py", {"view": "On imagery"}, "checkpoint", "checkpoint"),
        ("pages/loss_lab.py", {"view": "On imagery"}, "crop", "crop"),
        ("pages/loss_lab.py", {"view": "On imagery"}, "lab-card", "loss"),
        ("pages/train.py", {}, "preset", "preset"),
        ("pages/compare.py", {}, "show", "view"),
        ("pages/compare.py", {}, "class", "class"),
        ("pages/tradeoffs.py", {}, "checkpoint", "checkpoint"),
        ("pages/tradeoffs.py", {}, "scope", "count"),
        ("pages/landscape.py", {}, "plane", "plane"),
    ],
)
def test_an_unknown_choice_in_the_address_is_not_replaced_silently(
    open_page: OpenPage, run_id: str, path: str, more: dict[str, str], parameter: str, what: str
) -> None:
    page = open_page(path)
    for name, given in more.items():
        page.query_params[name] = given
    page.query_params[parameter] = UNKNOWN
    page.run()
    assert not page.exception
    assert f"There is no {what} {'at step ' * (what == 'checkpoint')}{UNKNOWN} here" in texts(page)
    page.run()
    assert not page.exception


def test_what_exists_is_taken_without_a_word(open_page: OpenPage, run_id: str) -> None:
    dataset_id = services.store().run(run_id).dataset_id
    given = {"run": run_id, "runs": run_id, "dataset": dataset_id, "saved": dataset_id}
    for path in PAGES:
        page = open_page(path)
        for name, value in (given | {"source": "Saved", "scene": "b/north.png"}).items():
            if path == "pages/imagery.py" or name not in ("source", "scene"):
                page.query_params[name] = value
        page.run()
        assert not page.exception, path
        assert "There is no" not in texts(page), path


@pytest.mark.parametrize(
    ("path", "address", "expected"),
    [
        ("pages/imagery.py", {"source": "Saved", "saved": "dataset"}, {"Saved dataset", "Scene", "Red band"}),
        ("pages/loss_lab.py", {"view": "On imagery"}, {"Run", "Class", "Validation crop"}),
        ("pages/train.py", {"preset": "recall_first"}, {"Run", "Dataset", "Preset", "Class of *Until*"}),
        ("pages/train.py", {"run": "run"}, {"Run", "Class"}),
        ("pages/compare.py", {}, {"Class", "Runs", "Losses"}),
        ("pages/tradeoffs.py", {}, {"Class", "Validation scene", "Runs; the first one is shown in detail"}),
        ("pages/landscape.py", {}, {"Run", "Plane"}),
    ],
)
def test_no_two_options_of_a_picker_read_the_same(
    open_page: OpenPage, run_id: str, path: str, address: dict[str, str], expected: set[str]
) -> None:
    page = open_page(path)
    ids = {"run": run_id, "dataset": services.store().run(run_id).dataset_id}
    if path == "pages/train.py":
        page.query_params["dataset"] = ids["dataset"]
    for name, value in address.items():
        page.query_params[name] = ids.get(value, value)
    page.run()
    deadline = time.monotonic() + 60
    while path == "pages/tradeoffs.py" and services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.1)
        page.run()
    page.run()
    assert not page.exception
    pickers = [*page.selectbox, *page.multiselect, *page.select_slider]
    shown = {picker.label for picker in pickers} | {picker.key for picker in pickers}
    assert expected <= shown
    for picker in pickers:
        read = [as_read(option) for option in picker.options]
        assert len(set(read)) == len(read), (picker.label, read)


def test_of_two_uploads_of_one_name_the_second_is_trained_on(open_page: OpenPage) -> None:
    page = open_page("pages/imagery.py")
    page.query_params["source"] = "Upload"
    page.run()
    used = []
    for seed in (1, 2):
        files = [*pair("north", seed), *pair("south", seed + 10)]
        page.get("file_uploader")[0].set_value(files).run()
        next(button for button in page.button if button.label == "Use this dataset").click().run()
        assert not page.exception
        used.append(page.session_state["dataset"])
    assert len(set(used)) == 2
    names = {record.id: record.name for record in services.store().datasets()}
    assert [names[dataset_id] for dataset_id in used] == ["north and 1 more", "north and 1 more (2)"]
    assert "north and 1 more \\(2\\) is saved" in " ".join(each.value for each in page.success)
    [link] = [each for each in page.get("page_link") if each.proto.label == "Go on to Train"]
    train = page.switch_page("pages/train.py")
    train.query_params.clear()
    name, _, value = link.proto.query_string.partition("=")
    train.query_params[name] = value
    train.run()
    [box] = [box for box in train.selectbox if box.label == "Dataset"]
    assert (box.value, box.proto.raw_value or box.options[box.index]) == (used[1], "north and 1 more (2)")
    train.button(key="play").click().run()
    assert not train.exception
    assert services.store().runs()[0].dataset_id == used[1]
