"""Home and Train: presets, the table of phases, what is wrong said beside it, runs that start, rest and end."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from explorer.imagery.assembly import make_dataset
from explorer.imagery.scene import Dataset
from explorer.jobs.engine import Engine
from explorer.jobs.slots import Place
from explorer.losses.spec import LossSpec
from explorer.runs.records import RunStatus
from explorer.runs.turns import Waiting
from explorer.training.commands import Steer
from explorer.training.events import Event, to_json
from explorer.training.plan import Plan
from explorer.training.presets import PRESETS, preset_plan
from explorer.ui import live_figure, services
from tests.pages.conftest import VISITOR
from tests.pages.look import address, button, picker, run_of, status_line, texts
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def train(open_page: OpenPage, measured: None) -> AppTest:
    """The page, with the tiny dataset and the recipe chosen."""
    page = open_page("pages/train.py")
    page.query_params["dataset"] = services.store().save_dataset(tiny_dataset())
    page.query_params["preset"] = "recall_first"
    return page


def wait_for(run_id: str, *wanted: RunStatus) -> None:
    deadline = time.monotonic() + 60
    while services.store().run(run_id).status not in wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def open_paused(page: AppTest) -> str:
    """Shows a new run that has made five steps; gives its id."""
    store, engine = services.store(), services.engine()
    run_id = store.create_run(tiny_plan(100_000), store.save_dataset(tiny_dataset())).id
    engine.step(run_id, 5)
    wait_for(run_id, RunStatus.PAUSED)
    page.query_params["run"] = run_id
    page.run()
    return run_id


def test_home_leads_to_a_live_run_in_one_click(open_page: OpenPage) -> None:
    home = open_page("app.py").run()
    assert not home.exception
    assert [each.label for each in home.button] == ["Train on it"] * 3
    home.button(key="train-car_park").click().run()
    assert not home.exception
    (run,) = services.store().runs()
    assert run_of(home) == run.id, "the click leads to the run"
    assert (run.dataset_name, run.plan) == ("Car park", preset_plan("recall_first"))
    train = open_page("pages/train.py")
    train.query_params["run"] = run.id
    deadline = time.monotonic() + 60
    while "Training loss" not in texts(train.run()):
        assert time.monotonic() < deadline, texts(train)
        assert not train.exception
        time.sleep(0.2)
    assert services.store().run(run.id).step > 0
    services.engine().stop(run.id)


def test_built_in_scenes_keep_the_plans_of_the_presets(train: AppTest) -> None:
    train.query_params["dataset"] = "builtin:car_park"
    del train.query_params["preset"]
    train.run()
    assert not train.exception
    assert picker(train, "Preset").options[0] == "Recall first, then clean up"
    for key in PRESETS:
        picker(train, "Preset").set_value(key).run()
        assert not train.exception
        assert not train.error
        assert not button(train, "Play").disabled
        assert train.session_state["plan-now"] == preset_plan(key), "the preset is what is trained"
    assert "Training time" not in [each.label for each in train.selectbox]
    assert "Why this plan" not in [each.label for each in train.expander]


def test_bad_table_is_said_beside_it_and_play_waits(train: AppTest) -> None:
    train.run()
    token = train.session_state["plan-token"]
    train.session_state[f"phases-{token}"] = {
        "edited_rows": {0: {"Minimum steps": 5000}},
        "added_rows": [],
        "deleted_rows": [],
    }
    train.run()
    assert "minimum_steps (5000) is more than steps" in train.error[0].value.replace("\\", "")
    assert button(train, "Play").disabled


def test_edited_table_is_what_is_trained(train: AppTest) -> None:
    train.run()
    token = train.session_state["plan-token"]
    train.session_state[f"phases-{token}"] = {
        "edited_rows": {0: {"Steps": 3, "Minimum steps": 0}},
        "added_rows": [{"Loss": "Focal", "Learning rate": 0.002, "Steps": 4}],
        "deleted_rows": [1],
    }
    train.run()
    button(train, "Play").click().run()
    plan = services.store().run(run_of(train)).plan
    assert [(phase.loss.kind, phase.steps) for phase in plan.phases] == [("weighted_cross_entropy", 3), ("focal", 4)]
    assert plan.phases[1].learning_rate == 0.002
    services.engine().stop(run_of(train))


def test_poll_that_is_late_changes_nothing(train: AppTest) -> None:
    """A browser that is busy polls with the values of the widgets that it still shows: no choice of the visitor's."""
    train.run()
    picker(train, "Preset").set_value("focal").run()
    before = train._tree.get_widget_states()  # a real browser sends these; the test harness only what it shows now
    button(train, "Play").click().run()
    run_id = run_of(train)
    chosen = dict(address(train))
    train._run(before)
    assert address(train) == chosen
    assert run_of(train) == run_id, "the run stays open"
    services.engine().stop(run_id)


def test_late_poll_of_another_run_steers_nothing(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    store, engine = services.store(), services.engine()
    dataset_id = store.save_dataset(tiny_dataset())
    watched, other = (store.create_run(tiny_plan(100_000), dataset_id).id for _ in range(2))
    engine.step(watched, 5)
    wait_for(watched, RunStatus.PAUSED)
    sent: list[str] = []
    steer = engine.steer
    monkeypatch.setattr(engine, "steer", lambda run_id, change: (sent.append(run_id), steer(run_id, change)))
    train.query_params["run"] = watched
    train.run()
    rate = next(each for each in train.select_slider if each.label == "Learning rate")
    rate.set_value(0.01).run()
    assert sent == [watched]
    late = train._tree.get_widget_states()
    train.query_params["run"] = other
    train.run()
    train._run(late)
    train.query_params["run"] = watched
    train.run()
    assert sent == [watched], "nobody has steered it again"


def test_steered_rate_is_shown_to_who_comes_later(train: AppTest) -> None:
    store, engine = services.store(), services.engine()
    run_id = store.create_run(tiny_plan(100_000), store.save_dataset(tiny_dataset())).id
    engine.step(run_id, 2)
    wait_for(run_id, RunStatus.PAUSED)
    engine.steer(run_id, Steer(learning_rate=0.02))
    engine.step(run_id, 2)
    deadline = time.monotonic() + 30
    while services.follower(run_id).history().last_step < 4:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    wait_for(run_id, RunStatus.PAUSED)
    train.query_params["run"] = run_id
    train.run()
    assert next(each for each in train.select_slider if each.label == "Learning rate").value == 0.02


def test_double_click_on_play_starts_one_run(train: AppTest) -> None:
    train.run()
    count = len(services.store().runs())
    button(train, "Play").click()
    click = train._tree.get_widget_states()
    train._run(click)
    run_id = run_of(train)
    del train.query_params["run"]  # the second click was sent before the browser knew the run
    train._run(click)
    assert len(services.store().runs()) == count + 1
    assert run_of(train) == run_id
    services.engine().stop(run_id)


def test_click_is_not_lost_where_the_page_begins_again(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, run_id = services.engine(), open_paused(train)
    balance = services.balance

    def resume_meanwhile(dataset_id: str):
        """The page asks for the balance once it has read the run, and before it draws it."""
        engine.submit(run_id)
        return balance(dataset_id)

    monkeypatch.setattr(services, "balance", resume_meanwhile)
    monkeypatch.setattr(engine, "stop", lambda clicked: stopped.append(clicked))
    stopped: list[str] = []
    button(train, "Stop").click().run()
    assert stopped == [run_id]
    monkeypatch.undo()
    engine.stop(run_id)


def test_with_controls_queues_equal_budgets_to_compare(train: AppTest) -> None:
    train.run()
    button(train, "With controls").click().run()
    assert not train.exception
    group = services.store().run(run_of(train)).group
    runs = [run for run in services.store().runs() if run.group == group]
    assert len(runs) == 4
    assert len({run.plan.steps for run in runs}) == 1
    assert len({(run.plan.seed, run.plan.batch_size, run.plan.segmenter) for run in runs}) == 1
    queued = [waiting.run_id for waiting in services.store().queue()]
    shown_first = [run_of(train), *(run_id for run_id in queued if run_id != run_of(train))]
    by_age = [run.id for run in sorted(runs, key=lambda run: run.created)]
    assert [run_id for run_id in shown_first if run_id in by_age] == by_age, "the controls wait in the order of places"
    for run in runs:
        services.engine().stop(run.id)


def test_paused_run_can_be_steered_stepped_and_planned_again(train: AppTest) -> None:
    store, run_id = services.store(), open_paused(train)
    assert not train.exception
    assert "step 5 of" in status_line(train)["words"]
    rate = next(each for each in train.select_slider if each.label == "Learning rate")
    rate.set_value(0.01).run()
    button(train, "+1").click().run()
    wait_for(run_id, RunStatus.PAUSED)
    deadline = time.monotonic() + 30
    while store.run(run_id).step < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    made = [event for event in store.events(run_id)[1] if event.kind == "intervention"]
    assert [event.intervention.learning_rate for event in made] == [0.01]
    button(train, "New run").click().run()
    wait_for(run_id, RunStatus.STOPPED)
    assert "run" not in train.query_params
    assert train.session_state["plan-now"] == store.run(run_id).plan
    assert picker(train, "Preset").value is None, "the plan is no preset"
    assert address(train)["dataset"] == store.run(run_id).dataset_id


def test_downloaded_plan_repeats_a_steered_run(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    store, engine = services.store(), services.engine()
    dataset_id = store.save_dataset(tiny_dataset())
    run_id = store.create_run(tiny_plan(12), dataset_id).id
    engine.step(run_id, 5)
    wait_for(run_id, RunStatus.PAUSED)
    engine.steer(run_id, Steer(learning_rate=0.01, loss=LossSpec(kind="focal", gamma=1)))
    engine.submit(run_id)
    wait_for(run_id, RunStatus.DONE)
    files = downloads(train, run_id, monkeypatch)
    plan = Plan.read(files["Plan"]().decode())
    assert [change.step for change in plan.interventions] == [5]
    again = store.create_run(plan, dataset_id).id
    engine.submit(again)
    wait_for(again, RunStatus.DONE)
    made, repeated = (
        [event for event in store.events(each)[1] if event.kind in ("step", "validation")] for each in (run_id, again)
    )
    assert len([event for event in made if event.kind == "step"]) == 12
    assert [comparable(event) for event in repeated] == [comparable(event) for event in made]
    assert files["Metrics"]().startswith(b"step,phase")


def comparable(event: Event) -> dict[str, object]:
    """An event without the time that it took."""
    return {name: value for name, value in json.loads(to_json(event)).items() if name != "seconds"}


def downloads(page: AppTest, run_id: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], bytes]]:
    """What the download buttons of a run's page give, by their label."""
    offered: dict[str, Callable[[], bytes]] = {}
    real = st.download_button

    def spy(label: str, data: Callable[[], bytes], *arguments: object, **options: object) -> bool:
        offered[label] = data
        return real(label, data, *arguments, **options)

    monkeypatch.setattr(st, "download_button", spy)
    page.query_params["run"] = run_id
    page.run()
    assert not page.exception
    return offered


def test_each_dataset_is_offered_once_under_a_label_of_its_own(open_page: OpenPage, measured: None) -> None:
    store = services.store()
    drawn = services.builtin_id("car_park")  # as a store of an earlier version: drawn, not written down
    (services.store().root / "chosen.json").unlink(missing_ok=True)
    other = tiny_dataset("Car park")
    for dataset in (other, tiny_dataset("twin"), reseeded("twin")):
        store.save_dataset(dataset)
    page = open_page("pages/train.py").run()
    assert not page.exception
    box = picker(page, "Dataset")
    assert len(set(box.options)) == len(box.options)
    assert [label for label in box.options if label.startswith("Car park")] == [
        "Car park (built in)",
        "Car park (2)",
    ]
    assert {"twin", "twin (2)"} <= set(box.options), "the store gives each a name of its own"
    page = open_page("pages/train.py")
    page.query_params["dataset"] = drawn
    assert picker(page.run(), "Dataset").value == "builtin:car_park", "the id means the same dataset"


def reseeded(name: str) -> Dataset:
    """As tiny, with the scenes in another order."""
    tiny = tiny_dataset(name)
    return make_dataset(name, tiny.scenes[::-1], tiny.classes, [tiny.scenes[0].name])


def test_fresh_visit_takes_the_dataset_used_last_and_the_address_keeps_it(open_page: OpenPage, measured: None) -> None:
    store = services.store()
    older, newer = (store.save_dataset(tiny_dataset(name), VISITOR) for name in ("older", "newer"))
    fresh = open_page("pages/train.py").run()
    assert picker(fresh, "Dataset").value == newer
    assert "newer is the dataset that you used last" in texts(fresh)
    assert address(fresh) == {"dataset": newer, "preset": "dice_ce"}
    picker(fresh, "Dataset").set_value(older).run()
    picker(fresh, "Preset").set_value("focal").run()
    assert address(fresh) == {"dataset": older, "preset": "focal"}
    reloaded = open_page("pages/train.py")
    for name, value in address(fresh).items():
        reloaded.query_params[name] = value
    reloaded.run()
    assert picker(reloaded, "Dataset").value == older
    assert reloaded.session_state["plan-now"].name == PRESETS["focal"].name
    bookmark = open_page("pages/train.py").run()
    assert picker(bookmark, "Dataset").value == older, "chosen after newer was saved"


def test_looking_at_built_in_scenes_does_not_choose_them(open_page: OpenPage, measured: None) -> None:
    chosen = services.store().save_dataset(tiny_dataset("mine"), VISITOR)
    imagery = open_page("pages/imagery.py")
    imagery.query_params["builtin"] = "harbour"
    assert not imagery.run().exception
    assert picker(open_page("pages/train.py").run(), "Dataset").value == chosen


def test_bad_address_is_ignored_with_a_note(train: AppTest) -> None:
    train.query_params["run"] = "nowhere"
    train.query_params["preset"] = "nothing"
    train.run()
    assert not train.exception
    assert "There is no run nowhere here" in texts(train)
    assert "There is no preset nothing" in texts(train)


def test_queued_run_says_what_it_waits_for(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    store = services.store()
    run_id = store.create_run(tiny_plan(), store.save_dataset(tiny_dataset())).id
    services.engine()  # is there: as it starts, it takes what waits for interrupted
    monkeypatch.setattr(Engine, "_fill_slots", lambda _: None)  # the run stays in the queue
    store.set_status(run_id, RunStatus.QUEUED)
    store.enqueue(run_id)
    train.query_params["run"] = run_id
    for starting, place, text, info in (
        (True, None, "workers are starting", "The workers are starting"),
        (False, Place(False, (Waiting(run_id, None, 1),), (), 1), "place 2 in the queue", "Waiting for a slot"),
        (False, None, "about to start", "About to start"),
    ):
        monkeypatch.setattr(Engine, "starting", starting)
        monkeypatch.setattr(Engine, "place", lambda *_, place=place: place)
        train.run()
        assert text in status_line(train)["words"]
        assert info in train.info[0].value
    store.set_status(run_id, RunStatus.PAUSED)


def test_no_part_of_the_page_of_a_run_runs_by_itself(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty pages with one that did would keep the server busy: the browser asks the feed."""
    store = services.store()
    run_id = store.create_run(tiny_plan(), store.save_dataset(tiny_dataset())).id
    services.engine()
    monkeypatch.setattr(Engine, "_fill_slots", lambda _: None)
    made: list[float | None] = []
    fragment = st.fragment
    monkeypatch.setattr(
        st, "fragment", lambda *args, run_every=None, **kw: made.append(run_every) or fragment(*args, **kw)
    )
    store.set_status(run_id, RunStatus.QUEUED)
    store.enqueue(run_id)
    train.query_params["run"] = run_id
    train.run()
    store.set_status(run_id, RunStatus.PAUSED)
    assert not train.exception
    assert made == [None, None], "the terms of the page, and the run"


def test_figures_are_drawn_once_for_all_who_look(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = open_paused(train)
    drawn: list[object] = []
    encode = live_figure._encoded
    monkeypatch.setattr(live_figure, "_encoded", lambda figure: drawn.append(figure) or encode(figure))
    train.run()
    assert not train.exception
    assert not drawn, f"{run_id} has not changed"


def test_full_disk_is_said_on_the_page(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    store = services.store()
    train.query_params["run"] = store.create_run(tiny_plan(), store.save_dataset(tiny_dataset())).id
    monkeypatch.setattr(Engine, "problem", "OperationalError: database or disk is full")
    train.run()
    assert "New events cannot be stored: OperationalError" in train.warning[0].value.replace("\\", "")
