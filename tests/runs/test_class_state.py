"""The state of the class: locks and pushes, what a lock means for a plan, and what is kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from explorer.losses.spec import LossSpec
from explorer.runs.class_state import CONTROLS, ClassState, Push, as_given
from explorer.runs.store import Store
from explorer.training.plan import Phase, Plan, Trigger
from tests.runs.tiny import tiny_plan

GIVEN = tiny_plan(phases=(Phase(loss=LossSpec(kind="cross_entropy"), steps=40), Phase(loss=LossSpec(kind="dice"))))


def changed(**changes: object) -> Plan:
    """The given plan with another first phase."""
    first = GIVEN.phases[0].model_copy(update=changes)
    return GIVEN.model_copy(update={"phases": (first, *GIVEN.phases[1:])})


def test_locks_are_sorted_and_known() -> None:
    state = ClassState().with_locks(["rate", "losses", "rate", "nothing"], ["train", "imagery", "train"])
    assert state.locked_controls == ("losses", "rate")
    assert state.locked_pages == ("imagery", "train")
    assert state.with_locks([], []) == ClassState()
    with pytest.raises(ValidationError):
        ClassState.model_validate({"locked_controls": ["nothing"]})


def test_each_push_has_a_number_of_its_own() -> None:
    state = ClassState().with_push("train", "focal").with_push("train", "focal")
    assert state.push == Push(number=2, page="train", preset="focal")


@pytest.mark.parametrize(
    ("control", "plan"),
    [
        ("losses", changed(loss=LossSpec(kind="focal"))),
        ("losses", changed(loss=LossSpec(kind="weighted_cross_entropy", class_weights=(1.0, 2.0)))),
        ("rate", changed(learning_rate=0.5)),
        ("rate", changed(decay="cosine")),
        ("length", changed(steps=7)),
        ("length", changed(trigger=Trigger())),
        ("length", GIVEN.model_copy(update={"cycles": 3})),
        ("length", GIVEN.model_copy(update={"seconds": 10.0})),
    ],
)
def test_a_lock_takes_its_own_changes_back_and_no_others(control: str, plan: Plan) -> None:
    assert as_given(plan, GIVEN, {control}) == GIVEN
    assert as_given(plan, GIVEN, {"plan"}) == GIVEN
    others = set(CONTROLS) - {control, "plan"}
    assert as_given(plan, GIVEN, others) == plan
    assert as_given(plan, GIVEN, ()) is plan


def test_what_is_not_locked_stays_changed() -> None:
    plan = changed(loss=LossSpec(kind="focal"), learning_rate=0.5).model_copy(update={"seed": 9})
    held = as_given(plan, GIVEN, {"losses"})
    assert held.phases[0].loss == GIVEN.phases[0].loss
    assert (held.phases[0].learning_rate, held.seed) == (0.5, 9)


def test_phases_that_were_added_or_removed_are_a_change_of_each_lock_of_phases() -> None:
    fewer = GIVEN.model_copy(update={"phases": GIVEN.phases[:1]})
    for control in ("losses", "rate", "length"):
        assert as_given(fewer, GIVEN, {control}) == GIVEN


def test_plan_that_was_held_is_valid() -> None:
    given = changed(steps=50, minimum_steps=40, warmup_steps=30)
    plan = changed(steps=5)
    for control in CONTROLS:
        held = as_given(plan, given, {control})
        assert Plan.model_validate(held.model_dump()) == held


def test_state_is_kept_over_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.class_table.state() is None, "there was no class yet"
    state = ClassState().with_locks(["losses"], ["landscape"]).with_push("imagery")
    store.class_table.keep(ClassState())
    store.class_table.keep(state)
    store.close()
    again = Store(tmp_path)
    assert again.class_table.state() == state
    again.close()


def test_state_that_cannot_be_read_is_logged_and_locks_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path)
    with store._database.transaction() as connection:
        connection.execute("""INSERT INTO class_state VALUES ('{"locked_controls": ["of another version"]}')""")
    assert store.class_table.state() == ClassState()
    assert "cannot be read" in caplog.text
    store.close()
