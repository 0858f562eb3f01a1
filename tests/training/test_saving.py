"""When the state of a run is saved, and that a job that is killed again and again gets on."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from explorer.training import loop, saving
from explorer.training.checkpoints import Checkpoint, load_checkpoint
from explorer.training.events import CheckpointSaved, Ended, Event, Recovered, Step
from explorer.training.loop import train
from explorer.training.saving import Saver, SaveReason
from explorer.training.schedule import Position
from tests.runs.tiny import tiny_dataset
from tests.training.test_loop import TWO_PHASES, FaultyLoss

DATASET = tiny_dataset()
STATE = Checkpoint(step=7, position=Position(), weights={}, moments={}, seconds=0.0)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        monkeypatch.setattr(saving.time, "perf_counter", lambda: self.now)


def test_the_first_is_due_at_once_and_the_next_after_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, saver = Clock(monkeypatch), Saver(tmp_path, steps=50, seconds=2.0)
    saver.save(replace(STATE, step=0), "interval")
    assert (saver.due(1), saver.due(50)) == ("time", "interval")
    saver.save(STATE, "time")
    assert saver.due(2) is None
    clock.now += 2.0
    assert saver.due(3) == "time"
    saver.save(STATE, "interval")
    assert saver.due(4) is None, "any checkpoint will do"


def test_slow_saves_take_no_more_than_a_hundredth_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, saver = Clock(monkeypatch), Saver(tmp_path, steps=50, seconds=2.0)

    def slowly(checkpoint: Checkpoint, folder: Path, name: str | None) -> Path:
        clock.now += 0.5
        return folder / (name or "step")

    monkeypatch.setattr(saving, "save_checkpoint", slowly)
    saver.save(STATE, "time")
    clock.now += 49
    assert saver.due(3) is None
    clock.now += 1
    assert saver.due(3) == "time"


@pytest.mark.parametrize(("folder", "seconds"), [(False, 2.0), (True, None)], ids=["no folder", "no seconds"])
def test_nothing_is_saved_by_time_without_a_folder_or_a_time(
    tmp_path: Path, folder: bool, seconds: float | None
) -> None:
    saver = Saver(tmp_path if folder else None, steps=50, seconds=seconds)
    assert (saver.due(3), saver.due(50)) == (None, "interval")


def test_two_files_take_turns_and_go_with_the_end_of_the_run(tmp_path: Path) -> None:
    saver = Saver(tmp_path, steps=50, seconds=0.0)
    reasons: tuple[SaveReason, ...] = ("time", "time", "time", "interval")
    names = [saver.save(STATE, reason) for reason in reasons]
    assert names == [
        "recent/1.safetensors",
        "recent/0.safetensors",
        "recent/1.safetensors",
        "step_00000007.safetensors",
    ]
    assert sorted(path.name for path in (tmp_path / "recent").iterdir()) == ["0.safetensors", "1.safetensors"]
    saver.save(STATE, "end")
    assert [path.name for path in tmp_path.iterdir()] == ["step_00000007.safetensors"]


def broken_off(folder: Path, resume: Checkpoint | None = None, restart: Checkpoint | None = None) -> list[Event]:
    return list(train(TWO_PHASES, DATASET, device="cpu", checkpoints=folder, resume=resume, restart=restart,
                      checkpoint_steps=7, checkpoint_seconds=0.0))  # fmt: skip


def test_a_run_that_resumes_from_a_checkpoint_by_time_starts_again_where_it_would_have(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The loss explodes at step 12: the run goes back to step 7, whether or not it was broken off at step 10."""

    def recovered(fault: int, **checkpoints: Checkpoint) -> list[Event]:
        with monkeypatch.context() as patch:
            patch.setattr(loop, "training_step", FaultyLoss(lambda call: call == fault, math.nan))
            return broken_off(tmp_path, **checkpoints)

    monkeypatch.setattr(saving, "_SHARE", math.inf)  # of each step
    whole = recovered(12)
    (went_back,) = (event for event in whole if isinstance(event, Recovered))
    assert went_back.back_to == 7
    (tmp_path / "step_00000007.safetensors").unlink()
    for event in islice(train(TWO_PHASES, DATASET, device="cpu", checkpoints=tmp_path, checkpoint_steps=7,
                              checkpoint_seconds=0.0), 10_000):  # fmt: skip
        if isinstance(event, CheckpointSaved) and event.step == 10:
            break
    resume = load_checkpoint(tmp_path / event.file)
    restart = load_checkpoint(tmp_path / "step_00000007.safetensors")
    again = recovered(2, resume=resume, restart=restart)
    assert steps_after(again) == steps_after(whole)


def steps_after(events: list[Event]) -> list[Event]:
    """The steps after the run went back."""
    (at,) = (place for place, event in enumerate(events) if isinstance(event, Recovered))
    return [event for event in events[at:] if isinstance(event, Step | Ended)]
