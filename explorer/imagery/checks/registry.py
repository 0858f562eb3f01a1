"""The registry of checks."""

from __future__ import annotations

from explorer.imagery.checks.alignment import label_offset
from explorer.imagery.checks.brightness import brightness_differs
from explorer.imagery.checks.finding import Check, Finding
from explorer.imagery.checks.labels import below_minimum_area, few_objects
from explorer.imagery.checks.sides import class_missing, duplicates, ground_overlap
from explorer.imagery.scene import Dataset

CHECKS: tuple[Check, ...] = (
    Check(
        "class_missing",
        "A class is missing on one side",
        "A class without training pixels cannot be learnt, and one without validation pixels has no scores.",
        class_missing,
    ),
    Check(
        "ground_overlap",
        "Training and validation overlap on the ground",
        "The segmenter is tested on places that it was trained on: the scores are too good.",
        ground_overlap,
    ),
    Check(
        "duplicates",
        "The same scene twice",
        "A validation scene that is also trained on gives scores that are too good; a scene that occurs twice on one "
        "side counts twice.",
        duplicates,
    ),
    Check(
        "label_offset",
        "Labels may be shifted",
        "Where outlines lie beside the objects, the segmenter learns blurred borders, and small objects are missed.",
        label_offset,
    ),
    Check(
        "below_minimum_area",
        "Objects below the minimum area",
        "Objects smaller than the minimum area count as neither hit nor miss: object recall and precision leave them "
        "out.",
        below_minimum_area,
    ),
    Check(
        "few_objects",
        "Few objects",
        "With few objects, scores change in large steps and differ much from one split to another. More labelled "
        "scenes help, and so does a median over several seeds.",
        few_objects,
    ),
    Check(
        "brightness_differs",
        "Scenes of other brightness",
        "One stretch for all scenes leaves some of them nearly black or white, with hardly any contrast.",
        brightness_differs,
    ),
)
"""Every check, the gravest first."""


def check_dataset(dataset: Dataset) -> tuple[Finding, ...]:
    """What all checks find, in the order of ``CHECKS``."""
    return tuple(finding for check in CHECKS for finding in check.findings(dataset))
