"""Trade-offs: an empty state, curves, the threshold, the cost of a miss, objects, and n/a with its reason."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from streamlit.testing.v1 import AppTest

from explorer.imagery.assembly import make_dataset
from explorer.imagery.balance import class_balance
from explorer.imagery.match_rule import HALF_IOU
from explorer.imagery.scene import Dataset
from explorer.metrics.threshold_choice import ChosenThreshold
from explorer.runs.class_thresholds import OwnThresholds, write_own_thresholds
from explorer.runs.records import RunStatus
from explorer.ui import services
from tests.pages.look import texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]


def trained(steps: int, group: str | None = None) -> str:
    store, engine = services.store(), services.engine()
    run_id = store.create_run(tiny_plan(steps), store.save_dataset(tiny_dataset()), group).id
    engine.submit(run_id)
    deadline = time.monotonic() + 60
    while store.run(run_id).status is not RunStatus.DONE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return run_id


def metric(page: AppTest, label: str) -> str:
    return next(each.value for each in page.metric if each.label == label)


def count(page: AppTest, outcome: str) -> int:
    """Of objects at the threshold of the slider, as the button says that shows them."""
    return int(page.button(key=f"at-slider-{outcome}").label.split()[0].replace(",", ""))


def test_nothing_trained_says_what_to_do(open_page: OpenPage) -> None:
    page = open_page("pages/tradeoffs.py").run()
    assert not page.exception
    assert "No run has a checkpoint yet" in texts(page)


def test_runs_that_belong_together_are_compared(open_page: OpenPage) -> None:
    page = open_page("pages/tradeoffs.py")
    first = trained(60, "pair")
    second = trained(5, "pair")
    page.run()
    assert not page.exception, page.exception
    assert page.multiselect[0].value == [first, second]
    assert [each.label for each in page.button] == ["Stop", "Stop"], "both sweeps are on their way"
    deadline = time.monotonic() + 60
    while services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.run()
    assert not page.exception, page.exception
    assert "take **" in texts(page)

    page.slider(key="threshold").set_value(0.02).run()
    assert not page.exception
    found, missed = count(page, "found"), count(page, "missed")
    page.slider(key="threshold").set_value(0.98).run()
    assert count(page, "found") + count(page, "missed") == found + missed, "labels stay"

    page.select_slider(key="miss-cost").set_value(100.0).run()
    assert "**100** false alarms" in page.success[0].value
    page.segmented_control(key="scope").set_value("pixel").run()
    assert not page.exception
    assert int(metric(page, "pixels found").replace(",", "")) >= found


def specks() -> Dataset:
    """The tiny dataset with two specks of 4 pixels in each scene, drawn as objects that touch."""
    scenes = []
    for scene in tiny_dataset().scenes:
        label, drawn = scene.label.copy(), np.zeros(scene.size, np.int32)
        label[61:63, 58:62], drawn[61:63, 58:60], drawn[61:63, 60:62] = 1, 1, 2
        scenes.append(replace(scene, label=label, objects=drawn))
    return make_dataset("specks", scenes, ("background", "square"), minimum_area=8)


def test_minimum_area_is_the_datasets_until_another_is_chosen(open_page: OpenPage) -> None:
    page = open_page("pages/tradeoffs.py")
    store, engine = services.store(), services.engine()
    dataset = specks()
    run_id = store.create_run(tiny_plan(5), store.save_dataset(dataset)).id
    engine.submit(run_id)
    wait_until(lambda: store.run(run_id).status is RunStatus.DONE)
    page.query_params["runs"] = run_id
    page.run()
    wait_until(lambda: not store.jobs.active())
    page.run()
    assert not page.exception, page.exception

    def there() -> int:
        return count(page, "found") + count(page, "missed")

    below = 2 * len(dataset.validation)
    everything = class_balance(dataset.validation, dataset.classes)[1].objects
    assert everything is not None
    widget = page.number_input(key="min-area")
    assert (widget.label, widget.value) == ("Minimum object area (px)", None)
    assert (
        f"{below} of {everything} objects of class square in the validation scenes are smaller than 8 pixels: "
        in texts(page)
    )
    assert there() == everything - below
    widget.set_value(1).run()
    assert not page.exception
    assert f"0 of {everything} objects of class square in the validation scenes are smaller than 1 pixel." in texts(
        page
    )
    assert there() == everything
    assert not store.jobs.active(), "nothing is measured again"
    for given, value in (("4", 4), ("0", None), ("many", None)):
        linked = open_page("pages/tradeoffs.py")
        linked.query_params["runs"], linked.query_params["min-area"] = run_id, given
        linked.run()
        assert not linked.exception, linked.exception
        assert linked.number_input(key="min-area").value == value


def test_sweep_that_failed_says_why_and_can_be_tried_again(open_page: OpenPage) -> None:
    page = open_page("pages/tradeoffs.py")
    run_id = trained(5)
    (checkpoint,) = services.store().folder(run_id).checkpoint_files()[-1:]
    whole = checkpoint.read_bytes()
    checkpoint.write_bytes(whole[:100])
    page.query_params["runs"] = run_id
    page.run()
    deadline = time.monotonic() + 60
    while services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.run()
    assert "not a readable checkpoint" in page.error[0].value.replace("\\", "")
    checkpoint.write_bytes(whole)
    next(each for each in page.button if each.label.startswith("Try again")).click().run()
    while services.store().jobs.active():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    page.run()
    assert "checkpoint" not in " ".join(each.value for each in page.error)
    assert metric(page, "F1")


def test_run_that_trains_is_compared_at_one_checkpoint_until_asked(open_page: OpenPage) -> None:
    store, engine = services.store(), services.engine()
    first = trained(5, "live")
    training = store.create_run(tiny_plan(100_000), store.save_dataset(tiny_dataset()), "live").id
    engine.step(training, 5)
    folder = store.folder(training)
    wait_until(lambda: store.run(training).status is RunStatus.PAUSED and bool(folder.checkpoint_files()))
    page = open_page("pages/tradeoffs.py")
    page.query_params["runs"] = f"{first},{training}"
    page.run()
    wait_until(lambda: not store.jobs.active())
    page.run()
    assert metric(page, "F1")
    count = len(folder.checkpoint_files())
    engine.step(training, 5)
    wait_until(lambda: store.run(training).status is RunStatus.PAUSED and len(folder.checkpoint_files()) > count)
    page.run()
    assert metric(page, "F1"), "the curves stay"
    assert not store.jobs.active()
    next(each for each in page.button if each.label == "Use the newest checkpoints").click().run()
    assert [job.file for job in store.jobs.active()] == [f"sweeps/{folder.checkpoint_files()[-1].stem}.npz"]
    wait_until(lambda: not store.jobs.active())
    engine.stop(training)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def swept(page: AppTest) -> AppTest:
    """The page once the curves that it needs are there."""
    page.run()
    wait_until(lambda: not services.store().jobs.active())
    page.run()
    assert not page.exception, page.exception
    return page


def with_own_threshold(run_id: str, value: float) -> None:
    """Writes down a threshold, as a run does that holds scenes out."""
    folder = services.store().folder(run_id)
    held_out = ("north (threshold block)",)
    chosen = ChosenThreshold(1, value, "F1", 0.5, 4, held_out, "the best")
    own = OwnThresholds(folder.checkpoint_files()[-1].name, HALF_IOU, 1, held_out, (chosen,), (8.0,))
    write_own_thresholds(own, folder.threshold_file, ["background", "square"])


def test_runs_are_compared_at_their_own_thresholds_and_at_half(open_page: OpenPage) -> None:
    with_one, without = trained(60), trained(60)
    with_own_threshold(with_one, 0.3)
    page = open_page("pages/tradeoffs.py")
    page.query_params["runs"] = f"{with_one},{without}"
    table = swept(page).dataframe[0].value
    assert list(table["at"]) == ["own", "½", "½"]
    assert [round(value, 2) for value in table["threshold"]] == [0.3, 0.5, 0.5]
    assert page.slider(key="threshold").value == 0.3, "the picture begins at the own threshold of the first run"


def test_run_that_finds_nothing_is_not_recommended(open_page: OpenPage) -> None:
    silent, finds = trained(1), trained(60)
    page = open_page("pages/tradeoffs.py")
    page.query_params["runs"] = silent
    swept(page)
    assert "finds nothing at threshold 0.50" in page.error[0].value
    assert not page.success, "there is nothing to recommend"
    assert "n/a, it finds nothing at" in texts(page)
    both = open_page("pages/tradeoffs.py")
    both.query_params["runs"] = f"{silent},{finds}"
    swept(both)
    assert f"· {finds[:6]}**" in both.success[0].value


def test_match_rule_decides_what_counts(open_page: OpenPage) -> None:
    run_id = trained(60)

    def under(rule: str) -> AppTest:
        page = open_page("pages/tradeoffs.py")
        page.query_params["runs"], page.query_params["match"] = run_id, rule
        return swept(page)

    half, small = under("iou:0.5"), under("iou:0.1")
    assert count(small, "found") >= count(half, "found")
    assert "Match rule: IoU > 0.1." in texts(small)
    assert small.success
    anywhere = under("overlap")
    assert not anywhere.success, "one prediction over everything would win"
    assert "One prediction over everything finds all objects" in texts(anywhere)
    assert "precision of pixels" in texts(anywhere)
    thin = under("tolerance:2")
    found, missed = (int(metric(thin, name).replace(",", "")) for name in ("pixels within 2 px found", "missed"))
    tiny = services.dataset(services.store().run(run_id).dataset_id)
    assert found + missed == sum(int((scene.label == 1).sum()) for scene in tiny.validation)
    assert "skeletons: recall" in texts(thin)
    assert "n/a: the match rule compares pixels, not objects." in texts(thin)
    assert not [each for each in thin.number_input if each.key == "min-area"], "no object has an area"
    assert thin.toggle(key="split").disabled


def test_bad_rule_in_the_address_is_said(open_page: OpenPage) -> None:
    page = open_page("pages/tradeoffs.py")
    page.query_params["runs"], page.query_params["match"] = trained(5), "nearest"
    page.run()
    assert not page.exception
    assert "There is no match rule nearest here; “IoU > 0.5” is used." in texts(page).replace("\\", "")
