"""The thresholds of a run's classes: as they lie in its folder, and as a command applies them. No torch.

``threshold.json`` holds those of the last checkpoint of a run that has ended, ``thresholds/*.json`` those of other
checkpoints, once they have been asked for::

    {"checkpoint": "step_00000200.safetensors",
     "match_rule": "iou:0.5", "min_area": 8,                    what the choice rests on
     "scenes": ["port_1 (threshold block)", …],                 the threshold scenes; empty: none were held out
     "thresholds": {"1": 0.44},                                 by class id; empty likewise
     "classes": {"1": {"name": "ship", "threshold": 0.44, "criterion": "mean of F1 under …", "value": 0.61,
                       "objects": 11, "rule": "middle of the thresholds from …",
                       "split": true, "split_rule": "split, with which …",      whether neighbours are separated
                       "smallest": 40, "smallest_rule": "half of the …"}},      smaller objects (pixels) are dropped
     "diameters": [21.4]}                                       of typical objects of class 1, 2, …, in pixels

Split and smallest belong to the own threshold: at any other, predictions are taken as they are. A run of an earlier
version has no such file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.imagery.match_rule import MatchRule
from explorer.metrics.class_map import STEPS
from explorer.metrics.splitting_predictions import ObjectCut
from explorer.metrics.threshold_choice import HALF, ChosenThreshold
from explorer.runs.folder import RunFolder

ThresholdRequest = Literal["own", "half"] | float
"""The run's own thresholds; ½, or with three or more classes the most probable class; or one number for all classes."""


@dataclass(frozen=True)
class OwnThresholds:
    """The thresholds that were chosen for one checkpoint, if any, and what the choice rests on."""

    checkpoint: str
    match_rule: MatchRule
    minimum_area: int  # pixels
    scenes: tuple[str, ...]  # names of the threshold scenes; none: nothing was held out
    classes: tuple[ChosenThreshold, ...]  # of class 1, 2, …; none likewise
    diameters: tuple[float, ...]  # of typical training objects of class 1, 2, …, in pixels; 0: there are none

    @property
    def values(self) -> tuple[float, ...]:
        """Of class 1, 2, …; none where nothing was held out."""
        return tuple(chosen.threshold for chosen in self.classes)

    def cuts(self, split: bool | None = None) -> tuple[ObjectCut, ...]:
        """How the objects of class 1, 2, … are cut out at the own thresholds; none: they are taken as they are.

        Args:
            split: whether neighbours are separated, of all classes; None: as was chosen for each.
        """
        if not self.classes:
            return self.split_only if split else ()
        return tuple(
            ObjectCut(_known(diameter) if (chosen.split if split is None else split) else None, chosen.smallest)
            for chosen, diameter in zip(self.classes, self.diameters, strict=True)
        )

    @property
    def split_only(self) -> tuple[ObjectCut, ...]:
        """Cuts of class 1, 2, … that separate neighbours, and drop nothing."""
        return tuple(ObjectCut(_known(diameter)) for diameter in self.diameters)


@dataclass(frozen=True)
class AppliedThresholds:
    """The thresholds that a command applies, and why these."""

    values: tuple[float, ...] | None  # of class 1, 2, …; None: see ``classes_at``
    source: str  # where they come from, in words
    own: OwnThresholds | None = None  # how they were chosen
    cuts: tuple[ObjectCut, ...] = ()  # of class 1, 2, …; none: predictions are taken as they are

    def cuts_at(self, values: Sequence[float] | None) -> tuple[ObjectCut, ...]:
        """How objects are cut out at thresholds that are chosen instead of these, as :func:`thresholds_of` has it.

        As was chosen for a class whose threshold these leave as it is; of others, predictions are taken as they are.

        Args:
            values: of class 1, 2, …; None: the most probable class.
        """
        if values is None or self.values is None:
            return ()
        return tuple(
            cut if value == own else ObjectCut()
            for cut, value, own in zip(self.cuts, values, self.values, strict=False)  # there may be no cuts
        )

    def by_class(self, classes: int) -> dict[str, float] | None:
        """By class id, as JSON has it; None: the most probable class.

        Args:
            classes: number of classes, background included.
        """
        values = (HALF,) if self.values is None and classes == 2 else self.values
        return None if values is None else {str(k): value for k, value in enumerate(values, start=1)}


def parse_threshold(text: str) -> ThresholdRequest:
    """The argument of ``--threshold``.

    Raises:
        argparse.ArgumentTypeError: it is neither own, half nor a number above 0 and at most 1.
    """
    if text == "own":
        return "own"
    if text == "half":
        return "half"
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 1 / STEPS <= number <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is neither own, half nor a number from {1 / STEPS:g} to 1")
    return number


def thresholds_of(
    folder: RunFolder,
    request: ThresholdRequest,
    classes: int,
    checkpoint: str,
    split: bool | None = None,
    smallest: int | None = None,
) -> AppliedThresholds:
    """The thresholds that are asked for, and how objects are cut out at them.

    Args:
        folder: of the run.
        request: where a checkpoint has no thresholds of its own, those of the run's last one stand for them, and where
            the run has none, ½; the source says so.
        classes: number of classes, background included.
        checkpoint: name of the checkpoint that predicts.
        split: whether neighbours are separated; None: at own thresholds as was chosen with them, at others not.
        smallest: pixels; smaller objects are dropped; None: likewise, at other thresholds none.

    Raises:
        InputError: a split is asked for, and the run has not ended or is of an earlier version.
    """
    own = read_own_thresholds(folder, checkpoint) or read_own_thresholds(folder)
    if split and own is None:
        raise InputError("knows no size of its objects to split predictions by", str(folder.path), "omit --split")
    cuts = () if own is None else own.cuts(split) if request == "own" else own.split_only if split else ()
    if smallest is not None:
        cuts = tuple(replace(cut, smallest=smallest) for cut in cuts or (ObjectCut(),) * (classes - 1))
    half = "½" if classes == 2 else "the most probable class"
    if request == "half":
        return AppliedThresholds(None, f"half: {half}", cuts=cuts)
    if request != "own":
        return AppliedThresholds((request,) * (classes - 1), "given", cuts=cuts)
    if own is None or not own.classes:
        why = "no scenes were held out"
        if folder.plan().choose_threshold:
            too_small = "the training scenes are too small to hold a part out"
            why = "none have been chosen yet" if own is None else too_small
        return AppliedThresholds(None, f"none: {why}; {half} is used", cuts=cuts)
    of_other = "" if own.checkpoint == checkpoint else f", for {own.checkpoint}"
    source = f"own: chosen on {len(own.scenes)} threshold scenes{of_other}"
    return AppliedThresholds(own.values, source, own, cuts)


def read_own_thresholds(folder: RunFolder, checkpoint: str | None = None) -> OwnThresholds | None:
    """The thresholds of a checkpoint, or of the last one of a run that has ended; None: there are none.

    Raises:
        InputError: the file cannot be read.
    """
    if checkpoint is not None:
        of_checkpoint = folder.thresholds_file(checkpoint)
        if of_checkpoint.is_file():
            return _read(of_checkpoint)
    if not folder.threshold_file.is_file():
        return None
    own = _read(folder.threshold_file)
    return own if checkpoint is None or own.checkpoint == checkpoint else None


def write_own_thresholds(own: OwnThresholds, path: Path, names: Sequence[str]) -> None:
    """Writes the file whole or not at all.

    Args:
        names: of the classes, background first.
    """
    of_classes = {
        class_id: {"name": names[int(class_id)], "threshold": own.values[int(class_id) - 1], **choice}
        for class_id, choice in choice_to_json(own).items()
    }
    content = {
        "checkpoint": own.checkpoint,
        "match_rule": str(own.match_rule),
        "min_area": own.minimum_area,
        "scenes": own.scenes,
        "thresholds": {class_id: of_class["threshold"] for class_id, of_class in of_classes.items()},
        "classes": of_classes,
        "diameters": own.diameters,
    }
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, (json.dumps(content, indent=1) + "\n").encode())


def choice_to_json(own: OwnThresholds | None) -> dict[str, dict[str, Any]]:
    """How each threshold was chosen, and how objects are cut out at it, by class id; empty without any.

    ``{"<id>": {"criterion", "value", "objects", "rule", "split", "split_rule", "smallest", "smallest_rule"}}``
    """
    return {
        str(chosen.class_id): {
            "criterion": chosen.criterion,
            "value": chosen.value,
            "objects": chosen.objects,
            "rule": chosen.rule,
            "split": chosen.split,
            "split_rule": chosen.split_rule,
            "smallest": chosen.smallest,
            "smallest_rule": chosen.smallest_rule,
        }
        for chosen in (own.classes if own else ())
    }


def _read(path: Path) -> OwnThresholds:
    try:
        content: dict[str, Any] = json.loads(path.read_bytes())
        scenes = tuple(content["scenes"])
        return OwnThresholds(
            content["checkpoint"],
            MatchRule.parse(content["match_rule"]),
            content["min_area"],
            scenes,
            tuple(
                ChosenThreshold(
                    int(class_id),
                    of_class["threshold"],
                    of_class["criterion"],
                    of_class["value"],
                    of_class["objects"],
                    scenes,
                    of_class["rule"],
                    of_class["split"],
                    of_class["smallest"],
                    of_class["split_rule"],
                    of_class["smallest_rule"],
                )
                for class_id, of_class in content["classes"].items()
            ),
            tuple(content["diameters"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"cannot be read ({error})", path.name, "remove the file, then choose anew") from None


def _known(diameter: float) -> float | None:
    return diameter or None
