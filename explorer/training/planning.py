"""A plan from the data: what a preset leaves open is taken from the fingerprint, each choice with its reason. No torch.

As nnU-Net configures itself (Isensee et al. 2021, doi 10.1038/s41592-020-01008-z), for small objects on few scenes and
for a training time of a minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from explorer.training.plan import Plan


@dataclass(frozen=True)
class Budget:
    """How long a run may train: exactly one of the two is given."""

    seconds: float | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        if (self.seconds is None) == (self.steps is None):
            raise ValueError("a budget is either seconds or steps")


@dataclass(frozen=True)
class Choice:
    """One thing that was chosen from the data."""

    name: str  # as shown, for example "Crop size"
    value: str  # as shown, for example "128 px"
    reason: str  # one sentence, with the numbers of the fingerprint that decided it


@dataclass(frozen=True)
class Proposal:
    """A plan that fits a dataset, and why it is as it is."""

    plan: Plan
    choices: tuple[Choice, ...]
