"""A threshold sweep: what a checkpoint predicts on the validation scenes at every threshold. Measured once, then read.

Probabilities are kept in whole thousandths, rounded down, so that "at least the threshold" means the same for the
curves, the overlay and the table of objects. Where neighbours are split or specks are dropped, that is done in the
probabilities, so that it holds at every threshold (``explorer.metrics.splitting_predictions``). Objects of all other
sizes are kept, so that one measurement serves every minimum area. No torch: the server reads these files.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.imagery.match_rule import HALF_IOU, MatchRule
from explorer.imagery.scene import Scene
from explorer.metrics.class_map import STEPS
from explorer.metrics.curves import Curve, ObjectSweep, PixelCurve, ToleranceCurve
from explorer.metrics.matching import LabelObjects, Matching, find_label_objects, match
from explorer.metrics.objects import ObjectRecord, list_objects
from explorer.runs.folder import RunFolder

Scope = Literal["pixel", "object"]

_PIXEL = ("thresholds", "true_positives", "false_positives", "false_negatives")
_OBJECT = ("thresholds", "areas", "ious", "alarm_areas", "alarms")
_FOUND = "found"  # files of earlier versions have none: what is found has an IoU there
_TOLERANCE = tuple(each.name for each in fields(ToleranceCurve))


@dataclass(frozen=True, eq=False)
class ClassSweep:
    """Pixels of one foreground class, and its objects or its pixels within a tolerance, as the match rule says."""

    pixel: PixelCurve
    object: ObjectSweep  # without any object where the rule counts pixels
    tolerance: ToleranceCurve | None = None  # None: the rule counts objects

    def curve(self, scope: Scope, minimum_area: int) -> Curve:
        """The curve of pixels, or the one under the match rule, of objects with this minimum area in pixels."""
        return self.pixel if scope == "pixel" else self.tolerance or self.object.curve(minimum_area)


@dataclass(frozen=True, eq=False)
class ThresholdSweep:
    """One checkpoint on the validation scenes."""

    checkpoint: str
    scenes: tuple[str, ...]  # names, in the order of the validation scenes
    classes: tuple[ClassSweep, ...]  # of class 1, 2, …
    probabilities: tuple[NDArray[np.uint16], ...]  # one a scene: (K − 1, H, W), in 1/STEPS, rounded down, after cuts
    match_rule: MatchRule = HALF_IOU

    def of_class(self, class_id: int) -> ClassSweep:
        """The curves of a class of id 1 or more."""
        return self.classes[class_id - 1]

    def predicted(
        self, scene: int, class_id: int, threshold: float, part: tuple[int, int, int, int] | None = None
    ) -> NDArray[np.bool_]:
        """(H, W): where the class's probability is at least the threshold.

        Args:
            scene: its position.
            class_id: 1 or more.
            threshold: 0 to 1.
            part: top, left, height and width in pixels; None: the whole scene.
        """
        values = self.probabilities[scene][class_id - 1]
        if part is not None:
            top, left, height, width = part
            values = values[top : top + height, left : left + width]
        mask: NDArray[np.bool_] = values >= round(threshold * STEPS)
        return mask

    def objects(
        self, scenes: Sequence[Scene], class_id: int, threshold: float, minimum_area: int
    ) -> list[tuple[ObjectRecord, ...]]:
        """The objects of each scene at a threshold: found, missed, and false alarms.

        Args:
            scenes: the validation scenes, in their order.
            class_id: 1 or more.
            threshold: 0 to 1.
            minimum_area: in pixels; see :mod:`explorer.metrics.matching`.

        Returns:
            One list a scene; they are empty where the match rule counts pixels.
        """
        if not self.match_rule.counts_objects:
            return [() for _ in scenes]
        found = []
        for number, scene in enumerate(scenes):
            objects = find_label_objects(scene.label, class_id, scene.objects)
            matching = self.matched(number, objects, class_id, threshold)
            found.append(list_objects(matching, objects, minimum_area))
        return found

    def matched(self, scene: int, objects: LabelObjects, class_id: int, threshold: float) -> Matching:
        """What is predicted at a threshold, matched with the objects of the class in the label of that scene."""
        return match(self.predicted(scene, class_id, threshold), objects, self.match_rule)


def sweep_file(folder: RunFolder, checkpoint: str, rule: MatchRule = HALF_IOU, split: bool = False) -> Path:
    """Where the measurement of a checkpoint is kept, one file for each match rule.

    Earlier versions kept curves of one minimum area in ``tradeoffs``, which are not read.

    Args:
        folder: of the run.
        checkpoint: its name.
        rule: of the measurement.
        split: whether neighbours were separated.
    """
    rule_part = "" if rule == HALF_IOU else f"-{str(rule).replace(':', '-')}"
    return folder.path / "sweeps" / f"{Path(checkpoint).stem}{rule_part}{'-split' if split else ''}.npz"


def save_sweep(measured: ThresholdSweep, path: Path) -> None:
    """Writes the file whole or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {
        f"probabilities_{i}": values for i, values in enumerate(measured.probabilities)
    }
    for class_id, both in enumerate(measured.classes, start=1):
        arrays |= {f"pixel_{class_id}_{name}": getattr(both.pixel, name) for name in _PIXEL}
        arrays |= {f"object_{class_id}_{name}": getattr(both.object, name) for name in (*_OBJECT, _FOUND)}
        if both.tolerance is not None:
            arrays |= {f"tolerance_{class_id}_{name}": getattr(both.tolerance, name) for name in _TOLERANCE}
    meta = {
        "checkpoint": measured.checkpoint,
        "scenes": measured.scenes,
        "classes": len(measured.classes),
        "match_rule": str(measured.match_rule),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, meta=np.array(json.dumps(meta)), **arrays)  # type: ignore[arg-type]
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, buffer.getvalue())


def load_sweep(path: Path) -> ThresholdSweep:
    """Reads what ``save_sweep`` wrote.

    Raises:
        InputError: the file is not there or cannot be read.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            meta = json.loads(str(file["meta"]))
            classes = tuple(_class_sweep(file, class_id) for class_id in range(1, meta["classes"] + 1))
            probabilities = tuple(file[f"probabilities_{i}"] for i in range(len(meta["scenes"])))
            rule = MatchRule.parse(meta.get("match_rule", str(HALF_IOU)))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot be read ({error})", path.name, "measure the checkpoint again") from None
    return ThresholdSweep(meta["checkpoint"], tuple(meta["scenes"]), classes, probabilities, rule)


def _class_sweep(file: Mapping[str, Any], class_id: int) -> ClassSweep:
    of_objects = {name: file[f"object_{class_id}_{name}"] for name in _OBJECT}
    found = f"object_{class_id}_{_FOUND}"
    of_objects[_FOUND] = file[found] if found in file else of_objects["ious"] > 0
    within = [file[key] for name in _TOLERANCE if (key := f"tolerance_{class_id}_{name}") in file]
    return ClassSweep(
        PixelCurve(*(file[f"pixel_{class_id}_{name}"] for name in _PIXEL)),
        ObjectSweep(**of_objects),
        ToleranceCurve(*within) if within else None,
    )
