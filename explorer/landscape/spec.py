"""Which plane, as pure data: what a page's URL, a slice's file and the command line carry. No torch."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from explorer.losses.registry import LossKind

Normalisation = Literal["filter", "layer"]
PlaneKind = Literal["random", "pca", "hessian", "gradients", "checkpoints"]

CAN_SHOW: dict[PlaneKind, str] = {
    "random": "How fast the loss rises around the checkpoint in directions without meaning. It averages curvature "
    "over all weights, so it hides saddles and the few steep directions.",
    "pca": "The plane that holds most of the path. What lies off it is not shown, and a random walk too looks "
    "like a smooth curve here.",
    "hessian": "The directions in which this loss bends most, right here. Far from the centre they mean less.",
    "gradients": "Where each of two losses wants to go from here, and whether they agree.",
    "checkpoints": "What lies between three trained states: a barrier, a valley, or nothing.",
}
"""What each kind of plane can and cannot show, for the page."""


class PlaneSpec(BaseModel):
    """A plane through a checkpoint, or a line when ``line`` is set (along its first direction)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: PlaneKind = "random"
    seed: int = Field(0, ge=0, lt=2**30)
    normalisation: Normalisation = "filter"
    layers: tuple[str, ...] = Field((), description="encoder, decoder, head or a longer name; empty: all")
    losses: tuple[LossKind, LossKind] = Field(
        ("weighted_cross_entropy", "jaccard"), description="gradients: of these two; hessian: of the first"
    )
    ends: Literal["LA", "BE"] = Field("LA", description="hessian: two largest, or largest and smallest eigenvalue")
    checkpoints: tuple[str, ...] = Field((), max_length=3, description="checkpoints: the two or three spanning ones")
    line: bool = False

    @model_validator(mode="after")
    def _checkpoints_belong_to_kind(self) -> Self:
        needed = 2 if self.line else 3
        if self.kind == "checkpoints" and len(self.checkpoints) != needed:
            raise ValueError(f"checkpoints needs {needed} of them, got {len(self.checkpoints)}")
        if self.kind != "checkpoints" and self.checkpoints:
            raise ValueError(f"checkpoints are not a setting of a {self.kind} plane")
        return self
