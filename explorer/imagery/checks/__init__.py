"""Checks of a dataset: what in its scenes, labels or split would make training or its scores worse, and the mend."""

from explorer.imagery.checks.finding import Check, Finding
from explorer.imagery.checks.mends import LeaveOut, Mend, SetMinimumArea, SplitAgain, StretchPerScene
from explorer.imagery.checks.registry import CHECKS, check_dataset

__all__ = [
    "CHECKS",
    "Check",
    "Finding",
    "LeaveOut",
    "Mend",
    "SetMinimumArea",
    "SplitAgain",
    "StretchPerScene",
    "check_dataset",
]
