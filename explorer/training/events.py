"""Events that a run reports while it trains, and their JSON. The module does not import torch.

Two runs with the same seed report equal events, bit for bit. Fields that depend on the machine or on time, such as
``Step.seconds``, take no part in the comparison (``compare=False``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, TypeAdapter

from explorer.losses.registry import LossKind
from explorer.metrics.counts import Scores
from explorer.training.plan import Intervention


@dataclass(frozen=True)
class Started:
    """Training starts, or resumes from a checkpoint."""

    step: int  # 0, or the checkpoint's
    device: str = field(compare=False)
    parameters: int  # of the segmenter
    class_weights: tuple[float, ...]  # of the logged weighted cross-entropy, background first
    threshold_scenes: tuple[str, ...] = ()  # names of what neither trains nor scores, see ``hold_out``
    kind: Literal["started"] = "started"


@dataclass(frozen=True)
class PhaseChange:
    """A phase starts with the step after this one."""

    step: int
    phase: int  # position in the plan
    cycle: int  # from 0
    reason: str  # "start", "length", "trigger: pixel recall of class 1 0.910 ≥ 0.9"
    kind: Literal["phase"] = "phase"


@dataclass(frozen=True)
class Step:
    """One optimiser step is done."""

    step: int  # number of steps done, from 1
    phase: int
    cycle: int
    loss: float | None  # the loss being trained; None: NaN or infinite
    # every loss of the registry at its default settings, by kind; the expensive ones not at every step
    losses: dict[LossKind, float | None]
    gradient_norm: float
    learning_rate: float
    seconds: float = field(compare=False)  # training time so far, without pauses
    kind: Literal["step"] = "step"


@dataclass(frozen=True)
class Validation:
    """The validation scenes, or as many of their pixels as the time budget allows, have been scored."""

    step: int
    phase: int
    cycle: int
    scores: Scores
    pixels: int  # number of validation pixels scored
    seconds: float = field(compare=False)  # duration
    choosing: Scores | None = None  # on the threshold scenes, where a trigger watches them
    reachable: float | None = None  # relative trigger: the highest value within reach, of which it wants a share
    kind: Literal["validation"] = "validation"


@dataclass(frozen=True)
class Preview:
    """The segmenter's current prediction of one fixed validation crop."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(arbitrary_types_allowed=True)  # numpy's array
    step: int
    scene: str
    top: int  # row and column of the crop in the scene
    left: int
    file: str = ""  # name within previews/, once it has been written
    prediction: Annotated[NDArray[np.uint8] | None, Field(exclude=True)] = field(
        default=None, compare=False, repr=False
    )  # (H, W) class ids; not part of the JSON
    kind: Literal["preview"] = "preview"


@dataclass(frozen=True)
class CheckpointSaved:
    """The state after this step is saved; the run can resume from it."""

    step: int
    reason: Literal["interval", "phase", "pause", "end", "recovery", "time"]
    file: str = ""  # name within checkpoints/; of those by time only the last ones are kept
    kind: Literal["checkpoint"] = "checkpoint"


@dataclass(frozen=True)
class Intervened:
    """A change made by hand took effect before the next step."""

    step: int
    intervention: Intervention
    kind: Literal["intervention"] = "intervention"


@dataclass(frozen=True)
class Recovered:
    """The loss became NaN or exploded: training continues from the last good checkpoint at half the learning rate."""

    step: int  # at which it happened
    back_to: int  # step of the checkpoint
    rate_factor: float  # all later learning rates are multiplied by this
    reason: str
    kind: Literal["recovered"] = "recovered"


@dataclass(frozen=True)
class Note:
    """Something outside the training itself: a worker died, a server was restarted, a change by hand was refused."""

    step: int
    text: str
    kind: Literal["note"] = "note"


@dataclass(frozen=True)
class Paused:
    """The run is paused; it can be resumed."""

    step: int
    kind: Literal["paused"] = "paused"


@dataclass(frozen=True)
class Ended:
    """The last event, unless a failed run is resumed."""

    step: int
    reason: Literal["done", "stopped", "diverged", "failed"]
    message: str = ""
    kind: Literal["ended"] = "ended"


Event = (
    Started
    | PhaseChange
    | Step
    | Validation
    | Preview
    | CheckpointSaved
    | Intervened
    | Recovered
    | Note
    | Paused
    | Ended
)
_ADAPTER: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def to_json(event: Event) -> str:
    """One line of JSON. NaN and infinity become null."""
    return _ADAPTER.dump_json(event).decode()


def from_json(line: str | bytes) -> Event:
    """Reads an event that :func:`to_json` wrote."""
    return _ADAPTER.validate_json(line)
