"""Train on imagery that was brought: the plan follows from the data, says why, and stays the visitor's once edited."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from explorer.training.budget import Budget
from explorer.training.diagnosis import Concern, Remedy
from explorer.training.fingerprint import Fingerprint
from explorer.training.plan import Plan
from explorer.training.planning import propose
from explorer.ui import plan_from_data, services
from tests.pages.look import address, button, picker, run_of, texts
from tests.runs.tiny import tiny_dataset

OpenPage = Callable[[str], AppTest]


@pytest.fixture
def train(open_page: OpenPage, measured: None) -> AppTest:
    """The page, with a dataset that was brought and nothing else chosen."""
    page = open_page("pages/train.py")
    page.query_params["dataset"] = services.store().save_dataset(tiny_dataset())
    return page


def plan_of(page: AppTest) -> Plan:
    plan: Plan = page.session_state["plan-now"]
    return plan


def edit(page: AppTest, steps: int) -> None:
    """Changes the length of the first phase in the table."""
    page.session_state[f"phases-{page.session_state['plan-token']}"] = {
        "edited_rows": {0: {"Steps": steps, "Minimum steps": 0}},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()


def test_every_choice_is_shown_with_its_reason(train: AppTest) -> None:
    train.run()
    assert not train.exception
    expected = propose(
        services.fingerprint(train.session_state["dataset"]), "dice_ce", Budget(seconds=90), step_seconds=0.1
    )
    assert plan_of(train) == expected.plan
    assert "Why this plan" in [each.label for each in train.expander]
    table = train.table[0].value
    assert list(table.index) == [choice.name for choice in expected.choices]
    assert list(table["Choice"]) == [choice.value for choice in expected.choices]
    assert list(table["Reason"]) == [choice.reason for choice in expected.choices]
    assert "changed since" not in texts(train)
    assert "become fewer or more as it trains, to keep 90 s" in texts(train)
    edit(train, 33)
    assert plan_of(train).steps == 33
    assert plan_of(train).seconds is None, "a length that was chosen by hand holds, whatever time it takes"
    assert "to keep" not in texts(train)
    assert "changed since" in texts(train)


@pytest.mark.parametrize("changed", [False, True])
def test_the_run_keeps_why_its_plan_is_as_it_is(train: AppTest, changed: bool) -> None:
    train.run()
    expected = list(train.table[0].value["Reason"])
    if changed:
        edit(train, 33)
    button(train, "Play").click().run()
    assert not train.exception
    run_id = run_of(train)
    services.engine().stop(run_id)
    planned = services.store().folder(run_id).planned()
    assert planned is not None
    assert (planned.request.preset, planned.request.seconds, planned.changed) == ("dice_ce", 90, changed)
    assert list(train.table[0].value["Reason"]) == expected
    assert ("changed since" in texts(train)) == changed


@pytest.mark.parametrize(("time", "steps"), [("30 s", 285), ("90 s", 855), ("5 min", 2850)])  # 95 % at 0.1 s a step
def test_training_time_decides_the_steps(train: AppTest, time: str, steps: int) -> None:
    train.run()
    picker(train, "Training time").set_value(time).run()
    assert not train.exception
    assert plan_of(train).steps == steps


def test_number_of_steps_needs_no_measured_step(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "step_seconds", None)
    train.query_params["training-time"] = "Steps"
    train.query_params["training-steps"] = "40"
    train.run()
    assert not train.exception
    assert plan_of(train).steps == 40
    train.number_input(key="training-steps").set_value(120).run()
    assert plan_of(train).steps == 120


def test_preset_keeps_its_losses_and_takes_the_rest_from_the_data(train: AppTest) -> None:
    train.run()
    one = plan_of(train)
    picker(train, "Preset").set_value("ce_lovasz").run()
    two = plan_of(train)
    assert [phase.loss.kind for phase in two.phases] == ["cross_entropy", "lovasz"]
    shared = ("segmenter", "inputs", "batch_size", "crop_size", "object_share", "augmentation", "weight_decay")
    assert [getattr(two, name) for name in shared] == [getattr(one, name) for name in shared]


def test_edited_plan_stays_when_another_dataset_is_chosen(train: AppTest) -> None:
    other = services.store().save_dataset(replace(tiny_dataset(), name="other"))
    train.run()
    proposed = plan_of(train)
    edit(train, 33)
    picker(train, "Dataset").set_value(other).run()
    assert not train.exception
    assert plan_of(train).steps == 33
    assert "was changed for another dataset" in texts(train)
    button(train, "Take the plan for this dataset").click().run()
    assert plan_of(train).steps == proposed.steps
    assert "was changed for another dataset" not in texts(train)


def test_plan_that_nobody_edited_gives_way_to_that_of_another_dataset(train: AppTest) -> None:
    rare = tiny_dataset("rare")
    scenes = [replace(scene, label=scene.label * (index == 0)) for index, scene in enumerate(rare.training)]
    other = services.store().save_dataset(replace(rare, training=tuple(scenes)))
    train.query_params["preset"] = "recall_first"
    train.run()
    picker(train, "Dataset").set_value(other).run()
    assert not train.exception
    expected = propose(services.fingerprint(other), "recall_first", Budget(seconds=90), step_seconds=0.1).plan
    assert plan_of(train) == expected
    assert "was changed for another dataset" not in texts(train)


def test_recipe_is_queued_beside_the_plan_with_the_same_steps(train: AppTest) -> None:
    train.run()
    edit(train, 120)
    button(train, "With the recipe").click().run()
    assert not train.exception
    first = services.store().run(run_of(train))
    runs = sorted((run for run in services.store().runs() if run.group == first.group), key=lambda run: run.created)
    assert [run.plan.phases[0].loss.kind for run in runs] == ["dice_cross_entropy", "weighted_cross_entropy"]
    assert [run.plan.steps for run in runs] == [120, 120]
    assert len({(run.plan.seed, run.plan.segmenter, run.plan.crop_size, run.plan.batch_size) for run in runs}) == 1
    assert services.store().folder(runs[1].id).planned().choices, "says why, too"
    for run in runs:
        services.engine().stop(run.id)


def test_recipe_is_not_offered_beside_itself(train: AppTest) -> None:
    train.query_params["preset"] = "recall_first"
    train.run()
    assert "With the recipe" not in [each.label for each in train.button]


def test_remedy_before_training_changes_the_plan(train: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def concerned(fingerprint: Fingerprint, plan: Plan) -> tuple[Concern, ...]:
        better = plan.model_copy(update={"object_share": 0.9})
        remedy = Remedy("Foreground crop share 90 %", better)
        return () if plan == better else (Concern("empty_batches", "Half of the batches are empty.", (remedy,)),)

    monkeypatch.setattr(plan_from_data, "before_training", concerned)
    train.run()
    assert "Half of the batches are empty" in texts(train)
    button(train, "Foreground crop share 90 %").click().run()
    assert not train.exception
    assert plan_of(train).object_share == 0.9
    assert "Half of the batches are empty" not in texts(train)


def test_plan_of_a_run_opens_as_it_was_also_after_a_link_to_the_run(train: AppTest) -> None:
    dataset_id = address(train)["dataset"]
    plan = propose(services.fingerprint(dataset_id), "focal", Budget(steps=70)).plan
    train.query_params["run"] = services.store().create_run(plan, dataset_id).id
    train.run()
    button(train, "New run").click().run()
    assert not train.exception
    assert plan_of(train) == plan
    assert picker(train, "Preset").value is None


def test_step_is_measured_on_this_machine(open_page: OpenPage) -> None:
    """Nothing is replaced: a worker takes the fingerprint and makes some steps."""
    page = open_page("pages/train.py")
    page.query_params["dataset"] = services.store().save_dataset(tiny_dataset("real"))
    page.query_params["training-time"] = "30 s"
    page.run()
    assert not page.exception
    assert not page.error
    assert "measured on this machine" in page.table[0].value.loc["Steps", "Reason"]
    assert plan_of(page).steps > 0
