"""Events and commands survive JSON, and importing them does not import torch."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from explorer.losses.spec import LossSpec
from explorer.metrics.counts import ClassScores, ObjectScores, PixelScores, Scores
from explorer.training.commands import (
    Command,
    Pace,
    Pause,
    RunUntil,
    Steer,
    Stop,
    command_from_json,
    command_to_json,
)
from explorer.training.events import (
    CheckpointSaved,
    Ended,
    Event,
    Intervened,
    Note,
    Paused,
    PhaseChange,
    Preview,
    Recovered,
    Started,
    Step,
    Validation,
    from_json,
    to_json,
)
from explorer.training.plan import Intervention

SCORES = Scores(
    0.5,
    {
        0: ClassScores(PixelScores(1.0, 0.5, 0.5, 2 / 3), ObjectScores(None, None, None, 0, 0, 0)),
        1: ClassScores(PixelScores(None, 0.0, 0.0, 0.0), ObjectScores(0.1, 0.2, 0.3, 1, 9, 4)),
    },
)
FOCAL = LossSpec(kind="focal", gamma=3.5)
EVENTS: list[Event] = [
    Started(7, "cpu (2 threads)", 30_000, (1.0, 9.7)),
    Started(0, "cpu (2 threads)", 30_000, (1.0, 9.7), ("port 3", "port 5 (threshold block)")),
    PhaseChange(100, 1, 0, "trigger: pixel recall of class 1 0.91 ≥ 0.9"),
    Step(3, 0, 0, 0.1 + 0.2, {"cross_entropy": 1e-9, "jaccard": None}, 0.25, 1e-3, 1.5),
    Validation(20, 0, 0, SCORES, 4096, 0.01),
    Validation(20, 0, 0, SCORES, 4096, 0.01, SCORES, 0.75),
    Preview(20, "scene ü", 3, 5, "step_00000020.png"),
    CheckpointSaved(50, "interval", "step_00000050.safetensors"),
    Intervened(51, Intervention(step=51, learning_rate=2e-3, loss=FOCAL)),
    Recovered(60, 50, 0.5, "the loss became NaN or infinite"),
    Note(60, "The job was lost"),
    Paused(61),
    Ended(62, "failed", "no memory"),
]
COMMANDS: list[Command] = [Pause(), Stop(), Steer(), Steer(1e-3, FOCAL), RunUntil(9), Pace(2.0)]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.kind)
def test_an_event_is_the_same_after_json(event: Event) -> None:
    line = to_json(event)
    assert "\n" not in line
    again = from_json(line)
    assert again == event
    assert to_json(again) == line  # also the fields that == leaves out


def test_events_of_an_earlier_version_are_read() -> None:
    assert from_json('{"step":0,"device":"cpu","parameters":9,"class_weights":[1,2],"kind":"started"}') == Started(
        0, "cpu", 9, (1.0, 2.0)
    )
    line = '{"step":5,"phase":0,"cycle":0,"scores":{"mean_iou":null,"classes":{}},"pixels":64,"seconds":1.0'
    assert from_json(line + ',"kind":"validation"}') == Validation(5, 0, 0, Scores(None, {}), 64, 1.0)


def test_the_cases_cover_every_kind() -> None:
    assert {type(event) for event in EVENTS} == set(Event.__args__)
    assert {type(command) for command in COMMANDS} == set(Command.__args__)


def test_nan_and_infinity_become_null() -> None:
    step = Step(1, 0, 0, None, {"focal": None}, 1.0, 1e-3, 0.0)
    assert from_json(to_json(replace(step, loss=math.nan, losses={"focal": math.inf}))) == step


def test_the_prediction_of_a_preview_is_not_part_of_its_json() -> None:
    event = Preview(20, "scene", 0, 0, prediction=np.zeros((300, 300), np.uint8))
    assert len(to_json(event)) < 200
    assert from_json(to_json(event)) == event


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.kind)
def test_a_command_is_the_same_after_json(command: Command) -> None:
    assert command_from_json(command_to_json(command)) == command


def test_the_server_side_of_training_imports_without_torch() -> None:
    modules = (
        "commands",
        "diagnosis",
        "events",
        "finding",
        "fingerprint",
        "plan",
        "planning",
        "presets",
        "reach",
        "schedule",
    )
    code = ";".join(f"import explorer.training.{module}" for module in modules)
    subprocess.run([sys.executable, "-c", f"{code};import sys;assert 'torch' not in sys.modules"], check=True)
