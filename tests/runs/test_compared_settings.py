"""What tells runs apart: the dataset, what counts as an object on it, the device, and plans as they were trained."""

from __future__ import annotations

from explorer.imagery.match_rule import MatchRule
from explorer.runs.compared_settings import TrainedPlan, compare_settings
from explorer.runs.folder import DatasetReference
from explorer.training.events import Intervened, PhaseChange, Started
from explorer.training.plan import Intervention
from tests.runs.tiny import tiny_dataset, tiny_plan

REFERENCE = DatasetReference.to(tiny_dataset())
BEGUN = (Started(0, "cpu", 9, (1.0,)), PhaseChange(0, 0, 0, "start"))
RUN = TrainedPlan(REFERENCE, tiny_plan(20), BEGUN)


def differing(other: TrainedPlan) -> dict[str, tuple[str, ...]]:
    return {each.label: each.values for each in compare_settings([RUN, other]) if each.differs}


def test_datasets_of_one_name_differ_by_their_hash() -> None:
    changes = {"id": "0123456789abcdef", "match_rule": MatchRule.parse("overlap"), "minimum_area": 77}
    found = differing(TrainedPlan(REFERENCE.model_copy(update=changes), RUN.plan, BEGUN))
    assert list(found) == ["Hash of the dataset", "Match rule", "Minimum object area"]
    assert found["Hash of the dataset"] == (REFERENCE.id[:12], "0123456789ab")
    assert found["Minimum object area"][1] == "77 px"


def test_the_device_is_that_of_the_last_start() -> None:
    again = (*BEGUN, Started(0, "cuda", 9, (1.0,)))
    assert differing(TrainedPlan(REFERENCE, RUN.plan, again)) == {"Device": ("cpu", "cuda")}


def test_a_change_while_it_trained_differs_and_the_time_that_was_asked_for_stays() -> None:
    timed = RUN.plan.model_copy(update={"seconds": 60.0})
    steered = (*BEGUN, Intervened(5, Intervention(step=5, learning_rate=0.5)))
    found = differing(TrainedPlan(REFERENCE, timed, steered))
    assert found == {
        "Training time (s)": ("–", "60"),
        "Changes made while it trained": ("–", "step 5: learning rate 0.5"),
    }
