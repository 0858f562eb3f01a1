"""What a run can be told while it works. No torch; JSON in and out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from explorer.losses.spec import LossSpec


@dataclass(frozen=True)
class Pause:
    """Save a checkpoint and rest."""

    kind: Literal["pause"] = "pause"


@dataclass(frozen=True)
class Stop:
    """Save a checkpoint, sum up and end for good."""

    kind: Literal["stop"] = "stop"


@dataclass(frozen=True)
class Steer:
    """Change the learning rate or the loss of the present phase, from the next step until the phase ends."""

    learning_rate: float | None = None
    loss: LossSpec | None = None
    kind: Literal["steer"] = "steer"


@dataclass(frozen=True)
class RunUntil:
    """Go on, and pause after this step."""

    step: int
    kind: Literal["run_until"] = "run_until"


Command = Pause | Stop | Steer | RunUntil
_ADAPTER: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="kind")])


def command_to_json(command: Command) -> str:
    """One line of JSON."""
    return _ADAPTER.dump_json(command).decode()


def command_from_json(line: str | bytes) -> Command:
    """The command that ``command_to_json`` wrote."""
    return _ADAPTER.validate_json(line)
