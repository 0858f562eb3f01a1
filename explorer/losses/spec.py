"""Which loss, with which settings: pure data, no torch, JSON in and out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from explorer.losses.registry import LOSSES, LossKind

if TYPE_CHECKING:
    from explorer.losses.loss import Loss

WeightRule = Literal[
    "inverse_frequency",
    "sqrt_inverse_frequency",
    "median_frequency",
    "enet",
    "effective_number",
    "per_object",
]
"""How class weights come from the data, when they are not given by hand."""


class Term(BaseModel):
    """One summand of a combined loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    factor: float = Field(1.0, ge=0, allow_inf_nan=False)
    loss: LossSpec


class LossSpec(BaseModel):
    """A loss and its settings. ``LossSpec(kind="focal", gamma=2).build()`` gives a ``Loss``.

    A setting that its kind does not have is an error; a setting left out takes the registry's default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: LossKind
    class_weights: tuple[float, ...] | WeightRule | None = Field(
        None,
        description="one weight ≥ 0 a class, background first; or the rule that computes them from the data",
    )
    weight_cap: float | None = Field(None, gt=0, description="no weight that a rule gives is above this")
    gamma: float | None = Field(None, ge=0, le=10)
    alpha: float | None = Field(None, ge=0, le=1)
    beta: float | None = Field(None, ge=0, le=1)
    aggregate: Literal["batch", "image"] = Field(
        "batch", description="region losses: one region over the batch, or the mean over images"
    )
    include_background: bool = Field(True, description="region losses: class 0 is one of the classes")
    terms: tuple[Term, ...] = Field((), description="combined only: what is summed")

    @model_validator(mode="before")
    @classmethod
    def _fill_defaults(cls, given: Any) -> Any:
        if not isinstance(given, dict) or given.get("kind") not in LOSSES:
            return given
        defaults = {setting.name: setting.default for setting in LOSSES[given["kind"]].settings}
        return defaults | {key: value for key, value in given.items() if value is not None}

    @model_validator(mode="after")
    def _settings_belong_to_kind(self) -> LossSpec:
        info = LOSSES[self.kind]
        own = {setting.name for setting in info.settings}
        allowed = {
            "gamma": "gamma" in own,
            "alpha": "alpha" in own,
            "beta": "beta" in own,
            "class_weights": info.takes_class_weights,
            "weight_cap": info.takes_class_weights,
            "aggregate": info.region,
            "include_background": info.region,
            "terms": self.kind == "combined",
        }
        for name, fits in allowed.items():
            if not fits and getattr(self, name) != type(self).model_fields[name].default:
                takes = ", ".join(key for key, value in allowed.items() if value) or "no settings"
                raise ValueError(f"{name} is not a setting of {self.kind}, which takes {takes}")
        if self.kind == "weighted_cross_entropy" and self.class_weights is None:
            raise ValueError("weighted_cross_entropy needs class_weights: numbers, background first, or a rule")
        if self.kind == "combined" and not self.terms:
            raise ValueError("combined needs terms, for example [{factor: 1, loss: {kind: dice}}]")
        if isinstance(self.class_weights, tuple):
            if any(not 0 <= weight < float("inf") for weight in self.class_weights):
                raise ValueError(f"class_weights must be finite and not negative, got {self.class_weights}")
            if not any(self.class_weights):
                raise ValueError("class_weights are all zero: nothing would be learned")
        return self

    def build(self) -> Loss:
        """The loss as a callable. Imports torch.

        Raises:
            InputError: ``class_weights`` is still a rule; call ``resolved`` with the data first.
        """
        from explorer.losses.loss import Loss

        return Loss(self)

    def resolved(self, weights_of: Callable[[WeightRule, float | None], tuple[float, ...]]) -> LossSpec:
        """The same loss with every weight rule, those of terms included, replaced by numbers.

        Args:
            weights_of: gives the weights for a rule and a cap.
        """
        changes: dict[str, Any] = {}
        if isinstance(self.class_weights, str):
            changes = {"class_weights": weights_of(self.class_weights, self.weight_cap), "weight_cap": None}
        if self.terms:
            changes["terms"] = tuple(
                term.model_copy(update={"loss": term.loss.resolved(weights_of)}) for term in self.terms
            )
        return self.model_copy(update=changes) if changes else self


Term.model_rebuild()
