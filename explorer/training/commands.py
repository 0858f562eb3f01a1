"""Commands to a run while it trains, and their JSON. The module does not import torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.training.plan import Intervention


@dataclass(frozen=True)
class Pause:
    """Save a checkpoint and pause; the run can be resumed."""

    kind: Literal["pause"] = "pause"


@dataclass(frozen=True)
class Stop:
    """Save a checkpoint and the summary, and end the run."""

    kind: Literal["stop"] = "stop"


@dataclass(frozen=True)
class Steer:
    """Change the learning rate or the loss, from the next step until the end of the current phase, or the length.

    Raises:
        InputError: the learning rate is one that a plan could not record.
    """

    learning_rate: float | None = None
    loss: LossSpec | None = None
    length_factor: float | None = None  # see ``Intervention``
    kind: Literal["steer"] = "steer"

    def __post_init__(self) -> None:
        if self.learning_rate is not None and not 0 < self.learning_rate <= 1:
            raise InputError(f"{self.learning_rate:g} is not above 0 and at most 1", "learning_rate", "correct it")

    @classmethod
    def of(cls, recorded: Intervention) -> Self:
        """The same change once more."""
        return cls(recorded.learning_rate, recorded.loss, recorded.length_factor)

    def recorded(self, step: int) -> Intervention:
        """The change as it is recorded when it takes effect before this step."""
        return Intervention(
            step=step, learning_rate=self.learning_rate, loss=self.loss, length_factor=self.length_factor
        )


@dataclass(frozen=True)
class RunUntil:
    """Continue, and pause after this step."""

    step: int
    kind: Literal["run_until"] = "run_until"


@dataclass(frozen=True)
class Pace:
    """Slow motion, from the next step on, also once the run has been paused and resumed.

    Raises:
        InputError: fewer than one step a second.
    """

    steps_per_second: float | None = None  # None: as fast as the machine can
    kind: Literal["pace"] = "pace"

    def __post_init__(self) -> None:
        if self.steps_per_second is not None and not self.steps_per_second >= 1:
            raise InputError(f"{self.steps_per_second:g} steps a second", "pace", "take 1 or more")


Command = Pause | Stop | Steer | RunUntil | Pace
_ADAPTER: TypeAdapter[Command] = TypeAdapter(Annotated[Command, Field(discriminator="kind")])


def command_to_json(command: Command) -> str:
    """One line of JSON."""
    return _ADAPTER.dump_json(command).decode()


def command_from_json(line: str | bytes) -> Command:
    """Reads a command that :func:`command_to_json` wrote.

    Raises:
        ValidationError: it is no command, or a field is wrong.
    """
    return _ADAPTER.validate_json(line)
