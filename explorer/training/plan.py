"""The plan of a run: its phases, how often they repeat, and everything else needed to repeat the run.

Plans are read from and written to JSON; errors name the field at fault. :func:`scaled` fits a plan to another number of
steps. The module does not import torch, because pages, the store and the command line use plans.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from explorer.errors import InputError, explain_validation
from explorer.losses.spec import LossSpec
from explorer.segmenter.inputs import InputSpec
from explorer.segmenter.spec import SegmenterSpec, UNetSpec

MAX_PHASES = 20
MAX_LENGTH_FACTOR = 100.0


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(_Model):
    """Ends a phase early, once a smoothed validation metric reaches a threshold or stops rising (plateau)."""

    metric: Literal["recall", "precision", "f1", "iou"] = "recall"
    scope: Literal["pixel", "object"] = "pixel"
    kind: Literal["at_least", "plateau"] = "at_least"
    class_id: int = Field(1, ge=0, description="the class whose metric is watched")
    threshold: float = Field(
        0.9, gt=0, le=1, description="at_least: the value to reach; plateau: the smallest rise that counts as progress"
    )
    relative: bool = Field(
        False,
        description="at_least: the threshold is a share of the highest value that a usable probability threshold gives",
    )
    smoothing: float = Field(0.5, ge=0, lt=1, description="weight of past values in the running mean; 0: no smoothing")
    patience: int = Field(2, ge=1, description="consecutive validations for which the condition must hold")


class Phase(_Model):
    """One loss with its settings, a learning rate, a length and optionally a trigger that ends the phase early."""

    loss: LossSpec
    learning_rate: float = Field(1e-3, gt=0, le=1)
    steps: int = Field(200, ge=1, le=1_000_000, description="length; with a trigger, the maximum length")
    minimum_steps: int = Field(0, ge=0, description="with a trigger, the minimum length")
    trigger: Trigger | None = None
    optimizer: Literal["keep", "reset"] = Field(
        "keep", description="whether Adam's moments are kept at the start of the phase"
    )
    warmup_steps: int = Field(
        0, ge=0, description="steps over which the learning rate rises from zero at the start of the phase"
    )
    decay: Literal["none", "cosine"] = Field(
        "none", description="cosine: after the warm-up the learning rate falls to zero along a half cosine"
    )

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if self.minimum_steps > self.steps:
            raise ValueError(f"minimum_steps ({self.minimum_steps}) is more than steps ({self.steps})")
        return self


class Intervention(_Model):
    """A change made while a run trains, by hand or to keep its time. It takes effect before ``step``."""

    step: int = Field(ge=0)
    learning_rate: float | None = Field(None, gt=0, le=1)
    loss: LossSpec | None = Field(None, description="the loss, with its settings, for the rest of the current phase")
    length_factor: float | None = Field(
        None, gt=0, le=MAX_LENGTH_FACTOR, description="the steps that are left, in all phases, are multiplied by it"
    )


class Augmentation(_Model):
    """Random changes of the crops beside turns and flips; each is the largest change, drawn evenly from ± it."""

    gain: float = Field(0.0, ge=0, lt=1, description="factor 1 ± gain, one for all channels of a crop")
    offset: float = Field(0.0, ge=0, le=1, description="added to all channels of a crop")
    channel_gain: float = Field(0.0, ge=0, lt=1, description="a further factor for each channel")
    channel_offset: float = Field(0.0, ge=0, le=1, description="a further offset for each channel")
    zoom: float = Field(0.0, ge=0, le=0.5, description="the crop is taken 1 ± zoom times as large and resized")


class Plan(_Model):
    """Everything needed to repeat a run on the same dataset."""

    name: str = Field("My plan", min_length=1, max_length=80)
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=MAX_PHASES)
    cycles: int = Field(1, ge=1, le=50, description="how often the sequence of phases is repeated")
    seed: int = Field(0, ge=0, lt=2**31)
    segmenter: SegmenterSpec = UNetSpec()
    inputs: InputSpec = InputSpec()
    batch_size: int = Field(8, ge=1, le=256)
    crop_size: int = Field(96, ge=16, le=1024, multiple_of=16, description="pixels along each side of a crop")
    object_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the crops that contain an object's centre; the others are placed anywhere",
    )
    balance_classes: bool = Field(
        False, description="foreground crops take all classes equally often, however many objects each has"
    )
    upright: bool = Field(
        False,
        description="up is up in every scene, as in pictures of a road: nothing is turned, and only left and right are "
        "mirrored, in crops and in the mean over flips",
    )
    augmentation: Augmentation = Augmentation()
    weight_decay: float = Field(1e-4, ge=0, le=1)
    clip_gradient: float | None = Field(None, gt=0, description="largest norm of the gradient; None: not limited")
    averaging: float | None = Field(
        None, gt=0, lt=1, description="decay of the moving average of the weights, which is validated and saved"
    )
    carry_over: bool = Field(
        False,
        description="steps that a trigger saves are given to the next phase, and the last phase ignores its trigger, "
        "so that the total stays",
    )
    choose_threshold: bool = Field(
        False, description="some training scenes are held out, and the probability threshold is chosen on them"
    )
    validations: int | None = Field(
        None, ge=1, le=1000, description="how often the run validates; None: as the number of pixels suggests"
    )
    flips: bool = Field(
        False,
        description="what the run predicts once it has ended is the mean over the image and its flips: four times the "
        "time; validations while it trains and landscapes are without",
    )
    seconds: float | None = Field(
        None,
        gt=0,
        description="training time that the run keeps: steps that are left become fewer or more as it trains",
    )
    interventions: tuple[Intervention, ...] = Field((), description="recorded changes, made again at the same steps")

    @property
    def steps(self) -> int:
        """Total number of steps if no trigger ends a phase early."""
        return self.cycles * sum(phase.steps for phase in self.phases)

    @classmethod
    def read(cls, source: str | Path) -> Plan:
        """Reads a plan from JSON text or from a file.

        Raises:
            InputError: the file cannot be read, or a field is wrong; names the field.
        """
        where = str(source) if isinstance(source, Path) else "plan"
        try:
            text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
            return cls.model_validate_json(text)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read ({error})", where) from None
        except ValidationError as error:
            what, field = explain_validation(error)
            raise InputError(what, field or where, "correct the field and try again") from None


def scaled(plan: Plan, steps: int) -> Plan:
    """The plan with exactly this number of steps; lengths, minimum lengths and warm-ups are scaled in proportion.

    It keeps no training time: the steps are what was asked for.

    If the cycles do not divide the steps evenly, they are expanded into phases.

    Raises:
        InputError: there are fewer steps than phases, or expanding the cycles gives too many phases.
    """
    if steps < plan.cycles * len(plan.phases):
        raise InputError(
            f"{steps} steps for {plan.cycles * len(plan.phases)} phases", "steps", "use at least one step per phase"
        )
    phases, cycles = plan.phases, plan.cycles
    if steps % cycles:
        if len(phases) * cycles > MAX_PHASES:
            raise InputError(
                f"{steps} steps cannot be divided evenly among {cycles} cycles", "steps", f"use a multiple of {cycles}"
            )
        phases, cycles = phases * cycles, 1
    target = steps // cycles
    total = sum(phase.steps for phase in phases)
    ends, past = [0], 0
    for remaining, phase in zip(range(len(phases) - 1, -1, -1), phases, strict=True):
        past += phase.steps
        # the ends are rounded, not the lengths, so that the sum is exact; every phase keeps at least one step
        ends.append(min(max(round(past * target / total), ends[-1] + 1), target - remaining))
    lengths = [end - start for start, end in pairwise(ends)]
    changed = tuple(_with_length(phase, length) for phase, length in zip(phases, lengths, strict=True))
    return plan.model_copy(update={"phases": changed, "cycles": cycles, "seconds": None})


def _with_length(phase: Phase, steps: int) -> Phase:
    share = steps / phase.steps
    minimum, warmup = (round(length * share) for length in (phase.minimum_steps, phase.warmup_steps))
    return phase.model_copy(
        update={"steps": steps, "minimum_steps": min(minimum, steps), "warmup_steps": min(warmup, steps)}
    )
