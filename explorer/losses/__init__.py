"""Losses: a spec says which one, ``spec.build()`` gives it. This package imports no torch until then."""

from explorer.losses.registry import LOSSES, LossInfo, LossKind
from explorer.losses.spec import LossSpec

__all__ = ["LOSSES", "LossInfo", "LossKind", "LossSpec"]
