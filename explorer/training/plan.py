"""The plan: phases, how often they cycle, and all else that a run needs to be repeated.

No torch: pages, the store and the command line read and write plans. JSON in and out; errors name the field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from explorer.errors import InputError
from explorer.losses.spec import LossSpec
from explorer.segmenter.spec import SegmenterSpec

MOST_PHASES = 20


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Trigger(_Model):
    """Ends a phase early, when a smoothed validation value is satisfying (or, for a plateau, stops rising)."""

    metric: Literal["recall", "precision", "f1", "iou"] = "recall"
    scope: Literal["pixel", "object"] = "pixel"
    kind: Literal["at_least", "plateau"] = "at_least"
    class_id: int = Field(1, ge=0, description="the class whose value is watched")
    threshold: float = Field(
        0.9, gt=0, le=1, description="at_least: the value to reach; plateau: the rise below which it has stalled"
    )
    smoothing: float = Field(0.5, ge=0, lt=1, description="weight of the past in the running mean; 0 is none")
    patience: int = Field(2, ge=1, description="validations in a row for which the condition must hold")


class Phase(_Model):
    """One loss, its settings, a learning rate, a length and, if wanted, a trigger that ends it early."""

    loss: LossSpec
    learning_rate: float = Field(1e-3, gt=0, le=1)
    steps: int = Field(200, ge=1, le=1_000_000, description="length; with a trigger, the longest it lasts")
    minimum_steps: int = Field(0, ge=0, description="with a trigger, the shortest it lasts")
    trigger: Trigger | None = None
    optimizer: Literal["keep", "reset"] = Field("keep", description="what happens to Adam's moments as it begins")
    warmup_steps: int = Field(0, ge=0, description="steps over which the rate rises from zero as it begins")

    @model_validator(mode="after")
    def _lengths_agree(self) -> Self:
        if self.minimum_steps > self.steps:
            raise ValueError(f"minimum_steps ({self.minimum_steps}) is more than steps ({self.steps})")
        return self


class Intervention(_Model):
    """A change made by hand while a run trains. It takes effect before ``step`` and is recorded with it."""

    step: int = Field(ge=0)
    learning_rate: float | None = Field(None, gt=0, le=1)
    loss: LossSpec | None = Field(None, description="the loss of the present phase from here on, settings and all")


class Plan(_Model):
    """All that a run needs to be repeated on the same dataset."""

    name: str = Field("My plan", min_length=1, max_length=80)
    phases: tuple[Phase, ...] = Field(min_length=1, max_length=MOST_PHASES)
    cycles: int = Field(1, ge=1, le=50, description="how often the phases are gone through")
    seed: int = Field(0, ge=0, lt=2**31)
    segmenter: SegmenterSpec = SegmenterSpec()
    batch_size: int = Field(8, ge=1, le=256)
    crop_size: int = Field(96, ge=16, le=1024, multiple_of=16, description="pixels along each side of a crop")
    object_share: float = Field(
        0.5, ge=0, le=1, description="share of the crops that are laid around an object; the rest fall anywhere"
    )
    weight_decay: float = Field(1e-4, ge=0, le=1)
    interventions: tuple[Intervention, ...] = Field((), description="changes to make on the way, as recorded")

    @property
    def steps(self) -> int:
        """The most steps that the plan lasts."""
        return self.cycles * sum(phase.steps for phase in self.phases)

    @classmethod
    def read(cls, source: str | Path) -> Plan:
        """A plan from JSON text or from a file.

        Raises:
            InputError: names the field that is wrong, what is wrong with it and what it takes.
        """
        where = str(source) if isinstance(source, Path) else "plan"
        try:
            text = source.read_text(encoding="utf-8") if isinstance(source, Path) else source
            return cls.model_validate_json(text)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read ({error})", where) from None
        except ValidationError as error:
            raise InputError(*explain(error), "correct the field and try again") from None


def explain(error: ValidationError) -> tuple[str, str]:
    """What is wrong and where, of the first fault that pydantic found: ``("…", "phases[1].learning_rate")``."""
    first = error.errors()[0]
    where = ""
    for part in first["loc"]:
        where += f"[{part}]" if isinstance(part, int) else f".{part}" if where else str(part)
    return first["msg"].removeprefix("Value error, "), where or "plan"


def scaled(plan: Plan, steps: int) -> Plan:
    """The plan with exactly this many steps: every phase, its shortest length and its warm-up keep their share.

    Cycles that do not divide the steps evenly are written out as phases.

    Raises:
        InputError: there are fewer steps than phases, or too many phases would have to be written out.
    """
    if steps < plan.cycles * len(plan.phases):
        raise InputError(
            f"{steps} steps for {plan.cycles * len(plan.phases)} phases", "steps", "give each phase one step or more"
        )
    phases, cycles = plan.phases, plan.cycles
    if steps % cycles:
        if len(phases) * cycles > MOST_PHASES:
            raise InputError(
                f"{steps} steps cannot be shared by {cycles} cycles", "steps", f"take a multiple of {cycles}"
            )
        phases, cycles = phases * cycles, 1
    wanted = steps // cycles
    whole = sum(phase.steps for phase in phases)
    ends: list[int] = []
    past = 0
    for i, phase in enumerate(phases):
        past += phase.steps
        # rounded so that the sum is exact, and each phase, those to come too, keeps a step at least
        end = min(max(round(past * wanted / whole), i + 1), wanted - (len(phases) - 1 - i))
        ends.append(max(end, ends[-1] + 1) if ends else end)
    lengths = [end - start for start, end in zip([0, *ends], ends, strict=False)]
    changed = tuple(_with_length(phase, length) for phase, length in zip(phases, lengths, strict=True))
    return plan.model_copy(update={"phases": changed, "cycles": cycles})


def _with_length(phase: Phase, steps: int) -> Phase:
    share = steps / phase.steps
    shortest, warmup = (round(length * share) for length in (phase.minimum_steps, phase.warmup_steps))
    return phase.model_copy(
        update={"steps": steps, "minimum_steps": min(shortest, steps), "warmup_steps": min(warmup, steps)}
    )
