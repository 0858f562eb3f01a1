"""What was asked for when a run was planned, and why its plan is as it is. No torch.

A plan that is made for a number of seconds depends on how fast the machine was at that moment. So a run that is
continued is recognised by what was asked for, and keeps the plan that it has.
"""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from explorer.training.budget import Budget
from explorer.training.plan import Plan
from explorer.training.planning import Choice, Proposal
from explorer.training.recipe import SegmenterKind

DEFAULT_SECONDS = 90.0
"""Training time where neither seconds nor steps are asked for."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PlanRequest(_Model):
    """What was asked for: a preset, or a plan that was written by hand."""

    preset: str | None = None  # its key; None: the one that suits the dataset
    written: Plan | None = None  # instead of a preset
    seconds: float | None = None  # of training
    steps: int | None = None  # instead of seconds; neither: as written, or ``DEFAULT_SECONDS``
    seed: int | None = None  # None: that of the plan
    segmenter: SegmenterKind | None = None  # None: chosen from the data

    @model_validator(mode="after")
    def _one_plan_and_one_budget(self) -> Self:
        if self.seconds is not None and self.steps is not None:
            raise ValueError("a budget is either seconds or steps")
        if self.written is not None and (self.preset is not None or self.segmenter is not None):
            raise ValueError("a plan that was written runs as written")
        return self

    @property
    def budget(self) -> Budget:
        """How long to train; ``DEFAULT_SECONDS`` where nothing was asked for."""
        if self.steps is not None:
            return Budget(steps=self.steps)
        return Budget(seconds=self.seconds if self.seconds is not None else DEFAULT_SECONDS)


class PlannedRun(_Model):
    """A request and what came of it, beside the plan."""

    request: PlanRequest
    choices: tuple[Choice, ...] = ()  # none for a plan that was written
    step_seconds: float | None = None  # measured for the plan; None: not measured
    changed: bool = False  # by hand before the run began, so that some choices no longer hold

    @classmethod
    def of(cls, request: PlanRequest, proposal: Proposal, step_seconds: float | None = None) -> Self:
        """A request and its proposal."""
        return cls(request=request, choices=proposal.choices, step_seconds=step_seconds)
