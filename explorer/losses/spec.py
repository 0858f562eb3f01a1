"""Which loss, with which settings: pure data, no torch, JSON in and out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from explorer.losses.registry import LOSSES, LossKind

if TYPE_CHECKING:
    from explorer.losses.loss import Loss

WeightRule = Literal["inverse_frequency", "sqrt_inverse_frequency", "median_frequency", "enet", "effective_number", "per_object"]
"""How class weights come from the data, when they are not given by hand."""


class LossSpec(BaseModel):
    """A loss and its settings. ``LossSpec(kind="focal", gamma=2).build()`` gives a ``Loss``.

    A setting that its kind does not have is an error; a setting left out takes the registry's default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: LossKind
    class_weights: tuple[float, ...] | WeightRule | None = Field(
        None, description="one weight ≥ 0 a class, background first; or the rule that computes them from the data"
    )
    gamma: float | None = Field(None, ge=0, le=10)

    @model_validator(mode="after")
    def _settings_belong_to_kind(self) -> Self:
        raise NotImplementedError  # the losses' author writes this

    def build(self) -> Loss:
        """The loss as a callable. Imports torch.

        Raises:
            InputError: ``class_weights`` is still a rule; call ``resolved`` with the data first.
        """
        from explorer.losses.loss import Loss

        return Loss(self)

    def resolved(self, weights: Sequence[float]) -> LossSpec:
        """The same loss with its weight rule replaced by numbers."""
        return self.model_copy(update={"class_weights": tuple(weights)})
