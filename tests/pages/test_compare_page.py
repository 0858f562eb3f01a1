"""Compare: an empty state, every view, runs on several datasets, and counts that open their objects."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from explorer.imagery.match_rule import HALF_IOU
from explorer.metrics.threshold_choice import ChosenThreshold
from explorer.runs.class_thresholds import OwnThresholds, write_own_thresholds
from explorer.runs.object_sets import ObjectSet
from explorer.runs.training import execute
from explorer.training import watching
from explorer.training.events import Intervened, to_json
from explorer.training.plan import Intervention, Plan
from explorer.ui import services
from tests.pages.look import picker, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]
STEPS = 60


def trained(plan: Plan, dataset: str = "tiny", owner: str | None = None) -> str:
    """A run that has ended; it chose a threshold of 0.3, as runs do that hold scenes out.

    Args:
        owner: of the run, on a dataset of somebody else; None: both are nobody's.
    """
    store, imagery = services.store(), tiny_dataset(dataset)
    record = store.create_run(plan, store.save_dataset(imagery, owner and f"not-{owner}"), "together", owner=owner)
    folder = store.folder(record.id)
    for _ in execute(folder, imagery, device="cpu"):
        pass
    store.ingest(record.id)
    chosen = ChosenThreshold(1, 0.3, "F1", 0.5, 4, ("north",), "the best")
    own = OwnThresholds(folder.checkpoint_files()[-1].name, HALF_IOU, 1, ("north",), (chosen,), (8.0,))
    write_own_thresholds(own, folder.threshold_file, ["background", "square"])
    return record.id


@pytest.fixture
def runs(open_page: OpenPage) -> tuple[str, str]:
    """Two runs that differ in the seed alone, made once for the module."""
    store = services.store()
    if not store.runs():
        trained(tiny_plan(STEPS))
        trained(tiny_plan(STEPS, seed=1))
    first, second = sorted((each for each in store.runs() if each.dataset_name == "tiny"), key=lambda e: e.created)[:2]
    return first.id, second.id


def page_of(open_page: OpenPage, path: str = "pages/compare.py", **address: str) -> AppTest:
    """The page at an address, once what it has ordered is done."""
    page = open_page(path)
    for name, value in address.items():
        page.query_params[name] = value
    page.run()
    deadline = time.monotonic() + 60
    while services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.05)
        if not services.store().jobs.active():
            page.run()
    assert not page.exception, page.exception
    return page


def test_nothing_trained_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("pages/compare.py").run()
    assert not page.exception
    assert "No run has a checkpoint yet" in texts(page)


def test_runs_that_belong_together_are_compared_at_first(open_page: OpenPage, runs: tuple[str, str]) -> None:
    page = page_of(open_page)
    assert page.multiselect[0].value == list(runs)
    assert "Band: lowest to highest of the seeds" in texts(page)
    assert page.multiselect(key="compared-losses").value == ["weighted_cross_entropy"], "what the runs train"
    page.toggle(key="bands").set_value(False).run()
    assert "Band:" not in texts(page)
    page.slider(key="smoothing").set_value(10).run()
    assert "**Smoothed**: a running mean over 10 % of the axis" in texts(page)
    page.segmented_control(key="over").set_value("seconds").run()
    assert not page.exception, page.exception


def test_settings_that_differ_are_a_table(open_page: OpenPage, runs: tuple[str, str]) -> None:
    page = page_of(open_page, runs=",".join(runs), show="Settings")
    assert list(page.dataframe[0].value["Setting"]) == ["Seed"]
    assert list(page.dataframe[0].value.iloc[0])[1:] == ["0", "1"]
    page.toggle(key="equal-settings").set_value(True).run()
    assert {"Dataset", "Batch size", "Phase 1: Learning rate"} <= set(page.dataframe[0].value["Setting"])


def test_a_change_by_hand_is_a_setting_that_differs(open_page: OpenPage, runs: tuple[str, str]) -> None:
    folder = services.store().folder(runs[0])
    before = folder.events_file.read_bytes()
    change = Intervened(STEPS, Intervention(step=STEPS, learning_rate=0.5))
    folder.events_file.write_bytes(before + to_json(change).encode() + b"\n")
    try:
        page = page_of(open_page, runs=",".join(runs), show="Settings")
    finally:
        folder.events_file.write_bytes(before)
    table = page.dataframe[0].value.set_index("Setting")
    assert list(table.loc["Changes made while it trained"]) == ["step 60: learning rate 0.5", "–"]


def test_runs_are_counted_at_their_own_thresholds(open_page: OpenPage, runs: tuple[str, str]) -> None:
    page = page_of(open_page, runs=",".join(runs), show="Recall and precision")
    table = page.dataframe[0].value
    assert list(table["at"]) == ["own", "own"]
    assert [round(value, 2) for value in table["threshold"]] == [0.3, 0.3]
    assert len(set(table["found"] + table["missed"])) == 1, "the same labels"
    assert "Click a count to see its objects." in texts(page)
    for view in ("Recall and precision", "Crops", "Objects"):
        page = page_of(open_page, runs=",".join(runs), show=view)
        assert "At every threshold, predictions are taken as they are." in texts(page), view


def test_crops_show_every_run(open_page: OpenPage, runs: tuple[str, str]) -> None:
    page = page_of(open_page, runs=",".join(runs), show="Crops")
    scenes = services.dataset(services.store().run(runs[0]).dataset_id).validation
    assert picker(page, "Validation crop").options == [scene.name for scene in scenes]
    assert "Drag to move" in texts(page)


def test_sets_of_objects_add_up_to_what_each_run_finds(open_page: OpenPage, runs: tuple[str, str]) -> None:
    table = page_of(open_page, runs=",".join(runs), show="Recall and precision").dataframe[0].value
    page = page_of(open_page, runs=",".join(runs), show="Objects")
    counts = {words: int(number) for number, words in (each.split(" ", 1) for each in pills(page).options)}
    assert counts["found by both"] + counts["found by A only"] == table["found"][0]
    assert counts["found by both"] + counts["found by B only"] == table["found"][1]
    assert counts["found by neither"] + counts["found by B only"] == table["missed"][0]
    assert counts["false alarms of A only"] + counts["false alarms of both"] == table["false alarms"][0]
    chosen = next(key for key, words in (("both", "found by both"), ("neither", "found by neither")) if counts[words])
    linked = page_of(open_page, runs=",".join(runs), show="Objects", set=chosen)
    assert "Scene **" in texts(linked), "one object is shown large"
    same = page_of(open_page, runs=runs[0], show="Objects")
    assert "Choose a second run above" in texts(same)
    pixels = page_of(open_page, runs=",".join(runs), show="Objects", match="tolerance:2")
    assert "n/a: this match rule compares pixels" in texts(pixels)


def pills(page: AppTest) -> object:
    return next(each for each in page.get("button_group") if each.label == "Objects")


def test_what_does_not_compare_is_said_and_left_out(open_page: OpenPage, runs: tuple[str, str]) -> None:
    other = trained(tiny_plan(3), "elsewhere")
    page = page_of(open_page, runs=f"{runs[0]},{other}")
    assert "These runs are on different datasets" in texts(page)
    assert picker(page, "Dataset").options == ["tiny", "elsewhere"]
    page = page_of(open_page, runs=f"{runs[0]},{other}", show="Settings")
    assert list(page.dataframe[0].value.iloc[0]) == ["Dataset", "tiny", "elsewhere"]


def test_a_run_without_checkpoint_is_named_where_one_is_needed(open_page: OpenPage, runs: tuple[str, str]) -> None:
    store = services.store()
    waiting = store.create_run(tiny_plan(9), store.run(runs[0]).dataset_id).id
    page = page_of(open_page, runs=f"{runs[0]},{waiting}", show="Crops")
    assert f"No checkpoint yet, so left out here: tiny · {waiting[:6]}." in texts(page)
    alone = page_of(open_page, runs=waiting)
    assert "No run has made a step yet" in texts(alone)


@pytest.mark.parametrize("outcome", ["found", "missed", "false"])
def test_a_count_opens_its_objects(open_page: OpenPage, runs: tuple[str, str], outcome: str) -> None:
    page = page_of(open_page, "pages/tradeoffs.py", runs=runs[0], threshold="0.2")
    button = page.button(key=f"at-slider-{outcome}")
    count = int(button.label.split()[0])
    assert button.disabled == (count == 0)
    if not count:
        return
    button.click().run()
    assert not page.exception, page.exception
    text = "".join(page.query_params["objects"])
    assert ObjectSet.parse(text).outcome == outcome
    assert ObjectSet.parse(text).run == runs[0]
    assert "checkpoint at step 60, threshold 0.2. Match rule: IoU > 0.5" in unescaped(page)
    assert "At every threshold, predictions are taken as they are." in texts(page)
    assert "Scene **" in texts(page)
    assert f"{min(count, 12)} of {count} objects" in texts(page)


def test_the_result_of_a_run_opens_its_objects(open_page: OpenPage, runs: tuple[str, str]) -> None:
    page = page_of(open_page, "pages/train.py", run=runs[0])
    labels = {each.key: each.label for each in page.button if each.key and each.key.startswith(f"result-{runs[0]}-1")}
    assert len(labels) == 3
    there = sum(int(labels[f"result-{runs[0]}-1-{outcome}"].split()[0]) for outcome in ("found", "missed"))
    dataset = services.dataset(services.store().run(runs[0]).dataset_id)
    assert there == sum(len(each) for each in objects_in(dataset))


def objects_in(dataset: object) -> list[tuple[object, ...]]:
    from explorer.metrics.matching import find_label_objects

    return [tuple(find_label_objects(scene.label, 1, scene.objects).areas) for scene in dataset.validation]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "text",
    ["nothing", "{run}~60~300~joined~9~iou:0.5~8~missed", "{run}~61~300~joined~1~iou:0.5~8~missed",
     "{other}~3~300~joined~1~iou:0.5~8~missed", "gone~60~300~joined~1~iou:0.5~8~missed"],
)  # fmt: skip
def test_objects_that_nobody_may_see_or_that_do_not_exist_are_said(
    open_page: OpenPage, runs: tuple[str, str], text: str
) -> None:
    hidden = next((each.id for each in services.store().runs() if each.owner), "") or trained(
        tiny_plan(3), "hidden", owner="another-visitor"
    )
    asked = text.format(run=runs[0], other=hidden)
    page = page_of(open_page, "pages/tradeoffs.py", runs=runs[0], objects=asked)
    assert "There is no object " in unescaped(page)
    assert "objects" not in page.query_params


def test_validations_on_other_parts_are_said(open_page: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = trained(tiny_plan(3), "parts")
    assert "different parts" not in texts(page_of(open_page, runs=whole))
    monkeypatch.setattr(watching, "validation_pixels", lambda plan: 400)
    part = trained(tiny_plan(3, seed=1), "parts")
    assert "validated on different parts of the scenes" in texts(page_of(open_page, runs=f"{whole},{part}"))


def unescaped(page: AppTest) -> str:
    return texts(page).replace("\\", "")
