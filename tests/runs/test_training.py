"""A run in its folder: broken off anywhere it comes out the same; torn files, steering and locks."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path

import pytest

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.runs.event_log import cut_torn_line
from explorer.runs.folder import DatasetReference, RunFolder
from explorer.runs.history import NORM, history, logged_curve
from explorer.runs.timeline import replayed, timeline
from explorer.runs.training import execute
from explorer.segmenter.inputs import InputSpec
from explorer.training.commands import Pause, RunUntil, Steer
from explorer.training.events import CheckpointSaved, Ended, Event, Intervened, Note, Paused, Step, Validation
from explorer.training.plan import Augmentation, Plan, Trigger
from tests.runs.tiny import tiny_dataset, tiny_plan

DATASET = tiny_dataset()


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[..., RunFolder]:
    def made(plan: Plan, name: str = "run") -> RunFolder:
        return RunFolder.create(tmp_path / name, plan, DatasetReference.to(DATASET))

    return made


def trained(folder: RunFolder, steps: int | None = None) -> list[Event]:
    """Trains to the end, or until this many events have come and the process "dies"."""
    events = execute(folder, DATASET, device="cpu", checkpoint_steps=10)
    return list(events) if steps is None else list(islice(events, steps))


def of_training(events: Sequence[Event]) -> list[Event]:
    """What was measured, in order: free of how often the run was broken off."""
    return [event for event in timeline(events) if isinstance(event, Step | Validation)]


@pytest.mark.parametrize("died_after", [1, 2, 9, 17, 30, 48])
def test_run_that_dies_anywhere_comes_out_the_same(new_run: Callable[..., RunFolder], died_after: int) -> None:
    whole, broken = new_run(tiny_plan(40), "whole"), new_run(tiny_plan(40), "broken")
    trained(whole)
    trained(broken, died_after)
    trained(broken)
    assert of_training(broken.events()) == of_training(whole.events())
    assert [row["step"] for row in rows(broken)] == [row["step"] for row in rows(whole)]


def test_run_of_averaged_weights_on_a_smaller_scale_comes_out_the_same(new_run: Callable[..., RunFolder]) -> None:
    phase = tiny_plan(30).phases[0].model_copy(update={"decay": "cosine", "trigger": Trigger(relative=True)})
    plan = tiny_plan(
        phases=(phase, phase.model_copy(update={"trigger": None, "steps": 10})),
        inputs=InputSpec(scale=0.75),
        augmentation=Augmentation(gain=0.4, offset=0.2),
        averaging=0.9,
        clip_gradient=1.0,
        carry_over=True,
        choose_threshold=True,
        validations=8,
    )
    whole, broken = new_run(plan, "whole"), new_run(plan, "broken")
    trained(whole)
    trained(broken, 33)
    trained(broken)
    assert of_training(broken.events()) == of_training(whole.events())
    summaries = [json.loads(each.summary_file.read_text()) for each in (whole, broken)]
    assert summaries[0]["validation"] == summaries[1]["validation"]
    assert summaries[0]["steps"] == plan.steps
    shown = history(whole.events(), plan)
    assert shown.spans[-1].end == plan.steps


def rows(folder: RunFolder) -> list[dict[str, str]]:
    return list(csv.DictReader(folder.metrics_file.read_text().splitlines()))


def test_torn_last_line_is_skipped_by_readers_and_cut_by_the_next_job(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(30))
    trained(folder, 20)
    with folder.events_file.open("ab") as file:
        file.write(b'{"step": 17, "kin')
    before = folder.events()
    assert all(not isinstance(event, Note) for event in before)
    cut_torn_line(folder.events_file)
    assert folder.events() == before
    trained(folder)
    assert isinstance(folder.events()[-1], Ended)


def test_unreadable_checkpoint_falls_back_to_the_one_before(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(40))
    trained(folder, 40)
    newest = folder.checkpoint_files()[-1]
    newest.write_bytes(newest.read_bytes()[:100])
    (folder.checkpoints / f".{newest.name}.99-1").write_bytes(b"half")  # a kill while one was written
    assert folder.checkpoint_files()[-1] == newest
    trained(folder)
    whole = new_run(tiny_plan(40), "whole")
    trained(whole)
    assert of_training(folder.events()) == of_training(whole.events())


def test_commands_pause_step_and_steer_and_are_then_forgotten(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(60))
    folder.send(RunUntil(5))
    assert isinstance(trained(folder)[-1], Paused)
    assert not folder.pending()
    folder.send(Steer(learning_rate=3e-3, loss=LossSpec(kind="dice")))
    folder.send(RunUntil(12))
    events = trained(folder)
    assert events[-1] == Paused(12)
    made = next(event for event in events if isinstance(event, Intervened))
    assert made.intervention.step == 5
    assert not folder.pending()


def test_steered_run_is_repeated_by_its_recorded_interventions(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(30))
    for stop, change in ((7, Steer(learning_rate=5e-3)), (15, Steer(loss=LossSpec(kind="focal", gamma=1)))):
        folder.send(RunUntil(stop))
        trained(folder)
        folder.send(change)
    trained(folder)
    again = new_run(replayed(folder.plan(), folder.events()), "again")
    trained(again)
    assert of_training(again.events()) == of_training(folder.events())


def test_run_that_keeps_its_time_ends_in_it_and_is_repeated_by_its_interventions(
    new_run: Callable[..., RunFolder],
) -> None:
    folder = new_run(tiny_plan(100_000, seconds=1.0))
    events = trained(folder)
    changes = [event.intervention for event in events if isinstance(event, Intervened)]
    assert changes[0].length_factor is not None
    assert isinstance(events[-1], Ended)
    assert events[-1].reason == "done"
    steps = [event for event in events if isinstance(event, Step)]
    shown = history(events, folder.plan())
    assert shown.most_steps == steps[-1].step < 100_000
    assert any("to keep the time" in text for _, text in shown.notes)
    again = new_run(replayed(folder.plan(), folder.events()), "again")
    assert again.plan().seconds is None
    assert of_training(trained(again)) == of_training(events)


def test_run_that_keeps_its_time_and_dies_goes_on_and_keeps_it(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(100_000, seconds=1.0))
    for event in execute(folder, DATASET, device="cpu", checkpoint_steps=5):
        if isinstance(event, Intervened):
            break
    trained(folder)
    ended = folder.events()[-1]
    assert isinstance(ended, Ended)
    assert ended.reason == "done"
    again = new_run(replayed(folder.plan(), folder.events()), "again")
    assert of_training(trained(again)) == of_training(folder.events())


def test_only_one_job_works_in_a_folder(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(10))
    with folder.locked(), pytest.raises(InputError, match="another job"):
        trained(folder)


def test_ended_run_is_left_as_it_is(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(10))
    trained(folder)
    summary = folder.summary_file.read_bytes()
    assert trained(folder) == []
    assert folder.summary_file.read_bytes() == summary
    assert json.loads(summary)["ended"] == "done"


def test_summary_counts_training_time_only(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(10))
    trained(folder)
    last = next(event for event in reversed(folder.events()) if isinstance(event, Step))
    assert json.loads(folder.summary_file.read_text())["seconds"] == pytest.approx(last.seconds, abs=1e-3)


def test_history_shows_gaps_and_what_holds(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(40))
    trained(folder, 30)
    trained(folder)
    shown = history(folder.events(), folder.plan())
    assert shown.curves[NORM][0].tolist() == list(range(1, 41))
    assert shown.spans[0].end == 40
    assert len(shown.curves[logged_curve("lovasz")][0]) < 40, "costly losses are measured now and then"
    assert any("job was lost" in text for _, text in shown.notes)
    assert shown.steps_per_second is not None


def test_pause_before_the_first_step_loses_nothing(new_run: Callable[..., RunFolder]) -> None:
    folder = new_run(tiny_plan(10))
    folder.send(Pause())
    assert trained(folder)[-1] == Paused(0)
    trained(folder)
    assert len(of_training(folder.events())) >= 10


def test_a_job_that_is_killed_after_each_step_gets_on(new_run: Callable[..., RunFolder]) -> None:
    """Long before the first checkpoint that is kept: the state is saved after the first step, too."""
    whole, broken = new_run(tiny_plan(6), "whole"), new_run(tiny_plan(6), "broken")
    trained(whole)
    lives = 0
    while not (broken.events() and isinstance(broken.events()[-1], Ended)):
        lives += 1
        assert lives < 20, f"it is at step {broken.events()[-1].step}"
        made = 0
        for event in execute(broken, DATASET, device="cpu", checkpoint_steps=1000):
            made += isinstance(event, Step)
            if made and isinstance(event, CheckpointSaved):
                break
    assert lives == 7
    assert of_training(broken.events()) == of_training(whole.events())
    assert not (broken.checkpoints / "recent").exists()
