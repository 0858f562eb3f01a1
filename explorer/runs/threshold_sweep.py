"""A threshold sweep: what a checkpoint predicts on the validation scenes at every threshold. Measured once, then read.

Probabilities are kept in whole thousandths, rounded down, so that "at least the threshold" means the same for the
curves, the overlay and the table of objects. No torch: the server reads these files.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import InputError
from explorer.files import write_atomically
from explorer.metrics.curves import ObjectCurve, PixelCurve
from explorer.metrics.matching import find_label_objects, match
from explorer.metrics.objects import ObjectRecord, list_objects
from explorer.runs.folder import RunFolder

STEPS = 1000
"""Thresholds are whole multiples of 1/STEPS."""

_COUNTS = ("thresholds", "true_positives", "false_positives", "false_negatives")


@dataclass(frozen=True, eq=False)
class ClassSweep:
    """Both curves of one foreground class."""

    pixel: PixelCurve
    object: ObjectCurve


@dataclass(frozen=True, eq=False)
class ThresholdSweep:
    """One checkpoint on the validation scenes."""

    checkpoint: str
    scenes: tuple[str, ...]  # names, in the order of the validation scenes
    classes: tuple[ClassSweep, ...]  # of class 1, 2, …
    probabilities: tuple[NDArray[np.uint16], ...]  # one a scene: (K − 1, H, W), in 1/STEPS, rounded down

    def of_class(self, class_id: int) -> ClassSweep:
        """The curves of a class of id 1 or more."""
        return self.classes[class_id - 1]

    def predicted(self, scene: int, class_id: int, threshold: float) -> NDArray[np.bool_]:
        """(H, W): where the class's probability is at least the threshold."""
        mask: NDArray[np.bool_] = self.probabilities[scene][class_id - 1] >= round(threshold * STEPS)
        return mask

    def objects(
        self, labels: Sequence[NDArray[np.uint8]], class_id: int, threshold: float
    ) -> list[tuple[ObjectRecord, ...]]:
        """The objects of each scene at a threshold: found, missed, and false alarms.

        Args:
            labels: (H, W) of the validation scenes, in their order.
        """
        found = []
        for scene, label in enumerate(labels):
            objects = find_label_objects(label, class_id)
            found.append(list_objects(match(self.predicted(scene, class_id, threshold), objects), objects))
        return found


def sweep_file(folder: RunFolder, checkpoint: str) -> Path:
    """Where the measurement of a checkpoint is kept."""
    return folder.path / "tradeoffs" / f"{Path(checkpoint).stem}.npz"


def save_sweep(measured: ThresholdSweep, path: Path) -> None:
    """Writes the file whole or not at all."""
    arrays: dict[str, NDArray[np.generic]] = {
        f"probabilities_{i}": values for i, values in enumerate(measured.probabilities)
    }
    for class_id, both in enumerate(measured.classes, start=1):
        for scope, curve in (("pixel", both.pixel), ("object", both.object)):
            for name in _COUNTS:
                arrays[f"{scope}_{class_id}_{name}"] = getattr(curve, name)
        arrays[f"object_{class_id}_iou_sum"] = both.object.iou_sum
    meta = {"checkpoint": measured.checkpoint, "scenes": measured.scenes, "classes": len(measured.classes)}
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
            classes = tuple(
                ClassSweep(
                    PixelCurve(*_counts(file, f"pixel_{k}")),
                    ObjectCurve(*_counts(file, f"object_{k}"), file[f"object_{k}_iou_sum"]),
                )
                for k in range(1, meta["classes"] + 1)
            )
            probabilities = tuple(file[f"probabilities_{i}"] for i in range(len(meta["scenes"])))
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"cannot be read ({error})", path.name, "measure the checkpoint again") from None
    return ThresholdSweep(meta["checkpoint"], tuple(meta["scenes"]), classes, probabilities)


def _counts(file: Any, prefix: str) -> tuple[Any, Any, Any, Any]:
    thresholds, true, false, missed = (file[f"{prefix}_{name}"] for name in _COUNTS)
    return thresholds, true, false, missed
