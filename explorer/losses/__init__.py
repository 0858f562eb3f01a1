"""Losses: a ``LossSpec`` says which one, ``loss.build_loss`` makes it. Only the latter imports torch."""

from explorer.losses.info import LossInfo
from explorer.losses.registry import LOSSES, LossKind
from explorer.losses.spec import LossSpec

__all__ = ["LOSSES", "LossInfo", "LossKind", "LossSpec"]
