"""Home and Train: presets, the table of phases, what is wrong said beside it, runs that start, rest and end."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from explorer.runs.records import RunStatus
from explorer.training.presets import PRESETS
from explorer.ui import services
from tests.runs.tiny import tiny_dataset, tiny_plan

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def train(open_page: OpenPage) -> AppTest:
    """The page, with the tiny dataset chosen."""
    page = open_page("pages/train.py")
    page.query_params["dataset"] = services.store().save_dataset(tiny_dataset())
    return page


def button(page: AppTest, label: str):
    return next(each for each in page.button if each.label == label)


def wait_for(run_id: str, *wanted: RunStatus) -> None:
    deadline = time.monotonic() + 60
    while services.store().run(run_id).status not in wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def run_of(page: AppTest) -> str:
    given = page.query_params["run"]
    return given if isinstance(given, str) else given[0]


def texts(page: AppTest) -> str:
    return " ".join(each.value for each in (*page.error, *page.warning, *page.info, *page.caption, *page.markdown))


def test_home_leads_to_a_live_run_in_one_click(open_page: OpenPage) -> None:
    home = open_page("app.py").run()
    assert not home.exception
    assert [each.label for each in home.button] == ["Train on it"] * 3


def test_first_preset_is_the_recipe_and_each_can_be_chosen(train: AppTest) -> None:
    train.run()
    assert not train.exception
    picker = train.selectbox(key="preset-choice")
    assert picker.options[0] == "Recall first, then clean up"
    for key in PRESETS:
        train.selectbox(key="preset-choice").set_value(key).run()
        assert not train.exception
        assert not train.error
        assert not button(train, "Play").disabled


def test_bad_table_is_said_beside_it_and_play_waits(train: AppTest) -> None:
    train.run()
    token = train.session_state["plan-token"]
    train.session_state[f"phases-{token}"] = {
        "edited_rows": {0: {"at least": 5000}},
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
        "edited_rows": {0: {"steps": 3}},
        "added_rows": [{"loss": "Focal", "rate": 0.002, "steps": 4}],
        "deleted_rows": [1],
    }
    train.run()
    button(train, "Play").click().run()
    plan = services.store().run(run_of(train)).plan
    assert [(phase.loss.kind, phase.steps) for phase in plan.phases] == [("weighted_cross_entropy", 3), ("focal", 4)]
    assert plan.phases[1].learning_rate == 0.002
    services.engine().stop(run_of(train))


def test_with_controls_queues_equal_budgets_to_compare(train: AppTest) -> None:
    train.run()
    button(train, "With controls").click().run()
    assert not train.exception
    group = services.store().run(run_of(train)).group
    runs = [run for run in services.store().runs() if run.group == group]
    assert len(runs) == 3
    assert len({run.plan.steps for run in runs}) == 1
    assert len({(run.plan.seed, run.plan.batch_size, run.plan.segmenter) for run in runs}) == 1
    for run in runs:
        services.engine().stop(run.id)


def test_run_that_rests_can_be_steered_resumed_and_reset(train: AppTest) -> None:
    store, engine = services.store(), services.engine()
    run_id = store.create_run(tiny_plan(100_000), store.save_dataset(tiny_dataset())).id
    engine.step(run_id, 5)
    wait_for(run_id, RunStatus.PAUSED)
    train.query_params["run"] = run_id
    train.run()
    assert not train.exception
    assert "step **5**" in train.get("progress")[0].proto.text
    rate = next(each for each in train.select_slider if each.label == "Learning rate")
    rate.set_value(0.01).run()
    button(train, "+1").click().run()
    wait_for(run_id, RunStatus.PAUSED)
    deadline = time.monotonic() + 30
    while store.run(run_id).step < 6 and time.monotonic() < deadline:
        time.sleep(0.05)
    made = [event for event in store.events(run_id)[1] if event.kind == "intervention"]
    assert [event.intervention.learning_rate for event in made] == [0.01]
    button(train, "Reset: plan it anew").click().run()
    wait_for(run_id, RunStatus.STOPPED)
    assert "run" not in train.query_params
    assert train.session_state["plan-now"].name == "tiny"


def test_bad_address_is_set_aside_with_a_note(train: AppTest) -> None:
    train.query_params["run"] = "nowhere"
    train.query_params["preset"] = "nothing"
    train.run()
    assert not train.exception
    assert "There is no run nowhere here" in texts(train)
    assert "There is no preset nothing" in texts(train)
